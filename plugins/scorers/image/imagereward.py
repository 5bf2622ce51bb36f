"""``imagereward:``: ImageReward on current transformers.

Xu et al., "ImageReward", NeurIPS 2023. The published package needs an old transformers; here its
weights are put into transformers' own BLIP modules.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.blip_weights import build
from prefgauge.plugins.scorers.image.clip_pixels import PixelSettings, pixels
from prefgauge.plugins.scorers.image.clip_weights import file_digest, linear_head, read_weights
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_tokenizer
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.registry import (
    Address,
    Device,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    require,
    text_of,
)
from prefgauge.registry.media import only, read_image
from prefgauge.registry.meter import count

__all__ = ["ImageRewardScorer", "Looked"]

MODEL, FILE, TOKENIZER = "THUDM/ImageReward", "ImageReward.pt", "bert-base-uncased"
REVISION = "5736be03b2652728fb87788c9797b0570450ab72"
MEAN, STD = 0.16717362830052426, 1.0333394966054072  # of raw values, as published
LONGEST = 35  # tokens of a prompt
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A picture, ready for the tower, and its prompt.

    Parameters
    ----------
    key: digest of the picture; equal pictures of a batch are encoded once.
    image: float32, shape (3, side, side).
    ids: token numbers of the prompt; `cut`: tokens beyond the limit.
    """

    key: str
    image: NDArray[np.float32]
    ids: tuple[int, ...]
    cut: int


class ImageRewardScorer(PointwiseScorer[Looked]):
    """The reward (MLP(h) - mean) / std, with h the first state of a BERT that reads the prompt
    with cross-attention to the picture; the MLP is a stack of linear layers.

    Address: ``imagereward:`` (weights from the Hub), or ``imagereward:PATH`` of
    ``ImageReward.pt``. Options: ``tokenizer`` (a folder or Hub id, ``bert-base-uncased``),
    ``dtype``. Prompts are cut after 35 tokens, as published; ``extra["truncated"]`` tells.
    """

    padded = False
    batch_size = 32

    def __init__(self, address: Address) -> None:
        address.expect("tokenizer", "dtype")
        self.address = address
        self.file = address.target
        # The published file is fetched when it is opened: a card must not cost 1.8 GB.
        weights = file_digest(self.file) if self.file else f"{MODEL}@{REVISION}/{FILE}"
        self.words = identify(address.get("tokenizer", TOKENIZER), "", address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"image"}),
            fingerprint={
                "weights": weights,
                "tokenizer": self.words.identity,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary=(
                "ImageReward: BLIP with a reward head. Xu et al., NeurIPS 2023, arXiv 2304.05977. "
                f"Model: {MODEL} (revision {REVISION}), tokenizer {TOKENIZER} (revision not "
                "pinned). Picture: shorter side to 224 by Pillow's bicubic on 8 bits, middle "
                f"square, CLIP's mean and deviation. Text: the prompt, cut to {LONGEST} tokens. "
                f"Formula: (MLP(first state) - {MEAN}) / {STD}, the MLP linear throughout."
            ),
            licence="Apache-2.0",
            homepage="https://huggingface.co/THUDM/ImageReward",
        )

    def _fetched(self) -> str:
        hub: Any = require("huggingface_hub", "hub", f"The scorer {self.address}")
        try:
            return str(hub.hf_hub_download(MODEL, FILE, revision=REVISION))
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(
                f"Scorer {self.address}: {FILE} cannot be fetched from {MODEL} ({text}). Give its "
                "path: imagereward:/path/to/ImageReward.pt"
            ) from None

    def weight_bytes(self) -> int | None:
        """Size of the weight file; None where the published one is not here yet."""
        return Path(self.file).stat().st_size if self.file else None

    def open(self, device: Device) -> None:
        """Load both towers and the head."""
        require("PIL", "image", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        self.file = self.file or self._fetched()
        state = read_weights(self.file)
        towers = build(state, Path(self.file).name)
        self.vision, self.text = (tower.to(self.where, self.dtype) for tower in towers)
        head = {k: v for k, v in state.items() if k.startswith("mlp.")}
        self.weight, self.bias = linear_head(head)
        self.tokenizer = load_tokenizer(self.words)
        side = int(self.vision.config.image_size)
        self.settings = PixelSettings(side, side, CLIP_MEAN, CLIP_STD, even=True)

    def close(self) -> None:
        """Release the weights."""
        for name in ("vision", "text"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Looked:
        """Decode and square the picture, tokenise the prompt."""
        picture, prompt = only(request.candidate(), "image"), text_of(request.prompt)
        if not prompt.strip():
            raise MediaError("there is no prompt to hold the picture against")
        ids = self.tokenizer(prompt)["input_ids"]
        short = ids if len(ids) <= LONGEST else [*ids[: LONGEST - 1], ids[-1]]
        image = pixels(read_image(picture), self.settings)
        return Looked(picture.digest(), image, tuple(short), len(ids) - len(short))

    def share_key(self, prepared: Looked) -> Hashable | None:
        """The prompt."""
        return prepared.ids

    def score(self, batch: Sequence[Looked]) -> list[Outcome]:
        """One reward per picture."""
        with self.torch.inference_mode():
            states = self._read(batch, self._see(batch)).double().cpu()
            rewards = ((states @ self.weight.T + self.bias)[:, 0] - MEAN) / STD
            return [
                Outcome.score(float(reward), extra={"truncated": one.cut} if one.cut else {})
                for reward, one in zip(rewards, batch)
            ]

    def _see(self, batch: Sequence[Looked]) -> Any:
        """Patch states of each request's picture; equal pictures are encoded once."""
        unique = {one.key: one.image for one in batch}
        count("images", len(batch), len(unique))
        stacked = self.torch.from_numpy(np.stack(list(unique.values())))
        seen = self.vision(pixel_values=stacked.to(self.where, self.dtype)).last_hidden_state
        rows = {key: row for row, key in enumerate(unique)}
        return seen[[rows[one.key] for one in batch]]

    def _read(self, batch: Sequence[Looked], seen: Any) -> Any:
        """The first state of each prompt, read beside its picture."""
        longest = max(len(one.ids) for one in batch)
        ids = [[*one.ids, *[0] * (longest - len(one.ids))] for one in batch]
        mask = [[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in batch]
        out = self.text(
            input_ids=self.torch.tensor(ids, device=self.where),
            attention_mask=self.torch.tensor(mask, device=self.where),
            encoder_hidden_states=seen,
            encoder_attention_mask=self.torch.ones(seen.shape[:2], device=self.where),
            is_decoder=False,
        )
        return out.last_hidden_state[:, 0]
