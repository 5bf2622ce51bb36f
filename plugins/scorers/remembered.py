"""Encodings that are made once, in whatever batch their input occurs again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from prefgauge.registry.meter import count

__all__ = ["Remembered"]


class Remembered:
    """Encodings by what they are of; the least recently used leave first.

    Parameters
    ----------
    kind: what is encoded, as the profile counts it: ``texts``, ``images``, ``sounds``.
    capacity: encodings kept between batches.
    """

    def __init__(self, kind: str, capacity: int = 4096) -> None:
        self.kind, self.capacity = kind, capacity
        self._known: OrderedDict[Hashable, Any] = OrderedDict()

    def of(
        self,
        items: Sequence[tuple[Hashable, Any]],
        encode: Callable[[list[Any]], Sequence[Any]],
    ) -> list[Any]:
        """The encodings of (key, input) items, in order; inputs with an equal key are equal.

        Parameters
        ----------
        encode: makes the encodings of inputs not seen before, all at once.
        """
        new = {key: value for key, value in items if key not in self._known}
        if new:
            self._known.update(zip(new, encode(list(new.values())), strict=True))
        count(self.kind, len(items), len(new))
        found = []
        for key, _ in items:
            self._known.move_to_end(key)
            found.append(self._known[key])
        while len(self._known) > max(self.capacity, len(new)):
            self._known.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._known)
