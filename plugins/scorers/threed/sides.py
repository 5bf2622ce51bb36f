"""Four sides of a 3D object as one picture, from renders that came with it or from its mesh."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.threed.render import views
from prefgauge.registry import Content, Media, MediaError
from prefgauge.registry.media import (
    Sampling,
    open_video,
    read_frames,
    read_image,
    read_mesh,
    shared,
)

__all__ = ["grids", "tiled"]

SIZE = 256  # of one rendered view
Pictures = NDArray[np.uint8]


def grids(
    candidate: Content, up: Literal["y", "z"] = "y", elevation: float = 15.0
) -> tuple[Pictures, Pictures]:
    """Colours and normals of four sides, each as one RGB picture of 2 x 2.

    Raises
    ------
    MediaError: if the candidate shows no object in one of the known ways.
    """
    shown = [part for part in candidate if isinstance(part, Media)]
    kinds = {part.kind for part in shown}
    if len(shown) == 1 and kinds == {"mesh"}:
        return _drawn(shown[0], up, elevation)
    if len(shown) == 1 and kinds <= {"image", "video"}:
        shown = [shown[0], _sister(shown[0])]
    if len(shown) == 2 and kinds in ({"image"}, {"video"}):
        colour, normal = (
            read_image(part) if part.kind == "image" else tiled(_quarters(part)) for part in shown
        )
        return colour, normal
    raise MediaError(
        "the candidate is neither a mesh nor two pictures or two videos (colour, normals)"
    )


def _drawn(media: Media, up: Literal["y", "z"], elevation: float) -> tuple[Pictures, Pictures]:
    def load() -> Pictures:
        mesh = read_mesh(media)
        both = (views(mesh, 4, SIZE, up, elevation, normals) for normals in (False, True))
        return np.stack([tiled(four) for four in both])

    key = ("mvclip", media.digest(), media.suffix, up, elevation)
    colour, normal = shared().get(key, load, lambda found: found.nbytes)
    return colour, normal


def _sister(media: Media) -> Media:
    """The normals beside a file of colours."""
    name = media.path.name if media.path is not None else ""
    other = (
        media.path.with_name(name.replace("rgb", "normal"))
        if media.path and "rgb" in name
        else None
    )
    if other is None or not other.exists():
        raise MediaError(
            f"{media.where()}: there are colours and no normals; give both, or name the files "
            "...rgb... and ...normal..."
        )
    return Media(media.kind, path=other)


def _quarters(media: Media) -> Pictures:
    """The frames at 0, 1/4, 1/2 and 3/4 of a turning video."""
    video = open_video(media)
    try:
        total = len(video)
    finally:
        video.close()
    if total < 4:
        raise MediaError(f"{media.where()}: {total} frames do not show four sides")
    return read_frames(media, Sampling(index=tuple(total * side // 4 for side in range(4))))


def tiled(four: Pictures) -> Pictures:
    """Four pictures (4, height, width, 3) as one of 2 x 2, row by row."""
    rows = [np.concatenate(list(four[start : start + 2]), axis=1) for start in (0, 2)]
    out: Pictures = np.concatenate(rows, axis=0)
    return out
