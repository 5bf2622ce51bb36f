"""From a statistic to a result: value, interval, subsets, weighting, coverage.

Every metric that rests on rows (pairs, ratings) or groups is a :class:`SummarisedMetric`, so
that intervals, subsets and coverage mean the same everywhere.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Mask, generator
from prefgauge.plugins.metrics.stats.intervals import fisher, one_sided, percentile
from prefgauge.plugins.metrics.stats.moments import (
    Combine,
    Lazy,
    cluster_sums,
    compact,
    influence_of_sums,
    ratio,
    replicate,
)
from prefgauge.plugins.metrics.weighting import shares
from prefgauge.registry.cards import Option
from prefgauge.registry.evidence import Evidence, Table
from prefgauge.registry.metric import Metric, MetricResult, Settings

__all__ = ["Codes", "Prepared", "Rows", "Statistic", "SumStatistic", "SummarisedMetric", "Units"]

#: Which units: all of them, or an index array.
Rows = slice | NDArray[np.intp]
Codes = NDArray[np.integer[Any]]
#: A correlation over fewer independent units gets Fisher's interval; see :func:`fisher`.
FEW = 100


class Statistic(Protocol):
    """A statistic of a selection of units, and its bootstrap distribution."""

    def value(self, rows: Rows) -> float:
        """The statistic; NaN where it is undefined."""

    def why(self, rows: Rows) -> str:
        """Why the statistic is undefined for these rows."""

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        """The statistic in `resamples` clustered bootstrap resamples."""

    def influence(self, rows: Rows) -> Floats:
        """Per unit: by how much the statistic moves, to first order, per share of weight put on
        the unit. The mean over the units is zero."""


@dataclass(frozen=True)
class SumStatistic:
    """A statistic that is a function of column sums; see :mod:`.stats.moments`."""

    columns: Sequence[NDArray[Any]]
    combine: Combine
    cluster: Codes
    undefined: Callable[[Rows], str] = lambda rows: "undefined: the denominator is zero"
    #: also refuse rows for which `undefined` gives a reason, whatever the sums say
    strict: bool = False

    def value(self, rows: Rows) -> float:
        """The statistic of these rows."""
        if self.strict and self.undefined(rows):
            return float("nan")
        sums = np.array([column[rows].sum(dtype=np.float64) for column in self.columns])
        return float(self.combine(sums))

    def why(self, rows: Rows) -> str:
        """Why it is undefined."""
        return self.undefined(rows)

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        """Its bootstrap distribution."""
        columns = self.columns
        chosen = Lazy(len(columns), lambda j: columns[j][rows])
        sums = cluster_sums(chosen, self.cluster[rows])
        return replicate(sums, self.combine, resamples, rng)

    def influence(self, rows: Rows) -> Floats:
        """By the gradient in the sums, from central differences."""
        columns = [column[rows] for column in self.columns]
        return influence_of_sums(columns, self.combine)


@dataclass(frozen=True)
class Units:
    """The units (rows, groups, systems) that a value rests on.

    Parameters
    ----------
    cluster, subset: codes of each used unit.
    tie: units where the scorer's answer is a tie.
    names: subset names.
    answered: (answered, asked) units per subset code, shape (subsets, 2); failed ones count in
        the second number only.
    key: gives what each unit is, shape (units, k): equal for the same unit in another scorer's
        evidence on the same bench.
    """

    cluster: Codes
    subset: Codes
    tie: Mask
    names: tuple[str, ...]
    answered: NDArray[np.int64]
    key: Callable[[], Codes]

    @classmethod
    def of(cls, table: Table, relevant: Mask, failed: Mask, used: Mask, tie: Mask) -> Units:
        """Units that are rows of a table, from masks over all of its rows."""
        size = len(table.subsets)
        asked = np.bincount(table.subset[relevant], minlength=size)
        lost = np.bincount(table.subset[relevant & failed], minlength=size)
        answered = np.stack([asked - lost, asked], axis=1)
        used = used & relevant

        def key() -> Codes:
            names = [n for n in ("candidate", "first", "second", "rater") if hasattr(table, n)]
            columns = [table.sample, table.dimension, *(getattr(table, n) for n in names)]
            return np.stack([column[used] for column in columns], axis=1)

        return cls(table.cluster[used], table.subset[used], tie[used], table.subsets, answered, key)

    def coverage(self, subset: int | None = None) -> float:
        """Share of asked units that have an answer; 1.0 if none was asked."""
        done, asked = self.answered.sum(axis=0) if subset is None else self.answered[subset]
        return float(done) / float(asked) if asked else 1.0


Facts = Callable[[Rows], Mapping[str, Any]]


@dataclass
class _Part:
    result: MetricResult
    replicates: Floats | None = None


@dataclass(frozen=True)
class Prepared:
    """A statistic ready to be summarised.

    Parameters
    ----------
    statistic, units, settings: what to compute, on what, and how.
    facts: adds small numbers to `extra`, for all units and for each subset.
    extra: facts about the whole.
    empty: the reason given where no unit is left.
    """

    statistic: Statistic
    units: Units
    settings: Settings
    facts: Facts | None = None
    extra: Mapping[str, Any] | None = None
    empty: str = "no usable rows"

    def result(self, bounds: tuple[float, float] | None = None) -> MetricResult:
        """The statistic with interval, per subset, and under the weighting asked for.

        Subsets are resampled independently of each other.

        Parameters
        ----------
        bounds: the range of the statistic, for the interval of a mean that sits at an end of it.
        """
        job = _Job(self.statistic, self.units, self.settings, self.facts, self.empty, bounds)
        units = self.units
        pooled = job.part(slice(None), None)
        parts: dict[str, _Part] = {}
        present = [code for code in range(len(units.names)) if units.answered[code, 1]]
        if len(present) > 1 or [units.names[code] for code in present] not in ([], ["all"]):
            order = np.argsort(units.subset, kind="stable")
            ends = np.searchsorted(units.subset[order], np.arange(len(units.names) + 1))
            for code in present:
                rows = np.sort(order[ends[code] : ends[code + 1]])
                parts[units.names[code]] = job.part(rows, code)
        return _assemble(pooled, parts, self.settings, dict(self.extra or {}))


class SummarisedMetric(Metric):
    """A metric that rests on units and a statistic of them; it implements :meth:`prepare`."""

    @abstractmethod
    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The statistic of the table that ``card.needs`` names, before it is computed."""

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """The value with its interval; see :class:`~prefgauge.registry.metric.Metric`."""
        return self.prepare(evidence, options, settings).result(self.card.range)


