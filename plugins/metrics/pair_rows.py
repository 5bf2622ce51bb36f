"""What every pair metric reads from a table: signs, margins, and which rows count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.registry.evidence import FAILED, INVALID, PairTable

__all__ = ["CHUNK", "PairRows", "Signs", "pair_rows"]

#: Signs in single precision: large tables hold millions of them.
Signs = NDArray[np.floating[Any]]
#: Rows handled at a time, so that temporaries stay small.
CHUNK = 1 << 20


@dataclass(frozen=True)
class PairRows:
    """Columns derived from a pair table, all of its length.

    Parameters
    ----------
    human: +1 first better, -1 second, 0 tie.
    margin: how far the scorer prefers the first, over all orders asked.
    given, swapped: sign of the answer in each order, NaN where not asked.
    failed: no usable answer at all; such rows only lower coverage.
    invalid: unreadable.
    """

    human: Floats
    margin: Floats
    given: Signs
    swapped: Signs
    failed: Mask
    invalid: Mask

    def __len__(self) -> int:
        return len(self.margin)

    def where(self, at: slice) -> PairRows:
        """A block of the rows."""
        return PairRows(
            self.human[at],
            self.margin[at],
            self.given[at],
            self.swapped[at],
            self.failed[at],
            self.invalid[at],
        )


def pair_rows(table: PairTable) -> PairRows:
    """Derive the columns, in blocks; a pointwise scorer answers both orders alike."""
    n = len(table)
    margin, human = np.empty_like(table.human), np.empty_like(table.human)
    given, swapped = (np.empty_like(table.human, dtype=np.float32) for _ in range(2))
    for start in range(0, n, CHUNK):
        at = slice(start, start + CHUNK)
        part = table.where(cast("Any", at))  # a slice gives views, not copies
        margin[at] = part.margin()
        pointwise = np.sign(part.score_first - part.score_second)
        pairwise = ~np.isnan(part.p_given) | ~np.isnan(part.p_swapped)
        given[at] = np.where(pairwise, np.sign(part.p_given - 0.5), pointwise)
        swapped[at] = np.where(pairwise, np.sign(part.p_swapped - 0.5), pointwise)
        human[at] = np.sign(part.human - 0.5)
    invalid = table.status == INVALID
    failed = (table.status == FAILED) | (np.isnan(margin) & ~invalid)
    return PairRows(human, margin, given, swapped, failed, invalid)
