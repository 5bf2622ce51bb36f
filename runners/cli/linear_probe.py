"""``prefgauge linear-probe``: what a scorer's representation knows about a bench's classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["linear_probe"]

INCOMPLETE = 3


def linear_probe(
    bench: Annotated[
        str, typer.Argument(help="Bench with a training split, such as mrmbench-easy.")
    ],
    scorer: Annotated[
        list[str],
        typer.Option(
            "--scorer", "-s", help="Scorer that represents, such as hf:FOLDER. Repeatable."
        ),
    ],
    data: Annotated[
        Path | None, typer.Option(help="Local mirror of published data (default: PREFGAUGE_DATA).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first samples of each subset.")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(min=0, help="L2 penalty of the head (default: chosen).")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and the held-out fifth.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    experiment: Annotated[str, typer.Option(help="Name of the group of results.")] = "prefgauge",
    out: Annotated[
        Path | None, typer.Option(help="Write the result's JSON into this folder, too.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a linear classifier on frozen representations and report its accuracy.

    The result is a bundle of the bench BENCH.linear-probe, which report, compare and log take.
    """
    from prefgauge.registry.discovery import default
    from prefgauge.registry.scorer import Device
    from prefgauge.registry.source import Source
    from prefgauge.runners.cli.fitted import save
    from prefgauge.runners.fitted import fitted_bundle
    from prefgauge.runners.linear_bundle import fit_of
    from prefgauge.runners.linear_probe import probe
    from prefgauge.runners.run import Options

    registry = default()
    loaded = registry.bench(bench)
    source = Source.default(data)
    options = Options(suite=experiment, seed=seed, resamples=resamples, floors=False)
    results = []
    for address in scorer:
        probed_scorer = registry.scorer(address)
        probed = probe(
            loaded, probed_scorer, source, device=Device(device, dtype),
            limit=limit, strength=strength, resamples=resamples, seed=seed,
        )  # fmt: skip
        result = {**probed.result, "min_coverage": loaded.card.min_coverage}
        fit = fit_of(loaded, probed_scorer, probed)
        result["bundle"] = str(fitted_bundle(registry, loaded, fit, source, options).path)
        result["path"] = str(save(result, out)) if out is not None else result["bundle"]
        results.append(result)
        if not json_:
            _print(result)
    if json_:
        typer.echo(json.dumps({"results": results}, ensure_ascii=False))
    if any(result["coverage"] < result["min_coverage"] for result in results):
        typer.echo("prefgauge: INCOMPLETE: too many rows have no representation.", err=True)
        raise typer.Exit(INCOMPLETE)


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    title = f"Linear probe: {result['scorer']} on {result['bench']}"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("subset")
    for heading in ("n", "train", "accuracy", "Wilson 95 %", "bootstrap 95 %", "commonest class"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, part in result["subsets"].items():
        table.add_row(
            Text(name), f"{part['n']:,}", f"{part['n_train']:,}", f"{part['accuracy']:.4f}",
            _range(part["wilson"]), _range(part["bootstrap"]), f"{part['commonest_class']:.4f}",
        )  # fmt: skip
    table.add_row(
        "mean", "", "", f"{result['value']:.4f}", "", _range(result["interval"]), "", style="bold"
    )
    console.print(table)
    for reference in result["references"]:
        typer.echo(f"published: {reference['scorer']} {reference['value']:.3f}")
    typer.echo(f"Protocol: {result['protocol']}.\nCoverage {result['coverage']:.3f}")
    typer.echo(f"Result: {result['path']}")


def _range(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"
