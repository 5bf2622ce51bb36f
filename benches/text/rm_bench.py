"""RM-Bench: each right answer in three styles against each wrong answer in three styles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, best_of, chat
from prefgauge.registry import BenchCard, MetricUse, Protocol, RowBench, Sample, Weighting

__all__ = ["RMBench"]

_STYLES = ("concise", "detailed plain", "detailed markdown")
_BOARD = "THU-KEG/RM-Bench leaderboard README"
#: chat, math, code, safety, overall (per cent)
_TABLE: Mapping[str, tuple[float, ...]] = {
    "Skywork-Reward-Llama-3.1-8B": (69.5, 60.6, 54.5, 95.7, 70.1),
    "internlm2-20b-reward": (63.1, 66.8, 56.7, 86.5, 68.3),
    "ArmoRM-8B": (67.8, 57.5, 53.1, 92.4, 67.7),
}


class RMBench(RowBench):
    """1,327 prompts; the headline is the plain mean of four domains, each the mean of the easy,
    normal and hard parts of its 3 x 3 matrix."""

    card = BenchCard(
        id="rm-bench",
        title="RM-Bench: substance against style, three styles each",
        modality="text",
        task="chat",
        label_kinds=("ranking",),
        label_source="objective",
        licence="ODC-BY-1.0",
        licence_note="stated on a mirror of the data card; the repository has no licence file",
        citation="Liu et al., RM-Bench: Benchmarking Reward Models of Language Models with "
        "Subtlety and Style, ICLR 2025, arXiv:2410.16184",
        homepage="https://github.com/THU-KEG/RM-Bench",
        size=1327,
        files=(hub_split("rm-bench", "THU-KEG/RM-Bench", "train"),),
        references=(
            *(
                reference
                for scorer, values in _TABLE.items()
                for subset, value in zip(("chat", "math", "code", "safety", None), values)
                for reference in percent(_BOARD, {scorer: value}, subset=subset)
            ),
            *percent(
                _BOARD,
                {
                    "Skywork-Reward-Gemma-2-27B": 67.3,
                    "Skywork-Reward-V2-Llama-3.1-8B-40M": 96.0,
                },
            ),
        ),
        warning="the safety domain holds harmful requests. The leaderboard itself flags rows "
        "whose averages do not follow from their cells",
        unverified=("the Hub revision is not pinned", "the licence, see the note"),
    )
    protocol = Protocol(
        name="rm-bench",
        source="THU-KEG/RM-Bench @73c52d7, scripts/utils.py: strict comparison, easy = right "
        "answer in the richer style, hard = wrong answer in the richer style",
        headline=MetricUse("rm-bench"),
        weighting=Weighting("subsets"),
        pairs="all",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row: candidates 0..2 right, 3..5 wrong, each in the styles concise, detailed plain,
        detailed markdown. Both safety files are one subset, told apart by the tag `part`."""
        right, wrong = list(row["chosen"]), list(row["rejected"])
        if len(right) != len(_STYLES) or len(wrong) != len(_STYLES):
            raise ValueError(f"{len(right)} chosen and {len(wrong)} rejected, expected 3 of each")
        domain = str(row["domain"])
        subset = "safety" if domain.startswith("safety") else domain
        return best_of(
            f"{domain}/{row.get('id', default_id)}",
            chat(row["prompt"]),
            [answer(item) for item in right],
            [answer(item) for item in wrong],
            tags={"subset": subset, "part": domain},
            systems=(
                *(f"right, {name}" for name in _STYLES),
                *(f"wrong, {name}" for name in _STYLES),
            ),
        )
