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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prefgauge.plugins.metrics.comparison import compare as paired
from prefgauge.plugins.metrics.summary import SummarisedMetric
from prefgauge.registry import (
    Bundle,
    Evidence,
    Metric,
    PairTable,
    PrefgaugeError,
    Settings,
    UsageError,
    Weighting,
    default,
)
from prefgauge.registry.evidence import OK, Table
from prefgauge.runners.report.rebuild import evidence_of

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

GROUPS = 50
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What one bundle says about a bench, ready to be compared.

    Parameters
    ----------
    value: the headline, recomputed from the outcomes.
    without: the headline without each group of prompts, shape (groups,); NaN where undefined.
    higher_is_better: direction of the headline metric.
    """

    bundle: Bundle
    evidence: Evidence
    samples: tuple[str, ...]
    value: float
    without: Floats
    higher_is_better: bool

    @property
    def key(self) -> str:
        """Bundles with an equal key judged the same samples under the same protocol metric."""
        data = self.bundle.result.get("bench_data") or {}
        return f"{self.bundle.bench}|{data.get('digest')}|{self.bundle.result.get('metric')}"


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
    changed: samples where the winner differs (see :func:`changes`).
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


@dataclass(frozen=True, slots=True)
class Change:
    """A sample on which two scorers prefer different candidates.

    `right` says who agrees with the label: ``"a"``, ``"b"`` or ``"neither"`` (a tie in it).
    """

    sample: str
    subset: str
    pair: tuple[int, int]
    margin_a: float
    margin_b: float
    right: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def answers_of(bundle: Bundle, groups: int = GROUPS, seed: int = 0) -> Answers:
    """Recompute a bundle's headline as a whole and without each group of prompts.

    Raises
    ------
    StoreError: if the bundle's outcomes cannot be read.
    UsageError: if its headline metric is not installed here.
    """
    evidence, samples = evidence_of(bundle)
    protocol = bundle.result.get("protocol") or {}
    metric = default().metric(str(protocol.get("metric") or bundle.result.get("metric")))
    table = _table(evidence, metric, bundle)
    need = metric.card.needs
    settings = _settings(bundle, protocol)
    options = protocol.get("options") or {}

    def value(part: Table) -> float:
        tables: dict[str, Any] = {need: part}
        found = metric.compute(Evidence(**tables), options, settings).value
        return float("nan") if found is None else found

    codes = np.unique(table.cluster)
    count = min(groups, len(codes))
    rng = np.random.default_rng(seed)
    block = rng.permutation(len(codes)) % max(count, 1)
    member = block[np.searchsorted(codes, table.cluster)]
    without = np.array(
        [value(table.where(member != g)) for g in range(count)] if count > 1 else [],
        dtype=np.float64,
    )
    better = metric.card.higher_is_better
    return Answers(bundle, evidence, samples, value(table), without, better)


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


def changes(a: Answers, b: Answers) -> Iterator[Change]:
    """Samples on which the two scorers prefer different candidates, largest change first.

    A tie of one scorer against a winner of the other counts as a change.
    """
    left, right = a.evidence.pairs, b.evidence.pairs
    if left is None or right is None or len(left) != len(right):
        return
    same = (left.sample == right.sample) & (left.first == right.first)
    margin_a, margin_b = _signed(left), _signed(right)
    differ = same & (np.sign(margin_a) != np.sign(margin_b))
    differ &= np.isfinite(margin_a) & np.isfinite(margin_b)
    scale_a, scale_b = _spread(margin_a), _spread(margin_b)
    size = np.abs(margin_a / scale_a - margin_b / scale_b)
    rows = np.flatnonzero(differ)
    for row in rows[np.argsort(-size[rows], kind="stable")]:
        human = np.sign(left.human[row] - 0.5)
        agree_a, agree_b = human == np.sign(margin_a[row]), human == np.sign(margin_b[row])
        yield Change(
            sample=a.samples[left.sample[row]],
            subset=left.subsets[left.subset[row]],
            pair=(int(left.first[row]), int(left.second[row])),
            margin_a=float(margin_a[row]),
            margin_b=float(margin_b[row]),
            right="a" if agree_a else "b" if agree_b else "neither",
        )


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
    tables = [{metric.card.needs: _table(one.evidence, metric, one.bundle)} for one in (a, b)]
    left, right = (Evidence(**table) for table in tables)  # type: ignore[arg-type]
    settings = replace(_settings(a.bundle, protocol), resamples=200)
    try:
        found = paired(left, right, metric, protocol.get("options") or {}, settings)
    except PrefgaugeError:
        return {}  # a metric that does not compare scorers
    return {
        "p_permutation": found.p_value,
        "more_prompts": found.more,
        "tests": dict(found.extra),
    }


def dimension_of(bundle: Bundle) -> str:
    """The dimension that the headline speaks of."""
    result = bundle.result
    first = (result.get("dimensions") or [{"name": "overall"}])[0]["name"]
    return str(result.get("dimension") or (result.get("protocol") or {}).get("dimension") or first)


def _table(evidence: Evidence, metric: Metric, bundle: Bundle) -> Table:
    table: Table | None = getattr(evidence, metric.card.needs)
    wanted = dimension_of(bundle)
    if table is not None and wanted in table.dimensions:
        table = table.where(table.dimension == table.dimensions.index(wanted))
    if table is None or not len(table):
        raise PrefgaugeError(
            f"{bundle.path}: the outcomes hold no {metric.card.needs} on {wanted!r}, which "
            f"{metric.card.name} needs."
        )
    return table


def _settings(bundle: Bundle, protocol: Mapping[str, Any]) -> Settings:
    weighting = Weighting()
    kind = protocol.get("weighting", "pooled")
    # a probed or fitted bench weights as the bench itself
    bench = (bundle.result.get("fitted") or {}).get("of") or bundle.bench.partition("~")[0]
    if kind == "subsets":
        weighting = Weighting("subsets")
    elif kind == "sections" and bench in default().names("bench"):
        weighting = default().bench(bench).protocol.weighting
    return Settings(resamples=0, invalid=protocol.get("invalid", "wrong"), weighting=weighting)


def _signed(table: PairTable) -> Floats:
    margin = table.margin()
    margin[table.status != OK] = np.nan
    return margin


def _spread(margin: Floats) -> float:
    known = margin[np.isfinite(margin)]
    return float(np.std(known)) or 1.0 if len(known) else 1.0
