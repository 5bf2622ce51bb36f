"""Math-Step-DPO: the next step of a solution, right or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Protocol, RowBench, Sample

__all__ = ["StepDPO"]


class StepDPO(RowBench):
    """10,795 pairs: the same first steps, then a right or a wrong one."""

    card = BenchCard(
        id="step-dpo",
        title="Math-Step-DPO-10K: a right or a wrong next step",
        modality="text",
        task="mathematics",
        label_kinds=("preference",),
        label_source="ai",
        licence="not stated",
        licence_note="a third party lists the data as CC-BY-NC-4.0",
        commercial=None,
        citation="Lai et al., Step-DPO: Step-wise Preference Optimization for Long-chain Reasoning "
        "of LLMs, 2024, arXiv:2406.18629",
        homepage="https://huggingface.co/datasets/xinlai/Math-Step-DPO-10K",
        size=10795,
        files=(
            hub_split(
                "step-dpo",
                "xinlai/Math-Step-DPO-10K",
                "train",
                revision="e51435d44708ac38988d76ee16a1362ac0040b6c",
            ),
        ),
        warning="published to train with; models trained on it will look too good. The wrong step "
        "was found with the help of GPT-4",
        unverified=("the licence",),
    )
    protocol = Protocol(
        name="step-dpo",
        source="accuracy of the right step over the wrong one; the paper publishes none for scorers",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair: each candidate is the steps so far, which both share, and the next step."""
        steps = str(row["initial_reason_steps"] or "")
        return chosen_rejected(
            default_id,
            chat(row["prompt"]),
            answer(steps + str(row["chosen"])),
            answer(steps + str(row["rejected"])),
            tags={"subset": str(row.get("dataset", "all"))},
        )
