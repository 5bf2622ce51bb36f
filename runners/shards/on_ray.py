"""Ray as the engine over a manifest: one scorer actor per GPU, or fraction of one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefgauge.registry.errors import ScorerError, require
from prefgauge.runners.shards.local import ATTEMPTS
from prefgauge.runners.shards.manifest import Job, Shard

__all__ = ["run_on_ray"]


class ShardActor:
    """Runs inside Ray: holds the scorer and answers shards; reports, never raises."""

    def __init__(self, folder: str, device: str) -> None:
        self.folder, self.device = folder, device
        self.worker: Any = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do one shard; the result tells what happened."""
        from prefgauge.registry.errors import PrefgaugeError
        from prefgauge.runners.shards.worker import ShardWorker

        shard = Shard(**row)
        kind, value = "done", "0"
        if not _begin(Path(self.folder), shard):
            return {"number": shard.number, "kind": "failed", "value": "its worker died"}
        try:
            self.worker = self.worker or ShardWorker(Job.load(Path(self.folder)), self.device)
            value = str(self.worker.do(shard))
        except PrefgaugeError as error:
            kind, value = "refused", str(error)
        except Exception as error:
            kind, value = "failed", f"{type(error).__name__}: {error}"
        _forget(Path(self.folder), shard)
        return {"number": shard.number, "kind": kind, "value": value}


def _begin(folder: Path, shard: Shard) -> bool:
    """Mark that a worker begins the shard; False if it took :data:`ATTEMPTS` workers down.

    Ray restarts dead actors without end, and tells nobody which row killed them.
    """
    for attempt in range(ATTEMPTS):
        with contextlib.suppress(FileExistsError):
            (folder / f"begun-{shard.number:05d}-{attempt}").touch(exist_ok=False)
            return True
    return False


def _forget(folder: Path, shard: Shard | None = None) -> None:
    """Remove the marks of a shard, or of all of them."""
    number = "*" if shard is None else f"{shard.number:05d}"
    for mark in folder.glob(f"begun-{number}-*"):
        mark.unlink(missing_ok=True)


def run_on_ray(
    job: Job,
    shards: Sequence[Shard],
    actors: int,
    gpus: float,
    address: str | None = None,
    on_shard: Callable[[Shard, int], None] | None = None,
) -> dict[int, str]:
    """Do shards on a Ray cluster.

    Rows of a Ray dataset are shards, one to a block, so that blocks are never merged; actors ask
    for a half CPU (or a GPU and none), so that reading tasks cannot starve. Errors come back as
    rows: nothing is dropped. A dead actor is restarted by Ray and its shard done again,
    up to :data:`~.local.ATTEMPTS` times.

    Parameters
    ----------
    actors: largest number of scorer actors.
    gpus: GPUs per actor, 0 for CPU, 0.5 for two actors on one.
    address: of a running cluster; None starts one on this machine for the time of the call.

    Returns
    -------
    Shards that were given up, with the reason.

    Raises
    ------
    MissingExtra: if Ray is not installed. ScorerError: if the scorer cannot be opened.
    """
    ray: Any = require("ray", "ray", "--runner ray")
    # Ray tells of dead workers on stdout, where results of `run --json` go
    with redirect_stdout(sys.stderr):
        return _run(ray, job, shards, actors, gpus, address, on_shard)


def _run(
    ray: Any,
    job: Job,
    shards: Sequence[Shard],
    actors: int,
    gpus: float,
    address: str | None,
    on_shard: Callable[[Shard, int], None] | None,
) -> dict[int, str]:
    import ray.data as ray_data

    started = not ray.is_initialized()
    if started:
        ray.init(
            address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
            configure_logging=False, **({} if address else {"num_cpus": max(2, actors)}),
        )  # fmt: skip
    context = ray_data.DataContext.get_current()
    context.enable_progress_bars = False
    given_up: dict[int, str] = {}
    _forget(Path(job.folder))  # what a killed run had begun did not kill its workers
    try:
        for attempt in range(ATTEMPTS):
            todo = [shard for shard in shards if not job.part(shard).exists()]
            if not todo:
                return {}
            given_up = {}
            rows = ray_data.from_items([asdict(s) for s in todo], override_num_blocks=len(todo))
            done = rows.map(
                ShardActor,
                fn_constructor_args=(job.folder, "cuda" if gpus else "cpu"),
                compute=ray_data.ActorPoolStrategy(
                    min_size=1, max_size=min(actors, len(todo)), max_tasks_in_flight_per_actor=2
                ),
                max_restarts=-1,
                max_task_retries=-1,
                **({"num_gpus": gpus} if gpus else {"num_cpus": 0.5}),
            )
            by_number = {shard.number: shard for shard in todo}
            for row in done.iter_rows():
                if row["kind"] == "refused":
                    raise ScorerError(row["value"])
                if row["kind"] == "failed":
                    given_up[row["number"]] = f"{row['value']}, {attempt + 1} times"
                elif on_shard is not None:
                    on_shard(by_number[row["number"]], int(row["value"]))
        return given_up
    finally:
        if started:
            ray.shutdown()
