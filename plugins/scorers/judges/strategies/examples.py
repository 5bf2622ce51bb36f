"""Learning from human-graded examples: worked examples, and criteria chosen by agreement."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from prefgauge.plugins.scorers.judges.answers import Verdict
from prefgauge.plugins.scorers.judges.deciding import Way, free_text, say
from prefgauge.plugins.scorers.judges.fence import RULE
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol
from prefgauge.plugins.scorers.judges.strategies.base import Strategy
from prefgauge.plugins.scorers.judges.strategies.graded import (
    Graded,
    graded_examples,
    same_material,
)
from prefgauge.plugins.scorers.judges.talk import Talk, Turn, Unreadable, together
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Option
from prefgauge.registry.content import Text, digest
from prefgauge.registry.errors import UsageError

__all__ = ["CriteriaSelection", "FewShot", "alignment"]

_LINE = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s*(?P<text>\S.{3,300}?)\s*$", re.MULTILINE)


class FewShot(Strategy):
    """Worked examples, graded by people, before the question."""

    title = "Few-shot with human-graded examples"
    source = "Brown et al. 2020, arXiv 2005.14165; LLMBar vanilla 1- and 2-shot, arXiv 2310.07641"
    options: ClassVar[Mapping[str, str]] = {
        "examples": "JSON-lines file of graded examples",
        "shots": "how many (default 2)",
    }

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.pool, self.digest = graded_examples(address, "examples", protocol)
        self.shots = address.get("shots", 2)
        if self.shots < 1:
            raise UsageError(f"Scorer {address}: shots must be at least 1.")

    def fingerprint(self) -> dict[str, Option]:
        facts = super().fingerprint()
        return {**facts, "strategy.examples": self.digest, "strategy.shots": self.shots}

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """Examples are drawn by the question's own content, never one that shows its material."""
        usable = [example for example in self.pool if not same_material(example.view, view)]
        key = digest([part for candidate in view.candidates for part in candidate])
        draw = random.Random(int(hashlib.sha256(key.encode()).hexdigest()[:16], 16))
        chosen = draw.sample(usable, min(self.shots, len(usable)))
        before = tuple(turn for example in chosen for turn in self._worked(example, way))
        verdict = yield from self.protocol.talk(view, way.but(before=(*before, *way.before)))
        return replace(verdict, extra={**verdict.extra, "shots": len(chosen)})

    def _worked(self, example: Graded, way: Way) -> tuple[Turn, Turn]:
        """An example as question and answer. It has its own fences, whose code it states."""
        question = self.protocol.question(example.view)
        rule = Text(RULE.format(nonce=example.view.nonce) + "\n\n")
        spoken = self.protocol.answer(example.view).spoken(example.fields, way.mode)
        return Turn("user", (rule, *question.parts)), say("assistant", spoken)


