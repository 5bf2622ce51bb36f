"""Audiobox-Aesthetics: four axes of how good a sound is, for speech, music and sound effects.

Tjandra et al., "Meta Audiobox Aesthetics: Unified automatic quality assessment for speech, music,
and sound", arXiv 2502.05139, section 4, and its published code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.audio.wav2vec import encode, frame_mask, hidden_states
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
from prefgauge.plugins.scorers.tensors import Tensors, check
from prefgauge.plugins.scorers.weights import hub_file, open_weights
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
    require,
)
from prefgauge.registry.media import only, read_audio

__all__ = ["AXES", "Audiobox", "Windows", "windows"]

MODEL = "facebook/audiobox-aesthetics"
RATE, LENGTH = 16_000, 160_000
#: The model's axes and the names that the ratings have.
AXES: Mapping[str, str] = {
    "PQ": "Production_Quality",
    "PC": "Production_Complexity",
    "CE": "Content_Enjoyment",
    "CU": "Content_Usefulness",
}
#: Values of the configuration that this network has, and no other.
_FIXED = {"use_weighted_layer_sum": True, "proj_act_fn": "gelu", "output_dim": 1}
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A sound in windows of 10 s.

    Parameters
    ----------
    samples: float32, shape (windows, 160000), zeros behind the end.
    lengths: samples of sound in each window.
    """

    samples: Floats
    lengths: NDArray[np.int64]


