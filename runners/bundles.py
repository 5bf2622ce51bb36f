"""Writing a result bundle: outcomes streamed to parquet, then items, figure and result.

The folder is written under a temporary name and renamed when whole, so a bundle that exists is
complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prefgauge.registry.bundle import Bundle
from prefgauge.registry.content import Content, Media, Text
from prefgauge.registry.errors import StoreError
from prefgauge.registry.source import home
from prefgauge.runners.stream import Answered

__all__ = ["BundleWriter", "bundles_root", "slug"]

EXCERPT = 400
ROWS = 4096


def bundles_root() -> Path:
    """Where bundles are kept: ``<home>/bundles/<suite>/<bench>/<scorer>``."""
    return home() / "bundles"


def slug(text: str, limit: int = 80) -> str:
    """A file name made of `text`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.")[:limit] or "x"


class BundleWriter:
    """Writes one bundle.

    Parameters
    ----------
    suite, bench, scorer: name the folder.
    """

    def __init__(self, suite: str, bench: str, scorer: str) -> None:
        self.name = f"{slug(bench)}__{slug(scorer)}"
        self.parent = bundles_root() / slug(suite)
        try:
            self.parent.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix=f".{self.name[:60]}-", dir=self.parent))
        except OSError as error:
            raise StoreError(
                f"Results cannot be written to {self.parent}: {error.strerror or error}. Set "
                "PREFGAUGE_HOME to a folder that can be written."
            ) from None
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def add(self, answered: Answered) -> None:
        """Append a sample's outcomes to ``outcomes.parquet``."""
        self._rows.extend(_rows(answered))
        if len(self._rows) >= ROWS:
            self._flush()

    def items(self, chosen: Sequence[int]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """(sample number, its outcome rows) for the chosen sample numbers, in order; reads
        ``outcomes.parquet`` back, after :meth:`finish_outcomes`."""
        import numpy as np
        import pyarrow.parquet as pq

        wanted = np.array(sorted(set(chosen)), np.int64)
        with pq.ParquetFile(self.folder / "outcomes.parquet") as file:
            seen, last = 0, -1
            rows: list[dict[str, Any]] = []
            for batch in file.iter_batches(ROWS):
                # labels stand in the first row of each sample alone
                first = batch.column("labels").is_valid().to_numpy(zero_copy_only=False)
                numbers = seen + np.cumsum(first) - 1
                seen += int(first.sum())
                kept = np.flatnonzero(np.isin(numbers, wanted))
                for number, row in zip(numbers[kept], batch.take(kept).to_pylist(), strict=True):
                    if number != last:
                        if rows:
                            yield last, rows
                        last, rows = int(number), []
                    rows.append(row)
            if rows:
                yield last, rows

    def finish_outcomes(self) -> None:
        """Write what is buffered and close ``outcomes.parquet``."""
        self._flush(last=True)

    def write(self, name: str, data: object) -> None:
        """Write a JSON file of the bundle."""
        text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False, default=str)
        try:
            (self.folder / name).write_text(text, "utf-8")
        except OSError as error:
            raise self.trouble(error) from None

    def trouble(self, error: Exception) -> StoreError:
        """What to tell when the bundle cannot be written."""
        return StoreError(
            f"The result cannot be written to {self.parent}: {error}. The outcomes are in the ledger: "
            "make room, or set PREFGAUGE_HOME to another folder, and run again."
        )

    def commit(self, result: dict[str, Any]) -> Bundle:
        """Write ``result.json`` and move the bundle to its place, replacing an earlier one of
        the same id."""
        target = self.parent / f"{self.name}__{result['bundle_id'][:12]}"
        try:
            self.write("result.json", result)
            if target.exists():
                shutil.rmtree(target)
            os.replace(self.folder, target)
        except OSError as error:
            raise self.trouble(error) from None
        target.chmod(0o755)
        return Bundle(target, result)

    def discard(self) -> None:
        """Remove the unfinished folder."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
            self._writer = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _flush(self, last: bool = False) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(
            [
                ("sample", pa.string()), ("subset", pa.string()), ("shown", pa.list_(pa.int32())),
                ("status", pa.string()), ("value", pa.float64()), ("values", pa.string()),
                ("order", pa.list_(pa.int32())), ("verdict", pa.string()),
                ("reason", pa.string()), ("critique", pa.string()), ("extra", pa.string()),
                ("labels", pa.string()), ("cluster", pa.string()),
                ("systems", pa.list_(pa.string())), ("prompt", pa.string()),
                ("candidates", pa.list_(pa.string())), ("media", pa.list_(pa.string())),
            ]
        )  # fmt: skip
        try:
            if self._writer is None:
                path = self.folder / "outcomes.parquet"
                self._writer = pq.ParquetWriter(path, schema, compression="zstd")
            if self._rows:
                self._writer.write_table(pa.Table.from_pylist(self._rows, schema))
                self._rows = []
            if last:
                self._writer.close()
                self._writer = None
        except OSError as error:
            raise self.trouble(error) from None


def _rows(answered: Answered) -> Iterator[dict[str, Any]]:
    sample = answered.sample
    # aggregate labels first: reports rebuild the evidence from them
    kept = sorted(sample.labels, key=lambda label: label.rater is not None)[:64]
    labels = json.dumps([_label(label) for label in kept], ensure_ascii=False)
    shared = {"sample": sample.id, "subset": sample.subset}
    first = True
    for shown, outcome in answered.outcomes.items() or [((), None)]:
        row: dict[str, Any] = {**shared, "shown": list(shown)}
        if outcome is None:
            row |= {"status": "failed", "reason": "the scorer's form cannot answer this sample"}
        else:
            values = outcome.values
            row |= {
                "status": outcome.status,
                "value": next(iter(values.values())) if values else None,
                "values": json.dumps(dict(values)) if len(values) > 1 else None,
                "order": list(outcome.order) if outcome.order is not None else None,
                "verdict": outcome.verdict,
                "reason": outcome.reason or None,
                "critique": outcome.critique,
                "extra": json.dumps(dict(outcome.extra), default=str) if outcome.extra else None,
            }
        if first:  # what is the same for all requests of a sample is written once
            row |= {
                "labels": labels,
                "cluster": sample.cluster,
                "systems": list(sample.systems) or None,
                "prompt": excerpt(sample.prompt),
                "candidates": [excerpt(candidate) for candidate in sample.candidates],
                "media": [_media(candidate) for candidate in sample.candidates],
            }
            first = False
        yield row


def _label(label: Any) -> dict[str, Any]:
    names = [name for name in type(label).__slots__ if getattr(label, name) is not None]
    return {"label": type(label).__name__, **{name: getattr(label, name) for name in names}}


def excerpt(parts: Content, limit: int = EXCERPT) -> str:
    """The beginning of a content as text; media as ``[image]``."""
    words = [part.text if isinstance(part, Text) else f"[{part.kind}]" for part in parts]
    text = "\n".join(words)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _media(parts: Content) -> str | None:
    for part in parts:
        if isinstance(part, Media) and part.path is not None:
            return str(part.path)
    return None
