"""Correlation and error measures as functions of sums, and Kendall's tau."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.metrics.stats.draws import Floats
from prefgauge.plugins.metrics.stats.inversions import kendall_in_blocks
from prefgauge.plugins.metrics.stats.moments import Lazy
from prefgauge.plugins.metrics.stats.ranks import Ordered

__all__ = ["ccc_of", "kendall", "mae_of", "moment_columns", "pearson", "pearson_of", "rmse_of"]

#: More rows than this are counted block by block.
IN_MEMORY = 500_000
#: A variance below this share of the mean square is rounding, not spread.
FLAT = 1e-24


def moment_columns(x: Floats, y: Floats, weight: Floats | None = None) -> Sequence[NDArray[Any]]:
    """Columns whose sums determine every second-order statistic: w, wx, wy, wxx, wyy, wxy.

    Values are centred on their means first, so that no precision is lost on far-off scales.
    """
    x = x - x.mean() if len(x) else x
    y = y - y.mean() if len(y) else y
    makers: tuple[Callable[[], Floats], ...] = (
        lambda: np.ones_like(x),
        lambda: x,
        lambda: y,
        lambda: x * x,
        lambda: y * y,
        lambda: x * y,
    )
    if weight is None:
        return Lazy(6, lambda j: makers[j]())
    return Lazy(6, lambda j: weight * makers[j]())


def pearson_of(sums: Floats) -> Floats:
    """Pearson's r from the sums of :func:`moment_columns`; NaN where a variance is zero."""
    n, sx, sy, sxx, syy, sxy = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        vx, vy = sxx / n - (sx / n) ** 2, syy / n - (sy / n) ** 2
        flat = (vx <= FLAT + 1e-14 * sxx / n) | (vy <= FLAT + 1e-14 * syy / n)
        r = (sxy / n - sx * sy / n**2) / np.sqrt(vx * vy)
        out: Floats = np.where(flat, np.nan, np.clip(r, -1.0, 1.0))
    return out


def pearson(x: Floats, y: Floats, weight: Floats | None = None) -> float:
    """Pearson's product-moment correlation (weighted); NaN for a constant input."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    # in units of their spread, so that neither huge nor tiny scales over- or underflow
    x, y = (x - x.mean()) / np.ptp(x), (y - y.mean()) / np.ptp(y)
    sums = np.array([c.sum() for c in moment_columns(x, y, weight)])
    return float(pearson_of(sums))


def rmse_of(sums: Floats) -> Floats:
    """Root mean square error from the sums of (w, w e^2)."""
    with np.errstate(all="ignore"):
        return np.sqrt(np.where(sums[..., 0] > 0, sums[..., 1] / sums[..., 0], np.nan))


def mae_of(sums: Floats) -> Floats:
    """Mean absolute error from the sums of (w, w |e|)."""
    with np.errstate(all="ignore"):
        return np.where(sums[..., 0] > 0, sums[..., 1] / sums[..., 0], np.nan)


def ccc_of(sums: Floats, shift: float = 0.0) -> Floats:
    """Lin's concordance correlation from the sums of :func:`moment_columns`.

    2 s_xy / (s_xx + s_yy + (mean_x - mean_y)^2) with population moments; Lin (1989),
    Biometrics 45:255-268. `shift` is mean(x) - mean(y) removed by centring.
    """
    n, sx, sy, sxx, syy, sxy = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        vx, vy = sxx / n - (sx / n) ** 2, syy / n - (sy / n) ** 2
        cov = sxy / n - sx * sy / n**2
        bottom = vx + vy + (sx / n - sy / n + shift) ** 2
        out: Floats = np.where((vx > 0) & (vy > 0) & (bottom > 0), 2 * cov / bottom, np.nan)
    return out


def kendall(x: Floats, y: Floats, variant: str = "b") -> float:
    """Kendall's tau-b or tau-c, O(n log n); NaN for a constant input.

    Kendall (1945) for tau-b; Stuart (1953) for tau-c.
    """
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    if len(x) > IN_MEMORY:
        return kendall_in_blocks(x, y, variant)
    from scipy.stats import kendalltau

    xs, ys = Ordered(x).code, Ordered(y).code
    return float(kendalltau(xs, ys, variant=variant, method="asymptotic").statistic)
