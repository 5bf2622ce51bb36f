"""``muq-mulan:``: how well music fits its prompt, by MuQ-MuLan through the package ``muq``.

Zhu et al., "MuQ: Self-supervised music representation learning with mel residual vector
quantization", arXiv 2501.01108. The package is not among prefgauge's dependencies; its weights
may not be used commercially.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import quiet
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
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
    require,
    text_of,
)
from prefgauge.registry.media import only, read_audio

__all__ = ["Listened", "MuQMuLan"]

MODEL = "OpenMuQ/MuQ-MuLan-large"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Listened:
    """A sound, float32 mono at the model's rate, and its prompt."""

    samples: Floats
    prompt: str


class MuQMuLan(PointwiseScorer[Listened]):
    """The package's ``calc_similarity`` of music and prompt, -1..1.

    Address: ``muq-mulan`` (OpenMuQ/MuQ-MuLan-large), or ``muq-mulan:FOLDER-or-ID``. Option:
    ``revision``. It needs ``pip install muq "transformers<5"`` (muq 0.1.0, the newest, does not run
    with later ones, so it cannot share an environment with the ``local`` extra: score in one of its
    own and hand the scores over with ``replay:``) and, on first use, the two models that MuQ-MuLan is
    built on (OpenMuQ/MuQ-large-msd-iter, xlm-roberta-base), which the package fetches at no
    pinned revision.

    The sound is taken in mono at 24 kHz. The package cuts it every 10 s, fills the last clip from
    the beginning, and averages the clips' unit vectors; the score is the product of that mean
    with the unit vector of the prompt. Sounds and prompts pass one by one: the text tower
    averages over padding.
    """

    padded = False
    batch_size = 8

    def __init__(self, address: Address) -> None:
        address.expect("revision")
        self.address = address
        revision = address.get("revision", "")
        self.source = identify(address.target or MODEL, revision, address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=(Dimension(scale=(-1.0, 1.0)),),
            fingerprint={"model": self.source.identity, "version": 1},
            needs=frozenset({"prompt"}),
            summary="MuQ-MuLan: similarity of music and prompt embeddings (Zhu et al. 2025).",
            licence="CC-BY-NC-4.0 (weights): non-commercial",
            homepage="https://huggingface.co/OpenMuQ/MuQ-MuLan-large",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load both towers.

        Raises
        ------
        ScorerError: if the package is not installed, or the model does not load.
        """
        for package in ("soundfile", "torchaudio"):
            require(package, "audio", str(self.address))
        torch: Any = require("torch", "local", str(self.address))
        self.torch, self.where = torch, pick_device(device, str(self.address))
        try:
            from importlib import import_module

            kind = import_module("muq").MuQMuLan
        except ModuleNotFoundError as error:
            raise ScorerError(
                f"Scorer {self.address} needs the package {error.name!r}, which is not installed. "
                "Install it with: pip install muq 'transformers<5'"
            ) from None
        transformers: Any = require("transformers", "local", str(self.address))
        if int(transformers.__version__.split(".")[0]) > 4:
            raise ScorerError(
                f"Scorer {self.address}: the package muq runs with transformers 4 only, and "
                f"{transformers.__version__} is installed. Score in an environment with "
                "'transformers<5', and hand the scores over with replay:."
            )
        try:
            with quiet():
                model = kind.from_pretrained(self.source.path, revision=self.source.revision)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(f"Scorer {self.address}: the model does not load ({text}).") from None
        self.model = model.to(self.where).eval()
        self._known: dict[str, Any] = {}

    def close(self) -> None:
        """Drop both towers."""
        for name in ("model", "_known"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Listened:
        """Decode, resample, mix to mono."""
        prompt = text_of(request.prompt)
        if not prompt.strip():
            raise MediaError("there is no prompt to hold the music against")
        media, rate = only(request.candidate(), "audio"), int(self.model.sr)
        samples = read_audio(media).at(rate).mono()
        if len(samples) < rate // 10:
            raise MediaError(f"{media.where()}: shorter than 0.1 s.")
        whole = rate * int(self.model.clip_secs)
        if len(samples) < whole:  # the package fills a clip from one repetition only
            samples = np.resize(samples, whole)
        return Listened(samples, prompt)

    def share_key(self, prepared: Listened) -> Hashable | None:
        """The prompt, encoded once."""
        return prepared.prompt

    def score(self, batch: Sequence[Listened]) -> list[Outcome]:
        """One similarity per sound."""
        with self.torch.inference_mode():
            return [Outcome.score(self._similarity(one)) for one in batch]

    def _similarity(self, one: Listened) -> float:
        if one.prompt not in self._known:
            if len(self._known) >= 1024:
                self._known.clear()
            self._known[one.prompt] = self.model(texts=[one.prompt])
        wave = self.torch.from_numpy(one.samples.copy())[None].to(self.where)
        value = self.model.calc_similarity(self.model(wavs=wave), self._known[one.prompt])
        return min(1.0, max(-1.0, float(value)))
