"""A clock that goes back by a day in the middle of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fault_tools import stable, start

LIBRARY = "faketime/libfaketime.so.1"


def faked(tmp_path: Path) -> dict[str, str]:
    """An environment in which libfaketime gives the time of day to every program and library."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed (Debian: faketime)")
    (library,) = list(Path("/usr/lib").glob(f"*/{LIBRARY}"))[:1] or [None]
    if library is None:
        pytest.skip("libfaketime is not where Debian keeps it")
    (tmp_path / "offset").write_text("+0d")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "offset"),
        "FAKETIME_NO_CACHE": "1",
        # as in a machine whose clock is set: what runs on is not changed
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.parametrize("crew", [(), ("--devices", "cpu,cpu", "--rows-per-shard", "10")])
@pytest.mark.parametrize("how", ["own", "library"])
def test_a_clock_that_goes_back_changes_nothing(
    plugin: Path, tmp_path: Path, how: str, crew: tuple[str, ...]
) -> None:
    env = faked(tmp_path) if how == "library" else {}
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    home = tmp_path / "home"
    turned = start(home, "numbers", "-s", "fatal?back=true", *crew, env=env)
    assert turned.returncode == 0, turned.stderr
    if how == "library":
        assert (tmp_path / "offset").read_text() == "-1d", "the clock was turned back"
    assert stable(turned) == stable(calm)
    (path,) = (home / "bundles").glob("*/*/result.json")
    result = json.loads(path.read_text())
    assert 0 <= result["finished_ms"] - result["started_ms"] < 3_600_000
    again = start(home, "numbers", "-s", "fatal?back=true", env=env)
    assert (json.loads(again.stdout)["scored"], stable(again)) == (0, stable(calm))
