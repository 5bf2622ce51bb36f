"""The bench contract: a card, a protocol, and a stream of samples."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from prefgauge.registry.cards import BenchCard, DataFile
from prefgauge.registry.errors import UsageError
from prefgauge.registry.protocol import Protocol
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.source import Source

__all__ = ["BAD_ROW", "BadRowWarning", "Bench", "RowBench"]

#: What a row that is not of the published shape may raise in :meth:`RowBench.to_sample`.
BAD_ROW = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)


class BadRowWarning(UserWarning):
    """A row could not become a sample (only from :meth:`Bench.samples`; a run records it)."""


class Bench(ABC):
    """A set of samples with labels and the protocol that turns outcomes into a number.

    A subclass sets `card` and `protocol` and implements :meth:`read`. Its module must import
    nothing heavy at the top (``prefgauge list`` imports it).
    """

    card: ClassVar[BenchCard]
    protocol: ClassVar[Protocol]

    @abstractmethod
    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """Yield the samples in published order, lazily; a row that cannot become a sample is
        yielded as a :class:`BadRow` in its place, never raised and never dropped.

        Raises
        ------
        DataError: if a whole file is missing or is not what was published.
        """

    def training(self, source: Source) -> Iterator[Sample | BadRow]:
        """Yield the published training split, for protocols that fit something on it (a linear
        probe). Never scored, and never part of a result.

        Raises
        ------
        UsageError: if the bench has none, which is the default.
        """
        raise UsageError(f"The bench {self.card.id!r} has no training split to fit anything on.")

    def samples(self, source: Source | None = None) -> Iterator[Sample]:
        """The samples, for interactive use; each bad row becomes a :class:`BadRowWarning`."""
        for item in self.read(source or Source.default()):
            if isinstance(item, BadRow):
                text = f"{self.card.id}, {item.where}: {item.reason}"
                warnings.warn(text, BadRowWarning, stacklevel=2)
            else:
                yield item


class RowBench(Bench):
    """A bench whose every row (a JSON object or table row) is one sample: implement
    :meth:`to_sample`, a pure function of the row, and the rest is done for you.

    The default id is ``<file stem>/<row number from 0>``; the file's tags are added to each sample.
    """

    @abstractmethod
    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """Map one published row to a sample, or to None if the bench's protocol excludes it.

        Raise ``KeyError``, ``TypeError`` or ``ValueError`` for a row that is not of the published
        shape: it becomes a :class:`BadRow` naming the file, the row and the message.
        """

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """See :meth:`Bench.read`."""
        for file in self.card.files:
            yield from self.read_file(source, file)

    def read_file(self, source: Source, file: DataFile) -> Iterator[Sample | BadRow]:
        """The samples of one data file."""
        for where, default_id, row in source.rows(self.card.id, file):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                sample = self.to_sample(row, default_id)
            except KeyError as error:
                have = ", ".join(sorted(map(str, row))) or "nothing"
                yield BadRow(where, f"the field {error} is missing (the row has: {have})")
            except BAD_ROW as error:
                empty = [str(name) for name, value in row.items() if value in ("", None)]
                hint = f" (empty fields: {', '.join(empty)})" if empty else ""
                yield BadRow(where, f"{type(error).__name__}: {error}{hint}")
            else:
                if sample is not None:
                    if file.tags:
                        sample = replace(sample, tags={**file.tags, **sample.tags})
                    yield sample
