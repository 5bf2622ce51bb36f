"""``prefgauge ridge-probe``: how well an encoder's features predict mean opinions of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["ridge_probe"]

INCOMPLETE = 3


def ridge_probe(
    bench: Annotated[str, typer.Argument(help="Bench of rated pictures, such as kadid-10k.")],
    scorer: Annotated[
        list[str],
        typer.Option("--scorer", "-s", help="Scorer that represents pictures. Repeatable."),
    ],
    data: Annotated[
        Path | None, typer.Option(help="Local mirror of published data (default: PREFGAUGE_DATA).")
    ] = None,
    splits: Annotated[
        str, typer.Option(help="Number of seeded splits, or a folder of published ones.")
    ] = "10",
    crops: Annotated[int, typer.Option(help="5 crops of 224 pixels, or 1: the whole picture.")] = 5,
    alpha: Annotated[
        float | None, typer.Option(min=1e-12, help="Ridge penalty (default: chosen).")
    ] = None,
    min_max: Annotated[bool, typer.Option("--min-max", help="Bring labels to 0..1.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first pictures.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the splits.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    experiment: Annotated[str, typer.Option(help="Name of the group of results.")] = "prefgauge",
    out: Annotated[Path | None, typer.Option(help="Write the result's JSON here, too.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit ridge regressions on frozen features of pictures; report the median SRCC and PLCC.

    The result is a bundle of the bench BENCH.ridge-probe, which report, compare and log take.
    """
    from prefgauge.registry.discovery import default
    from prefgauge.registry.scorer import Device
    from prefgauge.registry.source import Source
    from prefgauge.runners.cli.fitted import save
    from prefgauge.runners.fitted import fitted_bundle
    from prefgauge.runners.ridge_bundle import fit_of
    from prefgauge.runners.ridge_probe import probe
    from prefgauge.runners.run import Options

    registry = default()
    loaded, source = registry.bench(bench), Source.default(data)
    options = Options(suite=experiment, seed=seed)
    results = []
    for address in scorer:
        asked = registry.scorer(address)
        ridged = probe(
            loaded, asked, source,
            splits=int(splits) if splits.isdigit() and int(splits) else Path(splits),
            crops=crops, alpha=alpha, min_max=min_max, device=Device(device, dtype), limit=limit,
            seed=seed,
        )  # fmt: skip
        bundle = fitted_bundle(registry, loaded, fit_of(loaded, asked, ridged), source, options)
        result = {**ridged.result, "bundle": str(bundle.path)}
        result["path"] = str(save(result, out)) if out is not None else result["bundle"]
        results.append(result)
        if not json_:
            _print(result)
    if json_:
        typer.echo(json.dumps({"results": results}, ensure_ascii=False))
    if any(result["coverage"] < result["min_coverage"] for result in results):
        typer.echo("prefgauge: INCOMPLETE: too many pictures have no features.", err=True)
        raise typer.Exit(INCOMPLETE)


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    title = f"Ridge probe: {result['scorer']} on {result['bench']}"
    table = Table(title=Text(title), title_justify="left")
    for heading in ("split", "n", "SRCC", "PLCC"):
        table.add_column(heading, justify="right")
    for number, row in enumerate(result["splits"]):
        table.add_row(str(number), str(row["n"]), _shown(row["srcc"]), _shown(row["plcc"]))
    table.add_row("median", "", _shown(result["srcc"]), _shown(result["plcc"]), style="bold")
    console.print(table)
    how = "chosen on the validation sides" if result["alpha_chosen"] else "given"
    typer.echo(
        f"{result['pictures']} pictures, {result['features']} features, alpha {result['alpha']:.4g} "
        f"({how}), coverage {result['coverage']:.3f}"
    )
    typer.echo(f"Result: {result['path']}")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
