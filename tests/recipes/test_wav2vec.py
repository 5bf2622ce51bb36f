"""The wav2vec 2.0 and WavLM encoders against transformers' own, and UTMOS on top of the first
against torch's own LSTM; tiny random weights under the published (fairseq's) names."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio.utmos import PUBLISHED, Utmos
from prefgauge.plugins.scorers.audio.wav2vec import encode, frame_mask, hidden_states
from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.registry import Address, Device, Media, MediaError, Sample, ScorerError, content
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

#: transformers' name -> fairseq's (conversion tables of both libraries).
RENAME = (
    (r"masked_spec_embed", "mask_emb"),
    (r"(feature_extractor\.conv_layers\.\d+)\.conv\.", r"\1.0."),
    (r"(feature_extractor\.conv_layers\.0)\.layer_norm\.", r"\1.2."),
    (r"feature_projection\.layer_norm\.", "layer_norm."),
    (r"feature_projection\.projection\.", "post_extract_proj."),
    (r"encoder\.pos_conv_embed\.conv\.bias", "encoder.pos_conv.0.bias"),
    (r".*parametrizations\.weight\.original0", "encoder.pos_conv.0.weight_g"),
    (r".*parametrizations\.weight\.original1", "encoder.pos_conv.0.weight_v"),
    (r"\.attention\.gru_rel_pos_const", ".self_attn.grep_a"),
    (r"\.attention\.gru_rel_pos_linear\.", ".self_attn.grep_linear."),
    (r"\.attention\.rel_attn_embed\.", ".self_attn.relative_attention_bias."),
    (r"\.attention\.", ".self_attn."),
    (r"\.feed_forward\.intermediate_dense\.", ".fc1."),
    (r"\.feed_forward\.output_dense\.", ".fc2."),
    (r"(layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
)
SIZES = {
    "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 96, "conv_dim": (32,) * 7, "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4, "vocab_size": 8,
}  # fmt: skip


def fairseq(state: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for name, value in state.items():
        for pattern, new in RENAME:
            name = re.sub(pattern, new, name)
        out[name] = value.clone()
    return out


def shake(model: Any, seed: int) -> Any:
    """Weights large enough for every part to matter."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            fan = max(1, parameter[0].numel()) if parameter.ndim > 1 else 1
            spread = 1.5 / fan**0.5 if parameter.ndim > 1 else 0.3
            parameter.normal_(float("norm" in name and name.endswith("weight")), spread)
    return model.eval()


def wave(seed: int, samples: int) -> np.ndarray:
    t = np.arange(samples) / 16_000
    noise = np.random.default_rng(seed).normal(size=samples)
    return (0.2 * np.sin(2 * np.pi * (150 + 200 * t) * t) + 0.02 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def ssl() -> Any:
    return shake(transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SIZES)), 1)


def test_wav2vec_equals_transformers(ssl: Any) -> None:
    tensors = Tensors(fairseq(ssl.state_dict()), "here", "wav2vec")
    sound = torch.from_numpy(np.stack([wave(1, 9000), wave(2, 9000)]))
    with torch.inference_mode():
        got = hidden_states(tensors, encode(tensors, sound))
        expected = ssl(sound, output_hidden_states=True).hidden_states
    assert len(got) == len(expected) == 4
    for mine, theirs in zip(got, expected):
        torch.testing.assert_close(mine, theirs, atol=2e-4, rtol=1e-4)


