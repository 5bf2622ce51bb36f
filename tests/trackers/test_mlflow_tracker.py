"""The MLflow tracker against a real SQLite store."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from prefgauge.plugins.trackers.mlflow_store import resolve
from prefgauge.registry import StoreError, UsageError, default
from prefgauge.registry.address import Address
from prefgauge.runners.tracking import pending, send, sync


@pytest.fixture
def client(tmp_path: Path):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    def open_client() -> MlflowClient:
        return MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/store/mlflow.db")

    return open_client


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"mlflow:sqlite:///{tmp_path}/store/mlflow.db"


def _runs(client, kind: str):  # type: ignore[no-untyped-def]
    experiment = client.get_experiment_by_name("prefgauge")
    found = client.search_runs([experiment.experiment_id], f"tags.`prefgauge.kind` = '{kind}'")
    return sorted(found, key=lambda run: (run.info.run_name, run.info.end_time))


def test_layout(make_bundle, address, client, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    bundles = [
        make_bundle(bench, scorer, value)
        for bench, value in (("judgebench", 0.6), ("pandalm", 0.7))
        for scorer in ("length", "hf:org/model")
    ]
    places = send(address, bundles)
    assert len(places) == 4
    assert not (tmp_path / "mlruns").exists()  # nothing is left in the current folder
    mlflow = client()

    suites, cells = _runs(mlflow, "suite"), _runs(mlflow, "cell")
    assert [run.info.run_name for run in suites] == ["hf:org/model", "length"]
    assert len(cells) == 4
    row = suites[1].data.metrics
    assert row["headline/judgebench"] == 0.6
    assert row["headline/pandalm"] == 0.7
    assert row["ci/pandalm.low"] == pytest.approx(0.65)
    # by hand: mean of (.6-.5)/.5 and (.7-.5)/.5
    assert row["summary/skill"] == pytest.approx(0.3)
    assert "| pandalm | pair-accuracy | 0.700 |" in suites[1].data.tags["mlflow.note.content"]

    names = {frozenset(cell.data.metrics) for cell in cells}
    assert len(names) == 1  # the same on every bench
    cell = next(c for c in cells if c.info.run_name == "length | pandalm")
    assert places[2].endswith(cell.info.run_id)
    assert cell.data.tags["mlflow.parentRunId"] == suites[1].info.run_id
    assert cell.data.params["protocol"] == "net vote"
    assert cell.info.status == "FINISHED"
    assert cell.info.end_time == 1_760_000_005_000

    dataset = cell.inputs.dataset_inputs[0]
    digest = bundles[2].result["bench_data"]["digest"]
    assert (dataset.dataset.name, dataset.dataset.digest) == ("pandalm", digest[:32])
    assert {tag.key: tag.value for tag in dataset.tags}["prefgauge.digest"] == digest

    files = {f.path for f in mlflow.list_artifacts(cell.info.run_id)}
    assert files == {"data", "figure.png", "items.json", "result.json"}
    assert [f.path for f in mlflow.list_artifacts(cell.info.run_id, "data")] == [
        "data/outcomes.parquet"
    ]
    table = json.loads(Path(mlflow.download_artifacts(cell.info.run_id, "items.json")).read_text())
    assert table["columns"][:5] == ["item_id", "score", "human", "agree", "subset"]
    assert len(table["data"]) == 4


def test_one_model_per_scorer_ranks_by_dataset(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    bundles = [make_bundle("judgebench", s, v) for s, v in (("length", 0.4), ("random", 0.5))]
    bundles.append(make_bundle("pandalm", "length", 0.9))
    send(address, bundles)
    mlflow = client()
    experiment = mlflow.get_experiment_by_name("prefgauge").experiment_id
    ranked = mlflow.search_logged_models(
        [experiment],
        order_by=[
            {
                "field_name": "metrics.agreement",
                "ascending": False,
                "dataset_name": "judgebench",
                "dataset_digest": bundles[0].result["bench_data"]["digest"][:32],
            }
        ],
    )
    assert [model.name for model in ranked] == ["random", "length"]
    assert str(ranked[0].status).endswith("READY")


def test_logging_again_never_doubles(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    bundle = make_bundle()
    first = send(address, [bundle])
    assert send(address, [bundle, bundle]) == [first[0], first[0]]
    mlflow = client()
    assert len(_runs(mlflow, "cell")) == len(_runs(mlflow, "suite")) == 1
    suite = _runs(mlflow, "suite")[0].info.run_id
    assert len(mlflow.get_metric_history(suite, "headline/judgebench")) == 1


def test_same_id_with_other_content_replaces(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    send(address, [make_bundle(value=0.9, bundle_id="b" * 64)])
    send(address, [make_bundle(value=0.4, bundle_id="b" * 64, started_ms=1_760_000_100_000)])
    mlflow = client()
    (cell,) = _runs(mlflow, "cell")
    assert cell.data.metrics["agreement"] == 0.4
    assert _runs(mlflow, "suite")[0].data.metrics["headline/judgebench"] == 0.4


def test_a_new_value_is_shown_though_the_clock_went_back(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    future = 4_000_000_000_000  # of the clock at the first logging, in the year 2096
    send(address, [make_bundle(value=0.9, bundle_id="b" * 64, started_ms=future)])
    send(address, [make_bundle(value=0.4, bundle_id="b" * 64, started_ms=1_760_000_100_000)])
    suite = _runs(client(), "suite")[0]
    history = client().get_metric_history(suite.info.run_id, "headline/judgebench")
    assert max(metric.timestamp for metric in history) > future
    assert suite.data.metrics["headline/judgebench"] == 0.4


def test_newest_result_is_the_headline_in_any_order(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    new = make_bundle(value=0.4, started_ms=1_760_000_900_000)
    old = make_bundle(value=0.9)
    send(address, [new])
    send(address, [old])
    mlflow = client()
    cells = {
        c.data.metrics["agreement"]: c.data.tags["prefgauge.current"] for c in _runs(mlflow, "cell")
    }
    assert cells == {0.4: "true", 0.9: "false"}
    (suite,) = _runs(mlflow, "suite")
    assert suite.data.metrics["headline/judgebench"] == 0.4
    assert suite.data.tags["mlflow.note.content"].count("judgebench") == 1


def test_incomplete_result_is_no_headline(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    send(address, [make_bundle(status="incomplete", coverage=0.4)])
    mlflow = client()
    (suite,) = _runs(mlflow, "suite")
    assert "headline/judgebench" not in suite.data.metrics
    assert "incomplete" in suite.data.tags["mlflow.note.content"]
    assert _runs(mlflow, "cell")[0].data.metrics["agreement"] == 0.6


def test_first_rows_do_not_replace_the_whole(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    whole = make_bundle(value=0.6)
    few = make_bundle(value=0.9, started_ms=1_760_000_900_000, bench_data={"limit": 20})
    send(address, [whole, few])
    mlflow = client()
    assert _runs(mlflow, "suite")[0].data.metrics["headline/judgebench"] == 0.6
    assert {cell.data.params.get("limit") for cell in _runs(mlflow, "cell")} == {None, "20"}


def test_undefined_values_are_not_logged(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    send(address, [make_bundle(value=None)])
    mlflow = client()
    metrics = _runs(mlflow, "cell")[0].data.metrics
    assert "agreement" not in metrics
    assert all(value == value and abs(value) < 1e300 for value in metrics.values())


def test_run_that_a_crash_left_open_is_replaced(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    bundle = make_bundle()
    send(address, [bundle])
    mlflow = client()
    run = _runs(mlflow, "cell")[0].info.run_id
    mlflow.update_run(run, status="RUNNING")
    send(address, [bundle])
    (cell,) = _runs(mlflow, "cell")
    assert cell.info.run_id != run
    assert cell.info.status == "FINISHED"


def test_odd_names_do_not_break_the_store(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    scorer = "judge:http://127.0.0.1:8000/v1#it's 100%?protocol=pair\"wise&x=1"
    send(address, [make_bundle("own/bench (v2)", scorer)])
    assert _runs(client(), "suite")[0].data.metrics["headline/own_bench v2"] == 0.6


def test_saved_view_lists_every_headline(make_bundle, address, client) -> None:  # type: ignore[no-untyped-def]
    import base64
    import zlib

    send(address, [make_bundle("judgebench"), make_bundle("pandalm")])
    tags = client().get_experiment_by_name("prefgauge").tags
    view = json.loads(tags["mlflow.sharedViewState.prefgauge-leaderboard"])
    assert view["name"] == "prefgauge leaderboard"
    packed = base64.b64decode(view["state"].removeprefix("deflate;"))
    state = json.loads(zlib.decompress(packed))
    assert "metrics.`headline/judgebench`" in state["selectedColumns"]
    assert "metrics.`headline/pandalm`" in state["selectedColumns"]
    assert state["runsHiddenMode"] == "SHOW_ALL"


def test_locked_store_fails_in_seconds_and_syncs_later(
    make_bundle, address, client, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    send(address, [make_bundle("judgebench")])
    late = make_bundle("pandalm")
    writer = sqlite3.connect(tmp_path / "store" / "mlflow.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    with pytest.raises(StoreError, match="locked"):
        send(address, [late])
    assert time.monotonic() - start < 12
    assert [item.bundle for item in pending()] == [late.path]
    writer.execute("ROLLBACK")
    writer.close()
    report = sync()
    assert (len(report.logged), report.failed) == (1, ())
    assert not list(pending())
    assert len(_runs(client(), "cell")) == 2


def test_unusable_store_is_an_error_with_a_marker(make_bundle, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        send(f"mlflow:sqlite:///{tmp_path}/file/mlflow.db", [make_bundle()])
    (tmp_path / "junk.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="not a database"):
        send(f"mlflow:{tmp_path}/junk.db", [make_bundle()])
    assert len(list(pending())) == 2


def test_dead_server_fails_in_seconds(make_bundle) -> None:  # type: ignore[no-untyped-def]
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"\*\*\*@127.0.0.1:9") as error:
        send("mlflow:http://user:secret@127.0.0.1:9", [make_bundle()])
    assert time.monotonic() - start < 15
    assert "secret" not in str(error.value)


def test_sync_reports_bundles_that_are_gone(make_bundle) -> None:  # type: ignore[no-untyped-def]
    bundle = make_bundle()
    with pytest.raises(StoreError):
        send("mlflow:http://127.0.0.1:9", [bundle])
    (bundle.path / "result.json").unlink()
    assert sync().missing == (bundle.path,)
    assert not list(pending())


def test_default_store_is_in_the_home_folder(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "prefgauge-home"
    store = resolve(Address.parse("mlflow"))
    assert store.uri == f"sqlite:///{home}/mlflow/mlflow.db"
    assert store.artifacts == str(home / "mlflow" / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    assert resolve(Address.parse("mlflow")).uri == "http://tracker:5000"


def test_addresses(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert resolve(Address.parse("mlflow:x/m.db")).uri == f"sqlite:///{tmp_path}/x/m.db"
    pg = resolve(Address.parse("mlflow:postgresql://u:p@h/db?sslmode=require&artifacts=s3://b/c"))
    assert (pg.uri, pg.artifacts) == ("postgresql://u:p@h/db?sslmode=require", "s3://b/c")
    assert "p@h" not in pg.shown
    with pytest.raises(UsageError, match=r"mlflow\.db"):
        resolve(Address.parse("mlflow:file:./mlruns"))


def test_environment_is_left_as_found(make_bundle, address, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import os

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    send(address, [make_bundle()])
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ
    assert "_MLFLOW_SERVER_ARTIFACT_ROOT" not in os.environ


def test_json_tracker_writes_one_file_per_bundle(make_bundle, tmp_path) -> None:  # type: ignore[no-untyped-def]
    bundle = make_bundle(scorer="hf:org/../model")
    (first,) = send(f"json:{tmp_path}/out", [bundle])
    assert send(f"json:{tmp_path}/out", [bundle]) == [first]
    assert json.loads(Path(first).read_text()) == bundle.result
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert files == [Path(first)]


def test_trackers_are_registered() -> None:
    assert {"json", "mlflow", "wandb"} <= set(default().names("tracker"))


def test_registry_stays_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from prefgauge.registry import default; default().names('tracker');"
        "import prefgauge.runners.cli.log, prefgauge.runners.cli.dashboard, prefgauge.runners.tracking;"
        "print([m for m in ('mlflow', 'wandb', 'pandas') if m in sys.modules])"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "[]"
