"""Recipes for vision-language reward models whose score comes from a small head on the states of
a chat model. A plugin adds one as a part named ``vlm-recipe.NAME``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from prefgauge.plugins.scorers.vlm_rewards.inputs import FrameRule, at_rate, evenly, spaced
from prefgauge.plugins.scorers.vlm_rewards.published import PublishedPrompt
from prefgauge.registry import Dimension

__all__ = ["RECIPES", "Rule", "VlmRecipe"]

#: Values by the recipe's output names -> (dimensions, facts for the record).
Rule: TypeAlias = Callable[[Mapping[str, float]], tuple[Mapping[str, float], Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VlmRecipe:
    """How to read one kind of vision-language reward model.

    Parameters
    ----------
    name, summary, licence, source, homepage: the recipe, one line for people, licence of the
        published weights, paper and code that it follows, where the weights are.
    model: Hub id of the published weights; `revision`: their commit, empty where none is pinned
        (the commit found at run time is recorded).
    base: Hub id of the model whose configuration, tokenizer and image settings belong to the
        weights; empty: the weights' own repository has them.
    kind: what is judged.
    prompt: the text of its training; `chat`: whether that goes through the chat template.
    tokens: tokens added to the tokenizer, in order, at which the head reads; empty: the head
        reads at the last token of the input.
    head: tensor names of its linear layers, first to last, without ``.weight``; ReLU between.
    outputs: names of the head's values: one for each token, or all at the one place.
    norms: output -> (mean, deviation) that its value is normalised by.
    rule: from the values to the dimensions; see :data:`Rule`.
    dimensions: what the rule gives, the main one first.
    pixels: (least, most) pixels of a picture or frame, to which it is resized in multiples of
        28; None: by the model's own image settings.
    frames: which frames of a video are looked at.
    sequential: token positions simply count up, as where the authors' code bypasses the
        multimodal positions of their base model.
    steps, formula: preprocessing and formula in words.
    unverified: facts that nobody could check at the source.
    """

    name: str
    summary: str
    licence: str
    source: str
    homepage: str
    model: str
    revision: str = ""
    base: str = ""
    kind: Literal["image", "video"]
    prompt: PublishedPrompt
    chat: bool = True
    tokens: tuple[str, ...] = ()
    head: tuple[str, ...]
    outputs: tuple[str, ...]
    norms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rule: Rule
    dimensions: tuple[Dimension, ...]
    pixels: tuple[int, int] | None = None
    frames: FrameRule | None = None
    sequential: bool = False
    steps: str
    formula: str
    unverified: tuple[str, ...] = ()

    def card(self) -> str:
        """Everything that a reader of results must know, in a few sentences."""
        pinned = f"revision {self.revision}" if self.revision else "revision not pinned"
        base = f", configuration and tokenizer of {self.base}" if self.base else ""
        doubt = f" Unverified: {'; '.join(self.unverified)}." if self.unverified else ""
        return (
            f"{self.summary}. {self.source}. Weights: {self.model} ({pinned}){base}. Input: "
            f"{self.steps}. Prompt: {', '.join(self.prompt.names)} of {self.prompt.url}. "
            f"Formula: {self.formula}.{doubt}"
        )


def _hpsv3(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean is the score; the deviation, whose logarithm the head gives, is recorded."""
    return {"overall": values["mu"]}, {"sigma": math.exp(min(values["log_sigma"], 700.0))}


