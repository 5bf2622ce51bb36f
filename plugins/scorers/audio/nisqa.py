"""NISQA v2: learned, reference-free quality of transmitted speech, and four dimensions of it.

Mittag, Naderi, Chehadi & Möller, "NISQA: A deep CNN-self-attention model for multidimensional
speech quality prediction with crowdsourced datasets", Interspeech 2021. The network is written
here; the published checkpoint is read without running code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.audio.nisqa_net import NisqaNet, mel_decibels, segments
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
from prefgauge.plugins.scorers.tensors import Tensors, check
from prefgauge.plugins.scorers.weights import Published, open_weights, weight_file
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
    require,
)
from prefgauge.registry.media import only, read_audio

__all__ = ["DIMENSIONS", "MODELS", "Nisqa"]

Floats = NDArray[np.float32]
_AT = "https://github.com/gabrielmittag/NISQA/raw/b1f74030a069b616c8d71f92c211e44ba94a0fae/weights/"
MODELS: Mapping[str, Published] = {
    name: Published(f"{name}.tar", f"{_AT}{name}.tar")
    for name in ("nisqa", "nisqa_mos_only", "nisqa_tts")
}
#: Order of the outputs of ``nisqa.tar``; 5 is best in each.
DIMENSIONS = ("overall", "noisiness", "discontinuity", "coloration", "loudness")
_NEEDED = (
    *("ms_n_mels", "ms_n_fft", "ms_hop_length", "ms_win_length", "ms_fmax"),
    *("ms_seg_length", "ms_seg_hop_length", "cnn_pool_1", "cnn_pool_2", "cnn_pool_3"),
)


class Nisqa(PointwiseScorer[Floats]):
    """MOS, noisiness, discontinuity, coloration and loudness of speech, nominally 1..5 (5 best).

    Address: ``nisqa`` (weights from the authors' repository on first use), or ``nisqa:PATH`` of
    ``nisqa.tar``. Options: ``model`` (``nisqa``; ``nisqa_mos_only`` and ``nisqa_tts``, the
    naturalness of synthetic speech, answer one value), ``max_segments`` (in place of the
    checkpoint's own limit, published as 1300 = 52 s, beyond which a sound is refused).

    The sound is taken in mono at its own rate (or the checkpoint's ``ms_sr``): 48 mel bands up to
    20 kHz, 20 ms windows every 10 ms, in dB, in windows of 15 frames every 4th; all of these are
    read from the checkpoint.

    The weights are CC BY-NC-SA 4.0. The address is pinned to a commit; no checksum is published.
    """

    padded = False
    batch_cost = 1 << 16
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("model", "max_segments")
        name, self.limit = address.get("model", "nisqa"), address.get("max_segments", 0)
        if name not in MODELS:
            raise UsageError(f"Scorer {address}: model is one of {', '.join(MODELS)}.")
        self.weights = weight_file(address, MODELS[name])
        names = DIMENSIONS if name == "nisqa" else DIMENSIONS[:1]
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=tuple(Dimension(dimension, scale=(1.0, 5.0)) for dimension in names),
            fingerprint={
                "weights": self.weights.identity,
                "max_segments": self.limit,
                "version": 1,
            },
            summary="NISQA v2: speech quality and four dimensions without a reference.",
            licence="CC-BY-NC-SA-4.0 (weights): non-commercial",
            homepage="https://github.com/gabrielmittag/NISQA",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.weights.weight_bytes()

    def open(self, device: Device) -> None:
        """Load the checkpoint and run it once.

        Raises
        ------
        ScorerError: if it cannot be fetched, or is another network.
        """
        require("soundfile", "audio", f"The scorer {self.card.name}")
        torch: Any = require("torch", "audio", f"The scorer {self.card.name}")
        self.torch, self.where = torch, pick_device(device, self.card.name)
        path = self.weights.locate()
        found = open_weights(path)
        state, settings = found.get("model_state_dict"), found.get("args")
        if not isinstance(state, Mapping) or not isinstance(settings, Mapping):
            raise ScorerError(
                f"{path}: not a NISQA checkpoint: it has no model_state_dict and args."
            )
        lacking = [name for name in _NEEDED if name not in settings]
        if lacking:
            raise ScorerError(f"{path}: the checkpoint's args lack {', '.join(lacking)}.")
        tensors = Tensors(state, str(path), "NISQA").to(self.where, torch.float32)
        self.settings: Mapping[str, Any] = settings
        self.net = NisqaNet(tensors, settings)
        shape = (2, 1, int(settings["ms_n_mels"]), int(settings["ms_seg_length"]))
        probe = torch.zeros(shape, device=self.where)
        check(tensors, lambda: self._answer(probe))

    def close(self) -> None:
        """Drop the network."""
        self.__dict__.pop("net", None)

    def prepare(self, request: Request) -> Floats:
        """Decode; mel spectrum in windows, shape (windows, 1, bands, width)."""
        media, s = only(request.candidate(), "audio"), self.settings
        audio = read_audio(media)
        audio = audio.at(int(s["ms_sr"])) if s.get("ms_sr") else audio
        spectrum = mel_decibels(
            audio.mono(),
            audio.rate,
            *(int(s[name]) for name in ("ms_n_mels", "ms_n_fft")),
            *(float(s[name]) for name in ("ms_hop_length", "ms_win_length", "ms_fmax")),
        )
        found = segments(spectrum, int(s["ms_seg_length"]), int(s["ms_seg_hop_length"]))
        limit = self.limit or int(s.get("ms_max_segments") or 0)
        if len(found) == 0:
            raise MediaError(
                f"{media.where()}: {audio.seconds:.3f} s of sound; NISQA needs at least "
                f"{(int(s['ms_seg_length']) - 1) * float(s['ms_hop_length'])} s."
            )
        if limit and len(found) > limit:
            raise MediaError(
                f"{media.where()}: {audio.seconds:.1f} s give {len(found)} windows; NISQA was "
                f"made for {limit}. Raise it with nisqa?max_segments={len(found)}."
            )
        return found

    def cost(self, prepared: Floats) -> int:
        """Windows."""
        return len(prepared)

    def score(self, batch: Sequence[Floats]) -> list[Outcome]:
        """One pass per sound: attention sees no padding."""
        return [
            Outcome.score(self._answer(self.torch.from_numpy(one).to(self.where))) for one in batch
        ]

    def _answer(self, windows: Any) -> dict[str, float]:
        with self.torch.inference_mode():
            values = self.net(windows)
        if len(values) != len(self.card.dimensions):
            raise ScorerError(
                f"{self.card.name}: the checkpoint answers {len(values)} dimensions, not "
                f"{len(self.card.dimensions)}; give model=nisqa_mos_only or model=nisqa."
            )
        return dict(zip((d.name for d in self.card.dimensions), values))
