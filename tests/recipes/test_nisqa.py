"""NISQA with seeded random weights under the published names.

The expected values are torchmetrics 1.9.0's (its own port of the network, librosa 0.11 features),
run apart from prefgauge on the weights that :func:`state` makes and the sounds of :func:`chirp`.
"""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio.nisqa import DIMENSIONS, Nisqa
from prefgauge.plugins.scorers.audio.nisqa_net import mel_decibels, segments
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

torch = pytest.importorskip("torch")
SETTINGS: dict[str, Any] = {
    "cnn_model": "adapt", "td": "self_att", "pool": "att", "ms_sr": None, "ms_n_mels": 48,
    "ms_n_fft": 4096, "ms_hop_length": 0.01, "ms_win_length": 0.02, "ms_fmax": 20000,
    "ms_seg_length": 15, "ms_seg_hop_length": 4, "ms_max_segments": 1300,
    "cnn_pool_1": [24, 7], "cnn_pool_2": [12, 5], "cnn_pool_3": [6, 3], "td_sa_nhead": 1,
}  # fmt: skip
EXPECTED = {
    (48_000, 1.3, 1): (-0.3887252, 0.7991483, 2.1479712, -1.9352160, -1.3145616),
    (16_000, 2.0, 2): (-0.3169042, 0.6433975, 2.3358974, -1.5017488, -1.1550264),
    (44_100, 0.16, 3): (-0.2916166, 0.6490792, 2.0462666, -1.8655024, -1.2393641),
}


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and sizes of nisqa.tar's tensors."""
    out: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = shape, shape[:1]

    sizes = (1, 16, 32, 64, 64, 64, 64)
    for i, (inside, outside) in enumerate(pairwise(sizes), start=1):
        layer(f"cnn.model.conv{i}", outside, inside, 3, 3)
        layer(f"cnn.model.bn{i}", outside)
        for name in ("running_mean", "running_var"):
            out[f"cnn.model.bn{i}.{name}"] = (outside,)
        out[f"cnn.model.bn{i}.num_batches_tracked"] = ()
    td = "time_dependency.model"
    layer(f"{td}.norm1", 64)
    layer(f"{td}.linear", 64, 384)
    for k in range(2):
        out[f"{td}.layers.{k}.self_attn.in_proj_weight"] = (192, 64)
        out[f"{td}.layers.{k}.self_attn.in_proj_bias"] = (192,)
        for name in ("self_attn.out_proj", "linear1", "linear2"):
            layer(f"{td}.layers.{k}.{name}", 64, 64)
        for name in ("norm1", "norm2"):
            layer(f"{td}.layers.{k}.{name}", 64)
    for k in range(5):
        layer(f"pool_layers.{k}.model.linear1", 128, 64)
        layer(f"pool_layers.{k}.model.linear2", 1, 128)
        layer(f"pool_layers.{k}.model.linear3", 1, 64)
    return out


def state() -> dict[str, Any]:
    """Seeded weights, drawn in the order of the names."""
    rng, out = np.random.default_rng(5), {}
    for name, shape in sorted(shapes().items()):
        if name.endswith("num_batches_tracked"):
            out[name] = torch.zeros((), dtype=torch.long)
            continue
        draw = rng.normal(size=shape).astype(np.float32)
        if name.endswith("running_var"):
            draw = 1 + np.abs(draw)
        elif len(shape) > 1:
            draw = draw * np.float32(1.5 / np.sqrt(np.prod(shape[1:])))
        else:
            scale = ("norm" in name or "bn" in name) and name.endswith("weight")
            draw = draw * np.float32(0.3) + np.float32(scale)
        out[name] = torch.from_numpy(draw.astype(np.float32))
    return out


def write(path: Path, weights: dict[str, Any], settings: dict[str, Any] = SETTINGS) -> Path:
    torch.save({"args": settings, "model_state_dict": weights}, path)
    return path


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Nisqa:
    path = write(tmp_path_factory.mktemp("nisqa") / "nisqa.tar", state())
    made = Nisqa(Address.parse(f"nisqa:{path}"))
    made.open(Device("cpu"))
    return made


def chirp(rate: int, seconds: float, seed: int) -> np.ndarray:
    t = np.arange(int(rate * seconds)) / rate
    noise = np.random.default_rng(seed).normal(size=len(t))
    return (0.2 * np.sin(2 * np.pi * (200 + 300 * t) * t) + 0.02 * noise).astype(np.float32)


def request(samples: np.ndarray, rate: int) -> Request:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    media = Media("audio", data=out.getvalue(), suffix=".wav")
    return Request("b", Sample(id="s", candidates=(content(media),), labels=()), (0,))


def test_values_equal_torchmetrics_in_any_batch(scorer: Nisqa) -> None:
    prepared = [scorer.prepare(request(chirp(*key), key[0])) for key in EXPECTED]
    for outcome, expected in zip(scorer.score(prepared), EXPECTED.values()):
        assert list(outcome.values) == list(DIMENSIONS)
        np.testing.assert_allclose(list(outcome.values.values()), expected, atol=2e-4)


