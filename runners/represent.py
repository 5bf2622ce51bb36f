"""Representations of many candidates by a scorer that gives them, through the engine: prepared on
threads, batched by cost, halved when memory runs out, failures recorded with their reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from prefgauge.registry import (
    Device,
    Outcome,
    PluginError,
    PointwiseScorer,
    Request,
    Scorer,
    ScorerError,
)
from prefgauge.runners.engine import Engine, Pending

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Representer"]

_WINDOW = 1024


class _Vectors(PointwiseScorer[Any]):
    """A scorer seen as one whose outcome carries the representation.

    Its value is the vector's norm, so that the engine's check of batches against single requests
    applies to representations too.
    """

    def __init__(self, inner: Scorer[Any]) -> None:
        self.inner, self.card = inner, inner.card
        self._limits()

    def _limits(self) -> None:
        inner = self.inner
        self.padded, self.batch_cost = inner.padded, inner.batch_cost
        self.batch_size, self.batch_invariant = inner.batch_size, inner.batch_invariant

    def open(self, device: Device) -> None:
        self.inner.open(device)
        self._limits()  # a scorer may learn its budget when it is opened

    def close(self) -> None:
        self.inner.close()

    def prepare(self, request: Request) -> Any:
        return self.inner.prepare(request)

    def cost(self, prepared: Any) -> int:
        return self.inner.cost(prepared)

    def share_key(self, prepared: Any) -> Any:
        return self.inner.share_key(prepared)

    def group_cost(self, group: Sequence[Any]) -> int:
        return self.inner.group_cost(group)

    def score(self, batch: Sequence[Any]) -> list[Outcome]:
        rows = np.asarray(self.inner.represent(batch), dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(batch):
            raise PluginError(
                f"The scorer {self.card.name} broke its contract: represent() was given "
                f"{len(batch)} requests and returned an array of shape {rows.shape}; it must "
                "return one row per request."
            )
        return [
            Outcome.score(float(np.linalg.norm(row)), extra={"vector": row})
            if np.isfinite(row).all()
            else Outcome.failed("the representation holds values that are not finite")
            for row in rows
        ]


@dataclass
class Representer:
    """Asks one scorer for representations.

    Attributes
    ----------
    asked, failed: requests so far, and those of them without a representation.
    reasons: how often each reason for that occurred.
    """

    scorer: Scorer[Any]
    device: Device = field(default_factory=Device)
    asked: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if not self.scorer.represents:
            raise ScorerError(
                f"{self.scorer.card.name} gives no representations. Scorers over local models "
                "do, such as hf:FOLDER-or-ID and embed:FOLDER-or-ID."
            )
        if self.scorer.form != "pointwise":
            raise ScorerError(f"{self.scorer.card.name} is {self.scorer.form}, not pointwise.")
        self.engine = Engine(_Vectors(self.scorer), self.device)

    def vectors(self, requests: Iterable[Request]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """(number of the request from 0, its representation), in the order in which batches are
        done; requests that failed are counted and left out."""
        numbers: dict[bytes, int] = {}
        for answers in self.engine.answer(self._windows(requests, numbers)):
            for answer in answers:
                number = numbers.pop(answer.key)
                outcome = answer.outcome
                if outcome.status == "ok":
                    yield number, outcome.extra["vector"]
                else:
                    self.failed += 1
                    self.reasons[outcome.reason] += 1

    def close(self) -> None:
        """Release the scorer."""
        self.engine.close()

    def _windows(
        self, requests: Iterable[Request], numbers: dict[bytes, int]
    ) -> Iterator[list[Pending]]:
        numbered = enumerate(requests)
        while window := list(islice(numbered, _WINDOW)):
            pending = []
            for number, request in window:
                key = number.to_bytes(8, "big")
                numbers[key] = number
                pending.append(Pending(request, key))
            self.asked += len(pending)
            yield pending
