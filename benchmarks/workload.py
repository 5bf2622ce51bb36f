"""What ``throughput.py`` runs: models by shape, sets by length, and the operations both need."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.flops import Operations

MODELS: dict[str, dict[str, int]] = {
    "tiny": {"hidden": 64, "wide": 128, "layers": 2, "heads": 4, "key_heads": 2},
    "small": {"hidden": 512, "wide": 1536, "layers": 4, "heads": 8, "key_heads": 4},
    "0.6b": {"hidden": 1024, "wide": 3072, "layers": 28, "heads": 16, "key_heads": 8},
    "8b": {"hidden": 4096, "wide": 14336, "layers": 32, "heads": 32, "key_heads": 8},
}
VOCABULARY = 32_000
Lengths = list[list[int]]


@dataclass
class Work:
    """Tokens and attended pairs of one way to score a set."""

    tokens: int = 0
    pairs: float = 0.0

    def flops(self, model: Any) -> float:
        """Floating-point operations of a model's layers for this work."""
        spent = Operations.of(model.model)
        wide = sum(width for _, width in spent.widths)
        return 2.0 * spent.weights * self.tokens + 4.0 * wide * self.pairs


def build(name: str, device: str, dtype: torch.dtype) -> Any:
    """A random Llama-shaped reward model."""
    size = MODELS[name]
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=size["hidden"],
        intermediate_size=size["wide"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["key_heads"],
        head_dim=size["hidden"] // size["heads"],
        max_position_embeddings=16_384,
        num_labels=1,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = transformers.LlamaForSequenceClassification(config)
    finally:
        torch.set_default_dtype(torch.float32)
    return model.eval().requires_grad_(False)


def sets(rows: int) -> dict[str, Lengths]:
    """Lengths of each set, a seeded sample of `rows` prompts each in the published order."""
    found: dict[str, Lengths] = json.loads((Path(__file__).parent / "lengths.json").read_text())
    make = random.Random(0)
    found["rag"] = [
        [make.randint(700, 6400), make.randint(60, 500), make.randint(60, 500)]
        for _ in range(max(8, rows // 8))
    ]
    found["best_of_10"] = [
        [make.randint(40, 300), *(make.randint(150, 600) for _ in range(10))]
        for _ in range(max(8, rows // 4))
    ]
    for name, lengths in found.items():
        if len(lengths) > rows:
            chosen = sorted(make.sample(range(len(lengths)), rows))
            found[name] = [lengths[i] for i in chosen]
    return found


def conversations(lengths: Lengths) -> dict[str, Encoded]:
    """Random token ids of these lengths; candidates of one prompt begin alike."""
    make = random.Random(1)
    out = {}
    for row, (prompt, *answers) in enumerate(lengths):
        head = [make.randrange(3, VOCABULARY) for _ in range(prompt)]
        for number, size in enumerate(answers):
            tail = [make.randrange(3, VOCABULARY) for _ in range(size)]
            out[f"{row}/{number}"] = Encoded((*head, *tail), share=str(row))
    return out


def plain_batches(lengths: Lengths, encoded: dict[str, Encoded]) -> Iterator[list[str]]:
    """Batches of 8 in the published order, each column of candidates by itself."""
    for number in range(max(len(row) - 1 for row in lengths)):
        names = [f"{row}/{number}" for row in range(len(lengths)) if f"{row}/{number}" in encoded]
        for start in range(0, len(names), 8):
            yield names[start : start + 8]


def work(lengths: Lengths, encoded: dict[str, Encoded]) -> tuple[Work, Work, int]:
    """Work of the plain loop and of unique tokens, and the tokens counted without sharing."""
    padded, unique, nominal = Work(), Work(), 0
    for names in plain_batches(lengths, encoded):
        longest = max(len(encoded[name].ids) for name in names)
        padded.tokens += longest * len(names)
        padded.pairs += longest**2 / 2 * len(names)
        nominal += sum(len(encoded[name].ids) for name in names)
    for prompt, *answers in lengths:
        unique.tokens += prompt + sum(answers)
        unique.pairs += prompt**2 / 2 + sum(n * prompt + n * n / 2 for n in answers)
    return padded, unique, nominal
