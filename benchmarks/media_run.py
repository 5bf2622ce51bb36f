"""How busy a run of videos keeps the cores, and what bounds its memory.

Makes 200 clips (H.264, textured, moving), runs one to three pixel scorers over them through the
engine, each run in a process of its own, and prints

- utilisation: CPU seconds of the run / (wall seconds x cores), with one preparing thread and with
  the default. It means something on a quiet machine alone. Beside it what other processes took of
  the cores (from /proc/stat), and how many cores the run would have used: the mean number of its
  threads that ran or were ready to, at most the number of cores, over the cores;
- peak resident memory above the start at several settings of PREFGAUGE_MEDIA_CACHE.

    python benchmarks/media_run.py [--clips 200] [--folder KEEP] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

FRAMES, HEIGHT, WIDTH = 60, 240, 320
SCORERS = ("flicker", "pixel-motion-smoothness", "frames:sharpness?count=8")
CACHES = ("64MiB", "256MiB")


def make_clip(job: tuple[Path, int]) -> None:
    """One clip, a drifting texture with noise; kept if it is there."""
    import av
    import numpy as np

    path, number = job
    if path.exists():
        return
    rng = np.random.default_rng(number)
    wide = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 4, 3)).repeat(8, 0).repeat(8, 1)
    with av.open(str(path.with_suffix(".part")), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "threads": "1"}
        for k in range(FRAMES):
            shown = wide[:, 2 * k : 2 * k + WIDTH] + rng.integers(-9, 10, (HEIGHT, WIDTH, 3))
            frame = shown.clip(0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    path.with_suffix(".part").rename(path)


class Watch(threading.Thread):
    """Counts, a hundred times a second, how many other threads of this process run or could."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.wanted: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Sample until it is over."""
        own, cores = str(threading.get_native_id()), len(os.sched_getaffinity(0))
        while not self.over.wait(0.01):
            ready = 0
            for task in Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError):  # a thread that has just ended
                    state = (task / "stat").read_text("ascii").rpartition(")")[2].split()[0]
                    ready += state == "R" and task.name != own
            self.wanted.append(min(ready, cores))

    def share(self) -> float:
        """Of the cores, once it is over."""
        self.over.set()
        self.join()
        return sum(self.wanted) / max(1, len(self.wanted)) / len(os.sched_getaffinity(0))


def busy() -> float:
    """Seconds that all cores together were busy since the machine started, stolen time included."""
    first = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, first[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def child(folder: Path, scorers: Sequence[str], workers: int) -> None:
    """One run; prints what it took as JSON."""
    from prefgauge.registry import (
        BadRow,
        Bench,
        BenchCard,
        Device,
        Media,
        MetricUse,
        Protocol,
        Rating,
        Sample,
        Source,
    )  # fmt: skip
    from prefgauge.registry.discovery import Registry
    from prefgauge.registry.media import shared
    from prefgauge.runners.api import run_suite
    from prefgauge.runners.run import Options

    class Clips(Bench):
        card = BenchCard(
            id="clips", title="generated clips", modality="video", task="none",
            label_kinds=("rating",), label_source="construction", licence="CC0-1.0",
            citation="none", homepage="none",
        )  # fmt: skip
        protocol = Protocol(name="none", source="none", headline=MetricUse("srcc"))

        def read(self, source: Source) -> Iterator[Sample | BadRow]:
            for number, path in enumerate(sorted(folder.glob("*.mp4"))):
                yield Sample(
                    id=path.stem, prompt=(), candidates=((Media("video", path),),),
                    labels=(Rating(0, float(number)),),
                )  # fmt: skip

    class Made(Registry):
        def bench(self, name: str) -> Bench:
            return Clips()

    import decord  # noqa: F401 - what any run loads is not part of its growth
    import pandas  # noqa: F401
    import PIL.Image  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401

    registry = Made()
    options = Options(floors=False, resamples=0, device=Device("cpu", workers=workers))
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    watch = Watch()
    watch.start()
    wall, cpu, all_busy = time.perf_counter(), time.process_time(), busy()
    results = run_suite(registry, ["clips"], scorers, Source.default(), options)
    wall, cpu, all_busy = time.perf_counter() - wall, time.process_time() - cpu, busy() - all_busy
    cores = len(os.sched_getaffinity(0))
    print(json.dumps({
        "scorers": len(scorers), "workers": workers, "cache": shared().capacity >> 20,
        "wall": wall, "cpu": cpu, "cores": cores, "utilisation": cpu / (wall * cores),
        "wanted": watch.share(), "others": max(0.0, all_busy - cpu) / (wall * cores),
        "loads": shared().misses,
        "peak_above_start": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - begin,
        "scored": [row["scored"] for row in results.rows()],
    }))  # fmt: skip


def measure(folder: Path, scorers: int, workers: int, cache: str) -> dict[str, Any]:
    """One run in a process of its own."""
    here = str(Path(__file__).absolute())
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, here, "--child", str(folder), str(workers), *SCORERS[:scorers]],
            env={**os.environ, "PREFGAUGE_HOME": home, "PREFGAUGE_MEDIA_CACHE": cache,
                 "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Make the clips, run, print."""
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), sys.argv[4:], int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keep the clips here for the next time")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(make_clip, [(folder / f"{i:04}.mp4", i) for i in range(given.clips)]))
        print("scorers  threads  cache   wall s   CPU s  utilisation  wanted  others  loads  MiB")
        for scorers in (1, 2, 3):
            for workers, cache in ((1, CACHES[1]), (2, CACHES[1]), (2, CACHES[0])):
                row = measure(folder, scorers, workers, cache)
                rows.append(row)
                print(
                    f"{scorers:7}  {workers:7}  {row['cache']:5}  {row['wall']:7.1f} {row['cpu']:7.1f}"
                    f"  {row['utilisation']:11.2f}  {row['wanted']:6.2f}"
                    f"  {row['others']:6.2f}"
                    f"  {row['loads']:5}  {row['peak_above_start']:.0f}",
                    flush=True,
                )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
