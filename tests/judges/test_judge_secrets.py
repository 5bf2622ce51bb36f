"""Keys stay out of everything that is written; replies are kept to the letter."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from judge_server import Server

from prefgauge.registry.source import home
from prefgauge.runners.api import Results, run

SECRET = "sk-judge-0815-in-no-file"
ODD = 'Zürich «weighs» \u200b\t"it" \\n 你好\r\nsecond line  \n[[A]]'


class Says:
    """Always the same reply."""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": ODD}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return {"choice": choice, "usage": usage}


def trouble(number: int, body: dict[str, Any]) -> str:
    """Every fifth request is refused with an error that repeats the key."""
    return "400" if number % 5 == 0 else ""


@pytest.fixture
def results(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Results:
    monkeypatch.setenv("PREFGAUGE_JUDGE_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    with Server(Says(), trouble) as server:  # type: ignore[arg-type]
        found = run(
            ["control-injection"],
            [f"judge:{server.url}#tiny"],
            limit=4,
            resamples=0,
            floors=False,
            trackers=[f"mlflow:{tmp_path}/track/mlflow.db", f"json:{tmp_path}/track/out.json"],
        )
        assert SECRET in str(server.headers)  # it went where it belongs
    return found


def test_no_key_in_ledger_bundle_mlflow_report_or_log(
    results: Results, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from prefgauge.runners.report.html import render_html
    from prefgauge.runners.report.model import assemble

    (row,) = results.rows()
    assert row["failed"] > 0
    assert "[key]" in str(row["failures"])  # the endpoint did echo it
    assert results.logged, results.notes
    (tmp_path / "track" / "report.html").write_text(render_html(assemble(results.bundles)), "utf-8")
    files = [path for root in (home(), tmp_path) for path in root.rglob("*") if path.is_file()]
    assert {"report.html", "mlflow.db", "result.json"} <= {path.name for path in files}
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in caplog.text


def test_replies_are_kept_to_the_letter(results: Results) -> None:
    """In the ledger and in the bundle's outcomes."""
    (ledger,) = (home() / "ledger").rglob("*.sqlite")
    with sqlite3.connect(ledger) as connection:
        tables = [n for (n,) in connection.execute("select name from sqlite_master")]
    assert tables
    import pyarrow.parquet as parquet

    (bundle,) = results.bundles
    table = parquet.read_table(bundle.path / "outcomes.parquet").to_pylist()
    kept = [row["critique"] for row in table if row["status"] == "ok"]
    assert kept
    assert set(kept) == {ODD}
    again = run(["control-injection"], [bundle.scorer], limit=4, resamples=0, floors=False)
    # the server is gone: what was answered comes from the ledger, to the letter as well
    (other,) = again.bundles
    assert other.result["ledger_hits"] == len(kept)
    told = parquet.read_table(other.path / "outcomes.parquet").to_pylist()
    assert [row["critique"] for row in told if row["status"] == "ok"] == kept
