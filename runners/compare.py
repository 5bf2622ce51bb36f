"""Is one scorer better than another? Paired tests on the same samples.

The difference of two values of any metric gets its standard error from a delete-a-group
jackknife: the prompts are split at random into G groups, the metric is computed G times without
one of them, for both scorers alike, and

    se^2 = (G - 1) / G * sum_g (d_g - mean d)^2

over the G differences d_g (Shao and Tu, The Jackknife and Bootstrap, 1995, section 2.3; Kott, J.
Official Statistics 17, 2001, eq. 2). The difference over its error is compared with Student's t on
G - 1 degrees of freedom. Pairing is what makes it sharp: samples that both get right or wrong
drop out. Several comparisons are corrected by Holm (Scand. J. Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from prefgauge.plugins.metrics.comparison import compare as paired
from prefgauge.plugins.metrics.summary import SummarisedMetric
from prefgauge.registry import Evidence, PrefgaugeError, UsageError, default
from prefgauge.runners.changes import Change, changes
from prefgauge.runners.compared import (
    GROUPS,
    Answers,
    Floats,
    answers_of,
    dimension_of,
    settings_of,
    table_of,
)

__all__ = [
    "GROUPS",
    "Answers",
    "Change",
    "Comparison",
    "answers_of",
    "changes",
    "compare",
    "dimension_of",
    "holm",
    "interval",
    "top_group",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Scorer `a` against scorer `b` on one bench.

    Parameters
    ----------
    difference: value of a less value of b; positive means a agrees more (an error metric is
        turned round).
    low, high: its 95 % interval.
    p: two-sided p of no difference; `p_holm`: corrected for all comparisons of one call.
    groups: jackknife groups behind the interval.
    changed: pairs whose winner differs (see :func:`changes`).
    p_permutation: by sign-flip permutation of prompts, where the metric allows it.
    more_prompts: how many more prompts a difference this large would need for 80 % power.
    tests: further tests that fit: McNemar's for right or wrong, Williams' for correlations.
    """

    bench: str
    metric: str
    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float = float("nan")
    groups: int = 0
    n: int = 0
    changed: int | None = None
    reason: str = ""
    p_permutation: float | None = None
    more_prompts: int | None = None
    tests: Mapping[str, Any] = field(default_factory=dict)

    @property
    def significant(self) -> bool:
        """True if the corrected p is under 0.05."""
        return bool(self.p_holm < 0.05)


def compare(found: Sequence[Answers], alpha: float = 0.05) -> list[Comparison]:
    """All pairs of scorers on each bench, with Holm's correction over all of them.

    Answers that do not share samples and metric are not compared. `alpha` sets the interval.

    Raises
    ------
    UsageError: if no two of them can be compared; the message says why.
    """
    pairs = [(a, b) for a, b in combinations(found, 2) if a.key == b.key]
    if not pairs:
        seen = ", ".join(f"{item.bundle.scorer} on {item.bundle.bench}" for item in found)
        raise UsageError(
            f"Nothing to compare among {seen or 'no results'}: it takes two scorers' results on one "
            "bench, read from the same data (same digest and --limit) and by the same headline metric."
        )
    raw = [_pair(a, b, alpha) for a, b in pairs]
    adjusted = holm([item["p"] for item in raw])
    return [Comparison(**item, p_holm=p) for item, p in zip(raw, adjusted)]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values; NaN stays NaN and does not count."""
    values = np.asarray(p, dtype=np.float64)
    out = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * (len(order) - np.arange(len(order)))
    out[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in out]


def top_group(found: Sequence[Answers], alpha: float = 0.05) -> set[str]:
    """The best scorer and those not significantly worse than it (Holm over the bench). Empty if
    no test was possible; a scorer that could not be tested is left out."""
    known = [item for item in found if np.isfinite(item.value)]
    if not known:
        return set()
    best = max(known, key=lambda item: item.value if item.higher_is_better else -item.value)
    rest = [item for item in known if item is not best and item.key == best.key]
    p = holm([_pair(best, item, alpha, count=False)["p"] for item in rest])
    if not np.isfinite(p).any():
        return set()
    same = {item.bundle.scorer for item, value in zip(rest, p) if value >= alpha}
    return same | {best.bundle.scorer}


def _pair(a: Answers, b: Answers, alpha: float, count: bool = True) -> dict[str, Any]:
    sign = 1.0 if a.higher_is_better else -1.0
    item: dict[str, Any] = {
        "bench": a.bundle.bench,
        "metric": str(a.bundle.result.get("metric")),
        "a": a.bundle.scorer,
        "b": b.bundle.scorer,
        "value_a": a.value,
        "value_b": b.value,
        "difference": sign * (a.value - b.value),
        "groups": len(a.without),
        "n": int(a.bundle.result.get("n") or 0),
        "changed": sum(1 for _ in changes(a, b)) if count and a.evidence.pairs else None,
    }
    low, high, p, reason = interval(item["difference"], sign * a.without, sign * b.without, alpha)
    item |= {"low": low, "high": high, "p": p, "reason": reason}
    return item | _further(a, b) if count else item


def interval(
    difference: float, a: Floats, b: Floats, alpha: float = 0.05
) -> tuple[float, float, float, str]:
    """(low, high, two-sided p, reason) of a difference, from the two scorers' values without each
    group; NaN with a reason where there is no test."""
    none = (float("nan"),) * 3
    if not np.isfinite(difference):
        return *none, "a value is undefined"
    if len(a) != len(b) or len(a) < 5:
        return *none, "fewer than five independent prompts"
    gap = a - b
    if not np.isfinite(gap).all():
        return *none, "undefined without some of the prompts"
    groups = len(gap)
    error = float(np.sqrt((groups - 1) / groups * np.sum((gap - gap.mean()) ** 2)))
    if error < 1e-12:  # identical answers, or a difference that every prompt shares
        if abs(difference) < 1e-12:
            return difference, difference, 1.0, ""
        return difference, difference, float("nan"), "every prompt shows the same difference"
    reach = float(stats.t.ppf(1 - alpha / 2, groups - 1)) * error
    p = float(2 * stats.t.sf(abs(difference) / error, groups - 1))
    return difference - reach, difference + reach, p, ""


def _further(a: Answers, b: Answers) -> dict[str, Any]:
    """Permutation test, power and special tests, for metrics that have an influence function."""
    protocol = a.bundle.result.get("protocol") or {}
    metric = default().metric(str(protocol.get("metric") or a.bundle.result.get("metric")))
    if not isinstance(metric, SummarisedMetric):
        return {}
    tables = [{metric.card.needs: table_of(one.evidence, metric, one.bundle)} for one in (a, b)]
    left, right = (Evidence(**table) for table in tables)  # type: ignore[arg-type]
    settings = replace(settings_of(a.bundle, protocol), resamples=200)
    try:
        found = paired(left, right, metric, protocol.get("options") or {}, settings)
    except PrefgaugeError:
        return {}  # a metric that does not compare scorers
    return {
        "p_permutation": found.p_value,
        "more_prompts": found.more,
        "tests": dict(found.extra),
    }
