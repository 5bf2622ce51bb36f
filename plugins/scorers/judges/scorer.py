"""``judge:``: the scorer made of a backend, a protocol and a strategy."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from prefgauge.plugins.scorers.judges.answers import Verdict
from prefgauge.plugins.scorers.judges.backends.base import Backend, Ended
from prefgauge.plugins.scorers.judges.deciding import MODES, Way
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol
from prefgauge.plugins.scorers.judges.strategies.base import Strategy
from prefgauge.plugins.scorers.judges.talk import Talk, Unreadable
from prefgauge.plugins.scorers.judges.view import LETTERS, View
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Option, ScorerCard
from prefgauge.registry.content import Text, text_of
from prefgauge.registry.errors import ScorerError, UsageError
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.scorer import (
    Device,
    Scorer,
)
from prefgauge.registry.source import home

__all__ = ["Judge"]

#: raised when answers change: 2 since choices of several tokens are weighed by all of them
_VERSION = 2


class Judge(Scorer[View]):
    """A judge; its form is that of its strategy over its protocol.

    Parameters
    ----------
    address: ``judge:BACKEND#MODEL?protocol=...&strategy=...``.
    backend, protocol, strategy: the parts it is made of.
    """

    padded = False
    batch_invariant = False

    def __init__(
        self, address: Address, backend: Backend, protocol: JudgeProtocol, strategy: Strategy
    ) -> None:
        self.backend, self.protocol, self.strategy = backend, protocol, strategy
        mode = address.get("answer", "text")
        if mode not in MODES:
            raise UsageError(f"Scorer {address}: answer must be {', '.join(MODES)}, not {mode!r}.")
        self.way = Way(
            mode=mode, temperature=address.get("temperature", 0.0),
            max_tokens=address.get("max_tokens", 1024), retries=address.get("retries", 2),
            seed=address.get("seed", 0),
        )  # fmt: skip
        if self.way.max_tokens < 1 or self.way.retries < 0 or self.way.temperature < 0:
            raise UsageError(
                f"Scorer {address}: max_tokens must be at least 1, retries and temperature at "
                "least 0."
            )
        self.models = tuple(dict.fromkeys((*protocol.models(), *strategy.models())))
        self.streams = backend.streams
        self.batch_size, self.batch_cost = backend.batch_size, backend.batch_cost
        self._ready = strategy.setup(self.way) is None
        self._setup_lock = threading.Lock()
        self.card = ScorerCard(
            name=str(address),
            form=self.form,
            modalities=backend.modalities & (protocol.modalities | {"text"}),
            dimensions=protocol.dimensions(),
            fingerprint=self._fingerprint(address),
            needs=protocol.needs,
            symmetric=strategy.symmetric,
            summary=(
                f"Judge {backend.model or backend.base}: {protocol.title} ({protocol.source}); "
                f"{strategy.title} ({strategy.source}); prompts in prefgauge's own words, "
                f"version {protocol.version}, digest {protocol.fingerprint()['protocol.prompts']}"
            ),
        )

    def _fingerprint(self, address: Address) -> Mapping[str, Option]:
        way = self.way
        return {
            "scorer": "judge",
            "version": _VERSION,
            "protocol": address.get("protocol", "pairwise"),
            "strategy": address.get("strategy", "plain"),
            "answer": way.mode,
            "temperature": way.temperature,
            "max_tokens": way.max_tokens,
            "retries": way.retries,
            "seed": way.seed,
            **{f"backend.{k}": v for k, v in self.backend.identity(self.models).items()},
            **self.protocol.fingerprint(),
            **self.strategy.fingerprint(),
        }

    def open(self, device: Device) -> None:
        """Load or connect to the models."""
        self.backend.open(device, self.models)

    def close(self) -> None:
        """Release them."""
        self.backend.close()

    def prepare(self, request: Request) -> View:
        """What the judge is shown.

        Raises
        ------
        ScorerError: if there are more candidates than letters, media that the model cannot be
            shown, or none where the protocol is about media.
        """
        if len(request.candidates) > len(LETTERS):
            raise ScorerError(f"a judge ranks at most {len(LETTERS)} candidates at once")
        view = View.of(request)
        blind = view.kinds - set(self.card.modalities)
        if blind:
            raise ScorerError(f"the judge cannot be shown: {', '.join(sorted(blind))}")
        about = set(self.protocol.modalities)
        media = {p.kind for c in view.candidates for p in c if not isinstance(p, Text)}
        if "text" not in about and not media & about:
            kinds = " or ".join(sorted(about))
            raise ScorerError(f"the protocol judges {kinds}, and no candidate holds any")
        return view

    def cost(self, prepared: View) -> int:
        """Roughly the tokens of the material: a quarter of its characters, 1,000 per medium."""
        contents = [*prepared.candidates, prepared.prompt, *prepared.context.values()]
        media = sum(not isinstance(part, Text) for parts in contents for part in parts)
        return 300 + 1000 * media + sum(len(text_of(parts)) for parts in contents) // 4

    def score(self, batch: Sequence[View]) -> list[Outcome]:
        """All verdicts, in order."""
        found = dict(self.score_stream(batch))
        return [found[position] for position in range(len(batch))]

    def score_stream(self, batch: Sequence[View]) -> Iterator[tuple[int, Outcome]]:
        """Verdicts as they come."""
        problem = self._set_up()
        if problem:
            for position in range(len(batch)):
                yield position, Outcome.failed(problem)
            return
        talks = [self._talk(view) for view in batch]
        for position, end in self.backend.run(talks):
            yield position, self._outcome(end)

    def _talk(self, view: View) -> Talk[Verdict]:
        return self.strategy.talk(view, self.way)

    def _set_up(self) -> str:
        """Do the strategy's work before the first verdict, once; what went wrong, or ''. What it
        finds is kept beside the ledger, so that a rerun does not pay for it again."""
        with self._setup_lock:
            talk = None if self._ready else self.strategy.setup(self.way)
            if talk is None:
                return ""
            facts = json.dumps(dict(self.card.fingerprint), sort_keys=True, default=str)
            name = hashlib.sha256(facts.encode()).hexdigest()
            path = home() / "judges" / f"{name}.json"
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                self.strategy.recall(json.loads(path.read_text("utf-8")))
                self._ready = True
                return ""
            ((_, end),) = self.backend.run([talk])
            if end.error is not None:
                return f"the strategy could not be set up: {end.error}"
            self._ready = True
            with contextlib.suppress(OSError):  # a folder that cannot be written costs a rerun
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh = path.with_suffix(f".{os.getpid()}")
                fresh.write_text(json.dumps(self.strategy.remember()), "utf-8")
                fresh.replace(path)
            return ""

    def _outcome(self, end: Ended[Verdict]) -> Outcome:
        critique = _record(end)
        extra = self._spent(end)
        if isinstance(end.error, Unreadable):
            return Outcome.invalid(str(end.error), critique=critique, extra=extra)
        if end.error is not None or end.value is None:
            error = end.error
            reason = " ".join(str(error).split())[:500] or type(error).__name__
            return Outcome.failed(reason, critique=critique, extra=extra)
        verdict = end.value
        if verdict.probabilities:
            extra["probabilities"] = dict(verdict.probabilities)
        extra.update(verdict.extra)
        rest: dict[str, Any] = {"verdict": verdict.word, "critique": critique, "extra": extra}
        if self.form == "listwise":
            return Outcome.ranking(verdict.order or (), **rest)
        if self.form == "pairwise":
            return Outcome.preference(verdict.values, **rest)
        return Outcome.score(verdict.values, **rest)

    def _spent(self, end: Ended[Verdict]) -> dict[str, Any]:
        replies = [reply for _, reply in end.exchanges]
        costs = [self.backend.cost(reply) for reply in replies]
        extra: dict[str, Any] = {
            "calls": len(replies),
            "tokens_in": sum(reply.tokens_in for reply in replies),
            "tokens_out": sum(reply.tokens_out for reply in replies),
            "seconds": round(sum(reply.seconds for reply in replies), 4),
        }
        if replies:
            extra["finish"] = replies[-1].finish
            extra["attempts"] = sum(reply.attempts for reply in replies)
        if replies and all(cost is not None for cost in costs):
            extra["cost_usd"] = sum(cast(list[float], costs))
        return extra


def _record(end: Ended[Verdict]) -> str | None:
    """The raw reply; of several, each under a line that says what it was for."""
    if not end.exchanges:
        return None
    if len(end.exchanges) == 1:
        return end.exchanges[0][1].text
    parts = []
    for number, (ask, reply) in enumerate(end.exchanges, 1):
        model = f", {ask.model}" if ask.model else ""
        parts.append(f"=== {number}. {ask.label}{model} ===\n{reply.text}")
    return "\n\n".join(parts)
