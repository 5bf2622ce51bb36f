"""Pairwise accuracy on ratings: acc_eq with tie calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.rating_rows import LEVELS, RatedRows, rated_rows
from prefgauge.plugins.metrics.stats.draws import Floats
from prefgauge.plugins.metrics.stats.grouped import totals
from prefgauge.plugins.metrics.stats.moments import cluster_sums, compact, ratio, replicate
from prefgauge.plugins.metrics.stats.rated_pairs import (
    RatedPairs,
    calibrate,
    credits_of,
    pairs_of,
)
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, RatingTable
from prefgauge.registry.metric import Settings

__all__ = ["RatingPairAccuracy"]


Measured = tuple[RatedPairs, float, Floats, Floats]


@dataclass
class _Accuracy:
    data: RatedRows
    ties: str
    grouped: bool
    _memo: tuple[Rows, Measured] | None = None

    def measure(self, rows: Rows) -> Measured:
        """As :meth:`_measure`, kept for the next call on the same rows."""
        if self._memo is None or self._memo[0] is not rows:
            self._memo = rows, self._measure(rows)
        return self._memo[1]

    def _measure(self, rows: Rows) -> Measured:
        """(pairs, threshold, credit, weight); weights add up to 1 per group if grouped."""
        human, score = self.data.human[rows], self.data.score[rows]
        group = self.data.group[rows] if self.grouped else np.zeros(len(human), np.int64)
        group, size = compact(group)
        pairs = pairs_of(group, human, score)
        share = np.ones(len(pairs.left))
        if self.grouped and size:
            of = group[pairs.left]
            counted = pairs.human != 0 if self.ties == "drop" else share
            share = 1.0 / np.maximum(totals(of, counted, size), 1.0)[of]
        epsilon = calibrate(pairs, share) if self.ties == "calibrated" else 0.0
        credit, weight = credits_of(pairs, epsilon, self.ties == "drop")
        return pairs, epsilon, credit * share, weight * share

    def value(self, rows: Rows) -> float:
        """The accuracy."""
        _, _, credit, weight = self.measure(rows)
        return float(credit.sum() / weight.sum()) if weight.sum() > 0 else float("nan")

    def why(self, rows: Rows) -> str:
        """Why there is none."""
        pairs = self.measure(rows)[0]
        if not len(pairs.left):
            where = "no prompt has" if self.grouped else "there are not"
            return f"{where} two rated items to compare"
        return "people rate all items alike"

    def replicates(self, rows: Rows, resamples: int, rng: np.random.Generator) -> Floats:
        """Bootstrap with the threshold held fixed.

        Within prompts a pair belongs to one prompt. Otherwise the accuracy is a U-statistic over
        two rows, replaced by its projection on single rows.
        """
        pairs, _, credit, weight = self.measure(rows)
        cluster = self.data.units.cluster[rows]
        if self.grouped:
            sums = cluster_sums([credit, weight], cluster[pairs.left])
            return replicate(sums, ratio, resamples, rng)
        value, influence = self.value(rows), self.influence(rows)
        sums = cluster_sums([np.ones(len(cluster)), influence], cluster)
        projected = replicate(sums, lambda s: value + s[..., 1] / s[..., 0], resamples, rng)
        return np.clip(projected, 0.0, 1.0)

    def influence(self, rows: Rows) -> Floats:
        """Per item: twice its surplus over the mean credit, relative to the mean weight."""
        pairs, _, credit, weight = self.measure(rows)
        n = len(self.data.human[rows])
        ends = np.concatenate([pairs.left, pairs.right])
        own = totals(ends, np.tile(credit, 2), n)
        base = totals(ends, np.tile(weight, 2), n)
        value = float(credit.sum() / weight.sum())
        order = 1.0 if self.grouped else 2.0  # one prompt, or two items, per pair
        out: Floats = order * (own - value * base) / max(float(base.mean()), 1e-300)
        return out

    def facts(self, rows: Rows) -> dict[str, Any]:
        """Number of pairs and the threshold."""
        pairs, epsilon, _, _ = self.measure(rows)
        facts: dict[str, Any] = {"pairs": len(pairs.left)}
        if pairs.sampled:
            facts["pairs_sampled"] = True
        if self.ties == "calibrated":
            facts["tie_threshold"] = epsilon
            facts["tie_threshold_source"] = "calibrated in-sample"
        return facts


class RatingPairAccuracy(SummarisedMetric):
    """Share of pairs of rated items that the scorer orders as people do, ties included.

    Options: `level`: "sample" (all pairs of items), "system" (pairs of system means), "group"
    (pairs within a prompt, averaged over prompts). `ties`: "calibrated" (acc*_eq: the scorer's
    tie threshold is the best one on these very rows, hence optimistic), "exact" (acc_eq: only
    equal scores are ties), "drop" (human ties dropped, equal scores earn one half).
    """

    card = MetricCard(
        name="rating-pair-accuracy",
        title="Pairwise accuracy of ratings (acc_eq)",
        needs="ratings",
        range=(0.0, 1.0),
        formula="(concordant + tied in both) / pairs; a tie where |score difference| <= epsilon",
        source="Deutsch, Foster & Freitag (2023), EMNLP, eq. 6 and algorithm 1",
        common=True,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """The accuracy of ``evidence.ratings``."""
        chosen = checked(
            self.card.name,
            options,
            {"level": ("sample", LEVELS), "ties": ("calibrated", ("calibrated", "exact", "drop"))},
        )
        level, ties = cast("str", chosen["level"]), cast("str", chosen["ties"])
        data = rated_rows(cast("RatingTable", evidence.ratings), level, False)
        statistic = _Accuracy(data, ties, level == "group")
        extra = {"level": level, "ties": ties}
        empty = "no rated item has a usable score"
        return Prepared(statistic, data.units, settings, statistic.facts, extra, empty)
