"""Replies of UnifiedReward models (Wang et al. 2025, arXiv 2503.05236), read strictly.

Upstream looks for the right sentence anywhere in a reply; here a reply that holds two different
verdicts, or a number off the scale, is unreadable. Of a reasoning model's reply only what stands
in its last ``<answer>`` counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from prefgauge.plugins.scorers.judges.parsers.brackets import number_within
from prefgauge.plugins.scorers.judges.talk import Unreadable

__all__ = ["aspect_scores", "final_score", "sentence", "shares"]

_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL)
_FINAL = re.compile(r"Final Score:[\s*]*([+-]?\d+(?:\.\d+)?)(?![\d.]*/)")
_NUMBER = r"[\s*]*([+-]?\d+(?:\.\d+)?)"


def said(text: str) -> str:
    """What counts of a reply: the inside of its last ``<answer>``, or all of it."""
    found = _ANSWER.findall(text)
    return str(found[-1]) if found else text


def sentence(text: str, sentences: Collection[str]) -> str:
    """The one of `sentences` that a reply holds.

    Raises
    ------
    Unreadable: if it holds none, or more than one.
    """
    found = [known for known in sentences if known in said(text)]
    if len(found) != 1:
        raise Unreadable(f"the reply holds {len(found) or 'none'} of the sentences: {found}")
    return found[0]


def final_score(text: str, low: float, high: float) -> float:
    """The number after ``Final Score:``, the same wherever it stands.

    Raises
    ------
    Unreadable: if there is none, several different ones, or it is off the scale.
    """
    found = set(_FINAL.findall(said(text)))
    if len(found) != 1:
        raise Unreadable(f"the reply holds {len(found) or 'no'} numbers after 'Final Score:'")
    return number_within(found.pop(), low, high)


def aspect_scores(text: str, names: Sequence[str], low: float, high: float) -> dict[str, float]:
    """Numbers of lines ``Alignment Score (1-5): 2.69``, by aspect.

    Raises
    ------
    Unreadable: if an aspect has no such line or several different ones, or is off the scale.
    """
    values = {}
    for name in names:
        pattern = rf"\b{re.escape(name)} Score\b[*\s]*(?:\([^)\n]*\))?[*\s]*:{_NUMBER}"
        found = set(re.findall(pattern, said(text), re.IGNORECASE))
        if len(found) != 1:
            raise Unreadable(f"the reply holds {len(found) or 'no'} numbers for the {name} Score")
        values[name] = number_within(found.pop(), low, high)
    return values


def shares(text: str, names: Sequence[str], noun: str) -> dict[str, float]:
    """The first candidate's share of each aspect, from blocks ``Alignment Score:``, ``Image 1:
    0.44``, ``Image 2: 0.56``.

    Raises
    ------
    Unreadable: if a block is missing, or its numbers are not shares that sum to 1 (within 0.02).
    """
    values = {}
    for name in names:
        pattern = (
            rf"\b{re.escape(name)} Score\b[*\s]*:[*\s]*{noun} 1[*\s]*:{_NUMBER}"
            rf"[*\s]*{noun} 2[*\s]*:{_NUMBER}"
        )
        found = set(re.findall(pattern, said(text), re.IGNORECASE))
        if len(found) != 1:
            raise Unreadable(f"the reply holds {len(found) or 'no'} pairs for the {name} Score")
        first, second = (number_within(word, 0.0, 1.0) for word in found.pop())
        if abs(first + second - 1.0) > 0.02:
            raise Unreadable(f"the {name} shares {first:g} and {second:g} do not sum to 1")
        values[name] = first / (first + second)
    return values
