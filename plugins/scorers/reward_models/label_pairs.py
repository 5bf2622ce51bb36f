"""``pair-lm:MODEL``: preference by the logits of two label tokens.

The model reads prompt and both answers in one turn and would next write a label, such as ``A`` or
``B``; P(first) is the softmax over the two labels' logits. Nothing is generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefgauge.plugins.scorers.reward_models.chat import text_only, turns_of, with_context
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Address,
    Device,
    Outcome,
    PairwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
)

__all__ = ["LAYOUTS", "LabelPairScorer"]

_TRIES = 6  # shortening changes how the rest is tokenised, so it may take more than one round

#: Input layouts by name; ``brackets`` is the one that the published preference models of the
#: RLHFlow family were trained on.
LAYOUTS = {
    "brackets": "[CONTEXT] {context} [RESPONSE A] {first} [RESPONSE B] {second} \n",
    "plain": "{context}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\nThe better answer is:",
}


class LabelPairScorer(TokenScorer[Encoded], PairwiseScorer[Encoded]):
    """P(first beats second) by label logits.

    Address: ``pair-lm:FOLDER-or-ID?option=value``. Options besides those of ``hf:``:

    layout: ``brackets`` or ``plain``; see :data:`LAYOUTS`.
    labels: the two labels, comma-separated (default ``A,B``); each must be one token.
    """

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON, "layout", "labels")
        self.address = address
        self.local = LocalModel(address)
        name = address.get("layout", "brackets")
        if name not in LAYOUTS:
            raise UsageError(f"{address}: unknown layout {name!r}. Known: {', '.join(LAYOUTS)}.")
        self.layout = LAYOUTS[name]
        self.labels = address.get("labels", "A,B").split(",")
        if len(self.labels) != 2 or self.labels[0] == self.labels[1]:
            raise UsageError(f"{address}: labels must be two different words, such as A,B.")
        self.card = ScorerCard(
            name=str(address),
            form="pairwise",
            fingerprint={
                **self.local.fingerprint(),
                "layout": name,
                "labels": ",".join(self.labels),
                "version": 1,
            },
            summary="Preference by the logits of two label tokens.",
        )

    def open(self, device: Device) -> None:
        """Load the model and find the label tokens.

        Raises
        ------
        ScorerError: if a label is not one token.
        """
        from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

        self.tokenizer: Any = self.local.tokenizer()
        model = self.local.load("AutoModelForCausalLM", device)
        self.model = LanguageModel(model, self.local.running)
        self.encoder = self.local.encoder(self.tokenizer, model.config, generation=True)
        self.limit, self.encoder.limit = self.encoder.limit, None  # cut here, not in the middle
        self.tokens = []
        for label in self.labels:
            ids = self.encoder.tokens(label, False)[0]
            if len(ids) != 1:
                raise ScorerError(
                    f"{self.address}: the label {label!r} is {len(ids)} tokens for this model; "
                    "choose others with ?labels=X,Y"
                )
            self.tokens.append(ids[0])
        self.serve(self.model)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Encoded:
        """The tokens of the question; a prompt that is too long loses its middle.

        Raises
        ------
        ScorerError: if the answers alone do not fit the model.
        """
        turns = turns_of(with_context(request.prompt, request.context, self.local.context))
        single = len(turns) == 1 and turns[0]["role"] == "user"
        context = (
            turns[0]["content"]
            if single
            else "\n\n".join(f"{t['role'].capitalize()}: {t['content']}" for t in turns)
        )
        answers = [text_only(request.candidate(i), "candidate") for i in (0, 1)]
        share = request.prompt_key()
        whole = encoded = self._encode(context, answers, share)
        for _ in range(_TRIES):
            over = 0 if self.limit is None else len(encoded.ids) - self.limit
            if over <= 0:
                cut = len(whole.ids) - len(encoded.ids)
                return replace(encoded, cut=cut, share=share if not cut else None)
            context = self._shorten(context, over)
            encoded = self._encode(context, answers, share)
        raise ScorerError(
            f"the question has {len(whole.ids)} tokens and the model takes {self.limit}: the "
            "answers alone do not fit, and an answer is never cut"
        )

    def _encode(self, context: str, answers: Sequence[str], share: str) -> Encoded:
        text = self.layout.format(context=context, first=answers[0], second=answers[1])
        return self.encoder.encode_turns([{"role": "user", "content": text}], share=share)

    def _shorten(self, context: str, tokens: int) -> str:
        """The context without about `tokens` tokens of its middle."""
        ids, offsets = self.encoder.tokens(context, False)
        if offsets is None or tokens >= len(ids):
            return ""
        keep = len(ids) - tokens
        head = keep // 2
        tail = len(ids) - (keep - head)
        return (
            context[: offsets[head][0]]
            + context[offsets[tail][0] if tail < len(ids) else len(context) :]
        )

    def conversations(self, prepared: Encoded) -> Sequence[Encoded]:
        """The question itself."""
        return (prepared,)

    def score(self, batch: Sequence[Encoded]) -> list[Outcome]:
        """One probability per shown pair."""
        logits = self.model.next_logits(
            [item.ids for item in batch], self.tokens, [item.share for item in batch]
        )
        first = logits.double().softmax(-1)[:, 0].tolist()
        return [Outcome.preference(p, extra=item.facts) for p, item in zip(first, batch)]
