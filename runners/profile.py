"""Where the time of a run went, and how near the models came to what the device can do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from prefgauge.registry.meter import Meter
from prefgauge.runners.engine import Engine

__all__ = ["matmul_peak", "profile_of"]

#: Parts of the run's own thread, in the order in which they are shown; see docs/scale.md.
PARTS = (
    "opening", "waiting for data", "preparing", "batching", "copying", "computing", "self-check",
    "ledger", "statistics", "baselines", "writing", "workers", "other scorers", "other",
)  # fmt: skip


def profile_of(engine: Engine, peak: bool = False) -> dict[str, Any]:
    """What ``result["profile"]`` holds.

    Parameters
    ----------
    peak: also measure the device's matmul rate; takes about a second.

    Returns
    -------
    ``wall``: seconds of the run, until its result is written. ``parts``: the same seconds by
    what the run's own thread did; they add up to ``wall``. ``threads``: seconds of the threads
    beside it, which overlap with those. ``counts``: by kind, with rates per second of scoring
    (copying and computing). ``flops``: what unique tokens need: 2 x parameters x tokens, plus
    attention. ``peak``, ``ratio``: of a plain matrix product in the run's dtype with the run's
    threads, and how near scoring came to it; None where no model counted its operations.
    """
    meter = engine.meter
    scoring = meter.seconds.get("copying", 0.0) + meter.seconds.get("computing", 0.0)
    meters = [meter, *engine.lanes.values()]
    counts: dict[str, dict[str, float]] = {}
    for one in meters:
        for kind, count in one.counts.items():
            row = counts.setdefault(kind, {"nominal": 0, "unique": 0, "run": 0})
            row["nominal"] += count.nominal
            row["unique"] += count.unique
            row["run"] += count.run
    for row in counts.values():
        for name in ("unique", "nominal"):
            row[f"{name}_per_second"] = row[name] / scoring if scoring else 0.0
    flops = sum(one.flops for one in meters)
    out: dict[str, Any] = {
        "wall": meter.wall,
        "parts": _ordered(meter.seconds),
        "threads": _threads(engine),
        "batches": engine.batches,
        "counts": counts,
        "flops": flops,
        "peak": None,
        "ratio": None,
    }
    if peak and flops and scoring:
        found = matmul_peak(*_where(meters))
        out["peak"] = {"device": _where(meters)[0], "dtype": _where(meters)[1], **found}
        out["ratio"] = flops / scoring / found["flops_per_second"]
    return out


def matmul_peak(
    device: str, dtype: str, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Any]:
    """The measured rate of a square matrix product on `device`, best of several, in the dtype
    and with the threads that torch uses now.

    Parameters
    ----------
    dtype: as torch writes it, with or without ``torch.``.
    clock: which seconds count; process time leaves out what else the machine does.
    """
    import torch

    cuda = device.startswith("cuda")
    size = 8192 if cuda else 1024
    kind = getattr(torch, dtype.removeprefix("torch."))
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    best, begun = float("inf"), time.perf_counter()
    for _ in range(12):
        _wait(cuda)
        start = clock()
        a @ b
        _wait(cuda)
        best = min(best, clock() - start)
        if time.perf_counter() - begun > 2.0:
            break
    return {
        "flops_per_second": 2 * size**3 / best,
        "size": size,
        "threads": 0 if cuda else torch.get_num_threads(),
    }


def _wait(cuda: bool) -> None:
    if cuda:
        import torch

        torch.cuda.synchronize()


def _where(meters: list[Meter]) -> tuple[str, str]:
    found = next((one for one in meters if one.device), None)
    return (found.device, found.dtype) if found else ("cpu", "float32")


def _ordered(seconds: dict[str, float]) -> dict[str, float]:
    known = {name: seconds[name] for name in PARTS if name in seconds}
    return known | {name: value for name, value in seconds.items() if name not in known}


def _threads(engine: Engine) -> dict[str, dict[str, Any]]:
    """The lanes that did anything: how many threads, and their seconds together."""
    counts = {"preparing": max(1, engine.device.workers)}
    return {
        lane: {"threads": counts.get(lane, 1), "seconds": _ordered(meter.seconds)}
        for lane, meter in engine.lanes.items()
        if meter.seconds
    }
