"""One pass over a bench: samples in, outcomes out, with the ledger between.

Memory is bounded by the windows in flight, not by the size of the bench.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Typed

from prefgauge.registry.content import digest
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.protocol import Protocol
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.scorer import Scorer
from prefgauge.runners.columns import Spool
from prefgauge.runners.engine import Answer, Engine, Pending
from prefgauge.runners.pace import Pace
from prefgauge.runners.plan import key_of, requests_for

__all__ = ["Answered", "Counts", "Stream"]

_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\S*/\S*|\d+(?:\.\d+)?")
COMMIT_SECONDS = 0.2  # at most so much work lies between a batch and the disk
WINDOW = 4096  # requests planned, looked up and sorted together


class Store(Typed):
    """Where known answers come from and new ones go; see :class:`Ledger`."""

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Outcome]:
        """The known outcomes among `keys`."""

    def put(self, answers: Iterable[tuple[bytes, Outcome]]) -> dict[bytes, Outcome]:
        """Store answers; return those that another process gave first."""


@dataclass(slots=True)
class Answered:
    """A sample with the outcomes of all its requests, by candidates as shown, in planned order."""

    sample: Sample
    outcomes: dict[tuple[int, ...], Outcome] = field(default_factory=dict)
    asked: tuple[tuple[int, ...], ...] = ()


@dataclass(slots=True)
class Counts:
    """What happened in a run.

    Attributes
    ----------
    samples, bad_rows: rows read that did, and did not, become samples.
    requests: questions planned; of these `ledger_hits` were known, `shared` equal to another
        question of the same run, and `scored` put to the scorer.
    failed, invalid: outcomes without a usable answer, by kind.
    missing: failures because the sample's content is not at hand.
    unserved: samples that the scorer's form cannot answer.
    reasons: how often each kind of reason occurred, by its first wording; `examples`: where first.
    """

    samples: int = 0
    bad_rows: int = 0
    requests: int = 0
    ledger_hits: int = 0
    shared: int = 0
    scored: int = 0
    failed: int = 0
    invalid: int = 0
    missing: int = 0
    unserved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, str] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, reason: str, where: str) -> None:
        """Count a reason, keeping its first wording and place (at most 1,000 kinds). Reasons that
        differ in numbers, paths or quoted words alone are one kind."""
        kind = _VARIABLE.sub("…", reason)
        first = self.kinds.setdefault(kind, reason) if len(self.kinds) < 1000 else reason
        if first in self.reasons or len(self.reasons) < 1000:
            self.reasons[first] += 1
            self.examples.setdefault(first, where)


@dataclass
class Stream:
    """Runs one scorer over the rows of one bench.

    Parameters
    ----------
    bench: the bench's id.
    protocol: which requests a sample needs.
    engine: answers what the ledger does not know.
    ledger: None to keep no record.
    on_batch: called after each batch with (requests answered, without a usable answer).
    pace: where windows of media end; by default only the number of requests ends a window.
    """

    bench: str
    protocol: Protocol
    engine: Engine
    ledger: Store | None
    on_batch: Callable[[int, int], None] | None = None
    counts: Counts = field(default_factory=Counts)
    window: int = WINDOW
    pace: Pace | None = None
    _sha: Any = field(default_factory=hashlib.sha256)
    _ids: Spool = field(default_factory=lambda: Spool("q"))
    _waiting: dict[bytes, list[tuple[Answered, Request]]] = field(default_factory=dict)
    _ahead: deque[Answered] = field(default_factory=deque)
    _through: int = 0

    def run(self, rows: Iterable[Sample | BadRow]) -> Iterator[Answered]:
        """Yield every sample, in reading order, once all its requests are answered."""
        ready: deque[Answered] = deque()
        held: list[Answer] = []
        stored = time.monotonic()
        for answers in self.engine.answer(self._windows(rows, ready)):
            held += answers
            # a sync costs milliseconds: cheap batches share one, dear ones are stored at once
            # media are dear, and other scorers of the run may wait for this window's end
            dear = self.pace is not None
            if dear or len(held) >= self.window or time.monotonic() - stored > COMMIT_SECONDS:
                self._store(held)
                held, stored = [], time.monotonic()
                self._collect(ready)
                while ready:
                    yield ready.popleft()
        self._store(held)
        self._collect(ready)
        yield from ready

    @property
    def data_digest(self) -> str:
        """sha256 over ids, contents and labels of all samples read, in hex."""
        return str(self._sha.hexdigest())

    def repeated_ids(self) -> int:
        """How many samples have the id of an earlier one (ids must be unique)."""
        import numpy as np

        ids = np.sort(self._ids.array())
        return int(np.count_nonzero(ids[1:] == ids[:-1]))

    def _windows(
        self, rows: Iterable[Sample | BadRow], ready: deque[Answered]
    ) -> Iterator[list[Pending]]:
        planned: list[tuple[Answered, Request, bytes]] = []
        number = begun = 0
        for row in rows:
            if isinstance(row, BadRow):
                self.counts.bad_rows += 1
                self.counts.note(f"bad row: {row.reason}", row.where)
                continue
            self._plan(row, planned)
            full = self.pace is not None and self.counts.samples >= self.pace.end(number)
            if full or len(planned) >= self.window:
                number += full
                missing = self._misses(planned)
                if self.pace is not None:
                    self.pace.sent(id(self), missing, self.counts.samples - begun)
                yield missing
                planned, begun = [], self.counts.samples
                self._collect(ready)
        yield self._misses(planned)

    def _plan(self, sample: Sample, planned: list[tuple[Answered, Request, bytes]]) -> None:
        scorer = self.engine.scorer
        answered = Answered(sample)
        self._ahead.append(answered)
        self.counts.samples += 1
        self._sha.update(_sample_line(sample))
        self._ids.add(hash(sample.id))
        scorer.meet(self.bench, sample)
        requests = requests_for(self.bench, sample, self.protocol, scorer)
        if not requests:
            self.counts.unserved += 1
            self.counts.note(
                f"a {scorer.form} scorer cannot answer a sample with one candidate", sample.id
            )
        refusal = _refusal(sample, scorer)
        self.counts.requests += len(requests)
        answered.asked = tuple(request.candidates for request in requests)
        prompt_key = requests[0].prompt_key() if requests and not refusal else ""
        for request in requests:
            if refusal:
                self.counts.missing += sample.missing is not None
                self._settle(answered, request, Outcome.failed(refusal))
            else:
                planned.append((answered, request, key_of(request, scorer, prompt_key)))

    def _misses(self, planned: list[tuple[Answered, Request, bytes]]) -> list[Pending]:
        """Answer from the ledger; what is left, each question once."""
        known: dict[bytes, Outcome] = {}
        if self.ledger is not None:
            with self.engine.meter.part("ledger"):
                known = self.ledger.get(list({key for *_, key in planned}))
        missing: list[Pending] = []
        for answered, request, key in planned:
            if key in known:
                self.counts.ledger_hits += 1
                self._settle(answered, request, known[key])
            elif key in self._waiting:
                self.counts.shared += 1
                self._waiting[key].append((answered, request))
            else:
                self._waiting[key] = [(answered, request)]
                missing.append(Pending(request, key))
        return missing

    def _store(self, answers: list[Answer]) -> None:
        """Make answers durable, then hand them to the samples that wait for them."""
        if not answers:
            return
        kept = [(a.key, a.outcome) for a in answers if a.outcome.status != "failed"]
        earlier: dict[bytes, Outcome] = {}
        if self.ledger is not None and kept:
            with self.engine.meter.part("ledger"):
                earlier = self.ledger.put(kept)
        self.counts.scored += len(answers)
        for answer in answers:
            outcome = earlier.get(answer.key, answer.outcome)
            for answered, request in self._waiting.pop(answer.key):
                self._settle(answered, request, outcome)
        if self.on_batch is not None:
            self.on_batch(len(answers), sum(a.outcome.status != "ok" for a in answers))

    def _settle(self, answered: Answered, request: Request, outcome: Outcome) -> None:
        answered.outcomes[request.candidates] = outcome
        if outcome.status == "failed":
            self.counts.failed += 1
        elif outcome.status == "invalid":
            self.counts.invalid += 1
        if outcome.status != "ok":
            self.counts.note(f"{outcome.status}: {outcome.reason}", request.where())

    def _collect(self, ready: deque[Answered]) -> None:
        while self._ahead and len(self._ahead[0].outcomes) == len(self._ahead[0].asked):
            done = self._ahead.popleft()
            done.outcomes = {shown: done.outcomes[shown] for shown in done.asked}
            ready.append(done)
            self._through += 1
        if self.pace is not None:
            self.pace.delivered(self._through)


def _refusal(sample: Sample, scorer: Scorer[Any]) -> str:
    """Why the scorer cannot even be asked about this sample, or an empty string."""
    card = scorer.card
    if sample.missing is not None and card.keyed_by == "content":
        return f"the sample is label-only: {sample.missing}"
    for need in sorted(card.needs):
        if need == "prompt":
            if not sample.prompt:
                return "the scorer needs a prompt, which the sample does not have"
        elif need not in sample.context:
            return f"the scorer needs a {need}, which the sample does not have"
    return ""


def _sample_line(sample: Sample) -> bytes:
    contents = [digest(candidate) for candidate in sample.candidates]
    line = [sample.id, digest(sample.prompt), contents, [repr(label) for label in sample.labels]]
    return json.dumps(line).encode()
