"""Free text: every protocol with every strategy, unreadable and readable; and endpoints in trouble
under every strategy."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import request
from judge_server import Server, TinyChat
from test_judge_matrix import PROTOCOLS, STRATEGIES, options, sample_for, works

from prefgauge.registry import Device, Outcome
from prefgauge.registry.discovery import default

#: Protocols that never ask for a verdict in free text (expected score from probabilities).
BY_CHOICE = {"geval"}
#: Protocols of models tuned to other forms than ours; test_judge_unified.py reads those.
OWN_FORM = {name for name in PROTOCOLS if name.startswith("unified-")}


class Readable:
    """Answers every question in the form that its last turn shows as a pattern."""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = str(_words(body["messages"][-1]["content"]))
        _, found, pattern = asked.rpartition("in double square brackets, ")
        lines = pattern.partition("like this:\n")[2].splitlines() if found else []
        text = "I have weighed it.\n" + "\n".join(map(_filled, lines)) if lines else "- fine enough"
        if choices := (body.get("structured_outputs") or {}).get("choice"):
            text = choices[0]
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 200, "completion_tokens": 9, "total_tokens": 209}
        return {"choice": choice, "usage": usage}


def _filled(line: str) -> str:
    """A pattern's line as an answer: the first of alternatives, without its explanation."""
    return re.sub(r" \(.*\)$", "", line.split(" or ", maxsplit=1)[0])


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


@pytest.fixture(scope="module")
def random_server(chat: TinyChat) -> Iterator[Server]:
    with Server(chat) as running:
        yield running


@pytest.fixture(scope="module")
def readable_server() -> Iterator[Server]:
    with Server(Readable()) as running:  # type: ignore[arg-type]
        yield running


def asked(url: str, protocol: str, strategy: str, folder: Path, more: str) -> tuple[Outcome, Any]:
    """The outcome of one question in free text, and the judge."""
    judge: Any = default().scorer(
        f"judge:{url}#m?protocol={protocol}&strategy={strategy}&max_tokens=4{more}"
        f"{options(strategy, folder, protocol)}"
    )
    judge.open(Device("cpu"))
    try:
        (outcome,) = judge.score([judge.prepare(request(judge.form, sample_for(protocol)))])
    finally:
        judge.close()
    return outcome.checked(judge.form, 3 if judge.form == "listwise" else 2), judge


def unreadable(server: Server, protocol: str, strategy: str, folder: Path) -> None:
    outcome, _ = asked(server.url, protocol, strategy, folder, "&retries=0")
    if protocol in BY_CHOICE:
        assert outcome.status == "ok"
    elif strategy == "tournament":
        # an unreadable match is a draw, survived by who is shown earlier: 0 beats 1, then 2
        assert outcome.order == (0, 2, 1)
    else:
        assert outcome.status == "invalid", (protocol, outcome)
        assert outcome.reason
        assert outcome.critique  # the raw text
        assert not outcome.values
        assert outcome.extra["calls"] >= 1


def readable(server: Server, protocol: str, strategy: str, folder: Path) -> None:
    if protocol in OWN_FORM:
        return
    outcome, judge = asked(server.url, protocol, strategy, folder, "&retries=0")
    assert outcome.status == "ok", (protocol, outcome)
    if judge.form == "listwise":
        assert sorted(outcome.order or ()) == [0, 1, 2]
        return
    assert set(outcome.values) == {d.name for d in judge.card.dimensions}
    for dimension in judge.card.dimensions:
        low, high = dimension.scale or (0.0, 1.0)
        assert low <= outcome.values[dimension.name] <= high


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol(
    random_server: Server, readable_server: Server, protocol: str, tmp_path: Path
) -> None:
    unreadable(random_server, protocol, "plain", tmp_path)
    readable(readable_server, protocol, "plain", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_protocol_with_every_strategy(
    random_server: Server, readable_server: Server, strategy: str, tmp_path: Path
) -> None:
    for protocol in PROTOCOLS:
        if works(protocol, strategy):
            unreadable(random_server, protocol, strategy, tmp_path)
            readable(readable_server, protocol, strategy, tmp_path)


KINDS = ["429", "500", "cut", "garbage", "html", "empty", "hang"]


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["false", "true"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_trouble_under_every_strategy(
    chat: TinyChat, strategy: str, stream: str, tmp_path: Path
) -> None:
    """Every second request meets trouble, each kind in turn; every answer slow. All questions are
    answered in the end, none twice."""

    def trouble(number: int, body: dict[str, Any]) -> str:
        return KINDS[number // 2 % len(KINDS)] if number % 2 else ""

    for protocol in ("pairwise-tie", "rating", "ranking"):
        if not works(protocol, strategy):
            continue
        with Server(chat, trouble, delay=0.01) as server:
            more = f"&answer=json&timeout=3&concurrency=3&stream={stream}"
            outcome, _ = asked(server.url, protocol, strategy, tmp_path, more)
            assert outcome.status == "ok", (protocol, outcome)
            end = time.monotonic() + 5  # the server counts once its answer is away
            while sum(server.answered.values()) < outcome.extra["calls"]:
                assert time.monotonic() < end, (protocol, outcome.extra)
                time.sleep(0.01)
            assert set(server.answered.values()) == {1}, protocol
            assert len({json.dumps(b["messages"]) for b in server.bodies}) <= len(server.answered)


def test_the_patterns_are_those_of_the_prompts(readable_server: Server, tmp_path: Path) -> None:
    """The readable server reads real prompts: what it says is what they ask for."""
    asked(readable_server.url, "dimensions", "plain", tmp_path, "&retries=0")
    said = str(readable_server.bodies[-1]["messages"][-1]["content"]).splitlines()
    assert said[-3:] == ["helpfulness: [[4]]", "correctness: [[4]]", "coherence: [[4]]"]
    assert "2 spiders" in "\n".join(said)
