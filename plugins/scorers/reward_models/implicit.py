"""``implicit:POLICY``: rewards implied by a language model's probabilities (DPO and its kin).

The methods are in :mod:`prefgauge.plugins.scorers.reward_models.implicit_rewards`; this module
gets the log-probabilities of the answer's tokens under the policy and, where the method has one,
under the reference model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefgauge.plugins.scorers.reward_models.encode import Encoded, Encoder
from prefgauge.plugins.scorers.reward_models.implicit_rewards import METHODS, Constants
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Address,
    Device,
    Outcome,
    PairwiseScorer,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    Text,
    UsageError,
)

if TYPE_CHECKING:
    from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

__all__ = ["Answer", "ImplicitModels", "ImplicitPairScorer", "ImplicitScorer"]

_OPTIONS = (*COMMON, "method", "reference", "reference_revision", "beta", "shift", "criteria")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer's tokens for the policy and, if there is one, for the reference model."""

    policy: Encoded
    reference: Encoded | None = None

    @property
    def longer(self) -> Encoded:
        """The reading with more tokens."""
        return max(self.policy, self.reference or self.policy, key=lambda item: len(item.ids))


class ImplicitModels:
    """Policy and reference of one address, and the rewards they imply.

    Raises
    ------
    UsageError: for an unknown method, or a reference that is missing or not used.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        reference = address.get("reference", "")
        name = address.get("method", "dpo" if reference else "simpo")
        if name not in METHODS:
            raise UsageError(
                f"{address}: unknown method {name!r}. Known: {', '.join(sorted(METHODS))}."
            )
        self.name, self.method = name, METHODS[name]
        if self.method.reference and not reference:
            raise UsageError(
                f"{address}: the method {name} compares with a reference model; add "
                "?reference=FOLDER-or-ID (the model the policy was trained from)."
            )
        if reference and not self.method.reference:
            raise UsageError(f"{address}: the method {name} uses no reference model.")
        self.constants = Constants(address.get("beta", 0.1), address.get("shift", 0.0))
        if not self.constants.beta > 0 or not math.isfinite(self.constants.beta):
            raise UsageError(f"{address}: beta must be a number above 0.")
        self.criteria = address.get("criteria", "")
        self.local = LocalModel(address)
        self.other = (
            LocalModel(address, reference, address.get("reference_revision", ""))
            if reference
            else None
        )

    def fingerprint(self) -> dict[str, Any]:
        """All that changes an answer."""
        return {
            **self.local.fingerprint(),
            "reference": self.other.source.identity if self.other else "",
            "method": self.name,
            "beta": self.constants.beta,
            "shift": self.constants.shift,
            "criteria": self.criteria,
            "version": 1,
        }

    def open(self, device: Device) -> None:
        """Load both models."""
        self.policy, self.encoder = _open(self.local, device)
        if self.other is not None:
            self.reference, self.reference_encoder = _open(self.other, device)

    def close(self) -> None:
        """Release both models."""
        for name in ("policy", "encoder", "reference", "reference_encoder"):
            self.__dict__.pop(name, None)

    def encode(self, request: Request, position: int = 0) -> Answer:
        """The tokens of one answer; criteria, if any, stand before the prompt as a system turn."""
        prompt = request.prompt
        if self.criteria:
            prompt = (Text(self.criteria, "system"), *prompt)
        parts = prompt, request.candidate(position), True, request.prompt_key()
        return Answer(
            _scorable(self.encoder.encode_parts(*parts)),
            _scorable(self.reference_encoder.encode_parts(*parts)) if self.other else None,
        )

    def rewards(self, answers: Sequence[Answer]) -> list[tuple[float, list[float]]]:
        """For each answer the reward, and the per-token rewards where the method has them and
        both models read the same tokens."""
        policy = _log_probs(self.policy, [answer.policy for answer in answers])
        reference: list[list[float]] = [[] for _ in answers]
        if self.other is not None:
            reference = _log_probs(
                self.reference, [answer.reference for answer in answers if answer.reference]
            )
        return [
            (self.method.function(p, r, self.constants), self._tokens(answer, p, r))
            for answer, p, r in zip(answers, policy, reference)
        ]

    def _tokens(self, answer: Answer, policy: list[float], reference: list[float]) -> list[float]:
        function = self.method.per_token
        if function is None or (answer.reference and answer.reference.ids != answer.policy.ids):
            return []
        pairs = zip(policy, reference or [0.0] * len(policy))
        return [function(p, r, self.constants, len(policy)) for p, r in pairs]


def _open(local: LocalModel, device: Device) -> tuple[LanguageModel, Encoder]:
    from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

    tokenizer = local.tokenizer()
    model = local.load("AutoModelForCausalLM", device)
    return LanguageModel(model, local.running), local.encoder(tokenizer, model.config, eos=True)


def _scorable(encoded: Encoded) -> Encoded:
    if len(encoded.ids) < 2:
        raise ScorerError("prompt and answer have one token together: nothing can be predicted")
    return encoded


def _log_probs(model: LanguageModel, encoded: Sequence[Encoded]) -> list[list[float]]:
    spans = [(max(1, item.start), len(item.ids)) for item in encoded]
    rows = model.log_probs([e.ids for e in encoded], spans, [e.share for e in encoded])
    return [row.tolist() for row in rows]


class ImplicitScorer(TokenScorer[Answer], PointwiseScorer[Answer]):
    """Rewards implied by probabilities, one per answer.

    Address: ``implicit:POLICY?reference=BASE&method=dpo&beta=0.1``. Options besides those of
    ``hf:`` (``index`` left out):

    method: ``dpo`` (default with a reference), ``ln-dpo``, ``kto``, ``bco``, ``cdr``, or without
        a reference ``simpo`` (default), ``orpo``, ``logp``, ``mean-logp``, ``perplexity``.
    reference: the model that the policy was trained from; `reference_revision` on the Hub.
    beta: temperature of the implied reward.
    shift: KTO's reference point or BCO's mean reward.
    criteria: a text put before the prompt as a system turn, for both models (``cdr``).
    tokens: record the per-token rewards of the answer as ``extra["token_rewards"]`` (masks as in
        SparsePO can be read off them).

    The answer's tokens include what the chat template puts at the end of a turn, as in training.
    """

    def __init__(self, address: Address) -> None:
        address.expect(*_OPTIONS, "tokens")
        self.models = ImplicitModels(address)
        self.tokens = address.get("tokens", False)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            fingerprint={**self.models.fingerprint(), "tokens": self.tokens},
            summary="Reward implied by a language model's probabilities.",
        )

    def open(self, device: Device) -> None:
        """Load the models."""
        self.models.open(device)
        self.serve(self.models.policy)

    def close(self) -> None:
        """Release the models."""
        self.models.close()

    def prepare(self, request: Request) -> Answer:
        """The answer's tokens."""
        return self.models.encode(request)

    def conversations(self, prepared: Answer) -> Sequence[Encoded]:
        """The longer of the two readings."""
        return (prepared.longer,)

    def score(self, batch: Sequence[Answer]) -> list[Outcome]:
        """One reward per answer."""
        return [
            Outcome.score(reward, extra=self._extra(answer, tokens))
            for answer, (reward, tokens) in zip(batch, self.models.rewards(batch))
        ]

    def _extra(self, answer: Answer, tokens: list[float]) -> dict[str, Any]:
        extra = answer.policy.facts
        if self.tokens and tokens:
            extra["token_rewards"] = [round(value, 6) for value in tokens]
        return extra


