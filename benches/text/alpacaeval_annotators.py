"""AlpacaEval annotators: 2,596 human votes, four on each of about 650 pairs of outputs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from prefgauge.benches.common.files import hub_file, percent
from prefgauge.benches.text.build import answer, chat, majority
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import BenchCard, Label, MetricUse, Preference, Protocol, Sample
from prefgauge.registry.labels import Winner

__all__ = ["AlpacaEvalAnnotators", "leave_one_out"]

_BOARD = "tatsu-lab/alpaca_eval @cd543a1, evaluators_leaderboard.csv, column Human agreement"
_AGREEMENT = {
    "alpaca_eval_gpt4_fn": 70.987654,
    "improved_aviary_gpt4": 69.753086,
    "alpaca_eval_gpt4": 69.174383,
    "aviary_gpt4": 68.364198,
    "alpaca_eval_gpt4_turbo_fn": 68.094136,
    "Self-taught-llama3.1-70B-dpo": 68.039376,
    "claude_ranking": 67.592593,
    "alpaca_eval_llama3_70b_fn": 67.530919,
    "gpt4": 66.936728,
    "alpaca_farm_greedy_gpt4": 66.435185,
    "weighted_alpaca_eval_gpt4_turbo": 65.731988,
    "humans": 65.663580,
    "claude": 65.316358,
    "lmsys_gpt4": 65.258488,
    "text_davinci_003": 64.081790,
    "guanaco_33b": 62.749446,
    "longest": 62.191358,
    "chatgpt_fn": 59.992284,
    "alpaca_farm": 57.805255,
    "chatgpt": 57.282017,
    "cohere": 56.609643,
}


class AlpacaEvalAnnotators(GroupBench):
    """Agreement with the majority of three annotators, averaged over which of the four is left
    out: the same computation that gives the human ceiling of 65.7 per cent."""

    adjacent = False
    card = BenchCard(
        id="alpacaeval-annotators",
        title="AlpacaEval cross-annotations: four human votes per pair",
        modality="text",
        task="instruction following",
        label_kinds=("preference",),
        label_source="human",
        licence="Apache-2.0",
        licence_note="that of the code; the data derive from AlpacaFarm (CC-BY-NC-4.0)",
        commercial=None,
        citation="Dubois et al., AlpacaFarm: A Simulation Framework for Methods that Learn from "
        "Human Feedback, NeurIPS 2023, arXiv:2305.14387; Li et al., AlpacaEval, 2023",
        homepage="https://github.com/tatsu-lab/alpaca_eval",
        files=(
            hub_file(
                "alpacaeval-annotators",
                "tatsu-lab/alpaca_eval",
                "alpaca_farm_human_crossannotations.json",
            ),
        ),
        references=percent(_BOARD, _AGREEMENT),
        unverified=(
            "the Hub revision is not pinned",
            "the licence of the cross-annotations",
            "that `preference` is 1 or 2 (values between count as a tie)",
        ),
    )
    protocol = Protocol(
        name="alpacaeval-human-agreement",
        source="tatsu-lab/alpaca_eval README, Human agreement: accuracy against the mode of three "
        "of the four annotators, averaged over the one left out. A mode that is not unique (which "
        "needs a tied vote or fewer votes) is drawn at random there and left out here",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
    )

    def key(self, row: Row) -> Hashable:
        """The instruction and its two outputs, in either order."""
        outputs = sorted((str(row["output_1"]), str(row["output_2"])))
        return str(row["instruction"]), str(row.get("input") or ""), *outputs

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """All votes on one pair of outputs."""
        head = rows[0]
        votes: dict[str, Winner] = {}
        for number, row in enumerate(rows):
            name = f"annotator-{row.get('annotator_index', number)}"
            votes[name if name not in votes else f"{name}/{number}"] = _vote(row, head)
        instruction, extra = str(head["instruction"]), str(head.get("input") or "")
        modes = leave_one_out(list(votes.values()))
        labels: list[Label] = [Preference(0, 1, winner) for winner in modes]
        labels += [Preference(0, 1, vote, rater=name) for name, vote in votes.items()]
        yield Sample(
            id=default_id,
            prompt=chat(f"{instruction}\n\n{extra}" if extra else instruction),
            candidates=(answer(head["output_1"]), answer(head["output_2"])),
            labels=tuple(labels),
            tags={"subset": str(head.get("dataset", "all"))},
        )


def _vote(row: Row, head: Row) -> Winner:
    value = float(row["preference"])
    if not 1 <= value <= 2:
        raise ValueError(f"preference is {row['preference']!r}, expected 1 or 2")
    same = row["output_1"] == head["output_1"]
    if value == 1.5:
        return "tie"
    return "first" if (value < 1.5) == same else "second"


def leave_one_out(votes: Sequence[Winner]) -> list[Winner]:
    """The mode of the other votes, once per vote left out; a tie where it is not unique, which
    three votes for one of two outputs never are."""
    if len(votes) < 2:
        raise ValueError(f"{len(votes)} votes: leaving one out needs at least two")
    return [majority([*votes[:at], *votes[at + 1 :]]).winner for at in range(len(votes))]
