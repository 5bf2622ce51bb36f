"""``prefgauge check`` on metrics: each kind of table has samples to be tried on."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from prefgauge.runners.cli.app import app


@pytest.mark.parametrize(
    ("metric", "on"),
    [
        ("pair-accuracy", "control-injection"),
        ("group-krcc", "control-text"),
        ("srcc", "made labels"),  # no control bench has ratings or raters
        ("krippendorff-alpha", "made labels"),
        ("pair-human-ceiling", "made labels"),
    ],
)
def test_every_kind_of_metric_can_be_checked_without_a_bench(
    metric: str, on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["check", metric])
    assert (done.exit_code, done.stdout) == (0, f"metric {metric}: ok (on {on})\n")
