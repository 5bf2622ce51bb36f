"""Spearman's rank correlation: value and clustered bootstrap without re-sorting.

A resample is a vector of weights. Its midranks are running sums of the weights in the order of
the full sample, so each resample costs O(n), and many resamples are computed at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.correlation import pearson
from prefgauge.plugins.metrics.stats.draws import EXACT_DRAWS, Floats, counts, poisson_bytes
from prefgauge.plugins.metrics.stats.moments import cluster_sums, compact, replicate
from prefgauge.plugins.metrics.stats.ranks import Ordered, weighted_midranks

__all__ = ["spearman", "spearman_influence", "spearman_replicates"]

#: Above this many (rows x resamples) the bootstrap is of the linearised statistic.
EXACT_WORK = 1_000_000_000
#: Weights (rows x resamples) held at a time: few enough to stay near the processor.
BLOCK_WEIGHTS = 2_000_000
ROWS = 256


def spearman(x: Floats, y: Floats, weight: Floats | None = None) -> float:
    """Spearman's rho: Pearson's r of the (weighted) midranks; NaN for a constant input."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    mass = np.ones_like(x, dtype=np.float64) if weight is None else weight
    return pearson(weighted_midranks(x, mass), weighted_midranks(y, mass), weight)


def spearman_replicates(
    x: Floats,
    y: Floats,
    cluster: NDArray[np.integer[Any]],
    resamples: int,
    rng: np.random.Generator,
    weight: Floats | None = None,
) -> Floats:
    """Spearman's rho in each of `resamples` bootstrap resamples of clusters.

    Up to 10^9 rows x resamples the ranks of every resample are exact. Beyond, the statistic is
    linearised by its influence function (:func:`spearman_influence`), whose error vanishes
    faster than the width of the interval.
    """
    if len(x) * resamples > EXACT_WORK:
        value = spearman(x, y, weight)
        mass = np.ones_like(x, dtype=np.float64) if weight is None else weight
        influence = mass * spearman_influence(x, y, mass)
        sums = cluster_sums([mass, influence], cluster)
        return replicate(sums, lambda s: value + s[..., 1] / s[..., 0], resamples, rng)
    return _Resampler(x, y, cluster, weight).run(resamples, rng)


