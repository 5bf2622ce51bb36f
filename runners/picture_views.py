"""How a ridge probe looks at a picture: crops at full and at half scale."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import Media, require

__all__ = ["CROP", "bitmap", "views"]

CROP = 224


def views(picture: NDArray[np.uint8], crops: int, size: int = CROP) -> list[NDArray[np.uint8]]:
    """The crops of a picture at full scale, then those at half scale.

    Five crops are the centre and the corners, `size` pixels square, zeros where the picture is
    smaller; one is the whole picture. Half scale is Pillow's bicubic at half the sides, rounded
    down."""
    pil: Any = require("PIL.Image", "image", "A ridge probe")
    height, width = picture.shape[:2]
    half = np.asarray(
        pil.fromarray(picture).resize((max(1, width // 2), max(1, height // 2)), pil.BICUBIC)
    )
    if crops == 1:
        return [picture, half]
    return [crop for shown in (picture, half) for crop in _five(shown, size)]


def _five(picture: NDArray[np.uint8], size: int) -> Iterator[NDArray[np.uint8]]:
    height, width = picture.shape[:2]
    low, right = height - size, width - size
    places = ((height // 2 - size // 2, width // 2 - size // 2), (0, 0), (low, 0), (0, right))
    for top, left in (*places, (low, right)):
        out = np.zeros((size, size, 3), np.uint8)
        rows, columns = slice(max(top, 0), top + size), slice(max(left, 0), left + size)
        part = picture[rows, columns]
        above, before = max(-top, 0), max(-left, 0)
        out[above : above + part.shape[0], before : before + part.shape[1]] = part
        yield out


def bitmap(picture: NDArray[np.uint8]) -> Media:
    """The picture as a part of content, losslessly."""
    pil: Any = require("PIL.Image", "image", "A ridge probe")
    out = io.BytesIO()
    pil.fromarray(picture).save(out, "BMP")
    return Media("image", data=out.getvalue(), suffix=".bmp")
