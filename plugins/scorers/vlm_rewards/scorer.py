"""``vlm-reward:MODEL?recipe=NAME``: vision-language reward models with value heads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.vqa import collate
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_config, load_processor
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.plugins.scorers.vlm_rewards.checkpoint import (
    body_of,
    find_weights,
    head_of,
    local_folder,
    read_state,
    settings_of,
)
from prefgauge.plugins.scorers.vlm_rewards.inputs import FrameRule, at_rate
from prefgauge.plugins.scorers.vlm_rewards.recipes import VlmRecipe
from prefgauge.plugins.scorers.vlm_rewards.shown import Presenter, Shown
from prefgauge.registry import (
    Address,
    Device,
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
from prefgauge.registry.media import only

__all__ = ["VlmRewardScorer"]


class VlmRewardScorer(PointwiseScorer[Shown]):
    """Values of a picture or video for its prompt, by a recipe's head on a chat model's states.

    Address: ``vlm-reward:?recipe=hpsv3`` (the published weights), or
    ``vlm-reward:FOLDER-or-ID?recipe=NAME``. Options:

    recipe: see :mod:`prefgauge.plugins.scorers.vlm_rewards.recipes`.
    base: folder or Hub id with the configuration, tokenizer and image settings; by default the
        weights' own folder where it has a ``config.json``, else the recipe's.
    prompt: the user's copy of the prompt that the model was trained with, instead of the
        download: the published Python file, or a text file.
    revision: of the weights on the Hub. dtype: as for ``hf:``.

    The head computes in float32. A prompt that holds one of the model's own marks cannot be
    scored: it would be read as a picture or a place for the head.
    """

    batch_cost = 1 << 13
    batch_size = 16
    represents = True

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "base", "prompt", "revision", "dtype")
        self.address = address
        self.recipe = _recipe(address)
        self.template = self.recipe.prompt.read(address.get("prompt", ""), str(address))
        self._check_template()
        revision = address.get("revision", "" if address.target else self.recipe.revision)
        self.source = find_weights(address, address.target or self.recipe.model, revision)
        self.base = self._base(address.get("base", ""))
        self.card = self._card()

    def _check_template(self) -> None:
        """The head's tokens stand in the template once each, in order."""
        places = [self.template.find(token) for token in self.recipe.tokens]
        once = all(self.template.count(token) == 1 for token in self.recipe.tokens)
        if not once or places != sorted(places):
            raise UsageError(
                f"Scorer {self.address}: the prompt must hold {' '.join(self.recipe.tokens)} once "
                "each and in this order: it is not the text that the model was trained with."
            )

    def _base(self, given: str) -> Any:
        own = self.source.digest is not None and (Path(self.source.path) / "config.json").exists()
        if not given and (own or not self.recipe.base):
            return self.source
        return identify(given or self.recipe.base, "", self.address.scheme)

    def _card(self) -> ScorerCard:
        recipe = self.recipe
        return ScorerCard(
            name=str(self.address),
            form="pointwise",
            modalities=frozenset({recipe.kind}),
            dimensions=recipe.dimensions,
            fingerprint={
                "model": self.source.identity,
                "base": self.base.identity,
                "recipe": recipe.name,
                "prompt": hashlib.sha256(self.template.encode()).hexdigest(),
                "dtype": self.address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary=recipe.card(),
            licence=recipe.licence,
            homepage=recipe.homepage,
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.source.weight_bytes()

    def open(self, device: Device) -> None:
        """Load body, head and processor.

        Raises
        ------
        ScorerError: if weights are missing, have shapes that do not fit the recipe, or belong to
            another base model.
        """
        require("PIL", "image", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        folder, where = local_folder(self.source), self.source.path
        self._configure(settings_of(folder))
        base = folder if self.base == self.source else local_folder(self.base)
        config = load_config(self.base)
        state = read_state(folder, base, config.model_type)
        head = head_of(state, self.recipe.head, where)
        self.model = body_of(state, config, where, self.dtype).to(self.where)
        self.head = head.to(self.where)
        self._check_head(where)
        processor = load_processor(self.base)
        self.presenter = Presenter(self.recipe, self.template, processor, self.frames, self.pixels)
        rows, ids = self.model.get_input_embeddings().weight.shape[0], self.presenter.ids
        if ids and max(ids) >= rows:
            raise ScorerError(
                f"{where}: the weights know {rows} tokens and {self.recipe.tokens[-1]} is number "
                f"{max(ids)}. Give base= the model that it was trained from."
            )

    def _configure(self, settings: Mapping[str, Any]) -> None:
        """The recipe's numbers, or those that the checkpoint brings with it."""
        data, norms = settings.get("data_config") or {}, settings.get("inference_config") or {}
        for name, wanted in (("sample_type", "uniform"), ("num_frames", None)):
            if data.get(name, wanted) != wanted:
                raise ScorerError(
                    f"{self.source.path}: model_config.json asks for {name}={data[name]!r}, which "
                    f"the recipe {self.recipe.name} does not do."
                )
        self.frames: FrameRule | None = self.recipe.frames
        self.pixels, self.norms = self.recipe.pixels, dict(self.recipe.norms)
        try:
            if self.norms and data.get("fps"):
                self.frames = at_rate(float(data["fps"]))
            if self.pixels is not None and data.get("max_frame_pixels"):
                self.pixels = (self.pixels[0], int(data["max_frame_pixels"]))
            for name in self.norms if norms else ():
                self.norms[name] = float(norms[f"{name}_mean"]), float(norms[f"{name}_std"])
        except (KeyError, TypeError, ValueError) as error:
            raise ScorerError(f"{self.source.path}: model_config.json: {error!r}") from None

    def _check_head(self, where: str) -> None:
        layers = [layer for layer in self.head if hasattr(layer, "in_features")]
        first, last, places = layers[0], layers[-1], len(self.recipe.tokens) or 1
        width = self.model.get_input_embeddings().weight.shape[1]
        wanted = {len(self.recipe.outputs)} if places == 1 else {1, len(self.recipe.outputs)}
        if first.in_features != width or last.out_features not in wanted:
            raise ScorerError(
                f"{where}: the head takes {first.in_features} values and gives "
                f"{last.out_features}; the recipe {self.recipe.name} needs one that takes {width} "
                f"and gives {' or '.join(map(str, sorted(wanted)))}."
            )

    def close(self) -> None:
        """Release the weights."""
        for name in ("model", "head"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Shown:
        """Decode, resize, and build the model's inputs."""
        media = only(request.candidate(), self.recipe.kind)
        return self.presenter.show(text_of(request.prompt), media)

    def cost(self, prepared: Shown) -> int:
        """Tokens, those of the pictures among them."""
        return prepared.tokens

    def score(self, batch: Sequence[Shown]) -> list[Outcome]:
        """One forward pass for the batch."""
        with self.torch.inference_mode():
            return [
                self._answer(states, shown) for states, shown in zip(self._states(batch), batch)
            ]

    def represent(self, batch: Sequence[Shown]) -> NDArray[np.float32]:
        """The states that the head reads, side by side where there are several; see
        :meth:`Scorer.represent`."""
        with self.torch.inference_mode():
            rows = [states.flatten().cpu() for states in self._states(batch)]
            out: NDArray[np.float32] = self.torch.stack(rows).numpy()
        return out

    def _states(self, batch: Sequence[Shown]) -> list[Any]:
        """float32 (places, width) of each request; padded behind, where no token sees it."""
        pad = self.presenter.pad
        inputs = collate(self.torch, [shown.inputs for shown in batch], pad, behind=True)
        moved = {name: self._moved(tensor) for name, tensor in inputs.items()}
        if self.recipe.sequential:
            moved["position_ids"] = _counted(moved["attention_mask"])
        states = self.model(**moved, use_cache=False).last_hidden_state
        return [row[list(shown.places)].float() for row, shown in zip(states, batch)]

    def _moved(self, tensor: Any) -> Any:
        if tensor.is_floating_point():
            return tensor.to(self.where, self.dtype)
        return tensor.to(self.where)

    def _answer(self, states: Any, shown: Shown) -> Outcome:
        found = self.head(states).double().cpu()
        if len(shown.places) > 1:  # a value for each token, or a row of values of which one counts
            found = found.diagonal() if found.shape[1] > 1 else found[:, 0]
        values = dict(zip(self.recipe.outputs, found.flatten().tolist(), strict=True))
        for name, (mean, deviation) in self.norms.items():
            values[name] = (values[name] - mean) / deviation
        dimensions, facts = self.recipe.rule(values)
        extra = {**facts, "tokens": shown.tokens, "frames": shown.frames}
        return Outcome.score(dimensions, extra=extra)


def _recipe(address: Address) -> VlmRecipe:
    name = address.get("recipe", "")
    if not name:
        known = [part for part in default().names("part") if part.startswith("vlm-recipe.")]
        names = ", ".join(part.removeprefix("vlm-recipe.") for part in known)
        raise UsageError(f"Scorer {address}: name a recipe, recipe=NAME; there are {names}.")
    recipe: VlmRecipe = default().part(f"vlm-recipe.{name}")
    return recipe


def _counted(mask: Any) -> Any:
    """Positions 0, 1, 2... of the tokens that are no padding, the same on all three axes."""
    positions = (mask.long().cumsum(-1) - 1).clamp_min(0)
    return positions[None].expand(3, -1, -1)
