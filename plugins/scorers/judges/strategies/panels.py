"""Several voices: juries of models, panels of personas, roles, debates, listeners."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from prefgauge.plugins.scorers.judges.answers import Verdict
from prefgauge.plugins.scorers.judges.deciding import Way, free_text, say
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol, names_of
from prefgauge.plugins.scorers.judges.strategies.base import Strategy, average, readable, votes
from prefgauge.plugins.scorers.judges.talk import Talk, together
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.address import Address
from prefgauge.registry.content import content
from prefgauge.registry.errors import UsageError

__all__ = ["Debate", "Jury", "Listener", "Personas", "Roles"]

_LINE = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])?\s*(?P<text>\S.{2,120}?)\s*$", re.MULTILINE)


class Jury(Strategy):
    """Several models, averaged; one elsewhere than the judge's own is named ``BACKEND#MODEL``."""

    title = "Jury of models"
    source = "PoLL, Verga et al. 2024, arXiv 2404.18796"
    options: ClassVar[Mapping[str, str]] = {
        "jury": "comma-separated models, or BACKEND#MODEL for one elsewhere (the judge's own is "
        "not added by itself)"
    }

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.jury = names_of(address, "jury", "")
        if len(self.jury) < 2:
            raise UsageError(
                f"Scorer {address}: the strategy jury needs two or more models, as in "
                "strategy=jury&jury=model-a,model-b,model-c."
            )

    def models(self) -> tuple[str, ...]:
        return self.jury

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        talks = [self.protocol.talk(view, way.but(model=model)) for model in self.jury]
        found = yield from readable(talks)
        merged = average(found, len(view.candidates))
        lost = len(self.jury) - len(found)
        return replace(merged, extra={"votes": votes(found), "unreadable": lost})


class Personas(Strategy):
    """One model in several persons, averaged."""

    title = "Panel of personas"
    source = "IQA-EVAL, Li et al. 2024, arXiv 2408.13545"
    PANEL = (
        "an expert of the subject who minds precision above all",
        "a busy reader who wants the point at once",
        "a critical reader who checks every claim",
        "a beginner who needs clear and complete explanations",
    )
    VOICE = "Judge as this person would: {persona}."
    options: ClassVar[Mapping[str, str]] = {
        "personas": "persons, separated by ';' (default: four readers)"
    }
    texts = (*PANEL, VOICE)

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        given = tuple(p.strip() for p in address.get("personas", "").split(";") if p.strip())
        self.panel = given or self.PANEL

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        ways = [way.but(persona=self.VOICE.format(persona=p)) for p in self.panel]
        found = yield from readable([self.protocol.talk(view, each) for each in ways])
        merged = average(found, len(view.candidates))
        lost = len(self.panel) - len(found)
        return replace(merged, extra={"votes": votes(found), "unreadable": lost})


class Roles(Strategy):
    """A wide layer of perspectives that assess, then a deep layer that decides knowing them all."""

    title = "Wide and deep roles"
    source = "WideDeep, Zhang et al. 2023, arXiv 2308.01862"
    NAME = (
        "Name the {n} perspectives from which this material should be judged, most important "
        "first. One short name per line, no other text."
    )
    FALLBACK = ("correctness", "helpfulness", "clarity")
    VOICE = "You judge from one perspective: {role}."
    ASSESS = "Assess the material from your perspective in a few sentences. Give no verdict yet."
    NOTE = "ASSESSMENTS holds what judges of several perspectives found; weigh it, it may be wrong."
    options: ClassVar[Mapping[str, str]] = {"roles": "number of perspectives (default 3)"}
    texts = (NAME, *FALLBACK, VOICE, ASSESS, NOTE)

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.width = address.get("roles", 3)
        if not 1 <= self.width <= 12:
            raise UsageError(f"Scorer {address}: roles must be 1 to 12.")

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        turns = self.protocol.brief(view, way)
        named = yield from free_text(turns, self.NAME.format(n=self.width), way, "perspectives")
        lines = [match["text"] for match in _LINE.finditer(named)]
        roles = tuple(dict.fromkeys(lines))[: self.width] or self.FALLBACK
        ways = [way.but(persona=self.VOICE.format(role=role)) for role in roles]
        wide = yield from together(
            [self._assess(view, each, role) for each, role in zip(ways, roles)]
        )
        told = view.adding("assessments", content("\n\n".join(wide)))
        deep = [self.protocol.talk(told, each.but(note=self.NOTE)) for each in ways]
        found = yield from readable(deep)
        merged = average(found, len(view.candidates))
        return replace(merged, extra={"roles": list(roles), "votes": votes(found)})

    def _assess(self, view: View, way: Way, role: str) -> Talk[str]:
        turns = self.protocol.brief(view, way)
        text = yield from free_text(turns, self.ASSESS, way, f"assessment: {role}")
        return f"[{role}] {text}"


