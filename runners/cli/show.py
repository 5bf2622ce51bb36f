"""``prefgauge show``: everything known about one bench, scorer, metric or tracker."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Annotated, Any

import typer

from prefgauge.registry.bench import Bench
from prefgauge.registry.discovery import Registry, default
from prefgauge.registry.errors import PrefgaugeError, UnknownName

__all__ = ["show"]


def show(
    name: Annotated[str, typer.Argument(help="A bench id, metric name, or scorer address.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a bench's card, licence, protocol and published results; or a metric or scorer."""
    registry = default()
    facts = _facts(registry, name)
    if json_:
        typer.echo(json.dumps(facts, ensure_ascii=False, default=_plain, indent=1))
        return
    for key, value in facts.items():
        if value in (None, "", (), [], {}):
            continue
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            typer.echo(f"{key}:")
            for row in value:
                cells = [f"{k}={v}" for k, v in row.items() if v not in (None, "", {}, ())]
                typer.echo("  - " + ", ".join(cells))
        elif isinstance(value, dict):
            typer.echo(f"{key}:")
            for inner, text in value.items():
                typer.echo(f"  {inner}: {text}")
        elif isinstance(value, list | tuple | frozenset | set):
            typer.echo(f"{key}: {', '.join(map(str, sorted(value, key=str)))}")
        else:
            typer.echo(f"{key}: {value}")


def _facts(registry: Registry, name: str) -> dict[str, Any]:
    if name in registry.names("bench"):
        return bench_facts(registry.bench(name)) | {
            "package": str(registry.entry("bench", name).plugin)
        }
    if name in registry.names("metric"):
        metric = registry.metric(name)
        about = inspect.getdoc(type(metric)) or ""
        package = str(registry.entry("metric", name).plugin)
        return {"kind": "metric", **_fields(metric.card), "about": about, "package": package}
    scheme = name.partition(":")[0].partition("?")[0]
    if scheme in registry.names("scorer"):
        entry = registry.entry("scorer", scheme)
        text = {"kind": "scorer", "scheme": scheme, "package": str(entry.plugin)}
        text["about"] = (entry.load().__doc__ or "").strip()
        try:
            text |= _fields(registry.scorer(name).card)
        except PrefgaugeError as error:
            if name != scheme:
                raise
            text["needs"] = f"a target or options: {error}"
        return text
    known = [*registry.names("bench"), *registry.names("metric"), *registry.names("scorer")]
    raise UnknownName("bench", name, known)


def bench_facts(bench: Bench) -> dict[str, Any]:
    """A bench's card and protocol as plain data."""
    card = _fields(bench.card)
    card["files"] = [
        {k: v for k, v in _fields(file).items() if v not in (None, {}, False)}
        for file in bench.card.files
    ]
    card["references"] = [_fields(reference) for reference in bench.card.references]
    card["dimensions"] = [_fields(dimension) for dimension in bench.card.dimensions]
    protocol = _fields(bench.protocol)
    protocol["headline"] = _fields(bench.protocol.headline)
    protocol["by_form"] = {form: _fields(use) for form, use in bench.protocol.by_form.items()}
    protocol["beside"] = [_fields(use) for use in bench.protocol.beside]
    protocol["weighting"] = _fields(bench.protocol.weighting)
    return {"kind": "bench", **card, "protocol": protocol}


def _fields(thing: Any) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
