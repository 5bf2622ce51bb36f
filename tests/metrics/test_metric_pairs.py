"""Pairwise accuracy, kappa and F1 by hand-worked cases and outside libraries."""

from __future__ import annotations

import numpy as np
import pytest
from metric_tables import FAST, NO_CI, pair_table, pairs
from scipy.stats import binomtest

from prefgauge.plugins.metrics.pair_accuracy import PairAccuracy
from prefgauge.plugins.metrics.pair_classes import CohenKappa, PairMacroF1
from prefgauge.registry import UsageError
from prefgauge.registry.evidence import Evidence
from prefgauge.registry.metric import Settings
from prefgauge.registry.protocol import Weighting

# human: first, second, tie, first, second, tie; margins: right, right, wrong, tie, wrong, tie
HUMAN = [1, 0, 0.5, 1, 0, 0.5]
SCORES = [(2, 1), (1, 2), (2, 1), (1, 1), (3, 1), (0, 0)]


def value(metric, evidence, settings=NO_CI, **options):
    return metric.compute(evidence, options, settings).value


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # four pairs without human ties: right, right, tied, wrong
        ("strict", 2 / 4),
        ("half", 2.5 / 4),
        ("net", 2 / 4),
        ("mean", 2 / 4),
        # six pairs: right, right, wrong, wrong (tie for first), wrong, right (tie for tie)
        ("both", 3 / 6),
        ("three-way", 3 / 6),
    ],
)
def test_tie_rules_of_a_pointwise_scorer(rule, expected):
    assert value(PairAccuracy(), pairs(HUMAN, scores=SCORES), ties=rule) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # rows: consistent right; inconsistent; right+tie; wrong+tie; consistent wrong; tie, tie
        # human: first everywhere but in the last row, which is a tie
        ("strict", 2 / 5),  # means .9, .5, .75, .25, .1: right, tie, right, wrong, wrong
        ("half", 2.5 / 5),
        ("net", 2 / 5),  # +2, 0, +1, -1, -2
        ("mean", (1 + 0.5 + 0.5 + 0 + 0) / 5),
        ("both", 2 / 6),  # the first and the last
        ("three-way", 3 / 6),
    ],
)
def test_tie_rules_over_two_orders(rule, expected):
    evidence = pairs(
        [1, 1, 1, 1, 1, 0.5],
        given=[0.9, 1.0, 1.0, 0.0, 0.1, 0.5],
        swapped=[0.9, 0.0, 0.5, 0.5, 0.1, 0.5],
    )
    assert value(PairAccuracy(), evidence, ties=rule) == pytest.approx(expected, abs=1e-12)


def test_consistency_is_told_for_two_orders():
    evidence = pairs([1, 1, 0, 0], given=[1, 1, 0, 1], swapped=[1, 0, 0, 1])
    result = PairAccuracy().compute(evidence, {"ties": "both"}, NO_CI)
    assert (result.value, result.extra["consistency"]) == (0.5, 0.75)


@pytest.mark.parametrize(
    ("rule", "expected"), [("wrong", 1 / 3), ("half", 0.5), ("quarter", 1.25 / 3), ("drop", 0.5)]
)
def test_unreadable_verdicts(rule, expected):
    evidence = pairs([1, 1, 1], given=[1, 0, np.nan], status=[0, 0, 1])
    result = PairAccuracy().compute(evidence, {}, Settings(resamples=0, invalid=rule))
    assert result.value == pytest.approx(expected)
    assert result.coverage == 1.0
    assert result.extra["invalid"] == 1


def test_a_null_in_one_order_is_a_zero_vote_under_net():
    evidence = pairs([1, 1], given=[1, np.nan], swapped=[np.nan, 0], status=[1, 1])
    assert value(PairAccuracy(), evidence, ties="net") == 0.5


def test_failed_rows_leave_the_value_and_lower_coverage():
    evidence = pairs(
        [1, 1, 1, 1], scores=[(1, 0), (1, 0), (0, 1), (np.nan, 0)], status=[0, 0, 2, 0]
    )
    result = PairAccuracy().compute(evidence, {}, FAST)
    assert (result.value, result.n, result.coverage) == (1.0, 2, 0.5)


def test_weights_are_votes():
    evidence = pairs([1, 0], scores=[(1, 0), (1, 0)], weight=[3, 1])
    result = PairAccuracy().compute(evidence, {}, NO_CI)
    assert result.value == 0.75


