"""The forms in which UnifiedReward models answer: sentences, scores, aspects and shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.judges.answers import Answer, Scores, Verdict, Words
from prefgauge.plugins.scorers.judges.parsers import unified
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.content import Media
from prefgauge.registry.labels import OVERALL

__all__ = ["MEANINGS", "Aspects", "FinalScore", "Sentence", "Shares", "noun_of"]

MEANINGS = {
    "alignment": "how well the content fits the caption",
    "coherence": "how far it is free of glitches and distorted things",
    "physics": "how far movement, weight and contact are as in the world",
    "style": "how pleasing it looks, whatever the caption says",
}


@dataclass(frozen=True)
class Sentence(Words):
    """A closing sentence."""

    def example(self, view: View) -> str:
        return " or ".join(f'"{word}."' for word in self.values)

    def read_text(self, text: str, view: View) -> Verdict:
        return self._verdict(unified.sentence(text, tuple(self.values)))


@dataclass(frozen=True)
class FinalScore(Scores):
    """A number after ``Final Score:``."""

    def example(self, view: View) -> str:
        return "Final Score: X"

    def read_text(self, text: str, view: View) -> Verdict:
        return Verdict({OVERALL: unified.final_score(text, self.low, self.high)})


@dataclass(frozen=True)
class Aspects(Scores):
    """A number per aspect, not always a whole one; overall is their mean."""

    def example(self, view: View) -> str:
        return "\n".join(f"{n.capitalize()} Score ({self.low}-{self.high}): X" for n in self.names)

    def read_text(self, text: str, view: View) -> Verdict:
        return _with_mean(unified.aspect_scores(text, self.names, self.low, self.high))

    def read_choices(
        self, said: Mapping[str, str], probabilities: Mapping[str, Mapping[str, float]], view: View
    ) -> Verdict:
        return _with_mean(super().read_choices(said, probabilities, view).values)


@dataclass(frozen=True)
class Shares(Answer):
    """The first candidate's share of each aspect, 0 to 1; overall is their mean."""

    names: tuple[str, ...]

    def choices(self, view: View) -> Mapping[str, tuple[str, ...]]:
        return dict.fromkeys(self.names, tuple(f"{tenth / 10:g}" for tenth in range(11)))

    def explain(self, view: View) -> str:
        listed = "\n".join(f"- {n}: {MEANINGS.get(n, n)}" for n in self.names)
        return f"For each of these, give the first one's share, from 0 to 1:\n{listed}"

    def example(self, view: View) -> str:
        noun = noun_of(view)
        return "\n".join(f"{n.capitalize()} Score:\n {noun} 1: X\n {noun} 2: Y" for n in self.names)

    def read_text(self, text: str, view: View) -> Verdict:
        return _with_mean(unified.shares(text, self.names, noun_of(view)))

    def read_choices(
        self, said: Mapping[str, str], probabilities: Mapping[str, Mapping[str, float]], view: View
    ) -> Verdict:
        values = {}
        for name in self.names:
            known = probabilities.get(name) or {said[name]: 1.0}
            value = sum(share * float(word) for word, share in known.items())
            values[name] = min(max(value, 0.0), 1.0)
        return _with_mean(values)

    def human(self, verdict: Any, view: View) -> tuple[Mapping[str, Any], Verdict]:
        given = verdict if isinstance(verdict, Mapping) else dict.fromkeys(self.names, verdict)
        values = {name: float(given[name]) for name in self.names}
        if not all(0.0 <= value <= 1.0 for value in values.values()):
            raise ValueError(f"a share is outside 0..1: {verdict}")
        return {name: f"{round(value * 10) / 10:g}" for name, value in values.items()}, (
            _with_mean(values)
        )


def _with_mean(values: Mapping[str, float]) -> Verdict:
    return Verdict({OVERALL: sum(values.values()) / len(values), **values})


def noun_of(view: View) -> str:
    """What the candidates are called: Video, or Image."""
    kinds = {part.kind for parts in view.candidates for part in parts if isinstance(part, Media)}
    return "Video" if "video" in kinds else "Image"
