"""Ten ways to part a bench into training, validation and test samples.

No split has pictures of one reference content on two of its sides: a regression that has seen a
content in other distortions would be tested on what it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import DataError

__all__ = ["Split", "published_splits", "seeded_splits"]

Indices = NDArray[np.int64]
SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Numbers of the samples of each side, in reading order from 0."""

    train: Indices
    val: Indices
    test: Indices


def seeded_splits(groups: Sequence[str], count: int = 10, seed: int = 0) -> list[Split]:
    """Random splits of the groups, 70 % for training, 10 % for validation, 20 % for testing.

    Parameters
    ----------
    groups: the reference content of each sample.

    Raises
    ------
    DataError: with fewer than five groups, so that a side would be empty.
    """
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    k = len(names)
    if k < 5:
        raise DataError(
            f"There are {k} different contents; training, validation and test need 5 at least."
        )
    tested, validated = max(1, round(0.2 * k)), max(1, round(0.1 * k))
    draw, out = np.random.default_rng(seed), []
    for _ in range(count):
        order = draw.permutation(k)
        side = np.zeros(k, dtype=np.int64)
        side[order[:tested]] = 2
        side[order[tested : tested + validated]] = 1
        of = side[codes]
        out.append(Split(*(np.flatnonzero(of == number) for number in range(3))))
    return out


def published_splits(folder: Path, groups: Sequence[str]) -> list[Split]:
    """Splits from ``train.npy``, ``val.npy`` and ``test.npy``, each of shape (splits, samples) with
    sample numbers in the bench's reading order, as ARNIQA publishes them.

    Raises
    ------
    DataError: if a file is missing or no such array, names a sample that the bench does not have,
        or parts a content (then the numbers follow another order of the samples).
    """
    sides = [_indices(folder / f"{name}.npy", len(groups)) for name in SIDES]
    if len({len(side) for side in sides}) != 1:
        raise DataError(f"{folder}: train, val and test hold different numbers of splits.")
    out = [Split(*rows) for rows in zip(*sides, strict=True)]
    names = np.asarray(groups, dtype=str)
    for number, split in enumerate(out):
        seen = [set(names[side]) for side in (split.train, split.val, split.test)]
        both = (seen[0] & seen[1]) | (seen[0] & seen[2]) | (seen[1] & seen[2])
        if both:
            raise DataError(
                f"{folder}: split {number} has the content {str(min(both))!r} on two sides. Its numbers "
                "seem to follow another order of the samples than this bench."
            )
    return out


def _indices(path: Path, samples: int) -> Indices:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no array of sample numbers ({error}).") from None
    found = np.atleast_2d(found)
    if found.ndim != 2 or found.size == 0 or not np.issubdtype(found.dtype, np.integer):
        raise DataError(f"{path}: shape {found.shape} of {found.dtype}, not (splits, samples).")
    if found.min() < 0 or found.max() >= samples:
        raise DataError(
            f"{path}: it names sample {found.max()}; the bench has {samples}, numbered from 0."
        )
    return found.astype(np.int64)
