"""Recipes: how to read a reward model whose head transformers has no class for, as small data.

A recipe names the body (loaded by ``AutoModel``, so no code of the model's own runs), the tensors
of the head in its safetensors, how they are combined, and the chat template if it is not the
tokenizer's. Other packages add theirs as parts ``recipe.NAME``. Use: ``hf:MODEL?recipe=NAME``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from prefgauge.registry import UsageError, default

__all__ = [
    "ARMORM",
    "BEAVER",
    "GRM",
    "HELPSTEER2",
    "INFORM",
    "QRM",
    "STEERLM",
    "ULTRARM",
    "HeadKind",
    "Recipe",
    "find_recipe",
]

#: linear: values = W h (+ b). mlp: linear layers with ReLU between. gated: one value per
#: objective, weighted by a gate that reads the prompt's last state. quantile: as gated, with
#: several quantiles per objective, whose mean is its value.
HeadKind: TypeAlias = Literal["linear", "mlp", "gated", "quantile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to read one kind of reward model.

    Parameters
    ----------
    summary: which models it is for.
    head: see :data:`HeadKind`.
    layers: tensor names of the value layers, first to last, without ``.weight``.
    gate: tensor names of the gate's layers, first to last (``gated``, ``quantile``).
    gate_norms: tensor names of the batch normalisations behind the gate's hidden layers (after
        their ReLU), one for each, or none.
    gate_back: the gate reads the state this many tokens before the answer's first one (5: the end
        of the user's turn in the Llama 3 template, before the assistant's heading).
    temperature: divides the gate's logits before the softmax.
    scale: tensor name of a number that multiplies the gate, or None.
    transform: tensor name of an (objectives, objectives) matrix applied to the values before
        they are weighted, or None.
    quantiles: values per objective (``quantile``); 0: as many as head and gate have room for.
    attributes: names of the values, in order; each becomes a dimension of the outcome.
    weights: the score is the weighted sum of the attributes; without them it is value `index`
        (or, for gated heads, the gated sum).
    index: which value is the score where there are several.
    template: chat template (see ``?template=``).
    unverified: facts written down from memory, not checked at the source.
    """

    summary: str
    head: HeadKind = "linear"
    layers: tuple[str, ...] = ("score",)
    gate: tuple[str, ...] = ()
    gate_norms: tuple[str, ...] = ()
    gate_back: int = 1
    temperature: float = 1.0
    scale: str | None = None
    transform: str | None = None
    quantiles: int = 1
    attributes: tuple[str, ...] = ()
    weights: Mapping[str, float] | None = None
    index: int = 0
    template: str = "auto"
    unverified: tuple[str, ...] = ()


_HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
_STEERLM = ("quality", "toxicity", "humor", "creativity", *_HELPSTEER)
_GATE = ("gating.layers.0", "gating.layers.1", "gating.layers.2", "gating.layers.3")

# checked against the release's armo-rm/stage-2_train.py and the checkpoint's tensor names
ARMORM = Recipe(
    summary="ArmoRM (Wang et al. 2024): 19 objectives, gated by the prompt.",
    head="gated",
    layers=("regression_layer",),
    gate=_GATE,
    gate_back=5,
    temperature=10.0,
    scale="gating.logit_scale",
    transform="reward_transform_matrix",
    attributes=(
        *(f"helpsteer-{name}" for name in _HELPSTEER),
        "ultrafeedback-overall_score",
        "ultrafeedback-instruction_following",
        "ultrafeedback-truthfulness",
        "ultrafeedback-honesty",
        "ultrafeedback-helpfulness",
        "beavertails-is_safe",
        "prometheus-score",
        "argilla-overall_quality",
        "argilla-judge_lm",
        "code-complexity",
        "code-style",
        "code-explanation",
        "code-instruction-following",
        "code-readability",
    ),
)
# checked against the modeling code of QRM-Llama3.1-8B: its gate is Linear, ReLU, BatchNorm, thrice
QRM = Recipe(
    summary="QRM-Llama3.1-8B (Dorka 2024): quantile regression per objective, gated by the prompt.",
    head="quantile",
    layers=("regression_layer",),
    gate=("gating.layers.0", "gating.layers.3", "gating.layers.6", "gating.layers.9"),
    gate_norms=("gating.layers.2", "gating.layers.5", "gating.layers.8"),
    gate_back=5,
    temperature=10.0,
    scale="gating.logit_scale",
    transform="reward_transform_matrix",
    quantiles=0,
    unverified=("whether the Gemma model of the same family has this head",),
)
# order and weights: model card of Llama3-70B-SteerLM-RM
STEERLM = Recipe(
    summary="SteerLM regression heads: nine attributes; the score is HelpSteer2's weighting.",
    attributes=_STEERLM,
    weights={
        "helpfulness": 0.65,
        "correctness": 0.8,
        "coherence": 0.45,
        "complexity": 0.55,
        "verbosity": -0.4,
    },
)
# weights: model card of Nemotron-4-340B-Reward
HELPSTEER2 = Recipe(
    summary="Five HelpSteer2 attributes; the score is their weighting for Nemotron-4-340B.",
    attributes=_HELPSTEER,
    weights={
        "helpfulness": 0.3,
        "correctness": 0.74,
        "coherence": 0.46,
        "complexity": 0.47,
        "verbosity": -0.33,
    },
)
INFORM = Recipe(
    summary="INF-ORM: two linear layers with a ReLU between.",
    head="mlp",
    layers=("score.0", "score.2"),
)
GRM = Recipe(
    summary="GRM (Yang et al. 2024): a two-layer value head.",
    head="mlp",
    layers=("v_head.summary.0", "v_head.summary.2"),
)
ULTRARM = Recipe(
    summary="UltraRM and Eurus-RM: a linear regression head.",
    layers=("regression_head",),
)
BEAVER = Recipe(
    summary="Beaver reward and cost models: a linear score head.",
    layers=("score_head",),
    template="human",
    unverified=("the template",),
)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name: a registered part ``recipe.NAME``.

    Raises
    ------
    UnknownName: with the nearest names.
    UsageError: if the part is no recipe.
    """
    recipe = default().part(f"recipe.{name}")
    if not isinstance(recipe, Recipe):
        raise UsageError(f"The part recipe.{name} is {type(recipe).__name__}, not a Recipe.")
    return recipe
