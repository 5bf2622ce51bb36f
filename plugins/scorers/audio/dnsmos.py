"""DNSMOS: learned, reference-free opinion scores of speech with noise.

Reddy, Gopal & Cutler, "DNSMOS P.835", ICASSP 2022 (SIG, BAK, OVRL) and "DNSMOS", ICASSP 2021
(P.808). The two networks come with the package ``speechmos`` (MIT) and run by ``onnxruntime``;
framing, features and calibration are computed here, so that librosa is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.audio.mel import mel_filters
from prefgauge.registry import Address, Dimension, Media, MissingExtra, ScorerCard, require
from prefgauge.registry.media import MeasureScorer, read_audio
from prefgauge.registry.scorer import Device

__all__ = ["Dnsmos", "mel_features", "segments"]

Floats = NDArray[np.float32]
RATE, SECONDS = 16_000, 9.01
WINDOW, HOP, BANDS = 321, 160, 120
#: Calibration of the raw outputs: coefficients of x^2, x and 1 (DNS-Challenge, dnsmos_local.py).
CALIBRATION = {
    "SIG": (-0.08397278, 1.22083953, 0.0052439),
    "BAK": (-0.13166888, 1.60915514, -0.39604546),
    "OVRL": (-0.06766283, 1.11546468, 0.04602535),
}


class Dnsmos(MeasureScorer):
    """DNSMOS P.835 and P.808 of the mono sound at 16 kHz.

    Windows of 9.01 s, one second apart; a shorter sound is repeated until it fills one; the mean
    over windows. ``overall`` is OVRL, or with ``main=p808`` the P.808 score.
    """

    kind = "audio"
    packages = (("soundfile", "audio"), ("torchaudio", "audio"), ("onnxruntime", "speech"))

    def __init__(self, address: Address) -> None:
        address.expect("main")
        self.main = {"ovrl": "OVRL", "p808": "P808"}.get(address.get("main", "ovrl"))
        if self.main is None:
            from prefgauge.registry import UsageError

            raise UsageError(f"Scorer {address}: main is ovrl or p808.")
        names = ("overall", "OVRL", "SIG", "BAK", "P808")
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=tuple(Dimension(name, scale=(1.0, 5.0)) for name in names),
            fingerprint={"model": "dnsmos", "main": self.main, "version": 1},
            summary="DNSMOS P.835 (SIG, BAK, OVRL) and P.808; reference-free, for noisy speech.",
            licence="MIT (package speechmos)",
            homepage="https://github.com/microsoft/DNS-Challenge",
        )

    def open(self, device: Device) -> None:
        """Load both networks; they run on the CPU, one thread each, in the prepare threads."""
        super().open(device)
        runtime: Any = require("onnxruntime", "speech", f"The scorer {self.card.name}")
        folder = _models()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._p835, self._p808 = (
            runtime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
            for name in ("sig_bak_ovr.onnx", "model_v8.onnx")
        )

    def close(self) -> None:
        """Drop the networks."""
        self._p835 = self._p808 = None

    def measure(self, media: Media) -> Mapping[str, float]:
        """All five values; see the class."""
        windows = segments(read_audio(media).at(RATE).mono())
        raw = np.array([self._p835.run(None, {"input_1": w[None]})[0][0] for w in windows])
        p808 = [
            self._p808.run(None, {"input_1": mel_features(w[:-HOP])[None]})[0][0][0]
            for w in windows
        ]
        values = {
            name: float(np.polyval(CALIBRATION[name], raw[:, column].astype(np.float64)).mean())
            for column, name in enumerate(CALIBRATION)
        }
        values["P808"] = float(np.mean(p808))
        return {"overall": values[str(self.main)], **values}


def segments(samples: Floats) -> list[Floats]:
    """Windows of 9.01 s, one second apart, of samples at 16 kHz; at least one."""
    length = int(SECONDS * RATE)
    while len(samples) < length:
        samples = np.append(samples, samples)
    count = int(np.floor(len(samples) / RATE) - SECONDS) + 1
    # the published code rounds (index + 9.01) * 16000 down, which loses a sample, and so the whole
    # window, at some indices; scores are only comparable with that kept
    found = [samples[i * RATE : int((i + SECONDS) * RATE)] for i in range(max(count, 1))]
    return [window.astype(np.float32) for window in found if len(window) >= length]


def mel_features(samples: Floats) -> Floats:
    """Log mel power, shape (frames, 120), as (dB under the loudest + 40) / 40, floor -80 dB."""
    padded = np.pad(samples.astype(np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
    power = (
        np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
        @ mel_filters(RATE, WINDOW, BANDS, RATE / 2).T
    )
    decibels = 10.0 * np.log10(np.maximum(power, 1e-10))
    decibels -= 10.0 * np.log10(max(float(power.max()), 1e-10))
    out: Floats = ((np.maximum(decibels, decibels.max() - 80.0) + 40.0) / 40.0).astype(np.float32)
    return out


def _models() -> Path:
    """The folder of networks inside the installed package; the package itself is not imported
    (it would need librosa)."""
    spec = find_spec("speechmos")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("speechmos", "speech", "The scorer dnsmos")
    return Path(next(iter(spec.submodule_search_locations))) / "dnsmos_models"
