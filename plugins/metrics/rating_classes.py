"""Ratings that are classes: ROC AUC of two, accuracy and weighted F1 of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.rating_rows import RatedRows, rated_rows
from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.plugins.metrics.stats.moments import cluster_sums, ratio, replicate
from prefgauge.plugins.metrics.stats.preference import INVALID_CREDIT
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric, SumStatistic, Units
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import FAILED, INVALID, Evidence, RatingTable
from prefgauge.registry.metric import Settings

__all__ = ["RatingAuc", "RatingClassAccuracy", "RatingWeightedF1"]

_ALL = "interval: percentile bootstrap over prompts"
_EMPTY = "no rated item has a usable score"


@dataclass(frozen=True)
class _Auc:
    """Area under the ROC curve of scores, the human value being above `threshold` or not."""

    data: RatedRows
    threshold: float

    def _placed(self, rows: Rows) -> tuple[Mask, Floats]:
        """(positive, placement): the share of the other class that a row beats, ties 1/2."""
        score, positive = self.data.score[rows], self.data.human[rows] > self.threshold
        out = np.empty(len(score))
        for mine, sign in ((positive, 1.0), (~positive, -1.0)):
            other = np.sort(sign * score[~mine])
            low = np.searchsorted(other, sign * score[mine], side="left")
            high = np.searchsorted(other, sign * score[mine], side="right")
            out[mine] = (low + high) / (2.0 * max(1, len(other)))
        return positive, out

    def why(self, rows: Rows) -> str:
        """Which class is missing."""
        positive = self.data.human[rows] > self.threshold
        side = "at or below" if positive.all() else "above"
        return f"no rating is {side} {self.threshold:g}: a ROC curve needs two classes"

    def value(self, rows: Rows) -> float:
        """The area; NaN with one class."""
        positive, placed = self._placed(rows)
        if positive.all() or not positive.any():
            return float("nan")
        return float(placed[positive].mean())

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        """Bootstrap of the area's projection on rows (DeLong et al. 1988)."""
        value, influence = self.value(rows), self.influence(rows)
        cluster = self.data.units.cluster[rows]
        sums = cluster_sums([np.ones(len(cluster)), influence], cluster)
        linear = replicate(sums, lambda s: value + s[..., 1] / s[..., 0], resamples, rng)
        return np.clip(linear, 0.0, 1.0)

    def influence(self, rows: Rows) -> Floats:
        """Surplus of a row's placement over the mean, by the share of its class."""
        positive, placed = self._placed(rows)
        share = np.where(positive, positive.mean(), (~positive).mean())
        out: Floats = (placed - placed[positive].mean()) / share
        return out


