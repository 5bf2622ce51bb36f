"""Filling the ledger by many workers, before the ordinary run reads it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from prefgauge.registry.bench import Bench
from prefgauge.registry.outcome import Outcome
from prefgauge.registry.scorer import Scorer
from prefgauge.registry.source import Source
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.reading import rows_of
from prefgauge.runners.shards.local import ATTEMPTS, run_local
from prefgauge.runners.shards.manifest import Job, Shard, make_job, requests_of
from prefgauge.runners.shards.parts import merge

__all__ = ["Crew", "Overlay", "Runner", "fill"]

Runner: TypeAlias = Literal["local", "processes", "ray"]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who scores.

    Parameters
    ----------
    runner: ``"local"`` (this process), ``"processes"`` or ``"ray"``.
    devices: one worker process per entry, such as ``("cuda:0", "cuda:1")`` or ``("cpu", "cpu")``.
    ray_address: of a running cluster; None starts one on this machine.
    gpus: GPUs per Ray actor.
    rows: rows per shard.
    """

    runner: Runner = "local"
    devices: tuple[str, ...] = ()
    ray_address: str | None = None
    gpus: float = 0.0
    rows: int = 500


@dataclass
class Overlay:
    """A ledger together with the failures that workers met: known for this run, not kept."""

    ledger: Ledger
    failures: dict[bytes, Outcome] = field(default_factory=dict)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Outcome]:
        """Known answers, then this run's failures."""
        found = self.ledger.get(keys)
        if self.failures:
            found |= {k: self.failures[k] for k in keys if k in self.failures and k not in found}
        return found

    def put(self, answers: Any) -> dict[bytes, Outcome]:
        """Store answers in the ledger."""
        return self.ledger.put(answers)


def fill(
    bench: Bench,
    scorer: Scorer[Any],
    source: Source,
    ledger: Ledger,
    crew: Crew,
    *,
    limit: int | None,
    dtype: str,
    workers: int,
    on_shard: Callable[[Shard, int], None] | None = None,
) -> tuple[Overlay, int]:
    """Let the crew answer everything that the ledger does not know.

    Returns
    -------
    The ledger with this run's failures laid over it, and the number of requests scored.

    Raises
    ------
    ScorerError, DataError: if the workers cannot do any shard.
    """
    job = make_job(
        bench, scorer, source, ledger, limit=limit, size=crew.rows, dtype=dtype, workers=workers
    )
    scored = 0

    def count(shard: Shard, number: int) -> None:
        nonlocal scored
        scored += number
        if on_shard is not None:
            on_shard(shard, number)

    given_up: dict[int, str] = {}
    failures, _ = merge(job, ledger)
    for _ in range(ATTEMPTS):
        todo = [shard for shard in job.todo() if shard.number not in given_up]
        if not todo:
            break
        given_up |= _do(job, todo, crew, count)
        more, damaged = merge(job, ledger)
        failures |= more
        if not damaged:
            break
    failures |= _lost(job, bench, scorer, source, given_up)
    shutil.rmtree(Path(job.folder), ignore_errors=True)
    return Overlay(ledger, failures), scored


def _do(
    job: Job, todo: list[Shard], crew: Crew, count: Callable[[Shard, int], None]
) -> dict[int, str]:
    if crew.runner == "ray":
        from prefgauge.runners.shards.on_ray import run_on_ray

        actors = len(crew.devices) or 1
        return run_on_ray(job, todo, actors, crew.gpus, crew.ray_address, count)
    return run_local(job, todo, crew.devices or ("cpu",), count)


def _lost(
    job: Job, bench: Bench, scorer: Scorer[Any], source: Source, given_up: dict[int, str]
) -> dict[bytes, Outcome]:
    """A failed outcome for every request of the shards that were given up."""
    lost: dict[bytes, Outcome] = {}
    for shard in job.shards:
        if shard.number in given_up:
            rows = list(islice(rows_of(bench, source), shard.start, shard.stop))
            reason = f"rows {shard.start}-{shard.stop} were given up: {given_up[shard.number]}"
            lost |= {key: Outcome.failed(reason) for key, _ in requests_of(bench, scorer, rows)}
    return lost
