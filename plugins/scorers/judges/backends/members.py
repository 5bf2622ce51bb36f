"""Several backends as one: a judge's own, and those of further models named ``BACKEND#MODEL``.

A jury may sit in several places: ``jury=model-a,http://other:8000/v1#model-b,openai#gpt-x``. The
same holds for a listener or a describing model. Each question goes to the backend of its model, at
that backend's own pace.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from prefgauge.plugins.scorers.judges.backends.base import AsyncBackend, Backend, BatchBackend
from prefgauge.plugins.scorers.judges.talk import Ask, BackendError, Reply
from prefgauge.registry.cards import Modality, Option
from prefgauge.registry.errors import UsageError
from prefgauge.registry.scorer import Device

__all__ = ["Members"]

_GATHER = 0.02  # seconds that a batch waits for company


class Members(AsyncBackend):
    """A backend that passes questions on.

    Parameters
    ----------
    own: the judge's backend.
    others: name as the strategy says it -> backend.

    Raises
    ------
    UsageError: if one of them is neither asynchronous nor works in batches.
    """

    def __init__(self, own: Backend, others: Mapping[str, Backend]) -> None:
        super().__init__(own.model, own.address, own.base)
        self.own, self.others = own, dict(others)
        everyone = [own, *self.others.values()]
        for backend in everyone:
            if not isinstance(backend, AsyncBackend | BatchBackend):
                raise UsageError(f"The backend of {backend.model} cannot be one of several.")
        self.concurrency = sum(
            b.concurrency if isinstance(b, AsyncBackend) else b.batch_size for b in everyone
        )
        self._gatherers: dict[int, _Gatherer] = {}

    @property
    def modalities(self) -> frozenset[Modality]:
        """What all of them can be shown."""
        return self.own.modalities.intersection(*(b.modalities for b in self.others.values()))

    def identity(self, models: Sequence[str]) -> dict[str, Option]:
        """The judge's own backend's, and each other's under ``members``."""
        facts = {name: backend.identity(()) for name, backend in sorted(self.others.items())}
        mine = self.own.identity([name for name in models if name not in self.others])
        return {**mine, "members": json.dumps(facts, sort_keys=True)}

    def open(self, device: Device, models: Sequence[str]) -> None:
        """Open all; if one cannot be opened, the others are closed again."""
        opened: list[Backend] = []
        try:
            self.own.open(device, [name for name in models if name not in self.others])
            opened.append(self.own)
            for backend in self.others.values():
                backend.open(device, ())
                opened.append(backend)
            super().open(device, models)
        except BaseException:
            for backend in opened:
                backend.close()
            raise

    def close(self) -> None:
        """Close all."""
        super().close()
        self._gatherers.clear()
        for backend in (self.own, *self.others.values()):
            backend.close()

    async def ask(self, ask: Ask) -> Reply:
        """Pass it on to the backend of its model."""
        backend = self.others.get(ask.model, self.own)
        theirs = ask if backend is self.own else replace(ask, model="")
        if isinstance(backend, AsyncBackend):
            assert backend._loop is not None
            work = asyncio.run_coroutine_threadsafe(backend._ask(theirs), backend._loop)
            reply = await asyncio.wrap_future(work)
        else:
            assert isinstance(backend, BatchBackend)
            gatherer = self._gatherers.setdefault(id(backend), _Gatherer(backend))
            reply = await gatherer.ask(theirs)
        if isinstance(reply, BackendError):
            raise reply
        if backend is not self.own:
            reply = replace(reply, extra={**reply.extra, "member": ask.model})
        return reply

    def cost(self, reply: Reply) -> float | None:
        """By the prices of the judge's own backend; a member's price is not known."""
        return None if "member" in reply.extra else self.own.cost(reply)


class _Gatherer:
    """Gathers questions that come one by one into batches for a backend in this process."""

    def __init__(self, backend: BatchBackend) -> None:
        self.backend = backend
        self._waiting: list[tuple[Ask, asyncio.Future[Reply | BackendError]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, ask: Ask) -> Reply | BackendError:
        future: asyncio.Future[Reply | BackendError] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHER)
            batch, self._waiting = self._waiting, []
            asks = [ask for ask, future in batch if not future.done()]
            try:
                replies = await asyncio.to_thread(self.backend.ask_all, asks)
            except Exception as error:  # a fault in a backend fails its questions alone
                reason = f"{type(error).__name__}: {error}"
                replies = [BackendError(reason)] * len(asks)
            open_ = [future for _, future in batch if not future.done()]
            for future, reply in zip(open_, replies):
                if not future.done():
                    future.set_result(reply)
