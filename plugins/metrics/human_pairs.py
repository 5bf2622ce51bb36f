"""Human ceilings on preferences: how often people agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.stats.draws import Floats, Ints
from prefgauge.plugins.metrics.stats.grouped import totals
from prefgauge.plugins.metrics.stats.moments import compact, ratio
from prefgauge.plugins.metrics.summary import Prepared, SummarisedMetric, SumStatistic, Units
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["PairHumanCeiling", "votes_per_pair"]

CLASSES = (1.0, 0.0, -1.0)


def votes_per_pair(table: PairTable) -> tuple[Ints, Floats]:
    """(pair code per row, votes for first / tie / second per pair).

    A pair is a sample, a dimension and two candidates; votes given the other way round are
    turned.
    """
    low, high = np.minimum(table.first, table.second), np.maximum(table.first, table.second)
    keys = np.stack([table.sample, table.dimension, low, high], axis=1)
    _, code = np.unique(keys, axis=0, return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    verdict = _verdict(table)
    size = int(code.max()) + 1 if len(code) else 0
    return code, np.stack([totals(code, verdict == c, size) for c in CLASSES], axis=1)


def _verdict(table: PairTable) -> Floats:
    turned: Floats = np.where(table.first < table.second, 1.0, -1.0)
    out: Floats = np.sign(table.human - 0.5) * turned
    return out


class PairHumanCeiling(SummarisedMetric):
    """How well one person's preference predicts that of the others.

    Options: `against`: "majority" (of all others on the pair; a split majority earns the share
    1/k of k leading verdicts) or "each" (every other person in turn, as in MT-Bench). `ties`:
    "class" (a tie is a verdict like the others) or "drop" (only decided votes are compared).
    """

    card = MetricCard(
        name="pair-human-ceiling",
        title="Human ceiling on preferences (leave one rater out)",
        needs="rater_pairs",
        range=(0.0, 1.0),
        formula="mean over votes of agreement with the other votes on the same pair",
        source="MT-Bench (Zheng et al. 2023), sec. 4.1; leave-one-out: AlpacaFarm (Dubois et al. 2023)",
        common=True,
        per_scorer=False,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The ceiling of ``evidence.rater_pairs``."""
        chosen = checked(
            self.card.name,
            options,
            {"against": ("majority", ("majority", "each")), "ties": ("class", ("class", "drop"))},
        )
        table = cast("PairTable", evidence.rater_pairs)
        if chosen["ties"] == "drop":
            table = table.where(table.human != 0.5)
        code, votes = votes_per_pair(table)
        own = 1 - _verdict(table).astype(np.int64)
        others = votes[code] if len(code) else np.zeros((0, 3))
        others[np.arange(len(own)), own] -= 1
        count = others.sum(axis=1)
        used = count > 0
        others, own, count = others[used], own[used], count[used]
        row = np.arange(len(own))
        if chosen["against"] == "majority":
            leading = others == others.max(axis=1, keepdims=True) if len(own) else others > 0
            credit = leading[row, own] / np.maximum(leading.sum(axis=1), 1)
            weight = np.ones(len(own))
        else:
            # each pair of people counts once per direction
            credit, weight = others[row, own], count
        nothing = np.zeros(len(table), np.bool_)
        units = Units.of(table, ~nothing, nothing, used, nothing)
        statistic = SumStatistic([credit, weight], ratio, units.cluster)
        extra = {
            "against": chosen["against"],
            "ties": chosen["ties"],
            "raters": compact(table.rater[used])[1],
        }
        empty = "no pair was judged by two people"
        return Prepared(statistic, units, settings, None, extra, empty)
