"""UltraFeedback: four answers per prompt, rated on four aspects by GPT-4 (not by people)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat
from prefgauge.registry import (
    BenchCard,
    Dimension,
    Label,
    MetricUse,
    Protocol,
    Rating,
    RowBench,
    Sample,
)

__all__ = ["ASPECTS", "UltraFeedback"]

ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
#: The upload before 2023-12-29 gave some answers an overall score of 10 that was a misread 1.
_MISREAD, _BAD, _DOUBTFUL = 10.0, 2.0, 4.0


class UltraFeedback(RowBench):
    """Agreement with GPT-4, not with people: correlation of scores with its overall score within
    each prompt."""

    card = BenchCard(
        id="ultrafeedback",
        title="UltraFeedback: GPT-4's ratings of four answers per prompt",
        modality="text",
        task="chat",
        label_kinds=("rating",),
        label_source="ai",
        licence="MIT",
        citation="Cui et al., UltraFeedback: Boosting Language Models with Scaled AI Feedback, "
        "ICML 2024, arXiv:2310.01377",
        homepage="https://github.com/OpenBMB/UltraFeedback",
        dimensions=(
            Dimension("overall", scale=(1.0, 10.0)),
            *(Dimension(name, scale=(1.0, 5.0)) for name in ASPECTS),
        ),
        size=63967,
        files=(hub_split("ultrafeedback", "openbmb/UltraFeedback", "train"),),
        warning="the labels are GPT-4's. Overall scores of 10 in uploads before 2023-12-29 may be "
        "misread ones: beside an aspect mean of 2 or less they are read as 1, of 4 or less left out",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="ultrafeedback",
        source="Spearman correlation with overall_score within each prompt, averaged; the paper "
        "publishes no protocol for scorers on this set",
        headline=MetricUse("srcc", {"level": "group"}),
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One prompt. A rating of ``"N/A"`` is no label; a prompt without completions (some are
        published so) is no sample."""
        completions = list(row["completions"])
        if not completions:
            return None
        return Sample(
            id=default_id,
            prompt=chat(row["instruction"]),
            candidates=tuple(answer(item["response"]) for item in completions),
            labels=tuple(
                label for number, item in enumerate(completions) for label in _labels(number, item)
            ),
            tags={"subset": str(row["source"])},
            systems=tuple(str(item["model"]) for item in completions),
        )


def _labels(number: int, item: Mapping[str, Any]) -> Iterator[Label]:
    overall = _overall(item)
    if overall is not None:
        yield Rating(number, overall)
    for name in ASPECTS:
        rating = str(item["annotations"][name]["Rating"])
        if rating != "N/A":
            yield Rating(number, float(rating), name)


def _overall(item: Mapping[str, Any]) -> float | None:
    score, mean = item["overall_score"], item.get("fine-grained_score")
    if score is None:
        return None
    if float(score) == _MISREAD and mean is not None:
        if float(mean) <= _BAD:
            return 1.0
        if float(mean) <= _DOUBTFUL:
            return None
    return float(score)
