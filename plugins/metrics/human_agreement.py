"""Chance-corrected agreement and spread of the votes of single raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.rater_rows import by_subset, items_of, items_result, votes
from prefgauge.plugins.metrics.stats import reliability as stats
from prefgauge.plugins.metrics.stats.grouped import totals
from prefgauge.plugins.metrics.stats.moments import compact, ratio
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence
from prefgauge.registry.metric import Metric, MetricResult, Settings

__all__ = ["FleissKappa", "Icc", "KrippendorffAlpha", "RaterSpread"]


class KrippendorffAlpha(Metric):
    """Krippendorff's alpha over all votes; any number of raters per item.

    Option `level`: nominal, ordinal, interval or ratio. The interval holds the distances between
    values fixed.
    """

    card = MetricCard(
        name="krippendorff-alpha",
        title="Krippendorff's alpha",
        needs="raters",
        range=(-1.0, 1.0),
        formula="1 - observed / expected disagreement",
        source="Krippendorff (2011), Computing Krippendorff's alpha-reliability",
        common=True,
        per_scorer=False,
    )
    levels = ("ordinal", "nominal", "interval", "ratio")

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """Alpha of ``evidence.raters``."""
        chosen = checked(self.card.name, options, {"level": (self.levels[0], self.levels)})
        level = cast("str", chosen["level"])
        table = votes(evidence)
        item, items, cluster = items_of(table)
        prepared = stats.alpha_sums(item, table.value, items, level)
        result = items_result(
            prepared.columns,
            stats.alpha_of(prepared.delta),
            cluster[prepared.item],
            settings,
            "no item has two votes, or all votes are equal",
            {"level": level, "values": len(prepared.columns) - 1},
            len(table),
        )
        return replace(result, subsets=by_subset(self, table, options, settings))


class FleissKappa(Metric):
    """Fleiss' kappa: chance-corrected agreement on categories, equally many votes per item.

    Items with fewer votes than the most frequent number are left out, and so are those with
    more; ``extra`` says how many.
    """

    card = MetricCard(
        name="fleiss-kappa",
        title="Fleiss' kappa",
        needs="raters",
        range=(-1.0, 1.0),
        formula="(P - P_e) / (1 - P_e)",
        source="Fleiss (1971), Psychol. Bull. 76:378-382",
        per_scorer=False,
    )

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """Kappa of ``evidence.raters``."""
        checked(self.card.name, options, {})
        table = votes(evidence)
        item, items, cluster = items_of(table)
        if not items:
            return MetricResult(value=None, reason="there are no votes by single raters")
        count = np.bincount(item, minlength=items)
        each = int(np.bincount(count).argmax())
        at = np.flatnonzero(count == each)
        values, code = np.unique(table.value, return_inverse=True)
        flat = np.bincount(item * len(values) + code, minlength=items * len(values))
        cells = flat.reshape(items, len(values))[at].astype(np.float64)
        agreeing = (cells * (cells - 1)).sum(axis=1)
        result = items_result(
            [np.ones(len(at)), agreeing, *cells.T],
            stats.fleiss_of(float(each)),
            cluster[at],
            settings,
            "items have a single vote each" if each < 2 else "all votes are equal",
            {"votes_per_item": each, "items": len(at), "items_left_out": items - len(at)},
            len(table),
        )
        return replace(result, subsets=by_subset(self, table, options, settings))


class Icc(Metric):
    """Intraclass correlation of the votes.

    Option `kind`: "1" and "1k" (one-way, any number of votes per item), "2", "2k", "3", "3k"
    (two-way, only items rated by all raters). k: of the mean of the raters.
    """

    card = MetricCard(
        name="icc",
        title="Intraclass correlation",
        needs="raters",
        range=(-1.0, 1.0),
        formula="variance between items / total variance, by mean squares",
        source="Shrout & Fleiss (1979), Psychol. Bull. 86:420-428; unequal n: Donner (1986)",
        common=True,
        per_scorer=False,
    )

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """The coefficient of ``evidence.raters``."""
        kinds = ("1", "1k", "2", "2k", "3", "3k")
        kind = cast("str", checked(self.card.name, options, {"kind": ("1", kinds)})["kind"])
        table = votes(evidence)
        item, items, cluster = items_of(table)
        centred = table.value - table.value.mean() if len(table) else table.value
        if kind.startswith("1"):
            n, s = totals(item, np.ones(len(item)), items), totals(item, centred, items)
            square = totals(item, centred**2, items)
            columns = [np.ones(items), n, n * n, s, s * s / np.maximum(n, 1), square]
            combine = stats.icc1_of(kind == "1k")
            reason = "it needs two or more items, some with two or more votes, that differ"
        else:
            rater, raters = compact(table.rater)
            grid = np.full((items, raters), np.nan)
            grid[item, rater] = centred
            full = ~np.isnan(grid).any(axis=1)
            grid, cluster = grid[full], cluster[full]
            rows = grid.sum(axis=1) ** 2 / max(1, raters)
            columns = [np.ones(len(grid)), rows, (grid**2).sum(axis=1), *grid.T]
            combine = stats.icc_two_way_of(kind)
            reason = "it needs two or more items that every one of two or more raters rated"
        result = items_result(
            columns, combine, cluster, settings, reason, {"kind": kind}, len(table)
        )
        return replace(result, subsets=by_subset(self, table, options, settings))


class RaterSpread(Metric):
    """Mean standard deviation of the votes on an item, and the SOS parameter.

    ``extra["sos_a"]`` is the a of variance = a (-x^2 + (L + H) x - L H) with x the item's mean
    and L, H the lowest and highest vote: 0 for full agreement, 1 for votes at the ends only.
    """

    card = MetricCard(
        name="rater-spread",
        title="Spread between raters",
        needs="raters",
        range=(0.0, float("inf")),
        formula="mean over items of the standard deviation (ddof 1) of their votes",
        source="SOS hypothesis: Hossfeld, Schatz & Egger (2011), QoMEX",
        higher_is_better=False,
        common=True,
        per_scorer=False,
    )

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """The spread in ``evidence.raters``."""
        checked(self.card.name, options, {})
        table = votes(evidence)
        item, items, cluster = items_of(table)
        n = totals(item, np.ones(len(item)), items)
        mean = totals(item, table.value, items) / np.maximum(n, 1)
        square = totals(item, (table.value - mean[item]) ** 2, items)
        at = np.flatnonzero(n >= 2)
        variance = square[at] / (n[at] - 1)
        extra: dict[str, object] = {}
        if len(at):
            low, high = float(table.value.min()), float(table.value.max())
            shape = -(mean[at] ** 2) + (low + high) * mean[at] - low * high
            if (bottom := float((shape**2).sum())) > 0:
                extra["sos_a"] = float((shape * variance).sum()) / bottom
        result = items_result(
            [np.sqrt(variance), np.ones(len(at))],
            ratio,
            cluster[at],
            settings,
            "no item has two votes",
            extra,
            len(table),
        )
        return replace(result, subsets=by_subset(self, table, options, settings))
