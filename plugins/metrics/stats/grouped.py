"""Statistics inside each group (the candidates of one prompt), for all groups at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Ints
from prefgauge.plugins.metrics.stats.ranks import group_ranks

__all__ = ["Codes", "group_kendall", "group_pairs", "group_pearson", "group_spearman", "totals"]

Codes = NDArray[np.integer[Any]]
#: Pairs held at a time.
PAIRS = 500_000


def totals(group: Codes, column: NDArray[Any], size: int) -> Floats:
    """Sum of a column per group code 0..size-1."""
    return np.bincount(group, weights=column, minlength=size).astype(np.float64, copy=False)


def group_pearson(group: Codes, x: Floats, y: Floats, size: int) -> Floats:
    """Pearson's r per group; NaN where people give all members the same value or the group has
    fewer than two; 0 where only the scorer (`y`) is constant: it tells nothing there."""
    n = totals(group, np.ones_like(x), size)
    safe = np.maximum(n, 1)
    dx = x - (totals(group, x, size) / safe)[group]
    dy = y - (totals(group, y, size) / safe)[group]
    xx, yy = totals(group, dx * dx, size), totals(group, dy * dy, size)
    xy = totals(group, dx * dy, size)
    flat_x, flat_y = _flat(group, x, size), _flat(group, y, size)
    with np.errstate(all="ignore"):
        r = xy / np.sqrt(xx * yy)
    out: Floats = np.where(flat_x, np.nan, np.where(flat_y | (xx * yy == 0), 0.0, r))
    return np.clip(out, -1.0, 1.0)


def _flat(group: Codes, x: Floats, size: int) -> NDArray[np.bool_]:
    low, high = (np.full_like(x, bound, np.float64, shape=size) for bound in (np.inf, -np.inf))
    np.minimum.at(low, group, x)
    np.maximum.at(high, group, x)
    out: NDArray[np.bool_] = ~(high > low)
    return out


def group_spearman(group: Codes, x: Floats, y: Floats, size: int) -> Floats:
    """Spearman's rho per group; undefined groups as in :func:`group_pearson`."""
    return group_pearson(group, group_ranks(group, x), group_ranks(group, y), size)


def group_pairs(group: Codes) -> Iterator[tuple[Ints, Ints]]:
    """All unordered pairs of rows of the same group, in blocks of bounded size."""
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    n = len(order)
    if n == 0:
        return
    end = np.searchsorted(sorted_group, sorted_group, side="right")
    partners = end - np.arange(n) - 1
    cumulative = np.cumsum(partners)
    at = 0
    while at < n:
        done = cumulative[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(cumulative, done + PAIRS, side="right")))
        count = partners[at:stop]
        left = np.repeat(np.arange(at, stop), count)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        yield order[left], order[left + 1 + offset]
        at = stop


def group_kendall(group: Codes, x: Floats, y: Floats, size: int) -> Floats:
    """Kendall's tau-b per group; undefined groups as in :func:`group_pearson`."""
    score, free_x, free_y = (np.zeros_like(x, np.float64, shape=size) for _ in range(3))
    for i, j in group_pairs(group):
        dx, dy = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        score += totals(group[i], dx * dy, size)
        free_x += totals(group[i], dx != 0, size)
        free_y += totals(group[i], dy != 0, size)
    with np.errstate(all="ignore"):
        tau = score / np.sqrt(free_x * free_y)
    out: Floats = np.where(free_x == 0, np.nan, np.where(free_y == 0, 0.0, tau))
    return out