class RatingAuc(SummarisedMetric):
    """Probability that an item rated above `threshold` scores higher than one that is not.

    For ratings of two classes (0 and 1: the default threshold is 0.5). On a dimension where
    lower is better, ratings and threshold are compared with turned signs.
    """

    card = MetricCard(
        name="rating-auc",
        title="ROC AUC of scores for binary ratings",
        needs="ratings",
        range=(0.0, 1.0),
        formula="P(score of a positive item > score of a negative one) + P(equal) / 2",
        source="Hanley & McNeil (1982), Radiology 143:29-36; SeeTRUE (Yarom et al. 2023), sec. 4; "
        "interval: DeLong et al. (1988), bootstrap over prompts",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The area for ``evidence.ratings``."""
        chosen = checked(self.card.name, options, {"threshold": (0.5, float)})
        threshold = float(cast("float", chosen["threshold"]))
        data = rated_rows(cast("RatingTable", evidence.ratings), "sample", False)
        extra = {"threshold": threshold}
        return Prepared(_Auc(data, threshold), data.units, settings, None, extra, _EMPTY)


@dataclass(frozen=True)
class _Classes:
    """Items with a class each.

    Parameters
    ----------
    human: classes; `said`: the score rounded to the nearest class number.
    unreadable: items whose answer could not be read (`said` is meaningless there).
    why: why there is no value, or "".
    """

    human: Floats
    said: Floats
    unreadable: Mask
    classes: Floats
    units: Units
    why: str
    extra: dict[str, Any]


def _classes(evidence: Evidence, invalid_rule: str) -> _Classes:
    table = cast("RatingTable", evidence.ratings)
    unreadable = table.status == INVALID
    failed = (table.status == FAILED) | (~unreadable & ~np.isfinite(table.score))
    every = np.ones(len(table), np.bool_)
    used = ~failed & ~(unreadable & (invalid_rule == "drop"))
    units = Units.of(table, every, failed, used, ~every)
    human, unreadable = table.human[used], unreadable[used]
    said = np.rint(np.where(unreadable, np.nan, table.score[used]))
    classes = np.unique(human)
    answered = ~unreadable
    outside = answered & ~np.isin(said, classes)
    extra = {"classes": [float(c) for c in classes]}
    for name, mask in (("invalid", unreadable), ("outside_classes", outside)):
        if mask.any():
            extra[name] = int(mask.sum())  # type: ignore[assignment]
    why = ""
    if (classes != np.rint(classes)).any():
        why = "the ratings are not whole numbers, so they are no classes"
    elif outside.sum() * 2 > answered.sum():
        why = (
            f"{int(outside.sum())} of {int(answered.sum())} scores round to no class that people "
            "gave: this metric needs scores on the class scale; see srcc for others"
        )
    return _Classes(human, said, unreadable, classes, units, why, extra)


class RatingClassAccuracy(SummarisedMetric):
    """Share of items whose score, rounded to a whole number (halves to the even one), is the
    rating.

    The scores must be on the class scale: a reward in an arbitrary unit has no class. Where most
    scores round to no class at all there is no value, but a reason. An unreadable answer counts
    by the protocol's rule.
    """

    card = MetricCard(
        name="rating-class-accuracy",
        title="Accuracy of rating classes",
        needs="ratings",
        range=(0.0, 1.0),
        formula="mean of [round(score) = rating]",
        source=f"as scikit-learn accuracy_score on rounded scores; {_ALL}",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The accuracy for ``evidence.ratings``."""
        checked(self.card.name, options, {})
        data = _classes(evidence, settings.invalid)
        credit = (data.said == data.human).astype(np.float64)
        credit[data.unreadable] = INVALID_CREDIT.get(settings.invalid, 0.0)
        columns = [credit, np.ones(len(credit))]
        statistic = SumStatistic(columns, ratio, data.units.cluster, lambda _: data.why, True)
        return Prepared(statistic, data.units, settings, None, data.extra, _EMPTY)


class RatingWeightedF1(SummarisedMetric):
    """F1 of each rating class, averaged with the classes' frequencies as weights.

    Scores become classes as in :class:`RatingClassAccuracy`, which see for what they must be. An
    unreadable answer is no class: it costs the recall of its item's class (rule "drop" leaves it
    out).
    """

    card = MetricCard(
        name="rating-weighted-f1",
        title="Weighted F1 of rating classes",
        needs="ratings",
        range=(0.0, 1.0),
        formula="sum over classes of n_c / n * 2TP / (2TP + FP + FN)",
        source="SubjECTive-QA (Pardawala et al. 2024), sec. 5; as scikit-learn "
        f"f1_score(average='weighted') on rounded scores; {_ALL}",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The mean for ``evidence.ratings``."""
        checked(self.card.name, options, {})
        data = _classes(evidence, settings.invalid)
        columns = [
            column.astype(np.float64)
            for label in (data.classes if not data.why else data.classes[:1])
            for column in (
                (data.human == label) & (data.said == label),
                data.human == label,
                data.said == label,
            )
        ]
        statistic = SumStatistic(
            columns, _weighted_f1, data.units.cluster, lambda _: data.why, True
        )
        return Prepared(statistic, data.units, settings, None, data.extra, _EMPTY)


def _weighted_f1(sums: Floats) -> Floats:
    """From sums (..., 3 classes): per class hits, items, predictions."""
    hits, items, said = np.moveaxis(sums.reshape((*sums.shape[:-1], -1, 3)), -1, 0)
    both = items + said
    f1 = np.divide(2.0 * hits, both, out=np.zeros(both.shape), where=both > 0)
    total = items.sum(axis=-1)
    with np.errstate(all="ignore"):
        out: Floats = (items * f1).sum(axis=-1) / np.where(total > 0, total, np.nan)
    return out
