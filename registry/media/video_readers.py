"""The two video readers: decord (fast, random access) and PyAV (maintained, the fallback)."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from prefgauge.registry.content import Media
from prefgauge.registry.errors import MediaError, MissingExtra, require
from prefgauge.registry.media.limits import Limits, check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DecordReader", "PyAVReader", "TooNarrow", "cannot", "check_video", "probe"]

_STDERR = threading.Lock()
_STAMP = re.compile(r"\[\d\d:\d\d:\d\d\] \S+: ")  # decord's clock time and source line


class TooNarrow(MediaError):
    """decord 0.6 garbles frames whose rows it pads (16 or 48 pixels wide); PyAV does not."""


class DecordReader:
    """Reads through decord, one decoding thread per video."""

    def __init__(self, media: Media, limits: Limits) -> None:
        decord: Any = require("decord", "video", "Reading videos")
        decord.logging.set_level(decord.logging.QUIET)
        data, self._where = media.read(limits.file_bytes), media.where()
        probed = probe(data, self._where, limits)
        try:
            # decord reports a broken file on the stderr of the process whatever its log level;
            # where PyAV has looked at the header first, only files that open get here
            with contextlib.nullcontext() if probed else _silent_stderr():
                self._video = decord.VideoReader(io.BytesIO(data), num_threads=1)
            frames = len(self._video)
            self.fps = float(self._video.get_avg_fps())
            check(self._where, "the number of frames", frames, limits.video_frames)
            if frames < 1:
                raise MediaError(f"{self._where}: the video has no frames.")
            first = self._video[0].asnumpy()
        except (RuntimeError, decord.DECORDError, IndexError, ValueError, TypeError) as error:
            raise cannot(self._where, error) from None
        if first.shape[2] != 3:
            raise TooNarrow(
                f"{self._where}: decord cannot read videos {first.shape[1]} pixels wide; "
                "set PREFGAUGE_VIDEO_READER=pyav."
            )
        self.size = (int(first.shape[0]), int(first.shape[1]))
        check_video(self._where, frames, self.fps, self.size, limits)

    def __len__(self) -> int:
        return len(self._video)

    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """See :class:`~prefgauge.registry.media.video.VideoReader`."""
        try:
            batch: NDArray[np.uint8] = self._video.get_batch(list(indices)).asnumpy()
        except Exception as error:  # DECORDError, RuntimeError, IndexError by version
            raise cannot(self._where, error) from None
        return batch

    def close(self) -> None:
        """Drop the decoder, which frees it."""
        del self._video


class PyAVReader:
    """Reads through PyAV. Frames are found by their presentation times, listed once without
    decoding, so a jump decodes from the key frame before it and no further back."""

    def __init__(self, media: Media, limits: Limits) -> None:
        av: Any = require("av", "video", "Reading videos")
        self._where = media.where()
        data = media.read(limits.file_bytes)
        probe(data, self._where, limits)
        try:
            self._file = av.open(io.BytesIO(data))
            self._stream = self._file.streams.video[0]
            self._times = sorted(
                packet.pts for packet in self._file.demux(self._stream) if packet.pts is not None
            )
            if not self._times:
                raise MediaError(f"{self._where}: the video has no frames.")
            check(self._where, "the number of frames", len(self._times), limits.video_frames)
            rate = self._stream.average_rate or self._stream.guessed_rate or 25
            self.fps = float(rate)
            self._known: dict[int, int] = {pts: i for i, pts in enumerate(self._times)}
            self.size = (0, 0)
            height, width = self.read([0]).shape[1:3]
        except (av.FFmpegError, ValueError, IndexError) as error:
            raise cannot(self._where, error) from None
        self.size = (height, width)
        check_video(self._where, len(self), self.fps, self.size, limits)

    def __len__(self) -> int:
        return len(self._times)

    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """See :class:`~prefgauge.registry.media.video.VideoReader`."""
        import av
        import numpy as np

        found: dict[int, NDArray[np.uint8]] = {}
        try:
            for run in _runs(sorted(set(indices))):
                found.update(self._read_run(run))
            return np.stack([found[index] for index in indices])
        except (av.FFmpegError, ValueError) as error:
            raise cannot(self._where, error) from None
        except KeyError as error:
            raise MediaError(f"{self._where}: frame {error} cannot be decoded.") from None

    def _read_run(self, run: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
        """Frames of one stretch: seek to the key frame before it and decode to its end."""
        wanted = set(run)
        out: dict[int, NDArray[np.uint8]] = {}
        self._file.seek(self._times[run[0]], stream=self._stream, backward=True)
        for frame in self._file.decode(self._stream):
            index = self._known.get(frame.pts, -1)
            if index in wanted:
                out[index] = _upright(frame)
            if index >= run[-1]:
                break
        return out

    def close(self) -> None:
        """Close the container."""
        self._file.close()


def check_video(where: str, frames: int, fps: float, size: tuple[int, int], limits: Limits) -> None:
    """Refuse a video beyond the limits."""
    check(where, "the number of pixels of a frame", size[0] * size[1], limits.image_pixels)
    if not fps > 0:
        raise MediaError(f"{where}: the frame rate is {fps}.")
    check(where, "the length in seconds", frames / fps, limits.video_seconds)


def _upright(frame: Any) -> NDArray[np.uint8]:
    """RGB array of a frame, turned as its rotation mark (degrees, counterclockwise) says."""
    import numpy as np

    array: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90)
    return np.ascontiguousarray(np.rot90(array, turns)) if turns else array


def _runs(indices: Sequence[int], gap: int = 24) -> Iterator[list[int]]:
    """Split rising frame numbers where a jump is wide enough to seek rather than decode on."""
    run: list[int] = []
    for index in indices:
        if run and index - run[-1] > gap:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def probe(data: bytes, where: str, limits: Limits) -> bool:
    """Look at the header with PyAV, before any frame is decoded. False if PyAV is absent."""
    try:
        av: Any = require("av", "video", "Reading videos")
    except MissingExtra:
        return False
    try:
        with av.open(io.BytesIO(data)) as file:
            if not file.streams.video:
                raise MediaError(f"{where}: there is no video in the file.")
            codec = file.streams.video[0].codec_context
            check(
                where,
                "the number of pixels of a frame",
                codec.width * codec.height,
                limits.image_pixels,
            )
            seconds = (file.duration or 0) / 1e6  # in microseconds
            check(where, "the length in seconds", seconds, limits.video_seconds)
    except (av.FFmpegError, ValueError, AttributeError) as error:
        raise cannot(where, error) from None
    return True


def cannot(where: str, error: Exception) -> MediaError:
    raw = getattr(error, "strerror", None) or _STAMP.sub("", str(error).split("Stack trace")[0])
    text = "".join(character for character in " ".join(raw.split()) if character.isprintable())
    return MediaError(
        f"{where}: the video cannot be decoded ({text[:160] or type(error).__name__})."
    )


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send the process's stderr nowhere for a moment (native code writes to it directly)."""
    with _STDERR:
        saved = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
