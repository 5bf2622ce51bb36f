"""NISQA's features and network, sizes told from the published checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.audio.mel import mel_filters
from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.registry import ScorerError

__all__ = ["SETTINGS", "NisqaNet", "mel_decibels", "segments"]

Floats = NDArray[np.float32]
#: Checkpoint settings that this network has, and no other value of.
SETTINGS: Mapping[str, Any] = {"cnn_model": "adapt", "td": "self_att", "pool": "att"}


def mel_decibels(
    samples: Floats, rate: int, bands: int, fft: int, hop: float, window: float, top: float
) -> NDArray[np.float64]:
    """Mel amplitude spectrum in dB, shape (bands, frames), at most 80 dB below its loudest.

    Hann windows of `window` seconds every `hop` seconds, centred, the ends mirrored; amplitudes
    (not powers) are summed by mel filters up to `top` Hz; 20 log10, floor 1e-4.
    """
    step, length = int(rate * hop), int(rate * window)
    padded = np.pad(samples.astype(np.float64), fft // 2, mode="reflect")
    start = (fft - length) // 2  # the window stands in the middle of each transform
    count = 1 + (len(padded) - fft) // step
    frames = np.lib.stride_tricks.sliding_window_view(padded[start:], length)[::step][:count]
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)
    filters = mel_filters(rate, fft, bands, top)
    parts = [
        np.abs(np.fft.rfft(frames[i : i + 256] * hann, n=fft, axis=1)) @ filters.T
        for i in range(0, len(frames), 256)
    ]
    decibels = 20.0 * np.log10(np.maximum(np.concatenate(parts), 1e-4))
    out: NDArray[np.float64] = np.maximum(decibels, decibels.max() - 80.0).T
    return out


def segments(spectrum: NDArray[np.float64], width: int, hop: int) -> Floats:
    """Windows of `width` frames, one every `hop`: shape (windows, 1, bands, width)."""
    if spectrum.shape[1] < width:
        return np.zeros((0, 1, spectrum.shape[0], width), np.float32)
    found = np.lib.stride_tricks.sliding_window_view(spectrum, width, axis=1)[:, ::hop]
    return np.ascontiguousarray(found.transpose(1, 0, 2)[:, None], dtype=np.float32)


class NisqaNet:
    """CNN with adaptive max pooling, self-attention over its outputs, one attention pooling per
    dimension: Mittag et al., Interspeech 2021, section 3.

    Parameters
    ----------
    tensors: ``model_state_dict`` of the checkpoint.
    settings: its ``args``.
    """

    def __init__(self, tensors: Tensors, settings: Mapping[str, Any]) -> None:
        for name, value in SETTINGS.items():
            if settings.get(name, value) != value:
                raise ScorerError(
                    f"{tensors.where}: {name} is {settings[name]!r}; only {value!r} is known here."
                )
        if settings.get("td_sa_pos_enc") or settings.get("cnn_fc_out_h"):
            raise ScorerError(f"{tensors.where}: a NISQA variant that is not known here.")
        self.tensors, self.settings = tensors, settings
        self.heads = int(settings.get("td_sa_nhead", 1))
        many = tensors.count("pool_layers")
        self.pools = [f"pool_layers.{k}.model" for k in range(many)] or ["pool.model"]

    def __call__(self, windows: Any) -> list[float]:
        """One value per dimension of a sound's windows, shape (windows, 1, bands, width)."""
        x = self._attend(self._look(windows))
        return [float(self._pool(name, x)) for name in self.pools]

    def _look(self, x: Any) -> Any:
        """Six convolutions on each window; shape (windows, channels * height)."""
        t, f = self.tensors.below("cnn.model"), self.tensors.f
        flat = t["conv1.weight"].shape[-1] == 1  # a kernel one frame wide is not padded in time
        for layer in range(1, 7):
            pad = (1, 0) if flat or layer == 6 else (1, 1)
            x = f.conv2d(x, t[f"conv{layer}.weight"], t[f"conv{layer}.bias"], padding=pad)
            x = f.relu(t.batch_norm(f"bn{layer}", x))
            if layer in {1, 2, 4}:
                size = self.settings[f"cnn_pool_{min(layer, 3)}"]
                x = f.adaptive_max_pool2d(x, tuple(size))
        return x.flatten(1)

    def _attend(self, x: Any) -> Any:
        """Self-attention blocks, normalised after each part; shape (windows, width)."""
        t, f = self.tensors.below("time_dependency.model"), self.tensors.f
        x = t.layer_norm("norm1", t.linear("linear", x))
        for layer in range(t.count("layers")):
            b = t.below(f"layers.{layer}")
            both = f.linear(x, b["self_attn.in_proj_weight"], b["self_attn.in_proj_bias"])
            q, k, v = (
                part.unflatten(1, (self.heads, -1)).transpose(0, 1) for part in both.chunk(3, dim=1)
            )
            seen = f.scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten(1)
            x = b.layer_norm("norm1", x + b.linear("self_attn.out_proj", seen))
            x = b.layer_norm("norm2", x + b.linear("linear2", f.relu(b.linear("linear1", x))))
        return x

    def _pool(self, name: str, x: Any) -> Any:
        """Attention pooling over windows, then one output."""
        t = self.tensors.below(name)
        weights = t.linear("linear2", self.tensors.f.relu(t.linear("linear1", x))).softmax(dim=0)
        return t.linear("linear3", (weights * x).sum(dim=0))