class CriteriaSelection(Strategy):
    """Of several criteria, those are used by which the judge agrees best with human grades."""

    title = "Criteria chosen by agreement with human grades"
    source = "EvalGen, Shankar et al. 2024, arXiv 2404.12272: alignment of criteria with grades"
    PROPOSE = (
        "Propose {n} different criteria by which such candidates could be judged, each one short "
        "sentence. One per line, each line beginning with '- '. No other text."
    )
    ALONE = "Judge by this criterion alone: {criterion}"
    BY = "Judge by these criteria, which agree with people's judgement:\n{criteria}"
    options: ClassVar[Mapping[str, str]] = {
        "grades": "JSON-lines file of human-graded examples",
        "criteria": "candidates for criteria, separated by ';' (default: proposed by the model)",
        "propose": "how many the model proposes (default 5)",
        "keep": "how many are used (default 3)",
    }
    texts = (PROPOSE, ALONE, BY)

    def __init__(self, address: Address, protocol: JudgeProtocol) -> None:
        super().__init__(address, protocol)
        self.grades, self.digest = graded_examples(address, "grades", protocol)
        given = address.get("criteria", "")
        self.given = tuple(c.strip() for c in given.split(";") if c.strip())
        self.propose, self.keep = address.get("propose", 5), address.get("keep", 3)
        if self.propose < 1 or self.keep < 1:
            raise UsageError(f"Scorer {address}: propose and keep must be at least 1.")
        self.chosen: tuple[str, ...] = ()
        self.alignments: dict[str, float] = {}

    def fingerprint(self) -> dict[str, Option]:
        return {**super().fingerprint(), "strategy.grades": self.digest}

    def setup(self, way: Way) -> Talk[None]:
        """Try each criterion on each graded example; keep the best aligned."""
        criteria = self.given or (yield from self._proposed(way))
        scores = yield from together([self._align(criterion, way) for criterion in criteria])
        self.alignments = dict(zip(criteria, scores))
        self._choose()

    def remember(self) -> dict[str, Any]:
        return {"alignments": self.alignments}

    def recall(self, found: Mapping[str, Any]) -> None:
        self.alignments = {str(name): float(v) for name, v in found["alignments"].items()}
        self._choose()

    def _choose(self) -> None:
        ranked = sorted(self.alignments, key=lambda criterion: -self.alignments[criterion])
        self.chosen = tuple(ranked[: self.keep])

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        listed = "\n".join(f"- {criterion}" for criterion in self.chosen)
        verdict = yield from self.protocol.talk(view, way.but(note=self.BY.format(criteria=listed)))
        facts = {"criteria": {name: round(self.alignments[name], 6) for name in self.chosen}}
        return replace(verdict, extra={**verdict.extra, **facts})

    def _proposed(self, way: Way) -> Talk[tuple[str, ...]]:
        turns = self.protocol.brief(self.grades[0].view, way)
        text = yield from free_text(turns, self.PROPOSE.format(n=self.propose), way, "criteria")
        found = dict.fromkeys(match["text"] for match in _LINE.finditer(text))
        return tuple(found)[: self.propose] or ("overall quality",)

    def _align(self, criterion: str, way: Way) -> Talk[float]:
        way = way.but(note=self.ALONE.format(criterion=criterion))
        said = yield from together([self._try(graded.view, way) for graded in self.grades])
        rating = self.protocol.form == "pointwise"
        return alignment([graded.verdict for graded in self.grades], said, rating=rating)

    def _try(self, view: View, way: Way) -> Talk[Verdict | None]:
        try:
            return (yield from self.protocol.talk(view, way))
        except Unreadable:
            return None


def alignment(human: Sequence[Verdict], said: Sequence[Verdict | None], *, rating: bool) -> float:
    """How well a criterion's verdicts agree with people's, 0..1.

    Pairs and orders (not `rating`): the share of examples with the same winner. Ratings: each is called bad
    if it is below the middle of the human range; the alignment is then the harmonic mean of
    coverage (bad ones called bad) and of 1 - the false failure rate (good ones called bad), as
    EvalGen defines it (arXiv 2404.12272, section 4.2); where people called all of them alike,
    the one that exists. An unreadable verdict agrees with nobody.
    """
    if not rating:
        same = [s is not None and _winner(h) == _winner(s) for h, s in zip(human, said)]
        return sum(same) / len(same)
    values = [_mean(verdict.values) for verdict in human]
    middle = (min(values) + max(values)) / 2
    shares = []
    for bad in (True, False):
        chosen = [s for v, s in zip(values, said) if (v < middle) == bad]
        right = [s is not None and (_mean(s.values) < middle) == bad for s in chosen]
        shares += [sum(right) / len(right)] if right else []
    if len(shares) < 2:
        return shares[0]
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


def _winner(verdict: Verdict) -> int:
    if verdict.order is not None:
        return verdict.order[0]
    p = _mean(verdict.values)
    return (p > 0.5) - (p < 0.5)


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)
