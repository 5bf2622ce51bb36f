"""What a reader wants to know of a judge beside its agreement: how often it was swayed, how often
it could not be read, and what it cost. Read from results, for tables of every kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prefgauge.registry.outcome import Outcome

__all__ = ["RULES", "Swayed", "Usage", "spent", "swayed", "unreadable"]

#: What the protocols' rules for unreadable verdicts mean.
RULES = {
    "wrong": "counted as wrong",
    "half": "counted as half right",
    "quarter": "counted as a quarter right",
    "drop": "left out",
}
_SUMS = ("calls", "attempts", "tokens_in", "tokens_out")


class Usage:
    """Sums what the answers of a run took, whether they were made now or known to the ledger. An
    answer that serves several requests of one sample counts once."""

    def __init__(self) -> None:
        self.answers = self.priced = 0
        self.sums: dict[str, int] = dict.fromkeys(_SUMS, 0)
        self.seconds: list[float] = []
        self.dollars: list[float] = []

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count a sample's outcomes; those of scorers that keep no account are passed over."""
        for extra in {id(o): o.extra for o in outcomes if "tokens_in" in o.extra}.values():
            self.answers += 1
            for name in _SUMS:
                self.sums[name] += int(extra.get(name) or 0)
            self.seconds.append(float(extra.get("seconds") or 0.0))
            if extra.get("cost_usd") is not None:
                self.priced += 1
                self.dollars.append(float(extra["cost_usd"]))

    def to_json(self) -> dict[str, Any] | None:
        """The sums, or None if no answer kept an account. ``seconds`` adds up the time of calls
        that ran side by side; ``cost_usd`` is there where every answer has a price."""
        if not self.answers:
            return None
        out: dict[str, Any] = {"answers": self.answers, **self.sums}
        out["seconds"] = round(math.fsum(self.seconds), 3)
        if self.priced == self.answers:
            out["cost_usd"] = math.fsum(self.dollars)
        return out


@dataclass(frozen=True, slots=True)
class Swayed:
    """How often a scorer was swayed on a bench.

    Parameters
    ----------
    value, low, high: share of attacked pairs, with its interval.
    swayed, pairs, right_before, of_right, turned_right, unreadable: see the metric
        ``swayed-rate``.
    sources: independent sources that the interval rests on.
    kinds: the same for each kind of attack.
    """

    value: float | None
    low: float | None
    high: float | None
    swayed: int
    pairs: int
    right_before: int
    of_right: float | None
    turned_right: int
    unreadable: int
    sources: int
    kinds: Mapping[str, Swayed] = field(default_factory=dict)


def swayed(result: Mapping[str, Any]) -> Swayed | None:
    """The swayed rate of a run's result, or None if its bench's protocol has none."""
    entry = (result.get("metrics") or {}).get("swayed-rate")
    return None if not isinstance(entry, Mapping) else _swayed(entry)


def _swayed(entry: Mapping[str, Any]) -> Swayed:
    facts = entry.get("extra") or {}
    counts = ("swayed", "pairs", "right_before", "turned_right", "unreadable")
    return Swayed(
        value=entry.get("value"), low=entry.get("ci_low"), high=entry.get("ci_high"),
        of_right=facts.get("of_right"), sources=int(entry.get("clusters") or 0),
        kinds={name: _swayed(part) for name, part in (entry.get("subsets") or {}).items()},
        **{name: int(facts.get(name) or 0) for name in counts},
    )  # fmt: skip


def unreadable(result: Mapping[str, Any]) -> str:
    """How many verdicts could not be read and what the bench's protocol makes of them, in words;
    empty if there were none and the scorer is no judge."""
    invalid, requests = int(result.get("invalid") or 0), int(result.get("requests") or 0)
    answered = requests - int(result.get("failed") or 0)
    if not answered or not (invalid or result.get("usage")):
        return ""
    rule = str((result.get("protocol") or {}).get("invalid") or "")
    said = f"{invalid:,} of {answered:,} verdicts unreadable ({invalid / answered:.1%})"
    return f"{said}, {RULES.get(rule, rule)} by the bench's protocol" if invalid else said


def spent(result: Mapping[str, Any]) -> str:
    """What the answers took, in words; empty if no account was kept."""
    usage = result.get("usage") or {}
    if not usage.get("calls"):
        return ""
    parts = [
        f"{usage['calls']:,} calls", f"{usage['tokens_in']:,} tokens in",
        f"{usage['tokens_out']:,} tokens out",
    ]  # fmt: skip
    if usage.get("attempts", 0) > usage["calls"]:
        parts.append(f"{usage['attempts'] - usage['calls']:,} sent again")
    if usage.get("cost_usd") is not None:
        parts.append(f"US$ {usage['cost_usd']:,.4f}")
    return ", ".join(parts)
