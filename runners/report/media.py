"""Media of samples, embedded safely into a page.

Pictures, video frames and meshes are decoded with the guarded readers and drawn anew as small
JPEGs, so nothing of the original file's structure reaches the browser. Sound and short films are
embedded as they are, but only in formats known by their first bytes and under a size limit.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from prefgauge.registry import Media, PrefgaugeError
from prefgauge.registry.media import Sampling, read_frames, read_image, read_mesh

__all__ = ["Embedder"]

_SIDE = 240
_SOUND = 1_500_000
_FILM = 1_500_000
_SUFFIXES = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    "video": (".mp4", ".m4v", ".webm", ".mkv", ".mov", ".avi"),
    "audio": (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"),
    "mesh": (".glb", ".ply", ".obj", ".stl", ".off"),
}
_MAGIC = (
    (b"RIFF", 8, b"WAVE", "audio/wav"),
    (b"fLaC", 0, b"", "audio/flac"),
    (b"OggS", 0, b"", "audio/ogg"),
    (b"ID3", 0, b"", "audio/mpeg"),
    (b"\xff\xfb", 0, b"", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", 0, b"", "video/webm"),
)


@dataclass(slots=True)
class Embedder:
    """Embeds media until `budget` bytes of the page are used up.

    Parameters
    ----------
    budget: how many bytes all media together may add to the page.
    full: True once something was left out for that reason.
    """

    budget: int = 12_000_000
    full: bool = False

    def embed(self, path: str, words: str) -> Markup:
        """An element that shows the media at `path`, or a note why it is not shown. `words`
        describes it to those who cannot see it."""
        file = Path(path)
        if self.budget <= 0:
            self.full = True
            return _note(f"{file.name}: left out, the page is at its size limit")
        kind = next((k for k, ends in _SUFFIXES.items() if file.suffix.lower() in ends), None)
        if kind is None:
            return _note(f"{file.name}: not a format that a page can show")
        try:
            made = self._make(kind, file, words)
        except (PrefgaugeError, OSError, ValueError) as error:
            return _note(f"{file.name}: {error}")
        if len(made) > self.budget:
            self.full = True
            return _note(f"{file.name}: left out, the page is at its size limit")
        self.budget -= len(made)
        return made

    def _make(self, kind: str, file: Path, words: str) -> Markup:
        if kind == "audio":
            return _sound(file, words)
        if kind == "video":
            return _film(file, words)
        media = Media("mesh" if kind == "mesh" else "image", path=file)
        array = draw_mesh(media) if kind == "mesh" else read_image(media)
        return _picture(array, words)


def draw_mesh(media: Media, side: int = _SIDE) -> NDArray[np.uint8]:
    """A shaded view of a mesh (or the points of a point cloud), shape (side, side, 3)."""
    from PIL import Image, ImageDraw

    mesh = read_mesh(media)
    turn = _rotation(0.6, 0.45)
    points = (mesh.vertices - mesh.vertices.mean(axis=0)) @ turn.T
    scale = np.abs(points).max() or 1.0
    flat = points[:, :2] / scale * (0.46 * side)
    flat = np.stack([flat[:, 0] + side / 2, side / 2 - flat[:, 1]], axis=1)
    image = Image.new("RGB", (side, side), (246, 246, 244))
    pen = ImageDraw.Draw(image)
    if not len(mesh.faces):
        pen.point([tuple(p) for p in flat[:20_000].tolist()], fill=(70, 80, 110))
        return np.asarray(image)
    faces = mesh.faces
    if len(faces) > 20_000:
        faces = faces[np.random.default_rng(0).choice(len(faces), 20_000, replace=False)]
    corners = points[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    light = np.abs(normal @ np.array([0.35, 0.5, 0.79])) / np.where(length > 0, length, 1.0)
    for index in np.argsort(corners[:, :, 2].mean(axis=1)):  # far faces first
        shade = 60 + int(165 * light[index])
        tone = (int(shade * 0.80), int(shade * 0.88), shade)
        pen.polygon([tuple(p) for p in flat[faces[index]].tolist()], fill=tone)
    return np.asarray(image)


def _rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    around = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    over = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    out: NDArray[np.float64] = over @ around
    return out


def _picture(array: NDArray[Any], words: str) -> Markup:
    uri, size = _jpeg(array)
    return Markup('<img src="{}" alt="{}" width="{}" height="{}" decoding="async">').format(
        uri, words, *size
    )


def _jpeg(array: NDArray[Any]) -> tuple[str, tuple[int, int]]:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(array))
    image.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=78, optimize=True)
    return _uri("image/jpeg", out.getvalue()), image.size


def _sound(file: Path, words: str) -> Markup:
    data, kind = _known(file, _SOUND)
    if not kind.startswith("audio/"):
        raise ValueError("its first bytes are not those of a sound file")
    return Markup('<audio controls preload="none" aria-label="{}" src="{}"></audio>').format(
        words, _uri(kind, data)
    )


def _film(file: Path, words: str) -> Markup:
    """A player if the browser can play it and it is small, else four frames."""
    frames = read_frames(Media("video", path=file), Sampling(count=4))
    try:
        data, kind = _known(file, _FILM)
    except ValueError:
        kind = ""
    if kind.startswith("video/"):
        poster, size = _jpeg(frames[0])
        return Markup(
            '<video controls preload="none" width="{}" height="{}" poster="{}" aria-label="{}" '
            'src="{}"></video>'
        ).format(*size, poster, words, _uri(kind, data))
    height, width = frames.shape[1:3]
    step = max(1, max(height, width) * 2 // _SIDE)
    small = frames[:, ::step, ::step]
    grid = np.concatenate([np.concatenate(list(small[:2]), 1), np.concatenate(list(small[2:4]), 1)])
    return _picture(grid, words + ", four frames")


def _known(file: Path, limit: int) -> tuple[bytes, str]:
    size = file.stat().st_size
    if size > limit:
        raise ValueError(f"{size / 1e6:.1f} MB is more than a page should carry")
    data = file.read_bytes()
    if data[4:8] == b"ftyp":
        return data, "audio/mp4" if file.suffix.lower() == ".m4a" else "video/mp4"
    for start, at, word, kind in _MAGIC:
        if data.startswith(start) and data[at : at + len(word)] == word:
            return data, kind
    raise ValueError("its first bytes are not those of a format that browsers play")


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _note(text: str) -> Markup:
    return Markup('<p class="nomedia">{}</p>').format(text)
