"""``consistency:``: VBench's subject and background consistency over a picture encoder.

Huang et al., "VBench", CVPR 2024, section 3.2, and its published code: the mean over frames
i >= 1 of (max(0, cos(f_(i-1), f_i)) + max(0, cos(f_0, f_i))) / 2, where f are embeddings of all
frames by DINO ViT-B/16 (subject) or CLIP ViT-B/32 (background).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_model
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
    UsageError,
    require,
)
from prefgauge.registry.media import Sampling, iter_frames, only

__all__ = ["RECIPES", "ConsistencyRecipe", "ConsistencyScorer", "consistency"]

Floats = NDArray[np.float32]
CHUNK = 16


@dataclass(frozen=True, slots=True)
class ConsistencyRecipe:
    """Which encoder, and how frames become its input.

    Parameters
    ----------
    model, architecture, licence: Hub id, transformers class and licence of the published weights.
    mode: interpolation to a shorter side of 224, on floats, without antialiasing.
    crop: cut the middle square (CLIP), or keep the whole frame (DINO).
    mean, std: of values in 0..1.
    """

    model: str
    architecture: str
    licence: str
    mode: Literal["bilinear", "bicubic"]
    crop: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


RECIPES: Mapping[str, ConsistencyRecipe] = {
    "subject": ConsistencyRecipe(
        "facebook/dino-vitb16",
        "ViTModel",
        "Apache-2.0",
        "bilinear",
        False,
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
    ),
    "background": ConsistencyRecipe(
        "openai/clip-vit-base-patch32",
        "CLIPModel",
        "MIT",
        "bicubic",
        True,
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
}


class ConsistencyScorer(PointwiseScorer[Floats]):
    """Consistency of a video's frames, 0..1.

    Address: ``consistency:?recipe=subject`` (or ``background``) with the published encoder, or
    ``consistency:FOLDER-or-ID?recipe=NAME`` with another of the same class. Options: ``count``
    (so many frames in place of all), ``dtype``, ``revision``, ``pickle``.

    DINO's own code scales position embeddings for oblong frames a hair differently from
    transformers; expect agreement with VBench to about 1e-3 there.
    """

    padded = False
    batch_cost = 256
    batch_size = 4

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "count", "dtype", "revision", "pickle")
        self.address = address
        name = address.get("recipe", "subject")
        if name not in RECIPES:
            raise UsageError(f"Scorer {address}: recipe is {' or '.join(RECIPES)}, not {name!r}.")
        self.recipe = RECIPES[name]
        count = address.get("count", 0)
        self.sampling = Sampling(count=count) if count else Sampling()
        target = address.target or self.recipe.model
        self.source = identify(target, address.get("revision", ""), address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"video"}),
            dimensions=(Dimension(scale=(0.0, 1.0)),),
            fingerprint={
                "model": self.source.identity,
                "recipe": name,
                "count": count,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            summary=f"VBench {name} consistency: cosines of frames with the one before and the first.",
            licence=self.recipe.licence,
            homepage="https://github.com/Vchitect/VBench",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load the encoder."""
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        vit = self.recipe.architecture == "ViTModel"
        rest = {"add_pooling_layer": False} if vit else {}
        pickle = self.address.get("pickle", False)
        self.model = load_model(
            self.source, self.recipe.architecture, self.dtype, self.where, pickle=pickle, **rest
        )
        size = (self.model.config if vit else self.model.config.vision_config).image_size
        self.side = int(size)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Floats:
        """The frames as the encoder takes them, shape (frames, 3, height, width)."""
        media = only(request.candidate(), "video")
        chunks = [self._input(chunk) for chunk in iter_frames(media, sampling=self.sampling)]
        if sum(map(len, chunks)) < 2:
            raise MediaError(f"{media.where()}: consistency needs two frames or more.")
        return np.concatenate(chunks)

    def _input(self, frames: NDArray[np.uint8]) -> Floats:
        planes = self.torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
        height, width = planes.shape[2:]
        short, long = sorted((height, width))
        other = int(self.side * long / short)
        size = (self.side, other) if height <= width else (other, self.side)
        planes = self.torch.nn.functional.interpolate(planes, size=size, mode=self.recipe.mode)
        if self.recipe.crop:
            top, left = (round((n - self.side) / 2.0) for n in size)
            planes = planes[:, :, top : top + self.side, left : left + self.side]
        mean, std = (
            self.torch.tensor(v)[:, None, None] for v in (self.recipe.mean, self.recipe.std)
        )
        out: Floats = ((planes / 255.0 - mean) / std).numpy()
        return out

    def cost(self, prepared: Floats) -> int:
        """Frames."""
        return len(prepared)

    def score(self, batch: Sequence[Floats]) -> list[Outcome]:
        """The consistency of each video."""
        with self.torch.inference_mode():
            return [
                Outcome.score(consistency(self._embed(frames)), extra={"frames": len(frames)})
                for frames in batch
            ]

    def _embed(self, frames: Floats) -> NDArray[np.float64]:
        parts = []
        for start in range(0, len(frames), CHUNK):
            pixels = self.torch.from_numpy(frames[start : start + CHUNK]).to(self.where, self.dtype)
            if self.recipe.architecture == "ViTModel":
                out = self.model(pixel_values=pixels, interpolate_pos_encoding=True)
                out = out.last_hidden_state[:, 0]
            else:
                out = self.model.get_image_features(pixel_values=pixels)
                out = getattr(out, "pooler_output", out)
            parts.append(out.double().cpu().numpy())
        return np.concatenate(parts)


def consistency(features: NDArray[np.float64]) -> float:
    """The formula on embeddings of shape (frames, width), two frames or more."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    before = np.maximum((unit[1:] * unit[:-1]).sum(axis=1), 0.0)
    first = np.maximum(unit[1:] @ unit[0], 0.0)
    return float(((before + first) / 2.0).mean())
