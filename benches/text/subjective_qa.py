"""SubjECTive-QA: how executives answer analysts, in six aspects of three classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, nonempty
from prefgauge.registry import (
    BenchCard,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Reference,
    RowBench,
    Sample,
)
from prefgauge.registry.rows import first_of

__all__ = ["ASPECTS", "SubjectiveQA"]

ASPECTS = ("CLEAR", "ASSERTIVE", "CAUTIOUS", "OPTIMISTIC", "SPECIFIC", "RELEVANT")
_SOURCE = "gtfintechlab/SubjECTive-QA @612ff46, GPT-4o outputs on 550 test rows, {}, weighted F1"
_GPT4O = {
    "CLEAR": 0.6000,
    "ASSERTIVE": 0.4747,
    "CAUTIOUS": 0.4168,
    "OPTIMISTIC": 0.5946,
    "SPECIFIC": 0.4712,
    "RELEVANT": 0.6383,
}


class SubjectiveQA(RowBench):
    """The test split of seed 5768; each aspect is a dimension with classes 0, 1, 2."""

    card = BenchCard(
        id="subjective-qa",
        title="SubjECTive-QA: six aspects of answers in earnings calls",
        modality="text",
        task="question answering",
        label_kinds=("rating",),
        label_source="human",
        licence="CC-BY-4.0",
        citation="Pardawala et al., SubjECTive-QA: Measuring Subjectivity in Earnings Call "
        "Transcripts' QA Through Six-Dimensional Feature Analysis, NeurIPS 2024, arXiv:2410.20651",
        homepage="https://github.com/gtfintechlab/SubjECTive-QA",
        dimensions=tuple(Dimension(name, scale=(0.0, 2.0)) for name in ASPECTS),
        size=550,
        files=(hub_split("subjective-qa", "gtfintechlab/SubjECTive-QA", "test", config="5768"),),
        references=tuple(
            Reference(
                "GPT-4o",
                value,
                _SOURCE.format(name),
                metric=None if name == "CLEAR" else f"weighted F1, {name}",
            )
            for name, value in _GPT4O.items()
        ),
        warning="classes are very skewed: 478 of 550 test answers are fully CLEAR. The scores must "
        "be classes 0, 1 or 2 (they are rounded): a judge asked for them gives them, a reward "
        "model does not, and gets no headline but a rank correlation (srcc) beside it",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="subjective-qa",
        source="arXiv:2410.20651: weighted F1 of the predicted class, per aspect",
        headline=MetricUse("rating-weighted-f1"),
        dimension="CLEAR",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One question and answer with the class of each aspect."""
        return Sample(
            id=default_id,
            prompt=chat(nonempty(row, "QUESTION")),
            candidates=(answer(nonempty(row, "ANSWER")),),
            labels=tuple(Rating(0, _class(row, name), name) for name in ASPECTS),
            tags={"company": str(first_of(row, "COMPANYNAME", "TICKER"))},
        )


def _class(row: Mapping[str, Any], name: str) -> float:
    value = float(row[name])
    if value not in {0.0, 1.0, 2.0}:
        raise ValueError(f"{name} is {row[name]!r}, expected 0, 1 or 2")
    return value
