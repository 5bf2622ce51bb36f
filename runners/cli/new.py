"""``prefgauge new``: a complete plugin package to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prefgauge.runners.scaffold import Choices, write_package

__all__ = ["new"]


def new(
    kind: Annotated[str, typer.Argument(help="bench, scorer or metric.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits, hyphens.")],
    modality: Annotated[
        str | None,
        typer.Option(help="Of a bench or scorer: text (default), image, video, audio, mesh."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(help="Of a scorer: pointwise (default), pairwise, listwise."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Of a bench: pairs (default), ratings, per-rater, rankings."),
    ] = None,
    needs: Annotated[
        str | None, typer.Option(help="Of a metric: pairs (default), ratings, groups.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path(),
) -> None:
    """Write a pip-installable plugin package with a test and a README."""
    from prefgauge import __version__

    choices = Choices(modality, form, labels, needs)
    files = write_package(kind, name, folder, __version__, choices)
    for path in files:
        typer.echo(path)
    package = files[0].parent
    where = package if package.is_absolute() else f"./{package}"
    typer.echo(f"\nNext: pip install {where} && prefgauge check {name}")
