"""A rerun of a real bench asks the scorer nothing and ends soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from made import Counting

from prefgauge.registry import Source, default
from prefgauge.runners.engine import Engine
from prefgauge.runners.run import Options, run_one


def test_a_warm_rerun_of_judgebench_takes_no_forward_pass(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path))
    source = Source(data_root, tmp_path / "data", offline=True)
    registry, options = default(), Options(floors=False, resamples=200)

    benches = [registry.bench(name) for name in ("judgebench", "judgebench-claude")]

    cold = Counting()
    first = [run_one(registry, bench, Engine(cold), source, options).result for bench in benches]
    assert sum(result["samples"] for result in first) == 620
    assert cold.seen

    warm, start = Counting(), time.process_time()
    again = [run_one(registry, bench, Engine(warm), source, options).result for bench in benches]
    assert (warm.opened, warm.seen, warm.batches) == (0, [], [])
    for old, new in zip(first, again, strict=True):
        assert (new["scored"], new["ledger_hits"]) == (0, new["requests"])
        assert (new["value"], new["ci_low"]) == (old["value"], old["ci_low"])
    assert time.process_time() - start < 20
