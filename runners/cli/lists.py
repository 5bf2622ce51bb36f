"""``prefgauge list``: what there is to run."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, get_args

import typer

from prefgauge.registry.cards import Modality
from prefgauge.registry.discovery import Registry, default
from prefgauge.registry.errors import PluginError, UsageError

__all__ = ["What", "list_"]


class What(StrEnum):
    """What to list."""

    benches = "benches"
    scorers = "scorers"
    metrics = "metrics"
    trackers = "trackers"
    parts = "parts"
    suites = "suites"


def list_(
    what: Annotated[What, typer.Argument(help="What to list.")] = What.benches,
    modality: Annotated[
        str | None, typer.Option(help=f"Only benches of one of: {', '.join(get_args(Modality))}.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """List benches, scorers, metrics, trackers, parts or suites."""
    registry = default()
    if modality is not None and modality not in get_args(Modality):
        raise UsageError(f"No modality {modality!r}; there are {', '.join(get_args(Modality))}.")
    if what is What.benches:
        rows = [row for row in _benches(registry) if modality in {None, row["modality"]}]
        columns: tuple[str, ...] = ("id", "modality", "labels", "size", "licence", "title")
    elif what is What.suites:
        from prefgauge.runners.suites import SUITES

        rows = [{"name": name, "selects": text} for name, text in SUITES.items()]
        columns = ("name", "selects")
    else:
        kind: Any = what.value.removesuffix("s")
        rows = [
            {"name": entry.name, "package": entry.plugin.package, "target": str(entry.target)}
            for entry in registry.entries(kind)
        ]
        columns = ("name", "package", "target")
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    widths = [max([len(c), *(len(str(r[c])) for r in rows)]) for c in columns]
    for row in [{c: c for c in columns}, *rows]:
        cells = [str(row[c]).ljust(w) for c, w in zip(columns, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())
    broken = [plugin for plugin in registry.plugins() if plugin.problem]
    for plugin in broken:
        typer.echo(f"prefgauge: plugin {plugin} is broken: {plugin.problem}", err=True)


def _benches(registry: Registry) -> list[dict[str, Any]]:
    rows = []
    for entry in registry.entries("bench"):
        try:
            card = registry.bench(entry.name).card
        except PluginError as error:
            typer.echo(f"prefgauge: {error}", err=True)
            continue
        rows.append(
            {
                "id": card.id, "modality": card.modality, "task": card.task,
                "labels": f"{card.label_source} {'+'.join(card.label_kinds)}",
                "size": card.size if card.size is not None else "?", "licence": card.licence,
                "commercial": card.commercial, "title": card.title,
                "package": entry.plugin.package,
            }
        )  # fmt: skip
    return rows
