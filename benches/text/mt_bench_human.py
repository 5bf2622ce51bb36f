"""MT-Bench human judgments: 3,355 votes of experts on pairs of two-turn conversations."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import conversation_pair, winner_of
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import (
    BenchCard,
    Label,
    MetricUse,
    Preference,
    Protocol,
    Reference,
    Sample,
)
from prefgauge.registry.labels import Winner

__all__ = ["MTBenchHuman"]

_PAPER = "arXiv:2306.05685, table 5 (both turns)"
_SWAPPED: dict[Winner, Winner] = {"first": "second", "second": "first", "tie": "tie"}


class MTBenchHuman(GroupBench):
    """One sample per question, pair of models and turn, with every vote as a label of its own:
    the headline agrees vote by vote, as published, not with a majority."""

    adjacent = False
    card = BenchCard(
        id="mt-bench-human",
        title="MT-Bench human judgments: expert votes on two-turn conversations",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-4.0",
        citation="Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, "
        "NeurIPS 2023, arXiv:2306.05685",
        homepage="https://huggingface.co/datasets/lmsys/mt_bench_human_judgments",
        files=(hub_split("mt-bench-human", "lmsys/mt_bench_human_judgments", "human"),),
        references=(
            Reference("GPT-4, pairs, with ties", 0.66, _PAPER),
            Reference("humans, with ties", 0.63, _PAPER),
            Reference("GPT-4, pairs, without ties", 0.85, _PAPER, metric="pair-accuracy, strict"),
            Reference("humans, without ties", 0.81, _PAPER, metric="pair-accuracy, strict"),
        ),
        unverified=(
            "the references are from memory",
            "the Hub revision is not pinned; the one looked at begins with f7d2896d",
        ),
    )
    protocol = Protocol(
        name="mt-bench-agreement",
        source="lm-sys/FastChat, fastchat/llm_judge/compute_agreement.py: models in canonical "
        "order, every human vote against the judge's single verdict, any tie equals a tie; a judge "
        "that contradicts itself in the two orders is counted as a tie",
        headline=MetricUse("pair-accuracy", {"ties": "three-way"}),
        orders="both",
    )

    def key(self, row: Row) -> Hashable:
        """Question, turn and the two models, whichever is called a."""
        models = sorted((str(row["model_a"]), str(row["model_b"])))
        return int(row["question_id"]), int(row["turn"]), *models

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """All votes on one pair of conversations. In the second turn the prompt is the first
        question alone, and each candidate is the rest of its conversation."""
        head = rows[0]
        models = sorted((str(head["model_a"]), str(head["model_b"])))
        names = ("conversation_a", "conversation_b")
        first, second = names if head["model_a"] == models[0] else names[::-1]
        question, turn = int(head["question_id"]), int(head["turn"])
        end = 2 * turn
        prompt, left, right = conversation_pair(head[first][:end], head[second][:end])
        yield Sample(
            id=f"{question}/{turn}/{models[0]}/{models[1]}",
            prompt=prompt,
            candidates=(left, right),
            labels=tuple(label for row in rows for label in _vote(row, models[0])),
            tags={"subset": f"turn {turn}"},
            systems=(models[0], models[1]),
            group=f"question {question}",
        )


def _vote(row: Row, first_model: str) -> tuple[Label, Label]:
    """A vote twice: for the headline, and under the name of who gave it."""
    winner, _ = winner_of(row["winner"])
    if row["model_a"] != first_model:
        winner = _SWAPPED[winner]
    return Preference(0, 1, winner), Preference(0, 1, winner, rater=str(row["judge"]))
