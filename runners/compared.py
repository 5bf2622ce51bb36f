"""What a bundle says, ready to be compared: its headline as a whole and without groups of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import (
    Bundle,
    Evidence,
    Metric,
    PrefgaugeError,
    Settings,
    Weighting,
    default,
)
from prefgauge.registry.evidence import Table
from prefgauge.runners.report.rebuild import evidence_of

__all__ = ["GROUPS", "Answers", "Floats", "answers_of", "dimension_of", "settings_of", "table_of"]

#: Groups of prompts that the jackknife leaves out in turn.
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
    table = table_of(evidence, metric, bundle)
    need = metric.card.needs
    settings = settings_of(bundle, protocol)
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


def dimension_of(bundle: Bundle) -> str:
    """The dimension that the headline speaks of."""
    result = bundle.result
    first = (result.get("dimensions") or [{"name": "overall"}])[0]["name"]
    return str(result.get("dimension") or (result.get("protocol") or {}).get("dimension") or first)


def table_of(evidence: Evidence, metric: Metric, bundle: Bundle) -> Table:
    """The rows of the headline's dimension.

    Raises
    ------
    PrefgaugeError: if there are none.
    """
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


def settings_of(bundle: Bundle, protocol: Mapping[str, Any]) -> Settings:
    """The settings under which the bundle's headline was computed, without resamples."""
    weighting = Weighting()
    kind = protocol.get("weighting", "pooled")
    # a probed or fitted bench weights as the bench itself
    bench = (bundle.result.get("fitted") or {}).get("of") or bundle.bench.partition("~")[0]
    if kind == "subsets":
        weighting = Weighting("subsets")
    elif kind == "sections" and bench in default().names("bench"):
        weighting = default().bench(bench).protocol.weighting
    return Settings(resamples=0, invalid=protocol.get("invalid", "wrong"), weighting=weighting)
