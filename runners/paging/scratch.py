"""Room for large arrays: an unlinked temporary file, mapped into memory."""

from __future__ import annotations

import mmap
import os
import tempfile
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from prefgauge.registry.source import home

__all__ = ["BLOCK", "LARGE", "blocks", "mapped", "room", "spool"]

#: Arrays of at least so many bytes are put into files.
LARGE = 1 << 20
#: Rows handled at a time.
BLOCK = 1 << 17


def blocks(n: int) -> list[slice]:
    """Consecutive slices of at most :data:`BLOCK` rows that cover n rows."""
    return [slice(start, min(n, start + BLOCK)) for start in range(0, n, BLOCK)]


def spool() -> Any:
    """An empty temporary file without a name: it is gone when the last user is, whatever kills
    the process. It lies under ``PREFGAUGE_HOME``, because the system's folder for temporary files
    is often memory itself."""
    folder = home() / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def mapped(file: Any, dtype: DTypeLike) -> NDArray[Any]:
    """The content of a file as an array that can be written."""
    data = mmap.mmap(file.fileno(), 0)
    return np.frombuffer(data, dtype)


def room(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of that shape in a file of its own; its values are not set.

    Disk space is reserved first, because a write to a mapped page that the disk has no room for
    would kill the process. Where it cannot be had, the array lies in memory.
    """
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize
    if size < LARGE or kind.hasobject:
        return np.empty(shape, kind)
    try:
        with spool() as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # Windows and macOS
                file.truncate(size)
            return mapped(file, kind).reshape(shape)
    except OSError:
        return np.empty(shape, kind)
