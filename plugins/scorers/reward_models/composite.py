"""``composite:A|B|...?rule=...``: several scorers as one.

Members are pointwise scorer addresses, joined by ``|``; their own options stand in the members,
the rule's after the last ``?``: ``composite:hf:./rm?dtype=float32|length?rule=weighted&weights=1,-0.01``.
"""

from __future__ import annotations

import re
import statistics
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

from prefgauge.plugins.scorers.reward_models.chat import text_only
from prefgauge.plugins.scorers.reward_models.rules import RULES, Knobs, lexicographic
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PairwiseScorer,
    PointwiseScorer,
    Request,
    Scorer,
    ScorerCard,
    ScorerError,
    UsageError,
    default,
)

__all__ = ["CompositeScorer", "LexicographicScorer"]

_WEIGHTED = {"weighted", "direction"}


class Members:
    """The member scorers of an address."""

    def __init__(self, address: Address) -> None:
        texts = [text for text in address.target.split("|") if text]
        if len(texts) < 2:
            raise UsageError(f"{address}: name two or more members joined by |.")
        self.scorers: list[Scorer[Any]] = [default().scorer(text) for text in texts]
        for scorer in self.scorers:
            if scorer.form != "pointwise":
                raise UsageError(
                    f"{address}: the member {scorer.card.name} is {scorer.form}; members must "
                    "give each answer a value"
                )
            if scorer.card.keyed_by != "content":
                raise UsageError(f"{address}: recorded scores cannot be a member.")

    def card(self, address: Address, **rest: Any) -> ScorerCard:
        """A card over all members."""
        first, *others = (scorer.card.modalities for scorer in self.scorers)
        facts: dict[str, Any] = {"version": 1, "rule": str(sorted(address.options.items()))}
        for number, scorer in enumerate(self.scorers):
            facts[f"member{number}"] = str(
                (scorer.card.name, sorted(scorer.card.fingerprint.items()))
            )
        return ScorerCard(
            name=str(address),
            modalities=first.intersection(*others),
            needs=frozenset[str]().union(*(scorer.card.needs for scorer in self.scorers)),
            fingerprint=facts,
            **rest,
        )

    def open(self, device: Device) -> None:
        """Open all."""
        for scorer in self.scorers:
            scorer.open(device)

    def close(self) -> None:
        """Close all."""
        for scorer in self.scorers:
            scorer.close()

    def prepare(self, request: Request) -> tuple[Any, ...]:
        """Each member's prepared form."""
        return tuple(scorer.prepare(request) for scorer in self.scorers)

    def cost(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """The largest of the members' costs of answers to one prompt, each as a share of the
        member's own budget."""
        shares = (
            scorer.group_cost([row[number] for row in rows]) / scorer.batch_cost
            for number, scorer in enumerate(self.scorers)
        )
        return max(1, round(max(shares) * (1 << 14)))

    @property
    def padded(self) -> bool:
        """Whether any member pads."""
        return any(scorer.padded for scorer in self.scorers)

    def values(self, batch: Sequence[tuple[Any, ...]]) -> list[list[float] | str]:
        """The members' values of each answer, or why one of them has none."""
        columns = [
            scorer.score([prepared[number] for prepared in batch])
            for number, scorer in enumerate(self.scorers)
        ]
        out: list[list[float] | str] = []
        for row in zip(*columns):
            checked = [outcome.checked("pointwise", 1) for outcome in row]
            bad = [
                f"{scorer.card.name}: {outcome.reason}"
                for scorer, outcome in zip(self.scorers, checked)
                if outcome.status != "ok"
            ]
            names = [scorer.card.dimensions[0].name for scorer in self.scorers]
            out.append(
                "; ".join(bad)
                if bad
                else [outcome.values[name] for outcome, name in zip(checked, names)]
            )
        return out


def _numbers(address: Address, name: str, count: int) -> tuple[float, ...]:
    text = address.get(name, "")
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise UsageError(
            f"{address}: {name} must be {count} numbers joined by commas, got {text!r}."
        )
    return numbers


class _Joined(Scorer[tuple[Any, ...]]):
    """What scorers made of several have in common."""

    members: Members

    @abstractmethod
    def rows(self, prepared: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Each answer of a request, as the members prepared it."""

    def open(self, device: Device) -> None:
        """Open all members."""
        self.members.open(device)
        self.padded = self.members.padded

    def close(self) -> None:
        """Close all members."""
        self.members.close()

    def remarks(self) -> Sequence[str]:
        """Those of all members."""
        return [
            f"{scorer.card.name}: {text}"
            for scorer in self.members.scorers
            for text in scorer.remarks()
        ]

    def cost(self, prepared: tuple[Any, ...]) -> int:
        """See :meth:`Members.cost`."""
        return self.members.cost(self.rows(prepared))

    def group_cost(self, group: Sequence[tuple[Any, ...]]) -> int:
        """With what the members share counted once."""
        return self.members.cost([row for prepared in group for row in self.rows(prepared)])

    def share_key(self, prepared: tuple[Any, ...]) -> Hashable | None:
        """The first member's wish."""
        return self.members.scorers[0].share_key(self.rows(prepared)[0][0])


class CompositeScorer(_Joined, PointwiseScorer[tuple[Any, ...]]):
    """One value from several scorers.

    Options
    -------
    rule: ``weighted`` or ``direction`` (with `weights`), ``mean``, ``median``, ``min``, ``max``,
        ``constrained`` (with `thresholds` of all members but the first, and `penalty`),
        ``cautious`` (mean less `penalty` standard deviations), ``gate`` (with `gate`).
    gate: a regular expression; where the prompt matches, the first member answers, else the
        second.
    center, spread: one number per member; its values become (value - center) / spread first.

    Each member's value is recorded in ``extra["members"]``. The dimension ``disagreement`` is
    their standard deviation, for ensembles of members on one scale.
    """

    batch_size = 256

    def __init__(self, address: Address) -> None:
        address.expect("rule", "weights", "thresholds", "penalty", "gate", "center", "spread")
        self.members = Members(address)
        k = len(self.members.scorers)
        self.rule = address.get("rule", "")
        if self.rule not in {*RULES, "gate"}:
            known = ", ".join([*RULES, "gate"])
            raise UsageError(f"{address}: ?rule= must be one of {known}; got {self.rule!r}.")
        self.knobs = Knobs(
            _numbers(address, "weights", k) if self.rule in _WEIGHTED else (),
            _numbers(address, "thresholds", k - 1) if self.rule == "constrained" else (),
            address.get("penalty", 1.0),
        )
        if self.rule == "direction" and not any(self.knobs.weights):
            raise UsageError(f"{address}: a direction needs a weight that is not 0.")
        self.gate = self._pattern(address, k) if self.rule == "gate" else None
        self.center = _numbers(address, "center", k) if address.get("center", "") else (0.0,) * k
        self.spread = _numbers(address, "spread", k) if address.get("spread", "") else (1.0,) * k
        if not all(value > 0 for value in self.spread):
            raise UsageError(f"{address}: every spread must be above 0.")
        self.card = self.members.card(
            address,
            form="pointwise",
            dimensions=(Dimension(), Dimension("disagreement", higher_is_better=False)),
            summary=f"{k} scorers joined by {self.rule}.",
        )

    @staticmethod
    def _pattern(address: Address, k: int) -> re.Pattern[str]:
        if k != 2 or not address.get("gate", ""):
            raise UsageError(f"{address}: rule=gate takes two members and ?gate=REGEX.")
        try:
            return re.compile(address.get("gate", ""), re.IGNORECASE)
        except re.error as error:
            raise UsageError(f"{address}: gate is no regular expression: {error}.") from None

    def prepare(self, request: Request) -> tuple[Any, ...]:
        """Each member's prepared form and, last, whether the gate opens."""
        opens = self.gate is not None and bool(
            request.prompt and self.gate.search(text_only(request.prompt, "prompt"))
        )
        return (*self.members.prepare(request), opens)

    def rows(self, prepared: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """The one answer."""
        return (prepared[:-1],)

    def score(self, batch: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """One joined value per answer."""
        rows = self.members.values([prepared[:-1] for prepared in batch])
        return [self._one(row, prepared[-1]) for row, prepared in zip(rows, batch)]

    def _one(self, row: list[float] | str, opens: bool) -> Outcome:
        if isinstance(row, str):
            return Outcome.failed(row)
        values = [(v - c) / s for v, c, s in zip(row, self.center, self.spread)]
        if self.rule == "gate":
            value = values[0] if opens else values[1]
        else:
            value = RULES[self.rule](values, self.knobs)
        facts = {"members": row}
        return Outcome.score(
            {"overall": value, "disagreement": statistics.stdev(values)}, extra=facts
        )


class LexicographicScorer(_Joined, PairwiseScorer[tuple[Any, ...]]):
    """P(first) by the earliest member that tells the two answers apart.

    Address: ``lexicographic:A|B|...?margins=0.5,0``: member i decides if its values differ by more
    than margin i; if none does, it is a tie.
    """

    batch_size = 128

    def __init__(self, address: Address) -> None:
        address.expect("margins")
        self.members = Members(address)
        self.margins = _numbers(address, "margins", len(self.members.scorers))
        if any(margin < 0 for margin in self.margins):
            raise UsageError(f"{address}: margins must not be negative.")
        self.card = self.members.card(
            address, form="pairwise", symmetric=True, summary="Scorers in order of rank (HERON)."
        )

    def prepare(self, request: Request) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Both answers, prepared by each member."""
        if len(request.candidates) != 2:
            raise ScorerError("a pairwise scorer needs two candidates")
        first, second = (
            self.members.prepare(Request(request.bench, request.sample, (index,)))
            for index in request.candidates
        )
        return first, second

    def rows(self, prepared: tuple[tuple[Any, ...], ...]) -> Sequence[tuple[Any, ...]]:
        """Both answers."""
        return prepared

    def score(self, batch: Sequence[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> list[Outcome]:
        """1, 0.5 or 0 per pair."""
        rows = self.members.values([one for pair in batch for one in pair])
        out = []
        for first, second in zip(rows[0::2], rows[1::2]):
            if isinstance(first, str) or isinstance(second, str):
                out.append(Outcome.failed(first if isinstance(first, str) else str(second)))
                continue
            p = lexicographic(first, second, self.margins)
            out.append(Outcome.preference(p, extra={"members": [first, second]}))
        return out
