"""Peak memory of a run against its number of outcomes.

Runs the length scorer over a generated stream of prompts with pairs of answers, each size in a
process of its own, and prints the peak of its anonymous memory (what the system cannot write back
to a file) above the start, and the growth from size to size. What lies in files is cached by the
system as far as memory is free, and is no need of the run.

    python benchmarks/memory.py [--pairs P] [--no-ledger] [OUTCOMES...]   # 100,000 and 1,000,000

``--pairs``: pairs per prompt (1). ``--no-ledger``: keep no record, which is faster.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20


def anonymous() -> float:
    """Anonymous resident memory of this process, MiB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("This system does not tell anonymous memory; run on Linux.")


class Peak:
    """Samples anonymous memory in a thread, a hundred times a second."""

    def __init__(self) -> None:
        self.start = self.top = anonymous()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.top = max(self.top, anonymous())
            time.sleep(0.01)

    @property
    def above(self) -> float:
        """Peak above the start, MiB."""
        return self.top - self.start


def child(outcomes: int, pairs: int, ledger: bool, home: str) -> None:
    """One run; prints the peak of reading and scoring, that of the whole, and CPU seconds."""
    import os

    os.environ["PREFGAUGE_HOME"] = home
    from prefgauge.registry import (
        BadRow,
        Bench,
        BenchCard,
        MetricUse,
        Preference,
        Protocol,
        Sample,
        Source,
        content,
        default,
    )
    from prefgauge.runners.engine import Engine
    from prefgauge.runners.run import Options, run_one
    from prefgauge.runners.stream import Counts

    class Endless(Bench):
        card = BenchCard(
            id="endless", title="generated pairs", modality="text", task="none",
            label_kinds=("preference",), label_source="construction", licence="CC0-1.0",
            citation="none", homepage="none",
        )  # fmt: skip
        protocol = Protocol(name="none", source="none", headline=MetricUse("pair-accuracy"))

        def read(self, source: Source) -> Iterator[Sample | BadRow]:
            for number in range(outcomes // (2 * pairs)):
                made = [f"{number} " * ((number + i) % 7 + i) + str(i) for i in range(2 * pairs)]
                yield Sample(
                    id=str(number), prompt=content(f"question {number}"),
                    candidates=tuple(content(text) for text in made),
                    labels=tuple(
                        Preference(2 * i, 2 * i + 1, "first" if (number + i) % 3 else "second")
                        for i in range(pairs)
                    ),
                )  # fmt: skip

    import pandas  # noqa: F401 - loaded later by any run; not part of its growth
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401
    from matplotlib.figure import Figure  # noqa: F401

    registry = default()
    for name in registry.names("metric"):
        registry.metric(name)
    peak, reading, told = Peak(), [0.0], [0]

    def on_sample(counts: Counts) -> None:
        reading[0] = peak.above
        if counts.samples >= told[0] + 50_000:
            told[0] = counts.samples
            done = counts.samples * 2 * pairs
            print(f"  {done:,} outcomes read: {peak.above:.0f} MiB", file=sys.stderr, flush=True)

    engine = Engine(registry.scorer("length"))
    options = Options(floors=False, resamples=1000, ledger=ledger)
    run_one(registry, Endless(), engine, Source.default(), options, on_sample=on_sample)
    print(reading[0], peak.above, time.process_time())


def measure(outcomes: int, pairs: int, ledger: bool) -> tuple[float, float, float]:
    """(MiB above start until all was scored, MiB of the whole run, CPU seconds)."""
    with tempfile.TemporaryDirectory() as home:
        words = ["--child", home, "--pairs", str(pairs), *([] if ledger else ["--no-ledger"])]
        command = [sys.executable, str(Path(__file__).absolute()), *words, str(outcomes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    reading, whole, seconds = map(float, done.stdout.split()[-3:])
    return reading, whole, seconds


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("outcomes", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--no-ledger", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.outcomes[0], asked.pairs, not asked.no_ledger, asked.child)
        return
    before: tuple[int, float] | None = None
    for outcomes in asked.outcomes:
        reading, whole, seconds = measure(outcomes, asked.pairs, not asked.no_ledger)
        grown = ""
        if before is not None:
            growth = (whole - before[1]) * MIB / (outcomes - before[0])
            grown = f", {growth:.1f} bytes more per further outcome"
        print(
            f"{outcomes:>12,} outcomes: {whole:7.1f} MiB above start ({reading:.1f} until all was "
            f"scored){grown}; {1e6 * seconds / outcomes:.0f} CPU microseconds each",
            flush=True,
        )
        before = outcomes, whole


if __name__ == "__main__":
    main()
