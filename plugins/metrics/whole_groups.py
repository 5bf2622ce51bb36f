"""Accuracy over groups of pairs that count only if all of their pairs are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.pair_accuracy import GRID
from prefgauge.plugins.metrics.pair_rows import PairRows, pair_rows
from prefgauge.plugins.metrics.stats import preference as rules
from prefgauge.plugins.metrics.stats.draws import Mask
from prefgauge.plugins.metrics.stats.grouped import totals
from prefgauge.plugins.metrics.stats.moments import ratio
from prefgauge.plugins.metrics.stats.ranking import group_min
from prefgauge.plugins.metrics.summary import Prepared, SummarisedMetric, SumStatistic, Units
from prefgauge.registry import UsageError
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["WholeGroupAccuracy"]


class WholeGroupAccuracy(SummarisedMetric):
    """Share of groups in which every labelled pair is right.

    A group is what the samples of one ``Sample.group`` (else prompt) and subset say on one
    dimension. A pair is right if the predicted class (first, second, tie) is the label's; all
    kinds of human tie are one class. A group with a failed pair has no answer; one with an
    unreadable pair gets that pair's credit by the protocol's rule, unless another pair is wrong.

    Option `tie_threshold`: the largest absolute margin that is a predicted tie, or "calibrated":
    the best of 0, 0.01, ... 2 for single pairs on these very rows (in-sample, hence optimistic).
    """

    card = MetricCard(
        name="whole-group-accuracy",
        title="Groups with all pairs right",
        needs="pairs",
        range=(0.0, 1.0),
        formula="mean over groups of the product over pairs of [predicted class = human class]",
        source="EditReward (Wu et al. 2025), multi-way comparison of EditReward-Bench; interval: "
        "percentile bootstrap over groups",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The accuracy of ``evidence.pairs``."""
        asked = checked(self.card.name, options, {"tie_threshold": (0.0, object)})["tie_threshold"]
        table = cast("PairTable", evidence.pairs)
        rows = pair_rows(table)
        extra: dict[str, Any] = {}
        said = rules.three_way_class(rows.margin, *self._threshold(asked, table, rows, extra))
        right = (said == rows.human).astype(np.float64)
        dropped = rows.invalid & (settings.invalid == "drop")
        right[rows.invalid] = rules.INVALID_CREDIT.get(settings.invalid, 0.0)
        parts = np.stack([table.cluster, table.subset, table.dimension], axis=1)
        _, first, group = np.unique(parts, axis=0, return_index=True, return_inverse=True)
        group, size = group.reshape(-1), len(first)

        def any_of(mask: Mask) -> Mask:
            out: Mask = totals(group, mask, size) > 0
            return out

        failed = any_of(rows.failed)
        used = ~failed & ~any_of(dropped)
        subset = table.subset[first]
        asked_of = np.bincount(subset, minlength=len(table.subsets))
        lost = np.bincount(subset[failed], minlength=len(table.subsets))
        key = np.stack([table.sample, table.dimension], axis=1)[first][used]
        units = Units(
            cluster=table.cluster[first][used],
            subset=subset[used],
            tie=any_of((said == 0) & ~rows.invalid)[used],
            names=table.subsets,
            answered=np.stack([asked_of - lost, asked_of], axis=1),
            key=lambda: key,
        )
        credit = group_min(group, right, size)[used]
        extra["pairs"] = int(used[group].sum()) if size else 0
        if n := int(rows.invalid.sum()):
            extra["invalid"] = n
        statistic = SumStatistic([credit, np.ones(len(credit))], ratio, units.cluster)
        return Prepared(statistic, units, settings, None, extra, "no group has all of its answers")

    def _threshold(
        self, asked: Option, table: PairTable, rows: PairRows, extra: dict[str, Any]
    ) -> tuple[float, bool]:
        """(threshold, strict), as for ``pair-accuracy``."""
        if asked == "calibrated":
            at = ~rows.invalid & ~rows.failed
            found = rules.tie_threshold(rows.human[at], rows.margin[at], table.weight[at], GRID)
            extra["tie_threshold"] = found
            extra["tie_threshold_source"] = "calibrated in-sample"
            return found, True
        number = isinstance(asked, (int, float)) and not isinstance(asked, bool)
        if not number or not 0 <= float(cast("float", asked)) < np.inf:
            raise UsageError(
                f"Option 'tie_threshold' of metric {self.card.name!r} must be a number >= 0 or "
                f"'calibrated', not {asked!r}."
            )
        return float(cast("float", asked)), False
