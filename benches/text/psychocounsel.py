"""PsychoCounsel-Preference: therapists' answers compared and rated by GPT-4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Dimension,
    Preference,
    Protocol,
    Rating,
    RowBench,
    Sample,
)

__all__ = ["PRINCIPLES", "PsychoCounsel"]

PRINCIPLES = (
    "empathy",
    "relevance",
    "clarity",
    "safety",
    "exploration",
    "autonomy",
    "staging",
)
_SIDES = ("chosen", "rejected")


class PsychoCounsel(RowBench):
    """The test split: an overall preference, and seven ratings of each side."""

    card = BenchCard(
        id="psychocounsel",
        title="PsychoCounsel-Preference test: answers to people seeking counsel",
        modality="text",
        task="counselling",
        label_kinds=("preference", "rating"),
        label_source="ai",
        licence="CC-BY-NC-4.0",
        commercial=False,
        citation="Zhang et al., Preference Learning Unlocks LLMs' Psycho-Counseling Skills, 2025, "
        "arXiv:2502.19731",
        homepage="https://huggingface.co/datasets/Psychotherapy-LLM/PsychoCounsel-Preference",
        dimensions=(
            Dimension("overall"),
            *(Dimension(name, scale=(1.0, 5.0)) for name in PRINCIPLES),
        ),
        size=2324,
        files=(hub_split("psychocounsel", "Psychotherapy-LLM/PsychoCounsel-Preference", "test"),),
        references=percent(
            "arXiv:2502.19731, reward models trained on this set",
            {"PsychoCounsel reward model, best": 98.1, "PsychoCounsel reward model, other": 97.8},
        ),
        warning="labels are GPT-4's (experts agreed with 88.5 per cent); people write of distress",
        unverified=("the Hub revision is not pinned", "the scale of the ratings"),
    )
    protocol = Protocol(
        name="psychocounsel",
        source="arXiv:2502.19731: accuracy of reward models on the test split",
        headline=STRICT,
        by_form=JUDGES,
        dimension="overall",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair, the chosen answer first, with the seven ratings of both sides; a rating that
        is absent is no label."""
        ratings = tuple(
            Rating(number, float(row[f"{side}_{name}_rating"]), name)
            for number, side in enumerate(_SIDES)
            for name in PRINCIPLES
            if row.get(f"{side}_{name}_rating") is not None
        )
        return Sample(
            id=str(row.get("prefID", default_id)),
            prompt=chat(row["question"]),
            candidates=(answer(row["chosen"]), answer(row["rejected"])),
            labels=(Preference(0, 1, "first"), *ratings),
            systems=tuple(str(row.get(f"{side}_model", "unknown")) for side in _SIDES),
        )
