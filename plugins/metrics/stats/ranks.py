"""Ranks with ties, plain, weighted and within groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Ints

__all__ = ["Ordered", "group_ranks", "midranks", "weighted_midranks"]


def midranks(x: Floats) -> Floats:
    """Ranks 1..n in rising order; equal values share their mean rank."""
    _, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    out: Floats = np.take(last - (count - 1) / 2.0, inverse)
    return out


class Ordered:
    """The distinct values of a variable in rising order, and which one each row has."""

    def __init__(self, x: Floats) -> None:
        values, inverse = np.unique(x, return_inverse=True)
        self.size = len(values)
        self.code = inverse.astype(np.int32)

    def midranks(self, weight: Floats) -> Floats:
        """Weight below plus half the weight at each row's value."""
        mass = np.bincount(self.code, weights=weight, minlength=self.size)
        out: Floats = np.take(np.cumsum(mass) - mass / 2.0, self.code)
        return out

    def sum_above(self, column: Floats) -> Floats:
        """For each row k: sum of the column over larger values, and half of it over equal ones."""
        mass = np.bincount(self.code, weights=column, minlength=self.size)
        out: Floats = np.take(mass.sum() - np.cumsum(mass) + mass / 2.0, self.code)
        return out


def weighted_midranks(x: Floats, weight: Floats) -> Floats:
    """Weight below plus half the weight at each value: midranks of the re-weighted sample, up
    to a constant of 1/2."""
    return Ordered(x).midranks(weight)


def group_ranks(group: NDArray[np.integer[Any]], x: Floats) -> Floats:
    """Midranks within each group, 1..k; `group` holds codes >= 0 in any order."""
    order = np.lexsort((x, group))
    g, v = group[order], x[order]
    n = len(x)
    new_group = np.ones_like(order, dtype=np.bool_)
    new_group[1:] = g[1:] != g[:-1]
    new_value = new_group.copy()
    new_value[1:] |= v[1:] != v[:-1]
    run = np.cumsum(new_value) - 1
    length = np.bincount(run, minlength=int(run[-1]) + 1 if n else 0)
    end: Ints = np.cumsum(length)
    start_of_group = np.maximum.accumulate(np.where(new_group, np.arange(n), 0))
    rank = np.empty_like(order, dtype=np.float64)
    rank[order] = (end - (length - 1) / 2.0)[run] - start_of_group
    return rank
