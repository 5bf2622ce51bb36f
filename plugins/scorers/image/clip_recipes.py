"""Recipes for CLIP-type scorers: which model, what text, which formula.

All recipes share one engine (:mod:`prefgauge.plugins.scorers.image.clip`), so that a difference
between two of them is a difference of model or formula and of nothing else. A plugin adds one as
a part named ``clip-recipe.NAME``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["RECIPES", "ClipRecipe", "Formula"]

#: (cosines with the texts, logit scale) -> value; the cosines are in the order of the texts.
Formula = Callable[[tuple[float, ...], float], float]


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """How a CLIP model's cosine becomes a score.

    Parameters
    ----------
    name, summary, licence, source: the recipe, one line for people, licence of the weights, and
        the paper or code that the formula follows.
    rule: the formula in words.
    model: Hub id of the published weights; empty if they are no transformers model.
    revision: commit of `model` that an address without a model of its own takes; empty: not
        pinned, the commit found at run time is recorded.
    base: Hub id whose configuration, tokenizer and image settings belong to `model`, where the
        model's own repository lacks them; `base_revision`: its commit.
    checkpoint: the file of weights that must be given (``checkpoint=PATH``), and where it is
        published; empty: none.
    texts: templates of the texts to compare with; ``{}`` is the prompt. Empty: no text is read.
    beside: name of the context whose pictures are compared with, instead of texts.
    formula: see :data:`Formula`; None where a trained head answers (``head=PATH``).
    resize: ``"pil"``: bicubic on 8-bit pixels (transformers, CLIP); ``"tensor"``: antialiased
        bicubic on floats, not clipped (torchvision on tensors, as HPSv2 does).
    scale: (lowest, highest) value.
    """

    name: str
    summary: str
    licence: str
    source: str
    rule: str
    model: str = ""
    revision: str = ""
    base: str = ""
    base_revision: str = ""
    checkpoint: str = ""
    texts: tuple[str, ...] = ("{}",)
    beside: str = ""
    formula: Formula | None = None
    resize: Literal["pil", "tensor"] = "pil"
    scale: tuple[float, float] | None = None

    def card(self) -> str:
        """Everything that a reader of results must know, in a few sentences."""
        pinned = f"revision {self.revision}" if self.revision else "revision not pinned"
        model = f" Model: {self.model} ({pinned})." if self.model else ""
        if self.base:
            pinned = f"revision {self.base_revision}" if self.base_revision else "not pinned"
            model = model[:-1] + f", tokenizer and image settings of {self.base} ({pinned})."
        if self.checkpoint:
            model += f" Weights: {self.checkpoint}."
        shown = "; ".join(f'"{text}"' for text in self.texts)
        text = f"Text: {shown}, cut to the model's limit, the end mark kept."
        if not self.texts:
            text = f"Beside: the pictures of {self.beside!r}." if self.beside else "Text: none."
        return (
            f"{self.summary}. {self.source}.{model} Picture: {_STEPS[self.resize]}. {text} Formula: "
            f"{self.rule}."
        )


_STEPS = {
    "pil": "shorter side to the model's size by Pillow's bicubic on 8 bits, middle square, the "
    "model's mean and deviation",
    "tensor": "shorter side to the model's size by antialiased bicubic on floats without clipping, "
    "middle square, the model's mean and deviation",
}


def _cosine(cosines: tuple[float, ...], scale: float) -> float:
    return cosines[0]


def _mean_cosine(cosines: tuple[float, ...], scale: float) -> float:
    return sum(cosines) / len(cosines)


def _clipscore(cosines: tuple[float, ...], scale: float) -> float:
    return 2.5 * max(cosines[0], 0.0)


def _logit(cosines: tuple[float, ...], scale: float) -> float:
    return scale * cosines[0]


def _first_of_two(cosines: tuple[float, ...], scale: float) -> float:
    """Softmax of two logits, first entry."""
    from math import exp

    difference = scale * (cosines[1] - cosines[0])
    return 1.0 / (1.0 + exp(difference)) if difference < 700.0 else 0.0


_B32 = ("openai/clip-vit-base-patch32", "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268")
_L14 = ("openai/clip-vit-large-patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41")
_H14 = ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "1c2b8495b28150b8a4922ee1c8edee224c284c0c")

COSINE = ClipRecipe(
    "cosine",
    "Plain cosine of picture and prompt embeddings",
    "that of the model",
    "Radford et al., ICML 2021",
    "cos",
    formula=_cosine,
    scale=(-1.0, 1.0),
)
CLIPSCORE = ClipRecipe(
    "clipscore",
    "CLIPScore: 2.5 max(cos, 0) with the prefix 'A photo depicts '",
    "MIT",
    "Hessel et al., EMNLP 2021, section 3",
    "2.5 max(cos, 0)",
    model=_B32[0],
    revision=_B32[1],
    texts=("A photo depicts {}",),
    formula=_clipscore,
    scale=(0.0, 2.5),
)
PICKSCORE = ClipRecipe(
    "pickscore",
    "PickScore: exp(logit scale) times cosine",
    "MIT",
    "Kirstain et al., NeurIPS 2023, eq. 1",
    "exp(logit scale) cos",
    model="yuvalkirstain/PickScore_v1",
    revision="a4e4367c6dfa7288a00c550414478f865b875800",
    base=_H14[0],
    base_revision=_H14[1],
    formula=_logit,
)
HPSV2 = ClipRecipe(
    "hpsv2",
    "HPS v2 / v2.1: cosine of a fine-tuned OpenCLIP ViT-H/14; give checkpoint=PATH",
    "Apache-2.0",
    "Wu et al., arXiv 2306.09341",
    "cos (the published tables show 100 cos)",
    model=_H14[0],
    revision=_H14[1],
    checkpoint="HPS_v2_compressed.pt or HPS_v2.1_compressed.pt (Hugging Face: xswu/HPSv2, "
    "revision 697403c78157020a1ae59d23f111aa58ced35b0a; the digest of the file given is recorded)",
    formula=_cosine,
    resize="tensor",
    scale=(-1.0, 1.0),
)
SOCIAL_REWARD = ClipRecipe(
    "social-reward",
    "Social Reward: cosine of a CLIP ViT-L/14 fine-tuned on remixes; give checkpoint=PATH",
    "none stated",
    "Isajanyan et al., ICLR 2024, arXiv 2402.09872; code Picsart-AI-Research/Social-Reward, "
    "src/validation.py (where equal scores count as right)",
    "cos",
    model=_L14[0],
    revision=_L14[1],
    checkpoint="a state dict of openai/CLIP's ViT-L/14 as the repository's training saves it (the "
    "repository holds none itself; the digest of the file given is recorded)",
    formula=_cosine,
    scale=(-1.0, 1.0),
)
CLIP_I = ClipRecipe(
    "clip-i",
    "CLIP-I: mean cosine of a picture and the reference pictures",
    "MIT",
    "Ruiz et al. (DreamBooth), CVPR 2023, section 4",
    "mean over the references of cos",
    model=_B32[0],
    revision=_B32[1],
    texts=(),
    beside="reference",
    formula=_mean_cosine,
    scale=(-1.0, 1.0),
)
AESTHETIC = ClipRecipe(
    "aesthetic",
    "LAION aesthetic: linear head on the normalised CLIP ViT-L/14 embedding; give head=PATH",
    "MIT (v1 head), Apache-2.0 (v2 head)",
    "christophschuhmann/improved-aesthetic-predictor (v2: sac+logos+ava1-l14-linearMSE.pth); "
    "LAION-AI/aesthetic-predictor (v1: sa_0_4_vit_l_14_linear.pth)",
    "the head's linear layers on the unit embedding, no activation between them",
    model=_L14[0],
    revision=_L14[1],
    texts=(),
)
ANTONYM = ClipRecipe(
    "antonym",
    "P('Good photo.') against 'Bad photo.': the antonym prompts of CLIP-IQA on a plain CLIP",
    "MIT",
    "Wang, Chan & Loy, AAAI 2023, eq. 2; theirs is a ResNet without position embedding",
    "softmax of exp(logit scale) cos over the two texts, first entry",
    model=_B32[0],
    revision=_B32[1],
    texts=("Good photo.", "Bad photo."),
    formula=_first_of_two,
    scale=(0.0, 1.0),
)

RECIPES = (COSINE, CLIPSCORE, PICKSCORE, HPSV2, SOCIAL_REWARD, CLIP_I, AESTHETIC, ANTONYM)
