"""What every ranking metric reads from a table: whole groups, or none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.plugins.metrics.stats.grouped import Codes, totals
from prefgauge.plugins.metrics.stats.moments import compact, ratio
from prefgauge.plugins.metrics.stats.preference import INVALID_CREDIT
from prefgauge.plugins.metrics.stats.ranking import group_max
from prefgauge.plugins.metrics.summary import Prepared, SumStatistic, Units
from prefgauge.registry.evidence import FAILED, INVALID, OK, GroupTable
from prefgauge.registry.metric import Settings

__all__ = ["GroupRows", "group_rows", "prepare_groups"]


@dataclass(frozen=True)
class GroupRows:
    """Candidates of the groups in which every candidate has an answer.

    Parameters
    ----------
    group: code 0..size-1 of each row; `rank`, `score`, `candidate`, `right` (rank is the best
        of the group) are columns of the rows.
    cluster, subset, tied, key: one per group; `tied`: several candidates share the top.
    invalid: cluster, subset and key of groups with an unreadable answer (and none that failed).
    answered: see :class:`Units`.
    """

    group: Codes
    rank: Floats
    score: Floats
    candidate: Codes
    right: Mask
    size: int
    cluster: Codes
    subset: Codes
    key: Codes
    tied: Mask
    invalid: tuple[Codes, Codes, Codes]
    names: tuple[str, ...]
    answered: NDArray[np.int64]


def group_rows(table: GroupTable) -> GroupRows:
    """Split the groups into scored, unreadable and failed ones."""
    group, size = compact(table.group)
    first = np.zeros_like(group, shape=size)
    first[group[::-1]] = np.arange(len(group))[::-1]
    bad = (table.status == FAILED) | ((table.status == OK) & ~np.isfinite(table.score))
    failed = totals(group, bad, size) > 0
    invalid = ~failed & (totals(group, table.status == INVALID, size) > 0)
    kept = ~failed & ~invalid
    rows = kept[group]
    own, n_own = compact(group[rows])
    rank, score = table.rank[rows], table.score[rows]
    top = score == group_max(own, score, n_own)[own]
    subset, names = table.subset[first], table.subsets
    asked = np.bincount(subset, minlength=len(names))
    lost = np.bincount(subset[failed], minlength=len(names))
    return GroupRows(
        group=own,
        rank=rank,
        score=score,
        candidate=table.candidate[rows],
        right=rank == -group_max(own, -rank, n_own)[own],
        size=n_own,
        cluster=table.cluster[first[kept]],
        subset=subset[kept],
        key=np.stack([table.sample, table.dimension], axis=1)[first[kept]],
        tied=totals(own, top, n_own) > 1,
        invalid=(
            table.cluster[first[invalid]],
            subset[invalid],
            np.stack([table.sample, table.dimension], axis=1)[first[invalid]],
        ),
        names=names,
        answered=np.stack([asked - lost, asked], axis=1),
    )


def prepare_groups(
    data: GroupRows,
    credit: Floats,
    weight: Floats | None,
    settings: Settings,
    extra: Mapping[str, Any],
    invalid_credit: Callable[[str], float] | None = None,
) -> Prepared:
    """Mean credit per group, or sum of credits over sum of weights.

    Groups whose credit is NaN have no value and are left out. Unreadable groups count by the
    protocol's rule with a weight of 1.
    """
    weight = np.ones(len(credit)) if weight is None else weight
    known = np.isfinite(credit) & (weight > 0)
    cluster, subset, key = data.cluster[known], data.subset[known], data.key[known]
    tied, credit, weight = data.tied[known], credit[known], weight[known]
    facts = dict(extra)
    if left := int((~known).sum()):
        facts["groups_left_out"] = left
    if settings.invalid != "drop" and (n := len(data.invalid[0])):
        rule = invalid_credit or INVALID_CREDIT.__getitem__
        credit = np.concatenate([credit, np.full(n, rule(settings.invalid))])
        weight = np.concatenate([weight, np.ones(n)])
        cluster = np.concatenate([cluster, data.invalid[0]])
        subset = np.concatenate([subset, data.invalid[1]])
        key = np.concatenate([key, data.invalid[2]])
        tied = np.concatenate([tied, np.zeros(n, np.bool_)])
    if len(data.invalid[0]):
        facts["invalid"] = len(data.invalid[0])
    units = Units(cluster, subset, tied, data.names, data.answered, lambda: key)
    statistic = SumStatistic([credit, weight], ratio, cluster)
    return Prepared(statistic, units, settings, None, facts, "no group has a usable answer")
