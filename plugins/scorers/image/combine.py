"""``combine:A|B|...``: several scorers as one, by a weighted mean or a weighted harmonic mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    UsageError,
    default,
)
from prefgauge.registry.scorer import Scorer

__all__ = ["CombinedScorer"]


class CombinedScorer(PointwiseScorer[tuple[Any, ...]]):
    """One value from the main values of several pointwise scorers of any modality.

    Address: ``combine:ssim|psnr?weights=0.7,0.3``. The last ``?`` belongs to the combination:
    where a part has options of its own, end with one (``combine:dnsmos?main=p808|snr?rule=mean``).
    Options:

    rule: ``mean`` (sum of weight times value, the default), or ``harmonic``: the inverse of the
        sum of weight over value, which the weaker part rules. With two parts and weights
        lambda, 1 - lambda it is the lambda-harmonic reward of Miao et al., "Subject-driven
        text-to-image generation via preference-based reinforcement learning", NeurIPS 2024,
        arXiv 2407.12164.
        Its values must be positive.
    weights: one per part, not negative, by default equal; they are divided by their sum.

    A part where lower is better enters with its sign turned (mean) and is refused (harmonic).
    Values are combined in their own units: choose weights that bring them to one scale.
    """

    padded = False

    def __init__(self, address: Address) -> None:
        address.expect("rule", "weights")
        self.address = address
        names = [part for part in address.target.split("|") if part]
        if len(names) < 2:
            raise UsageError(f"Scorer {address}: name two or more scorers, joined by '|'.")
        self.parts: list[Scorer[Any]] = [default().scorer(name) for name in names]
        self.rule = address.get("rule", "mean")
        if self.rule not in {"mean", "harmonic"}:
            raise UsageError(f"Scorer {address}: rule is mean or harmonic, not {self.rule!r}.")
        self.weights = self._weights(address.get("weights", ""))
        cards = [part.card for part in self.parts]
        common = frozenset.intersection(*(card.modalities for card in cards))
        if not common or any(card.form != "pointwise" for card in cards):
            raise UsageError(f"Scorer {address}: its parts do not give values to the same media.")
        self.signs = [1.0 if card.dimensions[0].higher_is_better else -1.0 for card in cards]
        if self.rule == "harmonic" and min(self.signs) < 0:
            raise UsageError(f"Scorer {address}: in a harmonic mean higher must be better in all.")
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=common,
            reads=frozenset.intersection(*(card.reads for card in cards)),
            dimensions=(Dimension(),),
            fingerprint={
                "rule": self.rule,
                "weights": repr(self.weights),
                **{
                    f"{number}.{name}": value
                    for number, card in enumerate(cards)
                    for name, value in card.fingerprint.items()
                },
                "version": 1,
            },
            needs=frozenset.union(*(card.needs for card in cards)),
            keyed_by="id" if any(card.keyed_by == "id" for card in cards) else "content",
            summary=f"Weighted {self.rule} of {', '.join(names)}.",
        )

    def _weights(self, text: str) -> list[float]:
        try:
            given = [float(part) for part in text.split(",")] if text else [1.0] * len(self.parts)
        except ValueError:
            given = []
        total = sum(given)
        wrong = len(given) != len(self.parts) or any(not w >= 0.0 for w in given)
        if wrong or not 0.0 < total < math.inf:
            raise UsageError(
                f"Scorer {self.address}: weights must be {len(self.parts)} numbers >= 0, joined by "
                f"commas, got {text!r}."
            )
        return [weight / total for weight in given]

    def weight_bytes(self) -> int | None:
        """The sum over parts; unknown if one of them is."""
        known = [size for part in self.parts if (size := part.weight_bytes()) is not None]
        return sum(known) if len(known) == len(self.parts) else None

    def open(self, device: Device) -> None:
        """Open all parts."""
        for part in self.parts:
            part.open(device)

    def close(self) -> None:
        """Close all parts."""
        for part in self.parts:
            part.close()

    def prepare(self, request: Request) -> tuple[Any, ...]:
        """Each part's prepared form."""
        return tuple(part.prepare(request) for part in self.parts)

    def score(self, batch: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """Each part scores in batches of its own size; then the rule."""
        columns = []
        for number, part in enumerate(self.parts):
            items = [prepared[number] for prepared in batch]
            outcomes: list[Outcome] = []
            for start in range(0, len(items), part.batch_size):
                outcomes += part.score(items[start : start + part.batch_size])
            columns.append(outcomes)
        return [self._combined(row) for row in zip(*columns, strict=True)]

    def _combined(self, row: Sequence[Outcome]) -> Outcome:
        values = []
        for part, sign, outcome in zip(self.parts, self.signs, row):
            checked = outcome.checked("pointwise", 1)
            if checked.status != "ok":
                return Outcome(status=checked.status, reason=f"{part.card.name}: {checked.reason}")
            main = part.card.dimensions[0].name
            values.append(sign * checked.values.get(main, next(iter(checked.values.values()))))
        if self.rule == "mean":
            return Outcome.score(sum(w * v for w, v in zip(self.weights, values)))
        if min(values) <= 0.0:
            return Outcome.failed(f"a harmonic mean needs positive values, got {values}")
        return Outcome.score(1.0 / sum(w / v for w, v in zip(self.weights, values)))
