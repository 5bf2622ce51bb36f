"""Are the scorer's probabilities honest? Temperature, reliability bins, AUC of margins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from prefgauge.plugins.metrics.stats.draws import Floats, Ints, generator
from prefgauge.plugins.metrics.stats.grouped import Codes
from prefgauge.plugins.metrics.stats.moments import compact

__all__ = [
    "Bins",
    "agreeing_auc",
    "bins_of",
    "cross_fitted",
    "ece_of",
    "fit_inverse_temperature",
    "reliability",
]

#: Inverse temperatures are searched in units of 1 / median |margin|, up to this one.
STEEPEST = 100.0


def fit_inverse_temperature(agreeing: Floats, weight: Floats) -> float:
    """The a >= 0 that maximises sum w log sigma(a m): Bradley-Terry with margins m.

    `agreeing` are margins towards the human choice. The likelihood is concave in a, so Newton
    steps inside a shrinking bracket find it. 0 means that margins carry no information;
    perfectly separated margins stop at ``STEEPEST`` / median |m|.
    """
    size = np.abs(agreeing)
    unit = float(np.median(size[size > 0])) if (size > 0).any() else 0.0
    if unit == 0.0:
        return 0.0
    m = agreeing / unit

    def slope(a: float) -> float:
        return float((weight * m * expit(-a * m)).sum())

    low, high = 0.0, STEEPEST
    if slope(low) <= 0:
        return 0.0
    if slope(high) >= 0:
        return high / unit
    a = 1.0
    for _ in range(100):
        gradient = slope(a)
        low, high = (a, high) if gradient > 0 else (low, a)
        p = expit(-a * m)
        curvature = float((weight * m * m * p * (1 - p)).sum())
        step = a + gradient / curvature if curvature > 0 else np.nan
        new = step if low < step < high else (low + high) / 2
        if abs(new - a) < 1e-10 * max(1.0, a):
            break
        a = new
    return float(a / unit)


def cross_fitted(
    margin: Floats, agreeing: Floats, weight: Floats, cluster: Codes, folds: int, seed: int
) -> tuple[Floats, list[float]]:
    """(P(first), inverse temperature per fold): each row's temperature is fitted without the
    rows of its fold; folds never split a prompt."""
    codes, n = compact(cluster)
    folds = max(2, min(folds, n))
    # narrow numbers: there may be millions, and the order drawn does not depend on the type
    order = generator(seed, 5).permutation(np.arange(n, dtype=np.int32))
    order %= folds
    fold = np.take(order, codes)
    p = np.full_like(margin, 0.5)
    steepness = []
    for k in range(folds):
        held = fold == k
        a = fit_inverse_temperature(agreeing[~held], weight[~held])
        p[held] = expit(a * margin[held])
        steepness.append(a)
    return p, steepness


@dataclass(frozen=True)
class Bins:
    """Reliability bins of equal count.

    Parameters
    ----------
    code: bin of each row; `size`: number of bins.
    """

    code: Ints
    size: int


def bins_of(confidence: Floats, most: int) -> Bins:
    """Up to `most` bins of nearly equal count; equal confidences share a bin.

    Adaptive bins: Nguyen & O'Connor (2015), EMNLP, sec. 4.
    """
    values, inverse, count = np.unique(confidence, return_inverse=True, return_counts=True)
    centre = np.cumsum(count) - count / 2.0
    wanted = np.minimum((centre / len(confidence) * most).astype(np.int64), most - 1)
    code, size = compact(wanted)
    return Bins(code[inverse], size if len(values) else 0)


def ece_of(sums: Floats) -> Floats:
    """Expected calibration error from sums (..., 3 bins): per bin weight, confidence, hits."""
    weight, confidence, hits = np.moveaxis(sums.reshape((*sums.shape[:-1], 3, -1)), -2, 0)
    total = weight.sum(axis=-1)
    with np.errstate(all="ignore"):
        out: Floats = np.abs(hits - confidence).sum(axis=-1) / np.where(total > 0, total, np.nan)
    return out


def agreeing_auc(agreeing: Floats, weight: Floats) -> Floats:
    """Per row i: P(c_i + c_j > 0) + P(c_i + c_j = 0) / 2 over rows j.

    The weighted mean over rows is the area under the ROC curve of margins, with every pair
    entered in both directions, so that the published order of a pair cannot matter.
    """
    values, inverse = np.unique(agreeing, return_inverse=True)
    mass = np.bincount(inverse, weights=weight, minlength=len(values))
    below = np.concatenate([[0.0], np.cumsum(mass)])
    left = np.searchsorted(values, -values, side="left")
    right = np.searchsorted(values, -values, side="right")
    total = below[-1]
    share: Floats = (total - below[right] + (below[right] - below[left]) / 2.0) / total
    return share[inverse]


def reliability(bins: Bins, weight: Floats, confidence: Floats, hits: Floats) -> list[Any]:
    """[{confidence, accuracy, n}] per bin, for a reliability diagram."""
    mass = np.bincount(bins.code, weights=weight, minlength=bins.size)
    mean = np.bincount(bins.code, weights=weight * confidence, minlength=bins.size) / mass
    right = np.bincount(bins.code, weights=weight * hits, minlength=bins.size) / mass
    return [
        {"confidence": float(c), "accuracy": float(a), "n": float(n)}
        for c, a, n in zip(mean, right, mass, strict=True)
    ]
