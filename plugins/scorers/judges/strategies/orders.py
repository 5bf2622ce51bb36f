"""Asking once, asking in both orders, asking several times, and tournaments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import ClassVar

from prefgauge.plugins.scorers.judges.answers import Verdict
from prefgauge.plugins.scorers.judges.deciding import Way
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol
from prefgauge.plugins.scorers.judges.strategies.base import (
    Strategy,
    average,
    readable,
    votes,
)
from prefgauge.plugins.scorers.judges.talk import Talk, Unreadable, together
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Form
from prefgauge.registry.errors import UsageError
from prefgauge.registry.labels import OVERALL

__all__ = ["Consistency", "Evidence", "Plain", "Swap", "Tournament"]


class Plain(Strategy):
    """One question, the verdict alone."""

    title = "One question"
    source = "LLMBar, Zeng et al. 2023, arXiv 2310.07641, vanilla prompting"

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        return (yield from self.protocol.talk(view, way))


class Evidence(Strategy):
    """One question, the reasons before the verdict."""

    title = "Evidence first"
    source = "FairEval, Wang et al. 2023, arXiv 2305.17926, multiple evidence calibration"

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        return (yield from self.protocol.talk(view, way.but(evidence=True)))


class Swap(Strategy):
    """Both orders within one request, so that the answer cannot depend on the order shown."""

    title = "Both orders"
    source = (
        "mean: FairEval, arXiv 2305.17926, balanced position calibration; net: JudgeBench, Tan et "
        "al. 2024, arXiv 2410.12784; both: Auto-J, Li et al. 2023, arXiv 2310.05470"
    )
    options: ClassVar[Mapping[str, str]] = {
        "combine": "net (votes of the two orders; default), both (else a tie) or mean (of P)"
    }
    forms = frozenset({"pairwise", "listwise"})

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.combine = address.get("combine", "net")
        if self.combine not in {"net", "both", "mean"}:
            raise UsageError(
                f"Scorer {address}: combine must be net, both or mean, not {self.combine!r}."
            )
        self.symmetric = protocol.form == "pairwise"

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """A net vote does with one readable order; the others need both."""
        k = len(view.candidates)
        back = tuple(reversed(range(k)))
        asked = [self.protocol.talk(view, way), self.protocol.talk(view.reordered(back), way)]
        if self.protocol.form == "listwise":
            given, swapped = yield from together(asked)
            assert swapped.order is not None
            turned = Verdict(order=tuple(back[position] for position in swapped.order))
            return average([given, turned], k)
        if self.combine == "net":
            found = yield from readable([asked[0], _turned(asked[1])])
        else:
            found = yield from together([asked[0], _turned(asked[1])])
        names = found[0].values
        values = {n: self._combined([verdict.values[n] for verdict in found]) for n in names}
        main = OVERALL if OVERALL in names else next(iter(names))
        sides = [verdict.values[main] for verdict in found]
        consistent = len(sides) == 2 and (sides[0] > 0.5, sides[0] < 0.5) == (
            sides[1] > 0.5,
            sides[1] < 0.5,
        )
        return Verdict(values, extra={"p_by_order": sides, "consistent": consistent})

    def _combined(self, sides: Sequence[float]) -> float:
        """P(first is better) from that of one or both orders, by the rule asked for."""
        if self.combine == "net":
            lead = sum((p > 0.5) - (p < 0.5) for p in sides)
            return 0.5 + 0.5 * ((lead > 0) - (lead < 0))
        if self.combine == "both":
            return 1.0 if min(sides) > 0.5 else 0.0 if max(sides) < 0.5 else 0.5
        return sum(sides) / len(sides)


def _turned(talk: Talk[Verdict]) -> Talk[Verdict]:
    """The verdict of a talk over the swapped pair, from the unswapped pair's view."""
    verdict = yield from talk
    return replace(verdict, values={name: 1.0 - p for name, p in verdict.values.items()})


