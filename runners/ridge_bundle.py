"""A ridge probe as a result bundle: every prediction on a test side is a sample of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from prefgauge.registry import (
    BadRow,
    Bench,
    MetricUse,
    Outcome,
    Protocol,
    Rating,
    Request,
    Sample,
    Scorer,
    Weighting,
)
from prefgauge.runners.fitted import Fit
from prefgauge.runners.rater_votes import dimension_of
from prefgauge.runners.ridge_probe import Ridged, opinion_of

__all__ = ["fit_of"]

_PICTURE = "picture"


def fit_of(bench: Bench, scorer: Scorer[Any], ridged: Ridged) -> Fit:
    """A probe as what :func:`~prefgauge.runners.fitted.fitted_bundle` writes.

    A picture is on the test side of several splits: each is a sample ``<id>@<split>`` of the subset
    ``split N``. The headline is the mean of the splits' SRCC; the published one, their median, stands
    among the facts.
    """
    result, dimension = ridged.result, dimension_of(bench)
    tested: dict[int, list[int]] = {}
    for picture, split in ridged.said:
        tested.setdefault(picture, []).append(split)

    def once_per_split(rows: Iterable[Sample | BadRow]) -> Iterator[Sample | BadRow]:
        picture = -1
        for row in islice(rows, result["limit"]):
            value = None if isinstance(row, BadRow) else opinion_of(row, dimension.name)
            if isinstance(row, BadRow) or value is None:
                continue  # counted in the coverage of the probe
            picture += 1
            for split in tested.get(picture, ()):
                yield replace(
                    row,
                    id=f"{row.id}@{split}",
                    labels=(Rating(0, value, dimension.name),),
                    tags={**row.tags, "subset": f"split {split}", _PICTURE: str(picture)},
                    group=row.cluster,
                )

    def key(request: Request) -> str:
        return f"{request.sample.tags[_PICTURE]}@{request.sample.subset}"

    return Fit(
        kind="ridge-probe",
        scorer=scorer.card.name,
        form="pointwise",
        answers={
            f"{picture}@split {split}": Outcome.score({dimension.name: value})
            for (picture, split), value in ridged.said.items()
        },
        key=key,
        modalities=frozenset({bench.card.modality}),
        dimensions=(dimension,),
        samples=once_per_split,
        protocol=Protocol(
            name="ridge probe",
            source="ridge regression on frozen features, mean over splits; published as the median",
            headline=MetricUse("srcc"),
            weighting=Weighting("subsets"),
            dimension=dimension.name,
            orders="given",
        ),
        summary="a ridge regression on its frozen features of pictures",
        fingerprint={"scorer": str(scorer.card.fingerprint), **result["asked"],
                     "limit": result["limit"], "seed": result["seed"]},
        facts=result,
        notes=[
            f"mean over splits; their median, as published, is SRCC {_shown(result['srcc'])} and PLCC "
            f"{_shown(result['plcc'])}",
            f"{result['coverage']:.1%} of the pictures have features",
        ],
        more={"bench_data": {"limit": result["limit"]}},
    )  # fmt: skip


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
