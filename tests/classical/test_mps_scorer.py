"""MPS on a tiny random model, against its network written out head by head."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_clip_engine import (  # noqa: F401 - folder is a fixture
    CLIP_MEAN,
    CLIP_STD,
    OUT,
    folder,
    picture,
    request,
    torch,
    transformers,
)

from prefgauge.plugins.scorers.image.clip_pixels import PixelSettings, pixels
from prefgauge.plugins.scorers.image.mps import OVERALL, MpsScorer
from prefgauge.registry import Address, Device, Media, MediaError, ScorerError, UsageError

HEADS, SIZE, INNER, LAYERS = 3, 4, 40, 2


def network() -> dict[str, Any]:
    """Random tensors with the published network's names."""
    make = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Any:
        return 0.3 * torch.randn(*shape, generator=make)

    state = {}
    for layer in range(LAYERS):
        a, b = f"layers.{layer}.0.fn.", f"layers.{layer}.1.fn."
        for part in (a, b):
            state |= {f"{part}norm.weight": 1 + draw(OUT), f"{part}norm.bias": torch.zeros(OUT)}
        state |= {
            f"{a}to_q.weight": draw(HEADS * SIZE, OUT), f"{a}to_kv.weight": draw(2 * SIZE, OUT),
            f"{a}to_out.weight": draw(OUT, HEADS * SIZE), f"{a}ff.0.weight": draw(2 * INNER, OUT),
            f"{a}ff.2.weight": draw(OUT, INNER),
            f"{b}fused_attn_ff_proj.weight": draw(HEADS * SIZE + 2 * SIZE + 2 * INNER, OUT),
            f"{b}attn_out.weight": draw(OUT, HEADS * SIZE), f"{b}ff_out.1.weight": draw(OUT, INNER),
            f"{b}rotary_emb.inv_freq": 10000.0 ** -(torch.arange(0, SIZE, 2) / SIZE),
        }  # fmt: skip
    return state


@pytest.fixture(scope="module")
def sharp(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The tiny CLIP with larger token embeddings, so that some tokens are unlike the condition."""
    path = tmp_path_factory.mktemp("sharp")
    shutil.copytree(folder, path, dirs_exist_ok=True)
    model = transformers.CLIPModel.from_pretrained(folder)
    with torch.no_grad():
        model.text_model.embeddings.token_embedding.weight *= 10
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def weights(sharp: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as the official class saves it."""
    clip = transformers.CLIPModel.from_pretrained(sharp).state_dict()
    state = {f"model.{name}": value for name, value in clip.items()}
    state |= {f"cross_model.{name}": value for name, value in network().items()}
    path = tmp_path_factory.mktemp("mps") / "mps.pth"
    torch.save(state, path)
    return path


def opened(sharp: Path, weights: Path, more: str = "") -> MpsScorer:
    scorer = MpsScorer(Address.parse(f"mps:{weights}?base={sharp}&dtype=float32{more}"))
    scorer.open(Device("cpu"))
    return scorer


def attention(queries: Any, keys: Any, values: Any, seen: Any) -> Any:
    """One head, row by row."""
    rows = []
    for query in queries:
        logits = torch.where(seen, keys @ query / SIZE**0.5, -torch.inf)
        rows.append(logits.softmax(0) @ values)
    return torch.stack(rows)


def rotate(rows: Any) -> Any:
    """Pairs (i, i + size / 2) turned by place times frequency, as complex numbers."""
    half = SIZE // 2
    turns = torch.outer(torch.arange(len(rows)), 10000.0 ** -(torch.arange(0, SIZE, 2) / SIZE))
    turned = torch.complex(rows[:, :half], rows[:, half:]) * torch.exp(1j * turns)
    return torch.cat([turned.real, turned.imag], dim=1)


def swiglu(rows: Any) -> Any:
    return rows[:, :INNER] * rows[:, INNER:] * torch.sigmoid(rows[:, INNER:])


def by_hand(sharp: Path, prompt: str, media: Media, condition: str) -> tuple[float, int]:
    """The score, and how many tokens are hidden."""
    model = transformers.CLIPModel.from_pretrained(sharp).eval()
    tokenizer, state = transformers.AutoTokenizer.from_pretrained(sharp), network()
    rgb = np.asarray(Image.open(io.BytesIO(media.read())))
    image = torch.from_numpy(pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD)))[None]

    def text(words: str) -> tuple[Any, Any]:
        ids = tokenizer(words)["input_ids"]
        ids = ids if len(ids) <= 40 else [*ids[:39], ids[-1]]
        ids += [tokenizer.pad_token_id] * (40 - len(ids))
        out = model.text_model(input_ids=torch.tensor([ids]))
        end = ids.index(tokenizer.eos_token_id)
        states = out.last_hidden_state[0] @ model.text_projection.weight.T
        return states, states[end]

    with torch.inference_mode():
        tokens, end = text(prompt)
        near = torch.stack([(text(condition)[0] @ token).max() for token in tokens])
        seen = near / near.max() > 0.3
        x = model.vision_model(pixel_values=image).last_hidden_state[0]
        x = x @ model.visual_projection.weight.T
        for layer in range(LAYERS):
            for kind in (0, 1):
                p = {k.removeprefix(f"layers.{layer}.{kind}.fn."): v for k, v in state.items()}
                n = torch.nn.functional.layer_norm(x, (OUT,), p["norm.weight"])
                if kind == 0:
                    keys, values = (
                        tokens @ p["to_kv.weight"].T[:, :SIZE],
                        tokens @ p["to_kv.weight"].T[:, SIZE:],
                    )
                    queries, mask = n @ p["to_q.weight"].T, seen
                    heads = [
                        attention(queries[:, h * SIZE : (h + 1) * SIZE], keys, values, mask)
                        for h in range(HEADS)
                    ]
                    step = torch.cat(heads, 1) @ p["to_out.weight"].T
                    step = step + swiglu(n @ p["ff.0.weight"].T) @ p["ff.2.weight"].T
                else:
                    fused = n @ p["fused_attn_ff_proj.weight"].T
                    a = HEADS * SIZE
                    keys, values = rotate(fused[:, a : a + SIZE]), fused[:, a + SIZE : a + 2 * SIZE]
                    mask = torch.ones(len(n), dtype=torch.bool)
                    heads = [
                        attention(rotate(fused[:, h * SIZE : (h + 1) * SIZE]), keys, values, mask)
                        for h in range(HEADS)
                    ]
                    step = torch.cat(heads, 1) @ p["attn_out.weight"].T
                    step = step + swiglu(fused[:, a + 2 * SIZE :]) @ p["ff_out.1.weight"].T
                x = x + step
        cosine = torch.nn.functional.cosine_similarity(x[:1], end[None])
        return float(model.logit_scale.exp() * cosine[0]), int((~seen).sum())


