"""Growing columns of numbers: in memory while they are short, in files beyond."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from prefgauge.runners.paging import functions, scratch  # noqa: F401 - registers the functions
from prefgauge.runners.paging.array import Paged

__all__ = ["Codes", "Columns", "Spool"]

_KINDS = {"d": np.float64, "i": np.int32, "q": np.int64, "B": np.uint8}


class Codes:
    """Numbers names in the order they come."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def tuple(self) -> tuple[str, ...]:
        return tuple(self.names)


class Spool:
    """One growing column: 'd' float64, 'i' int32, 'q' int64, 'B' uint8.

    The last values are in memory; blocks of :data:`~.scratch.BLOCK` values before them are in an
    unlinked file.
    """

    def __init__(self, kind: str) -> None:
        self.recent = array(kind)
        self._file: Any = None
        self._written = 0

    def __len__(self) -> int:
        return self._written + len(self.recent)

    def add(self, value: Any) -> None:
        """Append a value; a full block is spilled."""
        self.recent.append(value)
        if len(self.recent) >= scratch.BLOCK and not len(self.recent) % scratch.BLOCK:
            self.spill()

    def spill(self) -> None:
        """Move what is in memory to the file. Where the disk is full it stays in memory."""
        size = self.recent.itemsize
        try:
            if self._file is None:
                self._file = scratch.spool()
            self._file.seek(self._written * size)
            if self._file.write(self.recent) < len(self.recent) * size:
                return  # the next attempt writes over what was begun
        except OSError:
            return
        self._written += len(self.recent)
        del self.recent[:]

    def array(self) -> Any:
        """All values so far, as an array of their own."""
        kind = _KINDS[self.recent.typecode]
        if not self._written:
            return np.array(self.recent, kind)
        self.spill()
        kept = scratch.mapped(self._file, kind)[: self._written]
        if len(self.recent):  # the disk is full
            return np.concatenate([kept, np.array(self.recent, kind)])
        return kept.view(Paged)


class Columns:
    """Growing columns of one table.

    Parameters
    ----------
    kinds: name -> kind of each column; see :class:`Spool`.
    """

    def __init__(self, **kinds: str) -> None:
        self.columns = {name: Spool(kind) for name, kind in kinds.items()}
        # bound once: ten million rows are appended
        self._appends: list[tuple[str, Callable[[Any], None]]] = [
            (name, spool.recent.append) for name, spool in self.columns.items()
        ]
        self._rows = 0
        self._limit = scratch.BLOCK

    def add(self, **values: float) -> None:
        """Append a row."""
        for name, append in self._appends:
            append(values[name])
        self._rows += 1
        if self._rows == self._limit:
            self._limit += scratch.BLOCK
            for spool in self.columns.values():
                spool.spill()

    def __len__(self) -> int:
        return self._rows

    def arrays(self) -> dict[str, Any]:
        """The columns as numpy arrays, with clusters renumbered from 0."""
        out = {name: spool.array() for name, spool in self.columns.items()}
        if "cluster" in out:
            codes = np.unique(out["cluster"], return_inverse=True)[1]
            out["cluster"] = codes.astype(np.int32)
        return out
