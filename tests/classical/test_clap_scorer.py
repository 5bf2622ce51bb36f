"""CLAP on a tiny random model, against transformers' own joint forward pass."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prefgauge.plugins.scorers.audio.clap import ClapScorer, windows
from prefgauge.registry import Address, Device, Media, MediaError, Sample, content
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
RATE = 48_000


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> ClapScorer:
    path = tmp_path_factory.mktemp("clap")
    letters = [*"abcdefghijklmnopqrstuvwxyz", "Ġ"]
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4}
    vocab |= {letter: 5 + number for number, letter in enumerate(letters)}
    transformers.RobertaTokenizer(vocab=vocab, merges=[]).save_pretrained(path)
    transformers.ClapFeatureExtractor(feature_size=64, sampling_rate=RATE).save_pretrained(path)
    torch.manual_seed(0)
    tower = {"hidden_size": 32, "projection_dim": 24}
    model = transformers.ClapModel(
        transformers.ClapConfig(
            text_config={
                **tower,
                "vocab_size": 40,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "intermediate_size": 48,
                "max_position_embeddings": 30,
            },
            audio_config={
                **tower,
                "patch_embeds_hidden_size": 16,
                "depths": [1, 1],
                "num_attention_heads": [2, 2],
            },
            projection_dim=24,
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.2)
    model.save_pretrained(path)
    made = ClapScorer(Address.parse(f"clap:{path}?dtype=float32"))
    made.open(Device("cpu"))
    return made


def sound(seed: int, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    return (0.2 * np.sin(2 * np.pi * rng.uniform(200, 2000) * t)).astype(np.float32)


@cache
def wav(samples: bytes) -> bytes:
    """The same bytes for the same samples: libsndfile writes the time of day into float files."""
    out = io.BytesIO()
    soundfile.write(out, np.frombuffer(samples, np.float32), RATE, format="WAV", subtype="FLOAT")
    return out.getvalue()


def request(prompt: str, samples: np.ndarray) -> Request:
    media = Media("audio", data=wav(samples.tobytes()), suffix=".wav")
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("bench", sample, (0,))


def run(scorer: ClapScorer, *pairs: tuple[str, np.ndarray]) -> list[float]:
    prepared = [scorer.prepare(request(*pair)) for pair in pairs]
    return [outcome.values["overall"] for outcome in scorer.score(prepared)]


def plain(scorer: ClapScorer, prompt: str, samples: np.ndarray) -> float:
    """Cosine by transformers' joint forward, on one window."""
    path = Path(scorer.source.path)
    model = transformers.ClapModel.from_pretrained(path).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(path)([prompt], return_tensors="pt")
    heard = transformers.ClapFeatureExtractor.from_pretrained(path)(
        samples, sampling_rate=RATE, return_tensors="pt", truncation="rand_trunc"
    )
    with torch.inference_mode():
        out = model(**tokens, **heard)
    return float((out.audio_embeds * out.text_embeds).sum())


def test_cosines_equal_the_joint_forward_in_any_batch(scorer: ClapScorer) -> None:
    pairs = [("a bell", sound(1, 3)), ("a long hum", sound(2, 9.5)), ("a bell", sound(3, 1))]
    got = run(scorer, *pairs)
    for pair, value in zip(pairs, got):
        assert value == pytest.approx(plain(scorer, *pair), abs=1e-4)
        assert run(scorer, pair) == pytest.approx([value], abs=1e-5)
    assert len({round(value, 5) for value in got}) == 3


def test_each_sound_and_prompt_is_encoded_once(scorer: ClapScorer) -> None:
    """Windows and texts that pass the towers, by hooks on them, over several batches."""
    seen = {"sounds": 0, "texts": 0}

    def counting(kind: str) -> Any:
        def hook(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
            seen[kind] += len(next(iter([*args, *kwargs.values()])))

        return hook

    hooks = [
        tower.register_forward_pre_hook(counting(kind), with_kwargs=True)
        for kind, tower in (
            ("sounds", scorer.model.audio_model),
            ("texts", scorer.model.text_model),
        )
    ]
    one, two = sound(11, 2), sound(12, 15)  # one window, and two
    first = run(scorer, ("a drum", one), ("a drum", two), ("a flute", one), ("a drum", one))
    assert first[0] == first[3]
    again = run(scorer, ("a flute", two), ("a drum", two))
    assert seen == {"sounds": 3, "texts": 2}
    assert again[1] == first[1]
    for hook in hooks:
        hook.remove()


def test_long_sounds_are_windows_not_a_random_piece(scorer: ClapScorer) -> None:
    long = np.concatenate([sound(4, 10), sound(5, 10)])
    prepared = scorer.prepare(request("a bell", long))
    assert prepared.features.shape[0] == 2
    first, again = run(scorer, ("a bell", long)), run(scorer, ("a bell", long))
    assert first == again
    one, other = (
        scorer.prepare(request("a bell", part)) for part in (long[: 10 * RATE], long[10 * RATE :])
    )
    np.testing.assert_allclose(prepared.features[0], one.features[0], atol=1e-5)
    np.testing.assert_allclose(prepared.features[1], other.features[0], atol=1e-5)


def test_windows_leave_a_short_rest_off() -> None:
    ramp = np.arange(25, dtype=np.float32)
    assert [len(part) for part in windows(ramp, 10, rate=4)] == [10, 10, 5]
    assert [len(part) for part in windows(ramp[:23], 10, rate=4)] == [10, 10]
    assert [len(part) for part in windows(ramp[:2], 10, rate=4)] == [2]


def test_no_prompt_has_a_reason(scorer: ClapScorer) -> None:
    with pytest.raises(MediaError, match="no prompt"):
        scorer.prepare(request("", sound(1, 1)))
