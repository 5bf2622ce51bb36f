"""Credit per ranked group: best of N, reciprocal rank, pair accuracy, discounted gain.

Every function takes rows of groups coded 0..size-1 and returns one value per group.
"""

from __future__ import annotations

import numpy as np

from prefgauge.plugins.metrics.stats.draws import Floats, Mask
from prefgauge.plugins.metrics.stats.grouped import Codes, group_pairs, totals

__all__ = [
    "best_of_n",
    "best_of_n_curve",
    "group_max",
    "group_min",
    "ndcg",
    "ranking_pairs",
    "reciprocal_rank",
]


def group_max(group: Codes, x: Floats, size: int) -> Floats:
    """Largest x per group; -inf for an empty one."""
    out = np.full_like(x, -np.inf, np.float64, shape=size)
    np.maximum.at(out, group, x)
    return out


def group_min(group: Codes, x: Floats, size: int) -> Floats:
    """Smallest x per group; inf for an empty one."""
    out = np.full_like(x, np.inf, np.float64, shape=size)
    np.minimum.at(out, group, x)
    return out


def best_of_n(group: Codes, right: Mask, score: Floats, size: int, share: bool) -> Floats:
    """Does the scorer pick a right candidate?

    `share`: the share of right ones among those with the top score (RewardBench 2: 1/k of
    k tied for the top). Otherwise 1 only if every top-scored candidate is right (RewardMATH:
    lowest chosen above highest rejected, for one right candidate).
    """
    top = score == group_max(group, score, size)[group]
    n_top = np.maximum(totals(group, top, size), 1)
    hits = totals(group, top & right, size)
    out: Floats = hits / n_top if share else (hits == n_top).astype(np.float64)
    return out


def best_of_n_curve(group: Codes, right: Mask, score: Floats, size: int, most: int) -> Floats:
    """Expected credit of the top-scored among k candidates drawn at random, shape (size, most).

    Of n candidates in falling order of score, the r-th is the best of k drawn ones with
    probability C(n - r, k - 1) / C(n, k). Tied candidates share the credit of their mean, which is
    exact for any k as ties are broken at random. NaN for k above the group's size.
    """
    out = np.full((size, most), np.nan)
    order = np.lexsort((-score, group))
    bounds = np.searchsorted(group[order], np.arange(size + 1))
    for g in range(size):
        rows = order[bounds[g] : bounds[g + 1]]
        n = len(rows)
        _, tie, count = np.unique(-score[rows], return_inverse=True, return_counts=True)
        credit = (np.bincount(tie, weights=right[rows]) / count)[tie]
        # the first chance, k / n, then each next one by the ratio of binomial coefficients
        for k in range(1, min(n, most) + 1):
            chance, total = k / n, 0.0
            for r in range(n - k + 1):
                total += chance * credit[r]
                chance *= (n - r - k) / (n - r - 1) if n - r > 1 else 0.0
            out[g, k - 1] = total
    return out


def reciprocal_rank(group: Codes, right: Mask, score: Floats, size: int, ties: str) -> Floats:
    """1 / rank of the best right candidate; 0 for a group without one.

    `ties` with wrong candidates: "pessimistic" puts them first (RewardMATH), "optimistic" last,
    "mean" takes the mean of the two ranks.
    """
    best = group_max(group[right], score[right], size)[group]
    above = totals(group, ~right & (score > best), size)
    level = totals(group, ~right & (score == best), size)
    rank = 1 + above + {"pessimistic": 1.0, "mean": 0.5, "optimistic": 0.0}[ties] * level
    some = totals(group, right, size) > 0
    return np.where(some, 1.0 / rank, 0.0)


def ranking_pairs(
    group: Codes, rank: Floats, score: Floats, size: int, tie_credit: float, human_ties: bool
) -> tuple[Floats, Floats]:
    """(credit, pairs) per group over pairs of candidates that people rank differently.

    A pair with equal scores gets `tie_credit`. With `human_ties` pairs that people rank alike
    are counted too, as right (the HPD v2 rule: only inversions are wrong).
    """
    credit, pairs = np.zeros_like(score, shape=size), np.zeros_like(score, shape=size)
    for i, j in group_pairs(group):
        human, own = np.sign(rank[j] - rank[i]), np.sign(score[i] - score[j])
        decided = human != 0
        point = np.where(own == 0, tie_credit, (own == human).astype(np.float64))
        point = np.where(decided, point, 1.0 if human_ties else 0.0)
        credit += totals(group[i], point, size)
        pairs += totals(group[i], decided | human_ties, size)
    return credit, pairs


def ndcg(group: Codes, rank: Floats, score: Floats, size: int, at: int, gain: str) -> Floats:
    """Normalised discounted cumulative gain per group; NaN where no candidate has any gain.

    Relevance is (worst rank in the group) - rank, gain linear or 2^relevance - 1, discount
    1 / log2(1 + position). Jarvelin & Kekalainen (2002), ACM TOIS 20:422-446. Tied scores share
    the mean discount of their positions (McSherry & Najork 2008). `at` cuts the list, 0: whole.
    """
    relevance = group_max(group, rank, size)[group] - rank
    value = np.exp2(relevance) - 1.0 if gain == "exponential" else relevance
    got = totals(group, value * _tied_discount(group, -score, at), size)
    best = totals(group, value * _tied_discount(group, rank, at), size)
    with np.errstate(all="ignore"):
        out: Floats = np.where(best > 0, got / best, np.nan)
    return out


def _tied_discount(group: Codes, key: Floats, at: int) -> Floats:
    """Discount at each row's position by rising `key`, averaged over ties."""
    order = np.lexsort((key, group))
    g, k = group[order], key[order]
    n = len(g)
    new_group = np.concatenate([[True], g[1:] != g[:-1]]) if n else np.zeros(0, np.bool_)
    start = np.maximum.accumulate(np.where(new_group, np.arange(n), 0)) if n else np.arange(0)
    position = np.arange(n) - start
    discount = 1.0 / np.log2(position + 2.0)
    if at > 0:
        discount[position >= at] = 0.0
    new_run = new_group.copy()
    new_run[1:] |= k[1:] != k[:-1]
    run = np.cumsum(new_run) - 1
    mean = np.bincount(run, weights=discount) / np.bincount(run) if n else discount
    out = np.empty(n)
    out[order] = mean[run] if n else discount
    return out
