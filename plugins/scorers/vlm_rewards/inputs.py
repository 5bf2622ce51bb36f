"""What a vision-language reward model is shown: which frames, in which size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import Media, MediaError, require
from prefgauge.registry.media import Sampling, open_video, read_frames

__all__ = ["FrameRule", "at_rate", "evenly", "fitted", "frames_of", "resized_frames", "spaced"]

#: (number of frames, frames per second) -> the numbers of the frames to look at.
FrameRule: TypeAlias = Callable[[int, float], tuple[int, ...]]
SLIMMEST = 200  # longest side over shortest


def fitted(height: int, width: int, least: int, most: int, factor: int = 28) -> tuple[int, int]:
    """Height and width in multiples of `factor`, within `least`..`most` pixels where rounding
    allows, in about the same proportion: the rule of qwen-vl-utils.

    Raises
    ------
    MediaError: if one side is more than 200 times the other.
    """
    if max(height, width) > SLIMMEST * min(height, width):
        raise MediaError(f"a picture of {width} x {height} is too slim for the model")
    high = max(factor, round(height / factor) * factor)
    wide = max(factor, round(width / factor) * factor)
    if high * wide > most:
        shrink = math.sqrt(height * width / most)
        high = max(factor, math.floor(height / shrink / factor) * factor)
        wide = max(factor, math.floor(width / shrink / factor) * factor)
    elif high * wide < least:
        grow = math.sqrt(least / (height * width))
        high = math.ceil(height * grow / factor) * factor
        wide = math.ceil(width * grow / factor) * factor
    return high, wide


def at_rate(rate: float, least: int = 4, most: int = 768) -> FrameRule:
    """Frames at about `rate` per second, an even number of them between `least` and `most`,
    evenly spaced from the first to the last: the rule of qwen-vl-utils."""

    def rule(total: int, fps: float) -> tuple[int, ...]:
        if total < 2:
            raise MediaError("a video of one frame cannot be judged: two are needed")
        top = math.floor(min(most, total) / 2) * 2
        count = round(min(max(total / fps * rate, least), top) / 2) * 2
        count = min(count, total)
        return tuple(int(number) for number in np.round(np.linspace(0, total - 1, count)))

    return rule


def evenly(count: int) -> FrameRule:
    """`count` frames from the first to the last, positions cut to whole numbers; frames repeat
    where there are fewer."""

    def rule(total: int, fps: float) -> tuple[int, ...]:
        return tuple(int(number) for number in np.linspace(0, total - 1, num=count))

    return rule


def spaced(most: int) -> FrameRule:
    """All frames, or of longer videos `most` at equal steps from the first, which do not reach
    the last."""

    def rule(total: int, fps: float) -> tuple[int, ...]:
        if total <= most:
            return tuple(range(total))
        return tuple(int(number) for number in np.arange(0, total, total / most))[:most]

    return rule


def frames_of(media: Media, rule: FrameRule) -> NDArray[np.uint8]:
    """The frames that `rule` picks: RGB, shape (n, height, width, 3)."""
    video = open_video(media)
    try:
        total, fps = len(video), video.fps
    finally:
        video.close()
    return read_frames(media, Sampling(index=rule(total, fps)))


def resized_frames(frames: NDArray[np.uint8], least: int, most: int) -> Any:
    """Frames as a uint8 tensor (n, 3, height, width), resized by antialiased bicubic
    interpolation of floats, rounded and clipped, as torchvision does for tensors."""
    torch: Any = require("torch", "local", "Resizing frames")
    tensor = torch.tensor(frames).permute(0, 3, 1, 2)
    size = fitted(frames.shape[1], frames.shape[2], least, most)
    if size != tuple(frames.shape[1:3]):
        floats = torch.nn.functional.interpolate(
            tensor.float(), size=list(size), mode="bicubic", align_corners=False, antialias=True
        )
        tensor = floats.clamp(0.0, 255.0).round().to(torch.uint8)
    return tensor