PAIRS = [
    ("a cat", picture(1)),
    ("two dogs on a red sofa", picture(2, (70, 50))),
    ("Ünï 猫" * 20, picture(3)),
]


@pytest.mark.parametrize("condition", [OVERALL, "light"])
def test_scores_follow_the_network(sharp: Path, weights: Path, condition: str) -> None:
    scorer = opened(sharp, weights, "" if condition == OVERALL else f"&condition={condition}")
    prepared = [scorer.prepare(request(*pair)) for pair in PAIRS]
    together = scorer.score(prepared)
    hidden = 0
    for pair, one, outcome in zip(PAIRS, prepared, together):
        expected, unseen = by_hand(sharp, *pair, condition)
        hidden += unseen
        assert outcome.values["overall"] == pytest.approx(expected, abs=2e-4)
        (alone,) = scorer.score([one])
        assert alone.values["overall"] == pytest.approx(outcome.values["overall"], abs=1e-5)
    assert hidden > 0  # the mask has something to do
    assert together[2].extra["truncated"] > 0
    assert len({round(outcome.values["overall"], 3) for outcome in together}) == 3


def test_a_port_with_other_prefixes_is_the_same(sharp: Path, weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    path = tmp_path / "port.safetensors"
    named = {
        name.replace("model.", "model.model.", 1)
        if name.startswith("model.")
        else f"model.{name}": value.clone()
        for name, value in state.items()
    }
    pytest.importorskip("safetensors.torch").save_file(named, path)
    one, two = opened(sharp, weights), opened(sharp, path)
    asked = request(*PAIRS[0])
    (got,), (expected,) = (scorer.score([scorer.prepare(asked)]) for scorer in (one, two))
    assert got.values == pytest.approx(expected.values, abs=1e-5)


def test_what_is_no_mps_is_refused(sharp: Path, weights: Path, tmp_path: Path) -> None:
    whole = torch.load(weights, weights_only=True)

    def refused(state: dict[str, Any], words: str) -> None:
        path = tmp_path / "bad.pth"
        torch.save(state, path)
        with pytest.raises(ScorerError, match=words):
            opened(sharp, path)

    network_name = "cross_model.layers.1.0.fn.to_kv.weight"
    refused({k: v for k, v in whole.items() if k != network_name}, "no tensor 'layers.1.0.fn.to_kv")
    refused({**whole, network_name: torch.zeros(2 * SIZE, OUT + 1)}, "shapes do not fit")
    refused({**whole, "cross_model.more": torch.zeros(1)}, "no place for")
    refused({k: v for k, v in whole.items() if "visual_projection" not in k}, "visual_projection")
    refused({k: v for k, v in whole.items() if "cross_model" not in k}, "not the weights of MPS")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "object.pth")
    with pytest.raises(ScorerError, match="cannot be read"):
        opened(sharp, tmp_path / "object.pth")
    with pytest.raises(UsageError, match="mps:PATH"):
        MpsScorer(Address.parse("mps:"))
    with pytest.raises(MediaError, match="no prompt"):
        opened(sharp, weights).prepare(request(" ", picture(1)))
