"""``prefgauge log`` and ``prefgauge sync``: send bundles to trackers, now or again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prefgauge.registry import Bundle, UsageError

__all__ = ["log", "sync"]


def log(
    bundles: Annotated[
        list[Path], typer.Argument(help="Bundle folders, or folders that hold bundles.")
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            "--tracker",
            help="Tracker address, such as mlflow, mlflow:http://host:5000 or json:results.",
        ),
    ] = None,
) -> None:
    """Log finished results to a tracker. Logging the same result again changes nothing."""
    from prefgauge.runners.tracking import send

    found = find_bundles(bundles)
    for tracker in to or ["mlflow"]:
        for bundle, place in zip(found, send(tracker, found)):
            typer.echo(f"{bundle.scorer} | {bundle.bench} -> {place}")


def sync() -> None:
    """Log the results that a dead or locked store did not take at the time."""
    from prefgauge.runners.cli.run import NOT_LOGGED
    from prefgauge.runners.tracking import sync as replay

    report = replay()
    for place in report.logged:
        typer.echo(f"logged -> {place}")
    for path in report.missing:
        typer.echo(f"gone: {path} no longer holds a result", err=True)
    if not (report.logged or report.failed or report.missing):
        typer.echo("Nothing waits to be logged.")
    if report.failed:
        typer.echo("prefgauge: Still not logged: " + " ".join(report.failed), err=True)
        raise typer.Exit(NOT_LOGGED)


def find_bundles(paths: list[Path]) -> list[Bundle]:
    """All bundles at or below `paths`, each once.

    Raises
    ------
    UsageError: for a path that does not exist or holds none.
    """
    found: dict[Path, Bundle] = {}
    for path in paths:
        here = list(Bundle.find(path)) if path.is_dir() else []
        if not here:
            raise UsageError(
                f"{path} holds no result bundle. A bundle is a folder with result.json; "
                "`prefgauge run` prints where it writes them."
            )
        found.update((bundle.path, bundle) for bundle in here)
    return list(found.values())
