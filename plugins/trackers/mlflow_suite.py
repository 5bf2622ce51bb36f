"""The suite run: one scorer's row of the leaderboard, kept right as its benches come and go."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prefgauge.plugins.trackers.figures import headline_key, metric_key
from prefgauge.plugins.trackers.mlflow_child import Child, content_of, create
from prefgauge.plugins.trackers.mlflow_parts import equals, metric_list, model_of
from prefgauge.registry.bundle import Bundle

__all__ = ["Suite"]

_PAGE = 1000


@dataclass(slots=True)
class Suite:
    """A scorer's suite run in an experiment and its children, as read from the store at once.

    It holds as long as nobody else writes; then read it again with :meth:`open`.
    """

    client: Any
    experiment: str
    key: str
    run_id: str
    children: list[Child]
    metrics: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    status: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    models: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def open(cls, client: Any, experiment: str, bundle: Bundle, alone: bool) -> Suite:
        """Read the suite run of the bundle's scorer with all its children, in one search; create
        it if there is none.

        Unless this process is `alone` with the store, another machine may create it at the same
        moment: then each looks again, and all agree on the oldest.
        """
        key = hashlib.sha256(f"{bundle.suite}\n{bundle.scorer}".encode()).hexdigest()
        runs = list(_runs(client, experiment, key))
        if not _suites(runs):
            own = client.create_run(
                experiment,
                run_name=bundle.scorer,
                tags={
                    "prefgauge.kind": "suite",
                    "prefgauge.suite_key": key,
                    "prefgauge.scorer": bundle.scorer[:4000],
                    "mlflow.source.name": "prefgauge",
                },
            )
            runs = [own, *runs] if alone else list(_runs(client, experiment, key))
            if _suites(runs)[0].info.run_id != own.info.run_id:
                client.delete_run(own.info.run_id)
        first = _suites(runs)[0]
        children = [Child.of(run) for run in runs if run.data.tags.get("prefgauge.bundle_id")]
        suite = cls(
            client, experiment, key, str(first.info.run_id), children, dict(first.data.metrics),
            first.data.tags.get("mlflow.note.content", ""), first.info.status,
            dict(first.data.params),
        )  # fmt: skip
        suite._adopt()
        return suite

    def log(self, bundle: Bundle) -> str:
        """The run that holds exactly this bundle, written if need be. Any other run of the same
        bundle is deleted: one whose content changed, or that a crash left half written."""
        keep: Child | None = None
        content = content_of(bundle)
        for child in [child for child in self.children if child.bundle == bundle.id]:
            if keep is None and child.whole and child.content == content:
                keep = child
            else:
                self.client.delete_run(child.run)
                self.children.remove(child)
        if keep is None:
            fingerprint = str(bundle.result.get("fingerprint"))
            if fingerprint not in self.models:
                self.models[fingerprint] = model_of(self.client, self.experiment, bundle)
            keep = create(
                self.client, self.experiment, self.run_id, self.key, bundle,
                self.models[fingerprint],
            )  # fmt: skip
            self.children.append(keep)
        return keep.run

    def refresh(self, bundle: Bundle) -> None:
        """Make headline, summary and description those of the current children. `bundle`, any of
        the scorer's, tells what it is.

        Of several results of one bench one is current: a complete one before an incomplete one,
        all rows before the first few (``--limit``), then the newest. An incomplete result is
        never a headline. What is already so is not written again.
        """
        cells = self._settle()
        values = dict(_summary(cells))
        times: dict[str, int] = {}
        for cell in cells:
            if cell.complete:
                for name, value in _headline(cell).items():
                    values[name] = value
                    times[name] = cell.finished or 1
        metrics = [
            metric
            for name, value in values.items()
            if self.metrics.get(name) != value
            for metric in metric_list({name: value}, self._stamp(name, times.get(name)))
        ]
        note = _description(cells)
        params = self._new_params(bundle)
        if metrics or params or note != self.note:
            from mlflow.entities import RunTag

            tags = [RunTag("mlflow.note.content", note)] if note != self.note else []
            self.client.log_batch(self.run_id, metrics=metrics, params=params, tags=tags)
        failed = any(cell.status == "failed" for cell in cells)
        status = "FAILED" if failed else "FINISHED"
        if metrics or status != self.status:
            self.client.set_terminated(self.run_id, status)
        self.metrics, self.note, self.status = {**self.metrics, **values}, note, status

    def _stamp(self, name: str, first: int | None) -> int:
        """Milliseconds for a new value of a metric: MLflow shows the value with the latest stamp,
        so it must be later than those before, even where the clock went back since."""
        now = int(time.time() * 1000)
        if name not in self.metrics:
            return now if first is None else first
        before = self.client.get_metric_history(self.run_id, name)
        return int(max([now, *(metric.timestamp + 1 for metric in before)]))

    def _new_params(self, bundle: Bundle) -> list[Any]:
        from mlflow.entities import Param

        form = str((bundle.result.get("scorer_card") or {}).get("form") or "")
        params = {"scorer": bundle.scorer[:6000], "form": form}
        found = [Param(k, v) for k, v in params.items() if v and k not in self.params]
        self.params = {**params, **self.params}
        return found

    def _adopt(self) -> None:
        """Children of a suite run that somebody deleted belong to this one."""
        for child in self.children:
            if child.parent != self.run_id:
                self.client.set_tag(child.run, "mlflow.parentRunId", self.run_id)
                child.parent = self.run_id

    def _settle(self) -> list[Child]:
        """One current child per bench, sorted by bench; the others are marked as superseded."""
        best: dict[str, Child] = {}
        whole = [child for child in self.children if child.whole]
        for child in whole:
            best[child.bench] = max(
                best.get(child.bench, child), child, key=lambda one: one.standing
            )
        for child in whole:
            chosen = best[child.bench]
            if child.current != (child is chosen):
                child.current = child is chosen
                self.client.set_tag(child.run, "prefgauge.current", str(child.current).lower())
                if not child.current:
                    self.client.set_tag(child.run, "prefgauge.superseded_by", chosen.run)
        return [best[bench] for bench in sorted(best)]


def _runs(client: Any, experiment: str, key: str) -> Iterator[Any]:
    """All runs of a scorer in a suite: the suite run and its children."""
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment], equals("prefgauge.suite_key", key), max_results=_PAGE, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _suites(runs: list[Any]) -> list[Any]:
    found = [run for run in runs if run.data.tags.get("prefgauge.kind") == "suite"]
    return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


def _summary(cells: list[Child]) -> Iterator[tuple[str, float]]:
    skills = [c.metrics["skill"] for c in cells if c.complete and "skill" in c.metrics]
    yield "summary/benches", float(sum(cell.complete for cell in cells))
    if skills:
        yield "summary/skill", sum(skills) / len(skills)
    # the run page has a tab for metrics of this name; on children they would only clutter
    if seconds := [c.metrics["seconds"] for c in cells if "seconds" in c.metrics]:
        yield "system/seconds", sum(seconds)
    if peaks := [c.metrics["peak_memory_mb"] for c in cells if "peak_memory_mb" in c.metrics]:
        yield "system/peak_memory_mb", max(peaks)


def _headline(cell: Child) -> dict[str, float]:
    bench = metric_key(cell.bench.replace("/", "_"))
    values = {
        headline_key(cell.bench): cell.metrics.get("agreement"),
        f"ci/{bench}.low": cell.metrics.get("agreement.ci_low"),
        f"ci/{bench}.high": cell.metrics.get("agreement.ci_high"),
        f"skill/{bench}": cell.metrics.get("skill"),
    }
    return {key: value for key, value in values.items() if value is not None}


def _description(cells: list[Child]) -> str:
    lines = [
        "| bench | metric | value | 95 % interval | n | coverage | status |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for cell in cells:
        low, high = cell.metrics.get("agreement.ci_low"), cell.metrics.get("agreement.ci_high")
        interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        value = cell.metrics.get("agreement")
        lines.append(
            f"| {cell.bench} | {cell.metric} "
            f"| {'' if value is None else f'{value:.3f}'} | {interval} "
            f"| {cell.metrics.get('n', 0):.0f} | {cell.metrics.get('coverage', 0):.3f} "
            f"| {cell.status} |"
        )
    note = "`skill` is (value - chance) / (1 - chance), the mean over complete benches."
    return "\n".join([*lines, "", note])[:7500]
