"""Reading a bench's rows, so that whatever its code raises becomes a message."""

from __future__ import annotations

from collections.abc import Iterator

from prefgauge.registry.bench import Bench
from prefgauge.registry.errors import DataError, PrefgaugeError
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.source import Source

__all__ = ["rows_of"]


def rows_of(bench: Bench, source: Source) -> Iterator[Sample | BadRow]:
    """The bench's rows.

    Raises
    ------
    DataError: for any exception of the bench's code, shortage of memory included; it names the
        row after which it came.
    """
    last = "its first row"
    try:
        for row in bench.read(source):
            yield row
            last = f"the row after {row.where if isinstance(row, BadRow) else repr(row.id)}"
    except PrefgaugeError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise DataError(
            f"The bench {bench.card.id!r} failed while reading {last}: {said}"
        ) from error
