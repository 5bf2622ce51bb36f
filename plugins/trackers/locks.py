"""A lock between processes of one machine, held on a file that also tells who wrote last."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from prefgauge.registry.errors import StoreError

__all__ = ["Turns", "locked"]

_FAR = 1 << 30  # Windows refuses to read locked bytes, so the lock lies beyond the content


@contextlib.contextmanager
def locked(path: Path, timeout: float = 60.0) -> Iterator[int]:
    """Hold the lock file `path`; it is released by the system if the process dies.

    Yields the open file. Waiting ends `timeout` seconds after the last sign of progress: while
    others tell of progress (:class:`Turns`), nobody gives up.

    Raises
    ------
    StoreError: if the file cannot be made, or one process holds it for `timeout` seconds.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"{path}: the lock file cannot be made ({error.strerror}). "
            "Set PREFGAUGE_HOME to a writable folder."
        ) from None
    try:
        end, seen = time.monotonic() + timeout, _content(handle)
        while not _try_lock(handle):
            if (now := _content(handle)) != seen:
                end, seen = time.monotonic() + timeout, now
            if time.monotonic() > end:
                raise StoreError(
                    f"{path} has been locked by another process for {timeout:.0f} s. "
                    "Wait for it to end, or stop it, and log again."
                )
            time.sleep(0.02)
        yield handle
    finally:
        os.close(handle)


class Turns:
    """Turns of one writer at a store that several processes write to, one at a time.

    The lock file holds the name and the turn of whoever wrote last, so that a writer whose
    turn it is knows whether what it remembers of the store still holds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = secrets.token_hex(8)
        self._count = 0
        self._handle: int | None = None

    @contextlib.contextmanager
    def take(self) -> Iterator[bool]:
        """Wait for a turn; yields True if nobody else wrote since the last one.

        Raises
        ------
        StoreError: see :func:`locked`.
        """
        with locked(self.path) as handle:
            mine = self._count > 0 and _content(handle).split(b":")[0] == self._name.encode()
            self._handle = handle
            self.progress()  # first of all: a process that is killed in its turn has written, too
            try:
                yield mine
            finally:
                self._handle = None

    def progress(self) -> None:
        """Tell those who wait that the turn goes on; to be called now and then during one."""
        assert self._handle is not None
        self._count += 1
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, f"{self._name}:{self._count:08d}".encode())

    @staticmethod
    def give_way() -> None:
        """Wait long enough for another process to see that the lock is free."""
        time.sleep(0.05)


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, 64)


def _try_lock(handle: int) -> bool:
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        import importlib

        msvcrt = importlib.import_module("msvcrt")
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
