"""What only a GPU can show: the flash kernel's alignment, grouped heads and windows, and scores
in bfloat16. Needs torch and transformers only::

    PYTHONPATH=src python -m pytest tests/reward_models/test_gpu.py -q
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from prefgauge.plugins.scorers.reward_models.attention import (
    Packed,
    varlen,
    varlen_works,
)
from prefgauge.plugins.scorers.reward_models.blockwise import blockwise
from prefgauge.plugins.scorers.reward_models.classifier import ClassifierScorer
from prefgauge.plugins.scorers.reward_models.layout import pack
from prefgauge.registry import Address, Device, Request, Sample, Text, content
from prefgauge.runners.engine import Engine, Pending

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
SAMPLES = [
    Sample(
        id=str(number),
        prompt=(Text("why is the cat on the mat and how far is the house " * (1 + number)),),
        candidates=tuple(
            content(text * (1 + number % 3)) for text in ("yes", "no the dog ran ", "I sat on it ")
        ),
        labels=(),
    )
    for number in range(12)
]
REQUESTS = [Request("b", s, (i,)) for s in SAMPLES for i in range(len(s.candidates))]


@pytest.mark.parametrize(
    ("heads", "key_heads", "size"), [(32, 8, 128), (12, 4, 64), (8, 8, 64), (16, 8, 256)]
)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_varlen_kernel_is_right(heads: int, key_heads: int, size: int, dtype: Any) -> None:
    assert varlen_works(torch.device("cuda"), dtype, heads, key_heads, size)


@pytest.mark.parametrize("window", [None, 1, 33, 200])
def test_varlen_equals_blockwise(window: int | None) -> None:
    make = torch.Generator().manual_seed(0)
    sequences, keys = [], []
    for prompt, answers in ((300, (5, 70, 1)), (17, (129,)), (64, (64, 65)), (3, (2, 4))):
        head = torch.randint(0, 1000, (prompt,), generator=make).tolist()
        for answer in answers:
            sequences.append([*head, *torch.randint(0, 1000, (answer,), generator=make).tolist()])
            keys.append(prompt)
    layout = pack(sequences, keys)
    assert len(layout) < sum(map(len, sequences))
    q, k, v = (
        torch.randn(len(layout), n, 64, device="cuda", dtype=torch.bfloat16) for n in (8, 2, 2)
    )
    scale = 1 / math.sqrt(64)
    packed = Packed.of(layout, "varlen", torch.device("cuda"))
    got = varlen(q, k, v, packed, scale, window).float()
    want = blockwise(q.float(), k.float(), v.float(), layout, scale, window)
    torch.testing.assert_close(got, want, atol=2e-2, rtol=2e-2)


FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "qwen3": ("Qwen3", {"head_dim": 16}),
    "mistral-window": ("Mistral", {"sliding_window": 16}),
    "gemma2": ("Gemma2", {"head_dim": 8, "sliding_window": 16, "attn_logit_softcapping": 2.0}),
    "gpt2": ("GPT2", {"n_positions": 512, "n_embd": 32, "n_layer": 2, "n_head": 4}),
}


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-3), ("bfloat16", 0.12)])
def test_scores_equal_the_plain_cpu_forward(
    save_model: Callable[..., Path], name: str, dtype: str, tolerance: float
) -> None:
    family, changes = FAMILIES[name]
    folder = save_model(family, **changes)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()
    scorer = ClassifierScorer(Address.parse(f"hf:{folder}?dtype={dtype}"))
    scorer.open(Device("cuda"))
    assert scorer.classifier.way == "packed"
    prepared = [scorer.prepare(request) for request in REQUESTS]
    with torch.no_grad():
        want = [model(torch.tensor([list(p.ids)])).logits[0, 0].item() for p in prepared]
    spread = torch.tensor(want).std().item()
    together = [o.values["overall"] for o in scorer.score(prepared)]
    alone = [scorer.score([p])[0].values["overall"] for p in prepared]
    assert together == pytest.approx(want, abs=tolerance * max(spread, 1.0))
    assert alone == pytest.approx(together, abs=tolerance * max(spread, 1.0))


def test_bfloat16_uses_the_flash_kernel(llama: Path) -> None:
    scorer = ClassifierScorer(Address.parse(f"hf:{llama}"))
    scorer.open(Device("cuda"))
    assert scorer.classifier.model.dtype == torch.bfloat16
    assert scorer.classifier.kernel == "varlen"
    assert scorer.batch_cost >= 1024


def test_batches_staged_ahead_score_the_same(llama: Path) -> None:
    """Copies of one batch run on a stream of their own while another is being scored."""
    scorer = ClassifierScorer(Address.parse(f"hf:{llama}?batch_tokens=256"))
    engine = Engine(scorer, Device("cuda"), self_check=0)
    items = [Pending(request, str(n).encode()) for n, request in enumerate(REQUESTS)]
    found = {a.key: a.outcome for part in engine.answer([items]) for a in part}
    assert engine.batches > 3
    assert engine.lanes["staging"].seconds["copying"] > 0
    assert engine.meter.device.startswith("cuda")
    for item in items:
        (alone,) = scorer.score([scorer.prepare(item.request)])
        together = found[item.key].values["overall"]
        assert together == pytest.approx(alone.values["overall"], abs=0.1)
    moved = scorer.classifier.backbone.transfer.send(torch.arange(10))
    assert moved.event is not None
    assert moved.here()[0].device.type == "cuda"


def test_the_budget_is_probed_and_fits(llama: Path) -> None:
    scorer = ClassifierScorer(Address.parse(f"hf:{llama}"))
    scorer.open(Device("cuda"))
    backbone = scorer.classifier.backbone
    assert 1024 <= backbone.budget <= 131_072
    backbone._probe_memory(backbone.budget)  # does not run out of memory


def test_compiled_layers_score_the_same(llama: Path) -> None:
    values = []
    for option in ("", "&compile=true"):
        scorer = ClassifierScorer(Address.parse(f"hf:{llama}?batch_tokens=2048{option}"))
        scorer.open(Device("cuda"))
        prepared = [scorer.prepare(request) for request in REQUESTS]
        values.append([o.values["overall"] for o in scorer.score(prepared)])
    assert values[1] == pytest.approx(values[0], abs=0.1)
