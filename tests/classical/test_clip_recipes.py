"""What the recipes' cards tell, and the Social Reward recipe on a checkpoint with OpenAI's names."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_clip_engine import (  # noqa: F401 - folder is a fixture
    CLIP_MEAN,
    CLIP_STD,
    folder,
    open_clip_state,
    opened,
    picture,
    run,
    torch,
    transformers,
)

from prefgauge.plugins.scorers.image.clip import ClipScorer
from prefgauge.plugins.scorers.image.clip_pixels import PixelSettings, pixels
from prefgauge.plugins.scorers.image.clip_recipes import RECIPES, ClipRecipe
from prefgauge.plugins.scorers.image.clip_weights import from_open_clip
from prefgauge.registry import Address, Device, Media, MediaError, Sample, UsageError, content
from prefgauge.registry.discovery import default
from prefgauge.registry.outcome import Request


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_cards_tell_model_commit_preprocessing_and_formula(recipe: ClipRecipe) -> None:
    card = recipe.card()
    shown = "Beside: " if recipe.beside else "Text: "
    for words in (recipe.source, f"Formula: {recipe.rule}", "bicubic", shown):
        assert words in card
    if recipe.model:
        assert recipe.model in card
        assert re.fullmatch(r"[0-9a-f]{40}", recipe.revision)
        assert recipe.revision in card
    assert recipe.licence
    assert default().part(f"clip-recipe.{recipe.name}") is recipe


def test_a_recipes_own_model_is_taken_at_its_commit() -> None:
    """No network and no cache: a whole commit needs neither to be known."""
    card = ClipScorer(Address.parse("clip:?recipe=pickscore")).card
    assert card.fingerprint["model"] == (
        "yuvalkirstain/PickScore_v1@a4e4367c6dfa7288a00c550414478f865b875800"
    )
    assert str(card.fingerprint["base"]).startswith("laion/CLIP-ViT-H-14-laion2B-s32B-b79K@1c2b")
    assert "revision a4e4367c" in card.summary
    with pytest.raises(UsageError, match="give checkpoint=PATH of a state dict of openai/CLIP"):
        ClipScorer(Address.parse("clip:?recipe=social-reward"))


def test_social_reward_is_the_cosine_of_its_checkpoint(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """The same tensors loaded into transformers' model by hand, and its own forward."""
    state, path = open_clip_state(), tmp_path / "classifier_checkpoint.pth"
    torch.save(state, path)
    media, prompt = picture(10, (64, 48)), "two cats"
    (got,) = run(opened(folder, f"&recipe=social-reward&checkpoint={path}"), (prompt, media))
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    model.load_state_dict(from_open_clip(state), strict=False)
    tokens = transformers.AutoTokenizer.from_pretrained(folder)([prompt], return_tensors="pt")
    rgb = np.asarray(Image.open(io.BytesIO(media.read())))
    image = torch.from_numpy(pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD)))[None]
    with torch.inference_mode():
        out = model(**tokens, pixel_values=image)
    expected = torch.nn.functional.cosine_similarity(out.image_embeds, out.text_embeds)
    assert got == pytest.approx(float(expected[0]), abs=1e-5)
    tensor = run(opened(folder, f"&recipe=hpsv2&checkpoint={path}"), (prompt, media))
    assert tensor != pytest.approx([got], abs=1e-7)  # HPS v2 resizes otherwise


def test_clip_i_is_the_mean_cosine_with_the_references(folder: Path) -> None:  # noqa: F811
    scorer = opened(folder, "&recipe=clip-i")
    assert scorer.card.needs == {"reference"}

    def asked(shown: Media, *references: Media | str) -> Request:
        context = {"reference": content(*references)}
        return Request(
            "b", Sample(id="s", candidates=(content(shown),), labels=(), context=context), (0,)
        )

    asks = [
        asked(picture(1), picture(2), picture(3)),
        asked(picture(4), picture(2)),
        asked(picture(5), picture(5)),
    ]
    model = transformers.CLIPModel.from_pretrained(folder).eval()

    def seen(number: int) -> Any:
        rgb = np.asarray(Image.open(io.BytesIO(picture(number).read())))
        image = torch.from_numpy(pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD)))[None]
        with torch.inference_mode():
            return (
                model.vision_model(pixel_values=image).pooler_output
                @ model.visual_projection.weight.T
            )

    def cosine(one: int, two: int) -> float:
        return float(torch.nn.functional.cosine_similarity(seen(one), seen(two))[0])

    expected = [(cosine(1, 2) + cosine(1, 3)) / 2, cosine(4, 2), 1.0]
    outcomes = scorer.score([scorer.prepare(one) for one in asks])
    assert [o.values["overall"] for o in outcomes] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(MediaError, match="reference holds no picture"):
        scorer.prepare(asked(picture(1), "only words"))


def test_the_lambda_harmonic_reward_of_both_alignments(folder: Path) -> None:  # noqa: F811
    """1 / (lambda / a + (1 - lambda) / b), a of the references and b of the prompt."""
    model = f"clip:{folder}?dtype=float32&recipe="
    parts = {name: default().scorer(f"{model}{name}") for name in ("clip-i", "antonym")}
    both = default().scorer(f"combine:{model}clip-i|{model}antonym?rule=harmonic&weights=0.3,0.7")
    context = {"reference": content(picture(2))}
    sample = Sample(
        id="s", prompt=content("a"), candidates=(content(picture(1)),), labels=(), context=context
    )
    values = {}
    for name, scorer in {**parts, "both": both}.items():
        scorer.open(Device("cpu"))
        (outcome,) = scorer.score([scorer.prepare(Request("b", sample, (0,)))])
        values[name] = outcome.values["overall"]
    assert values["both"] == pytest.approx(1 / (0.3 / values["clip-i"] + 0.7 / values["antonym"]))