def _sum(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    return {"overall": sum(values.values()), **values}, {}


def _mean(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    return {"overall": sum(values.values()) / len(values), **values}, {}


_RAW = "https://raw.githubusercontent.com"
_PATCH = 28 * 28

HPSV3 = VlmRecipe(
    name="hpsv3",
    summary="HPSv3: Qwen2-VL-7B with an uncertainty head, read at <|Reward|>",
    licence="MIT",
    source="Ma et al., ICCV 2025, arXiv 2508.03789; code MizzenAI/HPSv3",
    homepage="https://huggingface.co/MizzenAI/HPSv3",
    model="MizzenAI/HPSv3",
    revision="4f81e3e09edd82fe3c5f636444c721b592a735ca",
    base="Qwen/Qwen2-VL-7B-Instruct",
    kind="image",
    prompt=PublishedPrompt(
        f"{_RAW}/MizzenAI/HPSv3/72b7ebaf0fe76bce636b3f4997aee319d0f65aef"
        "/hpsv3/dataset/data_collator_qwen.py",
        ("INSTRUCTION", "prompt_with_special_token"),
    ),
    tokens=("<|Reward|>",),
    head=("rm_head.0", "rm_head.3", "rm_head.5"),
    outputs=("mu", "log_sigma"),
    rule=_hpsv3,
    dimensions=(Dimension(),),
    pixels=(256 * _PATCH, 256 * _PATCH),
    sequential=True,
    steps="picture before text in one user turn of the chat template; Pillow bicubic to about "
    "200,704 pixels in multiples of 28, then the base model's normalisation and patches; "
    "sequential positions",
    formula="(mu, log sigma) = W3 relu(W2 relu(W1 h + b1) + b2) + b3, h the state at <|Reward|>; "
    "score mu, sigma in the record",
    unverified=(
        "that the prompt's constants stand in that file as plain texts",
        "the venue",
        "that the commit is the newest: it was seen in one public script",
    ),
)
VIDEOREWARD = VlmRecipe(
    name="videoreward",
    summary="VideoReward: Qwen2-VL-2B with LoRA, read at <|VQ_reward|>, <|MQ_reward|> and "
    "<|TA_reward|>",
    licence="Apache-2.0",
    source="Liu et al. 2025, arXiv 2501.13918; code KwaiVGI/VideoAlign",
    homepage="https://huggingface.co/KwaiVGI/VideoReward",
    model="KwaiVGI/VideoReward",
    base="Qwen/Qwen2-VL-2B-Instruct",
    kind="video",
    prompt=PublishedPrompt(
        f"{_RAW}/KwaiVGI/VideoAlign/3e5ebc600aebc4d28300e9132b0a23ee8e1bc47c/prompt_template.py",
        ("DETAILED_PROMPT_WITH_SPECIAL_TOKEN",),
    ),
    tokens=("<|VQ_reward|>", "<|MQ_reward|>", "<|TA_reward|>"),
    head=("rm_head",),
    outputs=("VQ", "MQ", "TA"),
    norms={"VQ": (3.6757, 2.2476), "MQ": (1.1646, 1.3811), "TA": (2.8105, 2.5121)},
    rule=_sum,
    dimensions=tuple(Dimension(name) for name in ("overall", "VQ", "MQ", "TA")),
    pixels=(128 * _PATCH, 200704),
    frames=at_rate(2.0),
    sequential=True,
    steps="2 frames per second, an even number of at least 4, evenly spaced from first to last; "
    "antialiased bicubic to 100,352..200,704 pixels a frame in multiples of 28; video before "
    "text in one user turn of the chat template; sequential positions",
    formula="each value is (w h - mean) / deviation, h the state at its token, mean and "
    "deviation from the checkpoint's model_config.json where it has them; overall is their sum",
    unverified=("means and deviations, which are those of a third party's copy",),
)
_ASPECTS = (
    "visual quality",
    "temporal consistency",
    "dynamic degree",
    "text-to-video alignment",
    "factual consistency",
)
VIDEOSCORE = VlmRecipe(
    name="videoscore",
    summary="VideoScore: Idefics2 with five regression outputs, trained on ratings from 1 to 4",
    licence="MIT",
    source="He et al., EMNLP 2024, arXiv 2406.15252; code TIGER-AI-Lab/VideoScore",
    homepage="https://huggingface.co/TIGER-Lab/VideoScore",
    model="TIGER-Lab/VideoScore",
    kind="video",
    prompt=PublishedPrompt(
        f"{_RAW}/TIGER-AI-Lab/VideoScore/4fcf5336af521c3e24c8b7e58d2c1144ead1680d"
        "/benchmark/utils_tools.py",
        ("REGRESSION_QUERY_PROMPT",),
    ),
    chat=False,
    head=("score",),
    outputs=_ASPECTS,
    rule=_mean,
    dimensions=tuple(Dimension(name) for name in ("overall", *_ASPECTS)),
    frames=evenly(16),
    steps="16 frames at linspace(0, n - 1, 16) cut to whole numbers, repeated where there are "
    "fewer, as the benchmark script does; '<image> ' once per frame behind the text, no chat "
    "template; the model's own image settings",
    formula="the five values are W h + b, h the state of the last token; overall is their mean",
    unverified=("the licence",),
)
VIDEOSCORE_V1_1 = replace(
    VIDEOSCORE,
    name="videoscore-v1.1",
    summary="VideoScore v1.1: Idefics2 with five regression outputs, up to 48 frames",
    homepage="https://huggingface.co/TIGER-Lab/VideoScore-v1.1",
    model="TIGER-Lab/VideoScore-v1.1",
    frames=spaced(48),
    steps="all frames, or 48 at equal steps from the first where there are more, as the example "
    "script does; '<image> ' once per frame behind the text, no chat template; the model's own "
    "image settings",
)

RECIPES = (HPSV3, VIDEOREWARD, VIDEOSCORE, VIDEOSCORE_V1_1)
