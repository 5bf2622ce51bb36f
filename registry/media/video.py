"""Videos: chosen frames as RGB arrays, read by decord, PyAV or torchcodec behind one interface.

``PREFGAUGE_VIDEO_READER`` picks the reader: ``decord`` (default; PyAV where decord is not
installed or cannot read the size), ``pyav`` or ``torchcodec``. Only the frames asked for are kept;
rotation marks of phones are applied.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from prefgauge.registry.content import Media
from prefgauge.registry.errors import MediaError, MissingExtra, UsageError
from prefgauge.registry.media.cache import shared
from prefgauge.registry.media.limits import LIMITS, Limits, check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ALL", "READERS", "Sampling", "VideoReader", "iter_frames", "open_video", "read_frames"]

CHUNK = 16
#: Names for ``PREFGAUGE_VIDEO_READER``.
READERS = ("decord", "pyav", "torchcodec")


class VideoReader(Protocol):
    """An opened video. It is not thread-safe: each thread opens its own."""

    fps: float
    size: tuple[int, int]  # height and width in pixels, after rotation

    def __len__(self) -> int:
        """Number of frames."""

    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """Frames by number (any order, repeats allowed): RGB, shape (n, height, width, 3)."""

    def close(self) -> None:
        """Release the decoder."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames to look at: by `count`, by `fps`, or by `index`; none of them means all.

    Parameters
    ----------
    count: that many frames, the middles of equal parts of the video; all if it has fewer.
    fps: frames at that rate, beginning with the first; all if the video is slower.
    index: frame numbers; negative ones count from the end.
    """

    count: int | None = None
    fps: float | None = None
    index: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.count, self.fps, self.index) if value is not None]
        if len(given) > 1:
            raise UsageError("Sample frames by count, by fps or by index, not by several of them.")
        if given and not self.index and not (isinstance(given[0], int | float) and given[0] > 0):
            raise UsageError(f"Frame sampling needs a positive number, not {given[0]!r}.")

    def indices(self, frames: int, fps: float) -> list[int]:
        """The frame numbers for a video of `frames` frames at `fps`, rising unless by index."""
        if self.index is not None:
            for number in self.index:
                if not -frames <= number < frames:
                    raise MediaError(f"frame {number} was asked of a video of {frames} frames")
            return [number % frames for number in self.index]
        if self.count is not None and self.count < frames:
            return [int((part + 0.5) * frames / self.count) for part in range(self.count)]
        if self.fps is not None and self.fps < fps:
            step = fps / self.fps
            return [int(k * step) for k in range(int((frames - 1) / step) + 1)]
        return list(range(frames))


ALL = Sampling()


def open_video(media: Media, reader: str | None = None, limits: Limits = LIMITS) -> VideoReader:
    """Open a video.

    Parameters
    ----------
    media: the video.
    reader: one of :data:`READERS`; by default as ``PREFGAUGE_VIDEO_READER`` says.

    Raises
    ------
    MediaError: if it is no video, is cut short, or is beyond a limit.
    """
    from prefgauge.registry.media import video_readers

    name = reader or os.environ.get("PREFGAUGE_VIDEO_READER") or ""
    if name and name not in READERS:
        raise UsageError(f"The video reader {name!r} is unknown; there are {', '.join(READERS)}.")
    if name == "pyav" or (not name and media.suffix == ".gif"):  # decord reads no GIF from memory
        return video_readers.PyAVReader(media, limits)
    if name == "torchcodec":
        from prefgauge.registry.media.torchcodec_reader import TorchCodecReader

        return TorchCodecReader(media, limits)
    try:
        return video_readers.DecordReader(media, limits)
    except (MissingExtra, video_readers.TooNarrow):
        if name == "decord":
            raise
        return video_readers.PyAVReader(media, limits)


def read_frames(
    media: Media, sampling: Sampling = ALL, reader: str | None = None, limits: Limits = LIMITS
) -> NDArray[np.uint8]:
    """The sampled frames: RGB, uint8, shape (n, height, width, 3), read-only, through the cache.

    Raises
    ------
    MediaError: see :func:`open_video`; also if the frames would need more memory than the limit
        (sample fewer, or use :func:`iter_frames`).
    """
    whole = _key(media, ALL, reader, limits)

    def load() -> NDArray[np.uint8]:
        # where another scorer had all frames decoded, some of them are taken from there
        known = None if sampling == ALL else shared().peek(whole)
        if known is None:
            frames = _decoded(media, sampling, reader, limits)
        else:
            _, fps, _ = _facts(media, reader, limits)
            frames = known[sampling.indices(len(known), fps)]
        frames.setflags(write=False)
        return frames

    return shared().get(_key(media, sampling, reader, limits), load, lambda frames: frames.nbytes)


def _decoded(
    media: Media, sampling: Sampling, reader: str | None, limits: Limits
) -> NDArray[np.uint8]:
    video = open_video(media, reader, limits)
    try:
        indices = sampling.indices(len(video), video.fps)
        size = len(indices) * video.size[0] * video.size[1] * 3
        check(media.where(), "the size in bytes of its frames", size, limits.decoded_bytes)
        return video.read(indices)
    finally:
        video.close()


def iter_frames(
    media: Media,
    reader: str | None = None,
    limits: Limits = LIMITS,
    sampling: Sampling = ALL,
) -> Iterator[NDArray[np.uint8]]:
    """The sampled frames in order, in chunks of up to 16, shape (n, height, width, 3).

    Few frames are decoded once and kept in the cache for the next scorer; many (above a quarter of
    the cache) stream, so that memory stays bounded whatever the length of the video.
    """
    total, fps, (height, width) = _facts(media, reader, limits)
    indices = sampling.indices(total, fps)
    if len(indices) * height * width * 3 <= shared().capacity // 4:
        frames: Any = read_frames(media, sampling, reader, limits)
        for start in range(0, len(frames), CHUNK):
            yield frames[start : start + CHUNK]
        return
    video = open_video(media, reader, limits)
    try:
        for start in range(0, len(indices), CHUNK):
            yield video.read(indices[start : start + CHUNK])
    finally:
        video.close()


def _key(media: Media, sampling: Sampling, reader: str | None, limits: Limits) -> Hashable:
    name = reader or os.environ.get("PREFGAUGE_VIDEO_READER") or ""
    return ("video", media.digest(), sampling, name, limits)


def _facts(media: Media, reader: str | None, limits: Limits) -> tuple[int, float, tuple[int, int]]:
    """Number of frames, frames per second, height and width; remembered, for opening a video costs
    the decoding of a frame."""

    def load() -> tuple[int, float, tuple[int, int]]:
        video = open_video(media, reader, limits)
        try:
            return len(video), video.fps, video.size
        finally:
            video.close()

    key = ("video-facts", _key(media, ALL, reader, limits))
    return shared().get(key, load, lambda _: 200)
