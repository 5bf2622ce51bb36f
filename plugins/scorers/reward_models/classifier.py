"""``hf:MODEL``: sequence-classification reward models of transformers.

One value per candidate: the model's logit at the last token of the conversation, found by
length (never by the padding id). Causal models run packed with the prompt shared between its
candidates; encoders run whole, padded on the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.plugins.scorers.reward_models.recipes import find_recipe
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prefgauge.plugins.scorers.reward_models.heads import Lot

__all__ = ["ClassifierScorer"]


class ClassifierScorer(TokenScorer[Encoded], PointwiseScorer[Encoded]):
    """A sequence-classification reward model.

    Address: ``hf:FOLDER-or-ID?option=value``. Options:

    dtype: ``auto``, ``float32``, ``bfloat16``, ``float16``; the score head is always float32.
    revision: branch, tag or commit on the Hub; resolved to a commit.
    max_length: most tokens of a conversation; by default what the model was built for. A longer
        prompt loses tokens from its middle, recorded as ``extra["truncated"]``; an answer that is
        too long by itself is refused.
    index: which output is the score, for models with several.
    recipe: name of a recipe, for models whose head transformers has no class for (``armorm``,
        ``qrm``, ``steerlm``...); see :mod:`prefgauge.plugins.scorers.reward_models.recipes`.
    template: ``auto`` (the tokenizer's chat template, else ``pair`` for encoders and ``plain``
        for language models), ``model``, ``pair``, ``plain``, ``human``, ``bare``, or a Jinja file.
    context: comma-separated names of context to show before the prompt (``documents,profile``).
    trust_remote_code: run Python code that comes with the model. Off unless named.
    pickle: read weights that are no safetensors. Off unless named.
    way: ``auto``, ``packed``, ``padded`` or ``single``; see
        :mod:`prefgauge.plugins.scorers.reward_models.backbone`.
    compile: compile the layers with ``torch.compile`` (packed models only). Off unless named.
    batch_tokens: most tokens of one batch; by default found by a probe of the device's memory.
    """

    represents = True
    stages = True

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON, "index", "recipe")
        self.address = address
        name = address.get("recipe", "")
        self.recipe = find_recipe(name) if name else None
        self.local = LocalModel(address, template=self.recipe.template if self.recipe else "auto")
        self.index = address.get("index", -1)
        attributes = self.recipe.attributes if self.recipe else ()
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            dimensions=tuple(Dimension(name) for name in ("overall", *attributes)),
            fingerprint={
                **self.local.fingerprint(),
                "index": self.index,
                "recipe": repr(self.recipe) if self.recipe else "",
                "version": 1,
            },
            summary=self.recipe.summary
            if self.recipe
            else "Sequence-classification reward model: the logit at the last token.",
        )

    def open(self, device: Device) -> None:
        """Load tokenizer and weights, and choose the fastest way that is exact for this model."""
        tokenizer = self.local.tokenizer()
        if self.recipe is not None:
            self._open_recipe(tokenizer, device)
            return
        from prefgauge.plugins.scorers.reward_models.heads import Classifier

        model = self.local.load("AutoModelForSequenceClassification", device)
        labels = int(model.config.num_labels)
        if self.index < 0 and labels != 1:
            names = dict(model.config.id2label)
            raise ScorerError(
                f"{self.address}: the model has {labels} outputs, {names}; choose the score with "
                "?index=NUMBER, or name its ?recipe="
            )
        if self.index >= labels:
            raise ScorerError(f"{self.address}: index {self.index}, but {labels} outputs.")
        self.classifier = Classifier(model, tokenizer, self.local.running)
        self.serve(self.classifier)
        self.encoder = self.local.encoder(tokenizer, model.config, pair=self.classifier.whole)

    def _open_recipe(self, tokenizer: Any, device: Device) -> None:
        from prefgauge.plugins.scorers.reward_models.recipe_model import RecipeModel

        assert self.recipe is not None
        body = self.local.load("AutoModel", device)
        if self.index >= 0:
            self.recipe = replace(self.recipe, index=self.index, weights=None)
        self.model = RecipeModel(body, self.local.source, self.recipe, self.local.running)
        self.serve(self.model)
        self.encoder = self.local.encoder(tokenizer, body.config)

    def close(self) -> None:
        """Release the weights."""
        for name in ("classifier", "model", "encoder"):
            self.__dict__.pop(name, None)

    def prepare(self, request: Request) -> Encoded:
        """The conversation's tokens."""
        return self.encoder.encode(request, find_start=self.recipe is not None)

    def conversations(self, prepared: Encoded) -> Sequence[Encoded]:
        """The conversation itself."""
        return (prepared,)

    def stage(self, batch: Sequence[Encoded]) -> Lot:
        """The batch laid out, each different conversation once, on its way to the device."""
        return (self.model if self.recipe is not None else self.classifier).stage(batch)

    def score(self, batch: Sequence[Encoded]) -> list[Outcome]:
        """One value per conversation, and the attributes where a recipe names them."""
        return self.score_staged(batch, self.stage(batch))

    def score_staged(self, batch: Sequence[Encoded], staged: Lot) -> list[Outcome]:
        """:meth:`score` of a staged batch."""
        if self.recipe is not None:
            rows = self.model.run(staged).tolist()
            return [
                Outcome.score(dict(zip(self.model.names, row)), extra=item.facts)
                for row, item in zip(rows, batch)
            ]
        values = self.classifier.run(staged)[:, max(self.index, 0)].tolist()
        return [Outcome.score(value, extra=item.facts) for value, item in zip(values, batch)]

    def represent(self, batch: Sequence[Encoded]) -> NDArray[np.float32]:
        """What the head reads of each conversation, shape (conversations, hidden size)."""
        from prefgauge.plugins.scorers.reward_models.representations import conversation_states

        return conversation_states(self.classifier if self.recipe is None else self.model, batch)
