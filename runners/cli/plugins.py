"""``prefgauge plugins``: what was discovered, and what is broken."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from prefgauge.registry.discovery import Kind, default

__all__ = ["plugins"]

_KINDS: tuple[Kind, ...] = ("bench", "scorer", "metric", "tracker", "part")


def plugins(
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 2 if any plugin is broken.")] = False,
) -> None:
    """List plugins with package, version, what they offer, and why a broken one failed."""
    registry = default()
    rows = []
    for plugin in registry.plugins():
        offers = {
            kind: [
                entry.name for entry in registry.entries(kind) if entry.plugin.name == plugin.name
            ]
            for kind in _KINDS
        }
        rows.append(
            {
                "name": plugin.name, "package": plugin.package, "version": plugin.version,
                "ok": not plugin.problem, "problem": plugin.problem,
                **{f"{kind}s" if kind != "bench" else "benches": names
                   for kind, names in offers.items() if not plugin.problem},
            }
        )  # fmt: skip
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for row in rows:
            mark = "ok" if row["ok"] else "BROKEN"
            counts = ", ".join(
                f"{len(names)} {_one(kind) if len(names) == 1 else kind}"
                for kind, names in row.items()
                if isinstance(names, list) and names
            )
            line = f"{mark:7}{row['name']}  ({row['package']} {row['version']})  {counts}{row['problem']}"
            typer.echo(line)
    raise typer.Exit(2 if strict and not all(row["ok"] for row in rows) else 0)


def _one(kinds: str) -> str:
    return "bench" if kinds == "benches" else kinds.removesuffix("s")
