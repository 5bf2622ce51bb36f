"""What a run spends: seconds by part, and what went through its models.

The engine makes a :class:`Meter` current while it calls a scorer; code that copies to a device or
runs a model says so through :func:`part`, :func:`count` and :func:`operations`, which do nothing
where no meter is current. ``prefgauge run --profile`` shows the sums.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["Count", "Meter", "count", "metering", "operations", "part"]

T = TypeVar("T")


@dataclass(slots=True)
class Count:
    """How much of one kind went through a model.

    Attributes
    ----------
    nominal: as if every request were answered by itself.
    unique: what is left when equal inputs and shared prompts are counted once; never more than
        `nominal`.
    run: what was computed, padding included; never less than `unique`.
    """

    nominal: int = 0
    unique: int = 0
    run: int = 0


@dataclass
class Meter:
    """Seconds of one thread by part, with counts.

    Between :meth:`start` and :meth:`stop` every moment belongs to exactly one part, the innermost
    one that is open: one reading of the clock ends a part and begins the next. So the seconds add
    up to :attr:`wall` but for the rounding of floating-point sums.

    Attributes
    ----------
    seconds: by part; `rest` is what no part was named for.
    counts: by kind, such as ``tokens`` or ``images``.
    flops: floating-point operations that the unique inputs need.
    device, dtype: where they ran, as torch writes it; empty if no model said.
    """

    rest: str = "other"
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)
    flops: float = 0.0
    device: str = ""
    dtype: str = ""
    _open: list[str] = field(default_factory=list)
    _began: float = 0.0
    _since: float = 0.0

    @property
    def wall(self) -> float:
        """Seconds from :meth:`start` to the last change of part."""
        return self._since - self._began

    def start(self) -> None:
        """Begin; what belongs to no part from now on is charged to `rest`."""
        self._open = [self.rest]
        self._began = self._since = time.perf_counter()

    def stop(self) -> None:
        """Charge what is open, and end."""
        self._charge()
        self._open = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Charge the block to `name`, but for parts opened within it."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def timed(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """`items`, with the time that getting each takes charged to `name`."""
        iterator = iter(items)
        while True:
            with self.part(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def add(self, name: str, seconds: float) -> None:
        """Charge seconds that were measured elsewhere."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.add(self._open[-1], now - self._since)
        self._since = now


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering(meter: Meter) -> Iterator[None]:
    """Make `meter` the current one of this thread while the block runs."""
    token = _current.set(meter)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def part(name: str) -> Iterator[None]:
    """Charge the block to a part of the current meter."""
    meter = _current.get()
    if meter is None:
        yield
        return
    with meter.part(name):
        yield


def count(kind: str, nominal: int, unique: int = 0, run: int | None = None) -> None:
    """Add to a count of the current meter; `run` is `unique` where nothing is padded."""
    meter = _current.get()
    if meter is not None:
        found = meter.counts.setdefault(kind, Count())
        found.nominal += nominal
        found.unique += unique
        found.run += unique if run is None else run


def operations(flops: float, device: object = "", dtype: object = "") -> None:
    """Add floating-point operations to the current meter, and say where they run."""
    meter = _current.get()
    if meter is not None:
        meter.flops += flops
        meter.device, meter.dtype = str(device) or meter.device, str(dtype) or meter.dtype
