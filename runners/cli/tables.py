"""Tables for people: results, with intervals, coverage and floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefgauge.runners.cli.judged import print_judged
from prefgauge.runners.cli.profiled import print_profile

if TYPE_CHECKING:
    from prefgauge.runners.api import Results

__all__ = ["interval", "number", "print_results"]

_SOURCES = {"construction": "known order", "ai": "AI labels", "objective": "objective"}


def number(value: float | None) -> str:
    """Four decimals, or a dash."""
    return "–" if value is None else f"{value:.4f}"


def metric_label(row: dict[str, Any]) -> str:
    """The headline with its tie rule, and its dimension where that is not plain "overall"."""
    ties = (row.get("protocol") or {}).get("options", {}).get("ties")
    label = f"{row['metric']} ({ties})" if ties else str(row["metric"])
    dimension = row.get("dimension", "overall")
    if dimension != "overall":
        label += f" · {dimension}" + ("" if row.get("higher_is_better", True) else " ↓")
    return label


def human(row: dict[str, Any]) -> float | None:
    """How far people agree with each other, in the headline's own terms where that is known."""
    ceilings = row.get("ceilings") or {}
    for name in ("pair-human-ceiling", "human-ceiling"):
        if (found := ceilings.get(name)) and found.get("value") is not None:
            return float(found["value"])
    return None


def interval(row: dict[str, Any]) -> str:
    """``[low, high]``, or nothing where there is none."""
    low, high = row.get("ci_low"), row.get("ci_high")
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def print_results(results: Results, profile: bool = False) -> None:
    """Print one table of all runs, then what went wrong and where the results are."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    table = Table(title="Agreement", title_justify="left", caption_justify="left")
    for heading in ("bench", "scorer", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "95 % interval", "n", "ties", "coverage", "random", "length", "human"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("status", overflow="fold")
    for row in results.rows():
        floors = row.get("floors", {})
        table.add_row(
            Text(row["bench"]), Text(row["scorer"]), Text(metric_label(row)), number(row["value"]),
            interval(row), f"{row['n']:,}", f"{row['ties']:,}", f"{row['coverage']:.1%}",
            *(number((floors.get(name) or {}).get("value")) for name in ("random", "length")),
            number(human(row)), _status(row),
        )  # fmt: skip
    console.print(table)
    sources = {row.get("label_source") for row in results.rows()}
    for source, words in _SOURCES.items():
        if source in sources:
            names = [r["bench"] for r in results.rows() if r.get("label_source") == source]
            listed = ", ".join(dict.fromkeys(names))
            console.print(f"Not human labels ({words}): {listed}", style="dim", markup=False)
    print_judged(console, results.rows())
    _print_troubles(console, results)
    if profile:
        print_profile(console, [bundle.result for bundle in results.bundles])
    if results.logged:
        stores = dict.fromkeys(place.partition("#")[0].rstrip("/") for place in results.logged)
        runs = "1 run" if len(results.logged) == 1 else f"{len(results.logged)} runs"
        text = f"logged {runs} to {', '.join(stores)}; `prefgauge dashboard` opens it"
        console.print(text, markup=False, highlight=False)
    if results.bundles:
        folder = results.bundles[0].path.parent
        console.print(f"bundles: {folder}", markup=False, highlight=False)


def _status(row: dict[str, Any]) -> Text:
    status = str(row["status"])
    style = {"complete": "green", "incomplete": "bold yellow"}.get(status, "bold red")
    return Text("ok" if status == "complete" else status.upper(), style=style)


def _print_troubles(console: Console, results: Results) -> None:
    for row in results.rows():
        name = f"{row['bench']} · {row['scorer']}"
        if row.get("reason"):
            console.print(f"{name}: {row['reason']}", markup=False, highlight=False)
        for note in row.get("notes", []):
            if not note.startswith(("labels ", "the data's licence")):
                console.print(f"{name}: {note}", markup=False, highlight=False)
        for failure in row.get("failures", [])[:3]:
            text = f"{name}: {failure['count']:,} × {failure['reason']} (first: {failure['where']})"
            console.print(text, markup=False, highlight=False)
        rest = len(row.get("failures", [])) - 3
        if rest > 0:
            console.print(
                f"{name}: and {rest} more kind{'' if rest == 1 else 's'}; see result.json",
                markup=False,
            )
