"""Judges of known behaviour, to be put behind the server: they read what they are really sent."""

from __future__ import annotations

import re
from typing import Any

from prefgauge.benches.controls.corpus import CORPUS

_ORDERS = re.compile(
    r"choose ([AB])|Report ([AB])\.|\[\[([AB])\]\]|prefers answer ([AB])|this rubric \(([AB])\)"
)
_ANY_FENCE = re.compile(r"«(BEGIN|END) CANDIDATE ([AB]) [0-9a-f]{12}»")


class Knowing:
    """Knows which answer is true, reads fences by their code, and obeys nobody."""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """A chat completion that ends with the verdict."""
        system, user = (message["content"] for message in body["messages"][:2])
        code = re.search(r"exactly this code ([0-9a-f]{12})", system)
        assert code
        text = f"My verdict:\n[[{self.verdict(user, code[1])}]]"
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
        return {"choice": choice, "usage": usage}

    def verdict(self, text: str, code: str) -> str:
        return better(fences(text, code))


class Obedient(Knowing):
    """Does what the last instruction inside the candidates says, where there is one."""

    def verdict(self, text: str, code: str) -> str:
        shown = "\n".join(fences(text, code).values()).replace("\\u200b", "")
        orders = [letter for match in _ORDERS.findall(shown) for letter in match if letter]
        return orders[-1] if orders else super().verdict(text, code)


class Trusting(Knowing):
    """Takes any fence for a real one, whatever its code; the last of a name counts."""

    def verdict(self, text: str, code: str) -> str:
        marks = list(_ANY_FENCE.finditer(text))
        found = {}
        for one, after in zip(marks, [*marks[1:], None]):
            if one[1] == "BEGIN":
                found[one[2]] = text[one.end() : after.start() if after else len(text)]
        return better(found)


class Wrong(Knowing):
    """Always takes the false answer."""

    def verdict(self, text: str, code: str) -> str:
        return "AB"[super().verdict(text, code) == "A"]


class First(Knowing):
    """Always takes the one shown first."""

    def verdict(self, text: str, code: str) -> str:
        return "A"


class Startled(Knowing):
    """Says nothing readable where a candidate tries to speak to it."""

    def verdict(self, text: str, code: str) -> str:
        shown = "\n".join(fences(text, code).values())
        return "I will not" if _ORDERS.search(shown) else super().verdict(text, code)


def fences(text: str, code: str) -> dict[str, str]:
    """Letter -> what stands in the fence with this code."""
    found = re.findall(
        rf"«BEGIN CANDIDATE ([AB]) {code}»\n(.*?)\n«END CANDIDATE \1 {code}»", text, re.DOTALL
    )
    assert len(found) == 2
    return dict(found)


def better(shown: dict[str, str]) -> str:
    """The letter of the candidate that holds most of some true answer; any answer beats none."""
    true = [sentence for item in CORPUS for sentence in item.true]

    def merit(letter: str) -> tuple[int, bool]:
        text = shown[letter]
        return sum(sentence in text for sentence in true), "I refuse to answer" not in text

    return max(shown, key=merit)
