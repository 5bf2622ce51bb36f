"""Audiobox-Aesthetics with tiny seeded weights under the published names.

The expected values are the authors' package's (audiobox_aesthetics 0.0.4 from PyPI, its settings
made small), run apart from prefgauge on the weights that :func:`state` makes and the sounds of
:func:`wave`, in one window and in two (zero-padded) ones.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio.audiobox import AXES, Audiobox, windows
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
safetensors = pytest.importorskip("safetensors.torch")
WIDTH, FFN, CHANNELS = 128, 96, 32
UPSTREAM_ORDER = ("CE", "CU", "PC", "PQ")
DEEP = {
    (1, 40_000): (5.2071686, 5.8470535, 6.4964132, 7.1483955),
    (2, 163_000): (5.2203498, 5.7947412, 6.4639440, 7.1870842),
    (3, 160_005): (5.2183952, 5.7941852, 6.4636536, 7.1863852),
}
PLAIN = {
    (1, 40_000): (3.7230916, 7.2587070, 7.6182165, 7.7345114),
    (2, 163_000): (3.8066974, 7.0602593, 7.6723752, 7.0688415),
    (3, 160_005): (3.8017671, 7.0776110, 7.6934695, 7.0437608),
}


def shapes(deep: bool) -> dict[str, tuple[int, ...]]:
    """Names and (small) sizes of the published tensors; `deep`: three layers per head, the first
    two normalised, counted with their activations and dropouts."""
    w = "wavlm_model"
    out: dict[str, tuple[int, ...]] = {
        f"{w}.mask_emb": (WIDTH,),
        f"{w}.encoder.pos_conv.0.bias": (WIDTH,),
        f"{w}.encoder.pos_conv.0.weight_g": (1, 1, 16),
        f"{w}.encoder.pos_conv.0.weight_v": (WIDTH, WIDTH // 4, 16),
        f"{w}.encoder.layers.0.self_attn.relative_attention_bias.weight": (20, 2),
    }

    def layer(name: str, *shape: int) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = shape, shape[:1]

    for k, kernel in enumerate((10, 3, 3, 3, 3, 2, 2)):
        out[f"{w}.feature_extractor.conv_layers.{k}.0.weight"] = (
            (CHANNELS, CHANNELS, kernel) if k else (CHANNELS, 1, kernel)
        )
    layer(f"{w}.feature_extractor.conv_layers.0.2", CHANNELS)
    layer(f"{w}.layer_norm", CHANNELS)
    layer(f"{w}.post_extract_proj", WIDTH, CHANNELS)
    layer(f"{w}.encoder.layer_norm", WIDTH)
    for k in range(2):
        b = f"{w}.encoder.layers.{k}"
        out[f"{b}.self_attn.grep_a"] = (1, 2, 1, 1)
        layer(f"{b}.self_attn.grep_linear", 8, 64)
        for name in "qkv":
            layer(f"{b}.self_attn.{name}_proj", WIDTH, WIDTH)
        layer(f"{b}.self_attn.out_proj", WIDTH, WIDTH)
        layer(f"{b}.self_attn_layer_norm", WIDTH)
        layer(f"{b}.final_layer_norm", WIDTH)
        layer(f"{b}.fc1", FFN, WIDTH)
        layer(f"{b}.fc2", WIDTH, FFN)
    for axis in UPSTREAM_ORDER:
        out[f"layer_weights.{axis}"] = (3,)
        head = f"proj_layer.{axis}"
        if deep:
            for k in (0, 4):
                layer(f"{head}.{k}", WIDTH, WIDTH)
                layer(f"{head}.{k + 1}", WIDTH)
        layer(f"{head}.{8 if deep else 0}", 1, WIDTH)
    return out


def state(deep: bool) -> dict[str, Any]:
    """Seeded weights, drawn in the order of the names."""
    rng, out = np.random.default_rng(9), {}
    for name, shape in sorted(shapes(deep).items()):
        draw = rng.normal(size=shape)
        if len(shape) > 1:
            draw = draw * (1.5 / np.sqrt(np.prod(shape[1:])))
        else:
            draw = draw * 0.3 + float("norm" in name and name.endswith("weight"))
        out[name] = torch.from_numpy(np.asarray(draw, dtype=np.float32))
    return out


def config(deep: bool) -> dict[str, Any]:
    target = {a: {"mean": 5.0 + i, "std": 1.0 + 0.1 * i} for i, a in enumerate(UPSTREAM_ORDER)}
    return {
        "proj_num_layer": 3 if deep else 1, "proj_ln": deep, "proj_act_fn": "gelu",
        "normalize_embed": deep, "nth_layer": 3, "use_weighted_layer_sum": True,
        "output_dim": 1, "target_transform": target,
    }  # fmt: skip


def write(folder: Path, weights: dict[str, Any], settings: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    safetensors.save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(settings))
    return f"audiobox:{folder}"


def opened(address: str) -> Audiobox:
    made = Audiobox(Address.parse(address))
    made.open(Device("cpu"))
    return made


def wave(seed: int, samples: int) -> np.ndarray:
    t = np.arange(samples) / 16_000
    noise = np.random.default_rng(seed).normal(size=samples)
    return (0.2 * np.sin(2 * np.pi * (150 + 200 * t) * t) + 0.02 * noise).astype(np.float32)


def request(samples: np.ndarray) -> Request:
    out = io.BytesIO()
    soundfile.write(out, samples, 16_000, format="WAV", subtype="FLOAT")
    media = Media("audio", data=out.getvalue(), suffix=".wav")
    return Request("b", Sample(id="s", candidates=(content(media),), labels=()), (0,))


@pytest.mark.parametrize("deep", [True, False])
def test_axes_equal_the_authors_package(deep: bool, tmp_path: Path) -> None:
    scorer = opened(write(tmp_path / "m", state(deep), config(deep)))
    expected = DEEP if deep else PLAIN
    prepared = [scorer.prepare(request(wave(*key))) for key in expected]
    assert [len(one.samples) for one in prepared] == [1, 2, 2]
    for outcome, values in zip(scorer.score(prepared), expected.values()):
        got = [outcome.values[AXES[axis]] for axis in UPSTREAM_ORDER]
        np.testing.assert_allclose(got, values, atol=2e-4)
        assert outcome.values["overall"] == outcome.values["Production_Quality"]
    alone = scorer.score([scorer.prepare(request(wave(1, 40_000)))])[0]
    np.testing.assert_allclose(
        [alone.values[AXES[axis]] for axis in UPSTREAM_ORDER], expected[1, 40_000], atol=2e-4
    )


def test_windows_are_filled_with_zeros() -> None:
    cut = windows(np.arange(1, 8, dtype=np.float32), 3)
    assert cut.samples.tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0]]
    assert cut.lengths.tolist() == [3, 3, 1]
    assert windows(np.ones(3, np.float32), 3).lengths.tolist() == [3]


def test_silence_short_and_broken_sounds(tmp_path: Path) -> None:
    scorer = opened(write(tmp_path / "m", state(True), config(True)) + "?main=ce")
    prepared = [scorer.prepare(request(np.zeros(n, np.float32))) for n in (5, 16_000)]
    for outcome in scorer.score(prepared):
        assert all(np.isfinite(list(outcome.values.values())))
        assert outcome.values["overall"] == outcome.values["Content_Enjoyment"]
    broken = wave(1, 1000)
    broken[2] = np.nan
    with pytest.raises(MediaError, match="NaN"):
        scorer.prepare(request(broken))
    with pytest.raises(UsageError, match="main is one of pq, pc, ce, cu"):
        Audiobox(Address.parse(f"audiobox:{tmp_path / 'm'}?main=best"))


def test_other_models_are_refused(tmp_path: Path) -> None:
    weights = state(True)
    del weights["layer_weights.CU"]
    with pytest.raises(ScorerError, match=r"no tensor 'layer_weights\.CU'"):
        opened(write(tmp_path / "a", weights, config(True)))
    with pytest.raises(ScorerError, match="no place for 1 tensors"):
        opened(write(tmp_path / "b", state(True) | {"extra": torch.zeros(2)}, config(True)))
    with pytest.raises(ScorerError, match="output_dim is 3"):
        opened(write(tmp_path / "c", state(True), config(True) | {"output_dim": 3}))
    with pytest.raises(ScorerError, match="not the settings"):
        opened(write(tmp_path / "d", state(True), {"normalize_embed": True}))
    (tmp_path / "d" / "model.safetensors").unlink()
    (tmp_path / "d" / "config.json").write_text(json.dumps(config(True)))
    with pytest.raises(ScorerError, match=r"has no model\.safetensors"):
        opened(f"audiobox:{tmp_path / 'd'}")
