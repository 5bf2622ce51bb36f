"""One scorer's answers to one sample, oriented: higher is better."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from prefgauge.registry.cards import Form
from prefgauge.registry.evidence import FAILED, INVALID, OK
from prefgauge.registry.outcome import Outcome
from prefgauge.runners.adapters import bradley_terry, order_scores

__all__ = ["WINNERS", "Answers", "Shown"]

Shown = tuple[int, ...]
#: P(the first is better) -> the class of a verdict.
WINNERS = {1.0: "first", 0.0: "second", 0.5: "tie"}
_STATUS = {"ok": OK, "invalid": INVALID, "failed": FAILED}


class Answers:
    """A scorer's answers to one sample on one dimension, oriented."""

    def __init__(
        self, k: int, form: Form, name: str, sign: float, outcomes: Mapping[Shown, Outcome]
    ) -> None:
        self.k, self.form, self.name, self.sign = k, form, name, sign
        self.outcomes = outcomes
        self._adapted: list[float] | None = None

    def _value(self, shown: Shown) -> float:
        outcome = self.outcomes.get(shown)
        if outcome is None or outcome.status != "ok":
            return math.nan
        value = outcome.values.get(self.name)
        if value is None:  # a scorer with one value may leave it unnamed
            value = next(iter(outcome.values.values())) if len(outcome.values) == 1 else math.nan
        return value

    def score(self, i: int, adapt: bool = False) -> float:
        """The oriented score of candidate i; NaN for a pairwise scorer unless `adapt` asks for
        its Bradley-Terry strength."""
        if self.form == "pointwise":
            return self.sign * self._value((i,))
        if self.form == "pairwise" and not adapt:
            return math.nan
        if self._adapted is None:
            self._adapted = self._adapt()
        return self._adapted[i]

    def _adapt(self) -> list[float]:
        if self.form == "pairwise":
            p = {(s[0], s[1]): self._p(s) for s in self.outcomes if len(s) == 2}
            return bradley_terry(self.k, {s: v for s, v in p.items() if not math.isnan(v)})
        orders = [
            [shown[position] for position in outcome.order]
            for shown, outcome in self.outcomes.items()
            if outcome.status == "ok" and outcome.order is not None
        ]
        return order_scores(self.k, orders)

    def _p(self, shown: Shown) -> float:
        value = self._value(shown)
        return value if self.sign > 0 else 1.0 - value

    def pair(self, i: int, j: int) -> tuple[float, float, int]:
        """(P(i beats j) with i shown first, the same with j shown first, status)."""
        if self.form != "pairwise":
            return math.nan, math.nan, max(self.status(i), self.status(j))
        asked = [s for s in ((i, j), (j, i)) if s in self.outcomes]
        states = [_STATUS[self.outcomes[s].status] for s in asked]
        if not states or FAILED in states:
            status = FAILED
        else:
            status = INVALID if OK not in states else OK
        return self._p((i, j)), 1.0 - self._p((j, i)), status

    def verdict(self, i: int, j: int) -> str | None:
        """The class of the answer with i shown first (else turned round from j first): the
        scorer's own word for a tie, or first / second / tie; None without a readable answer."""
        p, swapped, status = self.pair(i, j)
        if status != OK:
            return None
        if self.form != "pairwise":
            difference = self.score(i) - self.score(j)
            return (
                None if math.isnan(difference) else WINNERS[0.5 + 0.5 * float(np.sign(difference))]
            )
        shown, p = ((i, j), p) if not math.isnan(p) else ((j, i), swapped)
        if math.isnan(p):
            return None
        own = self.outcomes[shown].verdict
        return own if p == 0.5 and own else WINNERS[0.5 + 0.5 * float(np.sign(p - 0.5))]

    def status(self, i: int) -> int:
        """Status of candidate i: its own request's, or the best of the requests it is part of."""
        if self.form == "pointwise":
            outcome = self.outcomes.get((i,))
            return FAILED if outcome is None else _STATUS[outcome.status]
        states = [_STATUS[o.status] for shown, o in self.outcomes.items() if i in shown]
        return min(states, default=FAILED)
