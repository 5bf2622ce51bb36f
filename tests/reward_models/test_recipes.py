"""Recipe-declared heads, against the heads written out in plain torch, one conversation a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from prefgauge.plugins.scorers.reward_models.classifier import ClassifierScorer
from prefgauge.plugins.scorers.reward_models.recipes import Recipe, find_recipe
from prefgauge.registry import (
    Address,
    Device,
    Request,
    Sample,
    ScorerError,
    Text,
    UnknownName,
    content,
    default,
)

CPU = Device("cpu", "float32")
HIDDEN = 32
SAMPLES = [
    Sample(
        id="1",
        prompt=(Text("be kind", "system"), Text("what is a cat " * 6)),
        candidates=(content("a cat is a cat"), content("no"), content("a dog ran far " * 8)),
        labels=(),
    ),
    Sample(
        id="2",
        prompt=(Text("how"), Text("why", "assistant"), Text("I sat")),
        candidates=(content("yes I am"), content("")),
        labels=(),
    ),
]
REQUESTS = [Request("b", s, (i,)) for s in SAMPLES for i in range(len(s.candidates))]


def gate_tensors(objectives: int) -> dict[str, torch.Tensor]:
    sizes = [HIDDEN, 24, 24, 24, objectives]
    tensors = {"gating.logit_scale": torch.tensor([1.7])}
    for number, (inside, outside) in enumerate(itertools.pairwise(sizes)):
        tensors[f"gating.layers.{number}.weight"] = torch.randn(outside, inside) / inside**0.5
        tensors[f"gating.layers.{number}.bias"] = torch.randn(outside)
    return tensors


def normed_gate_tensors(objectives: int) -> dict[str, torch.Tensor]:
    """As QRM-Llama3.1-8B has them: (Linear without bias, ReLU, BatchNorm) thrice, Linear."""
    sizes = [HIDDEN, 24, 24, 24]
    tensors = {"gating.logit_scale": torch.tensor([1.7])}
    for number, (inside, outside) in enumerate(itertools.pairwise(sizes)):
        tensors[f"gating.layers.{3 * number}.weight"] = torch.randn(outside, inside) / inside**0.5
        norm = f"gating.layers.{3 * number + 2}"
        tensors[f"{norm}.weight"], tensors[f"{norm}.bias"] = torch.randn(2, 24).unbind()
        tensors[f"{norm}.running_mean"] = torch.randn(24)
        tensors[f"{norm}.running_var"] = torch.rand(24) + 0.1
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    tensors["gating.layers.9.weight"] = torch.randn(objectives, 24)
    tensors["gating.layers.9.bias"] = torch.randn(objectives)
    return tensors


def normed_gate(t: dict[str, torch.Tensor], state: torch.Tensor) -> torch.Tensor:
    for number in (0, 3, 6):
        state = torch.relu(t[f"gating.layers.{number}.weight"] @ state)
        norm = f"gating.layers.{number + 2}"
        spread = torch.sqrt(t[f"{norm}.running_var"] + 1e-5)
        state = (state - t[f"{norm}.running_mean"]) / spread
        state = state * t[f"{norm}.weight"] + t[f"{norm}.bias"]
    state = t["gating.layers.9.weight"] @ state + t["gating.layers.9.bias"]
    return torch.softmax(state / 10.0, 0) * t["gating.logit_scale"]


def gate(tensors: dict[str, torch.Tensor], state: torch.Tensor) -> torch.Tensor:
    for number in range(4):
        weight, bias = (tensors[f"gating.layers.{number}.{x}"] for x in ("weight", "bias"))
        state = weight @ state + bias
        if number < 3:
            state = torch.relu(state)
    return torch.softmax(state / 10.0, 0) * tensors["gating.logit_scale"]


def armorm(t: dict[str, torch.Tensor], last: torch.Tensor, before: torch.Tensor) -> list[float]:
    values = t["regression_layer.weight"] @ last
    score = torch.dot(gate(t, before), t["reward_transform_matrix"].T @ values)
    return [score.item(), *values.tolist()]


def qrm(t: dict[str, torch.Tensor], last: torch.Tensor, before: torch.Tensor) -> list[float]:
    flat = t["regression_layer.weight"] @ last
    means = torch.stack([flat[i * 19 : (i + 1) * 19].mean() for i in range(5)])
    moved = means @ t["reward_transform_matrix"]
    return [torch.dot(normed_gate(t, before), moved).item()]


def steerlm(t: dict[str, torch.Tensor], last: torch.Tensor, before: torch.Tensor) -> list[float]:
    v = (t["score.weight"] @ last).tolist()
    score = 0.65 * v[4] + 0.8 * v[5] + 0.45 * v[6] + 0.55 * v[7] - 0.4 * v[8]
    return [score, *v]


def inform(t: dict[str, torch.Tensor], last: torch.Tensor, before: torch.Tensor) -> list[float]:
    hidden = torch.relu(t["score.0.weight"] @ last + t["score.0.bias"])
    return [(t["score.2.weight"] @ hidden + t["score.2.bias"]).item()]


def ultrarm(t: dict[str, torch.Tensor], last: torch.Tensor, before: torch.Tensor) -> list[float]:
    return [(t["regression_head.weight"] @ last).item()]


def heads() -> dict[str, dict[str, torch.Tensor]]:
    torch.manual_seed(5)
    return {
        "armorm": {
            "regression_layer.weight": torch.randn(19, HIDDEN) / HIDDEN**0.5,
            "reward_transform_matrix": torch.randn(19, 19) / 19**0.5,
            **gate_tensors(19),
        },
        "qrm": {
            "regression_layer.weight": torch.randn(5 * 19, HIDDEN),
            "reward_transform_matrix": torch.randn(5, 5) / 5**0.5,
            **normed_gate_tensors(5),
        },
        "steerlm": {"score.weight": torch.randn(9, HIDDEN)},
        "inform": {
            "score.0.weight": torch.randn(HIDDEN, HIDDEN),
            "score.0.bias": torch.randn(HIDDEN),
            "score.2.weight": torch.randn(1, HIDDEN),
            "score.2.bias": torch.randn(1),
        },
        "ultrarm": {"regression_head.weight": torch.randn(1, HIDDEN)},
    }


PLAIN: dict[str, Callable[..., list[float]]] = {
    "armorm": armorm,
    "qrm": qrm,
    "steerlm": steerlm,
    "inform": inform,
    "ultrarm": ultrarm,
}


@pytest.fixture(scope="module")
def save_head(
    tmp_path_factory: pytest.TempPathFactory, save_model: Callable[..., Path]
) -> Callable[[str], Path]:
    """A tiny Llama body with a head's tensors in one checkpoint, as those models are published."""

    def save(name: str) -> Path:
        source = save_model("Llama", head="ForCausalLM")
        folder = tmp_path_factory.mktemp(name)
        transformers.AutoTokenizer.from_pretrained(source).save_pretrained(folder)
        transformers.AutoConfig.from_pretrained(source).save_pretrained(folder)
        tensors = {
            k: v for k, v in load_file(source / "model.safetensors").items() if "lm_" not in k
        }
        save_file(tensors | heads()[name], folder / "model.safetensors", {"format": "pt"})
        return folder

    return save


