"""MultiPref: each pair judged by two crowd workers and two experts, on four dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, majority
from prefgauge.registry import (
    BenchCard,
    Dimension,
    Label,
    MetricUse,
    Preference,
    Protocol,
    RowBench,
    Sample,
)
from prefgauge.registry.labels import Winner
from prefgauge.registry.rows import first_of

__all__ = ["MultiPref"]

#: Dimension -> stem of its field in an annotation.
_DIMENSIONS = {
    "overall": "overall",
    "helpfulness": "helpful",
    "truthfulness": "truthful",
    "harmlessness": "harmless",
}
_VERDICTS: Mapping[str, tuple[Winner, float]] = {
    "A-is-clearly-better": ("first", 2.0),
    "A-is-slightly-better": ("first", 1.0),
    "Tie": ("tie", 0.0),
    "B-is-slightly-better": ("second", 1.0),
    "B-is-clearly-better": ("second", 2.0),
}
_GROUPS = ("normal", "expert")


class MultiPref(RowBench):
    """10,461 pairs; the aggregate is the verdict with strictly the most of the four votes."""

    card = BenchCard(
        id="multipref",
        title="MultiPref: four people per pair, on four dimensions",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="ODC-BY-1.0",
        citation="Miranda et al., Hybrid Preferences: Learning to Route Instances for Human vs. AI "
        "Feedback, ACL 2025, arXiv:2410.19133",
        homepage="https://huggingface.co/datasets/allenai/multipref",
        dimensions=tuple(Dimension(name) for name in _DIMENSIONS),
        size=10461,
        files=(hub_split("multipref", "allenai/multipref", "train", config="default"),),
        warning="some prompts are red-team prompts",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="multipref-majority",
        source="accuracy over three classes against the majority of four; two against two is a tie",
        headline=MetricUse("pair-accuracy", {"ties": "three-way"}),
        dimension="overall",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair with the majority and every annotator's verdict on four dimensions; a
        dimension that an annotator left empty is no vote."""
        labels: list[Label] = []
        for dimension, stem in _DIMENSIONS.items():
            votes = list(_votes(row, dimension, stem))
            if votes:
                labels.append(majority([vote.winner for vote in votes], dimension))
                labels += votes
        return Sample(
            id=str(row.get("comparison_id", default_id)),
            prompt=chat(row["text"]),
            candidates=(answer(row["completion_a"]), answer(row["completion_b"])),
            labels=tuple(labels),
            tags={
                "subset": str(row.get("category") or "unknown"),
                "source": str(row.get("source", "unknown")),
                "study": str(row.get("subject_study", "unknown")),
            },
            systems=(str(row["model_a"]), str(row["model_b"])),
            group=str(row["prompt_id"]),
        )


def _votes(row: Mapping[str, Any], dimension: str, stem: str) -> list[Preference]:
    found = []
    for kind in _GROUPS:
        for annotation in row[f"{kind}_worker_annotations"]:
            said = annotation.get(f"{stem}_pref")
            if said is None or said == "":
                continue
            if said not in _VERDICTS:
                raise ValueError(f"{stem}_pref is {said!r}, expected {', '.join(_VERDICTS)}")
            winner, strength = _VERDICTS[said]
            who = first_of(annotation, "evaluator", "annotator", "worker")
            found.append(
                Preference(0, 1, winner, dimension, strength=strength, rater=f"{kind}:{who}")
            )
    return found
