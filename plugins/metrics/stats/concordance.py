"""Concordant and discordant pairs per row, in O(n log n), for Kendall's tau and its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Ints
from prefgauge.plugins.metrics.stats.inversions import earlier_and_smaller
from prefgauge.plugins.metrics.stats.moments import (
    Combine,
    cluster_sums,
    influence_of_sums,
    replicate,
)
from prefgauge.plugins.metrics.stats.ranks import group_ranks

__all__ = ["concordance", "kendall_influence", "kendall_replicates"]


#: Most rows whose partners are all counted.
BLOCK = 1_000_000


def concordance(x: Floats, y: Floats) -> tuple[Ints, Ints, Ints]:
    """Per row: (concordant minus discordant partners, partners not tied in x, ... in y)."""
    n = len(x)
    by_x = np.unique(x, return_inverse=True, return_counts=True)
    by_y = np.unique(y, return_inverse=True, return_counts=True)
    tied_x, tied_y = by_x[2][by_x[1]], by_y[2][by_y[1]]
    less_x = (np.cumsum(by_x[2]) - by_x[2])[by_x[1]]
    less_y = (np.cumsum(by_y[2]) - by_y[2])[by_y[1]]
    both = by_x[1].astype(np.int64) * len(by_y[0]) + by_y[1]
    _, cell, cells = np.unique(both, return_inverse=True, return_counts=True)
    tied_both = cells[cell]
    # partners tied in one variable and strictly below in the other
    below_in_y_tie = _less(by_y[1], x, tied_both)
    below_in_x_tie = _less(by_x[1], y, tied_both)
    # in order of x, ties of x by falling y: an earlier smaller y is then strictly below in both
    order = np.lexsort((-by_y[1], by_x[1]))
    sequence = by_y[1][order]
    code = np.empty(n, np.int64)
    code[np.lexsort((-np.arange(n), sequence))] = np.arange(n)
    low_low = np.empty(n, np.int64)
    low_low[order] = earlier_and_smaller(code)
    low_high = less_x - low_low - below_in_y_tie
    high_low = less_y - low_low - below_in_x_tie
    high_high = n - less_x - tied_x - high_low - (tied_y - below_in_y_tie - tied_both)
    return low_low + high_high - low_high - high_low, n - tied_x, n - tied_y


def _less(group: NDArray[np.integer[Any]], x: Floats, tied: Ints) -> Ints:
    """Members of the same group with a strictly smaller x (`tied` share group and x)."""
    out: Ints = np.rint(group_ranks(group, x) - (tied + 1) / 2.0).astype(np.int64)
    return out


def _partners(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """As :func:`concordance`; for very many rows, estimated from partners in random blocks.

    A row's share of concordant partners is then the mean over a million others instead of all,
    which adds nothing that matters to an interval and keeps memory bounded.
    """
    n = len(x)
    if n <= BLOCK:
        score, free_x, free_y = (column.astype(np.float64) for column in concordance(x, y))
        return score, free_x, free_y
    order = np.random.default_rng(0).permutation(np.arange(n, dtype=np.int32))
    wide = np.float64
    out = np.empty_like(x, wide), np.empty_like(x, wide), np.empty_like(x, wide)
    for rows in np.array_split(order, -(-n // BLOCK)):
        for column, part in zip(out, concordance(x[rows], y[rows]), strict=True):
            column[rows] = part * ((n - 1) / (len(rows) - 1))
    return out


def _projection(x: Floats, y: Floats, variant: str) -> tuple[list[Floats], Combine]:
    """Columns, and tau as a function of their sums, to first order in the weights.

    Numerator and denominators of tau are U-statistics; each is replaced by its Hajek projection
    on the rows: for mean weight 1, sum_ij w_i w_j a_ij = 2 sum_i w_i a_i - sum a.
    """
    score, free_x, free_y = _partners(x, y)
    n = float(len(x))
    totals = score.sum(), free_x.sum(), free_y.sum()
    m = float(min(len(np.unique(x)), len(np.unique(y))))

    def tau(sums: Floats) -> Floats:
        scale = n / sums[..., 0]
        s, tx, ty = (2 * scale * sums[..., k + 1] - totals[k] for k in range(3))
        if variant == "c":
            out: Floats = s / (n * n * (m - 1) / m)
        else:
            with np.errstate(all="ignore"):
                out = np.where((tx > 0) & (ty > 0), s / np.sqrt(tx * ty), np.nan)
        return np.clip(out, -1, 1)

    return [np.ones_like(score), score, free_x, free_y], tau


def kendall_influence(x: Floats, y: Floats, variant: str = "b") -> Floats:
    """Influence of each row on tau; its mean is zero."""
    return influence_of_sums(*_projection(x, y, variant))


def kendall_replicates(
    x: Floats,
    y: Floats,
    cluster: NDArray[np.integer[Any]],
    resamples: int,
    rng: np.random.Generator,
    variant: str = "b",
) -> Floats:
    """Bootstrap of Kendall's tau by its projection on rows, resampled by clusters."""
    columns, tau = _projection(x, y, variant)
    return replicate(cluster_sums(columns, cluster), tau, resamples, rng)
