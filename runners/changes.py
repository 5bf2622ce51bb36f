"""The samples on which two scorers prefer different candidates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prefgauge.registry import PairTable
from prefgauge.registry.evidence import OK
from prefgauge.runners.compared import Answers, Floats

__all__ = ["Change", "changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """A sample on which two scorers prefer different candidates.

    `right` says who agrees with the label: ``"a"``, ``"b"`` or ``"neither"`` (a tie in it).
    """

    sample: str
    subset: str
    pair: tuple[int, int]
    margin_a: float
    margin_b: float
    right: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def changes(a: Answers, b: Answers) -> Iterator[Change]:
    """Samples on which the two scorers prefer different candidates, largest change first.

    A tie of one scorer against a winner of the other counts as a change.
    """
    left, right = a.evidence.pairs, b.evidence.pairs
    if left is None or right is None or len(left) != len(right):
        return
    same = (left.sample == right.sample) & (left.first == right.first)
    margin_a, margin_b = _signed(left), _signed(right)
    differ = same & (np.sign(margin_a) != np.sign(margin_b))
    differ &= np.isfinite(margin_a) & np.isfinite(margin_b)
    scale_a, scale_b = _spread(margin_a), _spread(margin_b)
    size = np.abs(margin_a / scale_a - margin_b / scale_b)
    rows = np.flatnonzero(differ)
    for row in rows[np.argsort(-size[rows], kind="stable")]:
        human = np.sign(left.human[row] - 0.5)
        agree_a, agree_b = human == np.sign(margin_a[row]), human == np.sign(margin_b[row])
        yield Change(
            sample=a.samples[left.sample[row]],
            subset=left.subsets[left.subset[row]],
            pair=(int(left.first[row]), int(left.second[row])),
            margin_a=float(margin_a[row]),
            margin_b=float(margin_b[row]),
            right="a" if agree_a else "b" if agree_b else "neither",
        )


def _signed(table: PairTable) -> Floats:
    margin = table.margin()
    margin[table.status != OK] = np.nan
    return margin


def _spread(margin: Floats) -> float:
    known = margin[np.isfinite(margin)]
    return float(np.std(known)) or 1.0 if len(known) else 1.0
