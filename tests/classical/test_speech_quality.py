"""Speech quality against values recorded apart from prefgauge and against closed forms."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio import dnsmos, reference
from prefgauge.plugins.scorers.audio.mel import mel_filters
from prefgauge.plugins.scorers.audio.reference import AudioComparison, Pesq, SiSdr, Stoi
from prefgauge.plugins.scorers.audio.squim import Squim
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
from prefgauge.registry.media import read_audio
from prefgauge.registry.outcome import Request

RATE = 16_000
RNG = np.random.default_rng(11)


def sound(samples: np.ndarray, rate: int = RATE) -> Media:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    return Media("audio", data=out.getvalue(), suffix=".wav")


def request(candidate: Media, **context: Media) -> Request:
    shown = {name: content(media) for name, media in context.items()}
    sample = Sample(id="s", candidates=(content(candidate),), labels=(), context=shown)
    return Request("bench", sample, (0,))


def compare(scorer: AudioComparison, clean: Media, degraded: Media) -> float:
    (outcome,) = scorer.score([scorer.prepare(request(degraded, reference=clean))])
    return outcome.values["overall"]


def test_si_sdr_is_the_noise_ratio_whatever_the_level() -> None:
    """A sound plus orthogonal noise of a hundredth of its power is at 20 dB by definition."""
    clean = RNG.normal(size=RATE)
    noise = RNG.normal(size=RATE)
    clean -= clean.mean()
    noise -= noise.mean()
    noise -= (noise @ clean) / (clean @ clean) * clean
    noise *= np.sqrt(0.01 * (clean @ clean) / (noise @ noise))
    scorer = SiSdr(Address.parse("si-sdr"))
    for level in (0.05, 0.2):
        got = compare(scorer, sound(0.1 * clean), sound(level * (clean + noise)))
        assert got == pytest.approx(20.0, abs=1e-3)
    assert compare(scorer, sound(0.1 * clean), sound(0.05 * clean)) == 100.0
    with pytest.raises(MediaError, match="silent"):
        compare(scorer, sound(np.zeros(RATE)), sound(clean))


def test_sounds_are_cut_and_brought_to_the_lower_rate() -> None:
    t = np.arange(48_000) / 48_000
    first, second, rate = reference.aligned(
        sound(np.sin(2 * np.pi * 300 * t), 48_000),
        sound(np.sin(2 * np.pi * 300 * np.arange(15_000) / RATE)),
        None,
    )
    assert (rate, first.shape, second.shape) == (RATE, (15_000,), (15_000,))
    assert np.abs(first - second)[200:-200].max() < 1e-3


def test_silence_and_missing_references_have_reasons() -> None:
    silent = sound(np.zeros(2 * RATE))
    with pytest.raises(MediaError, match="no speech"):
        compare(Pesq(Address.parse("pesq")), silent, silent)
    scorer = Stoi(Address.parse("stoi"))
    with pytest.raises(MediaError, match="the reference holds no audio"):
        scorer.prepare(request(silent))
    with pytest.raises(MediaError, match="30 frames"):
        compare(scorer, silent, silent)
    blip = sound(RNG.normal(size=RATE // 5))
    with pytest.raises(MediaError, match="30 frames"):
        compare(scorer, blip, blip)
    with pytest.raises(UsageError, match="wb or nb"):
        Pesq(Address.parse("pesq?mode=uwb"))


@pytest.mark.data
def test_recorded_scores_of_codec_clips(data_root: Path) -> None:
    """pip pesq, pystoi and a plain SI-SDR, run apart from prefgauge with librosa's resampling
    (hence the tolerance of PESQ at 16 kHz; the others compare at 24 kHz as recorded)."""
    golden = data_root / "derived/neural_codec_mushra_scores.json"
    if not golden.exists():
        pytest.skip("the recorded codec scores are not in PREFGAUGE_DATA")
    rows = json.loads(golden.read_text())[::28]
    scorers = [Pesq(Address.parse("pesq")), Stoi(Address.parse("stoi"))]
    ratio = SiSdr(Address.parse("si-sdr"))
    for row in rows:
        path = data_root / "neural_codec_mushra/audio" / row["file"]
        clean, degraded = Media("audio", path.parent / "ref.wav"), Media("audio", path)
        pesq, stoi = (compare(scorer, clean, degraded) for scorer in scorers)
        assert pesq == pytest.approx(row["pesq_wb"], abs=5e-3), row["file"]
        assert stoi == pytest.approx(row["stoi"], abs=1e-6), row["file"]
        assert compare(ratio, clean, degraded) == pytest.approx(row["si_sdr"], abs=1e-6)


@pytest.fixture(scope="module")
def opened() -> dnsmos.Dnsmos:
    pytest.importorskip("speechmos")
    pytest.importorskip("onnxruntime")
    scorer = dnsmos.Dnsmos(Address.parse("dnsmos"))
    scorer.open(Device())
    return scorer


@pytest.mark.data
def test_recorded_dnsmos_of_noisy_speech(data_root: Path, opened: dnsmos.Dnsmos) -> None:
    """DNS-Challenge's own script with librosa, on clips that need no resampling."""
    golden = data_root / "derived/p835_wb_scores.json"
    if not golden.exists():
        pytest.skip("the recorded P.835 scores are not in PREFGAUGE_DATA")
    rows = {row["file"]: row for row in json.loads(golden.read_text())}
    for name in ("c1_f1.wav", "c1_f2.wav", "c6_m2.wav"):
        clip = Media("audio", data_root / "p835_speech_mos/degraded_WB_16KHz" / name)
        got = opened.measure(clip)
        assert got["overall"] == got["OVRL"]
        for ours, theirs in (("OVRL", "d_ovrl"), ("SIG", "d_sig"), ("BAK", "d_bak")):
            assert got[ours] == pytest.approx(rows[name][theirs], abs=1e-4), (name, ours)
        assert got["P808"] == pytest.approx(rows[name]["d_p808"], abs=1e-4), name


