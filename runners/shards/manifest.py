"""The manifest: which rows make which shard, decided once and kept until the job is done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.errors import StoreError
from prefgauge.registry.outcome import Request
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.scorer import Device, Scorer
from prefgauge.registry.source import Source, home
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.plan import fingerprint, key_of, requests_for
from prefgauge.runners.reading import rows_of

__all__ = ["Job", "Shard", "chunks", "make_job", "requests_of", "rows_digest"]

Rows = list[Sample | BadRow]


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows ``start`` to ``stop`` of a bench; `digest` is over their ids, so that a worker that
    reads other rows (a changed file) is noticed."""

    number: int
    start: int
    stop: int
    digest: str


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker on another process or machine needs.

    Parameters
    ----------
    folder: where the manifest and the parts lie; workers must all see it.
    bench, scorer: names for the registry.
    data, cache, offline: the :class:`Source`.
    fingerprint: of the scorer; a worker whose scorer differs refuses.
    dtype, workers: of the device; its name comes with the worker.
    ledger: the parent's ledger file, read by workers that can see it.
    shards: those with unanswered requests.
    """

    folder: str
    bench: str
    scorer: str
    data: str | None
    cache: str
    offline: bool
    fingerprint: str
    dtype: str
    workers: int
    ledger: str
    shards: tuple[Shard, ...]

    def source(self) -> Source:
        """The source of the bench's files."""
        return Source(Path(self.data) if self.data else None, Path(self.cache), self.offline)

    def part(self, shard: Shard) -> Path:
        """Where the part of a shard lies when it is finished."""
        return Path(self.folder) / f"part-{shard.number:05d}.parquet"

    def todo(self) -> list[Shard]:
        """Shards without a part."""
        return [shard for shard in self.shards if not self.part(shard).exists()]

    def save(self) -> None:
        """Write ``manifest.json``, whole or not at all."""
        path = Path(self.folder) / "manifest.json"
        temporary = path.with_suffix(f".tmp-{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(asdict(self)), "utf-8")
            os.replace(temporary, path)
        except OSError as error:
            raise StoreError(f"The manifest {path} cannot be written: {error}.") from None

    @classmethod
    def load(cls, folder: Path) -> Job:
        """Read ``manifest.json``."""
        data = json.loads((folder / "manifest.json").read_text("utf-8"))
        data["shards"] = tuple(Shard(**shard) for shard in data["shards"])
        return cls(**data)


def chunks(rows: Iterator[Sample | BadRow], size: int) -> Iterator[Rows]:
    """Consecutive lists of `size` rows."""
    while chunk := list(islice(rows, size)):
        yield chunk


def rows_digest(rows: Rows) -> str:
    """sha256 over the ids of samples and the places of bad rows."""
    names = [row.where if isinstance(row, BadRow) else row.id for row in rows]
    return hashlib.sha256(json.dumps(names).encode("utf-8", "surrogatepass")).hexdigest()


def requests_of(bench: Bench, scorer: Scorer[Any], rows: Rows) -> list[tuple[bytes, Request]]:
    """(ledger key, request) of all requests that these rows need."""
    found = []
    for row in rows:
        if isinstance(row, BadRow) or (row.missing and scorer.card.keyed_by == "content"):
            continue
        requests = requests_for(bench.card.id, row, bench.protocol, scorer)
        prompt_key = requests[0].prompt_key() if requests else ""
        found += [(key_of(request, scorer, prompt_key), request) for request in requests]
    return found


def make_job(
    bench: Bench,
    scorer: Scorer[Any],
    source: Source,
    ledger: Ledger,
    *,
    limit: int | None,
    size: int,
    dtype: str,
    workers: int,
) -> Job:
    """The unfinished job of this bench, scorer and data if there is one, else a new manifest.

    Parameters
    ----------
    limit: rows to read; None for all.
    size: rows per shard.

    Raises
    ------
    DataError: if the bench cannot be read.
    """
    identity = fingerprint(scorer, Device(dtype=dtype))
    shards, digests = [], hashlib.sha256()
    rows = islice(rows_of(bench, source), limit)
    for number, chunk in enumerate(chunks(rows, size)):
        digest = rows_digest(chunk)
        digests.update(digest.encode())
        keys = list({key for key, _ in requests_of(bench, scorer, chunk)})
        if len(ledger.get(keys)) < len(keys):
            start = number * size
            shards.append(Shard(number, start, start + len(chunk), digest))
    facts = [identity, bench.card.id, size, limit, digests.hexdigest()]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    folder = home() / "jobs" / name
    job = Job(
        str(folder), bench.card.id, scorer.card.name, str(source.data) if source.data else None,
        str(source.cache), source.offline, identity, dtype, workers, str(ledger.path), tuple(shards),
    )  # fmt: skip
    if (folder / "manifest.json").exists():
        known = Job.load(folder)
        # parts of the earlier try stay valid; shards answered since are left out
        kept = {shard.number for shard in shards}
        extra = tuple(s for s in known.shards if s.number not in kept and known.part(s).exists())
        job = Job(
            **{**_fields(job), "shards": tuple(sorted((*shards, *extra), key=lambda s: s.number))}
        )
    job.save()
    return job


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__slots__}
