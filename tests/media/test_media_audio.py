"""Sounds: samples as written, resampling, and hostile files refused with a reason."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.registry import Media, MediaError
from prefgauge.registry.media import Limits, read_audio, resample


def encoded(
    samples: np.ndarray, rate: int = 16_000, kind: str = "WAV", sub: str = "FLOAT"
) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=sub)
    return out.getvalue()


def sound(data: bytes) -> Media:
    return Media("audio", data=data, suffix=".wav")


def test_stereo_samples_come_back_by_channel() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (1000, 2)).astype(np.float32)
    audio = read_audio(sound(encoded(samples, 44_100)))
    assert (audio.rate, audio.samples.shape, audio.samples.dtype) == (44_100, (2, 1000), np.float32)
    assert np.array_equal(audio.samples, samples.T)
    np.testing.assert_allclose(audio.mono(), samples.mean(axis=1), atol=1e-7)
    assert audio.seconds == pytest.approx(1000 / 44_100)


@pytest.mark.parametrize(
    ("kind", "sub"), [("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("WAV", "PCM_16")]
)
def test_common_formats_are_read(kind: str, sub: str) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    audio = read_audio(sound(encoded(tone, kind=kind, sub=sub)))
    assert audio.samples.shape == (1, 16_000)
    assert np.abs(audio.samples[0] - tone).max() < 0.05


def test_resampling_keeps_a_tone_and_drops_what_does_not_fit() -> None:
    t48, t16 = np.arange(48_000) / 48_000, np.arange(16_000) / 16_000
    low, high = np.sin(2 * np.pi * 1000 * t48), np.sin(2 * np.pi * 11_000 * t48)
    got = resample((low + high)[None].astype(np.float32), 48_000, 16_000)
    assert got.shape == (1, 16_000)
    middle = slice(500, -500)
    assert np.abs(got[0, middle] - np.sin(2 * np.pi * 1000 * t16)[middle]).max() < 1e-3


def test_nan_empty_and_limits_are_refused() -> None:
    samples = np.zeros(1000, np.float32)
    samples[3:5] = np.nan, np.inf
    with pytest.raises(MediaError, match="2 samples are NaN or infinite"):
        read_audio(sound(encoded(samples)))
    with pytest.raises(MediaError, match="empty"):
        read_audio(sound(encoded(np.zeros(0))))
    good = sound(encoded(np.zeros((1000, 2)), 8_000))
    with pytest.raises(MediaError, match="channels is 2"):
        read_audio(good, Limits(audio_channels=1))
    with pytest.raises(MediaError, match=r"seconds is 0\.125"):
        read_audio(good, Limits(audio_seconds=0.1))
    with pytest.raises(MediaError, match="8000 Hz is outside"):
        read_audio(good, Limits(audio_rate=(16_000, 48_000)))


def test_truncated_files_are_refused_not_shortened() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 20_000)
    for kind, sub in (("WAV", "PCM_16"), ("FLAC", "PCM_16")):
        data = encoded(noise, kind=kind, sub=sub)
        with pytest.raises(MediaError, match=r"cut short|cannot be decoded"):
            read_audio(sound(data[: len(data) // 2]))


def test_absurd_headers_are_refused() -> None:
    data = bytearray(encoded(np.zeros(100), sub="PCM_16"))
    struct.pack_into("<I", data, 40, 2_000_000_000)  # the data chunk says a day of sound
    with pytest.raises(MediaError, match="header says 2000000000 bytes"):
        read_audio(sound(bytes(data)))
    for bad in (b"", b"RIFF\0\0\0\0WAVE", b"ID3 not really" * 50, bytes(data[:30])):
        with pytest.raises(MediaError):
            read_audio(sound(bad))


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "flac-inside.mp3"
    path.write_bytes(encoded(np.zeros(500), kind="FLAC", sub="PCM_16"))
    assert read_audio(Media("audio", path)).samples.shape == (1, 500)


def test_a_file_is_resampled_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    import torchaudio.functional

    calls: list[tuple[int, int]] = []
    real = torchaudio.functional.resample

    def counting(wave: Any, rate: int, target: int, **rest: Any) -> Any:
        calls.append((rate, target))
        return real(wave, rate, target, **rest)

    monkeypatch.setattr(torchaudio.functional, "resample", counting)
    rng = np.random.default_rng(7)
    media = sound(encoded(rng.uniform(-1, 1, (4410, 2)).astype(np.float32), 44_100))
    first = read_audio(media).at(16_000)
    again = read_audio(sound(media.read())).at(16_000)  # equal bytes, read anew
    assert again is first
    assert read_audio(media).at(44_100).rate == 44_100
    read_audio(media).at(8000)
    assert calls == [(44_100, 16_000), (44_100, 8000)]
    np.testing.assert_array_equal(
        first.samples, resample(read_audio(media).samples, 44_100, 16_000)
    )
