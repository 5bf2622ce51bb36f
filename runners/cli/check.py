"""``prefgauge check``: does a plugin keep the contract?"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from prefgauge.registry.content import content
from prefgauge.registry.discovery import Registry, default
from prefgauge.registry.errors import DataError, UnknownName, UsageError
from prefgauge.registry.labels import Preference, Rating
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.source import Source

__all__ = ["check"]


def check(
    name: Annotated[
        str, typer.Argument(help="A bench id, metric name, scorer address, or plugin name.")
    ],
    bench: Annotated[
        str | None,
        typer.Option(
            help="Bench whose samples a scorer or metric is tried on (default: a control bench)."
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Local mirror of published data.")] = None,
) -> None:
    """Check that a plugin keeps the contract: determinism, batch invariance, ids, labels, card."""
    registry, source = default(), Source.default(data)
    problems = 0
    for kind, target in _targets(registry, name):
        found = _check(registry, source, kind, target, bench)
        for line in found:
            typer.echo(f"{kind} {target}: {line}")
        if not found:
            on = (
                f" (on {bench or _usual(registry, kind, target) or 'made labels'})"
                if kind != "bench"
                else ""
            )
            typer.echo(f"{kind} {target}: ok{on}")
        problems += len(found)
    raise typer.Exit(2 if problems else 0)


def _targets(registry: Registry, name: str) -> list[tuple[str, str]]:
    """What `name` names: one bench, metric or scorer, or all of a plugin's."""
    if name in registry.names("bench"):
        return [("bench", name)]
    if name in registry.names("metric"):
        return [("metric", name)]
    if name.partition(":")[0].partition("?")[0] in registry.names("scorer"):
        return [("scorer", name)]
    plugin = next((p for p in registry.plugins() if name in {p.name, p.package}), None)
    if plugin is None:
        known = [*registry.names("bench"), *registry.names("metric"), *registry.names("scorer")]
        raise UnknownName("plugin", name, [*known, *(p.name for p in registry.plugins())])
    if plugin.problem:
        raise UsageError(f"The plugin {plugin} is broken: {plugin.problem}")
    return [
        (kind, entry.name)
        for kind in ("bench", "metric", "scorer")
        for entry in registry.entries(kind)
        if entry.plugin.name == plugin.name
    ]


def _check(
    registry: Registry, source: Source, kind: str, target: str, bench: str | None
) -> list[str]:
    from prefgauge.registry.scorer import Device
    from prefgauge.runners.conformance import LIMIT, check_bench, check_metric, check_scorer

    if kind == "bench":
        tried = registry.bench(target)
        bad = [row for row in islice(tried.read(source), LIMIT) if isinstance(row, BadRow)]
        for row in bad:
            typer.echo(f"bench {target}: note: bad row at {row.where}: {row.reason}", err=True)
        return check_bench(registry, tried, source, bad_rows=len(bad))
    bench = bench or _usual(registry, kind, target)
    if kind == "metric":
        samples = _samples(registry, source, bench) if bench else _made()
        return check_metric(registry.metric(target), samples)
    samples = _samples(registry, source, bench)
    return check_scorer(registry, registry.scorer(target), samples, Device())


def _usual(registry: Registry, kind: str, target: str) -> str | None:
    """The control bench to try a metric or scorer on; None where no control bench has the labels."""
    if kind == "metric":
        need = registry.metric(target).card.needs
        return {"pairs": "control-injection", "groups": "control-text"}.get(need)
    judged = registry.scorer(target).card.modalities
    every = ("text", "image", "video", "audio", "mesh")
    return next((f"control-{name}" for name in every if name in judged), None)


def _made() -> list[Sample]:
    """Samples with ratings, and with ratings and preferences of single raters."""
    samples = []
    for n in range(12):
        labels: list[Preference | Rating] = [Rating(0, 1.0 + n % 5), Rating(1, 1.0 + (n + 2) % 5)]
        for rater in range(3):
            first = Rating(0, 1.0 + (n + (rater == 2)) % 5, rater=f"r{rater}")
            second = Rating(1, 1.0 + (n + 2) % 5, rater=f"r{rater}")
            best, other = (0, 1) if first.value > second.value else (1, 0)
            labels += [first, second, Preference(best, other, "first", rater=f"r{rater}")]
        samples.append(
            Sample(
                id=str(n),
                prompt=content(f"Prompt {n}"),
                candidates=(content("one answer"), content("another answer")),
                labels=tuple(labels),
            )
        )
    return samples


def _samples(registry: Registry, source: Source, bench: str | None) -> list[Sample]:
    if bench is None:
        raise UsageError("Name a bench to take samples from: --bench ID.")
    rows = registry.bench(bench).read(source)
    samples = [row for row in islice(rows, 4) if isinstance(row, Sample)]
    if not samples:
        raise DataError(f"The bench {bench!r} yields no samples to check with.")
    return samples
