"""``clap:MODEL``: how well a sound fits its prompt, by a CLAP model.

Wu et al., "Large-scale contrastive language-audio pretraining", ICASSP 2023: the cosine of the
embeddings of sound and text.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.remembered import Remembered
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_model, load_tokenizer, quiet
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
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

__all__ = ["ClapScorer", "Heard", "windows"]

MODEL = "laion/clap-htsat-unfused"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A sound, ready for the audio tower, and its prompt.

    Parameters
    ----------
    key: digest of the sound; equal sounds are encoded once.
    features: log-mel spectra of the windows, float32, shape (windows, channels, frames, bands).
    ids: token numbers of the prompt.
    """

    key: str
    features: Floats
    ids: tuple[int, ...]


class ClapScorer(PointwiseScorer[Heard]):
    """Cosine of sound and prompt, -1..1.

    Address: ``clap:`` (laion/clap-htsat-unfused) or ``clap:FOLDER-or-ID``. Options: ``dtype``,
    ``revision``, ``pickle`` as for ``hf:``.

    The sound is taken in mono at the model's rate. Published code cuts a *random* 10 s from a
    longer sound; here it is cut into windows of 10 s, each is encoded, and the mean of their unit
    vectors is compared, so that the score is the same every time.
    """

    padded = False
    batch_cost = 64
    batch_size = 32

    def __init__(self, address: Address) -> None:
        address.expect("dtype", "revision", "pickle")
        self.address = address
        revision = address.get("revision", "")
        self.source = identify(address.target or MODEL, revision, address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"audio"}),
            dimensions=(Dimension(scale=(-1.0, 1.0)),),
            fingerprint={
                "model": self.source.identity,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary="CLAP: cosine of sound and prompt embeddings (Wu et al. 2023).",
            licence="that of the model (laion/clap-htsat-unfused: Apache-2.0)",
            homepage="https://huggingface.co/laion/clap-htsat-unfused",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load both towers, the tokenizer and the spectrogram settings."""
        for package in ("soundfile", "torchaudio"):
            require(package, "audio", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        pickle = self.address.get("pickle", False)
        self.model = load_model(self.source, "ClapModel", self.dtype, self.where, pickle=pickle)
        if getattr(self.model.config.audio_config, "enable_fusion", False):
            raise ScorerError(
                f"Scorer {self.address}: fusion models look at random pieces of a sound; use an "
                f"unfused one, such as {MODEL}."
            )
        self._sounds, self._texts = Remembered("sounds"), Remembered("texts")
        self.tokenizer = load_tokenizer(self.source)
        self.limit = int(self.model.config.text_config.max_position_embeddings) - 2
        transformers: Any = require("transformers", "local", str(self.address))
        try:
            with quiet():
                self.spectra = transformers.ClapFeatureExtractor.from_pretrained(
                    self.source.path, revision=self.source.revision or "main"
                )
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(f"{self.source.path} has no CLAP audio settings ({text}).") from None

    def close(self) -> None:
        """Release the weights."""
        for name in ("model", "_sounds", "_texts"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Heard:
        """Decode and resample, window, log-mel spectra; tokenise the prompt."""
        prompt = text_of(request.prompt)
        if not prompt.strip():
            raise MediaError("there is no prompt to hold the sound against")
        rate = int(self.spectra.sampling_rate)
        media = only(request.candidate(), "audio")
        sound = read_audio(media).at(rate).mono()
        length = int(self.spectra.nb_max_samples)
        parts = [
            np.asarray(
                self.spectra(
                    window,
                    sampling_rate=rate,
                    truncation="rand_trunc",  # never longer than a window: nothing is cut
                    padding="repeatpad",
                    return_tensors="np",
                )["input_features"],
                dtype=np.float32,
            )
            for window in windows(sound, length, rate)
        ]
        ids = self.tokenizer(prompt)["input_ids"]
        short = ids if len(ids) <= self.limit else [*ids[: self.limit - 1], ids[-1]]
        return Heard(media.digest(), np.concatenate(parts), tuple(short))

    def cost(self, prepared: Heard) -> int:
        """Windows of 10 s."""
        return len(prepared.features)

    def share_key(self, prepared: Heard) -> Hashable | None:
        """The prompt, encoded once."""
        return prepared.ids

    def score(self, batch: Sequence[Heard]) -> list[Outcome]:
        """One cosine per sound."""
        with self.torch.inference_mode():
            texts = self._texts.of([(one.ids, one.ids) for one in batch], self._read)
            sounds = self._sounds.of([(one.key, one.features) for one in batch], self._hear)
            outcomes = []
            for one, text, sound in zip(batch, texts, sounds):
                value = float(sound @ text / sound.norm().clamp_min(1e-12))
                extra = {"windows": len(one.features)}
                outcomes.append(Outcome.score(min(1.0, max(-1.0, value)), extra=extra))
            return outcomes

    def _hear(self, sounds: list[Floats]) -> list[Any]:
        """The mean of the unit vectors of each sound's windows."""
        spectra = self.torch.from_numpy(np.concatenate(sounds)).to(self.where, self.dtype)
        longer = self.torch.zeros(len(spectra), 1, dtype=self.torch.bool, device=self.where)
        heard = _unit(self.model.get_audio_features(input_features=spectra, is_longer=longer))
        return [part.mean(dim=0) for part in heard.split([len(sound) for sound in sounds])]

    def _read(self, texts: list[tuple[int, ...]]) -> Any:
        longest = max(map(len, texts))
        pad = int(self.tokenizer.pad_token_id or 0)
        ids = [[*one, *[pad] * (longest - len(one))] for one in texts]
        mask = [[1] * len(one) + [0] * (longest - len(one)) for one in texts]
        out = self.model.get_text_features(
            input_ids=self.torch.tensor(ids, device=self.where),
            attention_mask=self.torch.tensor(mask, device=self.where),
        )
        return _unit(out)


def windows(sound: Floats, length: int, rate: int) -> list[Floats]:
    """The sound in pieces of `length` samples; a rest shorter than a second is left off, unless
    it is all there is."""
    pieces = [sound[start : start + length] for start in range(0, len(sound), length)]
    if len(pieces) > 1 and len(pieces[-1]) < rate:
        pieces.pop()
    return pieces


def _unit(output: Any) -> Any:
    """Unit vectors (float64, on the CPU) of projected embeddings."""
    vectors = getattr(output, "pooler_output", output).double().cpu()
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-12)
