"""``dover:`` and ``fast-vqa:``: learned quality of videos from fragments at full resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
from prefgauge.plugins.scorers.tensors import Tensors, check
from prefgauge.plugins.scorers.video.vqa_nets import convnext, head, swin
from prefgauge.plugins.scorers.video.vqa_views import (
    clip_frames,
    fragment_frames,
    fragments,
    normal,
    resized,
)
from prefgauge.plugins.scorers.weights import Published, open_weights, weight_file
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    UsageError,
    require,
)
from prefgauge.registry.media import only, open_video

__all__ = ["MODELS", "FragmentVqa", "View", "dover_fusion"]

#: Branch -> its clips, uint8, shape (clips, frames, 224, 224, 3); scaled when they are used.
Views = Mapping[str, NDArray[np.uint8]]
Draw = np.random.Generator


@dataclass(frozen=True, slots=True)
class View:
    """What a branch looks at: which frames (of so many, drawn), in how many clips, which pixels of
    them, through which network, under which prefixes."""

    frames: Callable[[int, Draw], list[int]]
    clips: int
    pixels: Callable[[NDArray[np.uint8], Draw], NDArray[np.uint8]]
    net: Callable[[Tensors, Any], Any]
    backbone: str
    head: str


@dataclass(frozen=True, slots=True)
class Model:
    """Weights, licence, paper, branches, and what their means become."""

    published: Published
    licence: str
    source: str
    views: Mapping[str, View]
    final: Callable[[Mapping[str, float]], dict[str, float]]


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x)) if x > -700.0 else 0.0


def dover_fusion(technical: float, aesthetic: float) -> float:
    """DOVER's fused quality, 0..1, of the two branches' raw means.

    sigmoid(0.6104 (technical + 0.08285) / 0.03774 + 0.3896 (aesthetic - 0.1107) / 0.07355): the
    pairing of means and weights under which the authors' published predictions give their
    published correlations. Their ``evaluate_one_video.py`` pairs them the other way round.
    """
    parts = 0.6104 * (technical + 0.08285) / 0.03774 + 0.3896 * (aesthetic - 0.1107) / 0.07355
    return _sigmoid(parts)


def _dover(means: Mapping[str, float]) -> dict[str, float]:
    return {"overall": dover_fusion(means["technical"], means["aesthetic"]), **means}


def _fast(mean: float, std: float) -> Callable[[Mapping[str, float]], dict[str, float]]:
    return lambda means: {"overall": _sigmoid((means["fragments"] - mean) / std)}


_FAST = "https://github.com/VQAssessment/FAST-VQA-and-FasterVQA/releases/download/v2.0.0/"
_ECCV = "Wu et al., FAST-VQA, ECCV 2022"


def _fragments(frames: Callable[[int, Draw], list[int]], clips: int, aligned: int) -> View:
    return View(
        frames,
        clips,
        lambda video, rng: fragments(video, aligned, rng),
        swin,
        "fragments_backbone",
        "vqa_head",
    )


MODELS: Mapping[str, Model] = {
    "dover": Model(
        Published(
            "DOVER.pth",
            "https://github.com/QualityAssessment/DOVER/releases/download/v0.1.0/DOVER.pth",
            "f4a42c0bbc94c94dd7409e7f40887d44c5c30314d1d09e7edf03cc35813b4838",
        ),
        "MIT (teowu/DOVER) or S-Lab 1.0, non-commercial (VQAssessment/DOVER): the two differ",
        "Wu et al., DOVER, ICCV 2023",
        {
            "technical": View(
                lambda n, rng: fragment_frames(n, 32, 3, 2, rng),
                3,
                lambda video, rng: fragments(video, 32, rng),
                swin,
                "technical_backbone",
                "technical_head",
            ),
            "aesthetic": View(
                lambda n, rng: fragment_frames(n, 1, 32, 2, rng),
                1,
                lambda video, rng: resized(video),
                convnext,
                "aesthetic_backbone",
                "aesthetic_head",
            ),
        },
        _dover,
    ),
    "fast-vqa": Model(
        Published("FAST_VQA_B_1_4.pth", f"{_FAST}FAST_VQA_B_1_4.pth"),
        "MIT",
        _ECCV,
        {"fragments": _fragments(lambda n, rng: clip_frames(n, 32, 2, 4), 4, 32)},
        _fast(-0.110198185, 0.04178565),
    ),
    "faster-vqa": Model(
        Published("FAST_VQA_3D_1_1.pth", f"{_FAST}FAST_VQA_3D_1_1.pth"),
        "MIT",
        f"{_ECCV}; FasterVQA, TPAMI 2023",
        {"fragments": _fragments(lambda n, rng: fragment_frames(n, 4, 8, 2, rng), 1, 4)},
        _fast(0.14759505, 0.03613452),
    ),
}


class FragmentVqa(PointwiseScorer[Views]):
    """DOVER, FAST-VQA or FasterVQA: quality of a video without a reference, 0..1.

    Address: ``dover``, ``fast-vqa`` or ``faster-vqa`` (weights from the authors' releases on
    first use), or with the path of the weight file: ``dover:PATH``. Option: ``seed`` (0) of the
    drawn frames and fragments; the authors' code draws without a seed, and their published scores
    are single draws.

    Frames are taken two apart, as in the authors' evaluation of whole sets (FAST-VQA's script for
    one video takes consecutive ones).

    ``dover`` also answers the raw ``technical`` and ``aesthetic`` qualities, whose units are
    arbitrary. Frames are resized for the aesthetic view without antialiasing, as torchvision did
    for tensors when it was published.
    """

    padded = False
    batch_cost = 4
    batch_size = 4

    def __init__(self, address: Address) -> None:
        address.expect("seed")
        if address.scheme not in MODELS:
            raise UsageError(f"Scorer {address}: known are {', '.join(MODELS)}.")
        self.model, self.seed = MODELS[address.scheme], address.get("seed", 0)
        self.weights = weight_file(address, self.model.published)
        extra = self.model.views if len(self.model.views) > 1 else ()
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"video"}),
            dimensions=(Dimension(scale=(0.0, 1.0)), *(Dimension(name) for name in extra)),
            fingerprint={"weights": self.weights.identity, "seed": self.seed, "version": 1},
            summary=f"Video quality from fragments at full resolution ({self.model.source}).",
            licence=self.model.licence,
            homepage="https://github.com/VQAssessment",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight files."""
        return self.weights.weight_bytes()

    def open(self, device: Device) -> None:
        """Load the weights and run the networks once.

        Raises
        ------
        ScorerError: if they cannot be fetched, or are of another network.
        """
        torch: Any = require("torch", "local", f"The scorer {self.card.name}")
        self.torch, self.where = torch, pick_device(device, self.card.name)
        path = self.weights.locate()
        found = open_weights(path)
        self.net = Tensors(found.get("state_dict", found), str(path), self.model.source)
        self.net.to(self.where, torch.float32)
        tiny = {name: np.zeros((1, 8, 32, 32, 3), np.uint8) for name in self.model.views}
        check(self.net, lambda: self._means(tiny))

    def close(self) -> None:
        """Drop the networks."""
        self.__dict__.pop("net", None)

    def prepare(self, request: Request) -> Views:
        """Decode the frames that are looked at, once each, and cut out the views."""
        media = only(request.candidate(), "video")
        rng = np.random.default_rng(self.seed)
        video = open_video(media)
        try:
            if len(video) < 2:
                raise MediaError(f"{media.where()}: a single frame is no video.")
            chosen = {n: v.frames(len(video), rng) for n, v in self.model.views.items()}
            unique = sorted({number for numbers in chosen.values() for number in numbers})
            frames, place = video.read(unique), {n: k for k, n in enumerate(unique)}
        finally:
            video.close()
        if min(frames.shape[1:3]) < 8:
            raise MediaError(f"{media.where()}: frames of {frames.shape[1:3]} are too small.")
        views = {}
        for name, view in self.model.views.items():
            seen = view.pixels(frames[[place[n] for n in chosen[name]]], rng)
            views[name] = seen.reshape(view.clips, -1, *seen.shape[1:])
        return views

    def score(self, batch: Sequence[Views]) -> list[Outcome]:
        """One video at a time."""
        with self.torch.inference_mode():
            return [Outcome.score(self.model.final(self._means(views))) for views in batch]

    def _means(self, views: Views) -> dict[str, float]:
        """Mean over clips and places of each branch."""
        out = {}
        for name, view in self.model.views.items():
            backbone, top = self.net.below(view.backbone), self.net.below(view.head)
            clips = (self.torch.from_numpy(normal(clip))[None] for clip in views[name])
            scores = [head(top, view.net(backbone, clip.to(self.where))) for clip in clips]
            out[name] = float(self.torch.stack(scores).double().mean())
        return out
