"""Picture scorers over frames and views, and the renderer behind the views."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
import trimesh

from prefgauge.plugins.scorers.image.classical import Sharpness
from prefgauge.plugins.scorers.threed.render import Camera, render, views
from prefgauge.plugins.scorers.threed.views import ViewsScorer
from prefgauge.plugins.scorers.video.frames import FramesScorer
from prefgauge.registry import Address, Device, Media, MediaError, Sample, UsageError, content
from prefgauge.registry.media import Mesh, Sampling, read_frames
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.runners.engine import Engine, Pending

RNG = np.random.default_rng(4)


def mesh(solid: Any, colors: np.ndarray | None = None) -> Mesh:
    return Mesh(np.array(solid.vertices), np.array(solid.faces), colors)


def ink(image: np.ndarray) -> np.ndarray:
    return (image < 255).any(axis=2)


def test_a_ball_covers_the_disc_that_geometry_says() -> None:
    """A unit ball at distance d is seen under the angle arcsin(1 / d); here sin = sin(20) / 1.02,
    and the half field of view is 20 degrees."""
    ball = trimesh.creation.icosphere(subdivisions=5)
    image = render(mesh(ball), Camera(30.0), 160)
    seen = np.tan(np.arcsin(np.sin(np.radians(20)) / 1.02)) / np.tan(np.radians(20))
    assert ink(image).sum() == pytest.approx(np.pi * (80 * seen) ** 2, rel=0.02)


def test_a_face_towards_the_camera_is_fully_lit() -> None:
    image = render(mesh(trimesh.creation.box()), Camera(0.0, 0.0), 64)
    assert image[32, 32].tolist() == [190, 190, 190]
    assert image[0, 0].tolist() == [255, 255, 255]
    oblique = render(mesh(trimesh.creation.box()), Camera(45.0, 0.0), 64)
    # both visible sides at 45 degrees: 190 * (0.35 + 0.65 / sqrt 2)
    assert oblique[32, 20, 0] == pytest.approx(190 * (0.35 + 0.65 * np.sqrt(0.5)), abs=1.0)


def test_the_nearer_surface_hides_the_farther_whatever_the_order() -> None:
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    vertices = np.concatenate([0.5 * square + [0, 0, 0.5], square - [0, 0, 0.5]])
    colors = np.repeat(np.array([[200, 0, 0], [0, 200, 0]], np.uint8), 4, axis=0)
    for order in ([0, 1], [1, 0]):
        both = np.concatenate([faces + 4 * part for part in order])
        front = render(Mesh(vertices, both, colors), Camera(0.0, 0.0), 64)
        assert front[32, 32].tolist() == [200, 0, 0]
        assert front[32, 18].tolist() == [0, 200, 0]
        back = render(Mesh(vertices, both, colors), Camera(180.0, 0.0), 64)
        assert back[32, 32].tolist() == [0, 200, 0]


def test_up_axes_and_azimuth() -> None:
    """A tall box along z stands upright with up=z and lies along the sight with up=y."""
    tall = mesh(trimesh.creation.box(extents=(0.2, 0.4, 2.0)))
    upright = ink(render(tall, Camera(0.0, 0.0, "z"), 64))
    assert upright.any(axis=1).sum() > 2 * upright.any(axis=0).sum()
    end = ink(render(tall, Camera(0.0, 0.0, "y"), 64))
    assert end.sum() < upright.sum()
    around = ink(views(tall, 2, 64, "z", 0.0)[0]), ink(views(tall, 4, 64, "z", 0.0)[1])
    # x is 0.2 wide from the front, y 0.4 from the side
    assert around[1].sum() == pytest.approx(2 * around[0].sum(), rel=0.2)


def test_point_clouds_and_single_points_render() -> None:
    cloud = Mesh(np.eye(3), np.zeros((0, 3), np.int64), np.full((3, 3), 10, np.uint8))
    assert 3 < ink(render(cloud, Camera(20.0), 64)).sum() < 60
    one = Mesh(np.ones((1, 3)), np.zeros((0, 3), np.int64))
    assert ink(render(one, Camera(0.0), 64))[32, 32]


def clip(frames: np.ndarray) -> Media:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return Media("video", data=out.getvalue(), suffix=".mp4")


def request(candidate: Media, **context: Media) -> Request:
    shown = {name: content(media) for name, media in context.items()}
    return Request(
        "bench", Sample(id="s", candidates=(content(candidate),), labels=(), context=shown), (0,)
    )


@pytest.fixture(scope="module")
def film() -> Media:
    return clip(RNG.integers(0, 256, (12, 32, 48, 3), dtype=np.uint8))


def test_frames_average_the_picture_scorer(film: Media) -> None:
    scorer = FramesScorer(Address.parse("frames:sharpness?count=3"))
    scorer.open(Device("cpu"))
    (outcome,) = scorer.score([scorer.prepare(request(film))])
    single = Sharpness(Address.parse("sharpness"))
    expected = np.mean([single.value(f) for f in read_frames(film, Sampling(index=(2, 6, 10)))])
    assert outcome.values["overall"] == pytest.approx(expected)
    assert outcome.extra == {"pictures": 3}
    assert scorer.card.modalities == {"video"}
    assert scorer.card.fingerprint["frames.count"] == "3"


def test_only_the_frames_needed_are_decoded_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By what the reader is asked for: three frames of twelve, in a run with two scorers over
    one video that several requests show."""
    from prefgauge.registry.media import video_readers

    asked: list[list[int]] = []
    for name in ("DecordReader", "PyAVReader"):
        kind = getattr(video_readers, name)

        def counting(self: Any, indices: Any, real: Any = kind.read) -> Any:
            asked.append(list(indices))
            return real(self, indices)

        monkeypatch.setattr(kind, "read", counting)
    fresh = clip(RNG.integers(0, 256, (12, 32, 48, 3), dtype=np.uint8))
    for inner in ("sharpness", "contrast"):
        scorer = FramesScorer(Address.parse(f"frames:{inner}?count=3"))
        again = Media("video", data=fresh.read(), suffix=".mp4")
        items = [
            Pending(request(media), bytes([number])) for number, media in enumerate((fresh, again))
        ]
        answers = [a for part in Engine(scorer, Device("cpu")).answer([items]) for a in part]
        assert [answer.outcome.status for answer in answers] == ["ok", "ok"]
    # a reader may look at one frame to see whether it can read the file at all
    assert [some for some in asked if some != [0]] == [[2, 6, 10]]
    assert asked.count([0]) <= 1


