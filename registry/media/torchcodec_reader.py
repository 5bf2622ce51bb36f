"""The third video reader: torchcodec, which reads through the FFmpeg libraries of the system.

It is no part of an extra: its wheels fit one torch version each (0.11 fits torch 2.11), and those on
PyPI are built for CUDA and want its NPP library (``nvidia-npp``) beside FFmpeg 4 to 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefgauge.registry.content import Media
from prefgauge.registry.errors import MediaError, UsageError
from prefgauge.registry.media.limits import Limits, check
from prefgauge.registry.media.video_readers import cannot, check_video, probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TorchCodecReader"]

HELP = "pip install torchcodec==0.11.* nvidia-npp, and FFmpeg (for example: apt install ffmpeg)"


class TorchCodecReader:
    """Reads through torchcodec on the CPU, one decoding thread per video."""

    def __init__(self, media: Media, limits: Limits) -> None:
        decoder = _decoder()
        self._where = media.where()
        data = media.read(limits.file_bytes)
        probe(data, self._where, limits)
        try:
            self._video = decoder(data, dimension_order="NHWC", num_ffmpeg_threads=1)
            facts = self._video.metadata
            frames = len(self._video)
            check(self._where, "the number of frames", frames, limits.video_frames)
            if frames < 1:
                raise MediaError(f"{self._where}: the video has no frames.")
            self.fps = float(facts.average_fps_from_header or facts.average_fps or 0.0)
            height, width = self.read([0]).shape[1:3]
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise cannot(self._where, error) from None
        self.size = (int(height), int(width))
        check_video(self._where, frames, self.fps, self.size, limits)

    def __len__(self) -> int:
        return len(self._video)

    def read(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """See :class:`~prefgauge.registry.media.video.VideoReader`."""
        try:
            frames: NDArray[np.uint8] = self._video.get_frames_at(list(indices)).data.numpy()
        except (RuntimeError, ValueError, IndexError) as error:
            raise cannot(self._where, error) from None
        return frames

    def close(self) -> None:
        """Drop the decoder, which frees it."""
        del self._video


def _decoder() -> Any:
    try:
        from torchcodec.decoders import VideoDecoder
    except ImportError:
        raise UsageError(f"The video reader torchcodec is not installed: {HELP}.") from None
    except (RuntimeError, OSError) as error:  # its FFmpeg, CUDA or torch does not fit
        text = " ".join(str(error).split())[:120]
        raise UsageError(f"torchcodec is installed but does not load ({text}): {HELP}.") from None
    return VideoDecoder