def test_a_model_with_one_output_has_one_pool(scorer: Nisqa, tmp_path: Path) -> None:
    weights = {k: v for k, v in state().items() if not k.startswith("pool_layers")}
    for name, value in state().items():
        if name.startswith("pool_layers.0."):
            weights[name.replace("pool_layers.0.", "pool.")] = value
    path = write(tmp_path / "one.tar", weights)
    made = Nisqa(Address.parse(f"nisqa:{path}?model=nisqa_mos_only"))
    made.open(Device("cpu"))
    sound = request(chirp(16_000, 2.0, 2), 16_000)
    (outcome,) = made.score([made.prepare(sound)])
    assert outcome.values == pytest.approx({"overall": EXPECTED[16_000, 2.0, 2][0]}, abs=2e-4)
    with pytest.raises(ScorerError, match="answers 1 dimensions"):
        Nisqa(Address.parse(f"nisqa:{path}")).open(Device("cpu"))


def test_silence_is_scored_and_lengths_have_limits(scorer: Nisqa, tmp_path: Path) -> None:
    (outcome,) = scorer.score([scorer.prepare(request(np.zeros(16_000, np.float32), 16_000))])
    assert all(np.isfinite(list(outcome.values.values())))
    with pytest.raises(MediaError, match=r"needs at least 0\.14"):
        scorer.prepare(request(chirp(16_000, 0.139, 1), 16_000))
    assert len(scorer.prepare(request(chirp(16_000, 0.14, 1), 16_000))) == 1
    short = Nisqa(Address.parse(f"nisqa:{scorer.weights.path}?max_segments=3"))
    short.open(Device("cpu"))
    with pytest.raises(MediaError, match="max_segments=12"):
        short.prepare(request(chirp(16_000, 0.6, 1), 16_000))
    broken = chirp(16_000, 1, 1)
    broken[7] = np.nan
    with pytest.raises(MediaError, match="NaN"):
        scorer.prepare(request(broken, 16_000))


def test_windows_follow_the_published_steps() -> None:
    spectrum = np.arange(2 * 24, dtype=np.float64).reshape(2, 24)
    found = segments(spectrum, 15, 4)
    assert found.shape == (3, 1, 2, 15)  # ceil((24 - 14) / 4)
    np.testing.assert_array_equal(found[1, 0], spectrum[:, 4:19])
    quiet = mel_decibels(np.zeros(1600, np.float32), 16_000, 48, 4096, 0.01, 0.02, 20_000)
    assert quiet.shape == (48, 11)
    assert (quiet == -80.0).all()  # 20 log10 of the floor


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"drop": "time_dependency.model.norm1.bias"}, "no tensor 'time_dependency.model.norm1"),
        ({"add": "fuse.weight"}, "no place for 1 tensors"),
        ({"shape": "cnn.model.conv2.weight"}, "shapes do not fit"),
        ({"setting": ("td", "lstm")}, "td is 'lstm'"),
        ({"unset": "ms_fmax"}, "args lack ms_fmax"),
    ],
)
def test_other_checkpoints_are_refused(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    weights, settings = state(), dict(SETTINGS)
    if "drop" in change:
        del weights[change["drop"]]
    if "add" in change:
        weights[change["add"]] = torch.zeros(3)
    if "shape" in change:
        weights[change["shape"]] = torch.zeros(32, 8, 3, 3)
    if "setting" in change:
        settings |= dict([change["setting"]])
    if "unset" in change:
        del settings[change["unset"]]
    path = write(tmp_path / "changed.tar", weights, settings)
    with pytest.raises(ScorerError, match=reason):
        Nisqa(Address.parse(f"nisqa:{path}")).open(Device("cpu"))


def test_files_that_are_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tmp_path / "plain.tar"
    plain.write_bytes(b"not a checkpoint")
    with pytest.raises(ScorerError, match=r"plain\.tar: the weights cannot be read"):
        Nisqa(Address.parse(f"nisqa:{plain}")).open(Device("cpu"))
    torch.save({"model": {}}, plain)
    with pytest.raises(ScorerError, match="no model_state_dict and args"):
        Nisqa(Address.parse(f"nisqa:{plain}")).open(Device("cpu"))
    with pytest.raises(UsageError, match="cannot be read"):
        Nisqa(Address.parse(f"nisqa:{tmp_path / 'gone.tar'}"))
    monkeypatch.delenv("PREFGAUGE_DATA", raising=False)
    with pytest.raises(ScorerError, match=r"offline\. Fetch https://github\.com/gabrielmittag"):
        Nisqa(Address.parse("nisqa")).open(Device("cpu"))


def test_a_mirror_serves_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    write(tmp_path / "weights/nisqa.tar", state())
    monkeypatch.setenv("PREFGAUGE_DATA", str(tmp_path))
    made = Nisqa(Address.parse("nisqa"))
    made.open(Device("cpu"))
    assert made.card.fingerprint["weights"].startswith("https://github.com/gabrielmittag/NISQA")


def test_a_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("PREFGAUGE_DATA", raising=False)

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    message = r"nisqa\.tar could not be downloaded \(no route to host\)\. Fetch https"
    with pytest.raises(ScorerError, match=message):
        Nisqa(Address.parse("nisqa")).open(Device("cpu"))
