"""The engine: prepares requests on CPU threads ahead of the device, batches them by cost, scores
them, and turns every kind of trouble into a recorded reason."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from prefgauge.registry.errors import PluginError, PrefgaugeError
from prefgauge.registry.meter import Meter, metering
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.scorer import Device, Scorer
from prefgauge.runners.batches import Pending, batches, total_cost
from prefgauge.runners.pump import Pump

__all__ = ["Answer", "Engine", "Pending", "SelfCheck"]

_CHUNK = 16  # requests prepared by one task at most: amortises the hand-over between threads
#: What the engine's other threads do while the run's own thread scores.
LANES = ("preparing", "staging", "streaming")


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


@dataclass
class Engine:
    """Answers requests with one scorer.

    Parameters
    ----------
    scorer: constructed, not opened; it is opened when the first request needs it, so that a run
        answered by the ledger loads no weights.
    device: where to compute, and how many threads prepare.
    self_check: requests of the first batches to score again alone; 0 for none.

    Attributes
    ----------
    meter: seconds of the thread that runs the engine, and counts of what went through models.
    lanes: seconds of the threads beside it, by what they do; see :data:`LANES`.
    batches: batches scored.
    """

    scorer: Scorer[Any]
    device: Device = field(default_factory=Device)
    self_check: int = 3
    check: SelfCheck = field(default_factory=SelfCheck)
    meter: Meter = field(default_factory=Meter)
    lanes: dict[str, Meter] = field(default_factory=dict)
    batches: int = 0
    _opened: bool = False
    _budget: int = 0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, windows: Iterable[Sequence[Pending]]) -> Iterator[list[Answer]]:
        """Answer windows of requests; yields a list of answers after each batch.

        While one window is on the device, the next is prepared. Within a window, requests are
        sorted by falling cost (memory trouble shows at once) with equal share keys together.
        """
        workers = max(1, self.device.workers)
        with (
            ThreadPoolExecutor(workers, "prepare") as pool,
            ThreadPoolExecutor(1, "stage") as stager,
        ):
            ahead: deque[tuple[Sequence[Pending], list[Future[None]]]] = deque()
            for window in windows:
                if window:
                    self.open()
                # a small window (of media) still goes to all threads, and ends on them together
                chunk = max(1, min(_CHUNK, len(window) // (4 * workers)))
                parts = [window[i : i + chunk] for i in range(0, len(window), chunk)]
                ahead.append((window, [pool.submit(self._prepare, part) for part in parts]))
                if len(ahead) > 1:
                    yield from self._window(*ahead.popleft(), stager)
            while ahead:
                yield from self._window(*ahead.popleft(), stager)

    def open(self) -> None:
        """Open the scorer if it is not open yet."""
        if not self._opened:
            with self.meter.part("opening"):
                self.scorer.open(self.device)
            self._opened = True
            self._budget = self.scorer.batch_cost

    def begin(self) -> None:
        """Start counting anew for the next run; the scorer stays open."""
        self.check, self.meter, self.batches = SelfCheck(), Meter(), 0
        self.lanes = {name: Meter() for name in LANES}

    def close(self) -> None:
        """Close the scorer if it was opened."""
        if self._opened:
            self.scorer.close()
            self._opened = False

    def __post_init__(self) -> None:
        self.begin()

    def _prepare(self, part: Sequence[Pending]) -> None:
        start = time.perf_counter()
        for item in part:
            try:
                item.prepared = self.scorer.prepare(item.request)
                item.cost = max(1, int(self.scorer.cost(item.prepared)))
            except Exception as error:
                item.problem = _reason(error)
        with self._lock:
            self.lanes["preparing"].add("preparing", time.perf_counter() - start)

    def _window(
        self, window: Sequence[Pending], futures: list[Future[None]], stager: ThreadPoolExecutor
    ) -> Iterator[list[Answer]]:
        with self.meter.part("preparing"):
            for future in futures:
                future.result()
        broken = [item for item in window if item.problem]
        if broken:
            yield [Answer(i.request, i.key, Outcome.failed(i.problem)) for i in broken]
        sound = [item for item in window if not item.problem]
        if self.scorer.streams:
            yield from self._stream(sound)
        else:
            yield from self._batched(sound, stager)
        for item in window:
            item.prepared = None

    def _batched(
        self, items: Sequence[Pending], stager: ThreadPoolExecutor
    ) -> Iterator[list[Answer]]:
        """Score in batches, each laid out and sent to the device while the one before is there."""
        before: tuple[list[Pending], Future[object] | None] | None = None
        for batch in self.meter.timed(
            "batching", batches(items, self.scorer, lambda: self._budget)
        ):
            staged = stager.submit(self._stage, batch) if self.scorer.stages else None
            if before is not None:
                yield self._score(*before)
            before = batch, staged
        if before is not None:
            yield self._score(*before)

    def _stage(self, batch: Sequence[Pending]) -> object:
        lane = self.lanes["staging"]
        with metering(lane), lane.part("laying out"):
            return self.scorer.stage([item.prepared for item in batch])

    def _score(self, batch: list[Pending], staged: Future[object] | None = None) -> list[Answer]:
        try:
            outcomes = self._call(batch, staged)
        except PluginError:
            raise
        except Exception as error:
            return self._after_error(batch, error)
        self.batches += 1
        if self.check.checked < self.self_check and len(batch) > 1:
            self._check_alone(batch, outcomes)
        return [self._answered(item, o) for item, o in zip(batch, outcomes, strict=True)]

    def _stream(self, items: list[Pending]) -> Iterator[list[Answer]]:
        """Hand all items to a streaming scorer; yield what came in, twice a second, also while
        stragglers are waited for."""
        left = dict(enumerate(items))
        ready: list[Answer] = []
        problem = "the scorer ended its stream without an answer"
        with metering(self.lanes["streaming"]):
            stream = Pump(self.scorer.score_stream([i.prepared for i in items]))
        with closing(stream) as pump:
            for got in self.meter.timed("computing", pump):
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
                    self.batches += bool(ready)
                    yield ready
                    ready = []
        ready += [Answer(i.request, i.key, Outcome.failed(problem)) for i in left.values()]
        yield ready

    def _answered(self, item: Pending, outcome: Outcome) -> Answer:
        checked = outcome.checked(self.scorer.form, len(item.request.candidates))
        return Answer(item.request, item.key, checked)

    def _call(
        self, batch: list[Pending], staged: Future[object] | None = None
    ) -> Sequence[Outcome]:
        prepared = [item.prepared for item in batch]
        with self.meter.part("computing"), metering(self.meter):
            if staged is None:
                return self._valid(self.scorer.score(prepared), len(batch))
            with self.meter.part("copying"):
                ready = staged.result()
            return self._valid(self.scorer.score_staged(prepared, ready), len(batch))

    def _valid(self, outcomes: object, asked: int) -> Sequence[Outcome]:
        if not isinstance(outcomes, Sequence):
            raise PluginError(
                f"The scorer {self.scorer.card.name} broke its contract: score() returned a "
                f"{type(outcomes).__name__}, not a list with one Outcome per request."
            )
        if len(outcomes) != asked or not all(isinstance(o, Outcome) for o in outcomes):
            kinds = sorted({type(outcome).__name__ for outcome in outcomes})
            raise PluginError(
                f"The scorer {self.scorer.card.name} broke its contract: score() was given "
                f"{asked} requests and returned {len(outcomes)} of {', '.join(kinds)}; it must "
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
            self._budget = max(1, min(self._budget, total_cost(batch, self.scorer) // 2))
        half = len(batch) // 2
        return self._score(batch[:half]) + self._score(batch[half:])

    def _check_alone(self, batch: list[Pending], outcomes: Sequence[Outcome]) -> None:
        if not self.scorer.batch_invariant:
            self.self_check = 0
            return
        for position in {0, len(batch) // 2, len(batch) - 1}:
            try:
                with self.meter.part("self-check"), metering(Meter()):
                    alone = self._valid(self.scorer.score([batch[position].prepared]), 1)[0]
            except Exception:
                continue
            together = outcomes[position]
            for name, value in together.values.items():
                difference = abs(value - alone.values.get(name, math.nan))
                if not math.isnan(difference):
                    self.check.largest = max(self.check.largest, difference)
            self.check.checked += 1


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
