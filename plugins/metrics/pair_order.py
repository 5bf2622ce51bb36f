"""Does the order in which candidates are shown change a pairwise scorer's answer?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.pair_rows import PairRows, pair_rows
from prefgauge.plugins.metrics.stats.draws import Floats
from prefgauge.plugins.metrics.stats.moments import ratio
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric, SumStatistic, Units
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["PositionBias", "PositionConsistency"]


class PositionConsistency(SummarisedMetric):
    """Share of pairs, asked in both orders, on which the verdict is the same."""

    card = MetricCard(
        name="position-consistency",
        title="Position consistency",
        needs="pairs",
        range=(0.0, 1.0),
        formula="pairs with the same verdict in both orders / pairs asked in both orders",
        source="Zheng et al. (2023), MT-Bench, sec. 3.3; Auto-J (Li et al. 2023)",
        common=True,
    )

    def credit(self, rows: PairRows) -> Floats:
        """Per row: 1 if consistent."""
        same: Floats = (rows.given == rows.swapped).astype(np.float64)
        return same

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The share for ``evidence.pairs``."""
        checked(self.card.name, options, {})
        table = cast("PairTable", evidence.pairs)
        rows = pair_rows(table)
        used = ~np.isnan(table.p_given) & ~np.isnan(table.p_swapped) & ~rows.failed
        units = Units.of(table, np.ones_like(rows.failed), rows.failed, used, rows.margin == 0)
        weight = np.ones(int(used.sum()))
        statistic = SumStatistic([self.credit(rows)[used], weight], ratio, units.cluster)
        given, swapped = rows.given[used], rows.swapped[used]

        def facts(at: Rows) -> dict[str, float]:
            first = (given[at] > 0) & (swapped[at] < 0)
            last = (given[at] < 0) & (swapped[at] > 0)
            return {
                "always_first_shown": float(first.mean()),
                "always_last_shown": float(last.mean()),
            }

        empty = "no pair was answered in both orders"
        return Prepared(statistic, units, settings, facts, None, empty)


class PositionBias(PositionConsistency):
    """How far the scorer leans to the candidate shown first (+) or last (-)."""

    card = MetricCard(
        name="position-bias",
        title="Position bias",
        needs="pairs",
        range=(-1.0, 1.0),
        formula="mean of (share of orders won by the first shown) - (won by the last shown)",
        source="Wang et al. (2023), FairEval; Shi et al. (2024), Judging the Judges",
    )

    def credit(self, rows: PairRows) -> Floats:
        """+1 if the first shown wins in both orders, -1 if the last shown does."""
        out: Floats = (rows.given - rows.swapped) / 2.0
        return out
