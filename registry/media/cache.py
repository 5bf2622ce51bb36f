"""A bounded store of decoded media, shared by the scorers of one process.

Keys are (kind, digest of the encoded bytes, how it was decoded), so one picture that several
scorers look at is decoded once. Least recently used values leave first. The size is
``PREFGAUGE_MEDIA_CACHE`` (``512MB``, ``2GiB``, a plain number of bytes, ``0`` for none);
1 GiB by default.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from functools import cache
from typing import Any, TypeVar, cast

from prefgauge.registry.errors import UsageError

__all__ = ["MediaCache", "cache_bytes", "shared"]

T = TypeVar("T")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class MediaCache:
    """A thread-safe least-recently-used cache, bounded in bytes.

    Parameters
    ----------
    capacity: largest sum of the sizes of the values kept.

    Attributes
    ----------
    used: sum of the sizes of the values kept now; `loaded`: of all that were ever kept.
    hits, misses: how often a value was there, and was not.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = self.loaded = 0
        self.hits = 0
        self.misses = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, load: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value under `key`; `load` makes it where it is not there.

        Two threads that ask for one key at once load it once. What `load` raises is raised to
        each of them, and nothing is kept. A value larger than the capacity is not kept.
        """
        with self._lock:
            if key in self._values:
                return cast(T, self._touch(key))
            gate = self._loading.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._values:
                    return cast(T, self._touch(key))
                self.misses += 1
            try:
                value = load()
                with self._lock:
                    self._keep(key, value, size(value))
                return value
            finally:
                with self._lock:
                    self._loading.pop(key, None)

    def peek(self, key: Hashable) -> Any:
        """The value under `key`, or None; one that another thread loads just now is waited for,
        but nothing is loaded for this. (So a load must not peek at its own key.)"""
        with self._lock:
            gate = self._loading.get(key)
        with gate or nullcontext(), self._lock:
            return self._touch(key) if key in self._values else None

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
            self.used = 0

    def __len__(self) -> int:
        return len(self._values)

    def _touch(self, key: Hashable) -> Any:
        self._values.move_to_end(key)
        self.hits += 1
        return self._values[key][0]

    def _keep(self, key: Hashable, value: Any, size: int) -> None:
        if size > self.capacity:
            return
        self._values[key] = (value, size)
        self.used += size
        self.loaded += size
        while self.used > self.capacity:
            _, (_, freed) = self._values.popitem(last=False)
            self.used -= freed


def cache_bytes(text: str | None) -> int:
    """Parse a size such as ``1GiB``; None is 1 GiB. K, M, G, T are powers of 1024.

    Raises
    ------
    UsageError: if it is not a size.
    """
    if text is None or not text.strip():
        return 1 << 30
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"PREFGAUGE_MEDIA_CACHE is {text!r}; give a size such as 512MB or 2GiB, or 0 for none."
        )
    return int(float(match[1]) * 1024 ** _POWER[match[2].lower()])


@cache
def shared() -> MediaCache:
    """The cache of this process."""
    return MediaCache(cache_bytes(os.environ.get("PREFGAUGE_MEDIA_CACHE")))
