"""The engine: prepares requests on CPU threads ahead of the device, batches them by cost, scores
them, and turns every kind of trouble into a recorded reason."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from prefgauge.registry.errors import PluginError, PrefgaugeError
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.scorer import Device, Scorer

__all__ = ["Answer", "Engine", "Pending", "SelfCheck"]

_FLUSH = 0.5  # seconds between commits of a streaming scorer's answers
_CHUNK = 16  # requests prepared by one task at most: amortises the hand-over between threads


@dataclass(slots=True)
class Pending:
    """A request waiting for its answer, with its ledger key."""

    request: Request
    key: bytes
    prepared: Any = None
    cost: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request with its outcome."""

    request: Request
    key: bytes
    outcome: Outcome


@dataclass(slots=True)
class SelfCheck:
    """Whether requests scored alone equal the same requests in their batch.

    Attributes
    ----------
    checked: requests compared; `largest`: largest absolute difference of a value.
    """

    checked: int = 0
    largest: float = 0.0


@dataclass(slots=True)
class Spent:
    """Seconds spent: waiting for prepared requests, scoring on the device, opening the scorer."""

    waiting: float = 0.0
    scoring: float = 0.0
    opening: float = 0.0
    batches: int = 0
    cost: int = 0


@dataclass
class Engine:
    """Answers requests with one scorer.

    Parameters
    ----------
    scorer: constructed, not opened; it is opened when the first request needs it, so that a run
        answered by the ledger loads no weights.
    device: where to compute, and how many threads prepare.
    self_check: requests of the first batches to score again alone; 0 for none.
    """

    scorer: Scorer[Any]
    device: Device = field(default_factory=Device)
    self_check: int = 3
    check: SelfCheck = field(default_factory=SelfCheck)
    spent: Spent = field(default_factory=Spent)
    _opened: bool = False
    _budget: int = 0

    def answer(self, windows: Iterable[Sequence[Pending]]) -> Iterator[list[Answer]]:
        """Answer windows of requests; yields a list of answers after each batch.

        While one window is on the device, the next is prepared. Within a window, requests are
        sorted by falling cost (memory trouble shows at once) with equal share keys together.
        """
        workers = max(1, self.device.workers)
        with ThreadPoolExecutor(workers, "prepare") as pool:
            ahead: deque[tuple[Sequence[Pending], list[Future[None]]]] = deque()
            for window in windows:
                if window:
                    self.open()
                # a small window (of media) still goes to all threads, and ends on them together
                chunk = max(1, min(_CHUNK, len(window) // (4 * workers)))
                parts = [window[i : i + chunk] for i in range(0, len(window), chunk)]
                ahead.append((window, [pool.submit(self._prepare, part) for part in parts]))
                if len(ahead) > 1:
                    yield from self._window(*ahead.popleft())
            while ahead:
                yield from self._window(*ahead.popleft())

    def open(self) -> None:
        """Open the scorer if it is not open yet."""
        if not self._opened:
            start = time.perf_counter()
            self.scorer.open(self.device)
            self.spent.opening += time.perf_counter() - start
            self._opened = True
            self._budget = self.scorer.batch_cost

    def begin(self) -> None:
        """Start counting anew for the next run; the scorer stays open."""
        self.check, self.spent = SelfCheck(), Spent()

    def close(self) -> None:
        """Close the scorer if it was opened."""
        if self._opened:
            self.scorer.close()
            self._opened = False

    def _prepare(self, part: Sequence[Pending]) -> None:
        for item in part:
            try:
                item.prepared = self.scorer.prepare(item.request)
                item.cost = max(1, int(self.scorer.cost(item.prepared)))
            except Exception as error:
                item.problem = _reason(error)

    def _window(
        self, window: Sequence[Pending], futures: list[Future[None]]
    ) -> Iterator[list[Answer]]:
        start = time.perf_counter()
        for future in futures:
            future.result()
        self.spent.waiting += time.perf_counter() - start
        broken = [item for item in window if item.problem]
        if broken:
            yield [Answer(i.request, i.key, Outcome.failed(i.problem)) for i in broken]
        sound = [item for item in window if not item.problem]
        if self.scorer.streams:
            yield from self._stream(sound)
        else:
            for batch in self._batches(sound):
                yield self._score(batch)
        for item in window:
            item.prepared = None

    def _batches(self, items: Sequence[Pending]) -> Iterator[list[Pending]]:
        """Greedy batches under the cost budget, dearest first, shared prompts together."""
        groups: dict[object, list[Pending]] = {}
        for number, item in enumerate(items):
            key = self.scorer.share_key(item.prepared)
            groups.setdefault(("alone", number) if key is None else key, []).append(item)
        for group in groups.values():
            group.sort(key=lambda item: -item.cost)
        batch: list[Pending] = []
        total = largest = 0
        for group in sorted(groups.values(), key=lambda group: -group[0].cost):
            for item in group:
                if self.scorer.padded:
                    cost = max(largest, item.cost) * (len(batch) + 1)
                else:
                    cost = total + item.cost
                if batch and (cost > self._budget or len(batch) >= self.scorer.batch_size):
                    yield batch
                    batch, total, largest = [], 0, 0
                batch.append(item)
                total += item.cost
                largest = max(largest, item.cost)
        if batch:
            yield batch

    def _score(self, batch: list[Pending]) -> list[Answer]:
        start = time.perf_counter()
        try:
            outcomes = self._call(batch)
        except PluginError:
            raise
        except Exception as error:
            self.spent.scoring += time.perf_counter() - start
            return self._after_error(batch, error)
        self.spent.scoring += time.perf_counter() - start
        self.spent.batches += 1
        self.spent.cost += sum(item.cost for item in batch)
        if self.check.checked < self.self_check and len(batch) > 1:
            self._check_alone(batch, outcomes)
        return [self._answered(item, o) for item, o in zip(batch, outcomes, strict=True)]

    def _stream(self, items: list[Pending]) -> Iterator[list[Answer]]:
        """Hand all items to a streaming scorer; yield what came in, twice a second, also while
        stragglers are waited for."""
        left = dict(enumerate(items))
        ready: list[Answer] = []
        problem = "the scorer ended its stream without an answer"
        start = time.perf_counter()
        with closing(_Pump(self.scorer.score_stream([i.prepared for i in items]))) as pump:
            for got in pump:
                if isinstance(got, PluginError):
                    raise got
                if isinstance(got, Exception):
                    problem = _reason(got)
                elif got is not None:
                    position, outcome = got
                    if position not in left:
                        raise PluginError(
                            f"The scorer {self.scorer.card.name} broke its contract: score_stream() "
                            f"gave position {position}, which it was not asked for or had given before."
                        )
                    ready.append(self._answered(left.pop(position), outcome))
                if got is None or len(ready) >= self.scorer.batch_size:
                    self.spent.batches += bool(ready)
                    yield ready
                    ready = []
        self.spent.scoring += time.perf_counter() - start
        ready += [Answer(i.request, i.key, Outcome.failed(problem)) for i in left.values()]
        yield ready

    def _answered(self, item: Pending, outcome: Outcome) -> Answer:
        checked = outcome.checked(self.scorer.form, len(item.request.candidates))
        return Answer(item.request, item.key, checked)

    def _call(self, batch: list[Pending]) -> Sequence[Outcome]:
        outcomes = self.scorer.score([item.prepared for item in batch])
        if not isinstance(outcomes, Sequence):
            raise PluginError(
                f"The scorer {self.scorer.card.name} broke its contract: score() returned a "
                f"{type(outcomes).__name__}, not a list with one Outcome per request."
            )
        if len(outcomes) != len(batch) or not all(isinstance(o, Outcome) for o in outcomes):
            kinds = sorted({type(outcome).__name__ for outcome in outcomes})
            raise PluginError(
                f"The scorer {self.scorer.card.name} broke its contract: score() was given "
                f"{len(batch)} requests and returned {len(outcomes)} of {', '.join(kinds)}; it must "
                "return one Outcome per request, in order."
            )
        return outcomes

    def _after_error(self, batch: list[Pending], error: Exception) -> list[Answer]:
        """Halve the batch until the culprit stands alone, and record it."""
        memory = _out_of_memory(error)
        if memory:
            _free_memory()
        if len(batch) == 1:
            reason = _reason(error)
            if memory:
                reason = f"out of memory even alone, at cost {batch[0].cost}: {reason}"
            return [Answer(batch[0].request, batch[0].key, Outcome.failed(reason))]
        if memory:
            spent = max(i.cost for i in batch) * len(batch)
            total = spent if self.scorer.padded else sum(i.cost for i in batch)
            self._budget = max(1, min(self._budget, total // 2))
        half = len(batch) // 2
        return self._score(batch[:half]) + self._score(batch[half:])

    def _check_alone(self, batch: list[Pending], outcomes: Sequence[Outcome]) -> None:
        if not self.scorer.batch_invariant:
            self.self_check = 0
            return
        for position in {0, len(batch) // 2, len(batch) - 1}:
            try:
                alone = self._call([batch[position]])[0]
            except Exception:
                continue
            together = outcomes[position]
            for name, value in together.values.items():
                difference = abs(value - alone.values.get(name, math.nan))
                if not math.isnan(difference):
                    self.check.largest = max(self.check.largest, difference)
            self.check.checked += 1


class _Pump:
    """Iterates a stream in a thread of its own: its items as they come, None every
    :data:`_FLUSH` seconds, and at last the exception that ended it, if one did."""

    def __init__(self, stream: Iterator[tuple[int, Outcome]]) -> None:
        self._queue: SimpleQueue[tuple[int, Outcome] | Exception | type[StopIteration]] = (
            SimpleQueue()
        )
        self._stream = stream
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="stream", daemon=True)
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
                item = self._queue.get(timeout=max(0.0, flushed + _FLUSH - time.perf_counter()))
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


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:500]
    if isinstance(error, PrefgaugeError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _free_memory() -> None:
    import gc
    import sys

    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
