"""Accuracy on preference pairs under every published tie rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from prefgauge.plugins.metrics.options import checked
from prefgauge.plugins.metrics.pair_rows import CHUNK, PairRows, pair_rows
from prefgauge.plugins.metrics.stats import preference as rules
from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.plugins.metrics.stats.intervals import wilson
from prefgauge.plugins.metrics.stats.moments import ratio
from prefgauge.plugins.metrics.summary import Prepared, Rows, SummarisedMetric, SumStatistic, Units
from prefgauge.registry import UsageError
from prefgauge.registry.cards import MetricCard, Option
from prefgauge.registry.evidence import Evidence, PairTable
from prefgauge.registry.metric import Settings

__all__ = ["PairAccuracy", "ratio"]

TIES = ("half", "strict", "net", "both", "mean", "three-way")
#: Rules in which a human tie is a class of its own; the others drop such rows.
KEEPS_TIES = ("both", "three-way")
#: Auto-J searches the threshold of scalar models on 0, 0.01, ... 2.
GRID = np.arange(201) / 100.0


class PairAccuracy(SummarisedMetric):
    """Share of preference pairs on which the scorer agrees with people.

    Options: `ties` names the rule (see ``card.formula``); `tie_threshold` is, for
    ``ties="three-way"``, the largest absolute margin that is a predicted tie, or "calibrated":
    the best of 0, 0.01, ... 2 on these very rows (in-sample, hence optimistic; the threshold is
    in ``extra``).
    """

    card = MetricCard(
        name="pair-accuracy",
        title="Pairwise accuracy",
        needs="pairs",
        range=(0.0, 1.0),
        formula=(
            "weighted mean credit per pair. strict: predicted tie wrong; half: predicted tie 1/2; "
            "net: net vote of the two orders > 0; mean: mean of the accuracies in both orders "
            "(all four drop human ties); both: right in both orders; three-way: tie is a class "
            "(the last two keep human ties)"
        ),
        source=(
            "RewardBench (Lambert et al. 2024), JudgeBench (Tan et al. 2024), LLMBar (Zeng et al. "
            "2024), Auto-J (Li et al. 2023), PandaLM (Wang et al. 2023); interval: percentile "
            "bootstrap over prompts; extra: Wilson (1927)"
        ),
        common=True,
    )

    def prepare(
        self, evidence: Evidence, options: Mapping[str, Option], settings: Settings
    ) -> Prepared:
        """Accuracy of ``evidence.pairs``."""
        chosen = checked(
            self.card.name,
            options,
            {"ties": ("half", TIES), "tie_threshold": (0.0, object)},
        )
        rule = cast("str", chosen["ties"])
        table = cast("PairTable", evidence.pairs)
        rows = pair_rows(table)
        relevant = np.ones_like(rows.failed) if rule in KEEPS_TIES else rows.human != 0
        used = relevant & ~rows.failed
        if settings.invalid == "drop":
            used &= ~rows.invalid
        extra: dict[str, Any] = {"rule": rule}
        threshold = _threshold(chosen["tie_threshold"], rows, table.weight, used, rule, extra)
        credit = np.empty_like(rows.given)
        for start in range(0, len(table), CHUNK):
            at = slice(start, start + CHUNK)
            credit[at] = _credit(rule, rows.where(at), threshold, settings)
        _tell(extra, rule, rows, used, relevant)
        tie = (rows.margin == 0) | (_is_tie(rows, threshold) if rule == "three-way" else False)
        units = Units.of(table, relevant, rows.failed, used, tie)
        weight = table.weight[used]
        score = credit[used] * weight
        statistic = SumStatistic([score, weight], ratio, units.cluster)

        def facts(at: Rows) -> Mapping[str, Any]:
            return _wilson(score[at], weight[at], settings.confidence)

        empty = "no pairs" if not len(table) else _nothing(rows, relevant)
        return Prepared(statistic, units, settings, facts, extra, empty)


def _threshold(
    asked: Option,
    rows: PairRows,
    weight: Floats,
    used: Mask,
    rule: str,
    extra: dict[str, Any],
) -> tuple[float, bool]:
    """(threshold, strict): a fixed one is ``<=``, a calibrated one ``<`` as in Auto-J."""
    if asked == "calibrated":
        if rule != "three-way":
            raise UsageError("tie_threshold='calibrated' needs ties='three-way'.")
        at = used & ~rows.invalid & ~np.isnan(rows.margin)
        found = rules.tie_threshold(rows.human[at], rows.margin[at], weight[at], GRID)
        extra["tie_threshold"] = found
        extra["tie_threshold_source"] = "calibrated in-sample"
        return found, True
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 <= asked < np.inf:
        raise UsageError(
            "Option 'tie_threshold' of metric 'pair-accuracy' must be a number >= 0 or "
            f"'calibrated', not {asked!r}."
        )
    if rule == "three-way":
        extra["tie_threshold"] = float(asked)
    return float(asked), False


def _is_tie(rows: PairRows, threshold: tuple[float, bool]) -> Mask:
    tie: Mask = rules.three_way_class(rows.margin, *threshold) == 0
    return tie


def _credit(rule: str, rows: PairRows, threshold: tuple[float, bool], settings: Settings) -> Floats:
    """Credit of every row (rows that do not count are computed and ignored)."""
    invalid_credit = rules.INVALID_CREDIT.get(settings.invalid, 0.0)
    human, given, swapped = rows.human, rows.given, rows.swapped
    if rule == "net":
        return rules.net_vote(human, given, swapped)  # a null verdict is a zero vote
    if rule == "mean":
        return rules.mean_of_orders(human, given, swapped, rows.invalid, invalid_credit)
    if rule == "both":
        credit = rules.both_orders(human, given, swapped)
    elif rule == "three-way":
        credit = rules.three_way(human, rows.margin, *threshold)
    else:
        credit = rules.single(human, rows.margin, 0.5 if rule == "half" else 0.0)
    out: Floats = np.where(rows.invalid, invalid_credit, credit)
    return out


def _tell(extra: dict[str, Any], rule: str, rows: PairRows, used: Mask, relevant: Mask) -> None:
    """Facts about the rows that a reader of the value should know."""
    if dropped := int((~relevant).sum()):
        extra["human_ties_dropped"] = dropped
    if invalid := int((rows.invalid & relevant).sum()):
        extra["invalid"] = invalid
    both = used & ~np.isnan(rows.given) & ~np.isnan(rows.swapped)
    if rule in {"both", "net", "mean"} and both.any():
        extra["consistency"] = float((rows.given[both] == rows.swapped[both]).mean())
        if int(both.sum()) < int(used.sum()):
            extra["asked_in_both_orders"] = int(both.sum())


def _nothing(rows: PairRows, relevant: Mask) -> str:
    if not relevant.any():
        return "every human label is a tie, and this rule drops ties"
    if rows.failed[relevant].all():
        return "no pair has an answer"
    return "every answer is unreadable, and the protocol drops such rows"


def _wilson(score: Floats, weight: Floats, confidence: float) -> dict[str, float]:
    """Wilson bounds with Kish's effective n, which is n where all weights are equal."""
    total = float(weight.sum())
    if total <= 0:
        return {}
    effective = total**2 / float((weight**2).sum())
    bounds = wilson(float(score.sum()) / total * effective, effective, confidence)
    return {} if bounds is None else {"wilson_low": bounds[0], "wilson_high": bounds[1]}
