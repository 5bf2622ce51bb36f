"""Agreement on the class of a verdict, kinds of tie included (both good, both bad)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.stats.moments import ratio
from prefgauge.plugins.metrics.summary import Prepared, SummarisedMetric, SumStatistic, Units
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import FAILED, INVALID, Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["VerdictAccuracy"]

_CREDIT = {"wrong": 0.0, "half": 0.5, "quarter": 0.25, "drop": 0.0}


class VerdictAccuracy(SummarisedMetric):
    """Share of pairs whose verdict, in the given order, is of the label's class.

    Classes are first, second, and each kind of tie that labels or verdicts name. A tie whose kind
    the scorer does not name matches a label of any kind of tie (GenAI-Bench counts ``[[A=B]]`` so).
    """

    card = MetricCard(
        name="verdict-accuracy",
        title="Accuracy over verdict classes",
        needs="pairs",
        range=(0.0, 1.0),
        formula="mean of [class of the verdict = class of the label], kinds of tie being classes",
        source="GenAI-Bench (Jiang et al. 2024), four classes: A>B, B>A, A=B=Good, A=B=Bad",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The accuracy of ``evidence.pairs``."""
        checked(self.card.name, options, {})
        table = cast("PairTable", evidence.pairs)
        every = np.ones(len(table), np.bool_)
        if table.human_class is None or table.verdict is None:
            none = np.full(len(table), -1)
            label, said = none, none
        else:
            label, said = table.human_class, table.verdict
        invalid = table.status == INVALID
        failed = (table.status == FAILED) | ((said < 0) & ~invalid)
        used = ~failed & ~(invalid if settings.invalid == "drop" else ~every)
        plain_tie = table.classes.index("tie") if "tie" in table.classes else -2
        right = (label == said) | ((said == plain_tie) & (table.human == 0.5))
        credit = np.where(invalid, _CREDIT[settings.invalid], right.astype(np.float64))[used]
        units = Units.of(table, every, failed, used, table.margin() == 0)
        statistic = SumStatistic([credit, np.ones(len(credit))], ratio, units.cluster)
        return Prepared(statistic, units, settings, None, {}, "no pair has an answer")
