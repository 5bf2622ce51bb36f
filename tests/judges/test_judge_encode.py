"""Media as endpoints take them, and the pace of requests."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from email.utils import formatdate

import numpy as np
import pytest
from conftest import clip, picture, solid, sound
from hypothesis import given
from hypothesis import strategies as st

from prefgauge.plugins.scorers.judges.backends.encode import audio_wav, messages, pictures
from prefgauge.plugins.scorers.judges.backends.pacing import Pacer, backoff, retry_after
from prefgauge.plugins.scorers.judges.talk import Turn
from prefgauge.registry import Media, MediaError, Text


def test_a_picture_arrives_pixel_for_pixel() -> None:
    import PIL.Image

    shown = picture(3)
    (message,) = messages([Turn("user", (Text("a"), Text("b"), shown, Text("c")))])
    kinds = [part["type"] for part in message["content"]]
    assert kinds == ["text", "image_url", "text"]
    assert message["content"][0]["text"] == "ab"
    data = base64.b64decode(message["content"][1]["image_url"]["url"].partition(",")[2])
    sent = np.asarray(PIL.Image.open(io.BytesIO(data)))
    original = np.asarray(PIL.Image.open(io.BytesIO(shown.data or b"")).convert("RGB"))
    assert np.array_equal(sent, original)


def test_sides_are_bounded() -> None:
    (image,) = pictures(picture(0, 100, 50), side=40)
    assert image.size == (40, 20)
    (image,) = pictures(picture(0, 100, 50), side=400)
    assert image.size == (100, 50)


def test_a_video_is_shown_by_frames() -> None:
    frames = pictures(clip(0), frames=5)
    assert [frame.size for frame in frames] == [(64, 48)] * 5


def test_sound_keeps_its_samples() -> None:
    import soundfile

    media = sound(1)
    sent, rate = soundfile.read(io.BytesIO(audio_wav(media)))
    original, _ = soundfile.read(io.BytesIO(media.data or b""))
    assert rate == 16000
    assert np.abs(sent - original).max() < 2 / 32768


def test_a_sphere_looks_round_from_everywhere() -> None:
    """Its silhouette has the area pi r^2, with r = 0.95 * 383 / 2 pixels."""
    import trimesh

    data = trimesh.creation.icosphere(4, 2.0).export(file_type="ply")
    views = pictures(Media("mesh", data=data, suffix=".ply"))
    assert len(views) == 4
    for view in views:
        ink = (np.asarray(view).min(-1) < 255).sum()
        assert ink == pytest.approx(np.pi * (0.95 * 383 / 2) ** 2, rel=0.01)


def test_views_differ_and_point_clouds_are_dots() -> None:
    views = [np.asarray(view) for view in pictures(solid(2))]
    assert not any(np.array_equal(views[0], view) for view in views[1:])
    cloud = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n"
    try:
        dots = pictures(Media("mesh", data=cloud, suffix=".obj"))
    except MediaError:
        pytest.skip("this trimesh reads no point cloud from OBJ")
    assert 0 < (np.asarray(dots[0]).min(-1) < 255).sum() < 200


def test_retry_after_in_every_form() -> None:
    assert retry_after("3") == 3.0
    assert retry_after("1.5") == 1.5
    assert retry_after(None, "250") == 0.25
    assert retry_after(formatdate(time.time() + 10, usegmt=True)) == pytest.approx(10, abs=1.5)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after("99999") == 300.0
    for nothing in (None, "", "soon", "-"):
        assert retry_after(nothing) is None


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_retry_after_is_bounded(value: str, milliseconds: str) -> None:
    seconds = retry_after(value, milliseconds)
    assert seconds is None or 0 <= seconds <= 300


def test_backoff_grows_and_is_spread() -> None:
    for attempt in range(1, 12):
        full = min(60.0, 0.5 * 2 ** (attempt - 1))
        waits = [backoff(attempt) for _ in range(50)]
        assert all(full / 2 <= wait <= full for wait in waits)
        assert len(set(waits)) > 10


def test_the_endpoint_is_dead_only_if_nobody_was_answered() -> None:
    async def check() -> None:
        pacer = Pacer(4)
        began = time.monotonic()
        await asyncio.sleep(0.01)
        pacer.succeeded()
        pacer.gave_up(began)  # somebody else was answered meanwhile
        assert not pacer.refuses()
        pacer.gave_up(time.monotonic() + 1)
        assert pacer.refuses()
        pacer.succeeded()
        assert not pacer.refuses()

    asyncio.run(check())
