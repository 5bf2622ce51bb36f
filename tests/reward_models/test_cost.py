"""Tokens and operations against counts by hand, budgets, and what is said of a slower way."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from prefgauge.plugins.scorers.reward_models import budget as budgets
from prefgauge.plugins.scorers.reward_models.backbone import Backbone
from prefgauge.plugins.scorers.reward_models.classifier import ClassifierScorer
from prefgauge.plugins.scorers.reward_models.composite import LexicographicScorer
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.flops import Operations, causal_pairs
from prefgauge.plugins.scorers.reward_models.gpm import GeneralPreferenceScorer
from prefgauge.plugins.scorers.reward_models.label_pairs import LabelPairScorer
from prefgauge.plugins.scorers.reward_models.layout import common_prefix, pack, unique_tokens
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.registry import Address, Device, Request, Sample, Text, UsageError, content
from prefgauge.registry.meter import Meter, metering
from prefgauge.runners.engine import Engine, Pending

# llama of conftest: per layer q and o 32 x 32, k and v 32 x 16, three of 32 x 64
LLAMA = 3 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64)
WIDTH = 4 * 8  # heads x head size


def opened(folder: Path, options: str = "", scheme: Any = ClassifierScorer) -> Any:
    names = {ClassifierScorer: "hf", GeneralPreferenceScorer: "gpm", LabelPairScorer: "pair-lm"}
    scorer = scheme(Address.parse(f"{names[scheme]}:{folder}{options}"))
    scorer.open(Device("cpu", "float32"))
    return scorer


def encoded(prompt: int, answers: list[int], share: str) -> list[Encoded]:
    """Conversations of known lengths; the same answer length means the same answer."""
    make = random.Random(share)
    head = [make.randrange(3, 390) for _ in range(prompt)]
    return [
        Encoded((*head, *(3 + (7 * size + i) % 390 for i in range(size))), share=share)
        for size in answers
    ]


BATCH = [*encoded(20, [3, 5, 5], "a"), *encoded(10, [4], "b")]


def test_tokens_and_operations_by_hand(llama: Path) -> None:
    scorer = opened(llama)
    with metering(meter := Meter()):
        scorer.score(BATCH)
    tokens = meter.counts["tokens"]
    assert tokens.nominal == 23 + 25 + 25 + 14
    assert tokens.unique == tokens.run == 20 + 3 + 5 + 14
    pairs = 20**2 / 2 + (3 * 20 + 3**2 / 2) + (5 * 20 + 5**2 / 2) + 14**2 / 2
    assert meter.flops == 2 * LLAMA * 42 + 4 * 3 * WIDTH * pairs
    assert (meter.device, meter.dtype) == ("cpu", "torch.float32")


def test_padding_is_run_and_not_unique(llama: Path) -> None:
    scorer = opened(llama, "?way=padded")
    with metering(meter := Meter()):
        scorer.score(BATCH)
    tokens = meter.counts["tokens"]
    # nothing is shared, but equal conversations are one; three rows of 25
    assert (tokens.nominal, tokens.unique, tokens.run) == (87, 23 + 25 + 14, 75)
    pairs = (23**2 + 25**2 + 14**2) / 2
    assert meter.flops == 2 * LLAMA * 62 + 4 * 3 * WIDTH * pairs


def test_an_encoder_attends_to_everything(save_model: Callable[..., Path]) -> None:
    scorer = opened(save_model("Bert"), "?template=plain")
    with metering(meter := Meter()):
        scorer.score(BATCH)
    model = scorer.classifier.model
    weights = sum(p.numel() for p in model.bert.encoder.parameters() if p.dim() > 1)
    # what stands above the layers (pooler, classifier) sees one token, and is charged like them
    above = sum(m.weight.numel() for m in (model.bert.pooler.dense, model.classifier))
    assert meter.counts["tokens"].unique == 62
    squares = 23**2 + 25**2 + 14**2
    assert meter.flops == 2 * (weights + above) * 62 + 4 * 3 * WIDTH * squares


@pytest.mark.parametrize("tokens", [1, 7, 16, 17, 50])
def test_windows_bound_the_pairs(tokens: int) -> None:
    seen = sum(min(i + 1, 16) for i in range(tokens))  # one by one, the diagonal in full
    assert causal_pairs(tokens, 16) == seen - min(tokens, 16) / 2
    assert causal_pairs(tokens) == sum(range(1, tokens + 1)) - tokens / 2


def test_parameters_that_multiply_a_token(save_model: Callable[..., Path]) -> None:
    def body(folder: Path) -> Any:
        return transformers.AutoModel.from_pretrained(folder)

    gpt2 = Operations.of(body(save_model("GPT2", n_positions=512, n_embd=32, n_layer=2, n_head=4)))
    assert gpt2.weights == 3 * (32 * 96 + 32 * 32 + 2 * 32 * 128)
    # two of four experts and the router
    mixtral = Operations.of(body(save_model("Mixtral", num_local_experts=4)))
    assert mixtral.weights == 3 * (2 * 32 * 32 + 2 * 32 * 16 + 2 * 3 * 32 * 64 + 4 * 32)
    gemma = Operations.of(body(save_model("Gemma2", head_dim=8, sliding_window=16)))
    assert sorted(gemma.widths, key=str) == [(16, 2 * WIDTH), (None, WIDTH)]


def test_unique_tokens_are_those_of_the_packed_row() -> None:
    make = random.Random(1)
    for _ in range(200):
        prompt = [make.randrange(4) for _ in range(make.randrange(0, 20))]
        rows = [
            (*prompt, *(make.randrange(4) for _ in range(make.randrange(1, 6)))) for _ in range(5)
        ]
        assert unique_tokens(rows) == len(pack(rows, ["x"] * 5))
        size = common_prefix(rows)
        assert len({row[:size] for row in rows}) == 1
        assert len({row[: size + 1] for row in rows}) > 1 or min(map(len, rows)) == size


def pair_requests(count: int, orders: list[tuple[int, int]]) -> list[Pending]:
    samples = [
        Sample(
            id=str(i),
            prompt=(Text("why is the cat on the mat and how far is the house " * 3),),
            candidates=(content(f"yes {i}"), content("no the dog ran " * (1 + i))),
            labels=(),
        )
        for i in range(count)
    ]
    requests = [Request("b", s, order) for s in samples for order in orders]
    return [Pending(r, str(n).encode()) for n, r in enumerate(requests)]


def test_pairs_of_one_prompt_run_every_conversation_once(save_model: Callable[..., Path]) -> None:
    scorer = opened(save_model("Llama", num_labels=2), scheme=GeneralPreferenceScorer)
    seen: list[int] = []
    body = scorer.classifier.backbone.model
    body.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    items = pair_requests(3, [(0, 1), (1, 0)])
    engine = Engine(scorer, Device("cpu"), self_check=0)
    engine.open = lambda: setattr(engine, "_budget", scorer.batch_cost)  # type: ignore[method-assign]
    assert sum(map(len, engine.answer([items]))) == 6
    prepared = [scorer.prepare(item.request) for item in items]
    # three prompts, two answers each, in one forward; six pairs name twelve conversations
    conversations = {one.ids: one.share for pair in prepared for one in pair}
    assert len(conversations) == 6
    row = len(pack(list(conversations), list(conversations.values())))
    assert seen == [row]
    assert row < sum(len(one.ids) for pair in prepared for one in pair) / 3
    tokens = engine.meter.counts["tokens"]
    assert (tokens.unique, tokens.nominal) == (row, sum(map(scorer.cost, prepared)))
    assert scorer.group_cost(prepared[:2]) == unique_tokens([p.ids for p in prepared[0]])


def test_label_pairs_share_their_prompt(save_model: Callable[..., Path]) -> None:
    folder = save_model("Llama", "ForCausalLM")
    scorer = opened(folder, "?labels=A,B&layout=plain", LabelPairScorer)
    prepared = [scorer.prepare(i.request) for i in pair_requests(1, [(0, 1), (1, 0)])]
    with metering(meter := Meter()):
        scorer.score(prepared)
    assert meter.counts["tokens"].unique == scorer.group_cost(prepared)
    assert scorer.group_cost(prepared) < 0.8 * sum(map(scorer.cost, prepared))


def test_the_budget_is_what_memory_allows(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # by hand: 80 % of 1 GB at 100 kB per token
    assert budgets.fitting(10**9, 1e5) == 8000
    assert budgets.fitting(0, 1e5) == budgets.fitting(-5, 1e5) == 1024
    assert budgets.fitting(10**12, 1e3) == 131_072
    # a line through two runs that take 3 MB and 700 bytes per token
    ran: list[int] = []
    slope, fixed = budgets.grown(
        ran.append, lambda call: (call(), 3_000_000 + 700 * ran[-1])[1], 5.0
    )
    assert (slope, fixed) == (700, 3_000_000)
    assert ran == [1024, 4096]

    def full(call: Callable[[], object]) -> int:
        raise MemoryError

    assert budgets.grown(ran.append, full, 5.0) == (5.0, 0)
    assert opened(llama).batch_cost == 16_384
    assert opened(llama, "?batch_tokens=500").batch_cost == 500
    # little memory left: (12 x 32 + 4 x 64) x 4 bytes per token
    monkeypatch.setattr(budgets, "available_memory", lambda: 8_000_000)
    assert opened(llama).batch_cost == int(0.8 * 8_000_000 / 2560)
    with pytest.raises(UsageError, match="batch_tokens"):
        opened(llama, "?batch_tokens=-1")


def test_the_memory_probe_runs_the_batches_it_speaks_of(llama: Path) -> None:
    """The probe's own runs, which a CPU does without: as many tokens as it says."""
    scorer = opened(llama)
    backbone = scorer.classifier.backbone
    for tokens in budgets.PROBE:
        before = backbone.tokens_run
        backbone._probe_memory(tokens)
        assert backbone.tokens_run - before == tokens


