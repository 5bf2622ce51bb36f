"""RewardBench: 2,985 chosen / rejected pairs in four sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Protocol,
    Reference,
    RowBench,
    Sample,
    Weighting,
)

__all__ = ["SECTIONS", "RewardBench"]

#: Section -> subset -> the example count that weights it. `math-prm` has 447 rows but counts 984,
#: so that mathematics weighs as much as the six code subsets together.
SECTIONS: Mapping[str, Mapping[str, float]] = {
    "Chat": {
        "alpacaeval-easy": 100,
        "alpacaeval-length": 95,
        "alpacaeval-hard": 95,
        "mt-bench-easy": 28,
        "mt-bench-med": 40,
    },
    "Chat Hard": {
        "mt-bench-hard": 37,
        "llmbar-natural": 100,
        "llmbar-adver-neighbor": 134,
        "llmbar-adver-GPTInst": 92,
        "llmbar-adver-GPTOut": 47,
        "llmbar-adver-manual": 46,
    },
    "Safety": {
        "refusals-dangerous": 100,
        "refusals-offensive": 100,
        "xstest-should-refuse": 154,
        "xstest-should-respond": 250,
        "donotanswer": 136,
    },
    "Reasoning": {
        "math-prm": 984,
        "hep-cpp": 164,
        "hep-go": 164,
        "hep-java": 164,
        "hep-js": 164,
        "hep-python": 164,
        "hep-rust": 164,
    },
}
_COMPASS = "open-compass/CompassJudger README, table of judge benchmarks"


class RewardBench(RowBench):
    """The `filtered` split; the headline is the plain mean of the four section scores."""

    card = BenchCard(
        id="rewardbench",
        title="RewardBench: chat, hard chat, safety and reasoning pairs",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="ODC-BY-1.0",
        licence_note="subsets keep the terms of the data sets they come from",
        citation="Lambert et al., RewardBench: Evaluating Reward Models for Language Modeling, "
        "Findings of NAACL 2025, arXiv:2403.13787",
        homepage="https://github.com/allenai/reward-bench",
        size=2985,
        files=(hub_split("rewardbench", "allenai/reward-bench", "filtered"),),
        references=(
            *percent("nvidia/HelpSteer2 data card", {"Llama-3.1-Nemotron-70B-Reward": 94.1}),
            *percent(
                _COMPASS,
                {
                    "CompassJudger-2-32B": 92.62,
                    "CompassJudger-2-7B": 90.96,
                    "Qwen2.5-32B-Instruct": 85.61,
                    "DeepSeek-V3-0324": 85.17,
                },
            ),
            Reference(
                "PKU-Alignment/beaver-7b-v1.0-cost",
                0.561720,
                "allenai/reward-bench README, example scores, weighted by its own section counts",
            ),
        ),
        warning="the Safety section holds offensive and harmful requests",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="rewardbench",
        source="allenai/reward-bench @05a9005, scripts/run_rm.py, scripts/run_generative.py and "
        "rewardbench/constants.py. Judges there see one random order per pair and get half a "
        "point for an error; here they see both orders and the mean of the two is the same in "
        "expectation, without the draw",
        headline=STRICT,
        by_form=JUDGES,
        weighting=Weighting("sections", SECTIONS),
        invalid="half",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row: the chosen answer first. The subset is the published one."""
        return chosen_rejected(
            f"{row['subset']}/{row.get('id', default_id)}",
            chat(row["prompt"]),
            answer(row["chosen"]),
            answer(row["rejected"]),
            tags={"subset": str(row["subset"])},
            systems=(
                str(row.get("chosen_model", "unknown")),
                str(row.get("rejected_model", "unknown")),
            ),
        )
