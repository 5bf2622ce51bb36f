"""UTMOS: learned naturalness of synthetic speech.

Saeki et al., "UTMOS: UTokyo-SaruLab system for VoiceMOS challenge 2022", Interspeech 2022: the
*strong learner* without phoneme encoder, in the weights that SpeechMOS republished.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.audio.wav2vec import SHORTEST, encode, hidden_states
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
    require,
)
from prefgauge.registry.media import only, read_audio

__all__ = ["PUBLISHED", "Utmos"]

RATE = 16_000
PUBLISHED = Published(
    "utmos22_strong_step7459_v1.pt",
    "https://github.com/tarepan/SpeechMOS/releases/download/v1.0.0/utmos22_strong_step7459_v1.pt",
    sha256="38aa51ab79e2a4e09a1449758a4b37e9cbb2e8235a49662a732d33a9ba1e9bff",
)
Floats = NDArray[np.float32]


class Utmos(PointwiseScorer[Floats]):
    """UTMOS22 strong: the mean over frames of a recurrent head, times 2 plus 3, nominally 1..5.

    Address: ``utmos`` (weights from SpeechMOS's release on first use), or ``utmos:PATH`` of
    ``utmos22_strong_step7459_v1.pt``. The sound is taken in mono at 16 kHz (by this package's own
    resampling; SpeechMOS uses torchaudio's default filter) and passes alone: padding would change
    its score. The domain and listener embeddings are the fixed ones of the release.
    """

    padded = False
    batch_cost = 1 << 22
    batch_size = 8

    def __init__(self, address: Address) -> None:
        address.expect()
        self.weights = weight_file(address, PUBLISHED)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=(Dimension(scale=(1.0, 5.0)),),
            fingerprint={"weights": self.weights.identity, "version": 1},
            summary="UTMOS22 strong: naturalness of synthetic speech without a reference.",
            licence="MIT",
            homepage="https://github.com/tarepan/SpeechMOS",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.weights.weight_bytes()

    def open(self, device: Device) -> None:
        """Load the weights and run the network once.

        Raises
        ------
        ScorerError: if they cannot be fetched, or are of another network.
        """
        for package in ("soundfile", "torchaudio"):
            require(package, "audio", f"The scorer {self.card.name}")
        torch: Any = require("torch", "audio", f"The scorer {self.card.name}")
        self.torch, self.where = torch, pick_device(device, self.card.name)
        path = self.weights.locate()
        self.net = Tensors(open_weights(path), str(path), "UTMOS22 strong")
        self.net.to(self.where, torch.float32)
        probe = np.zeros(2 * SHORTEST, np.float32)
        check(self.net, lambda: self._score(probe), spare=r"wav2vec2\.mask_emb")

    def close(self) -> None:
        """Drop the network."""
        self.__dict__.pop("net", None)

    def prepare(self, request: Request) -> Floats:
        """Decode, resample, mix to mono."""
        media = only(request.candidate(), "audio")
        sound = read_audio(media).at(RATE).mono()
        if len(sound) < SHORTEST:
            raise MediaError(
                f"{media.where()}: {len(sound) / RATE:.3f} s of sound; UTMOS needs at least "
                f"{SHORTEST / RATE} s."
            )
        return sound

    def cost(self, prepared: Floats) -> int:
        """Samples."""
        return len(prepared)

    def score(self, batch: Sequence[Floats]) -> list[Outcome]:
        """One pass per sound."""
        return [Outcome.score(self._score(sound)) for sound in batch]

    def _score(self, sound: Floats) -> float:
        t = self.net
        with self.torch.inference_mode():
            wave = self.torch.from_numpy(sound.copy())[None].to(self.where)
            ssl = t.below("wav2vec2")
            heard = hidden_states(ssl, encode(ssl, wave))[-1]
            frames = heard.shape[1]
            known = [t[name][:, None].expand(1, frames, -1) for name in ("domain_emb", "judge_emb")]
            x = self._recur(self.torch.cat([heard, *known], dim=2))
            hidden = t.f.relu(t.linear("projection.0", x))
            return float(t.linear("projection.2", hidden).mean() * 2.0 + 3.0)

    def _recur(self, x: Any) -> Any:
        """A bidirectional LSTM with the published weights."""
        names = [
            f"{kind}_l0{way}"
            for way in ("", "_reverse")
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        flat = [self.net[f"blstm.{name}"] for name in names]
        hidden = flat[1].shape[1]
        first = x.new_zeros(2, 1, hidden)
        out, _, _ = self.torch.lstm(
            x, (first, first), flat, True, 1, 0.0, False, True, True
        )  # biases, one layer, no dropout, evaluation, both ways, batch first
        return out
