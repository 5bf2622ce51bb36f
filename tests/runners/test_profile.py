"""``--profile``: parts that add up, counts by hand, operations by hand."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made import Counting, MadeBench
from rich.console import Console

from prefgauge.registry import Outcome, Request, Source, default
from prefgauge.registry.meter import Meter, count, metering, operations, part
from prefgauge.runners.cli.profiled import print_profile
from prefgauge.runners.engine import Engine
from prefgauge.runners.profile import matmul_peak, profile_of
from prefgauge.runners.run import Options, run_one


class Busy(Counting):
    """Prepares, copies and computes for known times, and counts what it does."""

    stages = True

    def prepare(self, request: Request) -> Request:
        time.sleep(0.002)
        return request

    def stage(self, batch: Sequence[Request]) -> list[str]:
        with part("copying"):
            time.sleep(0.005)
        return [request.where() for request in batch]

    def score_staged(self, batch: Sequence[Request], staged: list[str]) -> list[Outcome]:
        assert staged == [request.where() for request in batch]
        return self.score(batch)

    def score(self, batch: Sequence[Request]) -> list[Outcome]:
        time.sleep(0.02)
        with part("copying"):
            time.sleep(0.01)
        count("tokens", 30 * len(batch), 10 * len(batch), 12 * len(batch))
        operations(1e6 * len(batch), "cpu", "torch.float32")
        return super().score(batch)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path))

    def one(scorer: Counting, **options: Any) -> dict[str, Any]:
        engine, registry = Engine(scorer), default()
        start = time.perf_counter()
        bundle = run_one(
            registry, MadeBench(20), engine, Source.default(None), Options(resamples=20, **options)
        )
        outside = time.perf_counter() - start
        written = json.loads((bundle.path / "result.json").read_text("utf-8"))
        return {**written, "outside": outside}

    return one


def test_parts_add_up_to_the_wall_by_construction(run: Any) -> None:
    scorer = Busy()
    scorer.batch_cost, scorer.batch_size = 10_000, 8
    run(Counting("first"))  # imports what reports need
    result = run(scorer)
    profile = result["profile"]
    # one reading of the clock ends a part and begins the next: only sums of floats are rounded
    assert sum(profile["parts"].values()) == pytest.approx(profile["wall"], rel=1e-9)
    # nothing of the run is left out but the writing of its last file
    assert 0.5 * result["outside"] < profile["wall"] <= result["outside"]
    # 40 requests in 5 batches of 8
    assert profile["batches"] == 5
    assert profile["parts"]["computing"] >= 5 * 0.02
    assert profile["parts"]["copying"] >= 5 * 0.01
    assert profile["parts"]["self-check"] >= 3 * 0.03
    assert profile["parts"]["ledger"] > 0
    assert profile["parts"]["statistics"] > 0
    # beside the run's own thread
    assert profile["threads"]["preparing"]["threads"] == 2
    assert profile["threads"]["preparing"]["seconds"]["preparing"] >= 40 * 0.002
    assert profile["threads"]["staging"]["seconds"]["copying"] >= 5 * 0.005


def test_counts_are_those_of_the_run_without_its_checks(run: Any) -> None:
    scorer = Busy()
    scorer.batch_cost = 10_000
    profile = run(scorer, profile=True)["profile"]
    tokens = profile["counts"]["tokens"]
    assert (tokens["nominal"], tokens["unique"], tokens["run"]) == (1200, 400, 480)
    scoring = profile["parts"]["copying"] + profile["parts"]["computing"]
    assert tokens["unique_per_second"] == pytest.approx(400 / scoring)
    assert profile["flops"] == 40e6
    rate = profile["peak"]["flops_per_second"]
    assert profile["ratio"] == pytest.approx(40e6 / scoring / rate)
    again = run(Busy(), profile=True)["profile"]  # all known
    assert again["counts"] == {}
    assert again["ratio"] is None
    assert again["batches"] == 0


def test_people_see_it(run: Any) -> None:
    result = run(Busy(), profile=True)
    out = io.StringIO()
    print_profile(Console(file=out, width=160), [result])
    text = out.getvalue()
    for word in ("waiting for data", "preparing", "copying", "computing", "ledger", "statistics"):
        assert word in text
    assert "tokens: 400 unique of 1,200 nominal, 480 with padding" in text
    assert "of the matmul rate measured on cpu (float32, " in text
    assert "100.0%" in text


def test_a_meter_charges_the_innermost_part() -> None:
    meter = Meter()
    meter.start()
    with meter.part("outer"):
        time.sleep(0.02)
        with meter.part("inner"):
            time.sleep(0.04)
    meter.stop()
    assert meter.seconds["outer"] >= 0.02
    assert meter.seconds["inner"] >= 0.04
    assert sum(meter.seconds.values()) == pytest.approx(meter.wall, rel=1e-9)
    with pytest.raises(KeyError), meter.part("outer"):
        raise KeyError
    assert meter._open == []


def test_nothing_is_counted_where_no_meter_is_current() -> None:
    count("tokens", 5, 5)
    with metering(meter := Meter()), part("x"):
        count("tokens", 5, 2)
    count("tokens", 7, 7)
    assert (meter.counts["tokens"].nominal, meter.counts["tokens"].run) == (5, 2)


def test_streams_are_computing_and_prepare_for_nothing() -> None:
    engine = Engine(Counting())
    assert profile_of(engine)["threads"] == {}
    assert profile_of(engine)["ratio"] is None


def test_the_peak_is_a_rate_of_this_machine() -> None:
    found = matmul_peak("cpu", "torch.float32")
    assert 1e9 < found["flops_per_second"] < 1e14
    assert found["threads"] >= 1


def test_the_command_prints_it_for_people_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from prefgauge.runners.cli.app import app

    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path))
    words = ["run", "control-text", "-s", "length", "--no-track", "--limit", "5", "--profile"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "Profile of control-text" in shown.stdout
    assert "requests: 21 scored in 1 batch, 0 known" in shown.stdout
    printed = CliRunner().invoke(app, [*words, "--json"])
    assert printed.exit_code == 0
    (profile,) = json.loads(printed.stdout)["profiles"]
    assert sum(profile["parts"].values()) == pytest.approx(profile["wall"], rel=1e-9)
