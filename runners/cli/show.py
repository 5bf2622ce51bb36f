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
        value = _dimensions(value) if key == "dimensions" else value
        if value in (None, "", (), [], {}, frozenset()):
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


def _dimensions(dimensions: Any) -> list[str]:
    """One phrase per dimension of a card, whose bench form is already plain data."""
    phrases = []
    for one in dimensions:
        facts = one if isinstance(one, dict) else _fields(one)
        better = "higher" if facts["higher_is_better"] else "lower"
        scale = facts["scale"]
        within = f", {scale[0]:g} to {scale[1]:g}" if scale else ""
        phrases.append(f"{facts['name']} ({better} is better{within})")
    return phrases


def _facts(registry: Registry, name: str) -> dict[str, Any]:
    if name in registry.names("bench"):
        facts = bench_facts(registry.bench(name))
        if name in registry.names("scorer"):
            facts["see_also"] = f"the scorer of the same name: prefgauge show {name}:"
        if name in registry.names("metric"):
            card = registry.metric(name).card
            facts["metric_of_this_name"] = {"formula": card.formula, "source": card.source}
        return facts | {"package": str(registry.entry("bench", name).plugin)}
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
            if name.rstrip(":") != scheme:
                raise
            text["needs"] = f"a target or options: {error}"
        return text
    if name in registry.names("part"):
        return _part_facts(registry, name)
    known = [*registry.names("bench"), *registry.names("metric"), *registry.names("scorer")]
    hint = "`prefgauge list benches`, `list scorers` and `list metrics` show what there is."
    raise UnknownName("bench, scorer or metric", name, known, hint)


def _part_facts(registry: Registry, name: str) -> dict[str, Any]:
    """A part's documentation and options (judges), or the settings it consists of (recipes)."""
    entry = registry.entry("part", name)
    part = entry.load()
    facts = {"kind": "part", "name": name, "package": str(entry.plugin)}
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        plain = {k: v for k, v in _fields(part).items() if v not in (None, "", ()) and k != "name"}
        return facts | {"settings": {k: getattr(v, "__name__", v) for k, v in plain.items()}}
    return facts | {"about": inspect.getdoc(part) or "", "options": getattr(part, "options", {})}


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
