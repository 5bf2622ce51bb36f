"""Which recorded answers no sample stands behind: a wrong id in the file is told, not passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from prefgauge.plugins.scorers.replay.records import Record
from prefgauge.registry import Sample

__all__ = ["Key", "Unmatched"]

#: Bench (or empty), what the file calls the sample, candidates.
Key: TypeAlias = tuple[str, str, tuple[int | str, ...]]
#: So many are named.
NAMED = 3


class Unmatched:
    """The recorded answers that no sample met so far stands behind.

    Parameters
    ----------
    answers: all recorded answers by key.
    names: what a sample may be called in the file.
    """

    def __init__(
        self, answers: Mapping[Key, Record], names: Callable[[Sample], Sequence[str]]
    ) -> None:
        self._answers, self._names = answers, names
        self._left: dict[str, list[Key]] = {}
        self._benches: set[str] = {""}
        for key in answers:
            self._left.setdefault(key[1], []).append(key)

    def meet(self, bench: str, sample: Sample) -> None:
        """Strike out what this sample stands behind."""
        self._benches.add(bench)
        for name in self._names(sample):
            if name in self._left:
                left = [key for key in self._left[name] if not _speaks_of(key, bench, sample)]
                if left:
                    self._left[name] = left
                else:
                    del self._left[name]

    def told(self) -> list[str]:
        """A sentence about the answers that are left, none if there are none. Answers for other
        benches than those met are not meant."""
        left = [k for keys in self._left.values() for k in keys if k[0] in self._benches]
        if not left or self._benches == {""}:
            return []
        meant = sum(key[0] in self._benches for key in self._answers)
        first = [f"{key[1]!r} ({self._answers[key].where})" for key in left[:NAMED]]
        more = ", ..." if len(left) > NAMED else ""
        return [
            f"{len(left):,} of {meant:,} recorded answers match no sample and candidate that was "
            f"read: {', '.join(first)}{more}"
        ]


def _speaks_of(key: Key, bench: str, sample: Sample) -> bool:
    """Whether the answer is about candidates that the sample has."""
    named, _, candidates = key
    return named in ("", bench) and all(
        candidate < len(sample.candidates)
        if isinstance(candidate, int)
        else candidate in sample.systems
        for candidate in candidates
    )
