"""How benchmarks read the verdicts of the judges in their own tables.

Each function follows the published rule of one benchmark, which may be laxer or odder than what
this package's judges are read by, so that the published figures come out exactly. They read what
result files hold: a reply, or the label that the benchmark found in it. Whatever the rule does not
read raises :class:`NoVerdict`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "NoVerdict",
    "Reading",
    "arena_hard",
    "arena_hard_label",
    "auto_j",
    "genai_bench",
    "genai_bench_label",
    "judgebench",
    "llmbar",
    "viescore",
]

_GENAI_BRACKETS = re.compile(r"\[\[.*\]\]")
_ARENA = re.compile(r"\[\[([AB<>=]+)\]\]")
_LLMBAR = re.compile(r"Output \((?P<letter>[ab])\)")


class NoVerdict(ValueError):
    """The rule reads no verdict; the message says what stands in its place."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A verdict.

    Parameters
    ----------
    p_first: 1.0 the one shown first is better, 0.0 the one shown second, 0.5 a tie.
    word: the judge's word for it.
    kind: which kind of tie, where the rule knows several: ``both-good``, ``both-bad``.
    strength: how much better, where the rule has degrees.
    """

    p_first: float
    word: str
    kind: str | None = None
    strength: int | None = None


_AUTO_J = {0: 1.0, 1: 0.0, 2: 0.5}
_JUDGEBENCH = {"A>B": 1.0, "B>A": 0.0, "A=B": 0.5, "B=A": 0.5}
_GENAI: Mapping[str, Reading] = {
    "A>B": Reading(1.0, "A>B"),
    "A>>B": Reading(1.0, "A>B"),
    "B>A": Reading(0.0, "B>A"),
    "B>>A": Reading(0.0, "B>A"),
    "A=B=Good": Reading(0.5, "A=B=Good", "both-good"),
    "A=B=Bad": Reading(0.5, "A=B=Bad", "both-bad"),
    "A=B": Reading(0.5, "A=B"),
}
_DEGREES: Mapping[str, Reading] = {
    "A>>B": Reading(1.0, "A>>B", strength=3),
    "A>B": Reading(1.0, "A>B", strength=1),
    "A=B": Reading(0.5, "A=B", strength=1),
    "B>A": Reading(0.0, "B>A", strength=1),
    "B>>A": Reading(0.0, "B>>A", strength=3),
}


def auto_j(output: object) -> Reading:
    """Auto-J's ``output`` (arXiv 2310.05470): 0 the first response, 1 the second, 2 a tie."""
    if isinstance(output, bool) or not isinstance(output, int | float) or output not in _AUTO_J:
        raise NoVerdict(f"the output {output!r} is not 0, 1 or 2")
    return Reading(_AUTO_J[int(output)], str(int(output)))


def judgebench(decision: object) -> Reading:
    """JudgeBench's ``decision`` (arXiv 2410.12784): ``A>B``, ``B>A`` or ``A=B``, A being the one
    shown first; ``>>`` is ``>``. Null, where the judge's words were not understood, is none."""
    word = str(decision).replace(">>", ">")
    if not isinstance(decision, str) or word not in _JUDGEBENCH:
        raise NoVerdict(f"the decision {decision!r} is none")
    return Reading(_JUDGEBENCH[word], word)


def genai_bench(reply: str) -> Reading:
    """GenAI-Bench (arXiv 2406.04485): from the first ``[[`` of a line to its last ``]]`` must
    stand exactly one label. A bare ``A=B`` is right for either kind of tie."""
    match = _GENAI_BRACKETS.search(reply)
    if match is None:
        raise NoVerdict("the reply holds no [[verdict]]")
    return genai_bench_label(match[0])


def genai_bench_label(label: str) -> Reading:
    """What GenAI-Bench's script found in the reply, with or without its brackets."""
    word = label.removeprefix("[[").removesuffix("]]").strip()
    if word not in _GENAI:
        raise NoVerdict(f"{word[:40]!r} is no verdict")
    return _GENAI[word]


def arena_hard(reply: str) -> Reading:
    """Arena-Hard (arXiv 2406.11939) and WildVision-Bench: all labels ``[[A>>B]]`` of a reply must
    be the same one."""
    found = {match.strip() for match in _ARENA.findall(reply)}
    if len(found) != 1:
        raise NoVerdict(f"the reply holds {len(found)} different verdicts")
    return arena_hard_label(found.pop())


def arena_hard_label(label: str) -> Reading:
    """One of ``A>>B``, ``A>B``, ``A=B``, ``B>A``, ``B>>A``."""
    word = label.strip()
    if word not in _DEGREES:
        raise NoVerdict(f"{word[:40]!r} is no verdict")
    return _DEGREES[word]


def llmbar(reply: str) -> Reading:
    """LLMBar (arXiv 2310.07641): the reply names ``Output (a)`` or ``Output (b)``, the same
    wherever it names one; (a) was shown first."""
    found = set(_LLMBAR.findall(reply))
    if len(found) != 1:
        raise NoVerdict(f"the reply names {len(found)} outputs")
    letter = found.pop()
    return Reading(float(letter == "a"), letter)


def viescore(score: object) -> int:
    """VIEScore's answer for one aspect (arXiv 2312.14867): its sub-scores 0..10, or one number.
    The aspect is their minimum, each cut to its whole part (an 8.5 counts as 8) and held within
    the scale, over ten; the whole number is returned, so that equal scores stay equal."""
    scores: list[Any] = score if isinstance(score, list) else [score]
    try:
        if not scores or any(isinstance(one, bool) for one in scores):
            raise ValueError
        least = min(int(float(one)) for one in scores)
    except (TypeError, ValueError, OverflowError):
        raise NoVerdict(f"no scores in {score!r}") from None
    return min(max(least, 0), 10)
