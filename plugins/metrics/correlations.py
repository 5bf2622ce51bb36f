"""Correlation of scores with mean opinion scores: SRCC, PLCC, KRCC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np

from prefgauge.plugins.metrics.options import Choice, checked
from prefgauge.plugins.metrics.rating_rows import LEVELS, RatedRows, rated_rows
from prefgauge.plugins.metrics.stats import moments
from prefgauge.plugins.metrics.stats.concordance import kendall_influence, kendall_replicates
from prefgauge.plugins.metrics.stats.correlation import (
    kendall,
    moment_columns,
    pearson,
    pearson_of,
)
from prefgauge.plugins.metrics.stats.draws import Floats
from prefgauge.plugins.metrics.stats.grouped import group_kendall, group_pearson, group_spearman
from prefgauge.plugins.metrics.stats.moments import ratio
from prefgauge.plugins.metrics.stats.spearman import (
    spearman,
    spearman_influence,
    spearman_replicates,
)
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric, SumStatistic, Units
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, RatingTable
from prefgauge.registry.metric import Settings

__all__ = [
    "Correlation",
    "Kendall",
    "Pearson",
    "RatingMetric",
    "Spearman",
    "SystemKendall",
    "SystemPearson",
    "SystemSpearman",
    "why_undefined",
]

#: Two points are always perfectly correlated, so a coefficient needs three.
LEAST = 3


def why_undefined(human: Floats, score: Floats, what: str = "rated items") -> str:
    """The reason why a correlation of these values has no value, or "" if it has one."""
    if len(human) < LEAST:
        return f"{len(human)} {what}: a correlation needs at least {LEAST}"
    if np.ptp(human) == 0:
        return "the human values are all equal"
    if np.ptp(score) == 0:
        return "the scores are all equal"
    return ""


@dataclass(frozen=True)
class Correlation:
    """Statistic of rows (sample and system level)."""

    kind: str
    data: RatedRows
    variant: str = "b"
    #: with few units the interval is taken on Fisher's scale
    correlation: ClassVar[bool] = True

    def _xy(self, rows: Rows) -> tuple[Floats, Floats, Floats | None]:
        data = self.data
        weight = None if data.weight is None else data.weight[rows]
        return data.human[rows], data.score[rows], weight

    def why(self, rows: Rows) -> str:
        x, y, _ = self._xy(rows)
        return why_undefined(x, y)

    def value(self, rows: Rows) -> float:
        x, y, weight = self._xy(rows)
        if why_undefined(x, y):
            return float("nan")
        if self.kind == "krcc":
            return kendall(x, y, self.variant)
        return (spearman if self.kind == "srcc" else pearson)(x, y, weight)

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        x, y, weight = self._xy(rows)
        cluster = self.data.units.cluster[rows]
        if self.kind == "srcc":
            return spearman_replicates(x, y, cluster, resamples, rng, weight)
        if self.kind == "krcc":
            return kendall_replicates(x, y, cluster, resamples, rng, self.variant)
        columns = moment_columns(_scaled(x), _scaled(y), weight)
        return moments.replicate(moments.cluster_sums(columns, cluster), pearson_of, resamples, rng)

    def influence(self, rows: Rows) -> Floats:
        x, y, weight = self._xy(rows)
        if self.kind == "krcc":
            return kendall_influence(x, y, self.variant)
        if self.kind == "plcc":
            columns = moment_columns(_scaled(x), _scaled(y), weight)
            return moments.influence_of_sums(columns, pearson_of)
        mass = np.ones(len(x)) if weight is None else weight
        out: Floats = mass / mass.mean() * spearman_influence(x, y, mass)
        return out


def _scaled(x: Floats) -> Floats:
    """x in units of its range, so that no scale over- or underflows."""
    out: Floats = (x - x.mean()) / np.ptp(x)
    return out


class RatingMetric(SummarisedMetric):
    """Shared part of the correlation metrics.

    Options: `level`: "sample" (all rated items together), "system" (means per system; systems
    are resampled), "group" (within each prompt, then averaged over prompts: prompts whose human
    values are all equal are left out, a constant scorer gets 0 there). `weighted`: weight items
    by their number of raters (sample and system level).
    """

    level = "sample"

    def allowed(self) -> dict[str, tuple[Option, Choice]]:
        """Options of this metric: name -> (default, allowed)."""
        return {"level": (self.level, LEVELS), "weighted": (False, (False, True))}

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The coefficient of ``evidence.ratings``."""
        chosen = checked(self.card.name, options, self.allowed())
        table = cast("RatingTable", evidence.ratings)
        level = cast("str", chosen["level"])
        data = rated_rows(table, level, bool(chosen["weighted"]))
        kind = self.card.name.removesuffix("-system")
        variant = cast("str", chosen.get("variant", "b"))
        extra = {"level": level}
        if level == "group":
            return _grouped(kind, data, settings, extra)
        empty = "no rated item has a usable score"
        if level == "system":
            empty = "no system is known" if not (table.system >= 0).any() else empty
        return Prepared(Correlation(kind, data, variant), data.units, settings, None, extra, empty)


