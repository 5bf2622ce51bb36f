"""How much of a media bench is in hand at once, so that memory is bounded by the media cache.

A text weighs nothing; a decoded clip may weigh a hundred megabytes, and so may what a scorer makes
of it. A pace cuts a bench into windows of samples such that what one window decodes, and what it
prepares, takes a quarter of the media cache at most: one window is scored while the next is
prepared, and scorers that walk through the windows side by side find each other's decodes there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from prefgauge.registry.cards import BenchCard
from prefgauge.registry.media.cache import MediaCache, shared
from prefgauge.runners.engine import Pending

__all__ = ["FIRST", "LARGEST", "PATIENT", "Pace", "weight"]

#: Samples of the first window, and of any: for scorers that wait for a remote judge, whose many
#: requests in flight must not come to rest at the end of each small window.
PATIENT = (64, 4096)
FIRST = 1  # samples of the first windows, before anything was weighed
LARGEST = 256  # samples of a window at most: enough to fill batches and to keep threads busy
_LEAST = 64 << 20  # bytes that may be prepared although the cache be smaller
_SHARE = 4  # a window may take one part in so many


class Pace:
    """Where the windows of one bench end: the same for all scorers that walk through it.

    Parameters
    ----------
    cache: its capacity bounds a window, and its loads tell what a sample decodes to.
    first, largest: samples of the first windows, and of any.
    """

    def __init__(
        self, cache: MediaCache | None = None, first: int = FIRST, largest: int = LARGEST
    ) -> None:
        self._largest = largest
        self._cache = cache if cache is not None else shared()
        self._before = self._cache.loaded
        self._ends = [first]
        self._delivered = 0
        self._sent: dict[int, tuple[Sequence[Pending], int]] = {}
        self._heaviest = 0.0

    @classmethod
    def of(cls, card: BenchCard, streams: bool = False) -> Pace | None:
        """A pace for a bench that shows media; None for one of texts, which needs none. `streams`:
        for scorers that answer one by one (see :attr:`Scorer.streams`)."""
        if not {card.modality, *card.prompt_modalities} - {"text"}:
            return None
        return cls(None, *PATIENT) if streams else cls()

    def end(self, window: int) -> int:
        """How many samples lie before the end of that window; windows count from 0."""
        while len(self._ends) <= window:
            self._ends.append(self._ends[-1] + self._stride())
        return self._ends[window]

    def sent(self, who: int, requests: Sequence[Pending], samples: int) -> None:
        """A scorer (`who`) has got these requests of so many samples to prepare."""
        self._sent[who] = (requests, samples)

    def delivered(self, samples: int) -> None:
        """A scorer is through with the first `samples` of the bench."""
        self._delivered = max(self._delivered, samples)

    def _stride(self) -> int:
        """Samples of the next window: twice as many as in the last one, if so many fit."""
        last = self._ends[-1] - (self._ends[-2] if len(self._ends) > 1 else 0)
        if not self._delivered:
            return last
        capacity = self._cache.capacity
        decoded = (self._cache.loaded - self._before) / self._delivered
        room = capacity / _SHARE / decoded if decoded and capacity else self._largest
        self._weigh()
        if self._heaviest:
            room = min(room, max(capacity, _LEAST) / _SHARE / self._heaviest)
        return max(1, min(2 * last, self._largest, int(room)))

    def _weigh(self) -> None:
        """What the windows under way take per sample, as far as they are prepared."""
        for requests, samples in self._sent.values():
            held = [
                weight(prepared) for item in requests if (prepared := item.prepared) is not None
            ]
            if held and samples:
                share = sum(held) / len(held) * len(requests) / samples
                self._heaviest = max(self._heaviest, share)


def weight(value: Any) -> int:
    """Bytes of arrays, tensors and texts in what a scorer prepared; the rest counts as nothing."""
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(value, bytes | str):
        return len(value)  # a judge's picture is a text
    if isinstance(value, Mapping):
        return sum(weight(part) for part in value.values())
    if isinstance(value, list | tuple):
        return sum(weight(part) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return sum(weight(getattr(value, field.name)) for field in fields(value))
    return 0
