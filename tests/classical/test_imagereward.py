"""ImageReward with tiny random weights under its published names, against a forward pass written
out with plain matrix products."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prefgauge.plugins.scorers.image.imagereward import MEAN, REVISION, STD, ImageRewardScorer
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
transformers = pytest.importorskip("transformers")
SEE, READ, HEAD, LAYERS = 128, 64, 64, 2
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "painting", "of", "an", "ocean", "red"]


def draw(*shape: int, scale: float = 0.2) -> Any:
    return scale * torch.randn(*shape)


def linear(name: str, rows: int, columns: int) -> dict[str, Any]:
    return {f"{name}.weight": draw(rows, columns), f"{name}.bias": draw(rows)}


def norm(name: str, width: int) -> dict[str, Any]:
    return {f"{name}.weight": 1 + draw(width), f"{name}.bias": draw(width)}


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """Random weights under the names of THUDM's ImageReward.pt, small."""
    torch.manual_seed(3)
    v, t = "blip.visual_encoder.", "blip.text_encoder."
    out = {
        f"{v}cls_token": draw(1, 1, SEE),
        f"{v}pos_embed": draw(1, 17, SEE),
        f"{v}patch_embed.proj.weight": draw(SEE, 3, 8, 8),
        f"{v}patch_embed.proj.bias": draw(SEE),
        **norm(f"{v}norm", SEE),
        f"{t}embeddings.position_ids": torch.arange(40)[None],
        f"{t}embeddings.word_embeddings.weight": draw(len(WORDS), READ),
        f"{t}embeddings.position_embeddings.weight": draw(40, READ),
        **norm(f"{t}embeddings.LayerNorm", READ),
        **linear("mlp.layers.0", 32, READ),
        **linear("mlp.layers.2", 16, 32),
        **linear("mlp.layers.7", 1, 16),
    }
    for i in range(LAYERS):
        b, e = f"{v}blocks.{i}", f"{t}encoder.layer.{i}"
        out |= {
            **norm(f"{b}.norm1", SEE),
            **norm(f"{b}.norm2", SEE),
            **linear(f"{b}.attn.qkv", 3 * SEE, SEE),
            **linear(f"{b}.attn.proj", SEE, SEE),
            **linear(f"{b}.mlp.fc1", 96, SEE),
            **linear(f"{b}.mlp.fc2", SEE, 96),
            **linear(f"{e}.intermediate.dense", 96, READ),
            **linear(f"{e}.output.dense", READ, 96),
            **norm(f"{e}.output.LayerNorm", READ),
        }
        for kind, width in (("attention", READ), ("crossattention", SEE)):
            out |= {
                **linear(f"{e}.{kind}.self.query", READ, READ),
                **linear(f"{e}.{kind}.self.key", READ, width),
                **linear(f"{e}.{kind}.self.value", READ, width),
                **linear(f"{e}.{kind}.output.dense", READ, READ),
                **norm(f"{e}.{kind}.output.LayerNorm", READ),
            }
    return out