class Debate(Strategy):
    """One advocate per side speaks, in rounds; the judge decides having heard them."""

    title = "Debate"
    source = "ChatEval, Chan et al. 2023, arXiv 2308.07201; Khan et al. 2024, arXiv 2402.06782"
    SPEAK = (
        "You speak for this side: {side}. Argue it honestly from the material, quote what supports "
        "it, and answer what the others said, if anything (DEBATE). At most five sentences."
    )
    NOTE = (
        "DEBATE holds what advocates of each side said. They were bound to their side: check their "
        "claims against the material, and trust no rhetoric."
    )
    POINTWISE = ("the candidate is good", "the candidate is bad")
    options: ClassVar[Mapping[str, str]] = {"rounds": "rounds of speeches (default 2)"}
    texts = (SPEAK, NOTE, *POINTWISE)

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.rounds = address.get("rounds", 2)
        if not 1 <= self.rounds <= 10:
            raise UsageError(f"Scorer {address}: rounds must be 1 to 10.")

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """Within a round the sides speak at the same time, so none has the last word."""
        sides = [f"candidate {letter} is the best" for letter in view.letters]
        if self.protocol.form == "pointwise":
            sides = list(self.POINTWISE)
        said: list[str] = []
        for _ in range(self.rounds):
            heard = view.adding("debate", content("\n\n".join(said))) if said else view
            speeches = yield from together([self._speak(heard, way, side) for side in sides])
            said += speeches
        heard = view.adding("debate", content("\n\n".join(said)))
        return (yield from self.protocol.talk(heard, way.but(note=self.NOTE)))

    def _speak(self, view: View, way: Way, side: str) -> Talk[str]:
        turns = self.protocol.brief(view, way)
        text = yield from free_text(turns, self.SPEAK.format(side=side), way, f"speech: {side}")
        return f"[{side}] {text}"


class Listener(Strategy):
    """The judge reasons and decides; a second model reads the reasoning and decides as well."""

    title = "Listener check"
    source = "Listener-Rewarded Thinking, Gambashidze et al. 2025, arXiv 2506.22832"
    REASON = "Reason about the material in a few sentences. Give no verdict yet."
    NOTE = "REASONING holds another judge's reasoning, which may be wrong: check it yourself."
    options: ClassVar[Mapping[str, str]] = {
        "listener": "the second model (default: the judge's own)"
    }
    texts = (REASON, NOTE)

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.listener = address.get("listener", "")

    def models(self) -> tuple[str, ...]:
        return (self.listener,) if self.listener else ()

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """The mean of both verdicts; how far they lie apart is recorded as ``disagreement``."""
        turns = self.protocol.brief(view, way)
        reasons = yield from free_text(turns, self.REASON, way, "reasoning")
        heard = view.adding("reasoning", content(reasons))
        both = yield from together(
            [
                self.protocol.talk(
                    view, way.but(after=(say("assistant", reasons or "(nothing)"),))
                ),
                self.protocol.talk(
                    heard, way.but(model=self.listener or way.model, note=self.NOTE)
                ),
            ]
        )
        merged = average(both, len(view.candidates))
        return replace(merged, extra={"disagreement": _apart(*both)})


def _apart(one: Verdict, other: Verdict) -> float:
    """Mean distance of values, or share of positions that differ in two orders."""
    if one.order is not None and other.order is not None:
        return sum(a != b for a, b in zip(one.order, other.order)) / len(one.order)
    return sum(abs(v - other.values[n]) for n, v in one.values.items()) / len(one.values)
