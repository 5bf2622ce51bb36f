"""Ray: dying workers, shards that kill any worker, and the known traps of its data engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fault_tools import stable, start

pytestmark = pytest.mark.slow
pytest.importorskip("ray", reason="the extra `ray` is not installed")


def test_ray_replaces_a_worker_that_dies(plugin: Path, tmp_path: Path) -> None:
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    crew = ("--runner", "ray", "--devices", "cpu,cpu", "--rows-per-shard", "10")
    harried = start(tmp_path / "harried", "numbers", "-s", "fatal?times=2", *crew)
    assert harried.returncode == 0, harried.stderr
    assert stable(harried) == stable(calm)


def test_a_shard_that_always_kills_its_worker_is_given_up(plugin: Path, tmp_path: Path) -> None:
    """Ray itself would restart the worker without end."""
    crew = ("--runner", "ray", "--devices", "cpu,cpu", "--rows-per-shard", "10")
    done = start(tmp_path / "home", "numbers", "-s", "fatal?times=99", *crew)
    assert done.returncode == 3, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert (row["status"], round(row["coverage"], 4)) == ("incomplete", round(50 / 60, 4))
    assert "rows 30-40 were given up: its worker died" in str(row["failures"])
    again = start(tmp_path / "home", "numbers", "-s", "fatal")
    assert stable(again) == stable(start(tmp_path / "calm", "numbers", "-s", "fatal"))


DRIVER = """
import json, sys
from pathlib import Path
import ray
from prefgauge.registry import Source, default
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.shards.manifest import make_job
from prefgauge.runners.shards.on_ray import run_on_ray

home = Path(sys.argv[1])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
registry, seen = default(), []
job = make_job(registry.bench("numbers"), registry.scorer("fatal?pause=0.05"), Source(None, home, True),
               Ledger(home / "l.sqlite"), limit=None, size=10, dtype="auto", workers=1)
if sys.argv[2] == "torn":  # the digest of one shard does not fit its rows any more
    from dataclasses import replace
    shards = list(job.shards)
    shards[2] = replace(shards[2], digest="0" * 64)
    job = replace(job, shards=tuple(shards))
    job.save()
def on_shard(shard, scored):
    seen.append([shard.number, scored, sum(job.part(s).exists() for s in job.shards)])
try:
    run_on_ray(job, job.shards, actors=2, gpus=0.0, on_shard=on_shard)
    problem = ""
except Exception as error:
    problem = f"{type(error).__name__}: {error}"
# a file: once the run is over, Ray's threads may print what they like
(home / "told.json").write_text(json.dumps([seen, problem]))
"""


def drive(tmp_path: Path, how: str) -> tuple[list[list[int]], str]:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(home), how], capture_output=True, text=True, timeout=300,
        check=False, env={**os.environ, "PREFGAUGE_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen, problem = json.loads((home / "told.json").read_text())
    return seen, problem


def test_as_many_actors_as_processors_do_not_starve_and_blocks_are_not_merged(
    plugin: Path, tmp_path: Path
) -> None:
    """Two actors of one CPU each on two CPUs would leave none to the tasks that feed them, and
    hang for ever; shards merged into one block would all be reported, and lost, together."""
    seen, problem = drive(tmp_path, "calm")
    assert problem == ""
    assert sorted(number for number, *_ in seen) == list(range(6)), "each shard once"
    assert sum(scored for _, scored, _ in seen) == 118, "each different request once"
    assert seen[0][2] < 6, "the first shard was reported before the last was done"


def test_a_shard_that_cannot_be_done_is_an_error_and_not_a_gap(
    plugin: Path, tmp_path: Path
) -> None:
    """`max_errored_blocks` would have dropped its rows without a word."""
    _, problem = drive(tmp_path, "torn")
    assert problem.startswith("ScorerError: Rows 20-30 of numbers are not those of the manifest")
