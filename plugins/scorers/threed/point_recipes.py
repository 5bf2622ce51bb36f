"""Published point cloud encoders for ``points:``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.plugins.scorers.threed.point_nets import openshape, ulip2
from prefgauge.plugins.scorers.weights import Published

__all__ = ["RECIPES", "PointRecipe"]


@dataclass(frozen=True, slots=True)
class PointRecipe:
    """A published point cloud encoder and the text tower it was aligned with.

    Parameters
    ----------
    published, licence, source: its weights, their licence, the paper.
    prefix: of its tensors in the file; the others belong to something else.
    net: its network; `heads` is told by the width of its class token.
    groups, size, radius: patches of a cloud and points of each; `radius` is None for the nearest
        points, whatever their distance.
    up: the axis that was up in training.
    text: Hub id of the CLIP model whose text tower it was aligned with.
    """

    published: Published
    licence: str
    source: str
    prefix: str
    net: Callable[[Tensors, Any, Any, int], Any]
    groups: int
    size: int
    radius: float | None
    up: Literal["y", "z"]
    text: str


def _openshape(size: str, revision: str, sha256: str) -> Published:
    name = f"openshape-pointbert-vit{size}-rgb"
    url = f"https://huggingface.co/OpenShape/{name}/resolve/{revision}/model.pt"
    return Published(f"{name}.pt", url, sha256)


_ULIP = "ULIP-2-PointBERT-10k-xyzrgb-pc-vit_g-objaverse_shapenet-pretrained.pt"
_BIGG = "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k"
_OPENSHAPE = "Liu et al., OpenShape, NeurIPS 2023"
_UNKNOWN = "none stated with the weights (code: MIT)"
RECIPES: Mapping[str, PointRecipe] = {
    "ulip-2": PointRecipe(
        Published(
            _ULIP,
            f"https://huggingface.co/datasets/SFXX/ulip/resolve/main/ULIP-2/pretrained_models/{_ULIP}",
        ),
        "BSD-3-Clause (code); weights: see Hugging Face SFXX/ulip",
        "Xue et al., ULIP-2, CVPR 2024",
        "module.",
        ulip2,
        512,
        32,
        None,
        "y",
        _BIGG,
    ),
    "openshape": PointRecipe(
        _openshape(
            "g14",
            "d771a992218de10b967eea690e8f474aa96dd758",
            "34949c162aca01b6fd3147ed7ccf34b448a34bdebc4a857605ea62412ad54fb9",
        ),
        _UNKNOWN,
        _OPENSHAPE,
        "module.",
        openshape,
        384,
        64,
        0.2,
        "z",
        _BIGG,
    ),
    "openshape-l14": PointRecipe(
        _openshape(
            "l14",
            "2dc094f836495baab25b9775145f086725c83611",
            "2ce4eb7a6997aed26390c7fd0ed5edfeb833eb7f160f1f790cc87dc733cd432a",
        ),
        _UNKNOWN,
        _OPENSHAPE,
        "pc_encoder.",
        openshape,
        64,
        256,
        0.4,
        "y",
        "openai/clip-vit-large-patch14",
    ),
    "openshape-b32": PointRecipe(
        _openshape(
            "b32",
            "47e04daac585b2ce1cbbc72a42c0bf11971acddd",
            "491a08f1922713df67099dfb7ffceaa6e039fd3953f99f80ecd7178d727c7f3f",
        ),
        "MIT",
        _OPENSHAPE,
        "pc_encoder.",
        openshape,
        64,
        256,
        0.4,
        "y",
        "openai/clip-vit-base-patch32",
    ),
}
