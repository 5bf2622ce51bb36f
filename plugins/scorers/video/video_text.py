"""``videotext:?recipe=viclip``: a video against its prompt, or MTScore, by a video-text model."""

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
from prefgauge.plugins.scorers.video.viclip_net import frames_of, positions, see, write
from prefgauge.plugins.scorers.video.video_text_recipes import FORMULAS, RECIPES, VideoTextRecipe
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
from prefgauge.registry.media import only, open_video

__all__ = ["VideoTextScorer", "Watched", "pixels"]

TOKENIZER = "openai/clip-vit-large-patch14"  # all CLIP models cut text alike
REMEMBER = 1024  # text embeddings kept between batches
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A video, ready for the picture tower, and the texts to hold it against.

    Parameters
    ----------
    frames: float32, shape (frames, 3, side, side).
    ids: token numbers of each text; `cut`: tokens beyond the limit.
    """

    frames: Floats
    ids: tuple[tuple[int, ...], ...]
    cut: int


class VideoTextScorer(PointwiseScorer[Watched]):
    """A video held against its prompt (cosine), or against MTScore's sentences.

    Address: ``videotext:?recipe=NAME`` (published weights on first use), or
    ``videotext:PATH?recipe=NAME``. Recipes: ``viclip`` (the default; 8 frames as its authors
    take them), ``viclip-vbench`` (the same weights, frames and pixels as VBench's overall
    consistency and temporal style), ``videoclip-xl``, ``clip`` (any CLIP folder or Hub id; the
    mean of 8 frames). Options: ``formula`` (``cosine``, or ``mtscore``), ``tokenizer`` (a folder
    or Hub id in place of openai/clip-vit-large-patch14).

    MTScore was published with InternVideo2 (stage 2, 1B, 4 frames), which is not read here: with
    another model the formula is the same and the numbers are not comparable with the
    leaderboard's. Texts are cut at the model's limit (ViCLIP: 32 tokens).
    """

    padded = False
    batch_cost = 16
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "formula", "tokenizer")
        self.address = address
        name, formula = address.get("recipe", "viclip"), address.get("formula", "cosine")
        if name not in RECIPES or formula not in FORMULAS:
            raise UsageError(
                f"Scorer {address}: recipe is one of {', '.join(RECIPES)}; formula is one of "
                f"{', '.join(FORMULAS)}."
            )
        self.recipe: VideoTextRecipe = RECIPES[name]
        self.formula = FORMULAS[formula]
        if self.recipe.published is None:
            self.model = identify(address.target, "", address.scheme)
            self.words = self.model
            weights = self.model.identity
        else:
            self.weights = weight_file(address, self.recipe.published)
            self.words = identify(address.get("tokenizer", TOKENIZER), "", address.scheme)
            weights = self.weights.identity
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"video"}),
            dimensions=(Dimension(scale=self.formula.scale),),
            fingerprint={
                "weights": weights,
                "tokenizer": self.words.identity,
                "recipe": name,
                "formula": formula,
                "version": 1,
            },
            needs=frozenset({"prompt"} if "{}" in self.formula.texts else ()),
            summary=f"{self.formula.source}; model: {self.recipe.source}.",
            licence=self.recipe.licence,
        )

    def open(self, device: Device) -> None:
        """Load both towers and the tokenizer.

        Raises
        ------
        ScorerError: if they cannot be fetched, or are other networks.
        """
        torch: Any = require("torch", "local", str(self.address))
        self.torch, self.where = torch, pick_device(device, str(self.address))
        self._known: dict[tuple[int, ...], Any] = {}
        self.tokenizer = load_tokenizer(self.words)
        if self.recipe.net == "clip":
            self.clip = load_model(self.model, "CLIPModel", torch.float32, self.where)
            self.side = int(self.clip.config.vision_config.image_size)
            self.limit = int(self.clip.config.text_config.max_position_embeddings)
            return
        path = self.weights.locate()
        found = open_weights(path)
        self.net = Tensors(found.get("model", found), str(path), self.recipe.source)
        self.net.to(self.where, torch.float32)
        vision, text = self.net.below(self.recipe.vision), self.net.below(self.recipe.text)
        grid = round((vision["positional_embedding"].shape[0] - 1) ** 0.5)
        self.side = grid * int(vision["conv1.weight"].shape[-1])
        self.limit = int(positions(text).shape[0])
        if frames_of(vision) != self.recipe.count:
            raise ScorerError(
                f"{path}: made for {frames_of(vision)} frames; the recipe takes {self.recipe.count}."
            )
        empty = np.zeros((self.recipe.count, 3, self.side, self.side), np.float32)
        spare = r"(.*\.)?(temp|logit_scale)"
        check(self.net, lambda: (self._see([empty]), self._write((0, 1))), spare)
        self._known.clear()

    def close(self) -> None:
        """Drop the towers."""
        for name in ("net", "clip", "_known"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Watched:
        """Decode the frames, tokenise the texts."""
        media, prompt = only(request.candidate(), "video"), text_of(request.prompt)
        if "{}" in self.formula.texts and not prompt.strip():
            raise MediaError("there is no prompt to hold the video against")
        texts = [text.replace("{}", prompt) for text in self.formula.texts]
        ids = [self.tokenizer(text)["input_ids"] for text in texts]
        short = tuple(
            tuple(one if len(one) <= self.limit else [*one[: self.limit - 1], one[-1]])
            for one in ids
        )
        video = open_video(media)
        try:
            try:
                chosen = self.recipe.frames(len(video), self.recipe.count)
            except MediaError as error:
                raise MediaError(f"{media.where()}: {error}") from None
            unique = sorted(set(chosen))
            read = video.read(unique)[[unique.index(number) for number in chosen]]
        finally:
            video.close()
        cut = sum(max(0, len(one) - self.limit) for one in ids)
        return Watched(pixels(read, self.side, self.recipe), short, cut)

    def share_key(self, prepared: Watched) -> Hashable | None:
        """The texts, encoded once."""
        return prepared.ids

    def score(self, batch: Sequence[Watched]) -> list[Outcome]:
        """One value per video."""
        with self.torch.inference_mode():
            seen = self._see([one.frames for one in batch])
            outcomes = []
            for video, one in zip(seen, batch):
                cosines = tuple(
                    min(1.0, max(-1.0, float(video @ self._write(ids)))) for ids in one.ids
                )
                extra = {"truncated": one.cut} if one.cut else {}
                outcomes.append(Outcome.score(self.formula.value(cosines), extra=extra))
            return outcomes

    def _see(self, videos: Sequence[Floats]) -> Any:
        """Unit vectors of videos (float64, on the CPU)."""
        stacked = self.torch.from_numpy(np.stack(videos)).to(self.where)
        if self.recipe.net == "viclip":
            return _unit(see(self.net.below(self.recipe.vision), stacked))
        out = self.clip.get_image_features(pixel_values=stacked.flatten(0, 1))
        each = _unit(getattr(out, "pooler_output", out)).unflatten(0, stacked.shape[:2])
        return _unit(each.mean(dim=1))

    def _write(self, ids: tuple[int, ...]) -> Any:
        """Unit vector of a text (float64, on the CPU), encoded once."""
        if ids not in self._known:
            if len(self._known) >= REMEMBER:
                self._known.clear()
            tokens = self.torch.tensor([ids], device=self.where)
            if self.recipe.net == "viclip":
                out = write(self.net.below(self.recipe.text), tokens)
            else:
                out = self.clip.get_text_features(input_ids=tokens)
            self._known[ids] = _unit(getattr(out, "pooler_output", out))[0]
        return self._known[ids]


def pixels(frames: NDArray[np.uint8], side: int, recipe: VideoTextRecipe) -> Floats:
    """Frames (n, height, width, 3) as the picture tower takes them: float32 (n, 3, side, side)."""
    torch: Any = require("torch", "local", "Video preprocessing")
    planes = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    height, width = planes.shape[2:]
    size, mode = (side, side), "bilinear"
    if recipe.pixels == "crop":
        other, mode = int(side * max(height, width) / min(height, width)), "bicubic"
        size = (side, other) if height <= width else (other, side)
    planes = torch.nn.functional.interpolate(planes, size=size, mode=mode)
    planes = planes.clamp(0, 255).round()
    top, left = (round((n - side) / 2.0) for n in size)
    planes = planes[:, :, top : top + side, left : left + side]
    mean, std = (torch.tensor(v)[:, None, None] for v in (recipe.mean, recipe.std))
    out: Floats = ((planes / 255.0 - mean) / std).numpy()
    return out


def _unit(vectors: Any) -> Any:
    vectors = vectors.double().cpu()
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)