def spearman_influence(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Influence of each row on rho: d rho / d (share of weight at the row).

    With mid-distribution values u = F(x) - 1/2 and v = G(y) - 1/2, the ranks of all other rows
    move too when weight is added at one; those terms are the partial means above each value.
    """
    total = float(weight.sum())
    by_x, by_y = Ordered(x), Ordered(y)
    u, v = by_x.midranks(weight), by_y.midranks(weight)
    for rank in (u, v):
        rank /= total
        rank -= 0.5

    def mean(a: Floats, b: Floats) -> float:
        return float(np.einsum("i,i,i->", weight, a, b) / total)

    cov, var_u, var_v = mean(u, v), mean(u, u), mean(v, v)
    root = float(np.sqrt(var_u * var_v))
    out = (u * v - 3 * cov) / root
    out += by_x.sum_above(weight * v) / (total * root)
    out += by_y.sum_above(weight * u) / (total * root)
    for rank, by, variance in ((u, by_x, var_u), (v, by_y, var_v)):
        change = by.sum_above(weight * rank)
        change *= 2.0 / total
        change += rank * rank
        change -= 3 * variance
        change *= cov / (2.0 * root * variance)
        out -= change
    return out


class _Side:
    """One variable: which rows hold each distinct value, in rising order of the values."""

    def __init__(self, values: Floats) -> None:
        unique, self.code = np.unique(values, return_inverse=True)
        self.size = len(unique)
        self.tied = self.size < len(values)
        self.order = np.argsort(self.code, kind="stable")
        # kept between blocks of resamples: fresh pages cost more than the arithmetic on them
        self._places: NDArray[Any] = np.empty((0, 0), np.uint8)
        self._space: NDArray[Any] = np.empty((0, 0, 0), np.uint16)

    def sums(self, rows: NDArray[Any], dtype: type) -> tuple[NDArray[Any], Floats | None]:
        """(running sums, sum of cubed masses) from weights of the rows, shape (n, resamples).

        Without ties, the running sum up to each value. With ties, twice the midrank of each value
        (everything below plus half of what is tied) and the cubes that the tied masses need.
        """
        if not self.tied:
            if self._places.shape != rows.shape or self._places.dtype != rows.dtype:
                self._places = np.empty_like(rows)
            np.take(rows, self.order, axis=0, out=self._places, mode="clip")
            return self._running_sums(self._places, dtype), None
        mass = self._masses(rows)
        out = self._running_sums(mass, dtype)
        out += out
        out -= mass.astype(dtype, copy=False)
        return out, _cubes(mass)

    def centred(
        self, sums: NDArray[Any], rows: slice, weight: NDArray[Any], total: NDArray[Any]
    ) -> NDArray[Any]:
        """Twice the midrank of each row minus the total weight, for a block of rows."""
        code = self.code[rows]
        # rows stand in the order of x, so x itself needs no lookup
        in_order = (
            not self.tied and code[0] == rows.start and code[-1] == rows.start + len(code) - 1
        )
        at = sums[rows] if in_order else np.take(sums, code, axis=0)
        out: NDArray[Any] = at.astype(weight.dtype)
        if not self.tied:
            out += out
            out -= weight
        out -= total
        return out

    def _running_sums(self, rows: NDArray[Any], dtype: type) -> NDArray[Any]:
        """Cumulative sums down the columns, in two levels.

        Rows are cut into about sqrt(n) blocks of equal length; one addition advances all blocks
        by a row, and each block then gets the total of those before it. Every addition is a long
        vector, which a plain cumulative sum down strided columns is not.
        """
        n, width = rows.shape
        length = max(1, int(np.sqrt(n)))
        blocks = -(-n // length)
        shape = (blocks, length, width)
        if self._space.shape != shape or self._space.dtype != dtype:
            self._space = np.zeros(shape, dtype)
        out = self._space
        flat: NDArray[Any] = out.reshape(blocks * length, width)
        flat[:n] = rows
        for row in range(1, length):
            out[:, row] += out[:, row - 1]
        before: NDArray[Any] = np.zeros(width, dtype)
        for block in out:
            total = before + block[-1]
            block += before
            before = total
        return flat[:n]

    def _masses(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Weight at each distinct value, shape (size, resamples)."""
        from scipy.sparse import csr_array

        n = len(self.code)
        one = np.ones(n, np.float64 if rows.dtype == np.float64 else np.float32)
        places = csr_array((one, (self.code, np.arange(n))), shape=(self.size, n))
        return np.asarray(places @ rows.astype(one.dtype, copy=False))


def _cubes(mass: NDArray[Any]) -> Floats:
    """Sum over rows of the cube, per column, gathered in double precision."""
    total = np.zeros(mass.shape[1])
    for at in range(0, len(mass), ROWS):
        block = mass[at : at + ROWS].astype(np.float64)
        total += np.einsum("ij,ij,ij->j", block, block, block)
    return total


class _Resampler:
    """All that is the same for every block of resamples: orders, codes, clusters."""

    def __init__(
        self,
        x: Floats,
        y: Floats,
        cluster: NDArray[np.integer[Any]],
        weight: Floats | None,
    ) -> None:
        order = np.argsort(x, kind="stable")
        self.x, self.y = _Side(x[order]), _Side(y[order])
        self.cluster, self.clusters = compact(cluster[order])
        self.alone = self.clusters == len(x)
        self.weight = None if weight is None else weight[order]
        self._drawn = np.empty((0, 0), np.uint8)

    def run(self, resamples: int, rng: np.random.Generator) -> Floats:
        """The replicates, block by block."""
        total = self.clusters * resamples
        step = max(1, min(resamples, BLOCK_WEIGHTS // len(self.x.code)))
        out = np.empty(resamples)
        for start in range(0, resamples, step):
            stop = min(resamples, start + step)
            out[start:stop] = self._block(self._rows(stop - start, rng, total))
        return out

    def _rows(self, resamples: int, rng: np.random.Generator, total: int) -> NDArray[Any]:
        """Weights of the rows (in order of x), shape (n, resamples)."""
        drawn: NDArray[Any]
        if total > EXACT_DRAWS:
            if self._drawn.shape != (self.clusters, resamples):
                self._drawn = np.empty((self.clusters, resamples), np.uint8)
            drawn = poisson_bytes(self.clusters, resamples, rng, self._drawn)
        else:
            # a unit drawn more than 255 times would need as many units and some luck
            drawn = np.ascontiguousarray(counts(self.clusters, resamples, rng, total), np.uint8)
        # clusters of one row need no lookup: which of the drawn weights is whose is arbitrary
        rows: NDArray[Any] = drawn if self.alone else np.take(drawn, self.cluster, axis=0)
        if self.weight is None:
            return rows
        out: NDArray[Any] = rows.astype(np.float64) * self.weight[:, None]
        return out

    def _block(self, rows: NDArray[Any]) -> Floats:
        """Rho of each column of weights."""
        total = rows.sum(axis=0, dtype=np.float64)
        dtype = _narrowest(rows, float(total.max()))
        left, cubes_x = self.x.sums(rows, dtype)
        right, cubes_y = self.y.sums(rows, dtype)
        centre = total.astype(np.float32 if dtype is np.uint16 else np.float64)
        product, singles = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
        for start in range(0, len(rows), ROWS):
            at = slice(start, min(len(rows), start + ROWS))
            weight = rows[at].astype(centre.dtype)
            a = self.x.centred(left, at, weight, centre)
            b = self.y.centred(right, at, weight, centre)
            product += np.einsum("ij,ij,ij->j", weight, a, b)
            if cubes_x is None or cubes_y is None:
                singles += np.einsum("ij,ij,ij->j", weight, weight, weight)
        # Kendall (1948), ch. 3: the sum of squared midranks depends on the tied masses alone
        free_x = total**3 - (singles if cubes_x is None else cubes_x)
        free_y = total**3 - (singles if cubes_y is None else cubes_y)
        with np.errstate(all="ignore"):
            rho = 3.0 * product / np.sqrt(free_x * free_y)
        flat = (free_x <= 1e-9 * total**3) | (free_y <= 1e-9 * total**3)
        out: Floats = np.where(flat, np.nan, np.clip(rho, -1.0, 1.0))
        return out


def _narrowest(rows: NDArray[Any], total: float) -> type:
    """The smallest type that holds twice the running sums of these weights exactly."""
    if rows.dtype == np.uint8 and 2.0 * total < 65_536:
        return np.uint16
    return np.float64