_PER_GROUP = {"srcc": group_spearman, "plcc": group_pearson, "krcc": group_kendall}


def _grouped(
    kind: str, data: RatedRows, settings: Settings, extra: Mapping[str, object]
) -> Prepared:
    """Mean over prompts of the coefficient within each prompt."""
    units = data.units
    # a prompt that appears in two subsets is one group in each
    key = data.group.astype(np.int64) * max(1, len(units.names)) + units.subset
    group, size = moments.compact(key)
    values = _PER_GROUP[kind](group, data.human, data.score, size) if size else np.zeros(0)
    first = np.zeros(size, np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    known = np.isfinite(values)
    at = first[known]
    per_group = Units(
        units.cluster[at],
        units.subset[at],
        units.tie[at],
        units.names,
        units.answered,
        lambda: np.stack([units.cluster[at], units.subset[at]], axis=1),
    )
    left_out = int((~known).sum())
    facts = {**extra, "groups": size, "groups_left_out": left_out}
    defined = values[known]
    statistic = SumStatistic([defined, np.ones(len(defined))], ratio, per_group.cluster)
    empty = "no prompt has two or more items that people rate differently"
    return Prepared(statistic, per_group, settings, None, facts, empty)


class Spearman(RatingMetric):
    """Spearman's rank correlation with the mean opinion score (SRCC)."""

    card = MetricCard(
        name="srcc",
        title="Spearman rank correlation",
        needs="ratings",
        range=(-1.0, 1.0),
        formula="Pearson's r of midranks",
        source="Spearman (1904); ties by midranks, Kendall (1948)",
        common=True,
    )


class Pearson(RatingMetric):
    """Pearson's linear correlation with the mean opinion score (PLCC), unmapped."""

    card = MetricCard(
        name="plcc",
        title="Pearson linear correlation",
        needs="ratings",
        range=(-1.0, 1.0),
        formula="cov(x, y) / (sd(x) sd(y))",
        source="Pearson (1895)",
        common=True,
    )


class Kendall(RatingMetric):
    """Kendall's rank correlation with the mean opinion score (KRCC).

    Option `variant`: "b" or "c" (sample and system level). Rater weights are not defined for it.
    """

    card = MetricCard(
        name="krcc",
        title="Kendall rank correlation",
        needs="ratings",
        range=(-1.0, 1.0),
        formula="tau-b = (C - D) / sqrt((C + D + T_x)(C + D + T_y)); interval by projection",
        source="Kendall (1945); tau-c: Stuart (1953)",
        common=True,
    )

    def allowed(self) -> dict[str, tuple[Option, Choice]]:
        """Options: level and variant."""
        return {
            "level": (self.level, LEVELS),
            "weighted": (False, (False,)),
            "variant": ("b", ("b", "c")),
        }


class SystemSpearman(Spearman):
    """SRCC of system means; see :class:`RatingMetric`, level "system"."""

    level = "system"
    card = replace(
        Spearman.card, name="srcc-system", title="Spearman rank correlation of system means"
    )


class SystemPearson(Pearson):
    """PLCC of system means; see :class:`RatingMetric`, level "system"."""

    level = "system"
    card = replace(
        Pearson.card, name="plcc-system", title="Pearson linear correlation of system means"
    )


class SystemKendall(Kendall):
    """KRCC of system means; see :class:`RatingMetric`, level "system"."""

    level = "system"
    card = replace(
        Kendall.card, name="krcc-system", title="Kendall rank correlation of system means"
    )
