"""Mel filters: triangles of equal area on Slaney's mel scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mel_filters"]


def mel_filters(rate: int, fft: int, bands: int, top: float) -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale, 0..`top` Hz: shape (bands, fft // 2 + 1).

    Slaney, "Auditory Toolbox", 1998: linear to 1000 Hz (15 mel), then 27 steps per ln(6.4).

    Parameters
    ----------
    rate: sampling rate in Hz; bands above half of it are zero.
    fft: length of the Fourier transform.
    """
    highest = (
        15.0 + np.log(top / 1000.0) * 27.0 / np.log(6.4) if top >= 1000.0 else top * 3.0 / 200.0
    )
    mel = np.linspace(0.0, highest, bands + 2)
    edges = np.where(
        mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27)
    )
    bins = np.arange(fft // 2 + 1) * rate / fft
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    out: NDArray[np.float64] = np.maximum(0.0, np.minimum(rise, fall)) * area[:, None]
    return out
