"""``--profile``: where the time of each run went, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_profile"]


def print_profile(console: Console, results: Sequence[dict[str, Any]]) -> None:
    """Print a table for each run, and below it what went through the models."""
    for result in results:
        profile, name = result["profile"], f"{result['bench']} · {result['scorer']}"
        wall = profile["wall"]
        table = Table(title=Text(f"Profile of {name}"), title_justify="left")
        table.add_column("thread")
        table.add_column("part")
        table.add_column("seconds", justify="right")
        table.add_column("share of wall", justify="right")
        for part, seconds in profile["parts"].items():
            table.add_row("run", part, *_figures(seconds, wall))
        table.add_row("run", "together", *_figures(wall, wall), style="bold", end_section=True)
        for lane, thread in profile["threads"].items():
            label = f"{lane} (x{thread['threads']}, beside)"
            for part, seconds in thread["seconds"].items():
                table.add_row(label, part, *_figures(seconds, wall * thread["threads"]))
        console.print(table)
        for line in lines(result):
            console.print(line, markup=False, highlight=False)


def lines(result: dict[str, Any]) -> list[str]:
    """What went through the models, one line per kind, and the ratio to the device's peak."""
    profile = result["profile"]
    out = [
        f"{kind}: {row['unique']:,} unique of {row['nominal']:,} nominal"
        + (f", {row['run']:,} with padding" if row["run"] != row["unique"] else "")
        + f"; {row['unique_per_second']:,.0f} unique/s, {row['nominal_per_second']:,.0f} nominal/s"
        for kind, row in profile["counts"].items()
    ]
    requests = f"requests: {result['scored']:,} scored"
    if profile["batches"] or not result["scored"]:  # other processes do not tell their batches
        requests += f" in {profile['batches']:,} batch{'' if profile['batches'] == 1 else 'es'}"
    out.append(f"{requests}, {result['ledger_hits']:,} known")
    if profile["ratio"] is not None:
        peak = profile["peak"]
        threads = (
            f", {peak['threads']} thread{'' if peak['threads'] == 1 else 's'}"
            if peak["threads"]
            else ""
        )
        out.append(
            f"{profile['ratio']:.1%} of the matmul rate measured on {peak['device']} "
            f"({peak['dtype'].removeprefix('torch.')}{threads}: "
            f"{peak['flops_per_second'] / 1e12:.3g} TFLOP/s)"
        )
    elif result["scored"]:
        out.append("no ratio to the device's peak: the scorer does not count its operations")
    return out


def _figures(seconds: float, whole: float) -> tuple[str, str]:
    return f"{seconds:.3f}", f"{seconds / whole:.1%}" if whole else "–"