def test_full_reference_scorers_compare_frame_with_frame(film: Media) -> None:
    scorer = FramesScorer(Address.parse("frames:psnr?channels=rgb&count=2"))
    scorer.open(Device("cpu"))
    same, other = clip(np.zeros((12, 32, 48, 3), np.uint8)), film
    equal, far = scorer.score(
        [scorer.prepare(request(film, reference=media)) for media in (other, same)]
    )
    assert equal.values["overall"] == 100.0
    assert far.values["overall"] < 15.0
    with pytest.raises(MediaError, match="the reference gives 1 pictures"):
        scorer.prepare(request(film, reference=clip(np.zeros((1, 32, 48, 3), np.uint8))))


def test_views_see_a_dent_that_numbers_of_faces_do_not() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3)
    dented = ball.copy()
    dented.vertices[dented.vertices[:, 2] > 0.5] *= 0.6

    def media(solid: Any) -> Media:
        return Media("mesh", data=solid.export(file_type="ply"), suffix=".ply")

    scorer = ViewsScorer(Address.parse("views:ssim?count=4&size=64"))
    scorer.open(Device("cpu"))
    same, dent = scorer.score(
        [scorer.prepare(request(media(solid), reference=media(ball))) for solid in (ball, dented)]
    )
    assert same.values["overall"] == pytest.approx(1.0)
    assert dent.values["overall"] < 0.98


def test_a_failed_picture_fails_the_whole() -> None:
    from prefgauge.plugins.scorers.image.pictures import mean_outcome

    good, bad = Outcome.score(1.0), Outcome.score(float("nan"))
    got = mean_outcome([good, bad])
    assert got.status == "failed"
    assert "picture 1" in got.reason
    assert "nan" in got.reason


def test_wrappers_refuse_what_cannot_be() -> None:
    for address, words in (
        ("frames:", "name the picture scorer"),
        ("frames:length", "does not give a value to a picture"),
        ("frames:sharpness?count=2&fps=1", "count or fps"),
    ):
        with pytest.raises(UsageError, match=words):
            FramesScorer(Address.parse(address))
    with pytest.raises(UsageError, match="up is y or z"):
        ViewsScorer(Address.parse("views:sharpness?up=x"))
