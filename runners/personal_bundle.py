"""Personal models as result bundles: one per model, on the votes of single raters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from prefgauge.registry import (
    BadRow,
    Bench,
    Dimension,
    MetricUse,
    Outcome,
    Preference,
    Protocol,
    Sample,
)
from prefgauge.runners.fitted import Fit, probability
from prefgauge.runners.personal import Judged
from prefgauge.runners.personal_folds import BASE
from prefgauge.runners.rater_votes import dimension_of, vote_key, votes_of

__all__ = ["fits_of"]

#: With more raters than that, slices are the bench's own subsets and not its raters.
MANY = 50
_WINNERS = {1.0: "first", 0.0: "second"}


def fits_of(bench: Bench, judged: Judged) -> Iterator[Fit]:
    """Each model of an evaluation as what :func:`~prefgauge.runners.fitted.fitted_bundle` writes.

    A vote is a sample of its own, known by :func:`vote_key`; votes on one prompt are one cluster. A
    model's answer is P(this rater prefers the first) by a fit that never saw the prompt.
    """
    result = judged.result
    common = ("limit", "asked", "seed", "coverage", "bad_rows", "reasons", "n", "raters", "prompts")
    # votes say which answer is better, also where less of the bench's dimension is better
    oriented = (Dimension(dimension_of(bench).name),)
    for name, part in result["methods"].items():
        scorer = result["scorer"]
        answers = _answers(judged, name)
        notes = [part["title"]]
        if part["gain"] is not None:
            reach = part["gain_interval"]
            bounds = f" [{reach[0]:+.3f}, {reach[1]:+.3f}]" if reach else ""
            notes.append(
                f"knowing who is asked gains {part['gain']:+.4f}{bounds} over the same model without names"
            )
        peers = result["other_raters"]
        yield Fit(
            kind="personal",
            scorer=scorer if name == BASE else f"personal.{name}:{scorer}",
            form="pairwise",
            answers=answers,
            key=lambda request: request.sample.id,
            modalities=frozenset({bench.card.modality}),
            dimensions=oriented,
            labels=oriented,
            missing="an answer of its pair has no features",
            samples=_Votes(bench, result["limit"], result["raters"] <= MANY),
            protocol=Protocol(
                name="single raters' votes on prompts that the fit has not seen",
                source=part["source"] or "the scorer's own answer",
                headline=MetricUse("pair-accuracy", {"ties": "half"}),
                orders="given",
            ),
            summary=part["title"],
            fingerprint={"model": name, **{key: str(result[key]) for key in ("asked", "seed")}},
            facts={**{key: result[key] for key in common}, "model": name, **part},
            notes=notes,
            more={
                "bench_data": {"limit": result["limit"]},
                "ceilings": {} if peers is None else {"other raters": {"value": peers}},
            },
        )


class _Votes:
    """Turns a bench's samples into one sample per vote."""

    def __init__(self, bench: Bench, limit: int | None, by_rater: bool) -> None:
        self.dimension, self.limit, self.by_rater = dimension_of(bench), limit, by_rater

    def __call__(self, rows: Iterable[Sample | BadRow]) -> Iterator[Sample | BadRow]:
        dimension = self.dimension
        for number, row in enumerate(islice(rows, self.limit)):
            if isinstance(row, BadRow):
                yield row
                continue
            for vote in votes_of(row, dimension.name, dimension.higher_is_better):
                if vote[2] in _WINNERS:
                    yield self.sample(row, number, vote)

    def sample(self, row: Sample, number: int, vote: tuple[int, int, float, str]) -> Sample:
        """The sample of one vote."""
        first, second, human, rater = vote
        tags = {**row.tags, "rater": rater, **({"subset": rater} if self.by_rater else {})}
        return Sample(
            id=vote_key(row, number, vote),
            prompt=row.prompt,
            candidates=row.candidates,
            labels=(Preference(first, second, _WINNERS[human], dimension=self.dimension.name),),  # type: ignore[arg-type]
            context=row.context,
            tags=tags,
            systems=row.systems,
            group=row.cluster,
            missing=row.missing,
        )


def _answers(judged: Judged, name: str) -> dict[str, Outcome]:
    """P(first) per vote. A fitted model's margin is log odds; the scorer's own is in its unit, and
    is divided by its spread."""
    margin = np.asarray(judged.margins[name], dtype=np.float64)
    if name == BASE:
        margin = margin / (float(np.std(margin)) or 1.0)
    said = [probability(value) for value in margin.tolist()]
    return {key: Outcome.preference(p) for key, p in zip(judged.votes.keys, said)}
