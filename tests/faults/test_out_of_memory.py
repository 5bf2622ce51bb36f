"""Real shortage of memory, by a limit on the address space of the run's own process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fault_tools import stable, start

LIMIT = 4 << 30
TOO_MUCH = 8 << 30


def test_a_sample_that_does_not_fit_is_recorded_and_answered_later(
    plugin: Path, tmp_path: Path
) -> None:
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    home = tmp_path / "home"
    short = start(home, "numbers", "-s", f"fatal?one={TOO_MUCH}", memory=LIMIT)
    assert short.returncode == 0, short.stdout + short.stderr  # 59 of 60 are enough for a result
    (row,) = json.loads(short.stdout)["results"]
    assert round(row["coverage"], 4) == round(59 / 60, 4)
    assert row["failures"][0]["reason"] == "failed: MemoryError"
    again = start(home, "numbers", "-s", "fatal")
    assert stable(again) == stable(calm)


def test_a_batch_that_does_not_fit_is_halved(plugin: Path, tmp_path: Path) -> None:
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    scorer = f"fatal?each={TOO_MUCH // 30}"  # 30 of up to 60 requests are too many, a few fit
    short = start(tmp_path / "home", "numbers", "-s", scorer, memory=LIMIT)
    assert short.returncode == 0, short.stdout + short.stderr
    assert stable(short) == stable(calm)


@pytest.mark.parametrize("crew", [(), ("--devices", "cpu", "--rows-per-shard", "10")])
def test_data_that_does_not_fit_ends_in_a_message_and_keeps_what_was_scored(
    plugin: Path, tmp_path: Path, crew: tuple[str, ...]
) -> None:
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    home = tmp_path / "home"
    short = start(
        home, "numbers", "-s", "fatal", *crew, memory=LIMIT, env={"NUMBERS_NEED": str(TOO_MUCH)}
    )
    assert short.returncode == 2, short.stdout + short.stderr
    said = short.stdout + short.stderr
    assert "Traceback" not in said
    assert "failed while reading the row after '39': MemoryError" in said
    again = start(home, "numbers", "-s", "fatal", *crew)
    assert stable(again) == stable(calm)
