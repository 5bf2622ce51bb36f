"""Ridge regression on frozen features, for many penalties at once.

With centred features X (n, d) and labels y it minimises ||y - X w||^2 + alpha ||w||^2, with an
intercept that is not penalised (Hoerl & Kennard, Ridge Regression, Technometrics 1970, eq. 2.1;
scikit-learn's ``Ridge``). One eigendecomposition of the smaller Gram matrix serves all alphas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALPHAS", "Ridges", "fit_ridges"]

Floats = NDArray[np.float64]
#: Penalties tried by ARNIQA's published evaluation (its test.py).
ALPHAS: Floats = np.geomspace(1e-3, 1e3, 100)
_ROWS = 4096  # converted to float64 at a time


@dataclass(frozen=True)
class Ridges:
    """Fitted regressions, one per penalty.

    Parameters
    ----------
    weights: shape (d, penalties); intercepts: shape (penalties,).
    """

    weights: Floats
    intercepts: Floats

    def predict(self, features: NDArray[np.floating]) -> Floats:
        """Shape (n, penalties)."""
        parts = [
            np.asarray(features[start : start + _ROWS], np.float64) @ self.weights
            for start in range(0, len(features), _ROWS)
        ]
        out: Floats = np.concatenate(parts) + self.intercepts
        return out


def fit_ridges(features: NDArray[np.floating], labels: Floats, alphas: Floats) -> Ridges:
    """Fit one regression per penalty.

    Parameters
    ----------
    features: (n, d), n >= 1; labels: (n,); alphas: positive penalties.
    """
    middle = np.asarray(features.mean(axis=0, dtype=np.float64))
    level = float(labels.mean())
    n, d = features.shape
    y = labels - level
    if n >= d:
        gram, cross = np.zeros((d, d)), np.zeros(d)
        for start in range(0, n, _ROWS):
            x = np.asarray(features[start : start + _ROWS], np.float64) - middle
            gram += x.T @ x
            cross += x.T @ y[start : start + _ROWS]
        values, vectors = np.linalg.eigh(gram)
        inner = (vectors.T @ cross)[:, None] / (np.maximum(values, 0.0)[:, None] + alphas)
        weights = vectors @ inner
    else:
        x = np.asarray(features, np.float64) - middle
        values, vectors = np.linalg.eigh(x @ x.T)
        inner = (vectors.T @ y)[:, None] / (np.maximum(values, 0.0)[:, None] + alphas)
        weights = x.T @ (vectors @ inner)
    return Ridges(weights, level - middle @ weights)
