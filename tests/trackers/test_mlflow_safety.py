"""Stores that cannot be written, half-written runs, waiting writers, and secrets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import prefgauge
from prefgauge.plugins.trackers.locks import Turns, locked
from prefgauge.registry import StoreError
from prefgauge.runners.tracking import pending, send, sync

_WRITER = """
import sys
from pathlib import Path
from prefgauge.registry import Bundle, StoreError
from prefgauge.runners.tracking import send
try:
    send(sys.argv[1], [Bundle.load(Path(sys.argv[2]))])
except StoreError as error:
    sys.exit(f"StoreError: {error}")
"""


def _cells(path: Path) -> Any:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{path}")
    experiment = client.get_experiment_by_name("prefgauge").experiment_id
    return client, client.search_runs([experiment], "tags.`prefgauge.kind` = 'cell'")


def test_read_only_store_spools_and_syncs(make_bundle, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Root may write anything, so a process of root gives that right up first."""
    command = [sys.executable]
    if os.name != "posix":
        pytest.skip("modes of files are those of POSIX")
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root writes read-only files, and setpriv (util-linux) is not here")
        command = ["setpriv", "--bounding-set", "-dac_override", *command]
    root = Path(tempfile.mkdtemp(prefix="prefgauge-read-only-"))
    try:
        store, home = root / "store" / "mlflow.db", root / "home"
        monkeypatch.setenv("PREFGAUGE_HOME", str(home))
        send(f"mlflow:{store}", [make_bundle("judgebench")])
        late = make_bundle("pandalm")
        shutil.copytree(late.path, root / "late")
        for path in (store, store.parent, Path(f"{store}.lock")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run(
            [*command, "-c", _WRITER, f"mlflow:{store}", str(root / "late")],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith("StoreError"), done.stderr
        assert [item.bundle.name for item in pending()] == ["late"]
        for path in (store.parent, store, Path(f"{store}.lock")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        report = sync()
        assert (len(report.logged), report.failed) == (1, ())
        assert not list(pending())
        assert len(_cells(store)[1]) == 2
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_run_without_all_its_metrics_is_written_again(  # type: ignore[no-untyped-def]
    make_bundle, tmp_path: Path
) -> None:
    """As if the process had been killed between the end of the run and its metrics."""
    store = tmp_path / "mlflow.db"
    bundle = make_bundle()
    send(f"mlflow:{store}", [bundle])
    client, (cell,) = _cells(store)
    client.set_tag(cell.info.run_id, "prefgauge.metrics", "999")
    send(f"mlflow:{store}", [bundle])
    _, (again,) = _cells(store)
    assert again.info.run_id != cell.info.run_id
    assert int(again.data.tags["prefgauge.metrics"]) == len(again.data.metrics)


def test_suite_run_of_a_deleted_one_adopts_its_children(  # type: ignore[no-untyped-def]
    make_bundle, tmp_path: Path
) -> None:
    store = tmp_path / "mlflow.db"
    send(f"mlflow:{store}", [make_bundle("judgebench")])
    client, (cell,) = _cells(store)
    client.delete_run(cell.data.tags["mlflow.parentRunId"])
    if cell.info.run_id not in {run.info.run_id for run in _cells(store)[1]}:
        client.restore_run(cell.info.run_id)
    send(f"mlflow:{store}", [make_bundle("pandalm")])
    _, cells = _cells(store)
    assert len({run.data.tags["mlflow.parentRunId"] for run in cells}) == 1
    suite = client.get_run(cells[0].data.tags["mlflow.parentRunId"])
    assert {"headline/judgebench", "headline/pandalm"} <= set(suite.data.metrics)


def test_suite_run_has_the_report_and_the_effort(make_bundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    store = tmp_path / "mlflow.db"
    bundles = [
        make_bundle(bench, provenance={"prefgauge": "0", "peak_memory_mb": peak})
        for bench, peak in (("judgebench", 300.0), ("pandalm", 500.5))
    ]
    send(f"mlflow:{store}", bundles)
    client, cells = _cells(store)
    suite = client.get_run(cells[0].data.tags["mlflow.parentRunId"])
    assert suite.data.metrics["system/seconds"] == 10.0  # five each
    assert suite.data.metrics["system/peak_memory_mb"] == 500.5
    assert not [key for run in cells for key in run.data.metrics if key.startswith("system/")]
    assert [file.path for file in client.list_artifacts(suite.info.run_id)] == ["report.html"]
    page = Path(client.download_artifacts(suite.info.run_id, "report.html")).read_text()
    assert "judgebench" in page
    assert "pandalm" in page


def test_keys_reach_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real run whose environment and command line hold secrets: neither the bundle, nor the
    store, nor its artifacts, nor the ledger holds them."""
    secret = "sk-prefgauge-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", secret)
    monkeypatch.setattr(sys, "argv", ["prefgauge", "run", "control-text", f"--api-key={secret}"])
    results = prefgauge.run(
        ["control-text"], ["length"], resamples=20, trackers=[f"mlflow:{tmp_path}/store/mlflow.db"]
    )
    assert not results.notes, results.notes
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "report.html" for path in files)
    assert any(path.name == "mlflow.db" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_writers_know_whether_others_wrote(tmp_path: Path) -> None:
    first, second = Turns(tmp_path / "lock"), Turns(tmp_path / "lock")
    seen = []
    for turns in (first, first, second, first, first):
        with turns.take() as unchanged:
            seen.append(unchanged)
    assert seen == [False, True, False, False, True]


def test_waiting_lasts_while_others_make_progress(tmp_path: Path) -> None:
    """Two writers take turns for longer than the patience of a third, which gets its turn; one
    that holds the lock for good is given up on."""
    path, stop = tmp_path / "lock", threading.Event()

    def work() -> None:
        turns = Turns(path)
        while not stop.is_set():
            with turns.take():
                time.sleep(0.2)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    releaser = threading.Timer(1.5, stop.set)
    releaser.start()
    with locked(path, timeout=0.6):
        pass
    stop.set()
    for thread in [*threads, releaser]:
        thread.join()
    with (
        locked(path),
        pytest.raises(StoreError, match="locked by another"),
        locked(path, timeout=0.1),
    ):
        raise AssertionError("two held it at once")
