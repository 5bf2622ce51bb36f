"""MuQ-MuLan through the package ``muq`` on tiny random towers, where it is installed; and what is
said where it is not."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio.muq_mulan import MuQMuLan
from prefgauge.registry import Address, Device, Media, MediaError, Sample, ScorerError, content
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")
WORDS = ("a", "bed", "deaf", "cab")
PACKAGE = importlib.util.find_spec("muq") is not None
OLD = int(transformers.__version__.split(".")[0]) < 5
installed = pytest.mark.skipif(
    not (PACKAGE and OLD), reason="needs the package muq beside transformers 4"
)


@pytest.mark.skipif(PACKAGE and OLD, reason="the package runs here")
def test_where_it_cannot_run_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    scorer = MuQMuLan(Address.parse(f"muq-mulan:{tmp_path}"))
    reason = "runs with transformers 4 only" if PACKAGE else "pip install muq 'transformers<5'"
    with pytest.raises(ScorerError, match=reason):
        scorer.open(Device("cpu"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package tells its towers by the names of their folders."""
    from muq import MuQ
    from muq import MuQMuLan as Package

    root = tmp_path_factory.mktemp("mulan")
    torch.manual_seed(0)
    conformer = transformers.Wav2Vec2ConformerConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        position_embeddings_type="rotary", conv_depthwise_kernel_size=5,
    ).to_dict()  # fmt: skip
    conformer.pop("id2label")  # its keys are numbers, which the package's config cannot hold
    stat = {"melspec_2048_cnt": 1, "melspec_2048_mean": 6.0, "melspec_2048_std": 18.0}
    sizes = {"conv_dim": 16, "encoder_dim": 32, "encoder_depth": 2, "codebook_size": 16}
    MuQ({**sizes, "w2v2_config": conformer, "stat": stat}).save_pretrained(root / "muq-tiny")
    words = root / "xlm-roberta-tiny"
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3} | {w: 4 + n for n, w in enumerate(WORDS)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, "<unk>"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(words)
    transformers.XLMRobertaModel(
        transformers.XLMRobertaConfig(
            vocab_size=40, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=48, max_position_embeddings=64,
        )
    ).save_pretrained(words)  # fmt: skip
    tower = {"dim": 32, "tf_depth": 1, "heads": 2, "dim_head": 16}
    config = {
        "mulan": {"sr": 24000, "clip_secs": 2, "dim_latent": 24},
        "audio_model": {"name": str(root / "muq-tiny"), "model_dim": 32, "use_layer_idx": -1},
        "text_model": {"name": str(words), "model_dim": 32, "use_layer_idx": -1},
        "audio_transformer": tower,
        "text_transformer": {**tower, "max_seq_len": 64},
    }
    Package(config).save_pretrained(root / "model", config=config)
    return root / "model"


def request(prompt: str, samples: np.ndarray) -> Request:
    out = io.BytesIO()
    soundfile.write(out, samples, 24_000, format="WAV", subtype="FLOAT")
    media = Media("audio", data=out.getvalue(), suffix=".wav")
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("b", sample, (0,))


def sound(seed: int, seconds: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).normal(size=int(24_000 * seconds))).astype(np.float32)


@installed
def test_similarity_is_the_mean_over_clips_against_the_prompt(folder: Path) -> None:
    scorer: Any = MuQMuLan(Address.parse(f"muq-mulan:{folder}"))
    scorer.open(Device("cpu"))
    music = sound(1, 5.0)  # clips of 2 s: two, and one filled from the beginning
    pairs = [("a bed", music), ("a deaf cab", music), ("a bed", sound(2, 2.0))]
    got = [o.values["overall"] for o in scorer.score([scorer.prepare(request(*p)) for p in pairs])]
    clips = np.stack([music[:48_000], music[48_000:96_000], np.r_[music[96_000:], music[:24_000]]])
    module = scorer.model.mulan_module
    with torch.inference_mode():
        heard = module.get_audio_latents(torch.from_numpy(clips)).mean(dim=0)
        read = [module.get_text_latents(raw_texts=[text])[0] for text in ("a bed", "a deaf cab")]
    for value, text in zip(got, read):
        assert value == pytest.approx(float(heard @ text), abs=1e-4)
    assert len({round(value, 4) for value in got}) == 3
    with pytest.raises(MediaError, match="no prompt"):
        scorer.prepare(request("", music))
    with pytest.raises(MediaError, match="shorter than"):
        scorer.prepare(request("a bed", sound(1, 0.05)))