@dataclass
class _Job:
    statistic: Statistic
    units: Units
    settings: Settings
    facts: Facts | None
    empty: str
    bounds: tuple[float, float] | None

    def part(self, rows: Rows, subset: int | None) -> _Part:
        """Result and replicates of one selection of units."""
        units, settings = self.units, self.settings
        cluster = units.cluster[rows]
        common: dict[str, Any] = {
            "n": len(cluster),
            "clusters": compact(cluster)[1],
            "ties": int(units.tie[rows].sum()),
            "coverage": units.coverage(subset),
        }
        if not len(cluster):
            return _Part(MetricResult(value=None, reason=self.empty, **common))
        extra = dict(self.facts(rows)) if self.facts else {}
        value = self.statistic.value(rows)
        if not np.isfinite(value):
            reason = self.statistic.why(rows)
            return _Part(MetricResult(value=None, reason=reason, extra=extra, **common))
        if settings.resamples <= 0:
            return _Part(MetricResult(value=value, extra=extra, **common))
        if common["clusters"] < 2:
            reason = "no interval: it needs two or more independent prompts"
            return _Part(MetricResult(value=value, reason=reason, extra=extra, **common))
        stream = 0 if subset is None else subset + 1
        replicates = self.statistic.replicates(
            rows, settings.resamples, generator(settings.seed, stream)
        )
        if getattr(self.statistic, "correlation", False) and common["clusters"] < FEW:
            interval = fisher(replicates, value, common["clusters"], settings.confidence)
        else:
            interval = percentile(replicates, settings.confidence)
            interval = self._opened(interval, value, common["clusters"])
        low, high, reason = _told(interval)
        result = MetricResult(
            value=value, ci_low=low, ci_high=high, reason=reason, extra=extra, **common
        )
        return _Part(result, replicates)

    def _opened(
        self, interval: tuple[float, float] | None, value: float, clusters: int
    ) -> tuple[float, float] | None:
        """All right, or all wrong: resamples know of no other, but the next prompt may."""
        mean = getattr(self.statistic, "combine", None) is ratio
        if not mean or self.bounds is None or interval != (value, value):
            return interval
        return one_sided(value, clusters, self.bounds, self.settings.confidence) or interval


def _told(interval: tuple[float, float] | None) -> tuple[float | None, float | None, str]:
    if interval is None:
        return None, None, "no interval: undefined in most bootstrap resamples"
    return interval[0], interval[1], ""


def _assemble(
    pooled: _Part, parts: dict[str, _Part], settings: Settings, extra: dict[str, Any]
) -> MetricResult:
    """The headline by the weighting, with everything else of the pooled result."""
    subsets = {name: part.result for name, part in parts.items()}
    base = pooled.result
    extra = {**base.extra, **extra}
    if settings.weighting.kind == "pooled" or not parts:
        return _with(base, subsets=subsets, extra=extra)
    values = {name: part.result.value for name, part in parts.items()}
    plan, notes = shares(values, settings.weighting)
    extra.update(notes)
    if not plan:
        reason = base.reason or "no subset of the weighting has a value"
        return _with(
            base, value=None, ci_low=None, ci_high=None, reason=reason, subsets=subsets, extra=extra
        )
    value = sum(share * float(subsets[name].value or 0.0) for name, share in plan.items())
    extra["pooled"] = base.value
    low = high = None
    reason = ""
    if settings.resamples > 0:
        low, high, reason = _told(
            percentile(_combined(parts, plan, settings.resamples), settings.confidence)
        )
    return _with(
        base, value=value, ci_low=low, ci_high=high, reason=reason, subsets=subsets, extra=extra
    )


def _combined(parts: dict[str, _Part], plan: Mapping[str, float], resamples: int) -> Floats:
    total = np.zeros(resamples)
    for name, share in plan.items():
        part = parts[name]
        # a subset of a single prompt has no spread of its own: it enters as a constant
        own = part.replicates if part.replicates is not None else part.result.value
        total = total + share * np.asarray(own, dtype=np.float64)
    return total


def _with(result: MetricResult, **changes: Any) -> MetricResult:
    return replace(result, **changes)