def test_calibrated_threshold_equals_a_plain_search():
    rng = np.random.default_rng(3)
    human = rng.choice([0, 0.5, 1], 300)
    scores = np.stack([human + rng.normal(size=300), np.zeros(300) + 0.5], axis=1)
    result = PairAccuracy().compute(
        pairs(human, scores=scores), {"ties": "three-way", "tie_threshold": "calibrated"}, NO_CI
    )
    margin = scores[:, 0] - scores[:, 1]

    def accuracy(t):  # the plain definition: a tie where |difference| < t
        said = np.where(np.abs(margin) < t, 0.5, margin > 0)
        return (said == human).mean()

    grid = [i / 100 for i in range(201)]
    best = max(grid, key=accuracy)  # the first of equal ones
    assert result.extra["tie_threshold"] == best
    assert result.value == pytest.approx(accuracy(best))
    assert result.extra["tie_threshold_source"] == "calibrated in-sample"


def test_subsets_and_weightings():
    evidence = pairs(
        [1] * 6,
        scores=[(1, 0), (1, 0), (1, 0), (0, 1), (1, 0), (0, 1)],
        subset=["a", "a", "a", "b", "b", "c"],
    )
    metric = PairAccuracy()
    pooled = metric.compute(evidence, {}, FAST)
    assert pooled.value == pytest.approx(4 / 6)
    assert {k: v.value for k, v in pooled.subsets.items()} == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert pooled.subsets["c"].ci_low is None  # one prompt has no spread
    even = metric.compute(evidence, {}, Settings(resamples=100, weighting=Weighting("subsets")))
    assert even.value == pytest.approx(0.5)
    assert even.extra["pooled"] == pytest.approx(4 / 6)
    sections = {"one": {"a": 3.0, "b": 1.0}, "two": {"c": 10.0, "gone": 90.0}, "none": {"x": 1.0}}
    result = metric.compute(
        evidence, {}, Settings(resamples=100, weighting=Weighting("sections", sections))
    )
    # section one: (3*1 + 1*.5)/4 = .875; section two: only c, 0; section none is left out
    assert result.value == pytest.approx(0.4375)
    assert result.extra["sections"] == pytest.approx({"one": 0.875, "two": 0.0})
    assert result.extra["missing_subsets"] == ["gone", "x"]
    assert result.ci_low < result.value < result.ci_high


