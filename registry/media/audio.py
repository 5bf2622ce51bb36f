"""Sounds: anything libsndfile reads (wav, flac, ogg, mp3...), as float32 arrays.

Reading needs ``soundfile``; only :func:`resample` needs ``torchaudio``. ``torchaudio.load`` is
not used, since it needs a system FFmpeg.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prefgauge.registry.content import Media
from prefgauge.registry.errors import MediaError, require
from prefgauge.registry.media.cache import shared
from prefgauge.registry.media.limits import LIMITS, Limits, check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Audio", "read_audio", "resample"]


@dataclass(frozen=True, slots=True)
class Audio:
    """A decoded sound.

    Parameters
    ----------
    samples: float32, shape (channels, n), nominally -1..1.
    rate: sampling rate in Hz.
    key: what the cache knows it by; empty for a sound that came from no file.
    """

    samples: NDArray[np.float32]
    rate: int
    key: Hashable = ""

    @property
    def seconds(self) -> float:
        """Length."""
        return float(self.samples.shape[1] / self.rate)

    def mono(self) -> NDArray[np.float32]:
        """The mean of the channels, shape (n,)."""
        if self.samples.shape[0] == 1:
            only: NDArray[np.float32] = self.samples[0]
            return only
        mean: NDArray[np.float32] = self.samples.mean(axis=0)
        return mean

    def at(self, rate: int) -> Audio:
        """The sound at another sampling rate; see :func:`resample`. What was read from a file is
        resampled once for all that ask, through the cache."""
        if rate == self.rate:
            return self

        def load() -> Audio:
            samples = resample(self.samples, self.rate, rate)
            samples.setflags(write=False)
            return Audio(samples, rate)

        if not self.key:
            return load()
        return shared().get((self.key, rate), load, lambda audio: audio.samples.nbytes)


def read_audio(media: Media, limits: Limits = LIMITS) -> Audio:
    """Decode a sound at its own rate.

    Raises
    ------
    MediaError: if it is no sound, is cut short, empty, holds NaN, or is beyond a limit.
    """
    key = ("audio", media.digest(), limits)
    return shared().get(
        key, lambda: replace(_decode(media, limits), key=key), lambda audio: audio.samples.nbytes
    )


def resample(samples: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    """Band-limited resampling of (channels, n) float32 samples.

    Windowed sinc with a Kaiser window and 64 zero crossings (``torchaudio.functional.resample``
    with its "kaiser_best" settings), which agrees with soxr's high quality to about 1e-4.
    """
    if rate == target:
        return samples
    torch: Any = require("torch", "audio", "Resampling audio")
    functional: Any = require("torchaudio.functional", "audio", "Resampling audio")
    with torch.inference_mode():
        out = functional.resample(
            torch.from_numpy(samples.copy()),
            rate,
            target,
            lowpass_filter_width=64,
            rolloff=0.9475937167399596,
            resampling_method="sinc_interp_kaiser",
            beta=14.769656459379492,
        )
    array: NDArray[np.float32] = out.numpy()
    return array


def _decode(media: Media, limits: Limits) -> Audio:
    soundfile: Any = require("soundfile", "audio", "Reading audio")
    import numpy as np

    data, where = media.read(limits.file_bytes), media.where()
    _refuse_cut_wav(data, where)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels, frames = file.samplerate, file.channels, file.frames
            _check_header(where, rate, channels, frames, limits)
            samples = file.read(dtype="float32", always_2d=True)
    except MediaError:
        raise
    except (RuntimeError, TypeError, ValueError, OSError) as error:
        text = str(error).replace("\n", " ")
        raise MediaError(f"{where}: the sound cannot be decoded ({text}).") from None
    if len(samples) < frames:
        raise MediaError(
            f"{where}: the sound is cut short; its header says {frames} samples, "
            f"{len(samples)} are there."
        )
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples)).sum())
        raise MediaError(f"{where}: {bad} samples are NaN or infinite.")
    out = np.ascontiguousarray(samples.T)
    out.setflags(write=False)
    return Audio(out, int(rate))


def _check_header(where: str, rate: int, channels: int, frames: int, limits: Limits) -> None:
    low, high = limits.audio_rate
    if not low <= rate <= high:
        raise MediaError(f"{where}: a sampling rate of {rate} Hz is outside {low}..{high}.")
    check(where, "the number of channels", channels, limits.audio_channels)
    check(where, "the length in seconds", frames / rate, limits.audio_seconds)
    if frames <= 0:
        raise MediaError(f"{where}: the sound is empty.")


def _refuse_cut_wav(data: bytes, where: str) -> None:
    """libsndfile reads what is left of a truncated wav in silence; the header gives it away."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"data":
            there = len(data) - position
            # 0 and 0xFFFFFFFF are written by streaming encoders that never knew the length
            if size not in {0, 0xFFFFFFFF} and there < size:
                raise MediaError(
                    f"{where}: the sound is cut short; its header says {size} bytes of samples, "
                    f"{there} are there."
                )
            return
        position += size + size % 2
    raise MediaError(f"{where}: the wav file has no samples.")
