"""Videos: all readers see the same frames, only those asked for, upright; hostile files fail."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from prefgauge.registry import Media, MediaError, UsageError
from prefgauge.registry.media import (
    Limits,
    Sampling,
    iter_frames,
    open_video,
    read_frames,
    shared,
    video_readers,
)


def torchcodec_trouble() -> str:
    """Why torchcodec cannot be used here, or nothing."""
    try:
        import torchcodec.decoders  # noqa: F401
    except ImportError:
        return "torchcodec is not installed"
    except (RuntimeError, OSError):
        return "torchcodec does not load here: it needs FFmpeg and, from PyPI, nvidia-npp"
    return ""


_TROUBLE = torchcodec_trouble()
TORCHCODEC = pytest.param(
    "torchcodec", marks=pytest.mark.skipif(bool(_TROUBLE), reason=_TROUBLE or "there")
)
READERS = ("decord", "pyav", TORCHCODEC)
FRAMES, HEIGHT, WIDTH = 50, 64, 96


def encode(frames: np.ndarray, path: Path | None = None) -> bytes:
    """An mp4; with a path, one that has its index in front, so that half of it still opens."""
    out = io.BytesIO()
    flags = {"movflags": "faststart"} if path else {}
    with av.open(str(path) if path else out, "w", format="mp4", options=flags) as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.options = {"crf": "4", "g": "10", "bf": "2"}
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return path.read_bytes() if path else out.getvalue()


@pytest.fixture(scope="module")
def clip() -> bytes:
    """Frame i has the grey level 5 i, and a bright top left quarter."""
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames += (5 * np.arange(FRAMES, dtype=np.uint8))[:, None, None, None]
    frames[:, : HEIGHT // 2, : WIDTH // 2] = 250
    return encode(frames)


def video(data: bytes) -> Media:
    return Media("video", data=data, suffix=".mp4")


def turned(data: bytes) -> bytes:
    """The same mp4 with the display matrix in its track header set to a quarter turn."""
    start = data.index(b"tkhd") + 4 + 40
    one = 0x10000
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, HEIGHT * one, 0, 0x40000000)
    return data[:start] + matrix + data[start + 36 :]


@pytest.mark.parametrize("reader", READERS)
def test_frames_come_by_number_in_any_order(clip: bytes, reader: str) -> None:
    opened = open_video(video(clip), reader)
    assert (len(opened), opened.fps, opened.size) == (FRAMES, 10.0, (HEIGHT, WIDTH))
    asked = [49, 0, 7, 7, 23, 48]
    got = opened.read(asked)
    assert got.shape == (6, HEIGHT, WIDTH, 3)
    # the grey level tells the frame number, to within what coding loses
    level = got[:, HEIGHT - 8 :, WIDTH - 8 :].mean(axis=(1, 2, 3))
    assert np.abs(level - 5.0 * np.array(asked)).max() < 2.0
    opened.close()


@pytest.mark.parametrize("reader", READERS[1:])
def test_the_readers_agree(clip: bytes, reader: str) -> None:
    one, other = (read_frames(video(clip), reader=name) for name in ("decord", reader))
    assert one.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert np.abs(one.astype(int) - other).max() <= 1


@pytest.mark.parametrize("reader", READERS)
def test_rotation_marks_are_applied(clip: bytes, reader: str) -> None:
    got = read_frames(video(turned(clip)), Sampling(index=(0,)), reader)[0]
    assert got.shape == (WIDTH, HEIGHT, 3)
    # a quarter turn clockwise: what was top left is top right
    assert got[:8, -8:].mean() > 240
    assert got[:8, :8].mean() < 15


def test_sampling_by_count_fps_and_index() -> None:
    assert Sampling(count=4).indices(8, 10.0) == [1, 3, 5, 7]
    assert Sampling(count=3).indices(10, 10.0) == [1, 5, 8]  # middles 1.67, 5, 8.33
    assert Sampling(count=99).indices(3, 10.0) == [0, 1, 2]
    assert Sampling(fps=2.0).indices(20, 10.0) == [0, 5, 10, 15]
    assert Sampling(fps=4.0).indices(10, 10.0) == [0, 2, 5, 7]
    assert Sampling(fps=50.0).indices(3, 10.0) == [0, 1, 2]
    assert Sampling(index=(-1, 0)).indices(5, 10.0) == [4, 0]
    assert Sampling().indices(3, 10.0) == [0, 1, 2]


def test_sampling_refuses_nonsense(clip: bytes) -> None:
    with pytest.raises(UsageError, match="not by several"):
        Sampling(count=2, fps=1.0)
    with pytest.raises(UsageError, match="positive"):
        Sampling(count=0)
    with pytest.raises(MediaError, match="frame 50 was asked of a video of 50 frames"):
        read_frames(video(clip), Sampling(index=(50,)))
    with pytest.raises(UsageError, match="opencv"):
        open_video(video(clip), "opencv")


def test_the_environment_picks_the_reader(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(open_video(video(clip))).__name__ == "DecordReader"
    monkeypatch.setenv("PREFGAUGE_VIDEO_READER", "pyav")
    assert type(open_video(video(clip))).__name__ == "PyAVReader"


@pytest.mark.parametrize("reader", READERS)
def test_hostile_files_fail_in_silence(
    clip: bytes, reader: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), dtype=np.uint8)
    whole = encode(noise, tmp_path / "whole.mp4")
    for bad in (b"", b"no video " * 99, clip[: len(clip) // 2], whole[: len(whole) // 2]):
        with pytest.raises(MediaError, match="cannot be decoded"):
            read_frames(video(bad), reader=reader)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("reader", READERS)
def test_limits_hold_before_decoding(clip: bytes, reader: str) -> None:
    for limits, what in (
        (Limits(image_pixels=6_000), "pixels of a frame is 6144"),
        (Limits(video_seconds=4.9), "seconds is 5"),
        (Limits(video_frames=49), "frames is 50"),
        (Limits(decoded_bytes=900_000), "bytes of its frames is 921600"),
    ):
        with pytest.raises(MediaError, match=what):
            read_frames(video(clip), reader=reader, limits=limits)


def test_a_large_file_is_not_read(clip: bytes, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(clip)
    with pytest.raises(MediaError, match="more than the limit of 100"):
        open_video(Media("video", path), limits=Limits(file_bytes=100))


def test_a_sound_is_no_video(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "sound.mp4"
    soundfile.write(tmp_path / "sound.wav", np.zeros(800), 8000)
    (tmp_path / "sound.wav").rename(path)
    with pytest.raises(MediaError, match="no video in the file"):
        read_frames(Media("video", path))


def test_a_whole_pass_streams_where_it_would_not_fit_the_cache(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_frames(video(clip))
    shared().clear()
    small = list(iter_frames(video(clip)))
    assert len(shared()) == 2  # decoded once and kept, with what opening it told
    monkeypatch.setattr(shared(), "capacity", 4 * 50 * HEIGHT * WIDTH * 3 - 4)
    shared().clear()
    streamed = list(iter_frames(video(clip)))
    assert shared().used < 1000
    assert [len(chunk) for chunk in streamed] == [16, 16, 16, 2]
    assert np.array_equal(np.concatenate(small), whole)
    assert np.array_equal(np.concatenate(streamed), whole)


def test_frames_of_a_video_that_is_there_are_not_decoded_again(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared().clear()
    decoded: list[int] = []
    real = video_readers.DecordReader.read
    monkeypatch.setattr(
        video_readers.DecordReader,
        "read",
        lambda self, indices: decoded.extend(indices) or real(self, indices),
    )
    fresh = read_frames(video(clip), Sampling(count=4))
    assert decoded == [6, 18, 31, 43]
    shared().clear()
    list(iter_frames(video(clip)))
    assert decoded[4:] == list(range(FRAMES))
    assert np.array_equal(read_frames(video(clip), Sampling(count=4)), fresh)
    few = np.concatenate(list(iter_frames(video(clip), sampling=Sampling(fps=1.0))))
    assert np.array_equal(few, read_frames(video(clip))[::10])
    assert len(decoded) == 4 + FRAMES


@pytest.mark.skipif(not _TROUBLE, reason="torchcodec is there")
def test_a_missing_torchcodec_is_told(clip: bytes) -> None:
    with pytest.raises(UsageError, match="pip install torchcodec"):
        open_video(video(clip), "torchcodec")


@pytest.mark.parametrize("width", [16, 48])
def test_narrow_videos_that_decord_garbles_are_read_by_pyav(width: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 32, width, 3), dtype=np.uint8)
    data = encode(frames)
    assert np.array_equal(read_frames(video(data)), read_frames(video(data), reader="pyav"))
    with pytest.raises(MediaError, match="pixels wide"):
        read_frames(video(data), reader="decord")
