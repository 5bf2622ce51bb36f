"""``compile=true``: the same scores from compiled layers, and few graphs whatever the batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from prefgauge.plugins.scorers.reward_models.classifier import ClassifierScorer
from prefgauge.plugins.scorers.reward_models.compiling import STEPS, bucket
from prefgauge.registry import Address, Device, Request, Sample, ScorerError, Text, content

WORDS = ["the", "cat", "dog", "sat", "ran", "far", "away", "house", "why", "what", "no", "yes"]
FAMILIES: dict[str, tuple[str, dict[str, Any], int]] = {
    # kinds of layer, each of which is compiled once per row size
    "llama": ("Llama", {}, 1),
    "qwen2": ("Qwen2", {}, 1),
    "gemma2": (
        "Gemma2",
        {"head_dim": 8, "sliding_window": 16, "attn_logit_softcapping": 2.0},
        2,
    ),
}
BUDGET = 256


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def samples(count: int) -> list[Sample]:
    make = random.Random(5)

    def words(low: int, high: int) -> str:
        return " ".join(make.choice(WORDS) for _ in range(make.randint(low, high)))

    return [
        Sample(
            id=str(i),
            prompt=(Text(words(2, 20)),),
            candidates=(content(words(1, 15)), content(words(1, 15))),
            labels=(),
        )
        for i in range(count)
    ]


def scores(folder: Path, options: str, sizes: list[int]) -> list[float]:
    scorer = ClassifierScorer(Address.parse(f"hf:{folder}?batch_tokens={BUDGET}{options}"))
    scorer.open(Device("cpu", "float32"))
    pairs = [Request("b", s, (i,)) for s in samples(sum(sizes)) for i in (0, 1)]
    prepared = [scorer.prepare(request) for request in pairs]
    values, start = [], 0
    for size in sizes:
        batch = prepared[2 * start : 2 * (start + size)]
        values += [outcome.values["overall"] for outcome in scorer.score(batch)]
        start += size
    return values


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("llama", [1, 2, 1]),
        *(
            pytest.param(name, [1, 2, 3, 4, 1, 2, 3, 4, 2, 1, 3, 2], marks=pytest.mark.slow)
            for name in FAMILIES
        ),
    ],
)
def test_compiled_scores_are_the_same_and_graphs_are_few(
    save_model: Callable[..., Path], name: str, sizes: list[int]
) -> None:
    family, changes, kinds = FAMILIES[name]
    folder = save_model(family, **changes)
    want = scores(folder, "", sizes)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 0
    got = scores(folder, "&compile=true", sizes)
    assert got == pytest.approx(want, abs=1e-4)
    assert max(want) - min(want) > 0.05
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    # batches differ in length and layout, and yet there are no more graphs than row sizes
    assert kinds <= graphs <= kinds * STEPS
    assert not torch._dynamo.utils.counters["graph_break"]


def test_rows_have_few_sizes_and_little_filling() -> None:
    sizes = {bucket(tokens, 16_384) for tokens in range(1, 16_385)}
    assert len(sizes) == STEPS
    for tokens in (1, 2048, 2049, 16_384):
        assert tokens <= bucket(tokens, 16_384) < tokens + 2048
    # one conversation longer than a batch
    assert bucket(16_385, 16_384) == 32_768
    assert bucket(70_000, 16_384) == 131_072


def test_what_cannot_be_compiled_is_refused(save_model: Callable[..., Path]) -> None:
    bloom = save_model("Bloom", n_layer=2, n_head=4)
    bert = save_model("Bert")
    for folder, words in ((bloom, "runs padded"), (bert, "run whole")):
        scorer = ClassifierScorer(Address.parse(f"hf:{folder}?compile=true&template=plain"))
        with pytest.raises(ScorerError, match=words):
            scorer.open(Device("cpu", "float32"))
