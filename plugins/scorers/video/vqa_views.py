"""Which frames and which pieces of them FAST-VQA and DOVER look at: "fragments" at full resolution.

Wu et al., "FAST-VQA", ECCV 2022, section 3.1 (grid mini-patch sampling), FasterVQA, TPAMI 2023, and
"DOVER", ICCV 2023, section 4.2, and their published code. Where that code draws at random, a
generator draws here, so that a score is the same every time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import require

__all__ = ["GRID", "PIECE", "clip_frames", "fragment_frames", "fragments", "normal", "resized"]

GRID, PIECE = 7, 32  # 7 x 7 pieces of 32 x 32 pixels
SIDE = GRID * PIECE
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
Frames = NDArray[np.uint8]


def clip_frames(frames: int, length: int, interval: int, clips: int) -> list[int]:
    """`clips` runs of `length` frames, `interval` apart, from the middles of equal stretches; past
    the end they begin again at the first frame."""
    whole = length * interval
    stretch = (frames - whole + 1) / clips
    starts = [int(k * stretch + stretch / 2) if frames > whole - 1 else 0 for k in range(clips)]
    return [(start + k * interval) % frames for start in starts for k in range(length)]


def fragment_frames(
    frames: int, length: int, parts: int, interval: int, rng: np.random.Generator
) -> list[int]:
    """One run of `length` frames, `interval` apart, from a drawn place of each of `parts` equal
    stretches; past the end they begin again at the first frame."""
    stretch, run = frames // parts, length * interval
    shifts = rng.integers(0, stretch - run, parts) if stretch > run else np.zeros(parts, np.int64)
    return [
        int(stretch * part + shift + k * interval) % frames
        for part, shift in enumerate(shifts)
        for k in range(length)
    ]


def fragments(frames: Frames, aligned: int, rng: np.random.Generator) -> Frames:
    """A piece of each cell of a 7 x 7 grid, put together: (n, h, w, 3) -> (n, 224, 224, 3).

    The places are drawn anew every `aligned` frames. A video with a side under 224 is enlarged
    first; its grid is still laid out by its old size, as in the authors' code.
    """
    count, height, width = frames.shape[:3]
    ratio = min(height / SIDE, width / SIDE)
    source = _enlarged(frames, 1.0 / ratio) if ratio < 1.0 else frames
    cells, starts = [], []
    for size in (height, width):
        cell = size // GRID
        cells.append(cell)
        starts.append([min(cell * k, size - PIECE) for k in range(GRID)])
    shape = (GRID, GRID, count // aligned)
    shifts = [
        rng.integers(0, cell - PIECE, shape) if cell > PIECE else np.zeros(shape, np.int64)
        for cell in cells
    ]
    out = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    for i, j, t in np.ndindex(*shape):
        top, left = starts[0][i] + shifts[0][i, j, t], starts[1][j] + shifts[1][i, j, t]
        when = slice(t * aligned, (t + 1) * aligned)
        out[when, i * PIECE : (i + 1) * PIECE, j * PIECE : (j + 1) * PIECE] = source[
            when, top : top + PIECE, left : left + PIECE
        ]
    return out


def _enlarged(frames: Frames, factor: float) -> Frames:
    """Bilinear, rounded down to 8 bits."""
    torch: Any = require("torch", "local", "Video fragments")
    planes = torch.from_numpy(np.array(frames)).permute(3, 0, 1, 2) / 255.0
    planes = torch.nn.functional.interpolate(planes, scale_factor=factor, mode="bilinear")
    out: Frames = (planes * 255.0).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return out


def resized(frames: Frames) -> Frames:
    """Stretched to 224 x 224: bilinear without antialiasing, rounded to 8 bits."""
    torch: Any = require("torch", "local", "Video frames")
    planes = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    planes = torch.nn.functional.interpolate(planes, size=(SIDE, SIDE), mode="bilinear")
    out: Frames = planes.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return out


def normal(clip: Frames) -> NDArray[np.float32]:
    """The networks' input: (frames, height, width, 3) -> float32 (3, frames, height, width)."""
    mean, std = (np.array(v, np.float32) for v in (MEAN, STD))
    return np.ascontiguousarray(((clip.astype(np.float32) - mean) / std).transpose(3, 0, 1, 2))
