"""Calibration on preference pairs: Brier score, ECE, ROC AUC of margins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy.special import expit

from prefgauge.plugins.metrics.options import Choice, checked
from prefgauge.plugins.metrics.pair_rows import pair_rows
from prefgauge.plugins.metrics.stats import calibration
from prefgauge.plugins.metrics.stats.draws import Floats
from prefgauge.plugins.metrics.stats.moments import Lazy, cluster_sums, ratio, replicate
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric, SumStatistic, Units
from prefgauge.registry import UsageError
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["EMPTY", "Brier", "DecidedPairs", "Ece", "MarginAuc", "decided_pairs"]

FOLDS = 5


@dataclass(frozen=True)
class DecidedPairs:
    """Pairs with a human winner and a readable answer.

    Parameters
    ----------
    margin: towards the first; `agreeing`: towards the human choice.
    pairwise: rows answered with probabilities.
    """

    margin: Floats
    agreeing: Floats
    human: Floats
    weight: Floats
    strength: Floats
    pairwise: bool
    units: Units


def decided_pairs(evidence: Evidence) -> DecidedPairs:
    """The pairs with a winner that the scorer answered readably."""
    table = cast("PairTable", evidence.pairs)
    rows = pair_rows(table)
    relevant = rows.human != 0
    used = relevant & ~rows.failed & ~rows.invalid
    margin, human = rows.margin[used], rows.human[used]
    units = Units.of(table, relevant, rows.failed, used, rows.margin == 0)
    pairwise = ~np.isnan(table.p_given[used]) | ~np.isnan(table.p_swapped[used])
    return DecidedPairs(
        margin,
        margin * human,
        human,
        table.weight[used],
        table.strength[used],
        bool(pairwise.all()) and len(margin) > 0,
        units,
    )


EMPTY = "no pair with a human winner has a readable answer"
_TEMPERATURE: dict[str, tuple[Option, Choice]] = {"temperature": ("auto", object)}


def _probability(
    metric: str, data: DecidedPairs, asked: Option, seed: int
) -> tuple[Floats, dict[str, Any]]:
    """(P(first), facts): stated probabilities, or a Bradley-Terry link of margins."""
    if asked == "auto":
        asked = None if data.pairwise else "fitted"
    if asked is None:
        if not data.pairwise:
            raise UsageError(f"Metric {metric!r}: temperature=None needs stated probabilities.")
        return data.margin + 0.5, {"probability": "as stated"}
    margin = data.margin
    if data.pairwise:
        # a stated probability is scaled on the logit, as a margin is
        p = np.clip(margin + 0.5, 1e-6, 1 - 1e-6)
        margin = np.log(p / (1 - p))
    if asked == "fitted":
        p, steep = calibration.cross_fitted(
            margin, margin * data.human, data.weight, data.units.cluster, FOLDS, seed
        )
        mean = float(np.mean(steep))
        link = {"probability": f"sigmoid(margin / T), T fitted in {len(steep)} folds by prompt"}
        return p, {**link, "temperature": 1.0 / mean if mean > 0 else None}
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 < asked < np.inf:
        raise UsageError(
            f"Option 'temperature' of metric {metric!r} must be 'auto', 'fitted', None or a "
            f"number > 0, not {asked!r}."
        )
    return expit(margin / asked), {"probability": "sigmoid(margin / T)", "temperature": asked}


class Brier(SummarisedMetric):
    """Mean squared distance of P(first) from what people chose; human ties are left out.

    Option `temperature`: "auto" takes a pairwise scorer's probabilities as stated and, for other
    scorers, sigmoid(margin / T) with T fitted on the other folds (5 folds, by prompt); "fitted"
    does the latter for all; a number is T itself.
    """

    card = MetricCard(
        name="brier",
        title="Brier score",
        needs="pairs",
        range=(0.0, 1.0),
        formula="mean (P(first) - [first is better])^2; 0.25 is the value of P = 1/2 throughout",
        source="Brier (1950), Mon. Weather Rev. 78:1-3; temperature: Guo et al. (2017), sec. 4.2",
        higher_is_better=False,
        common=True,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The score of ``evidence.pairs``."""
        chosen = checked(self.card.name, options, _TEMPERATURE)
        data = decided_pairs(evidence)
        p, facts = _probability(self.card.name, data, chosen["temperature"], settings.seed)
        loss = (p - (data.human > 0)) ** 2
        columns = [data.weight * loss, data.weight]
        statistic = SumStatistic(columns, ratio, data.units.cluster)
        return Prepared(statistic, data.units, settings, None, facts, EMPTY)