def test_interval_equals_the_plain_clustered_bootstrap():
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, 60, 300)
    right = rng.random(300) < 0.3 + 0.5 * (cluster % 2)
    evidence = pairs([1] * 300, scores=[(1, 0) if r else (0, 1) for r in right], cluster=cluster)
    result = PairAccuracy().compute(evidence, {}, Settings(resamples=20_000))
    # the definition: draw clusters with replacement, pool their rows
    members = [right[cluster == c] for c in range(60)]
    drawn = [
        np.concatenate([members[c] for c in rng.integers(0, 60, 60)]).mean() for _ in range(4000)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert result.ci_low == pytest.approx(low, abs=0.006)
    assert result.ci_high == pytest.approx(high, abs=0.006)
    assert result.clusters == 60


def test_wilson_equals_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    evidence = pairs([1] * 50, scores=[(1, 0)] * 43 + [(0, 1)] * 7)
    result = PairAccuracy().compute(evidence, {}, NO_CI)
    low, high = proportion.proportion_confint(43, 50, method="wilson")
    assert result.extra["wilson_low"] == pytest.approx(low, abs=1e-12)
    assert result.extra["wilson_high"] == pytest.approx(high, abs=1e-12)


def test_same_seed_same_interval():
    evidence = pairs([1] * 40, scores=[(i % 3, 1) for i in range(40)])
    one, two = (PairAccuracy().compute(evidence, {}, FAST) for _ in range(2))
    assert (one.ci_low, one.ci_high) == (two.ci_low, two.ci_high)
    other = PairAccuracy().compute(evidence, {}, Settings(resamples=200, seed=1))
    assert other.value == one.value


def classes(seed=0, n=200):
    rng = np.random.default_rng(seed)
    human = rng.choice([0, 0.5, 1], n, p=[0.3, 0.2, 0.5])
    said = np.where(rng.random(n) < 0.6, human, rng.choice([0, 0.5, 1], n))
    return human, said


def test_kappa_and_f1_equal_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    human, said = classes()
    evidence = pairs(human, given=said)
    labels, answers = (human * 2).astype(int), (said * 2).astype(int)
    assert value(CohenKappa(), evidence) == pytest.approx(sk.cohen_kappa_score(labels, answers))
    assert value(PairMacroF1(), evidence) == pytest.approx(
        sk.f1_score(labels, answers, average="macro")
    )
    two = human != 0.5
    evidence = pairs(human[two], given=said[two] > 0.4)
    got = value(PairMacroF1(), evidence)
    assert got == pytest.approx(sk.f1_score(labels[two], (said[two] > 0.4) * 2, average="macro"))


def test_unreadable_verdicts_agree_with_no_class():
    sk = pytest.importorskip("sklearn.metrics")
    human, said = classes()
    status = (np.arange(len(human)) % 10 == 0).astype(int)
    evidence = pairs(human, given=np.where(status, np.nan, said), status=status)
    answers = np.where(status, 9, said * 2).astype(int)
    expected = sk.cohen_kappa_score((human * 2).astype(int), answers)
    assert value(CohenKappa(), evidence) == pytest.approx(expected)
    dropped = CohenKappa().compute(evidence, {}, Settings(resamples=0, invalid="drop"))
    assert dropped.n == (status == 0).sum()


@pytest.mark.parametrize("metric", [PairAccuracy(), CohenKappa(), PairMacroF1()])
@pytest.mark.parametrize(
    "evidence",
    [
        pairs([]),
        pairs([1, 1], scores=[(1, 0), (1, 0)], status=[2, 2]),
        pairs([np.nan][:0]),
    ],
)
def test_nothing_to_measure_has_a_reason(metric, evidence):
    result = metric.compute(evidence, {}, FAST)
    assert result.value is None
    assert result.reason


def test_degenerate_inputs_name_their_reason():
    only_ties = PairAccuracy().compute(pairs([0.5, 0.5], scores=[(1, 0), (1, 0)]), {}, FAST)
    assert only_ties.reason == "every human label is a tie, and this rule drops ties"
    same = CohenKappa().compute(pairs([1, 1], scores=[(1, 0), (1, 0)]), {}, FAST)
    assert same.value is None
    assert "single class" in same.reason
    one = PairAccuracy().compute(pairs([1], scores=[(1, 0)]), {}, FAST)
    assert (one.value, one.ci_low) == (1.0, None)
    assert "two or more independent prompts" in one.reason


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tie": "half"}, "no option 'tie'. Did you mean 'ties'?"),
        ({"ties": "maybe"}, "must be 'half' | 'strict'"),
        ({"tie_threshold": -1}, "must be a number >= 0 or 'calibrated', not -1"),
        ({"tie_threshold": "calibrated"}, "needs ties='three-way'"),
    ],
)
def test_wrong_options_are_usage_errors(options, text):
    with pytest.raises(UsageError, match=text.replace("|", r"\|").replace("?", r"\?")):
        PairAccuracy().compute(pairs(HUMAN, scores=SCORES), options, NO_CI)


def test_a_million_rows_have_the_binomial_interval():
    n = 1_000_000
    rng = np.random.default_rng(0)
    table = pair_table(rng.integers(0, 2, n), scores=rng.random((n, 2)))
    result = PairAccuracy().compute(Evidence(pairs=table), {}, Settings(resamples=2000))
    assert result.ci_high - result.ci_low == pytest.approx(2 * 1.96 * 0.5 / n**0.5, rel=0.1)


@pytest.mark.parametrize(("right", "share"), [(True, 1.0), (False, 0.0)])
def test_all_right_or_all_wrong_leaves_doubt(right, share):
    """Every resample is alike there; the interval is the exact binomial one over prompts (scipy)."""
    scores = [(2, 1) if right else (1, 2)] * 12
    prompts = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]  # ten of them
    got = PairAccuracy().compute(pairs([1] * 12, scores=scores, cluster=prompts), {}, FAST)
    exact = binomtest(10 if right else 0, 10).proportion_ci(0.95, "exact")
    assert got.value == share
    assert (got.ci_low, got.ci_high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_a_mean_at_no_end_keeps_its_bootstrap_interval():
    """Ties count half, so all resamples give one half: that is no end of the range."""
    got = PairAccuracy().compute(pairs([1] * 8, scores=[(1, 1)] * 8), {"ties": "half"}, FAST)
    assert (got.value, got.ci_low, got.ci_high) == (0.5, 0.5, 0.5)
