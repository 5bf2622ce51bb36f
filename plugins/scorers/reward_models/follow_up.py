"""``flr:MODEL``: follow-up likelihood as reward (Zhang et al. 2024).

A language model reads prompt and answer and is asked how likely the user's next words are: those
of a contented user raise the reward, those of a discontented one lower it. No training, no
generation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefgauge.plugins.scorers.reward_models.chat import turns_of, with_context
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.implicit_rewards import follow_up
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Address,
    Device,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
)
from prefgauge.registry.content import digest

__all__ = ["BAD", "GOOD", "FollowUpScorer", "FollowUps"]

GOOD = (
    "Thank you, that is just what I needed.",
    "That makes sense, and I learned something.",
    "Great answer, please go on.",
)
BAD = (
    "That is not what I asked for.",
    "I do not think that is right.",
    "This does not help me at all.",
)


@dataclass(frozen=True, slots=True)
class FollowUps:
    """The conversation with each follow-up, contented ones first."""

    encoded: tuple[Encoded, ...]


class FollowUpScorer(TokenScorer[FollowUps], PointwiseScorer[FollowUps]):
    """Mean log-likelihood per token of contented follow-ups, minus that of discontented ones.

    Address: ``flr:FOLDER-or-ID?option=value``. Options besides those of ``hf:``:

    good, bad: follow-ups of your own, joined by ``|``.

    Prompt and answer are encoded once for all follow-ups. What does not fit the model is refused,
    since a cut would take from the answer.
    """

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON, "good", "bad")
        self.address = address
        self.local = LocalModel(address)
        self.good = tuple(t for t in address.get("good", "|".join(GOOD)).split("|") if t)
        self.bad = tuple(t for t in address.get("bad", "|".join(BAD)).split("|") if t)
        if not self.good or not self.bad:
            raise UsageError(f"{address}: there must be at least one good and one bad follow-up.")
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            fingerprint={
                **self.local.fingerprint(),
                "good": "|".join(self.good),
                "bad": "|".join(self.bad),
                "version": 1,
            },
            summary="Follow-up likelihood as reward.",
        )

    def open(self, device: Device) -> None:
        """Load the model."""
        from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

        tokenizer = self.local.tokenizer()
        model = self.local.load("AutoModelForCausalLM", device)
        self.model = LanguageModel(model, self.local.running)
        self.encoder = self.local.encoder(tokenizer, model.config)
        self.serve(self.model)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> FollowUps:
        """The conversation with each follow-up.

        Raises
        ------
        ScorerError: if one does not fit the model.
        """
        prompt = with_context(request.prompt, request.context, self.local.context)
        turns = turns_of(prompt, request.candidate())
        share = request.prompt_key() + digest(request.candidate())
        encoded = []
        for text in (*self.good, *self.bad):
            item = self.encoder.encode_turns(
                [*turns, {"role": "user", "content": text}], find_start=True, share=share
            )
            if item.cut:
                raise ScorerError(
                    f"prompt, answer and follow-up have {len(item.ids) + item.cut} tokens and the "
                    f"model takes {self.encoder.limit}; an answer is never cut"
                )
            encoded.append(item)
        return FollowUps(tuple(encoded))

    def cost(self, prepared: FollowUps) -> int:
        """Tokens: the conversation once, and every follow-up."""
        first = prepared.encoded[0]
        return first.start + sum(len(item.ids) - item.start for item in prepared.encoded)

    def conversations(self, prepared: FollowUps) -> Sequence[Encoded]:
        """All of them."""
        return prepared.encoded

    def score(self, batch: Sequence[FollowUps]) -> list[Outcome]:
        """One reward per answer."""
        flat = [item for prepared in batch for item in prepared.encoded]
        rows = self.model.log_probs(
            [item.ids for item in flat],
            [(max(1, item.start), len(item.ids)) for item in flat],
            [item.share for item in flat],
        )
        logs = iter([row.tolist() for row in rows])
        out = []
        for prepared in batch:
            mine = [next(logs) for _ in prepared.encoded]
            reward = follow_up(mine[: len(self.good)], mine[len(self.good) :])
            out.append(Outcome.score(reward, extra={"tokens": self.cost(prepared)}))
        return out
