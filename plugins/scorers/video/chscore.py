"""``chscore:``: coherence of a video by the points that a tracker loses (CHScore).

Yuan et al., "ChronoMagic-Bench", NeurIPS 2024 (datasets and benchmarks), section 4.2, and its
code as of commit 00d2f72. A later edition of that code (2026) also asks which way a lost point
was moving; it is not what the published leaderboard was made with, and is not implemented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.clip_weights import file_digest
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
    require,
)
from prefgauge.registry.media import only, read_frames

__all__ = ["ChScore", "chscore", "lost_points"]

#: Largest value in the authors' videos, and weight, of each statistic of :func:`lost_points`.
PARTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "lost": (0.9368749856948853, 0.35),
        "variation": (0.8997353911399841, 0.25),
        "cut_share": (0.625, 0.15),
        "cuts": (20.0, 0.15),
        "largest": (1.0, 0.10),
    }
)
CUT = 0.1  # share of points newly lost that makes a cut
Frames = NDArray[np.uint8]


def lost_points(visible: NDArray[np.bool_]) -> dict[str, float]:
    """Statistics of lost points, from visibility of shape (frames, points), three frames or more.

    With m_t the share of points that cannot be seen in frame t and d_t = m_(t+1) - m_t:
    mean of m; standard deviation of d (over n - 1); number of d > 0.1 per frame; that number;
    the largest d.
    """
    m = (~visible).mean(axis=1)
    d = np.diff(m)
    cuts = int((d > CUT).sum())
    return {
        "lost": float(m.mean()),
        "variation": float(d.std(ddof=1)),
        "cut_share": cuts / len(m),
        "cuts": float(cuts),
        "largest": float(d.max()),
    }


def chscore(visible: NDArray[np.bool_]) -> float:
    """1 / the weighted sum of the statistics over their largest values.

    As published it is 0, not infinite, for a video of which no point is ever lost.
    """
    found = lost_points(visible)
    total = sum(found[name] / top * weight for name, (top, weight) in PARTS.items())
    return 1.0 / total if total != 0.0 else 0.0


class ChScore(PointwiseScorer[Frames]):
    """CHScore over CoTracker's points, higher is more coherent.

    Address: ``chscore:PATH`` of ``cotracker2.pth``, with the package ``cotracker`` installed from
    github.com/facebookresearch/co-tracker (it is not on PyPI; its licence, CC BY-NC 4.0, and its
    loading of the checkpoint are its own); or ``chscore?trust_remote_code=true``, which lets
    ``torch.hub`` fetch and run the tracker's repository. Options: ``grid`` (30: 30 x 30 points of
    the first frame), ``hub`` (``cotracker2``, the entry of the repository).

    All frames pass at once at their own size, as in the authors' code: short videos only.
    """

    batch_size = 1

    def __init__(self, address: Address) -> None:
        address.expect("grid", "hub", "trust_remote_code")
        self.address, self.grid = address, address.get("grid", 30)
        self.trusted = address.get("trust_remote_code", False)
        self.entry = address.get("hub", "cotracker2")
        if not address.target and not self.trusted:
            raise UsageError(
                f"Scorer {address}: give the path of cotracker2.pth (huggingface.co/facebook/"
                "cotracker), or allow torch.hub to run the tracker's repository with "
                "?trust_remote_code=true."
            )
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"video"}),
            dimensions=(Dimension(),),
            fingerprint={
                "tracker": file_digest(address.target) if address.target else self.entry,
                "grid": self.grid,
                "version": 1,
            },
            summary="CHScore: how few points a tracker loses (Yuan et al. 2024).",
            licence="Apache-2.0 (formula); CC-BY-NC-4.0 (CoTracker): non-commercial",
            homepage="https://github.com/PKU-YuanGroup/ChronoMagic-Bench",
        )

    def open(self, device: Device) -> None:
        """Load the tracker.

        Raises
        ------
        ScorerError: if the package or the checkpoint is missing or does not load.
        """
        torch: Any = require("torch", "local", str(self.address))
        self.torch, self.where = torch, pick_device(device, str(self.address))
        try:
            if self.address.target:
                from importlib import import_module

                kind = import_module("cotracker.predictor").CoTrackerPredictor
                tracker = kind(checkpoint=self.address.target)
            else:
                tracker = torch.hub.load("facebookresearch/co-tracker", self.entry, trust_repo=True)
        except ModuleNotFoundError as error:
            raise ScorerError(
                f"Scorer {self.address}: the package {error.name!r} is not installed. Install it "
                "with: pip install git+https://github.com/facebookresearch/co-tracker"
            ) from None
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(
                f"Scorer {self.address}: the tracker does not load ({text})."
            ) from None
        self.tracker = tracker.to(self.where).eval()

    def close(self) -> None:
        """Drop the tracker."""
        self.__dict__.pop("tracker", None)

    def prepare(self, request: Request) -> Frames:
        """Decode all frames."""
        media = only(request.candidate(), "video")
        frames = read_frames(media)
        if len(frames) < 3:
            raise MediaError(f"{media.where()}: {len(frames)} frames; CHScore needs three or more.")
        return frames

    def score(self, batch: Sequence[Frames]) -> list[Outcome]:
        """One CHScore per video; ``extra`` holds its statistics."""
        outcomes = []
        for frames in batch:
            video = self.torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2)[None].float()
            with self.torch.inference_mode():
                _, seen = self.tracker(video.to(self.where), grid_size=self.grid)
            visible = seen[0].cpu().numpy().reshape(len(frames), -1).astype(bool)
            outcomes.append(Outcome.score(chscore(visible), extra=lost_points(visible)))
        return outcomes
