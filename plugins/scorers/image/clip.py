"""``clip:MODEL?recipe=NAME``: one engine for CLIPScore, PickScore, HPS v2, aesthetics and kin."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.clip_pixels import pixels, settings_of
from prefgauge.plugins.scorers.image.clip_recipes import ClipRecipe
from prefgauge.plugins.scorers.image.clip_weights import (
    file_digest,
    from_open_clip,
    linear_head,
    read_weights,
)
from prefgauge.plugins.scorers.remembered import Remembered
from prefgauge.plugins.scorers.reward_models.flops import Operations
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_model, load_tokenizer
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
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
    default,
    require,
    text_of,
)
from prefgauge.registry.cards import Option
from prefgauge.registry.media import only, read_image
from prefgauge.registry.meter import operations, part

__all__ = ["ClipScorer", "Pair"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A picture, ready for the image tower, and the texts to hold it against.

    Parameters
    ----------
    key: digest of the picture's bytes; equal pictures are encoded once.
    image: float32, shape (3, side, side).
    texts: the recipe's templates, filled in.
    ids: token numbers of each text.
    cut: tokens beyond the model's limit.
    beside: (digest, pixels) of the pictures to hold it against.
    """

    key: str
    image: NDArray[np.float32]
    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    cut: int
    beside: tuple[tuple[str, NDArray[np.float32]], ...] = ()


