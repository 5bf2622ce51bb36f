"""RewardBench 2: one right answer against three, and prompts with several right answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, best_of, chat
from prefgauge.registry import (
    BenchCard,
    MetricUse,
    Protocol,
    RowBench,
    Sample,
    Weighting,
)

__all__ = ["RewardBench2"]

_PAPER = "arXiv:2506.01937, table 3"
#: average, Factuality, Precise IF, Math, Safety, Focus, Ties (per cent)
_TABLE: Mapping[str, tuple[float, ...]] = {
    "gemini-2.5-flash-preview-04-17": (77.2, 65.7, 55.3, 81.1, 90.9, 86.7, 83.4),
    "QRM-Gemma-2-27B": (76.7, 78.5, 37.2, 69.9, 95.8, 95.4, 83.2),
    "INF-ORM-Llama3.1-70B": (76.5, 74.1, 41.9, 69.9, 96.4, 90.3, 86.2),
    "Skywork-Reward-Gemma-2-27B": (75.8, 73.7, 40.3, 70.5, 94.2, 93.2, 82.6),
    "Skywork-Reward-Llama-3.1-8B": (73.1, 69.9, 42.5, 62.8, 93.3, 96.2, 74.1),
    "claude-opus-4": (76.5,),
    "ArmoRM-8B": (66.5,),
    "gpt-4o-2024-08-06": (64.9,),
}
_COLUMNS = (None, "Factuality", "Precise IF", "Math", "Safety", "Focus", "Ties")


class RewardBench2(RowBench):
    """Six subsets; the headline is their plain mean, `Ties` by its own formula."""

    card = BenchCard(
        id="rewardbench2",
        title="RewardBench 2: best of four, and ties",
        modality="text",
        task="chat",
        label_kinds=("ranking",),
        label_source="objective",
        licence="ODC-BY-1.0",
        licence_note="answers come from models with their own terms",
        citation="Malik et al., RewardBench 2: Advancing Reward Model Evaluation, 2025, "
        "arXiv:2506.01937",
        homepage="https://github.com/allenai/reward-bench",
        size=1865,
        files=(hub_split("rewardbench2", "allenai/reward-bench-2", "test"),),
        references=tuple(
            reference
            for scorer, values in _TABLE.items()
            for subset, value in zip(_COLUMNS, values)
            for reference in percent(_PAPER, {scorer: value}, subset=subset)
        ),
        warning="the Safety subset holds offensive and harmful requests",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="rewardbench2",
        source="allenai/reward-bench @05a9005, scripts/run_v2.py and rewardbench/utils.py "
        "(process_single_model); an unreadable choice among four counts a quarter",
        headline=MetricUse("rewardbench2"),
        weighting=Weighting("subsets"),
        invalid="quarter",
        pairs="all",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row: right answers first (rank 1), then wrong ones (rank 2).

        Rows of the subset Ties are named ``ref:N`` (one right answer) and ``tied:N`` (several);
        the two of one N share the group ``ties:N``, which is how the formula pairs them.
        """
        name, subset = str(row.get("id", default_id)), str(row["subset"])
        group = None
        if subset == "Ties":
            kind, _, number = name.partition(":")
            if kind not in {"ref", "tied"} or not number:
                raise ValueError(f"id of a Ties row is {name!r}, expected 'ref:N' or 'tied:N'")
            group = f"ties:{number}"
        return best_of(
            name if subset == "Ties" else f"{subset}/{name}",
            chat(row["prompt"]),
            [answer(item) for item in row["chosen"]],
            [answer(item) for item in row["rejected"]],
            tags={"subset": subset},
            group=group,
        )
