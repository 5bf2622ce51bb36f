"""Recipes for scorers that ask a vision-language model one question and read probabilities.

Nothing is generated: the score is a formula of the probabilities of given answers. A plugin adds
a recipe as a part named ``vqa-recipe.NAME``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RECIPES", "VqaRecipe"]


@dataclass(frozen=True, slots=True)
class VqaRecipe:
    """A question, the answers looked for, and what they are worth.

    Parameters
    ----------
    name, summary, licence, source: the recipe, one line for people, licence of the published
        weights, and the paper it follows.
    question: what the user asks beside the picture; ``{}`` is the prompt.
    begin: words put into the assistant's mouth before the answer.
    answers: what may follow, each with its leading space where one belongs.
    worth: value of each answer: the score is the mean of the values under a softmax over the
        answers' first tokens. None: the score is the geometric mean probability of the tokens
        of the only answer, among all that the model could say.
    scale: (lowest, highest) value.
    """

    name: str
    summary: str
    licence: str
    source: str
    question: str
    answers: tuple[str, ...]
    begin: str = ""
    worth: tuple[float, ...] | None = None
    scale: tuple[float, float] = (0.0, 1.0)

    def card(self) -> str:
        """Everything but the model that a reader of results must know, in a few sentences."""
        said = ", ".join(f"{answer!r}" for answer in self.answers)
        formula = f"geometric mean of the probabilities of the tokens of {said}"
        if self.worth is not None:
            formula = f"mean of {list(self.worth)} under a softmax over the first tokens of {said}"
        begin = f" The answer begins {self.begin!r}." if self.begin else ""
        return (
            f"{self.summary}. {self.source}. Picture: by the model's own settings, before the text "
            f"in one user turn of its chat template. Question: {self.question!r}.{begin} Formula: "
            f"{formula}."
        )


VQASCORE = VqaRecipe(
    "vqascore",
    "VQAScore: probability of 'Yes' to whether the picture shows the prompt",
    "that of the model; the paper's clip-flant5-xxl is Apache-2.0",
    "Lin et al., ECCV 2024, eq. 1",
    question='Does this figure show "{}"? Please answer yes or no.',
    answers=("Yes",),
)
YES_NO = VqaRecipe(
    "yes-no",
    "'Yes' against 'No' to whether the picture shows the prompt",
    "that of the model",
    "softmax over the two answers alone; differs from VQAScore by what else may be said",
    question='Does this figure show "{}"? Please answer yes or no.',
    answers=("Yes", "No"),
    worth=(1.0, 0.0),
)
_LEVELS = (" excellent", " good", " fair", " poor", " bad")
QALIGN = VqaRecipe(
    "qalign",
    "Q-Align quality: mean of 5..1 under a softmax over excellent, good, fair, poor, bad",
    "that of the model; q-future/one-align itself needs its own code and is not loaded here",
    "Wu et al., ICML 2024, eq. 1 and 2",
    question="How would you rate the quality of this image?",
    begin="The quality of the image is",
    answers=_LEVELS,
    worth=(5.0, 4.0, 3.0, 2.0, 1.0),
    scale=(1.0, 5.0),
)
QALIGN_AESTHETIC = VqaRecipe(
    "qalign-aesthetic",
    "Q-Align aesthetics: mean of 5..1 under a softmax over excellent, good, fair, poor, bad",
    "that of the model",
    "Wu et al., ICML 2024, eq. 1 and 2",
    question="How would you rate the aesthetics of this image?",
    begin="The aesthetics of the image is",
    answers=_LEVELS,
    worth=(5.0, 4.0, 3.0, 2.0, 1.0),
    scale=(1.0, 5.0),
)

RECIPES = (VQASCORE, YES_NO, QALIGN, QALIGN_AESTHETIC)