class Ece(SummarisedMetric):
    """Expected calibration error of the winner's probability, in bins of equal count.

    Options: `temperature` as in :class:`Brier`; `bins`. The interval keeps the bins; note that
    the error is biased upwards in small samples. ``extra["reliability"]`` holds the diagram.
    """

    card = MetricCard(
        name="ece",
        title="Expected calibration error",
        needs="pairs",
        range=(0.0, 1.0),
        formula="sum over bins of n_b / n |accuracy_b - confidence_b|, confidence = max(p, 1 - p)",
        source="Naeini et al. (2015), AAAI; adaptive bins: Nguyen & O'Connor (2015), EMNLP",
        higher_is_better=False,
        common=True,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The error of ``evidence.pairs``."""
        chosen = checked(self.card.name, options, {**_TEMPERATURE, "bins": (10, int)})
        most = cast("int", chosen["bins"])
        if not 1 <= most <= 100:
            raise UsageError(f"Option 'bins' of metric 'ece' must be 1 to 100, not {most}.")
        data = decided_pairs(evidence)
        p, facts = _probability(self.card.name, data, chosen["temperature"], settings.seed)
        confidence = np.maximum(p, 1 - p)
        hits = np.where(p == 0.5, 0.5, (p > 0.5) == (data.human > 0))
        bins = calibration.bins_of(confidence, most)

        def column(k: int) -> Floats:
            """Per bin, in three runs: weight, weight x confidence, weight x hits."""
            member: Floats = data.weight * (bins.code == k % bins.size)
            factor = (1.0, confidence, hits)[k // bins.size]
            return member * factor

        columns = Lazy(3 * bins.size, column)
        statistic = SumStatistic(columns, calibration.ece_of, data.units.cluster)

        def diagram(rows: Rows) -> Mapping[str, Any]:
            if not isinstance(rows, slice):
                return {}
            return {"reliability": calibration.reliability(bins, data.weight, confidence, hits)}

        return Prepared(statistic, data.units, settings, diagram, facts, EMPTY)


@dataclass(frozen=True)
class _Auc:
    data: DecidedPairs

    def why(self, rows: Rows) -> str:
        """Never undefined for one row or more."""
        return "undefined"

    def value(self, rows: Rows) -> float:
        """The area."""
        weight = self.data.weight[rows]
        share = calibration.agreeing_auc(self.data.agreeing[rows], weight)
        return float((weight * share).sum() / weight.sum())

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        """Bootstrap of the area's projection on rows (DeLong et al. 1988)."""
        value, influence = self.value(rows), self.influence(rows)
        cluster = self.data.units.cluster[rows]
        sums = cluster_sums([np.ones(len(cluster)), influence], cluster)
        linear = replicate(sums, lambda s: value + s[..., 1] / s[..., 0], resamples, rng)
        return np.clip(linear, 0.0, 1.0)

    def influence(self, rows: Rows) -> Floats:
        """Twice the surplus of a pair's placement over the mean."""
        weight = self.data.weight[rows]
        share = calibration.agreeing_auc(self.data.agreeing[rows], weight)
        value = float((weight * share).sum() / weight.sum())
        out: Floats = 2 * weight / weight.mean() * (share - value)
        return out


class MarginAuc(SummarisedMetric):
    """Area under the ROC curve of margins as predictors of the human winner.

    Every pair enters in both directions, so the published order cannot matter; human ties are
    left out. 0.5 is chance.
    """

    card = MetricCard(
        name="margin-auc",
        title="ROC AUC of the margin",
        needs="pairs",
        range=(0.0, 1.0),
        formula="P(margin of a pair whose first is better > margin of one whose second is), ties 1/2",
        source="Hanley & McNeil (1982), Radiology 143:29-36; interval: DeLong et al. (1988)",
        common=True,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The area for ``evidence.pairs``."""
        checked(self.card.name, options, {})
        data = decided_pairs(evidence)
        return Prepared(_Auc(data), data.units, settings, None, None, EMPTY)
