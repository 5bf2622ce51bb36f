"""The worker: holds one scorer on one device and answers shards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from prefgauge.registry.discovery import default
from prefgauge.registry.errors import DataError, ScorerError
from prefgauge.registry.outcome import Outcome
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.scorer import Device
from prefgauge.runners.engine import Engine, Pending
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.plan import fingerprint
from prefgauge.runners.reading import rows_of
from prefgauge.runners.shards.manifest import Job, Rows, Shard, requests_of, rows_digest
from prefgauge.runners.shards.parts import write_part

__all__ = ["ShardWorker"]

_WINDOW = 4096


class ShardWorker:
    """Answers shards of one job.

    Parameters
    ----------
    job: what to do.
    device: where, such as ``"cpu"`` or ``"cuda:1"``.

    Raises
    ------
    ScorerError: if this worker's scorer is not the one of the manifest.
    """

    def __init__(self, job: Job, device: str) -> None:
        registry = default()
        self.job = job
        self.bench = registry.bench(job.bench)
        scorer = registry.scorer(job.scorer)
        if fingerprint(scorer, Device(device, job.dtype)) != job.fingerprint:
            raise ScorerError(
                f"{job.scorer} is not the same scorer here as in the manifest (another version, "
                "revision or file); bring the workers' environments in line."
            )
        self.engine = Engine(scorer, Device(device, job.dtype, job.workers))
        self.ledger = Ledger(Path(job.ledger)) if Path(job.ledger).exists() else None
        self._rows: Iterator[Sample | BadRow] = iter(())
        self._position = -1

    def do(self, shard: Shard) -> int:
        """Answer a shard and commit its part; returns the number of requests scored."""
        part = self.job.part(shard)
        if part.exists():
            return 0
        rows = self._read(shard)
        if rows_digest(rows) != shard.digest:
            raise DataError(
                f"Rows {shard.start}-{shard.stop} of {self.job.bench} are not those of the manifest: "
                "the data changed. Start again with --fresh."
            )
        wanted = dict(requests_of(self.bench, self.engine.scorer, rows))
        known = self.ledger.get(list(wanted)) if self.ledger is not None else {}
        pending = [Pending(request, key) for key, request in wanted.items() if key not in known]
        windows = [pending[i : i + _WINDOW] for i in range(0, len(pending), _WINDOW)]
        answers: list[tuple[bytes, Outcome]] = [
            (answer.key, answer.outcome)
            for batch in self.engine.answer(windows)
            for answer in batch
        ]
        write_part(part, shard.digest, sorted(answers, key=lambda answer: answer[0]))
        return len(answers)

    def close(self) -> None:
        """Release the scorer and the ledger."""
        self.engine.close()
        if self.ledger is not None:
            self.ledger.close()

    def _read(self, shard: Shard) -> Rows:
        """The rows of a shard; shards come in rising order, so the file is read about once."""
        if self._position < 0 or shard.start < self._position:
            self._rows, self._position = rows_of(self.bench, self.job.source()), 0
        skipped = sum(1 for _ in islice(self._rows, shard.start - self._position))
        rows = list(islice(self._rows, shard.stop - shard.start))
        self._position += skipped + len(rows)
        return rows
