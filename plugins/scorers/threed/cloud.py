"""Coloured point clouds from meshes: seeded samples of the surface, centred and scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import MediaError
from prefgauge.registry.media import Mesh

__all__ = ["GREY", "Cloud", "farthest", "normalised", "sample_cloud"]

Floats = NDArray[np.float32]
#: Colour of objects that have none, as ULIP-2 and OpenShape were trained.
GREY = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Points and their colours.

    Parameters
    ----------
    points: float32, shape (n, 3).
    colors: float32 RGB in 0..1, shape (n, 3).
    """

    points: Floats
    colors: Floats


def sample_cloud(mesh: Mesh, count: int, seed: int, where: str) -> Cloud:
    """`count` points of a mesh's surface, drawn by area, with vertex colours interpolated; of a
    point cloud, `count` of its points, each at most once while there are enough.

    The same seed gives the same points. An object without vertex colours is :data:`GREY`.

    Raises
    ------
    MediaError: if the surface has no area.
    """
    rng = np.random.default_rng(seed)
    colors = np.full((len(mesh.vertices), 3), GREY) if mesh.colors is None else mesh.colors / 255.0
    if len(mesh.faces) == 0:
        chosen = rng.permutation(len(mesh.vertices))[:count]
        if len(chosen) < count:
            chosen = np.append(chosen, rng.integers(0, len(mesh.vertices), count - len(chosen)))
        points, painted = mesh.vertices[chosen], colors[chosen]
    else:
        corners = mesh.vertices[mesh.faces]
        sides = corners[:, 1:] - corners[:, :1]
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2.0
        total = np.cumsum(area)
        if not total[-1] > 0.0:
            raise MediaError(f"{where}: the mesh has no area to take points from.")
        faces = np.searchsorted(total, rng.random(count) * total[-1], side="right")
        faces = np.minimum(faces, len(area) - 1)
        u, v = rng.random((2, count))
        root = np.sqrt(u)  # uniform over a triangle: Osada et al., 2002, section 3.1, eq. 1
        weights = np.stack([1.0 - root, root * (1.0 - v), root * v], axis=1)[:, :, None]
        points = (corners[faces] * weights).sum(axis=1)
        painted = (colors[mesh.faces[faces]] * weights).sum(axis=1)
    return Cloud(points.astype(np.float32), painted.astype(np.float32))


def normalised(points: Floats, where: str) -> Floats:
    """Points about their mean, the farthest at distance 1.

    Raises
    ------
    MediaError: if they all lie in one place.
    """
    centred = points - points.mean(axis=0, dtype=np.float64)
    radius = float(np.linalg.norm(centred, axis=1).max())
    if radius <= 1e-12:
        raise MediaError(f"{where}: all points lie in one place.")
    out: Floats = (centred / radius).astype(np.float32)
    return out


def farthest(points: Floats, count: int, core: float = 0.0) -> NDArray[np.int64]:
    """Farthest point sampling from the first point on: numbers of `count` points.

    Eldar et al., "The farthest point strategy for progressive image sampling", 1997.

    Parameters
    ----------
    core: points with a squared norm up to this are never chosen, except the first. The CUDA
        kernel of pointnet2_ops, which ULIP-2 was trained with, has 1e-3 here.
    """
    away = np.full(len(points), np.inf, np.float32)
    barred = (points**2).sum(axis=1) <= core if core else np.zeros(len(points), bool)
    chosen = np.zeros(count, np.int64)
    for k in range(1, count):
        away = np.minimum(away, ((points - points[chosen[k - 1]]) ** 2).sum(axis=1))
        chosen[k] = int(np.where(barred, np.float32(-1.0), away).argmax())
    return chosen