class ClipScorer(PointwiseScorer[Pair]):
    """Holds a picture against its prompt, by a recipe's formula.

    Address: ``clip:?recipe=pickscore`` (the recipe's own model), or
    ``clip:FOLDER-or-ID?recipe=NAME``. The picture is the candidate and the text the prompt.
    Options:

    captions: true turns it round: the candidates are texts about the picture in the prompt.

    recipe: see :mod:`prefgauge.plugins.scorers.image.clip_recipes`; ``cosine`` by default.
    checkpoint: a weight file with OpenCLIP's or OpenAI's names to put into the model (HPS v2,
        Social Reward).
    head: a file of linear layers on the normalised image embedding (LAION aesthetic).
    dtype, revision, pickle: as for ``hf:``.

    Each text and each picture is encoded once, in whatever batch it occurs again. A text longer
    than the model's limit is cut; ``extra["truncated"]`` tells by how many tokens.
    """

    padded = False
    batch_size = 64
    represents = True

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "checkpoint", "head", "captions", "dtype", "revision", "pickle")
        self.address = address
        self.captions = address.get("captions", False)
        self.recipe: ClipRecipe = default().part(f"clip-recipe.{address.get('recipe', 'cosine')}")
        self.checkpoint, self.head = address.get("checkpoint", ""), address.get("head", "")
        if self.recipe.formula is None and not self.head:
            raise UsageError(f"Scorer {address}: the recipe {self.recipe.name} needs head=PATH.")
        if not address.target and self.recipe.checkpoint and not self.checkpoint:
            raise UsageError(f"Scorer {address}: give checkpoint=PATH of {self.recipe.checkpoint}.")
        target = address.target or self.recipe.model
        if not target:
            raise UsageError(
                f"Scorer {address}: name a model, as in clip:openai/clip-vit-base-patch32."
            )
        revision = address.get("revision", "" if address.target else self.recipe.revision)
        self.source = identify(target, revision, address.scheme)
        own = self.source.digest is not None or not self.recipe.base
        base = self.recipe.base, self.recipe.base_revision
        self.base = self.source if own else identify(*base, address.scheme)
        self.card = self._card()

    def _card(self) -> ScorerCard:
        recipe = self.recipe
        fingerprint: dict[str, Option] = {
            "model": self.source.identity,
            "base": self.base.identity,
            "recipe": recipe.name,
            "captions": self.captions,
            "checkpoint": file_digest(self.checkpoint) if self.checkpoint else "",
            "head": file_digest(self.head) if self.head else "",
            "dtype": self.address.get("dtype", "auto"),
            "version": 1,
        }
        return ScorerCard(
            name=str(self.address),
            form="pointwise",
            modalities=frozenset({"text" if self.captions else "image"}),
            reads=frozenset({"text", "image"} if self.captions else {"text"}),
            dimensions=(Dimension(scale=recipe.scale),),
            fingerprint=fingerprint,
            needs=frozenset(
                {"prompt"} if any("{}" in text for text in recipe.texts) else {recipe.beside} - {""}
            ),
            summary=recipe.card(),
            licence=recipe.licence,
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load towers, tokenizer and image settings."""
        require("PIL", "image", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        pickle = self.address.get("pickle", False)
        self.model = load_model(self.source, "CLIPModel", dtype, self.where, pickle=pickle)
        if self.checkpoint:
            self._put(from_open_clip(read_weights(self.checkpoint)))
        self.dtype = dtype
        self._looks = Operations.of(self.model.vision_model, causal=False)
        self._reads = Operations.of(self.model.text_model)
        vision = self.model.config.vision_config
        self.patches = (vision.image_size // vision.patch_size) ** 2 + 1
        self.scale = float(self.model.logit_scale.double().exp())
        self.tokenizer = load_tokenizer(self.base)
        self.limit = int(self.model.config.text_config.max_position_embeddings)
        self.settings = settings_of(self.base, self.recipe.resize)
        self.linear = linear_head(read_weights(self.head)) if self.head else None
        self._seen, self._read = Remembered("images"), Remembered("texts")

    def _put(self, state: dict[str, Any]) -> None:
        """Replace the model's weights; every one of them must be there, in its shape."""
        try:
            missing, unknown = self.model.load_state_dict(state, strict=False)
        except RuntimeError as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(
                f"{self.checkpoint} does not fit {self.source.path}: {text}"
            ) from None
        missing = [name for name in missing if "position_ids" not in name]
        if missing or unknown:
            names = ", ".join([*missing, *unknown][:5])
            raise ScorerError(f"{self.checkpoint} does not fit {self.source.path}: {names}")

    def close(self) -> None:
        """Release the weights and the embeddings."""
        for name in ("model", "_seen", "_read"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Pair:
        """Decode and square the picture, tokenise the texts."""
        picture, text = self._sides(request)
        texts = tuple(template.replace("{}", text) for template in self.recipe.texts)
        ids = [tuple(self.tokenizer(text)["input_ids"]) for text in texts]
        cut = sum(max(0, len(one) - self.limit) for one in ids)
        # a text that is too long keeps its end mark, from which the text tower reads
        short = tuple(
            one if len(one) <= self.limit else (*one[: self.limit - 1], one[-1]) for one in ids
        )
        image = pixels(read_image(picture), self.settings)
        return Pair(picture.digest(), image, texts, short, cut, self._beside(request))

    def _beside(self, request: Request) -> tuple[tuple[str, NDArray[np.float32]], ...]:
        """The pictures of the recipe's context."""
        if not self.recipe.beside:
            return ()
        parts = request.context.get(self.recipe.beside, ())
        shown = [part for part in parts if isinstance(part, Media) and part.kind == "image"]
        if not shown:
            raise MediaError(f"its {self.recipe.beside} holds no picture to compare with")
        return tuple((one.digest(), pixels(read_image(one), self.settings)) for one in shown)

    def _sides(self, request: Request) -> tuple[Media, str]:
        """The picture and the text."""
        if self.captions:
            picture = only(request.prompt, "image", "the prompt")
            text = text_of(request.candidate())
        else:
            picture, text = only(request.candidate(), "image"), text_of(request.prompt)
        if self.recipe.texts and not text.strip() and "{}" in self.recipe.texts[0]:
            raise MediaError("there is no text to hold the picture against")
        return picture, text

    def share_key(self, prepared: Pair) -> Hashable | None:
        """The texts, which are encoded once."""
        return prepared.texts

    def score(self, batch: Sequence[Pair]) -> list[Outcome]:
        """One value per pair."""
        with self.torch.inference_mode():
            pictures = [(pair.key, pair.image) for pair in batch]
            pictures += [other for pair in batch for other in pair.beside]
            images = self._seen.of(pictures, lambda new: _unit(self._encode_images(new)))
            others = iter(images[len(batch) :])
            flat = [pair for item in batch for pair in zip(item.texts, item.ids)]
            texts = iter(self._read.of(flat, lambda new: _unit(self._encode_texts(new))))
            return [
                self._answer(pair, image, others if pair.beside else texts)
                for pair, image in zip(batch, images)
            ]

    def represent(self, batch: Sequence[Pair]) -> NDArray[np.float32]:
        """The unit embedding of each picture, whatever the text; see :meth:`Scorer.represent`."""
        with self.torch.inference_mode():
            pictures = [(pair.key, pair.image) for pair in batch]
            vectors = self._seen.of(pictures, lambda new: _unit(self._encode_images(new)))
            out: NDArray[np.float32] = self.torch.stack(vectors).float().numpy()
        return out

    def _answer(self, pair: Pair, image: Any, beside: Any) -> Outcome:
        extra = {"truncated": pair.cut} if pair.cut else {}
        cosines = tuple(float(image @ next(beside)) for _ in pair.beside or pair.texts)
        if self.linear is not None:
            weight, bias = self.linear
            return Outcome.score(float((weight @ image + bias)[0]), extra=extra)
        assert self.recipe.formula is not None
        return Outcome.score(self.recipe.formula(cosines, self.scale), extra=extra)

    def _encode_images(self, images: list[Any]) -> Any:
        operations(self._looks.of_group(0, [self.patches]) * len(images), self.where, self.dtype)
        with part("copying"):
            stacked = self.torch.from_numpy(np.stack(images)).to(self.where, self.dtype)
        return _pooled(self.model.get_image_features(pixel_values=stacked))

    def _encode_texts(self, ids: list[tuple[int, ...]]) -> Any:
        """Texts are padded behind, where the causal text tower does not see it."""
        longest = max(map(len, ids))
        flops = sum(self._reads.of_group(0, [len(one)]) for one in ids)
        operations(flops, self.where, self.dtype)
        rows = [[*one, *[one[-1]] * (longest - len(one))] for one in ids]
        mask = [[1] * len(one) + [0] * (longest - len(one)) for one in ids]
        tokens = self.torch.tensor(rows, device=self.where)
        attention = self.torch.tensor(mask, device=self.where)
        return _pooled(self.model.get_text_features(input_ids=tokens, attention_mask=attention))


def _pooled(output: Any) -> Any:
    """The projected embedding: the output itself before transformers 5, a field of it since."""
    return getattr(output, "pooler_output", output)


def _unit(vectors: Any) -> Any:
    """Unit vectors, float64 on the CPU."""
    vectors = vectors.double().cpu()
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-12)
