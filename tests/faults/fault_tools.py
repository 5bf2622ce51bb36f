"""What the fault tests share: a plugin whose bench and scorer can be made to fail, and a runner."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

STABLE = (
    "bench",
    "scorer",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "ties",
    "coverage",
    "status",
)

MODULE = '''
import os, signal, time
from pathlib import Path
from prefgauge.registry import *

class Numbers(Bench):
    card = BenchCard(id="numbers", title="n", modality="text", task="t", label_kinds=("preference",),
                     label_source="objective", licence="CC0-1.0", citation="c", homepage="h", size=60)
    protocol = Protocol(name="p", source="s", headline=MetricUse("pair-accuracy"))
    def read(self, source):
        for n in range(60):
            if n == 40:
                bytearray(int(os.environ.get("NUMBERS_NEED", "0")))
            yield Sample(id=str(n), prompt=content(f"{n}?"),
                         candidates=(content("x" * (n % 7)), content("y" * (n % 5))),
                         labels=(Preference(0, 1, "first" if n % 2 else "second"),))

class Fatal(PointwiseScorer):
    """Length, with trouble as the options say: kills its own process at sample 33 the first
    `times` times; sleeps `pause` seconds per request; needs `each` bytes per request, or `one` to
    prepare sample 33; turns the clock back by a day at sample 20 (`back`)."""
    batch_size = 60
    def __init__(self, address):
        self.times, self.pause = address.get("times", 0), address.get("pause", 0.0)
        self.each, self.one = address.get("each", 0), address.get("one", 0)
        self.back = address.get("back", False)
        self.card = ScorerCard(name=str(address), form="pointwise", fingerprint={"version": 1})
    def prepare(self, request):
        if request.sample.id == "33":
            bytearray(self.one)
        return request
    def score(self, batch):
        out = []
        bytearray(self.each * len(batch))
        for request in batch:
            if self.pause:
                time.sleep(self.pause)
            if request.sample.id == "20" and self.back:
                if "FAKETIME_TIMESTAMP_FILE" in os.environ:
                    Path(os.environ["FAKETIME_TIMESTAMP_FILE"]).write_text("-1d")
                else:
                    real = time.time
                    time.time = lambda: real() - 86400
            if request.sample.id == "33" and self.times:
                marks = Path(os.environ["FATAL_MARKS"])
                seen = len(list(marks.iterdir()))
                if seen < self.times:
                    (marks / f"{seen}-{os.getpid()}").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            out.append(Outcome.score(float(len(text_of(request.candidate())))))
        return out

@hookimpl
def prefgauge_benches(): return {"numbers": Numbers}
@hookimpl
def prefgauge_scorers(): return {"fatal": Fatal}
'''


def install(tmp_path: Path) -> dict[str, str]:
    """Install the plugin below `tmp_path`; returns the environment variables that it needs."""
    folder = tmp_path / "plugin"
    info = folder / "prefgauge_fatal-0.1.dist-info"
    info.mkdir(parents=True)
    (folder / "prefgauge_fatal.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prefgauge-fatal\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[prefgauge]\nfatal = prefgauge_fatal\n")
    marks = tmp_path / "marks"
    marks.mkdir()
    return {"PYTHONPATH": str(folder), "FATAL_MARKS": str(marks)}


def start(
    home: Path, *words: str, disk: int | None = None, memory: int | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """``prefgauge run`` with results in `home`, in a process of its own.

    Parameters
    ----------
    disk: bytes that a file may grow to.
    memory: bytes of address space that the process may have.
    env: further environment variables.
    """

    def small() -> None:
        if disk is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.run(
        [sys.executable, "-m", "prefgauge", "run", *words, "--no-track", "--json", "--no-floors"],
        capture_output=True, text=True, check=False, preexec_fn=small,
        env={**os.environ, "PREFGAUGE_HOME": str(home), **(env or {})},
    )  # fmt: skip


def stable(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    rows = json.loads(done.stdout)["results"]
    return [{n: v for n, v in row.items() if n in STABLE and n != "scorer"} for row in rows]
