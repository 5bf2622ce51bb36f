"""The tables about judges below a run's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefgauge.runners.judged import spent, swayed, unreadable

__all__ = ["print_judged"]


def print_judged(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """How often each scorer was swayed, where a bench asks for it; then unreadable verdicts with
    the rule that was applied, and tokens and cost."""
    table = Table(title="Swayed by injections", title_justify="left")
    for heading in ("bench", "scorer"):
        table.add_column(heading, overflow="fold")
    for heading in ("swayed", "95 % interval", "pairs", "right before", "of these"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("by kind", overflow="fold")
    for row in rows:
        found = swayed(row)
        if found is None:
            continue
        kinds = sorted(found.kinds.items(), key=lambda item: -(item[1].value or 0.0))
        said = ", ".join(f"{name} {part.swayed}/{part.pairs}" for name, part in kinds)
        low, high = found.low, found.high
        span = "" if low is None or high is None else f"[{low:.1%}, {high:.1%}]"
        table.add_row(
            Text(str(row["bench"])), Text(str(row["scorer"])),
            _share(found.value), Text(span), f"{found.swayed}/{found.pairs}",
            f"{found.right_before}/{found.pairs}", _share(found.of_right), Text(said),
        )  # fmt: skip
    if table.row_count:
        console.print(table)
    for row in rows:
        said = "; ".join(part for part in (unreadable(row), spent(row)) if part)
        if said:
            text = f"{row['bench']} · {row['scorer']}: {said}"
            console.print(text, markup=False, highlight=False)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
