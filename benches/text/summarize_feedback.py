"""Summarize-from-feedback: people compare and rate summaries of Reddit posts and news.

Two benches: `summarize-comparisons` (which of two summaries is better) and `summarize-axis`
(overall, accuracy, coverage and coherence, 1 to 7).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, plain
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Dimension,
    Label,
    MetricUse,
    Preference,
    Protocol,
    Rating,
    Sample,
)
from prefgauge.registry.labels import Winner

__all__ = ["SummarizeAxis", "SummarizeComparisons"]

_HUB = "openai/summarize_from_feedback"
_CITATION = (
    "Stiennon et al., Learning to summarize from human feedback, NeurIPS 2020, arXiv:2009.01325"
)
_HOMEPAGE = "https://github.com/openai/summarize-from-feedback"
_UNVERIFIED = ("the Hub revision is not pinned", "the licence of the labels")
AXES = ("overall", "accuracy", "coverage", "coherence")


def _source(info: Mapping[str, Any]) -> str:
    text = info.get("post") or info.get("article")
    if not text:
        raise ValueError("info has neither a post nor an article")
    title = info.get("title")
    return f"{title}\n\n{text}" if title else str(text)


def _name(info: Mapping[str, Any]) -> str:
    return str(info.get("id") or info.get("title") or "unknown")


class SummarizeComparisons(GroupBench):
    """The validation split. A vote is a label; votes of several workers on the same two summaries
    of a post make one sample."""

    adjacent = False
    card = BenchCard(
        id="summarize-comparisons",
        title="Summarize from feedback: which of two summaries is better",
        modality="text",
        task="summarisation",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        commercial=None,
        citation=_CITATION,
        homepage=_HOMEPAGE,
        files=(hub_split("summarize-comparisons", _HUB, "validation", config="comparisons"),),
        warning="Reddit posts are uncensored",
        unverified=_UNVERIFIED,
    )
    protocol = Protocol(
        name="summarize-comparisons",
        source="arXiv:2009.01325: accuracy, vote by vote",
        headline=STRICT,
        by_form=JUDGES,
    )

    def key(self, row: Row) -> Hashable:
        """The post and its two summaries, in either order."""
        texts = sorted(str(summary["text"]) for summary in row["summaries"])
        return _name(row["info"]), *texts

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """All votes on one pair of summaries."""
        head = rows[0]
        summaries = head["summaries"]
        if len(summaries) != 2:
            raise ValueError(f"{len(summaries)} summaries, expected 2")
        yield Sample(
            id=default_id,
            prompt=chat(_source(head["info"])),
            candidates=tuple(answer(item["text"]) for item in summaries),
            labels=tuple(label for row in rows for label in _choice(row, summaries[0]["text"])),
            tags={"subset": str(head.get("split") or "valid"), "batch": str(head.get("batch"))},
            systems=tuple(str(item["policy"]) for item in summaries),
            group=_name(head["info"]),
        )


def _choice(row: Row, first_text: str) -> tuple[Label, Label]:
    choice = int(row["choice"])
    if choice not in {0, 1}:
        raise ValueError(f"choice is {row['choice']!r}, expected 0 or 1")
    same = row["summaries"][0]["text"] == first_text
    winner: Winner = "first" if (choice == 0) == same else "second"
    confidence = (row.get("extra") or {}).get("confidence")
    strength = None if confidence is None else float(confidence)
    return (
        Preference(0, 1, winner, strength=strength),
        Preference(0, 1, winner, strength=strength, rater=str(row["worker"])),
    )


class SummarizeAxis(GroupBench):
    """The validation split: every rated summary of a post is a candidate, each axis a dimension;
    the aggregate is the mean over workers."""

    adjacent = False
    card = BenchCard(
        id="summarize-axis",
        title="Summarize from feedback: summaries rated 1..7 on four axes",
        modality="text",
        task="summarisation",
        label_kinds=("rating",),
        label_source="human",
        licence="not stated",
        commercial=None,
        citation=_CITATION,
        homepage=_HOMEPAGE,
        dimensions=tuple(Dimension(name, scale=(1.0, 7.0)) for name in AXES),
        files=(hub_split("summarize-axis", _HUB, "validation", config="axis"),),
        warning="Reddit posts are uncensored",
        unverified=_UNVERIFIED,
    )
    protocol = Protocol(
        name="summarize-axis",
        source="arXiv:2009.01325, section 4: agreement with the overall rating, as correlation",
        headline=MetricUse("plcc"),
    )

    def key(self, row: Row) -> Hashable:
        """The post."""
        return _name(row["info"])

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """All summaries of one post with the ratings of every worker; an axis that a worker left
        empty is no label."""
        numbers: dict[str, int] = {}
        texts: list[tuple[str, str]] = []
        values: dict[tuple[int, str], list[tuple[str, float]]] = {}
        for row in rows:
            summary = row["summary"]
            text = plain(summary["text"], "a summary")
            if text not in numbers:
                numbers[text] = len(texts)
                texts.append((text, str(summary["policy"])))
            axes = summary["axes"]
            for axis in AXES:
                if axes.get(axis) is not None:
                    entry = values.setdefault((numbers[text], axis), [])
                    entry.append((str(row["worker"]), float(axes[axis])))
        labels: list[Label] = []
        for (number, axis), given in values.items():
            numbers_given = [value for _, value in given]
            mean = sum(numbers_given) / len(numbers_given)
            labels.append(Rating(number, mean, axis, n=len(numbers_given)))
            labels += [Rating(number, value, axis, rater=worker) for worker, value in given]
        yield Sample(
            id=default_id,
            prompt=chat(_source(rows[0]["info"])),
            candidates=tuple(answer(text) for text, _ in texts),
            labels=tuple(labels),
            systems=tuple(policy for _, policy in texts),
            group=_name(rows[0]["info"]),
        )