def test_this_machine_has_memory() -> None:
    free = budgets.available_memory()
    assert free is None or 1 << 20 < free < 1 << 46


@pytest.mark.parametrize(
    ("family", "changes", "words"),
    [
        ("Llama", {}, ""),
        # windows are served by packed attention, exactly: nothing to say
        ("Gemma2", {"head_dim": 8, "sliding_window": 16}, ""),
        (
            "Gemma3Text",
            {
                "head_dim": 8,
                "sliding_window": 16,
                "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            },
            "",
        ),
        ("Bloom", {"n_layer": 2, "n_head": 4}, "does not use the attention interface"),
    ],
)
def test_readers_are_told_why_prompts_are_not_shared(
    save_model: Callable[..., Path], family: str, changes: dict[str, Any], words: str
) -> None:
    scorer = opened(save_model(family, **changes))
    text = " ".join(scorer.remarks())
    assert bool(text) == bool(words)
    assert words in text
    if words:
        assert "a prompt is encoded anew for each candidate" in text
    assert not opened(save_model(family, **changes), "?way=padded").remarks()


def test_windows_that_would_be_lost_forbid_sharing(
    save_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that keeps its windows in a mask of its own brings none to packed attention: the
    rows would be wrong beyond the window, which short probes do not show."""
    folder = save_model("Mistral", sliding_window=64)  # longer than any probe
    model = transformers.AutoModel.from_pretrained(folder).eval()
    assert Backbone(model).way == "packed"
    kind = type(model.layers[0].self_attn)
    forward = kind.forward

    def without(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.config.sliding_window, window = None, self.config.sliding_window
        try:
            return forward(self, *args, **kwargs)
        finally:
            self.config.sliding_window = window

    monkeypatch.setattr(kind, "forward", without)
    backbone = Backbone(transformers.AutoModel.from_pretrained(folder).eval())
    assert backbone.way == "padded"
    assert "sliding windows would be lost" in backbone.note


def test_chunked_layers_forbid_sharing() -> None:
    config = transformers.Llama4TextConfig(
        vocab_size=400, hidden_size=32, intermediate_size=64, intermediate_size_mlp=64,
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        num_local_experts=2, attention_chunk_size=16, max_position_embeddings=512,
        layer_types=["chunked_attention"] * 3, no_rope_layers=[1, 1, 1],
    )  # fmt: skip
    torch.manual_seed(0)
    backbone = Backbone(transformers.Llama4TextModel(config).eval(), Running())
    assert backbone.way in {"padded", "single"}
    assert "layers of kind chunked_attention see the whole row" in backbone.note


def test_pairs_joined_from_scores_run_every_conversation_once(llama: Path) -> None:
    """Three answers stand in three pairs and both orders: twelve readings, three conversations."""
    scorer = LexicographicScorer(Address.parse(f"lexicographic:hf:{llama}|length?margins=0,0"))
    scorer.open(Device("cpu", "float32"))
    one = Sample(
        id="s",
        prompt=(Text("why is the cat on the mat and how far is the house " * 3),),
        candidates=(content("yes"), content("no the dog ran"), content("I sat on it " * 4)),
        labels=(),
    )
    orders = [(i, j) for i in range(3) for j in range(3) if i != j]
    prepared = [scorer.prepare(Request("b", one, order)) for order in orders]
    assert len({scorer.share_key(item) for item in prepared}) == 1
    with metering(meter := Meter()):
        scorer.score(prepared)
    ids = {row[0].ids for item in prepared for row in item}
    assert len(ids) == 3
    assert meter.counts["tokens"].unique == unique_tokens(list(ids))
    assert scorer.group_cost(prepared) < sum(map(scorer.cost, prepared)) / 4
