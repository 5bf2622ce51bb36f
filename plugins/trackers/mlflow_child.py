"""A child run: everything about one scorer on one bench, in as few requests as MLflow allows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefgauge.plugins.trackers.figures import metrics_of
from prefgauge.plugins.trackers.mlflow_parts import (
    dataset_input,
    items_table,
    metric_list,
    params_of,
)
from prefgauge.registry.bundle import Bundle

__all__ = ["Child", "content_of", "create"]

_DONE = {"FINISHED", "FAILED"}
#: Of a child's metrics, what the suite run shows.
_ROW = (
    "agreement", "agreement.ci_low", "agreement.ci_high", "skill", "n", "coverage", "seconds",
    "peak_memory_mb",
)  # fmt: skip


@dataclass(slots=True)
class Child:
    """What the suite run needs to know of a child run.

    Parameters
    ----------
    whole: False for a run that a crash left half written.
    current: True if it speaks for its bench; see :meth:`Suite.refresh`.
    limited: made of the first rows only (``--limit``).
    """

    run: str
    parent: str
    bench: str
    bundle: str
    content: str
    whole: bool
    current: bool
    status: str
    limited: bool
    finished: int
    metric: str
    metrics: Mapping[str, float]

    @classmethod
    def of(cls, run: Any) -> Child:
        """Read from a run of the store."""
        tags, metrics = run.data.tags, run.data.metrics
        return cls(
            run=str(run.info.run_id),
            parent=tags.get("mlflow.parentRunId", ""),
            bench=tags.get("prefgauge.bench", ""),
            bundle=tags.get("prefgauge.bundle_id", ""),
            content=tags.get("prefgauge.content", ""),
            whole=run.info.status in _DONE and str(len(metrics)) == tags.get("prefgauge.metrics"),
            current=tags.get("prefgauge.current") == "true",
            status=tags.get("prefgauge.status", ""),
            limited=bool(tags.get("prefgauge.limit")),
            finished=int(tags.get("prefgauge.finished_ms") or 0),
            metric=run.data.params.get("metric", ""),
            metrics={name: metrics[name] for name in _ROW if name in metrics},
        )

    @property
    def complete(self) -> bool:
        """True if the value may be a headline."""
        return self.status == "complete"

    @property
    def standing(self) -> tuple[bool, bool, int, str]:
        """Complete before incomplete, all rows before the first few, then the newest."""
        return self.complete, not self.limited, self.finished, self.run


def create(
    client: Any, experiment: str, parent: str, key: str, bundle: Bundle, model: str | None
) -> Child:
    """Write a bundle as a child run of `parent`; `key` joins the runs of one suite and scorer.

    Five requests: create, inputs, files, end, and one batch of params and metrics. The batch
    comes last because stores load a run's metrics with the run. All metrics arrive or none, so
    their number, promised by a tag, tells whether all of it is there.
    """
    result = bundle.result
    values, dataset, content = metrics_of(result), dataset_input(bundle), content_of(bundle)
    finished = _when(result, "finished_ms")
    tags = _tags(bundle) | {
        "mlflow.parentRunId": parent,
        "prefgauge.suite_key": key,
        "prefgauge.content": content,
        "prefgauge.metrics": str(len(values)),
    }
    created = client.create_run(
        experiment,
        start_time=_when(result, "started_ms"),
        tags=tags,
        run_name=f"{bundle.scorer} | {bundle.bench}",
    )
    run = str(created.info.run_id)
    client.log_inputs(run, datasets=[dataset], models=_model_inputs(model))
    with _staged(bundle) as folder:
        client.log_artifacts(run, str(folder))
    client.set_terminated(
        run, "FAILED" if result.get("status") == "failed" else "FINISHED", finished
    )
    client.log_batch(
        run,
        metrics=metric_list(values, finished, model, dataset),
        params=params_of(bundle),
    )
    return Child(
        run=run, parent=parent, bench=bundle.bench, bundle=bundle.id, content=content, whole=True,
        current=True, status=tags["prefgauge.status"], limited=bool(tags["prefgauge.limit"]),
        finished=finished, metric=str(result.get("metric") or ""),
        metrics={name: values[name] for name in _ROW if name in values},
    )  # fmt: skip


def content_of(bundle: Bundle) -> str:
    """A digest of the whole result: the same bundle id with other content is logged anew."""
    text = json.dumps(bundle.result, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def _staged(bundle: Bundle) -> Iterator[Path]:
    """A folder of links laid out as the artifacts shall be, so that they go in one request."""
    with tempfile.TemporaryDirectory(prefix="prefgauge-") as name:
        folder = Path(name)
        for path in sorted(bundle.path.iterdir()):
            if path.name in {"result.json", "report.html"} or path.suffix in {".png", ".svg"}:
                _link(path, folder / path.name)
            elif path.suffix == ".parquet":
                (folder / "data").mkdir(exist_ok=True)
                _link(path, folder / "data" / path.name)
        table = items_table(bundle)
        if table is not None:
            (folder / "items.json").write_text(json.dumps(table), "utf-8")
        yield folder


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source, target)
    except (OSError, NotImplementedError):  # Windows without the privilege
        shutil.copyfile(source, target)


def _tags(bundle: Bundle) -> dict[str, str]:
    result = bundle.result
    provenance = result.get("provenance") or {}
    tags = {
        "prefgauge.kind": "cell",
        "prefgauge.bundle_id": bundle.id,
        "prefgauge.scorer": bundle.scorer[:4000],
        "prefgauge.bench": bundle.bench,
        "prefgauge.current": "true",
        "prefgauge.status": str(result.get("status", "complete")),
        "prefgauge.limit": str((result.get("bench_data") or {}).get("limit") or ""),
        "prefgauge.finished_ms": str(_when(result, "finished_ms")),
        "prefgauge.version": str(provenance.get("prefgauge", "")),
        "mlflow.source.name": "prefgauge",
        "mlflow.note.content": _note(result),
    }
    if (bundle.path / "items.json").is_file():
        tags["mlflow.loggedArtifacts"] = json.dumps([{"path": "items.json", "type": "table"}])
    if commit := provenance.get("git_commit"):
        tags["mlflow.source.git.commit"] = str(commit)
    return tags


def _note(result: Mapping[str, Any]) -> str:
    lines = [
        f"**{result.get('bench_title') or result.get('bench')}**, labels: "
        f"{result.get('label_source', 'unknown')}. Headline: `{result.get('metric')}`."
    ]
    if result.get("status") not in {None, "complete"}:
        lines.append(f"\n**{str(result['status']).upper()}**: read the coverage before the value.")
    lines += [f"\n- {note}" for note in result.get("notes") or []]
    failures = result.get("failures") or []
    if failures:
        lines += ["", "| failed | reason |", "|---:|---|"]
        for failure in failures[:20]:
            reason = " ".join(str(failure.get("reason", "")).split())[:200].replace("|", "\\|")
            lines.append(f"| {failure.get('count', 1)} | {reason} |")
    return "\n".join(lines)[:7000]


def _when(result: Mapping[str, Any], name: str) -> int:
    return int(result.get(name) or result.get("finished_ms") or 0)


def _model_inputs(model: str | None) -> list[Any] | None:
    if model is None:
        return None
    from mlflow.entities import LoggedModelInput

    return [LoggedModelInput(model_id=model)]
