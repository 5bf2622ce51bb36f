"""From a picture to the normalised square that a CLIP image tower reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.plugins.scorers.reward_models.loading import quiet
from prefgauge.registry import ScorerError, require

__all__ = ["PixelSettings", "pixels", "settings_of"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PixelSettings:
    """Image settings of a model (its ``preprocessor_config.json``).

    Parameters
    ----------
    shortest: the shorter side after resizing; `crop` is cut from the middle.
    mean, std: per channel, of values in 0..1.
    resize: see :class:`~prefgauge.plugins.scorers.image.clip_recipes.ClipRecipe`.
    even: where an odd number of pixels is cut, begin at the even half (torchvision) rather than
        the lower one (transformers).
    """

    shortest: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Literal["pil", "tensor"] = "pil"
    even: bool = False


def pixels(rgb: NDArray[np.uint8], settings: PixelSettings) -> Floats:
    """The model's input: float32, shape (3, crop, crop).

    Parameters
    ----------
    rgb: uint8 picture of shape (height, width, 3).
    """
    height, width = rgb.shape[:2]
    short, long = sorted((height, width))
    other = int(settings.shortest * long / short)
    size = (settings.shortest, other) if height <= width else (other, settings.shortest)
    resized = _by_pillow(rgb, size) if settings.resize == "pil" else _by_torch(rgb, size)
    squared = _middle(resized, settings)
    normal = (squared - np.array(settings.mean, np.float32)) / np.array(settings.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1), dtype=np.float32)


def _by_pillow(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """Bicubic with Pillow's antialiasing; the result is rounded to 8 bits, then in 0..1."""
    pil: Any = require("PIL.Image", "image", "CLIP preprocessing")
    image = pil.fromarray(rgb).resize((size[1], size[0]), pil.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32) / np.float32(255.0)


def _by_torch(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """Antialiased bicubic on values in 0..1, overshoot kept."""
    torch: Any = require("torch", "local", "CLIP preprocessing")
    planes = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)[None].float() / 255.0
    out = torch.nn.functional.interpolate(planes, size=size, mode="bicubic", antialias=True)
    array: Floats = out[0].permute(1, 2, 0).numpy()
    return array


def _middle(image: Floats, settings: PixelSettings) -> Floats:
    """The central square; a side shorter than it is padded with black."""
    crop = settings.crop
    lack = [max(0, crop - side) for side in image.shape[:2]]
    if any(lack):
        image = np.pad(image, [(n // 2, n - n // 2) for n in lack] + [(0, 0)])
    spare = (side - crop for side in image.shape[:2])
    top, left = (round(n / 2) if settings.even else n // 2 for n in spare)
    return image[top : top + crop, left : left + crop]


def settings_of(source: ModelSource, resize: Literal["pil", "tensor"] = "pil") -> PixelSettings:
    """Sizes, mean and deviation from a model's own image settings.

    Raises
    ------
    ScorerError: if it has none.
    """
    transformers: Any = require("transformers", "local", f"The model {source.path}")
    try:
        with quiet():
            found, _ = transformers.CLIPImageProcessor.get_image_processor_dict(
                source.path, revision=source.revision or "main"
            )
        size, crop = found["size"], found.get("crop_size", found["size"])
        shortest = (
            size if isinstance(size, int) else int(size.get("shortest_edge", size.get("height")))
        )
        side = crop if isinstance(crop, int) else int(crop.get("height", crop.get("shortest_edge")))
        return PixelSettings(
            shortest,
            side,
            tuple(found["image_mean"]),
            tuple(found["image_std"]),
            resize,
            even=resize == "tensor",
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise ScorerError(f"{source.path} has no CLIP image settings ({text}).") from None
