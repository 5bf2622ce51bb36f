"""``prefgauge compare``: is one scorer better than another?"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefgauge.registry import PrefgaugeError, UsageError

if TYPE_CHECKING:
    from prefgauge.runners.compare import Answers, Comparison

__all__ = ["compare"]


def compare(
    what: Annotated[
        list[str],
        typer.Argument(help="Scorers (as results name them), bundle folders or folders of them."),
    ],
    bench: Annotated[
        list[str] | None, typer.Option("--bench", "-b", help="Only these benches. Repeatable.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--in", help="Where to look for results of named scorers.")
    ] = None,
    changed: Annotated[
        int, typer.Option(min=0, help="Show so many samples whose winner changes, per pair.")
    ] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Paired tests between scorers on the same samples, with Holm's correction."""
    from prefgauge.runners.bundles import bundles_root
    from prefgauge.runners.cli.log import find_bundles
    from prefgauge.runners.compare import answers_of
    from prefgauge.runners.compare import compare as test
    from prefgauge.runners.report.model import assemble

    folders = [Path(word) for word in what if Path(word).is_dir()]
    names = [word for word in what if not Path(word).is_dir()]
    found = find_bundles(folders) if folders else []
    if names:
        every = find_bundles([root or bundles_root()])
        known = sorted({bundle.scorer for bundle in every})
        for name in names:
            if name not in known:
                raise UsageError(
                    f"There is no result of {name!r} in {root or bundles_root()}. "
                    f"Results of: {', '.join(known)}."
                )
        found += [bundle for bundle in every if bundle.scorer in names]
    if bench and (absent := sorted(set(bench) - {bundle.bench for bundle in found})):
        have = ", ".join(sorted({bundle.bench for bundle in found}))
        raise UsageError(f"There is no result on {', '.join(absent)}. Results on: {have}.")
    found = [bundle for bundle in found if not bench or bundle.bench in bench]
    # one result per scorer and bench, by the report's rule
    cells = assemble(found).cells.values() if found else []
    answers, problems = [], []
    for cell in cells:
        try:
            answers.append(answers_of(cell.bundle))
        except PrefgaugeError as error:
            problems.append(str(error))
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)
    results = test(answers)
    if json_:
        typer.echo(json.dumps(_json(results, answers, changed), ensure_ascii=False))
        return
    _print(results)
    if changed:
        _print_changes(results, answers, changed)


def _print(results: list[Comparison]) -> None:
    """One table per bench, so that names and verdicts keep their room."""
    from itertools import groupby

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    for (bench, metric), items in groupby(results, key=lambda item: (item.bench, item.metric)):
        title = f"Paired comparison: {bench} \u00b7 {metric}"
        table = Table(title=Text(title), title_justify="left")
        for heading in ("A", "B"):
            table.add_column(heading, overflow="fold")
        for heading in (
            "A", "B", "A - B", "95 % interval", "p (Holm)", "more prompts", "changed",
        ):  # fmt: skip
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold", min_width=16)
        for item in items:
            table.add_row(
                Text(item.a), Text(item.b), f"{item.value_a:.4f}", f"{item.value_b:.4f}",
                f"{item.difference:+.4f}",
                "" if math.isnan(item.low) else f"[{item.low:+.3f}, {item.high:+.3f}]",
                _p(item.p_holm), _count(item.more_prompts), _count(item.changed),
                Text(_verdict(item)),
            )  # fmt: skip
        console.print(table)
    typer.echo(
        "p is corrected by Holm for all comparisons shown; more prompts: how many more would tell the "
        "two apart with 80 % power; changed: pairs with another winner (--changed N lists them)."
    )


def _print_changes(results: list[Comparison], answers: list[Answers], limit: int) -> None:
    for item, lines in _changes(results, answers, limit):
        typer.echo(f"\n{item.bench}: where {item.a} (A) and {item.b} (B) choose another winner")
        for line in lines:
            typer.echo(
                f"  {line['sample']} {line['pair']}: A {line['margin_a']:+.4g}, "
                f"B {line['margin_b']:+.4g}; right: {line['right'].upper()}"
            )


def _changes(
    results: list[Comparison], answers: list[Answers], limit: int
) -> list[tuple[Comparison, list[dict[str, Any]]]]:
    from itertools import islice

    from prefgauge.runners.compare import changes

    by_name = {(one.bundle.bench, one.bundle.scorer): one for one in answers}
    out = []
    for item in results:
        left, right = by_name[item.bench, item.a], by_name[item.bench, item.b]
        out.append((item, [asdict(change) for change in islice(changes(left, right), limit)]))
    return out


def _json(results: list[Comparison], answers: list[Answers], changed: int) -> dict[str, Any]:
    rows = []
    lists = [lines for _, lines in _changes(results, answers, changed)]
    for item, lines in zip(results, lists):
        row = {**asdict(item), "significant": item.significant}
        row = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        rows.append({**row, "changes": lines} if changed else row)
    return {"comparisons": rows}


def _verdict(item: Comparison) -> str:
    if item.reason:
        return item.reason
    if not item.significant:
        return "no significant difference"
    return f"{'A' if item.difference > 0 else 'B'} agrees more"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _p(value: float) -> str:
    if math.isnan(value):
        return ""
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"