class Consistency(Strategy):
    """Several samples of the same verdict, averaged."""

    title = "Self-consistency"
    source = "Wang et al. 2022, arXiv 2203.11171; as judge in VL-RewardBench, arXiv 2411.17451"
    options: ClassVar[Mapping[str, str]] = {
        "n": "number of samples (default 5)",
        "sample_temperature": "of these samples (default 0.7)",
    }

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.n = address.get("n", 5)
        self.temperature = address.get("sample_temperature", 0.7)
        if not 1 <= self.n <= 100 or self.temperature <= 0:
            raise UsageError(
                f"Scorer {address}: n must be 1 to 100 and sample_temperature above 0."
            )

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """Samples differ by their seed; those that cannot be read are left out."""
        ways = [
            way.but(evidence=True, temperature=self.temperature, seed=way.seed + 1000 * i)
            for i in range(self.n)
        ]
        found = yield from readable([self.protocol.talk(view, each) for each in ways])
        merged = average(found, len(view.candidates))
        return replace(merged, extra={"votes": votes(found), "unreadable": self.n - len(found)})


class Tournament(Strategy):
    """A pairwise protocol made listwise: candidates meet in both orders and are ranked."""

    title = "Tournament"
    source = (
        "knockout: Pairwise RM, Liu et al. 2025, arXiv 2501.13007; round robin: "
        "order by the sum of P over all opponents"
    )
    options: ClassVar[Mapping[str, str]] = {
        "schedule": "knockout (default: k - 1 matches) or round-robin (all pairs)"
    }
    forms = frozenset({"pairwise"})

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.schedule = address.get("schedule", "knockout")
        if self.schedule not in {"knockout", "round-robin"}:
            raise UsageError(
                f"Scorer {address}: schedule must be knockout or round-robin, not {self.schedule!r}."
            )

    def form(self) -> Form:
        return "listwise"

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """Matches of one round are held side by side; an unreadable match is a draw, which the
        candidate shown earlier survives."""
        k = len(view.candidates)
        if self.schedule == "round-robin":
            pairs = list(combinations(range(k), 2))
            results = yield from together([self._match(view, pair, way) for pair in pairs])
            points = [0.0] * k
            for (i, j), p in zip(pairs, results):
                points[i] += p
                points[j] += 1.0 - p
            order = sorted(range(k), key=lambda i: -points[i])
            return Verdict(order=tuple(order), extra={"matches": len(pairs), "points": points})
        return (yield from self._knockout(view, way))

    def _knockout(self, view: View, way: Way) -> Talk[Verdict]:
        """Losers are ranked by the round that they reached, then by how narrowly they lost."""
        alive = list(range(len(view.candidates)))
        beaten: list[list[tuple[float, int]]] = []
        while len(alive) > 1:
            pairs = list(zip(alive[::2], alive[1::2]))
            results = yield from together([self._match(view, pair, way) for pair in pairs])
            out, stay = [], []
            for (i, j), p in zip(pairs, results):
                stay.append(i if p >= 0.5 else j)
                out.append((max(p, 1.0 - p), j if p >= 0.5 else i))
            alive = stay + alive[2 * len(pairs) :]
            beaten.append(sorted(out))
        order = alive + [i for lost in reversed(beaten) for _, i in lost]
        return Verdict(order=tuple(order), extra={"matches": len(order) - 1})

    def _match(self, view: View, pair: Sequence[int], way: Way) -> Talk[float]:
        """P(the first of the pair is better), mean over both orders."""
        given, swapped = view.reordered(tuple(pair)), view.reordered(tuple(pair)[::-1])
        talks = [self.protocol.talk(given, way), _turned(self.protocol.talk(swapped, way))]
        try:
            found = yield from readable(talks)
        except Unreadable:
            return 0.5
        return sum(verdict.values[OVERALL] for verdict in found) / len(found)