class Audiobox(PointwiseScorer[Windows]):
    """Production quality and complexity, content enjoyment and usefulness, nominally 1..10.

    Address: ``audiobox:`` (facebook/audiobox-aesthetics), or ``audiobox:FOLDER`` with its
    ``config.json`` and ``model.safetensors``. Options: ``main`` (the axis that is ``overall``:
    ``pq`` by default, ``pc``, ``ce``, ``cu``), ``revision``.

    The sound is taken in mono at 16 kHz (by this package's own resampling; the authors use
    torchaudio's default filter) and cut every 10 s; the last window is filled with zeros, which
    the encoder does not attend to. Each axis has its own softmax mixture of WavLM's layers, the
    mean over frames of sound, and a small network; its value is scaled back to ratings. The
    values of the windows are averaged by how much sound they hold.
    """

    padded = False
    batch_cost = 16
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("main", "revision")
        main = address.get("main", "pq").upper()
        if main not in AXES:
            raise UsageError(f"Scorer {address}: main is one of {', '.join(AXES).lower()}.")
        self.main = AXES[main]
        revision = address.get("revision", "")
        self.source = identify(address.target or MODEL, revision, address.scheme)
        names = ("overall", *AXES.values())
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=tuple(Dimension(name, scale=(1.0, 10.0)) for name in names),
            fingerprint={"model": self.source.identity, "main": self.main, "version": 1},
            summary="Audiobox-Aesthetics: quality, complexity, enjoyment, usefulness of a sound.",
            licence="CC-BY-4.0",
            homepage="https://github.com/facebookresearch/audiobox-aesthetics",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load the weights and run the network once.

        Raises
        ------
        ScorerError: if they cannot be fetched, or are of another network.
        """
        for package in ("soundfile", "torchaudio"):
            require(package, "audio", str(self.card.name))
        torch: Any = require("torch", "local", str(self.card.name))
        self.torch, self.where = torch, pick_device(device, self.card.name)
        config = hub_file(self.source, "config.json", self.card.name)
        self.scales, self.unit = _settings(config.read_text("utf-8"), str(config))
        path = hub_file(self.source, "model.safetensors", self.card.name)
        self.net = Tensors(open_weights(path), str(path), "Audiobox-Aesthetics")
        self.net.to(self.where, torch.float32)
        probe = windows(np.zeros(800, np.float32), 800)
        check(self.net, lambda: self._rate([probe]), spare=r"wavlm_model\.mask_emb")

    def close(self) -> None:
        """Drop the network."""
        self.__dict__.pop("net", None)

    def prepare(self, request: Request) -> Windows:
        """Decode, resample, mix to mono, cut."""
        return windows(read_audio(only(request.candidate(), "audio")).at(RATE).mono(), LENGTH)

    def cost(self, prepared: Windows) -> int:
        """Windows of 10 s."""
        return len(prepared.samples)

    def score(self, batch: Sequence[Windows]) -> list[Outcome]:
        """Four values per sound."""
        outcomes = []
        for values, one in zip(self._rate(batch), batch):
            named = {AXES[axis]: value for axis, value in values.items()}
            ordered = {"overall": named[self.main], **named}
            outcomes.append(Outcome.score(ordered, extra={"windows": len(one.samples)}))
        return outcomes

    def _rate(self, batch: Sequence[Windows]) -> list[dict[str, float]]:
        torch, ssl = self.torch, self.net.below("wavlm_model")
        samples = torch.from_numpy(np.concatenate([one.samples for one in batch]))
        lengths = torch.from_numpy(np.concatenate([one.lengths for one in batch]))
        with torch.inference_mode():
            features = encode(ssl, samples.to(self.where))
            place = torch.arange(samples.shape[1])[None]
            sound = frame_mask(place < lengths[:, None], features.shape[1]).to(self.where)
            states = torch.stack(hidden_states(ssl, features, sound))
            rated = {axis: self._axis(axis, states, sound).double().cpu() for axis in AXES}
        out, start = [], 0
        for one in batch:
            stop = start + len(one.samples)
            share = lengths[start:stop].double()
            out.append(
                {a: float((v[start:stop] * share).sum() / share.sum()) for a, v in rated.items()}
            )
            start = stop
        return out

    def _axis(self, axis: str, states: Any, sound: Any) -> Any:
        """Ratings of windows on one axis, from (layers, windows, frames, width)."""
        weights = self.net[f"layer_weights.{axis}"].softmax(dim=0)
        mixed = self.torch.einsum("lbtc,l->btc", states, weights)
        heard = sound[..., None].to(mixed.dtype)
        x = (mixed * heard).sum(dim=1) / heard.sum(dim=1).clamp_min(1.0)
        if self.unit:
            x = self.net.f.normalize(x, dim=-1)
        mean, std = self.scales[axis]
        return _head(self.net.below(f"proj_layer.{axis}"), x)[:, 0] * std + mean


def windows(samples: Floats, length: int) -> Windows:
    """Samples in pieces of `length`, the last one filled with zeros."""
    count = -(-len(samples) // length)
    padded = np.zeros((count, length), np.float32)
    padded.reshape(-1)[: len(samples)] = samples
    lengths = np.full(count, length, np.int64)
    lengths[-1] = len(samples) - length * (count - 1)
    return Windows(padded, lengths)


def _head(t: Tensors, x: Any) -> Any:
    """Linear layers with GELU between them, each but the last perhaps normalised; the numbers of
    a published layer count the activations and dropouts too."""
    names = {name.removeprefix(t.prefix) for name in t.state if name.startswith(t.prefix)}
    layers = sorted({int(match[1]) for name in names if (match := re.match(r"(\d+)\.", name))})
    for place, layer in enumerate(layers):
        if t[f"{layer}.weight"].ndim == 1:
            x = t.layer_norm(str(layer), x)
        else:
            x = t.linear(str(layer), t.f.gelu(x) if place else x)
    return x


def _settings(text: str, where: str) -> tuple[dict[str, tuple[float, float]], bool]:
    """(mean and deviation of each axis, whether embeddings are made unit vectors)."""
    try:
        config: dict[str, Any] = json.loads(text)
        target = config["target_transform"]
        scales = {axis: (float(target[axis]["mean"]), float(target[axis]["std"])) for axis in AXES}
        unit = bool(config["normalize_embed"])
    except (ValueError, KeyError, TypeError) as error:
        raise ScorerError(
            f"{where}: not the settings of Audiobox-Aesthetics ({error!r})."
        ) from None
    for name, value in _FIXED.items():
        if config.get(name, value) != value:
            raise ScorerError(f"{where}: {name} is {config[name]!r}; only {value!r} is known here.")
    return scales, unit
