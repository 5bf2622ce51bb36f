"""CHScore's formula on made tracks, and the scorer with a stand-in tracker of CoTracker's
interface (the real one is not on PyPI and its weights are large)."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from prefgauge.plugins.scorers.video.chscore import ChScore, chscore, lost_points
from prefgauge.registry import (
    Address,
    Device,
    Media,
    MediaError,
    Sample,
    ScorerError,
    UsageError,
    content,
)
from prefgauge.registry.outcome import Request

pytest.importorskip("torch")
#: Points seen wherever a coarse grid of the frame is bright.
TRACKER = """
import torch

class CoTrackerPredictor(torch.nn.Module):
    def __init__(self, checkpoint):
        super().__init__()
        assert open(checkpoint).read() == "weights"

    def forward(self, video, grid_size):
        light = torch.nn.functional.adaptive_avg_pool2d(video[0].mean(dim=1), grid_size)
        tracks = torch.zeros(1, len(light), grid_size**2, 2)
        return tracks, (light.flatten(1) > 128)[None]
"""


def made(lost: list[int], points: int = 20) -> np.ndarray:
    """Visibility with so many points lost in each frame."""
    out = np.ones((len(lost), points), bool)
    for frame, count in enumerate(lost):
        out[frame, :count] = False
    return out


def test_the_formula_by_hand() -> None:
    """20 points, lost: 0, 4, 5, 9, 9. Shares 0, .2, .25, .45, .45, mean .27; steps .2, .05, .2, 0,
    mean .1125, squares of distance .031875, over 3 and rooted .103078; two steps above .1."""
    found = lost_points(made([0, 4, 5, 9, 9]))
    expected = {"lost": 0.27, "variation": 0.1030776, "cut_share": 0.4, "cuts": 2, "largest": 0.2}
    assert found == pytest.approx(expected, abs=1e-6)
    total = (
        0.35 * 0.27 / 0.9368749856948853
        + 0.25 * found["variation"] / 0.8997353911399841
        + 0.15 * 0.4 / 0.625
        + 0.15 * 2 / 20
        + 0.10 * 0.2
    )
    assert chscore(made([0, 4, 5, 9, 9])) == pytest.approx(1 / total, rel=1e-12)


def test_losing_more_points_scores_lower_and_none_scores_zero() -> None:
    falling = [chscore(made([0, k, 2 * k, 2 * k])) for k in (1, 3, 6, 10)]
    assert falling == sorted(falling, reverse=True)
    assert chscore(made([0, 0, 0])) == 0.0  # 1 / 0 is 0 in the authors' code


def video(levels: list[int]) -> Media:
    """Flat frames of these grey levels, the left half always white."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=10, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for level in levels:
            frame = np.full((64, 64, 3), level, np.uint8)
            frame[:, :32] = 255
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return Media("video", data=out.getvalue(), suffix=".mp4")


def request(media: Media) -> Request:
    return Request("b", Sample(id="s", candidates=(content(media),), labels=()), (0,))


def test_a_tracker_of_that_interface_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cotracker"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "predictor.py").write_text(TRACKER)
    (tmp_path / "cotracker2.pth").write_text("weights")
    scorer = ChScore(Address.parse(f"chscore:{tmp_path / 'cotracker2.pth'}?grid=4"))
    with pytest.raises(ScorerError, match="pip install git"):
        scorer.open(Device("cpu"))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        scorer.open(Device("cpu"))
        (outcome,) = scorer.score([scorer.prepare(request(video([250, 250, 10, 10, 250])))])
    finally:
        for name in ("cotracker", "cotracker.predictor"):
            sys.modules.pop(name, None)
    half = np.ones((5, 16), bool)
    half[2:4, :8] = False
    assert outcome.values["overall"] == pytest.approx(chscore(half))
    assert outcome.extra["cuts"] == 1
    with pytest.raises(MediaError, match="2 frames; CHScore needs three"):
        scorer.prepare(request(video([10, 250])))
    (tmp_path / "other.pth").write_text("other")
    other = ChScore(Address.parse(f"chscore:{tmp_path / 'other.pth'}"))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ScorerError, match="the tracker does not load"):
        other.open(Device("cpu"))


def test_remote_code_runs_only_if_named() -> None:
    with pytest.raises(UsageError, match="trust_remote_code=true"):
        ChScore(Address.parse("chscore"))
    assert ChScore(Address.parse("chscore?trust_remote_code=true")).card.licence
