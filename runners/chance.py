"""The random floor: what a scorer that knows nothing reaches on the very same rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from prefgauge.registry.bench import Bench
from prefgauge.registry.discovery import Registry
from prefgauge.registry.evidence import Evidence
from prefgauge.registry.metric import MetricResult, Settings
from prefgauge.runners.agreement import headline

if TYPE_CHECKING:
    from prefgauge.registry.evidence import Floats

__all__ = ["chance"]

DRAWS, FEW, LARGE = 50, 4, 20_000
#: Random numbers drawn at a time.
BLOCK = 1 << 20


def chance(
    registry: Registry, bench: Bench, evidence: Evidence, settings: Settings
) -> MetricResult:
    """The headline of random scores on the rows that the scorer answered.

    Every candidate gets an independent standard normal score, :data:`DRAWS` times (fewer above
    :data:`LARGE` rows, where one draw varies little). A pointwise answer has no ties, so this is
    chance without ties.

    Returns
    -------
    The mean over draws as the value; 2.5 and 97.5 per cent of the draws as its bounds: the spread
    of one lucky or unlucky guesser, not the uncertainty of the mean.
    """
    rows = sum(len(table) for table in (evidence.pairs, evidence.ratings, evidence.groups) if table)
    rng = np.random.default_rng([settings.seed, 1])
    plain = replace(settings, resamples=0)
    values, last = [], MetricResult(value=None, reason="no rows")
    for _ in range(DRAWS if rows <= LARGE else FEW):
        drawn = _randomised(evidence, rng)
        _, _, last = headline(registry, bench, "pointwise", drawn, plain)
        if last.value is None:
            return replace(last, subsets={})
        values.append(last.value)
    low, high = np.quantile(values, [0.025, 0.975])
    return MetricResult(
        value=float(np.mean(values)), ci_low=float(low), ci_high=float(high), n=last.n,
        clusters=last.clusters, coverage=last.coverage, extra={"draws": len(values)},
    )  # fmt: skip


def _randomised(evidence: Evidence, rng: np.random.Generator) -> Evidence:
    """The same rows with random scores; one score per candidate wherever it occurs."""
    pairs, ratings, groups = evidence.pairs, evidence.ratings, evidence.groups
    if pairs is not None:
        # candidates of a sample are numbered, so (sample, candidate) indexes one table of draws
        width = 1 + int(max(pairs.first.max(), pairs.second.max()))
        scores = _draws(pairs.human, rng, (1 + int(pairs.sample.max()), width))
        nothing = np.full_like(pairs.human, np.nan)
        pairs = replace(
            pairs, score_first=scores[pairs.sample, pairs.first],
            score_second=scores[pairs.sample, pairs.second], p_given=nothing, p_swapped=nothing,
        )  # fmt: skip
        if pairs.verdict is not None and pairs.human_class is not None:
            guess = np.empty_like(pairs.verdict)
            for at in range(0, len(guess), BLOCK):
                rows = guess[at : at + BLOCK]
                rows[...] = rng.integers(0, max(len(pairs.classes), 1), len(rows))
            pairs = replace(pairs, verdict=guess)
    if ratings is not None:
        ratings = replace(ratings, score=_draws(ratings.human, rng, (len(ratings),)))
    if groups is not None:
        groups = replace(groups, score=_draws(groups.rank, rng, (len(groups),)))
    return replace(evidence, pairs=pairs, ratings=ratings, groups=groups)


def _draws(like: Floats, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Standard normal numbers, in a file where the column `like` lies in one."""
    out = np.empty_like(like, np.float64, shape=shape)
    flat = out.reshape(-1)
    for at in range(0, len(flat), BLOCK):
        rows = flat[at : at + BLOCK]
        rows[...] = rng.standard_normal(len(rows))
    return out
