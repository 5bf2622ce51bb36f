"""Sending finished bundles to trackers, and sending again what a dead store did not take.

A bundle that could not be logged leaves a marker file in ``<home>/spool``; :func:`sync` logs
all marked bundles and removes the markers. Scoring never waits for a tracker.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefgauge.registry import Bundle, PrefgaugeError, StoreError, Tracker, default
from prefgauge.registry.source import home
from prefgauge.runners.report.attached import attach_reports

__all__ = ["Pending", "SyncReport", "pending", "send", "shown", "sync"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A bundle that waits for its tracker."""

    tracker: str
    bundle: Path
    reason: str
    marker: Path


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What :func:`sync` did: places of what was logged, messages of what failed, and bundle
    folders that no longer exist (their markers are removed)."""

    logged: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    missing: tuple[Path, ...] = ()


def send(tracker: str | Tracker, bundles: Sequence[Bundle]) -> Sequence[str]:
    """Log `bundles` to a tracker or the tracker at an address; returns one place per bundle.

    Raises
    ------
    StoreError: if the store fails; the bundles are then marked for :func:`sync`.
    UsageError: if there is no such tracker.
    """
    sink = default().tracker(tracker) if isinstance(tracker, str) else tracker
    address = str(sink.address)
    try:
        places = sink.log(bundles)
    except StoreError as error:
        for bundle in bundles:
            _mark(address, bundle, str(error))
        raise
    for bundle in bundles:
        _marker(address, bundle.path).unlink(missing_ok=True)
    attach_reports(sink, bundles)
    return places


def shown(tracker: str | Tracker) -> str:
    """A tracker's address without user and password, for messages."""
    address = tracker if isinstance(tracker, str) else str(tracker.address)
    return re.sub(r"//[^/@]*@", "//***@", address)


def pending() -> Iterator[Pending]:
    """All marked bundles, oldest first; an unreadable marker is skipped and left alone."""
    folder = home() / "spool"
    if not folder.is_dir():
        return
    for marker in sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime, path.name)):
        with contextlib.suppress(OSError, ValueError, KeyError):
            data = json.loads(marker.read_text("utf-8"))
            yield Pending(data["tracker"], Path(data["bundle"]), data.get("reason", ""), marker)


def sync() -> SyncReport:
    """Log every marked bundle; what still fails stays marked."""
    groups: dict[str, list[Pending]] = {}
    missing: list[Path] = []
    for item in pending():
        if (item.bundle / "result.json").is_file():
            groups.setdefault(item.tracker, []).append(item)
        else:
            missing.append(item.bundle)
            item.marker.unlink(missing_ok=True)
    logged: list[str] = []
    failed: list[str] = []
    for tracker, items in groups.items():
        try:
            logged += send(tracker, [Bundle.load(item.bundle) for item in items])
        except PrefgaugeError as error:
            failed.append(
                f"{shown(tracker)} ({len(items)} bundle{'' if len(items) == 1 else 's'}): {error}"
            )
    return SyncReport(tuple(logged), tuple(failed), tuple(missing))


def _marker(tracker: str, bundle: Path) -> Path:
    key = hashlib.sha256(f"{tracker}\n{bundle}".encode()).hexdigest()[:24]
    return home() / "spool" / f"{key}.json"


def _mark(tracker: str, bundle: Bundle, reason: str) -> None:
    marker = _marker(tracker, bundle.path)
    data = {"tracker": tracker, "bundle": str(bundle.path), "reason": reason}
    # a full disk must not hide the store's own error; `prefgauge log` still works by hand
    with contextlib.suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        part = marker.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(data), "utf-8")
        os.chmod(part, 0o600)  # a tracker's address may hold a password
        os.replace(part, marker)
