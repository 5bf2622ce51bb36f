"""Feedback-Bench: single answers rated 1 to 5 by GPT-4 under a rubric of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat
from prefgauge.registry import (
    BenchCard,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Reference,
    RowBench,
    Sample,
    content,
)

__all__ = ["FeedbackBench"]

_PAPER = "arXiv:2310.08491, correlation with people on 45 rubrics"


class FeedbackBench(RowBench):
    """1,000 answers; Pearson correlation with the score of GPT-4."""

    card = BenchCard(
        id="feedback-bench",
        title="Feedback-Bench: answers rated 1..5 under a rubric",
        modality="text",
        task="instruction following",
        label_kinds=("rating",),
        label_source="ai",
        licence="not stated",
        licence_note="a clone of the data (flowaicom/Feedback-Bench) says Apache-2.0",
        commercial=None,
        citation="Kim et al., Prometheus: Inducing Fine-grained Evaluation Capability in Language "
        "Models, ICLR 2024, arXiv:2310.08491",
        homepage="https://huggingface.co/datasets/prometheus-eval/Feedback-Bench",
        dimensions=(Dimension("overall", scale=(1.0, 5.0)),),
        size=1000,
        files=(hub_split("feedback-bench", "prometheus-eval/Feedback-Bench", "train"),),
        references=tuple(
            Reference(scorer, value, _PAPER, metric="plcc with people, 45 rubrics")
            for scorer, value in (("Prometheus-13B", 0.897), ("GPT-4", 0.882), ("ChatGPT", 0.392))
        ),
        warning="labels are GPT-4's. The references are correlations with people on another set",
        unverified=("the Hub revision is not pinned", "the licence"),
    )
    protocol = Protocol(
        name="feedback-bench",
        source="arXiv:2310.08491, section 5: Pearson, Spearman and Kendall with the given score",
        headline=MetricUse("plcc"),
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One answer; the rubric with its five descriptions and the reference answer are context."""
        score = float(row["orig_score"])
        if not 1 <= score <= 5:
            raise ValueError(f"orig_score is {row['orig_score']!r}, expected 1..5")
        rubric = "\n".join(
            [
                str(row["orig_criteria"]),
                *(f"Score {n}: {row[f'orig_score{n}_description']}" for n in range(1, 6)),
            ]
        )
        return Sample(
            id=default_id,
            prompt=chat(row["orig_instruction"]),
            candidates=(answer(row["orig_response"]),),
            labels=(Rating(0, score),),
            context={
                "rubric": content(rubric),
                "reference": content(str(row["orig_reference_answer"])),
            },
            group=str(row["orig_criteria"]),
        )
