"""Putting a question and reading its answer, in any mode, with another try where it is unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from prefgauge.plugins.scorers.judges.answers import Answer, Verdict
from prefgauge.plugins.scorers.judges.talk import Ask, Reply, Talk, Turn, Unreadable
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.content import Text

__all__ = ["MODES", "Mode", "Way", "decide", "free_text", "say", "texts"]

Mode: TypeAlias = Literal["text", "json", "choice"]
MODES: tuple[Mode, ...] = ("text", "json", "choice")

_EVIDENCE = "First weigh the evidence in a few sentences, for and against. Only then decide. "
_BARE = "Reply with the verdict alone, without any explanation. "
_LAST = "End with one last line that holds the verdict in double square brackets, like this:\n{}"
_LAST_LINES = "End with the verdicts in double square brackets, one line each, like this:\n{}"
_JSON = "Reply with one JSON object and nothing else. Its keys: {}."
_CHOICE = "Reply with exactly one of these and nothing else: {}."
_CHOICE_OF = "Now decide on {} alone. "
_AGAIN = "Your reply could not be read: {}. Answer the same question again. "
#: All texts of this module, for fingerprints.
texts = (_EVIDENCE, _BARE, _LAST, _LAST_LINES, _JSON, _CHOICE, _CHOICE_OF, _AGAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How questions are put: set by the judge's options and changed by strategies.

    Parameters
    ----------
    mode: how the verdict is to be given.
    model: another model than the judge's own.
    temperature, max_tokens, seed: see :class:`~prefgauge.plugins.scorers.judges.talk.Ask`.
    retries: further tries after an unreadable reply.
    persona: whose eyes to judge with; begins the system message.
    note: what a strategy has to say about the material it added; follows the task.
    evidence: reasons before the verdict.
    before: turns between system message and question (worked examples).
    after: turns after the question, before the verdict is asked for (a rationale).
    """

    mode: Mode = "text"
    model: str = ""
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int = 0
    retries: int = 2
    persona: str = ""
    note: str = ""
    evidence: bool = False
    before: tuple[Turn, ...] = ()
    after: tuple[Turn, ...] = ()

    def but(self, **changes: Any) -> Way:
        """A copy with changes."""
        return replace(self, **changes)

    def ask(self, turns: tuple[Turn, ...], label: str, **rest: Any) -> Ask:
        """An ask with this way's model and sampling."""
        return Ask(
            turns=turns, model=self.model, temperature=self.temperature,
            max_tokens=self.max_tokens, seed=self.seed, label=label, **rest,
        )  # fmt: skip


def say(speaker: Literal["system", "user", "assistant"], text: str) -> Turn:
    """A turn of plain text."""
    return Turn(speaker, (Text(text),))


def free_text(turns: tuple[Turn, ...], request: str, way: Way, label: str) -> Talk[str]:
    """Ask for text that is not a verdict (a rationale, a description, criteria)."""
    (reply,) = yield [way.ask(_extended(turns, request), label)]
    return reply.text.strip()


def decide(turns: tuple[Turn, ...], answer: Answer, view: View, way: Way) -> Talk[Verdict]:
    """Ask for a verdict in the mode of `way` and read it.

    Raises
    ------
    Unreadable: if no reply could be read, after ``way.retries`` further tries.
    """
    if way.mode == "choice":
        return (yield from _by_choice(turns, answer, view, way))
    schema = _schema(answer, view, way) if way.mode == "json" else None
    request = _request(answer, view, way, schema)
    turns = _extended(turns, request)
    for attempt in range(way.retries + 1):
        ask = way.but(seed=way.seed + attempt).ask(turns, "verdict", schema=schema)
        (reply,) = yield [ask]
        try:
            if reply.finish == "content_filter":
                raise Unreadable("the backend withheld it (content filter)")
            if schema is not None:
                return answer.read_json(reply.text, schema, view)
            return answer.read_text(reply.text, view)
        except Unreadable as error:
            reason = str(error)
            if reply.finish == "length":
                reason += " (it was cut off at the token limit)"
            if attempt == way.retries:
                raise Unreadable(reason) from None
        again = say("user", _AGAIN.format(reason) + request)
        turns = (*turns, say("assistant", reply.text or "(nothing)"), again)
        if attempt:  # keep only the latest failed try in the conversation
            turns = (*turns[:-4], *turns[-2:])
    raise AssertionError("unreachable")


def _by_choice(turns: tuple[Turn, ...], answer: Answer, view: View, way: Way) -> Talk[Verdict]:
    """One question per field, side by side; those that cannot be read are put again."""
    fields = answer.choices(view)
    requests: dict[str, str] = {}
    for name, words in fields.items():
        lead = _CHOICE_OF.format(name) if len(fields) > 1 else ""
        requests[name] = f"{answer.explain(view)}\n\n{lead}{_CHOICE.format(', '.join(words))}"
    open_ = {name: _extended(turns, request) for name, request in requests.items()}
    said: dict[str, str] = {}
    known: dict[str, Mapping[str, float]] = {}
    for attempt in range(way.retries + 1):
        here = way.but(seed=way.seed + attempt)
        replies = yield [
            here.ask(asked, f"choice of {name}", choices=fields[name])
            for name, asked in open_.items()
        ]
        again: dict[str, tuple[Turn, ...]] = {}
        for name, reply in zip(list(open_), replies, strict=True):
            try:
                said[name] = _said(reply, fields[name])
            except Unreadable as error:
                if attempt == way.retries:
                    raise
                repeat = say("user", _AGAIN.format(error) + requests[name])
                tried = say("assistant", reply.text or "(nothing)")
                again[name] = (*_extended(turns, requests[name]), tried, repeat)
                continue
            if reply.probabilities:
                known[name] = dict(zip(fields[name], reply.probabilities, strict=True))
        if not again:
            break
        open_ = again
    return answer.read_choices(said, known, view)


def _said(reply: Reply, words: tuple[str, ...]) -> str:
    text = reply.text.strip()
    if text in words:
        return text
    raise Unreadable(f"{text[:40]!r} is none of {', '.join(words)}")


def _schema(answer: Answer, view: View, way: Way) -> dict[str, Any]:
    properties = answer.schema(view)
    if way.evidence:
        properties = {"evidence": {"type": "string"}, **properties}
    return {
        "type": "object", "properties": properties,
        "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _request(answer: Answer, view: View, way: Way, schema: Mapping[str, Any] | None) -> str:
    lead = _EVIDENCE if way.evidence else _BARE if schema is None else ""
    if schema is not None:
        keys = []
        for name, part in schema["properties"].items():
            words = part.get("enum") or part.get("items", {}).get("enum")
            kind = "a text" if words is None else f"one of {', '.join(map(str, words))}"
            if part.get("type") == "array":
                kind = "the list, best first, of " + ", ".join(words)
            keys.append(f'"{name}" ({kind})')
        form = _JSON.format("; ".join(keys))
    else:
        example = answer.example(view)
        form = (_LAST_LINES if "\n" in example else _LAST).format(example)
    return f"{answer.explain(view)}\n\n{lead}{form}"


def _extended(turns: tuple[Turn, ...], request: str) -> tuple[Turn, ...]:
    """The turns with a request added to the last user turn, or as a new one."""
    if turns and turns[-1].speaker == "user":
        last = turns[-1]
        joined = Turn("user", (*last.parts, Text("\n\n" + request)))
        return (*turns[:-1], joined)
    return (*turns, say("user", request))
