"""The VideoScore recipe on a tiny random Idefics2, and the rules for frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_vlm import WIDTH, film, idefics2, request, torch, transformers

from prefgauge.plugins.scorers.vlm_rewards.inputs import at_rate, evenly, fitted, spaced
from prefgauge.plugins.scorers.vlm_rewards.recipes import RECIPES, VlmRecipe
from prefgauge.plugins.scorers.vlm_rewards.scorer import VlmRewardScorer
from prefgauge.registry import Address, Device, MediaError, ScorerError
from prefgauge.registry.discovery import default
from prefgauge.registry.media import read_frames

save_file = pytest.importorskip("safetensors.torch").save_file
ASK = 'Judge what "{text_prompt}" became:\n'
ASPECTS = [
    "visual quality", "temporal consistency", "dynamic degree", "text-to-video alignment",
    "factual consistency",
]  # fmt: skip
MAKE = torch.Generator().manual_seed(5)
WEIGHT, BIAS = 0.4 * torch.randn(5, WIDTH, generator=MAKE), torch.randn(5, generator=MAKE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Idefics2ForSequenceClassification as TIGER-Lab/VideoScore stores it: body below ``model.``,
    head ``score`` with a bias; and the body itself."""
    folder = tmp_path_factory.mktemp("videoscore")
    body = idefics2(folder)
    state = {f"model.{name}": value.clone() for name, value in body.state_dict().items()}
    save_file({**state, "score.weight": WEIGHT, "score.bias": BIAS}, folder / "model.safetensors")
    (folder / "utils_tools.py").write_text(f"REGRESSION_QUERY_PROMPT = {ASK!r}\n")
    return folder, body


def opened(folder: Path) -> VlmRewardScorer:
    prompt = folder / "utils_tools.py"
    scorer = VlmRewardScorer(
        Address.parse(f"vlm-reward:{folder}?recipe=videoscore&prompt={prompt}&dtype=float32")
    )
    scorer.open(Device("cpu"))
    return scorer


def by_hand(folder: Path, body: Any, prompt: str, media: Any) -> list[float]:
    decoded = read_frames(media)
    indices = np.linspace(0, len(decoded) - 1, num=16).astype(int)
    images = [Image.fromarray(decoded[index]) for index in indices]
    text = f'Judge what "{prompt}" became:\n' + "<image> " * 16
    processor = transformers.AutoProcessor.from_pretrained(folder)
    inputs = processor(text=text, images=images, return_tensors="pt")
    assert int((inputs["input_ids"] == body.config.image_token_id).sum()) == 16 * 3
    with torch.inference_mode():
        state = body(**inputs).last_hidden_state[0, -1]
    return (WEIGHT @ state + BIAS).tolist()


@pytest.mark.parametrize("frames", [20, 7])
def test_videoscore_is_five_linear_outputs_of_the_last_state(
    model: tuple[Path, Any], frames: int
) -> None:
    scorer = opened(model[0])
    pairs = [("a ball", film(1, frames)), ("a much longer story of a ball", film(2, frames))]
    shown = [scorer.prepare(request(*pair)) for pair in pairs]
    for pair, one, outcome in zip(pairs, shown, scorer.score(shown)):
        expected = by_hand(*model, *pair)
        assert list(outcome.values) == ["overall", *ASPECTS]
        assert [outcome.values[name] for name in ASPECTS] == pytest.approx(expected, abs=1e-3)
        assert outcome.values["overall"] == pytest.approx(np.mean(expected), abs=1e-3)
        assert outcome.extra["frames"] == 16
        (alone,) = scorer.score([one])
        assert alone.values["overall"] == pytest.approx(outcome.values["overall"], abs=1e-4)


def test_a_prompt_with_a_picture_mark_cannot_be_scored(model: tuple[Path, Any]) -> None:
    with pytest.raises(MediaError, match="holds '<image>'"):
        opened(model[0]).prepare(request("a <image> of a ball", film(1)))


def test_a_head_for_other_aspects_is_refused(model: tuple[Path, Any], tmp_path: Path) -> None:
    for file in model[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = {f"model.{name}": value.clone() for name, value in model[1].state_dict().items()}
    save_file({**state, "score.weight": WEIGHT[:3].clone()}, tmp_path / "model.safetensors")
    with pytest.raises(ScorerError, match="gives 3; the recipe videoscore needs .* gives 5"):
        opened(tmp_path)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ScorerError, match=r"no tensor score\.weight.*another recipe"):
        opened(tmp_path)


def test_frames_at_a_rate_are_those_of_qwen_vl_utils() -> None:
    """count = round2(min(max(seconds * rate, 4), floor2(min(768, n)))), then torch.linspace."""
    rule = at_rate(2.0)
    for total, fps, count in (
        (20, 8.0, 4),
        (240, 24.0, 20),
        (3, 30.0, 2),
        (2, 30.0, 2),
        (5, 1.0, 4),
    ):
        expected = torch.linspace(0, total - 1, count).round().long().tolist()
        assert list(rule(total, fps)) == expected
    assert len(rule(60_000, 30.0)) == 768
    with pytest.raises(MediaError):
        rule(1, 30.0)
    assert evenly(4)(3, 1.0) == (0, 0, 1, 2)
    assert spaced(48)(48, 1.0) == tuple(range(48))
    for total in (49, 100, 1000, 7919):  # the example script's numbers
        assert list(spaced(48)(total, 1.0)) == np.arange(0, total, total / 48).astype(int).tolist()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_cards_tell_weights_prompt_preprocessing_and_formula(recipe: VlmRecipe) -> None:
    card = recipe.card()
    for words in (recipe.model, recipe.source, recipe.steps, recipe.formula, recipe.prompt.url):
        assert words in card
    assert "revision" in card
    assert recipe.licence
    assert re.search(r"/[0-9a-f]{40}/", recipe.prompt.url)  # pinned to a commit
    assert default().part(f"vlm-recipe.{recipe.name}") is recipe
    values = recipe.rule({name: float(number) for number, name in enumerate(recipe.outputs)})[0]
    assert list(values) == [dimension.name for dimension in recipe.dimensions]


def test_sizes_are_those_of_transformers() -> None:
    """transformers' own smart_resize is the same published rule."""
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    rng = np.random.default_rng(0)
    for height, width in rng.integers(30, 3000, (200, 2)).tolist():
        for least, most in ((100352, 200704), (200704, 200704), (3136, 12845056)):
            theirs = smart_resize(height, width, 28, least, most)
            assert fitted(height, width, least, most) == theirs
