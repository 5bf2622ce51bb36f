"""``gpm:MODEL``: the General Preference Model (Zhang et al. 2024): an embedding per answer, and a
skew-symmetric score of two embeddings, which can hold cyclic preferences that no single value per
answer can.

P(a beats b) = sigmoid(s(a, b) / tau), s(a, b) = v_a^T R v_b, with R block-diagonal of
2x2 rotations by 90 degrees, so that s(a, b) = -s(b, a).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import torch

__all__ = ["GeneralPreferenceScorer", "skew_score"]


def skew_score(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """s(a, b) = <R a, b> for rows of embeddings (n, 2k): the sum over j of
    a[2j] b[2j+1] - a[2j+1] b[2j], so that (1, 0) beats (0, 1)."""
    even, odd = slice(0, None, 2), slice(1, None, 2)
    terms = first[..., even] * second[..., odd] - first[..., odd] * second[..., even]
    return terms.sum(-1)


class GeneralPreferenceScorer(
    TokenScorer[tuple[Encoded, Encoded]], PairwiseScorer[tuple[Encoded, Encoded]]
):
    """P(first beats second) of a General Preference Model.

    Address: ``gpm:FOLDER-or-ID?option=value``: a sequence classifier whose 2k outputs are the
    embedding. Options besides those of ``hf:``:

    tau: temperature, > 0 (default 0.1).
    normalise: scale embeddings to length 1 (default true).

    Each answer of a batch is encoded once, in however many pairs it stands.
    """

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON, "tau", "normalise")
        self.address = address
        self.local = LocalModel(address)
        self.tau = address.get("tau", 0.1)
        self.normalise = address.get("normalise", True)
        if not self.tau > 0:
            raise UsageError(f"{address}: tau must be above 0.")
        self.card = ScorerCard(
            name=str(address),
            form="pairwise",
            fingerprint={
                **self.local.fingerprint(),
                "tau": self.tau,
                "normalise": self.normalise,
                "version": 1,
            },
            symmetric=True,
            summary="General Preference Model: skew-symmetric score of two embeddings.",
        )

    def open(self, device: Device) -> None:
        """Load the model.

        Raises
        ------
        ScorerError: if its number of outputs is odd.
        """
        from prefgauge.plugins.scorers.reward_models.heads import Classifier

        tokenizer = self.local.tokenizer()
        model = self.local.load("AutoModelForSequenceClassification", device)
        if model.config.num_labels % 2:
            raise ScorerError(
                f"{self.address}: a preference embedding has an even number of outputs, this "
                f"model has {model.config.num_labels}"
            )
        self.classifier = Classifier(model, tokenizer, self.local.running)
        self.serve(self.classifier)
        self.encoder = self.local.encoder(tokenizer, model.config, pair=self.classifier.whole)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("classifier", None)

    def prepare(self, request: Request) -> tuple[Encoded, Encoded]:
        """The tokens of both conversations."""
        return self.encoder.encode(request, 0), self.encoder.encode(request, 1)

    def conversations(self, prepared: tuple[Encoded, Encoded]) -> Sequence[Encoded]:
        """Both."""
        return prepared

    def score(self, batch: Sequence[tuple[Encoded, Encoded]]) -> list[Outcome]:
        """One probability per pair; exactly 0.5 for identical answers."""
        vectors: Any = self.classifier.logits([item for pair in batch for item in pair]).double()
        if self.normalise:
            vectors = vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        probabilities = (skew_score(vectors[0::2], vectors[1::2]) / self.tau).sigmoid().tolist()
        out = []
        for p, (first, second) in zip(probabilities, batch):
            extra: dict[str, Any] = {"tokens": len(first.ids) + len(second.ids)}
            if first.cut or second.cut:
                extra["truncated"] = first.cut + second.cut
            out.append(Outcome.preference(p, extra=extra))
        return out
