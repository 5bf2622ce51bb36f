"""Logging 50 results with 300 metrics each to a SQLite store, against MLflow's client by hand.

ours    the ``mlflow`` tracker: suite run, child runs, metrics, params, dataset inputs, model, and the
        artifacts of each bundle (result.json, items.json, a figure, parquet).
equal   the client by hand with the same content per run: one create with tags, one batch of metrics and
        params, inputs, the four files as one folder, one terminate. No suite, no search for what is
        already there.
least   the client by hand: create, one batch of metrics, terminate. No files, inputs, params, model. This
        way took 3.5 s for 50 runs on an idle 2-core machine (MLflow 3.17), one `log_metric` per value 46 s.

Each way is warmed by one run, then timed in turn, ROUNDS times, each time into a new store; printed is the
best round of each and the median over rounds of the ratios. Process time leaves the disk out. With
``--processes N`` N processes then log RUNS bundles
each into one new store at once, and what arrived is counted.

    python benchmarks/mlflow_logging.py [--runs 50] [--rounds 3] [--processes 4]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
METRICS = 300
IDLE_LEAST = 3.5
NOW = 1_700_000_000_000
_WRITER = """
import sys
from pathlib import Path
from prefgauge.registry import Bundle
from prefgauge.runners.tracking import send
send(sys.argv[1], [Bundle.load(Path(path)) for path in sys.argv[2:]])
"""


def bundle_folder(root: Path, number: int, scorer: str = "speed") -> Path:
    """A bundle with 300 metrics and realistic files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = root / f"{scorer}-bench-{number}"
    folder.mkdir(parents=True)
    metrics = {
        f"m{i}": {
            "value": i / METRICS,
            "ci_low": None,
            "ci_high": None,
            "n": 500,
            "coverage": 1.0,
            "ties": 0,
        }
        for i in range(METRICS)
    }
    result = {
        "schema": 1, "bundle_id": hashlib.sha256(f"{scorer} {number}".encode()).hexdigest(),
        "suite": "speed", "bench": f"bench-{number}",
        "bench_title": "t", "modality": "text", "label_source": "human", "scorer": scorer,
        "scorer_card": {"name": scorer, "form": "pointwise", "fingerprint": {"v": 1}}, "status": "complete",
        "metric": "m1", "value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 500, "ties": 0, "coverage": 1.0,
        "samples": 500, "requests": 1000, "scored": 1000, "ledger_hits": 0, "failed": 0, "invalid": 0,
        "subsets": {}, "metrics": metrics, "ceilings": {}, "floors": {}, "failures": [], "references": [],
        "started_ms": NOW, "finished_ms": NOW + 1000, "protocol": {"name": "p"},
        "bench_data": {"digest": f"{number:064x}", "files": []}, "provenance": {"seed": 0},
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result))
    rows = [
        {"item_id": str(i), "score": i, "human": "0", "agree": True, "subset": "all"}
        for i in range(500)
    ]
    (folder / "items.json").write_text(json.dumps(rows))
    (folder / "figure.png").write_bytes(os.urandom(30_000))
    table = pa.table({"sample": [str(i) for i in range(1000)], "value": list(range(1000))})
    pq.write_table(table, folder / "outcomes.parquet")
    return folder


def ours(folders: Sequence[Path], store: Path) -> Callable[[], object]:
    """The tracker on a store that holds one result; its work still to do."""
    from prefgauge.registry import Bundle, default

    tracker = default().tracker(f"mlflow:sqlite:///{store}/ours.db")
    tracker.log([Bundle.load(folders[0])])
    return lambda: tracker.log([Bundle.load(folder) for folder in folders[1:]])


