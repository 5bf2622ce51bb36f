"""A small software renderer: views of a mesh or point cloud with numpy alone, without a display.

Perspective camera on a circle around the object, light from the camera, flat shading, both sides
lit, white background, 2 x 2 antialiasing. It is made for scorers that compare shapes, not for
beauty: textures are not drawn (vertex colours are).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import MediaError
from prefgauge.registry.media import Mesh

__all__ = ["Camera", "render", "views"]

Floats = NDArray[np.float64]
AMBIENT, GREY = 0.35, 190.0
CHUNK = 2_000_000  # pixels of bounding boxes rasterised at once
HALF_ANGLE = np.radians(20.0)


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera stands: `azimuth` about the up axis and `elevation`, in degrees. `up` is
    the object's up axis: y as glTF has it, or z."""

    azimuth: float
    elevation: float = 15.0
    up: Literal["y", "z"] = "y"

    def turn(self) -> Floats:
        """Rotation from object to camera axes (right, up, towards the camera), shape (3, 3)."""
        a, e = np.radians(self.azimuth), np.radians(self.elevation)
        spin = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
        stand = np.eye(3) if self.up == "y" else np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
        out: Floats = tilt @ spin @ stand
        return out


def views(
    mesh: Mesh,
    count: int,
    size: int,
    up: Literal["y", "z"] = "y",
    elevation: float = 15.0,
    normals: bool = False,
) -> NDArray[np.uint8]:
    """`count` views at equal steps around the object: uint8 RGB, shape (count, size, size, 3)."""
    cameras = (Camera(360.0 * k / count, elevation, up) for k in range(count))
    return np.stack([render(mesh, camera, size, normals) for camera in cameras])


def render(mesh: Mesh, camera: Camera, size: int, normals: bool = False) -> NDArray[np.uint8]:
    """One view, uint8 RGB of shape (size, size, 3). The object's bounding sphere about the centre
    of its box fills the picture.

    Parameters
    ----------
    normals: instead of the lit surface, the direction that each face turns to the camera: right,
        up and towards it as red, green and blue, -1..1 as 0..255.

    Raises
    ------
    MediaError: if normals are asked of points without faces.
    """
    side = 2 * size
    points, seen = _project(mesh.vertices, camera, side)
    colors = (
        np.full((len(points), 3), GREY) if mesh.colors is None else mesh.colors.astype(np.float64)
    )
    canvas, depth = np.full((side * side, 3), 255.0), np.zeros(side * side)
    if normals and not len(mesh.faces):
        raise MediaError("points without faces have no normals")
    if len(mesh.faces):
        directions = 127.5 * (_normals(seen, mesh.faces) + 1.0)
        light = _light(seen, mesh.faces)
        for faces, pixel, weights in _fragments(points, mesh.faces, side):
            corners = points[mesh.faces[faces], 2]
            near = (weights * corners).sum(axis=1)  # 1 / distance is linear on the screen
            share = weights * corners / near[:, None]
            color = (share[:, :, None] * colors[mesh.faces[faces]]).sum(axis=1)
            shown = directions[faces] if normals else color * light[faces, None]
            _draw(canvas, depth, pixel, near, shown)
    else:
        pixel, which = _dots(points, side)
        _draw(canvas, depth, pixel, points[which, 2], colors[which])
    image = canvas.reshape(size, 2, size, 2, 3).mean(axis=(1, 3))
    out: NDArray[np.uint8] = np.clip(np.round(image), 0, 255).astype(np.uint8)
    return out


def _project(vertices: Floats, camera: Camera, side: int) -> tuple[Floats, Floats]:
    """(column, row, 1 / distance) per vertex, and the vertices in camera axes."""
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2.0
    radius = float(np.linalg.norm(vertices - centre, axis=1).max()) or 1.0
    seen = (vertices - centre) / radius @ camera.turn().T
    away = 1.02 / np.sin(HALF_ANGLE)  # the unit sphere just fits the field of view
    distance = away - seen[:, 2]
    scale = side / 2.0 / np.tan(HALF_ANGLE) / distance
    column = side / 2.0 + seen[:, 0] * scale
    row = side / 2.0 - seen[:, 1] * scale
    return np.stack([column, row, 1.0 / distance], axis=1), seen


def _light(seen: Floats, faces: NDArray[np.int64]) -> Floats:
    """Brightness of each face: ambient, and the cosine between normal and camera axis."""
    out: Floats = AMBIENT + (1.0 - AMBIENT) * _normals(seen, faces)[:, 2]
    return out


def _normals(seen: Floats, faces: NDArray[np.int64]) -> Floats:
    """Unit normals in camera axes, on the side that the camera sees; 0 for a face without area."""
    a, b, c = (seen[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    out: Floats = np.where(normal[:, 2:] < 0.0, -normal, normal)
    return out


def _fragments(
    points: Floats, faces: NDArray[np.int64], side: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Floats]]:
    """(face, pixel, barycentric weights) of every pixel centre inside a face, in chunks."""
    corners = points[faces][:, :, :2]
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, side).astype(np.int64)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5) + 1, 0, side).astype(np.int64)
    width, height = np.maximum(high - low, 0).T
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    boxes = np.where(area != 0.0, width * height, 0)
    total = np.cumsum(boxes)
    start = 0
    while start < len(faces):
        base = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, base + CHUNK, side="right")))
        which = np.repeat(np.arange(start, stop), boxes[start:stop])
        begins = total[start:stop] - boxes[start:stop] - base
        inside = np.arange(len(which)) - np.repeat(begins, boxes[start:stop])
        column = low[which, 0] + inside % width[which]
        row = low[which, 1] + inside // width[which]
        p = np.stack([column, row], axis=1) + 0.5
        u = _cross(b[which] - p, c[which] - p) / area[which]
        v = _cross(c[which] - p, a[which] - p) / area[which]
        weights = np.stack([u, v, 1.0 - u - v], axis=1)
        keep = (weights >= 0.0).all(axis=1)
        yield which[keep], (row * side + column)[keep], weights[keep]
        start = stop


def _cross(x: Floats, y: Floats) -> Floats:
    out: Floats = x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]
    return out


def _dots(points: Floats, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels of small squares about the points of a cloud, and the point of each pixel."""
    reach = max(1, side // 200)
    steps = np.arange(-reach, reach + 1)
    shift = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    place = np.floor(points[:, None, :2]).astype(np.int64) + shift
    inside = ((place >= 0) & (place < side)).all(axis=2)
    which = np.broadcast_to(np.arange(len(points))[:, None], inside.shape)[inside]
    return (place[..., 1] * side + place[..., 0])[inside], which


def _draw(
    canvas: Floats, depth: Floats, pixel: NDArray[np.int64], near: Floats, color: Floats
) -> None:
    """Lay fragments over the canvas, the nearest of each pixel on top."""
    front = near > depth[pixel]
    pixel, near, color = pixel[front], near[front], color[front]
    order = np.lexsort((near, pixel))
    last = np.flatnonzero(np.diff(pixel[order], append=-1))  # the nearest fragment of each pixel
    chosen = order[last]
    canvas[pixel[chosen]] = color[chosen]
    depth[pixel[chosen]] = near[chosen]
