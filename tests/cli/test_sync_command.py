"""``prefgauge sync``: what a store does not take waits, with the exit code of a run that could not log."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from prefgauge.runners.cli.app import app


def test_results_wait_until_the_store_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    store = tmp_path / "store"
    store.write_text("a file where the tracker needs a folder")
    words = ["run", "control-text", "-s", "length", "--limit", "5", "--no-floors"]
    assert CliRunner().invoke(app, [*words, "--tracker", f"json:{store}"]).exit_code == 5
    waiting = CliRunner().invoke(app, ["sync"])
    assert waiting.exit_code == 5
    assert "Still not logged" in waiting.stderr
    assert "(1 bundle)" in waiting.stderr
    store.unlink()
    done = CliRunner().invoke(app, ["sync"])
    assert (done.exit_code, done.stdout.count("logged -> ")) == (0, 1)
    assert "Nothing waits" in CliRunner().invoke(app, ["sync"]).stdout


def test_a_refusal_goes_before_an_incomplete_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 before 3, as the page on exit codes says."""
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    few = tmp_path / "few.csv"
    few.write_text("sample,candidate,score\nnobody,0,1.0\n")
    words = ["--no-track", "--no-floors", "--limit", "5"]
    partial = CliRunner().invoke(app, ["run", "control-text", "-s", f"replay:{few}", *words])
    assert partial.exit_code == 3
    both = ["run", "control-text", "control-image", "-s", f"replay:{few}", "-s", "length", *words]
    assert CliRunner().invoke(app, both).exit_code == 2
