"""What every rating metric reads from a table, at the level asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.plugins.metrics.summary import Units
from prefgauge.registry.evidence import OK, RatingTable

__all__ = ["LEVELS", "RatedRows", "rated_rows", "usable"]

LEVELS = ("sample", "system", "group")


@dataclass(frozen=True)
class RatedRows:
    """Human and scorer values of the units to correlate.

    Parameters
    ----------
    human, score: oriented values; higher is better.
    weight: rater counts, or None.
    group: prompt code of each row (used at level "group").
    units: clusters, subsets and coverage.
    """

    human: Floats
    score: Floats
    weight: Floats | None
    group: NDArray[np.integer[Any]]
    units: Units


def usable(table: RatingTable) -> Mask:
    """Rows with a readable, finite answer."""
    out: Mask = (table.status == OK) & np.isfinite(table.score) & np.isfinite(table.human)
    return out


def rated_rows(table: RatingTable, level: str, weighted: bool) -> RatedRows:
    """Rows at sample and group level; means per system (and subset) at system level.

    Unreadable answers have no value that could enter a correlation: they are left out, like
    failed ones, and lower the coverage.
    """
    good = usable(table)
    weight = np.where(np.isfinite(table.human_n), table.human_n, 1.0) if weighted else None
    if level == "system":
        return _systems(table, good, weight)
    nothing = np.zeros_like(good)
    units = Units.of(table, ~nothing, ~good, good, nothing)
    # where every row is good, the columns themselves serve and are not copied
    at = slice(None) if good.all() else good
    return RatedRows(
        table.human[at],
        table.score[at],
        None if weight is None else weight[at],
        table.cluster[at],
        units,
    )


def _systems(table: RatingTable, good: Mask, weight: Floats | None) -> RatedRows:
    """One unit per system and subset; the systems are what is resampled."""
    known = good & (table.system >= 0)
    key = table.subset.astype(np.int64) * max(1, len(table.systems)) + table.system
    _, at, code = np.unique(key[known], return_index=True, return_inverse=True)
    mass = np.ones(int(known.sum())) if weight is None else weight[known]
    total = np.bincount(code, weights=mass, minlength=len(at))
    human = np.bincount(code, weights=mass * table.human[known], minlength=len(at)) / total
    score = np.bincount(code, weights=mass * table.score[known], minlength=len(at)) / total
    asked = np.bincount(table.subset, minlength=len(table.subsets))
    done = np.bincount(table.subset[good], minlength=len(table.subsets))
    system = table.system[known][at]
    units = Units(
        cluster=system,
        subset=table.subset[known][at],
        tie=np.zeros(len(at), np.bool_),
        names=table.subsets,
        answered=np.stack([done, asked], axis=1),
        key=lambda: np.stack([system, table.subset[known][at]], axis=1),
    )
    return RatedRows(human, score, None, system, units)
