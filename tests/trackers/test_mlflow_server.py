"""The MLflow tracker against a real server, killed servers, and several writers at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefgauge.plugins.trackers.mlflow_store import resolve
from prefgauge.registry import StoreError
from prefgauge.registry.address import Address
from prefgauge.runners.cli.dashboard import server_command
from prefgauge.runners.tracking import pending, send, sync

_WRITER = """
import sys
from pathlib import Path
from prefgauge.registry import Bundle
from prefgauge.runners.tracking import send
bundles = [Bundle.load(Path(path)) for path in sys.argv[2:]]
send(sys.argv[1], bundles)
"""


@contextlib.contextmanager
def _server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server that `prefgauge dashboard` starts."""
    place = resolve(Address.parse(f"mlflow:{tmp_path}/served/mlflow.db"))
    (tmp_path / "served").mkdir(exist_ok=True)
    command, environment = server_command(place, "127.0.0.1", port)
    with (tmp_path / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                    break
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.25)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_server_killed_and_replayed(make_bundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    port = _port()
    address = f"mlflow:http://127.0.0.1:{port}"
    bundles = [make_bundle(bench) for bench in ("judgebench", "pandalm", "llmbar")]
    with _server(tmp_path, port):
        (page,) = send(address, bundles[:1])
        assert page.startswith(f"http://127.0.0.1:{port}/#/experiments/")
    start = time.monotonic()
    with pytest.raises(StoreError, match="prefgauge sync"):
        send(address, bundles)
    assert time.monotonic() - start < 15  # not MLflow's 248 s
    assert len(list(pending())) == 3
    with _server(tmp_path, port):
        assert len(sync().logged) == 3
        assert not list(pending())
        client = MlflowClient(f"http://127.0.0.1:{port}")
        experiment = client.get_experiment_by_name("prefgauge").experiment_id
        cells = client.search_runs([experiment], "tags.`prefgauge.kind` = 'cell'")
        assert sorted(c.data.tags["prefgauge.bench"] for c in cells) == [
            "judgebench",
            "llmbar",
            "pandalm",
        ]
        models = client.search_logged_models([experiment])
        assert [model.name for model in models] == ["length"]
        files = {f.path for f in client.list_artifacts(cells[0].info.run_id)}
        assert files == {"data", "figure.png", "items.json", "result.json"}
        local = client.download_artifacts(cells[0].info.run_id, "result.json", str(tmp_path))
        assert json.loads(Path(local).read_text())["bundle_id"]


@pytest.mark.slow
def test_four_processes_on_a_new_store_lose_nothing(make_bundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    address = f"mlflow:{tmp_path}/many/mlflow.db"
    jobs = [
        [make_bundle(f"bench{n}", f"scorer-{job % 2}", 0.5 + n / 100) for n in range(job, 10, 2)]
        for job in (0, 1, 0, 1)  # each bundle is logged by two processes at once
    ]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, address, *(str(b.path) for b in job)],
            stderr=subprocess.PIPE,
        )
        for job in jobs
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=300)
        assert writer.returncode == 0, errors.decode()
    client = MlflowClient(f"sqlite:///{tmp_path}/many/mlflow.db")
    experiment = client.get_experiment_by_name("prefgauge").experiment_id
    suites = client.search_runs([experiment], "tags.`prefgauge.kind` = 'suite'")
    assert sorted(run.info.run_name for run in suites) == ["scorer-0", "scorer-1"]
    cells = client.search_runs([experiment], "tags.`prefgauge.kind` = 'cell'")
    assert sorted(cell.data.tags["prefgauge.bench"] for cell in cells) == [
        f"bench{n}" for n in range(10)
    ]
    for run in suites:
        headline = [key for key in run.data.metrics if key.startswith("headline/")]
        assert len(headline) == 5
        assert run.data.metrics["summary/benches"] == 5


def test_dashboard_command_shows_no_secret() -> None:
    place = resolve(Address.parse("mlflow:postgresql://me:secret@db/mlflow"))
    command, environment = server_command(place, "127.0.0.1", 5000)
    assert not any("secret" in word for word in command)
    assert environment["MLFLOW_BACKEND_STORE_URI"].endswith("secret@db/mlflow")
    assert command[-2:] == ["--workers", "1"]
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
