"""``points:?recipe=ulip-2``: how well a 3D object fits its prompt, from its coloured points."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_model, load_tokenizer
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
from prefgauge.plugins.scorers.tensors import Tensors, check
from prefgauge.plugins.scorers.threed.cloud import normalised, sample_cloud
from prefgauge.plugins.scorers.threed.point_nets import ball, nearest
from prefgauge.plugins.scorers.threed.point_recipes import RECIPES
from prefgauge.plugins.scorers.weights import open_weights, weight_file
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
    text_of,
)
from prefgauge.registry.media import only, read_mesh

__all__ = ["Patched", "PointsScorer"]

COUNT = 10_000  # points of a cloud, in all recipes
HEAD = 64  # width of an attention head, in all recipes
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Patched:
    """A cloud in patches, and its prompt.

    Parameters
    ----------
    centres: float32, shape (groups, 3).
    patches: float32, shape (groups, size, channels).
    ids: token numbers of the prompt; `cut`: tokens beyond the limit.
    """

    centres: Floats
    patches: Floats
    ids: tuple[int, ...]
    cut: int


class PointsScorer(PointwiseScorer[Patched]):
    """Cosine of an object's point cloud and its prompt, -1..1.

    Address: ``points:?recipe=ulip-2`` (published weights on first use), or
    ``points:PATH?recipe=ulip-2``. Recipes: ``ulip-2`` (the default), ``openshape`` (ViT-bigG-14),
    ``openshape-l14``, ``openshape-b32``. Options: ``text`` (another folder or Hub id of the CLIP
    model the recipe names), ``seed`` (0) of the sampled points, ``up`` (``y`` as glTF has it, or
    ``z``) of the objects, ``pickle`` (true: open a checkpoint that is more than tensors).

    10,000 points with colours are taken from the surface, centred on their mean and scaled to a
    radius of 1; for a recipe trained with z up, y and z are swapped, as its authors do (a mirror
    image, which they trained on). The prompt is used as it is, without templates. Textures are
    not read: such objects get the grey that the encoders know as "no colour".

    OpenShape's own code begins its farthest point sampling at a random point; here it begins at
    the first, so that a score is the same every time.
    """

    padded = False
    batch_cost = 16
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "text", "seed", "up", "pickle")
        self.address = address
        name, self.up = address.get("recipe", "ulip-2"), address.get("up", "y")
        if name not in RECIPES or self.up not in {"y", "z"}:
            raise UsageError(
                f"Scorer {address}: recipe is one of {', '.join(RECIPES)}, and up is y or z."
            )
        self.recipe, self.seed = RECIPES[name], address.get("seed", 0)
        self.weights = weight_file(address, self.recipe.published)
        self.words = identify(address.get("text", self.recipe.text), "", address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"mesh"}),
            dimensions=(Dimension(scale=(-1.0, 1.0)),),
            fingerprint={
                "weights": self.weights.identity,
                "text": self.words.identity,
                "recipe": name,
                "seed": self.seed,
                "up": self.up,
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary=f"Cosine of coloured points and prompt. {self.recipe.source}.",
            licence=self.recipe.licence,
        )

    def open(self, device: Device) -> None:
        """Load the encoder and the text tower.

        Raises
        ------
        ScorerError: if they cannot be fetched, are other networks, or do not belong together.
        """
        require("trimesh", "threed", str(self.address))
        torch: Any = require("torch", "local", str(self.address))
        self.torch, self.where = torch, pick_device(device, str(self.address))
        path = self.weights.locate()
        found = open_weights(path, pickle=self.address.get("pickle", False))
        inner = found.get("state_dict", found)
        prefix = self.recipe.prefix
        if not any(str(name).startswith(prefix) for name in inner):
            prefix = ""
        state = {k.removeprefix(prefix): v for k, v in inner.items() if k.startswith(prefix)}
        self.net = Tensors(state, str(path), self.recipe.source)
        self.net.to(self.where, torch.float32)
        check(self.net, self._probe, spare=r"logit_scale|open_clip_model\..*")
        self.text = load_model(self.words, "CLIPTextModelWithProjection", torch.float32, self.where)
        self.limit = int(self.text.config.max_position_embeddings)
        self.tokenizer = load_tokenizer(self.words)
        width = int(self.text.config.projection_dim)
        if width != self.width:
            raise ScorerError(
                f"Scorer {self.address}: points have {self.width} dimensions and texts of "
                f"{self.words.path} have {width}; the recipe needs {self.recipe.text}."
            )

    def _probe(self) -> None:
        channels = 6 if self.recipe.radius is None else 9
        shapes = ((1, 4, 3), (1, 4, 8, channels))
        empty = [self.torch.zeros(shape, device=self.where) for shape in shapes]
        self.width = int(self._embed(*empty).shape[1])

    def close(self) -> None:
        """Drop both towers."""
        for name in ("net", "text"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Patched:
        """Decode, take points, divide them into patches; tokenise."""
        prompt = text_of(request.prompt)
        if not prompt.strip():
            raise MediaError("there is no prompt to hold the object against")
        media, r = only(request.candidate(), "mesh"), self.recipe
        cloud = sample_cloud(read_mesh(media), COUNT, self.seed, media.where())
        points = cloud.points if self.up == r.up else cloud.points[:, [0, 2, 1]]
        points = normalised(points, media.where())
        if r.radius is None:
            centres, patches = nearest(points, cloud.colors, r.groups, r.size)
        else:
            features = np.concatenate([points, cloud.colors], axis=1)
            centres, patches = ball(points, features, r.groups, r.size, r.radius)
        ids = self.tokenizer(prompt)["input_ids"]
        short = ids if len(ids) <= self.limit else [*ids[: self.limit - 1], ids[-1]]
        return Patched(centres, patches, tuple(short), len(ids) - len(short))

    def share_key(self, prepared: Patched) -> Hashable | None:
        """The prompt, encoded once per batch."""
        return prepared.ids

    def score(self, batch: Sequence[Patched]) -> list[Outcome]:
        """One cosine per object."""
        with self.torch.inference_mode():
            stacked = (
                self.torch.from_numpy(np.stack([getattr(one, name) for one in batch]))
                for name in ("centres", "patches")
            )
            seen = self._embed(*(part.to(self.where) for part in stacked)).double().cpu()
            seen = seen / seen.norm(dim=1, keepdim=True).clamp_min(1e-12)
            texts = {one.ids: self._read(one.ids) for one in batch}
            return [
                Outcome.score(
                    min(1.0, max(-1.0, float(vector @ texts[one.ids]))),
                    extra={"truncated": one.cut} if one.cut else {},
                )
                for vector, one in zip(seen, batch)
            ]

    def _embed(self, centres: Any, patches: Any) -> Any:
        token = next(v for k, v in self.net.state.items() if k.endswith("cls_token"))
        return self.recipe.net(self.net, centres, patches, max(1, token.shape[-1] // HEAD))

    def _read(self, ids: tuple[int, ...]) -> Any:
        out = self.text(input_ids=self.torch.tensor([ids], device=self.where)).text_embeds[0]
        out = out.double().cpu()
        return out / out.norm().clamp_min(1e-12)