def test_dnsmos_windows_repeat_and_hop() -> None:
    ramp = np.arange(3 * RATE, dtype=np.float32)
    windows = dnsmos.segments(ramp)  # 3 s are doubled to 12 s: starts 0, 1 and 2 s
    assert [len(window) for window in windows] == [144_160] * 3
    assert windows[1][0] == RATE
    assert windows[0][3 * RATE] == 0


def test_mel_filters_have_the_published_shape() -> None:
    """librosa.filters.mel(sr=16000, n_fft=321, n_mels=120): shape, and the area under Slaney's
    triangles, which his norm makes 1 Hz-wise (2 / width times width / 2)."""
    filters = mel_filters(RATE, 321, 120, 8000)
    assert filters.shape == (120, 161)
    wide = filters[-20:]  # wide enough for the bins to sample them well
    np.testing.assert_allclose(wide.sum(axis=1) * RATE / 321, 1.0, atol=0.05)


@pytest.fixture(scope="module")
def squim_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torchaudio's objective network with random weights, saved as its own are."""
    import torch
    from torchaudio.models import squim_objective_base

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("squim") / "weights.pth"
    torch.save(squim_objective_base().state_dict(), path)
    return path


def test_squim_is_torchaudios_network(squim_weights: Path) -> None:
    import torch
    from torchaudio.models import squim_objective_base

    wave = 0.1 * RNG.normal(size=RATE).astype(np.float32)
    scorer = Squim(Address.parse(f"squim?weights={squim_weights}"))
    scorer.open(Device("cpu"))
    (outcome,) = scorer.score([scorer.prepare(request(sound(wave)))])
    model = squim_objective_base().eval()
    model.load_state_dict(torch.load(squim_weights, weights_only=True))
    with torch.inference_mode():
        stoi, pesq, si_sdr = (float(v) for v in model(torch.from_numpy(wave)[None]))
    assert outcome.values == pytest.approx(
        {"overall": pesq, "PESQ": pesq, "STOI": stoi, "SI-SDR": si_sdr}, rel=1e-5
    )


def test_squim_says_how_to_get_its_weights(tmp_path: Path) -> None:
    bad = tmp_path / "no-weights.pth"
    bad.write_bytes(b"nothing")
    scorer = Squim(Address.parse(f"squim?weights={bad}"))
    with pytest.raises(ScorerError, match="weights=PATH"):
        scorer.open(Device("cpu"))
    with pytest.raises(UsageError, match="not a file"):
        Squim(Address.parse(f"squim?weights={tmp_path / 'gone'}"))
    assert Squim(Address.parse("squim?part=subjective")).card.needs == {"reference"}


def test_dnsmos_reads_any_rate(opened: dnsmos.Dnsmos) -> None:
    speechless = 0.01 * RNG.normal(size=24_000)
    low, high = opened.measure(sound(speechless, 8_000)), opened.measure(sound(speechless, 24_000))
    for got in (low, high):
        assert set(got) == {"overall", "OVRL", "SIG", "BAK", "P808"}
        assert all(0.5 < value < 5.5 for value in got.values())
    assert read_audio(sound(speechless, 8_000)).at(RATE).samples.shape == (1, 48_000)
