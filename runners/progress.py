"""What a run tells while it goes: events to plugins, and a progress bar for people."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from prefgauge.registry.bundle import Bundle
from prefgauge.registry.discovery import Registry
from prefgauge.runners.stream import Counts

__all__ = ["Announcer", "Bar", "Quiet", "Row"]


class Row:
    """The progress of one run: shows nothing; the base of :class:`BarRow`."""

    def update(self, counts: Counts) -> None:
        """A sample is done."""

    def end(self) -> None:
        """The run is over."""


class Quiet:
    """Shows nothing; the base of :class:`Bar`."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def begin(self, bench: str, scorer: str, total: int | None) -> Row:
        """A run begins; several may be under way."""
        return Row()


class Bar(Quiet):
    """A progress bar on stderr with samples per second, time left, ledger hits and failures."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, bench: str, scorer: str, total: int | None) -> Row:
        """Add a bar for this run."""
        task = self._progress.add_task(f"{bench} · {scorer[:40]}", total=total, facts="")
        return BarRow(self._progress, task)


class BarRow(Row):
    """The bar of one run."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task
        self._start, self._shown = time.monotonic(), 0.0

    def update(self, counts: Counts) -> None:
        """Show the counts, at most ten times a second."""
        now = time.monotonic()
        if now - self._shown < 0.1:
            return
        self._shown = now
        rate = counts.requests / max(now - self._start, 1e-9)
        facts = f"{rate:,.0f} candidates/s · {counts.ledger_hits:,} known"
        if counts.failed or counts.invalid:
            facts += f" · {counts.failed + counts.invalid:,} without answer"
        self._progress.update(self._task, completed=counts.samples, facts=facts)

    def end(self) -> None:
        """Remove this run's bar."""
        self._progress.remove_task(self._task)


class Announcer:
    """Calls the event hooks; an error in a plugin's hook is kept, never raised into the run.

    Attributes
    ----------
    problems: what hooks raised.
    """

    def __init__(self, registry: Registry) -> None:
        self._hook = registry.manager.hook
        self.problems: list[str] = []

    def _call(self, name: str, **facts: Any) -> None:
        try:
            getattr(self._hook, name)(**facts)
        except Exception as error:
            text = f"{name}: {type(error).__name__}: {error}"
            if text not in self.problems:
                self.problems.append(text)

    def started(self, bench: str, scorer: str, total: int | None) -> None:
        """A run begins."""
        self._call("prefgauge_run_started", bench=bench, scorer=scorer, total=total)

    def scored(self, bench: str, scorer: str, scored: int, failed: int) -> None:
        """A batch is in the ledger."""
        self._call(
            "prefgauge_batch_scored", bench=bench, scorer=scorer, scored=scored, failed=failed
        )

    def finished(self, bundle: Bundle) -> None:
        """A bundle is on disk."""
        self._call("prefgauge_run_finished", bundle=bundle)
