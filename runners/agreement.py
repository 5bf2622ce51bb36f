"""Agreement: the bench's headline by its protocol, and the common statistics beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.cards import Form, Need, Option
from prefgauge.registry.discovery import Registry
from prefgauge.registry.errors import PluginError, PrefgaugeError
from prefgauge.registry.evidence import Evidence, Table
from prefgauge.registry.metric import Metric, MetricResult, Settings
from prefgauge.registry.protocol import MetricUse

__all__ = ["Agreement", "agree", "headline", "restrict"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """All statistics of one run.

    Attributes
    ----------
    name: the headline metric; `options`: its options; `headline`: its result.
    metrics: further statistics, ``"srcc"`` or ``"srcc/SIG"`` for a dimension beyond the first.
    ceilings: statistics of the labels alone (how far people agree with each other).
    """

    name: str
    options: Mapping[str, Option]
    headline: MetricResult
    metrics: Mapping[str, MetricResult] = field(default_factory=dict)
    ceilings: Mapping[str, MetricResult] = field(default_factory=dict)


def headline(
    registry: Registry, bench: Bench, form: Form, evidence: Evidence, settings: Settings
) -> tuple[str, Mapping[str, Option], MetricResult]:
    """The headline metric's name, options and result, by the bench's protocol."""
    protocol = bench.protocol
    use = protocol.use(form)
    settings = replace(settings, invalid=protocol.invalid, weighting=protocol.weighting)
    return use.metric, use.options, _use(registry, bench, use, evidence, settings)


def _use(
    registry: Registry, bench: Bench, use: MetricUse, evidence: Evidence, settings: Settings
) -> MetricResult:
    """A metric of the bench's protocol on the protocol's dimension."""
    metric = registry.metric(use.metric)
    dimension = bench.protocol.dimension or bench.card.dimensions[0].name
    chosen = restrict(evidence, dimension)
    table: Table | None = getattr(chosen, metric.card.needs)
    if table is None or len(table) == 0:
        reason = (
            f"the samples carry no {metric.card.needs} on the dimension {dimension!r}, "
            f"which the metric {use.metric!r} needs"
        )
        return MetricResult(value=None, coverage=0.0, reason=reason)
    return _compute(metric, chosen, use.options, settings)


def agree(
    registry: Registry, bench: Bench, form: Form, evidence: Evidence, settings: Settings
) -> Agreement:
    """The headline, every common metric that the evidence allows, per dimension, and what the
    protocol wants beside them."""
    name, options, main = headline(registry, bench, form, evidence, settings)
    metrics: dict[str, MetricResult] = {}
    ceilings: dict[str, MetricResult] = {}
    plain = replace(settings, invalid=bench.protocol.invalid)
    first = bench.protocol.dimension or bench.card.dimensions[0].name
    by_dimension: dict[str, Evidence] = {}
    for entry in registry.entries("metric"):
        try:
            metric = registry.metric(entry.name)
        except PluginError:
            continue  # listed by `prefgauge plugins`; a broken metric must not stop a run
        if not metric.card.common:
            continue
        table: Table | None = getattr(evidence, metric.card.needs)
        if table is None:
            continue
        for dimension in _dimensions(table):
            label = entry.name if dimension == first else f"{entry.name}/{dimension}"
            if dimension not in by_dimension:
                by_dimension = {dimension: restrict(evidence, dimension)}
            result = _compute(metric, by_dimension[dimension], {}, plain)
            (metrics if metric.card.per_scorer else ceilings)[label] = result
    for use in bench.protocol.beside:
        metrics[use.metric] = _use(registry, bench, use, evidence, plain)
    return Agreement(name, options, main, metrics, ceilings)


def _compute(
    metric: Metric, evidence: Evidence, options: Mapping[str, Option], settings: Settings
) -> MetricResult:
    try:
        return metric.compute(evidence, options, settings)
    except PrefgaugeError:
        raise
    except Exception as error:
        reason = f"the metric {metric.card.name!r} failed: {type(error).__name__}: {error}"
        return MetricResult(value=None, reason=reason)


def _dimensions(table: Table) -> list[str]:
    import numpy as np

    return [table.dimensions[code] for code in np.flatnonzero(np.bincount(table.dimension))]


def restrict(evidence: Evidence, dimension: str) -> Evidence:
    """Only the rows that speak of `dimension`."""
    needs: tuple[Need, ...] = ("pairs", "ratings", "groups", "raters", "rater_pairs")
    chosen: dict[str, Any] = {}
    for need in needs:
        table: Table | None = getattr(evidence, need)
        if table is not None and dimension in table.dimensions:
            rows = table.dimension == table.dimensions.index(dimension)
            # most benches have one dimension: their tables are not copied
            kept = table if rows.all() else table.where(rows)
            chosen[need] = kept if len(kept) else None
    return Evidence(**chosen)
