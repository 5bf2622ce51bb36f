"""Human ceilings and reliability: properties of the labels, not of any scorer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.rater_rows import by_subset, votes
from prefgauge.plugins.metrics.stats import reliability as stats
from prefgauge.plugins.metrics.stats.draws import Floats, Ints, generator
from prefgauge.plugins.metrics.stats.grouped import totals
from prefgauge.plugins.metrics.stats.intervals import percentile
from prefgauge.plugins.metrics.stats.moments import compact, replicate
from prefgauge.registry import UsageError
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, RaterTable
from prefgauge.registry.metric import Metric, MetricResult, Settings

__all__ = ["HumanCeiling", "SplitHalf"]

KINDS = ("srcc", "plcc", "krcc")


class HumanCeiling(Metric):
    """How well one person predicts the mean of the others.

    Options: `kind`: srcc, plcc or krcc. `average`: "rater" (a coefficient per rater, then the
    mean over raters with three or more items; raters are resampled) or "pooled" (one coefficient
    over all votes, for crowds in which a rater has few items; prompts are resampled).
    """

    card = MetricCard(
        name="human-ceiling",
        title="Human ceiling (leave one rater out)",
        needs="raters",
        range=(-1.0, 1.0),
        formula="mean over raters of r(own vote, mean of the others' votes) over shared items",
        source="each person against the rest, as AlpacaFarm (Dubois et al. 2023) does for preferences",
        common=True,
        per_scorer=False,
    )

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """The ceiling of ``evidence.raters``."""
        chosen = checked(
            self.card.name,
            options,
            {"kind": ("srcc", KINDS), "average": ("rater", ("rater", "pooled"))},
        )
        kind = cast("str", chosen["kind"])
        table = votes(evidence)
        item, items = compact(table.item)
        rater, raters = compact(table.rater)
        if not items:
            return MetricResult(value=None, reason="there are no votes by single raters")
        extra = {"kind": kind, "raters": raters, "items": items}
        if chosen["average"] == "pooled":
            return self._pooled(table, kind, extra, settings)
        r = stats.leave_one_out(item, rater, table.value, items, raters, kind)
        known = r[np.isfinite(r)]
        if not len(known):
            reason = "no rater shares three items with others; ask for average='pooled' instead"
            return MetricResult(value=None, n=len(table), reason=reason, extra=extra)
        extra |= {"raters_used": len(known), "lowest": float(known.min())}
        low = high = None
        if settings.resamples > 0 and len(known) > 1:
            sums = np.stack([known, np.ones(len(known))], axis=1)
            drawn = replicate(
                sums,
                lambda s: s[..., 0] / s[..., 1],
                settings.resamples,
                generator(settings.seed, 0),
            )
            low, high = percentile(drawn, settings.confidence) or (None, None)
        return MetricResult(
            value=float(known.mean()),
            ci_low=low,
            ci_high=high,
            n=len(table),
            clusters=len(known),
            extra=extra,
            subsets=by_subset(self, table, options, settings),
        )

    def _pooled(
        self, table: RaterTable, kind: str, extra: dict[str, object], settings: Settings
    ) -> MetricResult:
        """One coefficient over all (vote, mean of the others) points."""
        from prefgauge.plugins.metrics import correlations
        from prefgauge.registry.evidence import RatingTable

        item, items = compact(table.item)
        count, total = totals(item, np.ones(len(item)), items), totals(item, table.value, items)
        shared = count[item] >= 2
        others = (total[item] - table.value) / np.maximum(count[item] - 1, 1)
        n = int(shared.sum())
        ratings = RatingTable(
            sample=table.sample[shared],
            cluster=table.cluster[shared],
            subset=table.subset[shared],
            dimension=table.dimension[shared],
            status=np.zeros(n, np.uint8),
            subsets=table.subsets,
            dimensions=table.dimensions,
            human=others[shared],
            human_n=np.full(n, np.nan),
            human_std=np.full(n, np.nan),
            score=table.value[shared],
            candidate=table.candidate[shared],
            system=table.system[shared],
            systems=table.systems,
        )
        metric = {
            "srcc": correlations.Spearman,
            "plcc": correlations.Pearson,
            "krcc": correlations.Kendall,
        }[kind]()
        result = metric.compute(Evidence(ratings=ratings), {}, settings)
        return replace(result, extra={**extra, "average": "pooled"})


class SplitHalf(Metric):
    """Reliability of the mean opinion score: correlation of two halves of the raters, stepped up.

    Options: `kind`: srcc, plcc or krcc; `splits`: number of random splits, averaged. The
    interval resamples prompts, with one random split each.
    """

    card = MetricCard(
        name="split-half",
        title="Split-half reliability",
        needs="raters",
        range=(-1.0, 1.0),
        formula="2 r / (1 + r), r = mean correlation of half means over random splits",
        source="Spearman (1910) and Brown (1910), Brit. J. Psychol. 3",
        common=True,
        per_scorer=False,
    )

    def compute(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> MetricResult:
        """The reliability of ``evidence.raters``."""
        chosen = checked(self.card.name, options, {"kind": ("plcc", KINDS), "splits": (100, int)})
        kind, splits = cast("str", chosen["kind"]), cast("int", chosen["splits"])
        if splits < 1:
            raise UsageError("Option 'splits' of metric 'split-half' must be 1 or more.")
        table = votes(evidence)
        item, items = compact(table.item)
        _, clusters = compact(table.cluster)
        common: dict[str, Any] = {"n": len(table), "clusters": clusters}
        r = stats.split_halves(item, table.value, items, kind, splits, settings.seed)
        if not np.isfinite(r).any():
            reason = "fewer than three items have two or more votes, or all votes are equal"
            return MetricResult(value=None, reason=reason, **common)
        half = float(np.nanmean(r))
        value = _step_up(half)
        low = high = None
        if settings.resamples > 0 and clusters > 1:
            drawn = _resampled_halves(table, kind, min(settings.resamples, 400), settings.seed)
            low, high = percentile(drawn, settings.confidence) or (None, None)
        return MetricResult(
            value=value,
            ci_low=low,
            ci_high=high,
            extra={"kind": kind, "half": half, "splits": splits},
            subsets=by_subset(self, table, options, settings),
            **common,
        )


def _step_up(r: float) -> float:
    """Spearman-Brown; a negative r is returned as it is: stepping it up would overstate it."""
    return 2 * r / (1 + r) if r > 0 else r


def _resampled_halves(table: RaterTable, kind: str, resamples: int, seed: int) -> Floats:
    rng = generator(seed, 12)
    cluster, clusters = compact(table.cluster)
    item, items = compact(table.item)
    order = np.argsort(cluster, kind="stable")
    bounds = np.searchsorted(cluster[order], np.arange(clusters + 1))
    out = np.empty(resamples)
    for k in range(resamples):
        drawn = rng.integers(0, clusters, clusters)
        size = bounds[drawn + 1] - bounds[drawn]
        rows = order[np.repeat(bounds[drawn], size) + _within(size)]
        # a prompt drawn twice is two prompts, with their own split
        copy = np.repeat(np.arange(clusters), size)
        code, n = compact(np.unique(copy * items + item[rows], return_inverse=True)[1])
        r = stats.split_halves(code, table.value[rows], n, kind, 1, int(rng.integers(2**31)))[0]
        out[k] = _step_up(float(r)) if np.isfinite(r) else np.nan
    return out


def _within(size: Ints) -> Ints:
    """0..s-1 for each s, joined."""
    out: Ints = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    return out
