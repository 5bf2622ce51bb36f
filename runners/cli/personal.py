"""``prefgauge personal``: does it help to know who is asked?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["personal"]

INCOMPLETE = 3


def personal(
    bench: Annotated[str, typer.Argument(help="Bench with labels of single raters, as pandalm.")],
    scorer: Annotated[
        list[str],
        typer.Option("--scorer", "-s", help="Scorer whose values are the features. Repeatable."),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="dpa, mixture, vpl, pal (default: all). Repeatable."),
    ] = None,
    features: Annotated[
        str, typer.Option(help="scores, or representations (of hf: and embed: scorers).")
    ] = "scores",
    known: Annotated[
        int | None, typer.Option(min=1, help="Fit on at most so many labels per rater.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts the prompts are dealt into.")] = 5,
    components: Annotated[
        int, typer.Option(min=1, help="Principal components that more features are reduced to.")
    ] = 16,
    data: Annotated[
        Path | None, typer.Option(help="Local mirror of published data (default: PREFGAUGE_DATA).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read only the first rows of the bench.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of folds, fits and the bootstrap.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    experiment: Annotated[str, typer.Option(help="Name of the group of results.")] = "prefgauge",
    out: Annotated[
        Path | None, typer.Option(help="Write the result's JSON into this folder, too.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit models of single raters on a scorer's answers and judge them on held-out prompts.

    Each model is a bundle of the bench BENCH.personal, which report, compare and log take.
    """
    from prefgauge.registry.discovery import default
    from prefgauge.registry.errors import UsageError
    from prefgauge.registry.scorer import Device
    from prefgauge.registry.source import Source
    from prefgauge.runners.cli.fitted import save
    from prefgauge.runners.fitted import fitted_bundle
    from prefgauge.runners.personal import Plan, judge, methods_of
    from prefgauge.runners.personal_bundle import fits_of
    from prefgauge.runners.run import Options

    if features not in {"scores", "representations"}:
        raise UsageError(f"--features must be scores or representations, not {features!r}.")
    registry = default()
    loaded = registry.bench(bench)
    plan = Plan(folds=folds, known=known, components=components, resamples=resamples, seed=seed)
    source = Source.default(data)
    options = Options(
        suite=experiment, limit=limit, seed=seed, resamples=resamples, device=Device(device, dtype)
    )
    judged = judge(
        registry, loaded, [registry.scorer(address) for address in scorer], source, options,
        methods_of(registry, method), features == "representations", plan,
    )  # fmt: skip
    result = dict(judged.result)
    whole = replace(options, limit=None)  # the limit counts rows of the bench, not votes
    bundles = [
        fitted_bundle(registry, loaded, fit, source, whole) for fit in fits_of(loaded, judged)
    ]
    result["bundles"] = [str(bundle.path) for bundle in bundles]
    result["path"] = str(save(result, out)) if out is not None else str(bundles[0].path.parent)
    if json_:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        _print(result)
    if result["coverage"] < loaded.card.min_coverage:
        typer.echo("prefgauge: INCOMPLETE: too many votes lack features.", err=True)
        raise typer.Exit(INCOMPLETE)


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    title = f"Agreement with single raters: {result['scorer']} on {result['bench']}"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("model")
    headings = ("agreement", "95 % interval", "over pooled", "nameless", "gain by names", "95 %")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, part in result["methods"].items():
        gain = part["gain"]
        table.add_row(
            name, f"{part['agreement']:.4f}", _range(part["interval"]),
            f"{part['over_pooled']:+.4f}", "" if gain is None else f"{part['nameless']:.4f}",
            "" if gain is None else f"{gain:+.4f}", _range(part["gain_interval"]),
            Text(part["title"]),
        )  # fmt: skip
    console.print(table)
    typer.echo(
        f"{result['n']:,} votes (ties left out) of {result['raters']:,} raters on "
        f"{result['prompts']:,} prompts; each judged by a fit that never saw its prompt. "
        "Nameless: the same model with all labels as one person's."
    )
    if result["other_raters"] is not None:
        typer.echo(f"A rater agrees with the majority of the others: {result['other_raters']:.4f}")
    typer.echo(f"Coverage {result['coverage']:.3f}\nResult: {result['path']}")


def _range(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"[{bounds[0]:+.3f}, {bounds[1]:+.3f}]"
