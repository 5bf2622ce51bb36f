"""Accuracy on pairs with half a point where just one of label and prediction is a tie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.pair_rows import PairRows, pair_rows
from prefgauge.plugins.metrics.stats.draws import Floats, Mask, generator
from prefgauge.plugins.metrics.stats.moments import compact, ratio
from prefgauge.plugins.metrics.stats.preference import INVALID_CREDIT
from prefgauge.plugins.metrics.summary import Codes, Prepared, SummarisedMetric, SumStatistic, Units
from prefgauge.registry import UsageError
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["TieAwareAccuracy"]

#: Upstream tries 0, 0.1, ... 1.
GRID = np.arange(11) / 10.0
FOLDS = 5
LINKS = ("auto", "softmax", "identity")


class TieAwareAccuracy(SummarisedMetric):
    """Mean credit per pair: 1 if the predicted class is the label's, 1/2 if just one of the two
    is a tie, else 0. The classes are first, second and tie; human ties are kept.

    The prediction is a tie where ``|p_1 - p_0| <= tie_threshold``, p being the probabilities of
    the two candidates.

    Options
    -------
    tie_threshold: a number in 0..1; "calibrated": the best of 0, 0.1, ... 1 on these very rows
        (in-sample, hence optimistic); "cross-fitted": for each of five folds (by prompt) the best
        on the others. The threshold is in ``extra``.
    link: where a pointwise scorer's probabilities come from. "softmax": of its two scores;
        "identity": the scores are probabilities; "auto": the latter if the scores of every pair
        sum to 1, else the former. A pairwise scorer states its own (mean of the orders asked).
    scale: factor on the scores before the softmax (the logit scale of a cosine), default 1.
    """

    card = MetricCard(
        name="tie-aware-accuracy",
        title="Accuracy with half a point for a tie on one side",
        needs="pairs",
        range=(0.0, 1.0),
        formula="mean of 1 [same class], 1/2 [just one is a tie]; tie iff |p_1 - p_0| <= t, "
        "p = softmax of the scores",
        source="Pick-a-Pic (Kirstain et al. 2023), sec. 4 and eval_preference_predictor.py of "
        "the release; interval: percentile bootstrap over prompts, at the thresholds found",
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The accuracy of ``evidence.pairs``."""
        chosen = checked(
            self.card.name,
            options,
            {"tie_threshold": (0.0, object), "link": ("auto", LINKS), "scale": (1.0, float)},
        )
        table = cast("PairTable", evidence.pairs)
        rows = pair_rows(table)
        used = ~rows.failed
        if settings.invalid == "drop":
            used &= ~rows.invalid
        readable = used & ~rows.invalid
        extra: dict[str, Any] = {}
        scale = float(cast("float", chosen["scale"]))
        if not 0 < scale < np.inf:
            raise UsageError(f"Option 'scale' of metric {self.card.name!r} must be > 0.")
        gap = _gap(table, rows, readable, cast("str", chosen["link"]), scale, extra)
        asked = chosen["tie_threshold"]
        threshold = self._threshold(asked, table, rows, gap, readable, settings.seed, extra)
        said = np.sign(gap) * (np.abs(gap) > threshold)
        invalid_credit = INVALID_CREDIT.get(settings.invalid, 0.0)
        credit = np.where(rows.invalid, invalid_credit, _credit(rows.human, said))
        if n := int((rows.invalid & ~rows.failed).sum()):
            extra["invalid"] = n
        every = np.ones(len(table), np.bool_)
        units = Units.of(table, every, rows.failed, used, said == 0)
        weight = table.weight[used]
        statistic = SumStatistic([credit[used] * weight, weight], ratio, units.cluster)
        return Prepared(statistic, units, settings, None, extra, "no pair has an answer")

    def _threshold(
        self,
        asked: Option,
        table: PairTable,
        rows: PairRows,
        gap: Floats,
        at: Mask,
        seed: int,
        extra: dict[str, Any],
    ) -> float | Floats:
        if asked in ("calibrated", "cross-fitted"):
            human, margin, weight = rows.human[at], gap[at], table.weight[at]
            if asked == "calibrated":
                found = float(GRID[int(np.argmax(_by_threshold(human, margin, weight)))])
                extra["tie_threshold"] = found
                extra["tie_threshold_source"] = "calibrated in-sample"
                return found
            out = np.zeros(len(table))
            out[at], used = _cross_fitted(human, margin, weight, table.cluster[at], seed)
            extra["tie_threshold"] = used
            extra["tie_threshold_source"] = f"found on the other folds of {len(used)}, by prompt"
            return out
        if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 <= asked <= 1:
            raise UsageError(
                f"Option 'tie_threshold' of metric {self.card.name!r} must be a number in 0..1, "
                f"'calibrated' or 'cross-fitted', not {asked!r}."
            )
        extra["tie_threshold"] = float(asked)
        return float(asked)


def _gap(
    table: PairTable, rows: PairRows, at: Mask, link: str, scale: float, extra: dict[str, Any]
) -> Floats:
    """P(first) - P(second) of every pair."""
    pairwise = ~np.isnan(table.p_given) | ~np.isnan(table.p_swapped)
    scored = at & ~pairwise
    if link == "auto":
        both = table.score_first[scored] + table.score_second[scored]
        inside = (table.score_first[scored] >= 0) & (table.score_second[scored] >= 0)
        sums = bool(len(both)) and bool((inside & (np.abs(both - 1.0) < 1e-5)).all())
        link = "identity" if sums else "softmax"
    if scored.any():
        extra["link"] = link
    # softmax over two scores: p_0 - p_1 = tanh((s_0 - s_1) / 2)
    own = rows.margin if link == "identity" else np.tanh(scale * rows.margin / 2.0)
    out: Floats = np.where(pairwise, 2.0 * rows.margin, own)
    return out


def _credit(human: Floats, said: Floats) -> Floats:
    one_tie = (human == 0) != (said == 0)
    out: Floats = np.where(one_tie, 0.5, (human == said).astype(np.float64))
    return out


def _by_threshold(human: Floats, gap: Floats, weight: Floats) -> Floats:
    """Total credit at each threshold of the grid; rounded, so that ties go to the smallest."""
    sign, size = np.sign(gap), np.abs(gap)
    total = [float((weight * _credit(human, sign * (size > t))).sum()) for t in GRID]
    out: Floats = np.round(np.array(total), 9)
    return out


def _cross_fitted(
    human: Floats, gap: Floats, weight: Floats, cluster: Codes, seed: int
) -> tuple[Floats, list[float]]:
    """(threshold of each row, threshold of each fold); folds never split a prompt."""
    codes, n = compact(cluster)
    folds = max(1, min(FOLDS, n))
    fold = (generator(seed, 41).permutation(n) % folds)[codes] if n else codes
    totals = [
        _by_threshold(human[fold == k], gap[fold == k], weight[fold == k]) for k in range(folds)
    ]
    whole = np.sum(totals, axis=0)
    found = [float(GRID[int(np.argmax(np.round(whole - own, 9)))]) for own in totals]
    return np.array(found)[fold], found
