"""``mvclip:PATH``: 3DGen-Score, a CLIP whose picture towers see four sides of a 3D object.

Zhang et al., "3DGen-Bench", arXiv 2503.21745; code 3DTopia/3DGen-Bench (demo.py).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.clip_pixels import pixels, settings_of
from prefgauge.plugins.scorers.image.clip_recipes import PICKSCORE
from prefgauge.plugins.scorers.image.clip_weights import file_digest, read_weights
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import (
    fill_model,
    load_config,
    load_tokenizer,
)
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.plugins.scorers.threed.sides import grids
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Media,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
    require,
    text_of,
)
from prefgauge.registry.media import read_image

__all__ = ["MvClipScorer", "Sides"]

DIMENSIONS = ("alignment", "geometry", "geo_detail", "texture", "geo_texture")
_SCALES = ("geo_logit_scale", "geo_texture_logit_scale", "align_logit_scale")
_LINEAR = ("geo_detail_logit_proj", "texture_logit_proj")


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """An object from four sides, ready for the towers, and what it is held against.

    Parameters
    ----------
    colour, normal: float32, shape (3, side, side).
    key: of the reference; equal ones are encoded once.
    ids: token numbers of the prompt; empty where the prompt is a `picture`.
    cut: tokens beyond the model's limit.
    """

    colour: NDArray[np.float32]
    normal: NDArray[np.float32]
    key: Hashable
    ids: tuple[int, ...] = ()
    picture: NDArray[np.float32] | None = None
    cut: int = 0


class MvClipScorer(PointwiseScorer[Sides]):
    """Five values of a 3D object for a prompt (text, or the picture it was made from).

    Address: ``mvclip:PATH`` of ``model.pkl`` (a state dict) of 3DGen/3dgen-score-mvclip-v1. A
    candidate is, in this order of preference: two pictures, colour and normals, each a 2 x 2 grid
    of four sides; two turning videos, colour and normals; one of either whose file name holds
    ``rgb`` and has a sister with ``normal`` (as the data set's renders do); or a mesh, which is
    then drawn by prefgauge's own small renderer. Options:

    base: folder or Hub id with CLIP's configuration, tokenizer and image settings (the official
        ViT-H/14 by default).
    up, elevation: of the camera for meshes (y, 15 degrees).
    dtype: as for ``hf:``.

    The published scores are the softmax of each value over the two objects of a pair.
    """

    padded = False
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("base", "up", "elevation", "dtype")
        self.address = address
        if not address.target:
            raise UsageError(f"Scorer {address}: give the path of its weights, mvclip:PATH.")
        self.elevation, up = address.get("elevation", 15.0), address.get("up", "y")
        if up not in {"y", "z"}:
            raise UsageError(f"Scorer {address}: up is y or z, not {up!r}.")
        self.up = cast(Literal["y", "z"], up)
        own = address.get("base", "")
        base = (own, "") if own else (PICKSCORE.base, PICKSCORE.base_revision)
        self.base = identify(*base, address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"mesh", "video", "image"}),
            reads=frozenset({"text", "image"}),
            dimensions=tuple(Dimension(name) for name in DIMENSIONS),
            fingerprint={
                "weights": file_digest(address.target),
                "base": self.base.identity,
                "up": up,
                "elevation": self.elevation,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary=(
                "3DGen-Score: CLIP ViT-H/14 with towers for colour and for normals of four sides. "
                "Zhang et al., arXiv 2503.21745; code 3DTopia/3DGen-Bench, demo.py. Weights: "
                "model.pkl of 3DGen/3dgen-score-mvclip-v1 (the digest of the file given is "
                f"recorded); configuration, tokenizer and image settings of {self.base.identity}. "
                "Input: the frames at 0, 1/4, 1/2 and 3/4 of a turn as one 2 x 2 picture, shorter "
                "side to the model's size by Pillow's bicubic on 8 bits, the model's mean and "
                "deviation. Formula, with t, n, c the projected embeddings of prompt, normals and "
                "colours, not normalised, and s the checkpoint's scales: alignment exp(s) t.c; "
                "geometry exp(s) t.n; geo_detail W n + b; texture W c + b; geo_texture exp(s) n.c. "
                "Unverified: the order of the sides in the grid (here row by row), and that a "
                "mesh drawn here looks as theirs do."
            ),
            licence="MIT",
            homepage="https://huggingface.co/3DGen/3dgen-score-mvclip-v1",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight file."""
        return Path(self.address.target).expanduser().stat().st_size

    def open(self, device: Device) -> None:
        """Load the three towers and the two heads.

        Raises
        ------
        ScorerError: if tensors are missing, left over, or of another shape.
        """
        require("PIL", "image", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        transformers: Any = require("transformers", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        name = Path(self.address.target).name
        state = read_weights(self.address.target)
        config = load_config(self.base)
        self.numbers = _numbers(state, int(config.projection_dim), name)
        config.vision_config.projection_dim = config.projection_dim
        parts = (
            ("clip.", transformers.CLIPModel, config),
            ("normal_", transformers.CLIPVisionModelWithProjection, config.vision_config),
            ("rgb_", transformers.CLIPVisionModelWithProjection, config.vision_config),
        )
        self.clip, self.normals, self.colours = (
            fill_model(kind, settings, _below(state, prefix), self.dtype, f"{name}, {prefix}").to(
                self.where
            )
            for prefix, kind, settings in parts
        )
        self.tokenizer = load_tokenizer(self.base)
        self.limit = int(config.text_config.max_position_embeddings)
        self.settings = settings_of(self.base)

    def close(self) -> None:
        """Release the weights."""
        for name in ("clip", "normals", "colours"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Sides:
        """Both grids, and the prompt."""
        colour, normal = (
            pixels(grid, self.settings)
            for grid in grids(request.candidate(), self.up, self.elevation)
        )
        shown = [part for part in request.prompt if isinstance(part, Media)]
        if len(shown) == 1 and shown[0].kind == "image":
            picture = pixels(read_image(shown[0]), self.settings)
            return Sides(colour, normal, shown[0].digest(), picture=picture)
        text = text_of(request.prompt)
        if not text.strip():
            raise MediaError("there is no prompt, text or one picture, to hold the object against")
        ids = self.tokenizer(text)["input_ids"]
        short = ids if len(ids) <= self.limit else [*ids[: self.limit - 1], ids[-1]]
        return Sides(colour, normal, text, tuple(short), cut=len(ids) - len(short))

    def share_key(self, prepared: Sides) -> Hashable | None:
        """The prompt."""
        return prepared.key

    def score(self, batch: Sequence[Sides]) -> list[Outcome]:
        """Five values per object."""
        with self.torch.inference_mode():
            normals = self._seen(self.normals, [one.normal for one in batch])
            colours = self._seen(self.colours, [one.colour for one in batch])
            known = {one.key: one for one in batch}
            wanted = {key: self._reference(one) for key, one in known.items()}
            return [
                self._answer(wanted[one.key], normal, colour, one.cut)
                for one, normal, colour in zip(batch, normals, colours)
            ]

    def _seen(self, tower: Any, pictures: list[NDArray[np.float32]]) -> Any:
        stacked = self.torch.from_numpy(np.stack(pictures)).to(self.where, self.dtype)
        return tower(pixel_values=stacked).image_embeds.double().cpu()

    def _reference(self, one: Sides) -> Any:
        """The prompt's projected embedding."""
        if one.picture is not None:
            shown = self.torch.from_numpy(one.picture[None]).to(self.where, self.dtype)
            out = self.clip.get_image_features(pixel_values=shown)
        else:
            ids = self.torch.tensor([one.ids], device=self.where)
            out = self.clip.get_text_features(input_ids=ids)
        return getattr(out, "pooler_output", out)[0].double().cpu()

    def _answer(self, prompt: Any, normal: Any, colour: Any, cut: int) -> Outcome:
        number = self.numbers
        detail, texture = (
            float(number[f"{name}.weight"][0] @ vector + number[f"{name}.bias"][0])
            for name, vector in zip(_LINEAR, (normal, colour))
        )
        geometry, both, alignment = (
            math.exp(number[scale]) * float(one @ other)
            for scale, (one, other) in zip(
                _SCALES, ((prompt, normal), (normal, colour), (prompt, colour))
            )
        )
        values = (alignment, geometry, detail, texture, both)
        extra = {"truncated": cut} if cut else {}
        return Outcome.score(dict(zip(DIMENSIONS, values)), extra=extra)


def _below(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The tensors of one tower, by the names of its own class."""
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) and "position_ids" not in name
    }


def _numbers(state: Mapping[str, Any], width: int, where: str) -> dict[str, Any]:
    """Scales (numbers) and heads (float64 tensors).

    Raises
    ------
    ScorerError: if one is missing or of another shape.
    """
    wanted: dict[str, tuple[int, ...]] = dict.fromkeys(_SCALES, ())
    for name in _LINEAR:
        wanted |= {f"{name}.weight": (1, width), f"{name}.bias": (1,)}
    wrong = [n for n, shape in wanted.items() if n not in state or tuple(state[n].shape) != shape]
    if wrong:
        raise ScorerError(
            f"{where}: not the weights of 3DGen-Score: {wrong[0]} is missing or of another shape."
        )
    return {
        name: float(state[name]) if not shape else state[name].double()
        for name, shape in wanted.items()
    }