def by_hand(folders: Sequence[Path], store: Path, equal: bool) -> Callable[[], object]:
    """The client's calls on a store that holds one run; their work still to do."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{store}/hand.db")
    experiment = client.create_experiment("speed", artifact_location=f"{store}/hand-artifacts")
    model = None
    if equal:
        model = client.create_logged_model(experiment, name="speed").model_id
        client.finalize_logged_model(model, "READY")

    def write(some: Sequence[Path]) -> None:
        for folder in some:
            _by_hand(client, experiment, folder, model)

    write(folders[:1])
    return lambda: write(folders[1:])


def _by_hand(client: Any, experiment: str, folder: Path, model: str | None) -> None:
    from mlflow.entities import LoggedModelInput, Metric

    if model is None:
        run = client.create_run(experiment, tags={"bench": folder.name}).info.run_id
        metrics = [Metric(f"m{i}", i / METRICS, NOW, 0) for i in range(METRICS)]
        client.log_batch(run, metrics=metrics)
        client.set_terminated(run)
        return
    from prefgauge.plugins.trackers.figures import metrics_of
    from prefgauge.plugins.trackers.mlflow_parts import dataset_input, metric_list, params_of
    from prefgauge.registry import Bundle

    bundle = Bundle.load(folder)
    dataset = dataset_input(bundle)
    tags = {f"tag{i}": "x" * 20 for i in range(14)}
    run = client.create_run(experiment, tags=tags, run_name=folder.name).info.run_id
    metrics = metric_list(metrics_of(bundle.result), NOW, model, dataset)
    client.log_batch(run, metrics=metrics, params=params_of(bundle))
    client.log_inputs(run, datasets=[dataset], models=[LoggedModelInput(model)])
    client.log_artifacts(run, str(folder))
    client.set_terminated(run)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, process) seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def together(root: Path, processes: int, runs: int) -> None:
    """Several processes at once into one new store; prints what arrived."""
    from mlflow import MlflowClient

    store = root / "together"
    jobs = [
        [str(bundle_folder(root / "many", n, f"scorer-{p}")) for n in range(runs)]
        for p in range(processes)
    ]
    command = [sys.executable, "-c", _WRITER, f"mlflow:sqlite:///{store}/mlflow.db"]
    start = time.perf_counter()
    writers = [
        subprocess.Popen([*command, *job], stderr=subprocess.PIPE, text=True) for job in jobs
    ]
    told = [writer.communicate()[1] for writer in writers]
    codes = [writer.returncode for writer in writers]
    wall = time.perf_counter() - start
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("speed").experiment_id
    kinds = {
        kind: client.search_runs(
            [experiment], f"tags.`prefgauge.kind` = '{kind}'", max_results=5000
        )
        for kind in ("suite", "cell")
    }
    headlines = sum(
        key.startswith("headline/") for run in kinds["suite"] for key in run.data.metrics
    )
    whole = sum(len(run.data.metrics) >= METRICS for run in kinds["cell"])
    print(
        f"{processes} processes at once: {whole} of {processes * runs} runs whole, {headlines} headlines in "
        f"{len(kinds['suite'])} suite runs, exit codes {codes}, {wall:.1f} s with imports and a new store"
    )
    for code, words in zip(codes, told):
        if code:
            print(words.strip().splitlines()[-1])


def main() -> None:
    """Print each way's best round and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    seconds: dict[str, list[tuple[float, float]]] = {"least": [], "equal": [], "ours": []}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["PREFGAUGE_HOME"] = str(root / "home")
        folders = [bundle_folder(root / "bundles", number) for number in range(options.runs + 1)]
        for number in range(options.rounds):
            for way, rounds in seconds.items():
                store = root / f"{way}-{number}"
                store.mkdir()
                work = (
                    ours(folders, store)
                    if way == "ours"
                    else by_hand(folders, store, way == "equal")
                )
                rounds.append(timed(work))
        print(f"{options.runs} runs x {METRICS} metrics, {options.rounds} rounds    wall   process")
        for way, rounds in seconds.items():
            wall, cpu = (min(found[i] for found in rounds) for i in (0, 1))
            print(f"{way:8} {wall:35.2f} {cpu:9.2f}")
        for other in ("equal", "least"):
            wall, cpu = (
                statistics.median(
                    mine[i] / theirs[i] for mine, theirs in zip(seconds["ours"], seconds[other])
                )
                for i in (0, 1)
            )
            print(f"ours / {other:6} {wall:30.2f} {cpu:9.2f}")
        if options.runs == 50:
            print(f"least, on an idle 2-core machine: {IDLE_LEAST} s")
        if options.processes:
            together(root, options.processes, options.runs)


if __name__ == "__main__":
    main()
