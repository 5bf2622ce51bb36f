"""Bootstrap of any statistic that is a function of sums over rows (means, accuracies,
correlations of values, error measures, tables of counts).

A resample of clusters only re-weights the clusters' sums, so no row is touched again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Ints, counts

__all__ = ["Combine", "Lazy", "cluster_sums", "compact", "influence_of_sums", "ratio", "replicate"]

#: From sums of shape (..., k) to values of shape (...); NaN where the value is undefined.
Combine = Callable[[Floats], Floats]

#: More clusters than this are first joined at random into this many blocks of clusters, which
#: leaves the variance of every sum unchanged in expectation and bounds memory and time.
BLOCKS = 16_384
#: Up to this many distinct kinds of cluster are resampled by kind instead of one by one.
KINDS = 128
#: Weights held at a time.
CHUNK = 4_000_000


def ratio(sums: Floats) -> Floats:
    """First column over second; NaN where the second is zero."""
    top, bottom = sums[..., 0], sums[..., 1]
    out: Floats = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom != 0)
    return out


class Lazy(Sequence[NDArray[Any]]):
    """Columns that are made when asked for, so that only one of them is in memory at a time.

    Parameters
    ----------
    size: number of columns; `make`: from a column number to the column.
    """

    def __init__(self, size: int, make: Callable[[int], NDArray[Any]]) -> None:
        self._size, self._make = size, make

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, j: Any) -> Any:
        if not 0 <= j < self._size:
            raise IndexError(j)
        return self._make(j)


def compact(codes: NDArray[np.integer[Any]]) -> tuple[Ints, int]:
    """Codes renumbered 0..C-1 without gaps, and C. Linear time for non-negative codes."""
    if len(codes) == 0:
        return np.zeros(0, np.int64), 0
    present = np.zeros_like(codes, dtype=np.bool_, shape=int(codes.max()) + 1)
    present[codes] = True
    if present.all():
        return codes.astype(np.int64), len(present)
    index = np.cumsum(present)
    out: Ints = np.take(index, codes)
    out -= 1
    return out, int(index[-1])


def cluster_sums(
    columns: Sequence[NDArray[Any]], cluster: NDArray[np.integer[Any]], seed: int = 0
) -> Floats:
    """Sums of each column per cluster (or per block of clusters, if there are very many).

    Returns an array of shape (clusters, columns).
    """
    codes, n_clusters = compact(cluster)
    if n_clusters > BLOCKS and not _few_kinds(columns, codes, n_clusters):
        block = (np.arange(n_clusters, dtype=np.int32) % BLOCKS).astype(np.uint16)
        np.random.default_rng(seed).shuffle(block)
        codes, n_clusters = np.take(block, codes).astype(np.int64), BLOCKS
    out = np.empty_like(codes, dtype=np.float64, shape=(n_clusters, len(columns)))
    for j, column in enumerate(columns):
        out[:, j] = np.bincount(codes, weights=column, minlength=n_clusters)
    return out


def _few_kinds(columns: Sequence[NDArray[Any]], codes: Ints, n_clusters: int) -> bool:
    """A cheap guess from the first rows: do the columns hold few distinct values?"""
    return all(len(np.unique(np.asarray(column[:20_000]))) <= 8 for column in columns) and (
        n_clusters * len(columns) <= 4_000_000
    )


def replicate(sums: Floats, combine: Combine, resamples: int, rng: np.random.Generator) -> Floats:
    """Values of the statistic in `resamples` bootstrap resamples of the rows of `sums`.

    Clusters with equal sums are interchangeable: how often each kind is drawn is multinomial
    over the kinds, which is the same bootstrap with far fewer draws.
    """
    n = len(sums)
    kinds, how_many = _kinds(sums)
    if len(kinds) <= KINDS:
        drawn = rng.multinomial(n, how_many / n, size=resamples)
        return combine(drawn.astype(np.float64) @ kinds)
    out = np.empty(resamples)
    step = max(1, CHUNK // n)
    for start in range(0, resamples, step):
        stop = min(resamples, start + step)
        weights = counts(n, stop - start, rng, n * resamples)
        out[start:stop] = combine(weights.T @ sums)
    return out


def _kinds(sums: Floats) -> tuple[Floats, Ints]:
    """Distinct rows and their counts; gives up early (one kind per row) if there are many."""
    code = np.zeros(len(sums), np.int64)
    one_each = np.ones(len(sums), np.int64)
    for column in sums.T:
        if len(np.unique(column[:2000])) > KINDS:
            return sums, one_each
        values, inverse = np.unique(column, return_inverse=True)
        code = code * len(values) + inverse
        _, code = np.unique(code, return_inverse=True)
        if code.max() >= KINDS:
            return sums, one_each
    _, first, how_many = np.unique(code, return_index=True, return_counts=True)
    return sums[first], how_many.astype(np.int64)


def influence_of_sums(columns: Sequence[NDArray[Any]], combine: Combine) -> Floats:
    """Per row: n times the derivative of the statistic by the row's weight, centred.

    The gradient in the sums comes from central differences.
    """
    n = len(columns[0])
    sums = np.array([column.sum(dtype=np.float64) for column in columns])
    size = np.array([np.abs(column).sum(dtype=np.float64) for column in columns])
    out = np.zeros(n)
    for j, column in enumerate(columns):
        step = np.zeros(len(sums))
        step[j] = 1e-5 * max(size[j], 1e-12)
        slope = (combine(sums + step) - combine(sums - step)) / (2 * step[j])
        if np.isfinite(slope):
            out += float(slope) * n * column
    return out - out.mean() if n else out
