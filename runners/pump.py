"""A scorer's stream, read in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Thread

from prefgauge.registry.outcome import Outcome

__all__ = ["Pump"]

FLUSH = 0.5  # seconds between commits of a streaming scorer's answers


class Pump:
    """Iterates a stream in a thread of its own: its items as they come, None every
    :data:`FLUSH` seconds, and at last the exception that ended it, if one did."""

    def __init__(self, stream: Iterator[tuple[int, Outcome]]) -> None:
        self._queue: SimpleQueue[tuple[int, Outcome] | Exception | type[StopIteration]] = (
            SimpleQueue()
        )
        self._stream = stream
        self._stopped = Event()
        run = copy_context().run
        self._thread = Thread(target=run, args=(self._run,), name="stream", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._stream:
                self._queue.put(item)
                if self._stopped.is_set():
                    break
        except Exception as error:
            self._queue.put(error)
        finally:
            if isinstance(self._stream, Generator):
                self._stream.close()
            self._queue.put(StopIteration)

    def __iter__(self) -> Iterator[tuple[int, Outcome] | Exception | None]:
        flushed = time.perf_counter()
        while True:
            try:
                item = self._queue.get(timeout=max(0.0, flushed + FLUSH - time.perf_counter()))
            except Empty:
                flushed = time.perf_counter()
                yield None
                continue
            if item is StopIteration:
                return
            assert not isinstance(item, type)
            yield item

    def close(self) -> None:
        """Stop after the item under way."""
        self._stopped.set()