class ImplicitPairScorer(TokenScorer[tuple[Answer, Answer]], PairwiseScorer[tuple[Answer, Answer]]):
    """P(first beats second) = sigmoid of the difference of implied rewards (Bradley-Terry), the
    preference label that a model gives by its own logits (Selfee, Kim et al. 2024).

    Address: ``implicit-pair:POLICY?...`` with the options of ``implicit:`` and

    smoothing: share in 0..0.5 of labels taken to be flipped: P becomes (1 - s) P + s (1 - P).
    """

    def __init__(self, address: Address) -> None:
        address.expect(*_OPTIONS, "smoothing")
        self.models = ImplicitModels(address)
        self.smoothing = address.get("smoothing", 0.0)
        if not 0.0 <= self.smoothing < 0.5:
            raise UsageError(f"{address}: smoothing must be at least 0 and below 0.5.")
        self.card = ScorerCard(
            name=str(address),
            form="pairwise",
            fingerprint={**self.models.fingerprint(), "smoothing": self.smoothing},
            symmetric=True,
            summary="Preference implied by a language model's probabilities.",
        )

    def open(self, device: Device) -> None:
        """Load the models."""
        self.models.open(device)
        self.serve(self.models.policy)

    def close(self) -> None:
        """Release the models."""
        self.models.close()

    def prepare(self, request: Request) -> tuple[Answer, Answer]:
        """Both answers' tokens."""
        return self.models.encode(request, 0), self.models.encode(request, 1)

    def conversations(self, prepared: tuple[Answer, Answer]) -> Sequence[Encoded]:
        """The longer reading of each answer."""
        return [answer.longer for answer in prepared]

    def score(self, batch: Sequence[tuple[Answer, Answer]]) -> list[Outcome]:
        """One probability per pair."""
        rewards = self.models.rewards([answer for pair in batch for answer in pair])
        out = []
        for index, pair in enumerate(batch):
            first, second = rewards[2 * index][0], rewards[2 * index + 1][0]
            p = 1 / (1 + math.exp(-max(-700.0, min(700.0, first - second))))
            p = (1 - self.smoothing) * p + self.smoothing * (1 - p)
            extra = {"tokens": sum(len(answer.policy.ids) for answer in pair)}
            if cut := sum(answer.policy.cut for answer in pair):
                extra["truncated"] = cut
            out.append(Outcome.preference(p, extra=extra))
        return out
