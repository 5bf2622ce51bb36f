"""The MLflow tracker: one experiment per suite, a suite run per scorer, a child run per bench.

=====================  ==========================================================================
suite run              ``headline/<bench>``, ``ci/<bench>.low|high``, ``summary/...``; the
                       scorer's leaderboard row as its description; ``report.html`` of the suite
child run              the same metric names on every bench (``agreement``, ``coverage``, ...),
                       params, the bench as dataset input, the scorer as logged model;
                       ``items.json``, ``result.json`` and the figure at the artifact root,
                       ``data/outcomes.parquet``
=====================  ==========================================================================

A bundle is found again by the tag ``prefgauge.bundle_id``; a run that a crash left unfinished is
replaced. Writers of one machine take turns of a few seconds: a turn reads what a scorer has in
the store by one search, unless nobody else wrote since the last one.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prefgauge.plugins.trackers.locks import Turns
from prefgauge.plugins.trackers.mlflow_store import Store, connect, probe, resolve
from prefgauge.plugins.trackers.mlflow_suite import Suite
from prefgauge.plugins.trackers.mlflow_view import save_view
from prefgauge.registry.address import Address
from prefgauge.registry.bundle import Bundle
from prefgauge.registry.tracker import Tracker

__all__ = ["MlflowTracker"]

_TURN = 3.0  # seconds after which other processes get their turn


class MlflowTracker(Tracker):
    """Logs bundles to MLflow; ``mlflow``, ``mlflow:http://host:5000``, ``mlflow:path/mlflow.db``.
    See :func:`~prefgauge.plugins.trackers.mlflow_store.resolve` for the default store."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.store: Store = resolve(address)

    def log(self, bundles: Sequence[Bundle]) -> Sequence[str]:
        """Log `bundles`; returns a page address per bundle. A bundle that is already there is
        left alone; one whose content changed replaces its run. See :meth:`Tracker.log`."""
        if not bundles:
            return []
        with connect(self.store) as client:
            return _Session(self.store, client).log(bundles)

    def attach(self, bundle: Bundle, file: Path) -> None:
        """Put `file` among the artifacts of the scorer's suite run. See :meth:`Tracker.attach`."""
        with connect(self.store) as client:
            _Session(self.store, client).attach(bundle, file)


class _Session:
    """One call of :meth:`MlflowTracker.log`: remembers experiments and suite runs."""

    def __init__(self, store: Store, client: Any) -> None:
        self.store, self.client = store, client
        self._turns = Turns(store.lock)
        self._experiments: dict[str, str] = {}
        self._suites: dict[tuple[str, str], Suite] = {}

    def log(self, bundles: Sequence[Bundle]) -> list[str]:
        """Log all, then bring suite runs and saved views up to date; returns their pages."""
        waiting, pages = deque(bundles), []
        while waiting:
            with self._turn():
                end = time.monotonic() + _TURN
                while waiting and time.monotonic() < end:
                    bundle = waiting.popleft()
                    suite = self._suite(bundle)
                    pages.append(self.store.page(suite.experiment, suite.log(bundle)))
                    self._turns.progress()
                if not waiting:
                    for bundle in {(b.suite, b.scorer): b for b in bundles}.values():
                        self._suite(bundle).refresh(bundle)
                        self._turns.progress()
                    for experiment in self._experiments.values():
                        save_view(self.client, experiment)
            if waiting:
                self._turns.give_way()
        return pages

    def attach(self, bundle: Bundle, file: Path) -> None:
        """Put a file at the root of the artifacts of the bundle's suite run."""
        with self._turn():
            self.client.log_artifact(self._suite(bundle).run_id, str(file))

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        with self._turns.take() as unchanged, _uncollected():
            probe(self.store)
            if not unchanged or self.store.database is None:  # a server has other writers, too
                self._suites.clear()
            yield

    def _suite(self, bundle: Bundle) -> Suite:
        if bundle.suite not in self._experiments:
            self._experiments[bundle.suite] = _experiment(self.client, self.store, bundle.suite)
        experiment = self._experiments[bundle.suite]
        key = experiment, bundle.scorer
        if key not in self._suites:
            alone = self.store.database is not None
            self._suites[key] = Suite.open(self.client, experiment, bundle, alone)
        return self._suites[key]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No cycle collection for a turn: MLflow makes so many short-lived objects that the
    collector would walk all imported modules again and again (a fifth of the time)."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _experiment(client: Any, store: Store, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        tags = {
            "prefgauge.kind": "suite",
            "mlflow.note.content": (
                f"Agreement of scorers with labels, prefgauge suite `{name}`. Runs tagged "
                "`prefgauge.kind = suite` hold one row of the leaderboard each; their children "
                "hold every metric of one bench."
            ),
        }
        location = None
        if store.artifacts is not None:
            root = store.artifacts
            mark = hashlib.sha256(name.encode()).hexdigest()[:12]
            location = f"{root}/{mark}" if "://" in root else (Path(root) / mark).as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location, tags=tags))
        except Exception:  # another machine may have created it in this moment
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
