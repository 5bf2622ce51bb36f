"""Packed batches: sequences end to end in one row, a prompt shared by its candidates stored once.

A group of sequences with a common beginning of P tokens becomes ``[P][C1][C2]...``; each Ci
attends to P and to itself, at positions P, P+1, ... as it would alone. This is exact for causal
models, whose hidden states never depend on what follows.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Group", "Layout", "Place", "common_prefix", "distinct", "pack", "unique_tokens"]

_WORTH = 8  # shorter common beginnings are not worth a group


@dataclass(frozen=True, slots=True)
class Group:
    """Spans of one group in the packed row: the shared prefix and the own parts, [start, end)."""

    prefix: tuple[int, int]
    own: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sequence lies: its shared prefix and its own part."""

    prefix_start: int
    prefix_length: int
    own_start: int
    length: int

    def index(self, position: int) -> int:
        """The row index of the token at `position` of the sequence."""
        if position < self.prefix_length:
            return self.prefix_start + position
        return self.own_start + position - self.prefix_length

    def indices(self, start: int, end: int) -> list[int]:
        """Row indices of the tokens at ``start..end-1``."""
        return [self.index(position) for position in range(start, end)]


@dataclass(slots=True)
class Layout:
    """A packed batch.

    Attributes
    ----------
    ids, positions: token ids and their positions in their own sequence, one row each.
    groups: how the row is divided.
    places: for each input sequence, where it lies (equal sequences lie in one place).
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence, its prefix included."""
        return max((place.length for place in self.places), default=0)


def distinct(keys: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Where each different key stands first, and for every key the number of the one it equals."""
    seen: dict[Hashable, int] = {}
    firsts: list[int] = []
    which: list[int] = []
    for index, key in enumerate(keys):
        number = seen.setdefault(key, len(seen))
        if number == len(firsts):
            firsts.append(index)
        which.append(number)
    return firsts, which


def common_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """Length of the beginning that all sequences share."""
    # what the first and the last in dictionary order share, all between them share
    first, last = min(map(tuple, sequences)), max(map(tuple, sequences))
    size = min(len(first), len(last))
    differs = np.flatnonzero(np.asarray(first[:size]) != np.asarray(last[:size]))
    return int(differs[0]) if differs.size else size


def _shared(sequences: Sequence[Sequence[int]]) -> int:
    """Tokens that different sequences have in one place; 0 where that is not worth it."""
    if len(sequences) < 2:
        return 0
    # every sequence keeps a token of its own, so that its last state is its own
    shared = min(common_prefix(sequences), min(map(len, sequences)) - 1)
    return shared if shared >= _WORTH else 0


def unique_tokens(sequences: Sequence[tuple[int, ...]]) -> int:
    """Tokens of a row that :func:`pack` makes of sequences with one share key."""
    unique = list(dict.fromkeys(sequences))
    return sum(map(len, unique)) - (len(unique) - 1) * _shared(unique)


def pack(
    sequences: Sequence[Sequence[int]], shares: Sequence[Hashable | None] | None = None
) -> Layout:
    """Lay sequences out in one row.

    Parameters
    ----------
    sequences: token ids, each at least one token long.
    shares: sequences with an equal key (not None) may share their common beginning; by default
        nothing is shared. Sharing is decided on the token ids themselves, so a wrong key costs
        time and never changes a result.
    """
    layout = Layout()
    keys = list(shares) if shares is not None else [None] * len(sequences)
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(("alone", index) if key is None else ("share", key), []).append(index)
    places: dict[int, Place] = {}
    for members in groups.values():
        unique: dict[tuple[int, ...], list[int]] = {}
        for index in members:
            unique.setdefault(tuple(sequences[index]), []).append(index)
        for ids, place in _pack_group(layout, list(unique)):
            for index in unique[ids]:
                places[index] = place
    layout.places = [places[index] for index in range(len(sequences))]
    return layout


def _pack_group(
    layout: Layout, sequences: list[tuple[int, ...]]
) -> list[tuple[tuple[int, ...], Place]]:
    """Append one group to the row; one that shares too little becomes groups of one."""
    shared = _shared(sequences)
    if not shared and len(sequences) > 1:
        return [place for one in sequences for place in _pack_group(layout, [one])]
    start = len(layout)
    layout.ids += sequences[0][:shared]
    layout.positions += range(shared)
    own: list[tuple[int, int]] = []
    out: list[tuple[tuple[int, ...], Place]] = []
    for ids in sequences:
        at = len(layout)
        layout.ids += ids[shared:]
        layout.positions += range(shared, len(ids))
        own.append((at, len(layout)))
        out.append((ids, Place(start, shared, at, len(ids))))
    layout.groups.append(Group((start, start + shared), tuple(own)))
    return out
