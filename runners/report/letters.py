"""Compact letter displays: scorers that share a letter are not significantly different.

All pairs are tested and corrected by Holm together, which is why a scorer can share a letter with
the best one and yet lie outside the leading group: the group is tested against the best alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prefgauge.runners.compare import Answers, holm

__all__ = ["Overall", "bench_letters", "letters_of", "overall_letters"]

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Fewer shared benches cannot reach p < 0.05 in a two-sided signed-rank test.
_BENCHES = 6
_PROMPTS = 5
_MOST = 300


def letters_of(names: Sequence[str], differ: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Letters such that two names share one exactly if they are no pair of `differ`.

    Insert and absorb (Piepho, J. Comput. Graph. Stat. 13, 2004, section 2): start from one group
    of all names; each pair that differs splits the groups that hold both; a group inside
    another is dropped. `names` are best first, so that the best gets an ``a``. Tests that contradict
    each other so much that hundreds of groups arise give no letters at all.

    >>> letters_of(["x", "y", "z"], [("x", "z")])
    {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    groups = [frozenset(names)]
    for first, second in differ:
        if len(groups) > _MOST:
            return {}
        split: set[frozenset[str]] = set()
        for group in groups:
            if first in group and second in group:
                split |= {group - {first}, group - {second}}
            else:
                split.add(group)
        groups = [one for one in split if not any(one < other for other in split)]
    rank = {name: index for index, name in enumerate(names)}
    groups.sort(key=lambda group: sorted(rank[name] for name in group))
    found = {
        name: [_letter(index) for index, group in enumerate(groups) if name in group]
        for name in names
    }
    return {name: _short(marks) for name, marks in found.items()}


def bench_letters(found: Sequence[Answers], alpha: float = 0.05) -> dict[str, str]:
    """Letters of the scorers of one bench by the paired jackknife test of
    :mod:`prefgauge.runners.compare`, Holm over all pairs; empty if no pair could be tested.

    Answers to other samples than most, or without a value, get no letter.
    """
    usable = [one for one in found if np.isfinite(one.value) and np.isfinite(one.without).all()]
    keys = [(one.key, len(one.without)) for one in usable]
    if not keys:
        return {}
    common = max(set(keys), key=keys.count)
    usable = [one for one, key in zip(usable, keys) if key == common]
    groups = common[1]
    if len(usable) < 2 or groups < _PROMPTS:
        return {}
    usable.sort(key=lambda one: -one.value if one.higher_is_better else one.value)
    p = _paired(np.array([one.value for one in usable]), np.stack([o.without for o in usable]))
    return _display([one.bundle.scorer for one in usable], p, alpha)


@dataclass(frozen=True, slots=True)
class Overall:
    """Letters over all benches, and the fewest benches that two scorers share; no letters and a
    reason if that is too few."""

    letters: Mapping[str, str]
    benches: int
    reason: str = ""


def overall_letters(
    order: Sequence[str], skills: Mapping[str, Mapping[str, float]], alpha: float = 0.05
) -> Overall:
    """Letters of scorers over benches, by Wilcoxon's signed-rank test on their skills, Holm over
    all pairs (Benavoli et al., J. Mach. Learn. Res. 17(5), 2016, section 5, advise it instead of
    mean ranks, since it does not depend on the other scorers).

    Parameters
    ----------
    order: scorers, best first.
    skills: scorer -> bench -> share of the way from chance to perfect.
    """
    known = [name for name in order if len(skills.get(name, ())) >= _BENCHES]
    if len(known) < 2:
        reason = f"fewer than two scorers have complete results on {_BENCHES} benches"
        return Overall({}, 0, reason)
    p = np.full((len(known), len(known)), np.nan)
    least = max(len(skills[name]) for name in known)
    for i, j in combinations(range(len(known)), 2):
        a, b = skills[known[i]], skills[known[j]]
        shared = sorted(a.keys() & b.keys())
        least = min(least, len(shared))
        if len(shared) >= _BENCHES:
            p[i, j] = _signed_rank(np.array([a[bench] - b[bench] for bench in shared]))
    if least < _BENCHES:
        reason = f"some scorers share fewer than {_BENCHES} benches with complete results"
        return Overall({}, least, reason)
    return Overall(_display(known, p, alpha), least)


def _signed_rank(gaps: NDArray[np.float64]) -> float:
    if not np.any(gaps):
        return 1.0
    return float(stats.wilcoxon(gaps, zero_method="pratt").pvalue)


def _paired(values: NDArray[np.float64], without: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p of every pair, shape (k, k), upper triangle; NaN where there is no test."""
    groups = without.shape[1]
    p = np.full((len(values), len(values)), np.nan)
    rows, columns = np.triu_indices(len(values), 1)
    gaps = without[rows] - without[columns]
    spread = np.sum((gaps - gaps.mean(axis=1, keepdims=True)) ** 2, axis=1)
    error = np.sqrt((groups - 1) / groups * spread)
    difference = np.abs(values[rows] - values[columns])
    with np.errstate(divide="ignore", invalid="ignore"):
        p[rows, columns] = 2 * stats.t.sf(difference / error, groups - 1)
    flat = error < 1e-12  # the same answers, or a difference that every prompt shares
    p[rows[flat], columns[flat]] = np.where(difference[flat] < 1e-12, 1.0, np.nan)
    return p


def _display(names: Sequence[str], p: NDArray[Any], alpha: float) -> dict[str, str]:
    rows, columns = np.triu_indices(len(names), 1)
    if not np.isfinite(p[rows, columns]).any():
        return {}
    corrected = np.asarray(holm(p[rows, columns].tolist()))
    hit = np.flatnonzero(corrected < alpha)
    return letters_of(names, [(names[rows[k]], names[columns[k]]) for k in hit])


def _letter(index: int) -> str:
    size = len(_ALPHABET)
    return (
        _ALPHABET[index] if index < size else _letter(index // size - 1) + _ALPHABET[index % size]
    )


def _short(marks: Sequence[str]) -> str:
    """``abcd`` as ``a–d``: groups are intervals of the order, more often than not."""
    if len(marks) > 3 and all(len(mark) == 1 for mark in marks):
        first, last = _ALPHABET.index(marks[0]), _ALPHABET.index(marks[-1])
        if last - first + 1 == len(marks):
            return f"{marks[0]}–{marks[-1]}"
    return "".join(marks) if all(len(mark) == 1 for mark in marks) else " ".join(marks)
