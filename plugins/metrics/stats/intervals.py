"""Intervals from replicates and in closed form."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri
from scipy.stats import t as student

from prefgauge.plugins.metrics.stats.draws import Floats

__all__ = ["fisher", "one_sided", "percentile", "wilson"]


def percentile(replicates: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """Equal-tailed percentile interval of the finite replicates.

    None if fewer than half of the replicates are defined: an interval over the rest would
    describe only the resamples that happened to work.
    """
    finite = replicates[np.isfinite(replicates)]
    if len(finite) == 0 or 2 * len(finite) < len(replicates):
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return float(low), float(high)


def fisher(
    replicates: Floats, value: float, units: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Interval of a correlation from few independent units: tanh(atanh(r) -+ t se).

    se is the standard deviation of the replicates on Fisher's scale times sqrt(n / (n - 3)), as
    that scale's variance is 1 / (n - 3) where the bootstrap's is near 1 / n; t is Student's
    quantile for n - 2 degrees of freedom. With few units the percentile interval is too short and off
    centre (its coverage falls below 90 % for 20 units); this one keeps its level. None as in
    :func:`percentile`, or if r is +-1 in all resamples.
    """
    finite = replicates[np.isfinite(replicates)]
    if len(finite) == 0 or 2 * len(finite) < len(replicates) or units < 4:
        return None
    # a resample of few systems may correlate perfectly: its z is infinite, here merely large
    z = np.arctanh(np.clip(finite, -0.9999, 0.9999))
    centre = float(np.arctanh(np.clip(value, -0.9999, 0.9999)))
    se = float(z.std()) * math.sqrt(units / (units - 3))
    half = float(student.ppf(0.5 + confidence / 2.0, units - 2)) * se
    if half == 0.0:
        return None
    low, high = np.tanh(centre - half), np.tanh(centre + half)
    return min(float(low), value), max(float(high), value)


def one_sided(
    value: float, units: int, bounds: tuple[float, float], confidence: float = 0.95
) -> tuple[float, float] | None:
    """Interval of a mean that sits at an end of its range, where every resample gives the same.

    If all of n independent units have the extreme value, the share of other units is below
    1 - (alpha / 2)^(1 / n) at this confidence (Clopper & Pearson 1934, Biometrika 26:404-413), and
    the mean is at most that share of the range away. None where the value is at no end.
    """
    low, high = bounds
    away = (high - low) * (1.0 - ((1.0 - confidence) / 2.0) ** (1.0 / units))
    if not math.isfinite(away):
        return None
    if value == high:
        return high - away, high
    return (low, low + away) if value == low else None


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Wilson score interval of a share; None for n = 0.

    Wilson (1927), JASA 22:209-212. Rows are taken as independent: where prompts repeat, the
    clustered bootstrap is the one to trust.
    """
    if n <= 0:
        return None
    z = float(ndtri(0.5 + confidence / 2.0))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