@pytest.fixture(scope="module")
def scorer(state: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ImageRewardScorer:
    root = tmp_path_factory.mktemp("imagereward")
    torch.save(state, root / "ImageReward.pt")
    vocab = {word: number for number, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocab, do_lower_case=True).save_pretrained(root / "bert")
    (root / "bert/config.json").write_text('{"model_type": "bert"}')
    address = f"imagereward:{root / 'ImageReward.pt'}?tokenizer={root / 'bert'}&dtype=float32"
    made = ImageRewardScorer(Address.parse(address))
    made.open(Device("cpu"))
    return made


def picture(seed: int) -> Media:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((47, 40), Image.Resampling.BICUBIC).save(out, "PNG")
    return Media("image", data=out.getvalue())


def request(prompt: str, media: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("bench", sample, (0,))


def attend(q: Any, k: Any, v: Any) -> Any:
    """Attention of (tokens, width) by heads of 64."""
    heads = []
    for h in range(q.shape[1] // HEAD):
        part = slice(h * HEAD, (h + 1) * HEAD)
        weights = torch.softmax(q[:, part] @ k[:, part].T / HEAD**0.5, dim=-1)
        heads.append(weights @ v[:, part])
    return torch.cat(heads, dim=1)


def by_hand(state: dict[str, Any], image: Any, ids: list[int]) -> float:
    """BLIP's published forward pass, one request, no batch."""

    def lin(name: str, x: Any) -> Any:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def nrm(name: str, x: Any, eps: float) -> Any:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps)

    gelu, v, t = torch.nn.functional.gelu, "blip.visual_encoder", "blip.text_encoder"
    kernel, bias = state[f"{v}.patch_embed.proj.weight"], state[f"{v}.patch_embed.proj.bias"]
    patches = torch.nn.functional.conv2d(image[None], kernel, bias, stride=8)[0].flatten(1).T
    x = torch.cat([state[f"{v}.cls_token"][0], patches]) + state[f"{v}.pos_embed"][0]
    for i in range(LAYERS):
        b = f"{v}.blocks.{i}"
        q, k, w = lin(f"{b}.attn.qkv", nrm(f"{b}.norm1", x, 1e-6)).chunk(3, dim=1)
        x = x + lin(f"{b}.attn.proj", attend(q, k, w))
        x = x + lin(f"{b}.mlp.fc2", gelu(lin(f"{b}.mlp.fc1", nrm(f"{b}.norm2", x, 1e-6))))
    x = nrm(f"{v}.norm", x, 1e-6)
    y = state[f"{t}.embeddings.word_embeddings.weight"][ids]
    y = y + state[f"{t}.embeddings.position_embeddings.weight"][: len(ids)]
    y = nrm(f"{t}.embeddings.LayerNorm", y, 1e-12)
    for i in range(LAYERS):
        e = f"{t}.encoder.layer.{i}"
        for kind, other in (("attention", None), ("crossattention", x)):
            source = y if other is None else other
            q, k, w = (
                lin(f"{e}.{kind}.self.{name}", part)
                for name, part in (("query", y), ("key", source), ("value", source))
            )
            out = lin(f"{e}.{kind}.output.dense", attend(q, k, w))
            y = nrm(f"{e}.{kind}.output.LayerNorm", out + y, 1e-12)
        out = lin(f"{e}.output.dense", gelu(lin(f"{e}.intermediate.dense", y)))
        y = nrm(f"{e}.output.LayerNorm", out + y, 1e-12)
    h = y[0]
    for layer in (0, 2, 7):
        h = lin(f"mlp.layers.{layer}", h)
    return float((h[0] - MEAN) / STD)


def torchvision_pixels(media: Media) -> Any:
    """The published transform, at the tiny model's 32 pixels."""
    from torchvision.transforms import (
        CenterCrop,
        Compose,
        InterpolationMode,
        Normalize,
        Resize,
        ToTensor,
    )

    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    resize = Resize(32, interpolation=InterpolationMode.BICUBIC)
    steps = Compose([resize, CenterCrop(32), ToTensor(), Normalize(mean, std)])
    return steps(Image.open(io.BytesIO(media.read())).convert("RGB"))


def test_rewards_equal_the_published_forward(
    scorer: ImageRewardScorer, state: dict[str, Any]
) -> None:
    pairs = [("a painting of an ocean", 1), ("red", 1), ("a red ocean", 2)]
    prepared = [scorer.prepare(request(prompt, picture(seed))) for prompt, seed in pairs]
    got = [outcome.values["overall"] for outcome in scorer.score(prepared)]
    alone = [scorer.score([one])[0].values["overall"] for one in prepared]
    np.testing.assert_allclose(got, alone, atol=1e-5)
    for (prompt, seed), value in zip(pairs, got):
        ids = [2, *[WORDS.index(word) for word in prompt.split()], 3]
        expected = by_hand(state, torchvision_pixels(picture(seed)), ids)
        assert value == pytest.approx(expected, abs=1e-4), prompt
    assert len({round(value, 4) for value in got}) == 3


def test_prompts_are_cut_after_35_tokens(scorer: ImageRewardScorer) -> None:
    long, cut = "red " * 60, "red " * 33
    prepared = scorer.prepare(request(long, picture(1)))
    assert (len(prepared.ids), prepared.cut) == (35, 27)
    one, other = scorer.score([prepared, scorer.prepare(request(cut, picture(1)))])
    assert one.values["overall"] == pytest.approx(other.values["overall"], abs=1e-6)
    assert one.extra == {"truncated": 27}


def test_what_cannot_be_scored_is_said(scorer: ImageRewardScorer, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no prompt"):
        scorer.prepare(request(" ", picture(1)))
    with pytest.raises(UsageError, match="cannot be read"):
        ImageRewardScorer(Address.parse(f"imagereward:{tmp_path / 'gone.pt'}"))
    torch.save({"blip.visual_encoder.cls_token": torch.zeros(1, 1, 64)}, tmp_path / "part.pt")
    part = ImageRewardScorer(
        Address.parse(f"imagereward:{tmp_path / 'part.pt'}?tokenizer={scorer.words.path}")
    )
    with pytest.raises(ScorerError, match="not the weights of ImageReward"):
        part.open(Device("cpu"))


def test_a_card_does_not_fetch_the_weights(
    scorer: ImageRewardScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(model: str, name: str, revision: str) -> str:
        asked.append(name)
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    hub = ImageRewardScorer(Address.parse(f"imagereward:?tokenizer={scorer.words.path}"))
    assert asked == []
    assert REVISION in str(hub.card.fingerprint["weights"])
    assert hub.weight_bytes() is None
    with pytest.raises(ScorerError, match="no network"):
        hub.open(Device("cpu"))
    assert asked == ["ImageReward.pt"]
