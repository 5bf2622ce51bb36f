"""A picture or video with its prompt, as a vision-language reward model takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.vlm_rewards.inputs import (
    FrameRule,
    fitted,
    frames_of,
    resized_frames,
)
from prefgauge.plugins.scorers.vlm_rewards.recipes import VlmRecipe
from prefgauge.registry import Media, MediaError, require
from prefgauge.registry.media import read_image

__all__ = ["Presenter", "Shown"]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One picture or video with its prompt, as the model takes it.

    Parameters
    ----------
    inputs: the processor's tensors.
    places: positions of the tokens at which the head reads.
    frames: how many pictures were looked at.
    """

    inputs: Mapping[str, Any]
    places: tuple[int, ...]
    frames: int

    @property
    def tokens(self) -> int:
        """Length in tokens, those of the pictures among them."""
        return int(self.inputs["input_ids"].shape[1])


class Presenter:
    """Makes inputs by a recipe; safe to use from several threads.

    Parameters
    ----------
    template: the prompt of the model's training.
    processor: transformers' own; the recipe's tokens are added to its tokenizer.
    frames, pixels: the recipe's, or what the checkpoint says instead.

    Attributes
    ----------
    ids: numbers of the recipe's tokens; `pad`: of the padding.
    """

    def __init__(
        self,
        recipe: VlmRecipe,
        template: str,
        processor: Any,
        frames: FrameRule | None,
        pixels: tuple[int, int] | None,
    ) -> None:
        self.recipe, self.template, self.processor = recipe, template, processor
        self.frames, self.pixels = frames, pixels
        tokenizer = processor.tokenizer
        tokenizer.add_tokens(list(recipe.tokens), special_tokens=True)
        self.ids: list[int] = [tokenizer.convert_tokens_to_ids(token) for token in recipe.tokens]
        self.pad = tokenizer.pad_token_id or 0
        self._marks = tuple(tokenizer.get_added_vocab())

    def show(self, prompt: str, media: Media) -> Shown:
        """The inputs for one request.

        Raises
        ------
        MediaError: if there is no prompt, it holds one of the model's own marks, or the medium
            cannot be shown.
        """
        if not prompt.strip():
            raise MediaError("there is no prompt to judge by")
        mark = next((mark for mark in self._marks if mark in prompt), None)
        if mark is not None:
            raise MediaError(f"the prompt holds {mark!r}, which is a mark of the model's own")
        shown, frames = self._shown(media)
        text = self._conversation(self.recipe.prompt.fill(self.template, prompt), frames)
        inputs = dict(self.processor(text=[text], return_tensors="pt", **shown))
        inputs.pop("mm_token_type_ids", None)
        return Shown(inputs, self._places(inputs["input_ids"][0].tolist()), frames)

    def _shown(self, media: Media) -> tuple[dict[str, Any], int]:
        """The processor's arguments for the medium, and how many pictures it is."""
        if media.kind == "image":
            resize = {"do_resize": self.pixels is None}
            return {"images": [self._picture(media)], "images_kwargs": resize}, 1
        assert self.frames is not None
        frames = frames_of(media, self.frames)
        if self.pixels is None:
            pil: Any = require("PIL.Image", "image", "Showing frames")
            return {"images": [pil.fromarray(frame) for frame in frames]}, len(frames)
        ready = {"do_resize": False, "do_sample_frames": False, "cap_pixels_per_frame": False}
        videos = [resized_frames(frames, *self.pixels)]
        return {"videos": videos, "videos_kwargs": ready}, len(frames)

    def _picture(self, media: Media) -> Any:
        pil: Any = require("PIL.Image", "image", "Showing a picture")
        picture = pil.fromarray(read_image(media))
        if self.pixels is not None:
            high, wide = fitted(picture.height, picture.width, *self.pixels)
            picture = picture.resize((wide, high), pil.Resampling.BICUBIC)
        return picture

    def _conversation(self, text: str, frames: int) -> str:
        if not self.recipe.chat:
            return text + "<image> " * frames
        parts = [{"type": self.recipe.kind}, {"type": "text", "text": text}]
        turn = {"role": "user", "content": parts}
        return str(
            self.processor.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
        )

    def _places(self, ids: list[int]) -> tuple[int, ...]:
        if not self.ids:
            return (len(ids) - 1,)
        return tuple(ids.index(token) for token in self.ids)