def test_wavlm_with_padding_equals_transformers() -> None:
    """Its gated distance bias, exact and logarithmic buckets, and frames of padding."""
    config = transformers.WavLMConfig(**SIZES, num_buckets=20, max_bucket_distance=800)
    model = shake(transformers.WavLMModel(config), 3)
    state = fairseq(model.state_dict())
    tensors = Tensors({k: v for k, v in state.items() if "adapter" not in k}, "here", "WavLM")
    sound = torch.from_numpy(np.stack([wave(1, 12_000), wave(2, 12_000)]))
    sound[1, 5000:] = 0
    with torch.inference_mode():
        features = encode(tensors, sound)
        frames = features.shape[1]
        mask = frame_mask(torch.arange(12_000)[None] < torch.tensor([[12_000], [5000]]), frames)
        got = hidden_states(tensors, features, mask)[-1]
        expected = model.encoder(features.clone(), attention_mask=mask).last_hidden_state
    assert mask[0].all()
    assert int(mask[1].sum()) == -(-5000 // (12_000 // frames))
    torch.testing.assert_close(got[0], expected[0], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(got[1][mask[1]], expected[1][mask[1]], atol=2e-4, rtol=1e-4)
    assert tensors.state.keys() - tensors.used == {"mask_emb"}


class Head(torch.nn.Module):
    """UTMOS's head as its authors wrote it: LSTM, two layers, mean, times 2 plus 3."""

    def __init__(self) -> None:
        super().__init__()
        self.domain_emb = torch.nn.Parameter(torch.zeros(1, 6))
        self.judge_emb = torch.nn.Parameter(torch.zeros(1, 5))
        self.blstm = torch.nn.LSTM(128 + 11, 16, batch_first=True, bidirectional=True)
        self.projection = torch.nn.Sequential(
            torch.nn.Linear(32, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1)
        )

    def forward(self, x: Any) -> float:
        frames = x.shape[1]
        known = [e[:, None].expand(-1, frames, -1) for e in (self.domain_emb, self.judge_emb)]
        out = self.projection(self.blstm(torch.cat([x, *known], dim=2))[0])
        return float(out.mean() * 2 + 3)


@pytest.fixture(scope="module")
def head() -> Head:
    return shake(Head(), 4)


def checkpoint(ssl: Any, head: Head) -> dict[str, Any]:
    below = {f"wav2vec2.{k}": v for k, v in fairseq(ssl.state_dict()).items()}
    return below | head.state_dict()


@pytest.fixture(scope="module")
def utmos(ssl: Any, head: Head, tmp_path_factory: pytest.TempPathFactory) -> Utmos:
    path = tmp_path_factory.mktemp("utmos") / "utmos.pt"
    torch.save(checkpoint(ssl, head), path)
    made = Utmos(Address.parse(f"utmos:{path}"))
    made.open(Device("cpu"))
    return made


def request(samples: np.ndarray, rate: int = 16_000) -> Request:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="WAV", subtype="FLOAT")
    media = Media("audio", data=out.getvalue(), suffix=".wav")
    return Request("b", Sample(id="s", candidates=(content(media),), labels=()), (0,))


def test_utmos_equals_transformers_and_an_lstm(utmos: Utmos, ssl: Any, head: Head) -> None:
    sounds = [wave(5, 16_000), wave(6, 7000), wave(7, 401)]
    outcomes = utmos.score([utmos.prepare(request(sound)) for sound in sounds])
    values = [outcome.values["overall"] for outcome in outcomes]
    for sound, value in zip(sounds, values):
        with torch.inference_mode():
            expected = head(ssl(torch.from_numpy(sound)[None]).last_hidden_state)
        assert value == pytest.approx(expected, abs=1e-4)
    assert len({round(value, 3) for value in values}) == 3


def test_utmos_takes_mono_at_16_khz(utmos: Utmos) -> None:
    stereo = np.stack([wave(5, 32_000), np.zeros(32_000, np.float32)], axis=1)
    prepared = utmos.prepare(request(stereo, 32_000))
    assert prepared.shape == (16_000,)
    (silent,) = utmos.score([utmos.prepare(request(np.zeros(8000, np.float32)))])
    assert np.isfinite(silent.values["overall"])


def test_utmos_says_why_not(utmos: Utmos, ssl: Any, head: Head, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"at least 0\.025 s"):
        utmos.prepare(request(wave(1, 399)))
    broken = wave(1, 2000)
    broken[3] = np.inf
    with pytest.raises(MediaError, match="NaN or infinite"):
        utmos.prepare(request(broken))
    for drop, add, reason in (
        ("judge_emb", None, "no tensor 'judge_emb'"),
        ("wav2vec2.encoder.layers.1.fc2.bias", None, r"no tensor .*layers\.1\.fc2\.bias"),
        ("wav2vec2.mask_emb", "phoneme_encoder.weight", "no place for 1"),
    ):
        state = checkpoint(ssl, head)
        del state[drop]
        if add:
            state[add] = torch.zeros(2, 2)
        torch.save(state, tmp_path / "other.pt")
        with pytest.raises(ScorerError, match=reason):
            Utmos(Address.parse(f"utmos:{tmp_path / 'other.pt'}")).open(Device("cpu"))


def test_a_download_must_be_the_published_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Utmos(Address.parse("utmos"))
    assert made.card.fingerprint["weights"] == f"sha256:{PUBLISHED.sha256}"
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / PUBLISHED.name).write_bytes(b"something else")
    monkeypatch.setenv("PREFGAUGE_DATA", str(tmp_path))
    with pytest.raises(ScorerError, match="is not the published file"):
        made.open(Device("cpu"))
