"""How many tokens one batch may have: what fits the device's memory, found by a short probe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

__all__ = ["available_memory", "fitting", "grown", "token_budget"]

LEAST, MOST = 1024, 1 << 17
CPU_TOKENS = 1 << 14  # a CPU gains nothing from larger batches
SHARE = 0.8  # of free memory that a batch may take
PROBE = (1024, 4096)  # tokens of the two runs whose memory is compared


def token_budget(model: Any, run: Callable[[int], object] | None = None, reserve: int = 0) -> int:
    """Tokens of one batch to begin with; the engine halves it if memory runs out all the same.

    Parameters
    ----------
    model: on its device, loaded.
    run: runs the model on so many tokens; None where that is not to be tried.
    reserve: bytes that a batch needs whatever its size.

    Returns
    -------
    On CUDA, what fits into 80 % of the free memory by the growth per token that two short runs
    show (or, without `run`, by an estimate of one layer's activations), 1,024 to 131,072. On a
    CPU 16,384, or less where the available memory is less than that needs by the estimate.
    """
    per_token = _estimate(model)
    if model.device.type != "cuda":
        free = available_memory()
        return CPU_TOKENS if free is None else fitting(free - reserve, per_token, CPU_TOKENS)
    if run is not None:
        per_token, fixed = grown(run, lambda call: _peak(model.device, call), per_token)
        reserve += fixed
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(model.device)
    return fitting(free - reserve, per_token)


def fitting(free: int, per_token: float, most: int = MOST) -> int:
    """Tokens that fit into the usable share of `free` bytes, within the bounds."""
    return max(LEAST, min(most, int(SHARE * max(0, free) / per_token)))


def grown(
    run: Callable[[int], object],
    peak: Callable[[Callable[[], object]], int],
    estimate: float,
) -> tuple[float, int]:
    """(bytes per token, bytes whatever the size), by the straight line through two runs.

    Parameters
    ----------
    peak: calls its argument and returns the bytes that it took at most.
    estimate: bytes per token to fall back on if the runs do not fit or show no growth.
    """
    try:
        small, large = (peak(lambda size=size: run(size)) for size in PROBE)  # type: ignore[misc]
    except (MemoryError, torch.cuda.OutOfMemoryError):
        return estimate, 0
    slope = (large - small) / (PROBE[1] - PROBE[0])
    if slope <= 0:
        return estimate, 0
    return slope, max(0, int(small - slope * PROBE[0]))


def available_memory() -> int | None:
    """Bytes of main memory that this process may still take, the container's limit included;
    None where the system does not tell."""
    found: list[int] = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)
    limit, used = (_lines(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit and used and limit[0].strip().isdigit():
        found.append(int(limit[0]) - int(used[0]))
    if not found and "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", {}):
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(found)) if found else None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def _estimate(model: Any) -> float:
    """Bytes of one layer's activations per token."""
    config = model.config.get_text_config()
    wide = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return float((12 * config.hidden_size + 4 * wide) * model.dtype.itemsize)


def _peak(device: torch.device, call: Callable[[], object]) -> int:
    """Bytes that a call takes on a CUDA device at most, beyond what is there before."""
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device)) - before
