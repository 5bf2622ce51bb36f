"""Kendall's tau of millions of rows, with memory for one block of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Ints

__all__ = ["earlier_and_smaller", "inversions", "kendall_in_blocks"]

#: Rows whose inversions among themselves are counted at once.
ROWS = 1 << 17


def earlier_and_smaller(codes: Ints) -> Ints:
    """For a permutation of 0..n-1: how many earlier entries are smaller, for each entry.

    One pass per bit, highest first. Entries that agree in all higher bits stand together in
    their original order, so the smaller earlier ones that differ first in this bit are the
    zeros before each one; a stable partition then prepares the next bit.
    """
    n = len(codes)
    below = np.zeros(n, np.int64)
    current = codes.astype(np.int64)
    for bit in range(max(1, int(n - 1).bit_length()) - 1, -1, -1):
        ones = (current >> bit) & 1
        start = (current >> (bit + 1)) << (bit + 1)
        zeros_before = np.concatenate([[0], np.cumsum(1 - ones)])
        zeros = zeros_before[:-1] - zeros_before[start]
        below[current[ones == 1]] += zeros[ones == 1]
        ones_before = np.arange(n) - start - zeros
        target = np.where(ones == 1, start + (1 << bit) + ones_before, start + zeros)
        moved = np.empty_like(current)
        moved[target] = current
        current = moved
    out: Ints = below[codes]
    return out


def inversions(codes: NDArray[np.integer[Any]], size: int) -> int:
    """Pairs of places whose earlier code (0..size-1) is strictly larger.

    Within a block they are counted directly; against all blocks before it, from how many codes up
    to each one those hold.
    """
    before = np.zeros_like(codes, dtype=np.int64, shape=size)
    total = 0
    for start in range(0, len(codes), ROWS):
        block = np.asarray(codes[start : start + ROWS])
        n = len(block)
        # among equals the later one ranks higher, so that they are no inversion
        rank = np.empty(n, np.int64)
        rank[np.argsort(block, kind="stable")] = np.arange(n)
        total += n * (n - 1) // 2 - int(earlier_and_smaller(rank).sum())
        if start:
            up_to = np.cumsum(before)
            total += start * n - int(np.take(up_to, block).sum())
        np.add.at(before, block, 1)
    return total


def kendall_in_blocks(x: Floats, y: Floats, variant: str = "b") -> float:
    """Kendall's tau-b or tau-c of values that are not all equal, as
    :func:`scipy.stats.kendalltau` has it."""
    n = len(x)
    order = np.lexsort((y, x))
    by_x, by_y = x[order], y[order]
    tied_x = _pairs(_runs(by_x[1:] != by_x[:-1]))
    tied_both = _pairs(_runs((by_x[1:] != by_x[:-1]) | (by_y[1:] != by_y[:-1])))
    values, code, count = np.unique(by_y, return_inverse=True, return_counts=True)
    tied_y = _pairs(count)
    total = n * (n - 1) // 2
    difference = total - tied_x - tied_y + tied_both - 2 * inversions(code, len(values))
    if variant == "c":
        fewest = min(len(values), 1 + int(np.count_nonzero(by_x[1:] != by_x[:-1])))
        tau = 2 * difference / (n**2 * (fewest - 1) / fewest)
    else:
        # apart, as the product of two such numbers has no exact float
        tau = difference / np.sqrt(total - tied_x) / np.sqrt(total - tied_y)
    return float(np.clip(tau, -1.0, 1.0))


def _runs(new: NDArray[np.bool_]) -> Ints:
    """Lengths of the runs that begin at the first place and wherever `new` is set after it."""
    starts = np.concatenate([[0], np.flatnonzero(new) + 1, [len(new) + 1]])
    return np.diff(starts)


def _pairs(count: Ints) -> int:
    """Pairs within groups of such sizes."""
    return int((count * (count - 1) // 2).sum())
