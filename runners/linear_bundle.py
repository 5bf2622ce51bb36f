"""A linear probe as a result bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from prefgauge.registry import (
    BadRow,
    Bench,
    MetricUse,
    Outcome,
    Protocol,
    Sample,
    Scorer,
    Weighting,
)
from prefgauge.runners.fitted import Fit
from prefgauge.runners.linear_probe import PROTOCOL, Probed

__all__ = ["fit_of"]


def fit_of(bench: Bench, scorer: Scorer[Any], probed: Probed) -> Fit:
    """A probe as what :func:`~prefgauge.runners.fitted.fitted_bundle` writes: its classes are held
    against the labels by the accuracy of classes, averaged over subsets."""
    result, parts = probed.result, probed.result["subsets"]
    limit = result["limit"]

    def some(rows: Iterable[Sample | BadRow]) -> Iterator[Sample | BadRow]:
        counts: dict[str, int] = {}
        for row in rows:
            if isinstance(row, Sample):
                counts[row.subset] = counts.get(row.subset, 0) + 1
                if limit is not None and counts[row.subset] > limit:
                    continue
            yield row

    def mean(values: Iterable[float]) -> float:
        return float(np.mean(list(values)))

    floors = {
        "commonest class": {"value": mean(part["commonest_class"] for part in parts.values())},
        "random": {"value": mean(1 / len(part["classes"]) for part in parts.values())},
    }
    return Fit(
        kind="linear-probe",
        scorer=scorer.card.name,
        form="pointwise",
        answers={key: Outcome.score(value) for key, value in probed.answers.items()},
        modalities=frozenset({bench.card.modality}),
        missing="it has no representation",
        samples=some,
        protocol=Protocol(
            name="linear probe",
            source=PROTOCOL,
            headline=MetricUse("rating-class-accuracy"),
            weighting=Weighting("subsets"),
            dimension=bench.protocol.dimension,
        ),
        summary="a linear classifier on its frozen representations",
        fingerprint={"scorer": str(scorer.card.fingerprint), **result["asked"], "limit": limit},
        facts={name: value for name, value in result.items() if name != "references"},
        published=True,
        more={"floors": floors, "bench_data": {"limit": limit}},
    )