@pytest.mark.parametrize("way", ["packed", "padded"])
@pytest.mark.parametrize("name", list(PLAIN))
def test_equals_the_head_written_out(save_head: Callable[[str], Path], name: str, way: str) -> None:
    folder = save_head(name)
    scorer = ClassifierScorer(Address.parse(f"hf:{folder}?recipe={name}&way={way}"))
    scorer.open(CPU)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    body = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    back = find_recipe(name).gate_back
    want = []
    for request in REQUESTS:
        turns = [{"role": p.role, "content": p.text} for p in request.prompt]
        before = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
        turns.append({"role": "assistant", "content": request.candidate()[0].text})
        ids = tokenizer.apply_chat_template(turns, return_dict=False)
        with torch.no_grad():
            states = body(torch.tensor([ids])).last_hidden_state[0]
            want.append(PLAIN[name](heads()[name], states[-1], states[len(before) - back]))
    prepared = [scorer.prepare(r) for r in REQUESTS]
    names = [dimension.name for dimension in scorer.card.dimensions]
    alone = [scorer.score([p])[0] for p in prepared]
    for outcomes in (scorer.score(prepared), alone):
        for outcome, row in zip(outcomes, want):
            assert list(outcome.values) == names
            assert list(outcome.values.values()) == pytest.approx(row, abs=1e-5, rel=1e-5)


def test_index_picks_an_attribute(save_head: Callable[[str], Path]) -> None:
    folder = save_head("steerlm")
    scorer = ClassifierScorer(Address.parse(f"hf:{folder}?recipe=steerlm&index=8"))
    scorer.open(CPU)
    values = scorer.score([scorer.prepare(REQUESTS[0])])[0].values
    assert values["overall"] == values["verbosity"]


def test_wrong_recipe_is_refused(save_head: Callable[[str], Path]) -> None:
    scorer = ClassifierScorer(Address.parse(f"hf:{save_head('ultrarm')}?recipe=inform"))
    with pytest.raises(ScorerError, match=r"score\.0"):
        scorer.open(CPU)
    scorer = ClassifierScorer(Address.parse(f"hf:{save_head('qrm')}?recipe=armorm"))
    with pytest.raises(ScorerError, match=r"gating\.layers\.1|another kind"):
        scorer.open(CPU)
    with pytest.raises(UnknownName, match=r"recipe\.armorm"):
        ClassifierScorer(Address.parse(f"hf:{save_head('qrm')}?recipe=armor"))


def test_every_registered_recipe_is_well_formed() -> None:
    names = [n for n in default().names("part") if n.startswith("recipe.")]
    assert len(names) >= 8
    for name in names:
        recipe: Any = default().part(name)
        assert isinstance(recipe, Recipe)
        assert recipe.summary
        assert recipe.layers
        assert (recipe.head in {"gated", "quantile"}) == bool(recipe.gate)
        assert set(recipe.weights or ()) <= set(recipe.attributes)
