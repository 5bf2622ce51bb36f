"""Recipes for video-text models: which weights, which frames and pixels; and what their cosines
become: a score, or MTScore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import exp
from typing import Literal

import numpy as np

from prefgauge.plugins.scorers.weights import Published
from prefgauge.registry import MediaError

__all__ = [
    "FORMULAS",
    "MT_SENTENCES",
    "RECIPES",
    "VideoFormula",
    "VideoTextRecipe",
    "middle_frames",
    "mtscore",
    "strided_frames",
]


@dataclass(frozen=True, slots=True)
class VideoTextRecipe:
    """A video-text model and how videos become its input.

    Parameters
    ----------
    net: ``"viclip"``: :mod:`prefgauge.plugins.scorers.video.viclip_net`; ``"clip"``: a CLIP model
        of transformers, a video being the mean of its frames' unit vectors.
    licence, source: of the weights; the paper.
    published: the weight file; None where the address must name a model.
    vision, text: prefixes of the towers' tensors.
    frames: which frames, :func:`strided_frames` or :func:`middle_frames`; `count` of them.
    pixels: ``"stretch"``: bilinear to a square, whatever the shape; ``"crop"``: bicubic to the
        shorter side, the middle square. Neither is antialiased; both round to 8 bits.
    mean, std: of values in 0..1.
    """

    net: Literal["viclip", "clip"]
    licence: str
    source: str
    frames: Callable[[int, int], list[int]]
    pixels: Literal["stretch", "crop"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    published: Published | None = None
    vision: str = ""
    text: str = ""
    count: int = 8


def strided_frames(frames: int, count: int) -> list[int]:
    """Every (frames // count)-th frame from the first on, `count` of them.

    Raises
    ------
    MediaError: if there are fewer than `count` frames.
    """
    if frames < count:
        raise MediaError(f"the video has {frames} frames; the model needs {count}.")
    return [k * (frames // count) for k in range(count)]


def middle_frames(frames: int, count: int) -> list[int]:
    """The middles of `count` equal parts; of a shorter video all frames, the last one repeated.

    VBench's ``get_frame_indices`` with ``sample="middle"``.
    """
    parts = min(count, frames)
    edges = np.linspace(0, frames, parts + 1).astype(int).tolist()
    found = [(first + last - 1) // 2 for first, last in pairwise(edges)]
    return found + [found[-1]] * (count - len(found))


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_VICLIP = Published(
    "ViCLIP-L-14-InternVid-10M-FLT.safetensors",
    "https://huggingface.co/OpenGVLab/ViCLIP-L-14-hf/resolve/"
    "1652361522e1cb41c28cdfae870f690d00e7456b/model.safetensors",
)
_MIT = "MIT (OpenGVLab/ViCLIP)"
_INTERNVID = "Wang et al., InternVid, ICLR 2024"
RECIPES: Mapping[str, VideoTextRecipe] = {
    "viclip": VideoTextRecipe(
        "viclip",
        _MIT,
        _INTERNVID,
        strided_frames,
        "stretch",
        *_IMAGENET,
        published=_VICLIP,
        vision="vision_encoder",
        text="text_encoder",
    ),
    "viclip-vbench": VideoTextRecipe(
        "viclip",
        _MIT,
        f"{_INTERNVID}; frames and pixels as in Huang et al., VBench, CVPR 2024",
        middle_frames,
        "crop",
        *_CLIP,
        published=_VICLIP,
        vision="vision_encoder",
        text="text_encoder",
    ),
    "videoclip-xl": VideoTextRecipe(
        "viclip",
        "CC-BY-NC-SA-4.0 (weights): non-commercial",
        "Wang et al., VideoCLIP-XL, EMNLP 2024",
        strided_frames,
        "stretch",
        *_IMAGENET,
        published=Published(
            "VideoCLIP-XL.bin",
            "https://huggingface.co/alibaba-pai/VideoCLIP-XL/resolve/"
            "1622f6bb5ae49dabec829091833121f1dfeef24a/VideoCLIP-XL.bin",
        ),
        vision="vision_model.vision_encoder",
        text="text_model",
    ),
    "clip": VideoTextRecipe(
        "clip",
        "that of the model",
        "Luo et al., CLIP4Clip, 2022 (mean of frames, no parameters)",
        middle_frames,
        "crop",
        *_CLIP,
    ),
}

#: Sentences of MTScore: five about usual videos, five about time-lapse ones.
MT_SENTENCES = (
    "A conventional video, not a time-condensed video.",
    "A usual video, not an accelerated video sequence.",
    "A normal video, not a time-lapse video.",
    "A standard video, not a time-lapse.",
    "An ordinary video, different from a fast-motion video.",
    "A time-lapse video, distinct from a regular recording.",
    "A time-lapse footage, not your typical video.",
    "A fast-motion video, unlike a standard video.",
    "A time-condensed video, not a conventional video.",
    "An accelerated video sequence, not a usual video.",
)


def mtscore(cosines: tuple[float, ...]) -> float:
    """MTScore of a video from its cosines with :data:`MT_SENTENCES`, 0..1.

    Yuan et al., "ChronoMagic-Bench", NeurIPS 2024, section 4.1, and its code: softmax of 100
    times the cosines, the five largest, and of these the share of the time-lapse sentences.
    """
    highest = max(cosines)
    parts = [exp(100.0 * (cosine - highest)) for cosine in cosines]
    largest = sorted(range(len(parts)), key=lambda k: -parts[k])[:5]
    return sum(parts[k] for k in largest if k >= len(parts) // 2) / sum(parts)


@dataclass(frozen=True, slots=True)
class VideoFormula:
    """What cosines become: `texts` to hold the video against (``{}`` is the prompt), `value` of
    the cosines, its `scale` and its `source`."""

    texts: tuple[str, ...]
    value: Callable[[tuple[float, ...]], float]
    scale: tuple[float, float]
    source: str


FORMULAS: Mapping[str, VideoFormula] = {
    "cosine": VideoFormula(("{}",), lambda cosines: cosines[0], (-1.0, 1.0), "cosine with prompt"),
    "mtscore": VideoFormula(
        MT_SENTENCES, mtscore, (0.0, 1.0), "MTScore (Yuan et al., ChronoMagic-Bench, 2024)"
    ),
}
