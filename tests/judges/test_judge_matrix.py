"""Every protocol with every strategy, against a real server with a real (tiny) model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import clip, picture, request, solid, sound, text_sample
from judge_server import Server, TinyChat

from prefgauge.registry import Device, Sample, UsageError, content
from prefgauge.registry.discovery import default

PARTS = default().names("part")
PROTOCOLS = [n.removeprefix("judge-protocol.") for n in PARTS if n.startswith("judge-protocol.")]
STRATEGIES = [n.removeprefix("judge-strategy.") for n in PARTS if n.startswith("judge-strategy.")]
VERDICTS: dict[str, Any] = {"pairwise": "A", "listwise": ["B", "A", "C"], "pointwise": 4}
WORDS = {
    "pairwise-strength": "A>B", "pairwise-good-bad": "A=B=Bad", "unified-shares": 0.7,
    "unified-pairwise": "Image 1 is better",
}  # fmt: skip
YES_NO = {"checklist": "yes", "verifier": "no"}


@pytest.fixture(scope="module")
def server(chat: TinyChat) -> Iterator[Server]:
    with Server(chat) as running:
        yield running


def graded(folder: Path, protocol: str) -> Path:
    """Three graded examples that fit the protocol."""
    form = default().part(f"judge-protocol.{protocol}").form
    verdict = WORDS.get(protocol) or YES_NO.get(protocol) or VERDICTS[form]
    k = {"pointwise": 1, "pairwise": 2, "listwise": 3}[form]
    path = folder / f"{protocol}.jsonl"
    rows = [
        {
            "prompt": f"Question {n}?",
            "candidates": [f"x{n}", f"y{n}", f"z{n}"][:k],
            "verdict": verdict,
        }
        for n in range(3)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def options(strategy: str, folder: Path, protocol: str) -> str:
    """What the strategy cannot do without."""
    return {
        "jury": "&jury=one,two",
        "few-shot": f"&examples={graded(folder, protocol)}",
        "criteria-selection": f"&grades={graded(folder, protocol)}&criteria=Right;Short&keep=1",
        "consistency": "&n=2",
        "debate": "&rounds=1",
        "tools": "&rounds=1",
    }.get(strategy, "")


MAKERS = {
    "image": picture, "viescore": picture, "describe": picture, "threed": solid, "video": clip,
    "music": sound, "speech": sound, "unified": picture,
}  # fmt: skip


def sample_for(protocol: str) -> Sample:
    """Real media of the kind that the protocol is about, or text."""
    make = MAKERS.get(protocol.partition("-")[0])
    if make is None:
        return text_sample()
    shown = tuple(content(make(seed)) for seed in range(3))
    return Sample(id="m", prompt=content("a spider"), candidates=shown, labels=())


def works(protocol: str, strategy: str) -> bool:
    """Swapping needs two, and a tournament pairs."""
    form = default().part(f"judge-protocol.{protocol}").form
    return {"swap": form != "pointwise", "tournament": form == "pairwise"}.get(strategy, True)


def verdict_of(server: Server, protocol: str, strategy: str, answer: str, folder: Path) -> None:
    """Ask one question and check the outcome, or that the pairing is refused with its reason."""
    address = (
        f"judge:{server.url}#tiny?protocol={protocol}&strategy={strategy}&answer={answer}"
        f"&max_tokens=4{options(strategy, folder, protocol)}"
    )
    if not works(protocol, strategy):
        with pytest.raises(UsageError, match=f"{strategy} needs a"):
            default().scorer(address)
        return
    judge = default().scorer(address)
    asked = request(judge.form, sample_for(protocol))
    judge.open(Device("cpu"))
    try:
        (outcome,) = judge.score([judge.prepare(asked)])
    finally:
        judge.close()
    outcome = outcome.checked(judge.form, len(asked.candidates))
    assert outcome.status == "ok", (protocol, outcome)
    assert outcome.critique
    assert outcome.extra["calls"] >= 1
    assert outcome.extra["tokens_in"] > 100
    if judge.form != "listwise":
        assert set(outcome.values) == {d.name for d in judge.card.dimensions}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol(server: Server, protocol: str, tmp_path: Path) -> None:
    for answer in ("json", "choice"):
        verdict_of(server, protocol, "plain", answer, tmp_path)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy(server: Server, strategy: str, tmp_path: Path) -> None:
    for protocol in ("pairwise-tie", "dimensions", "ranking"):
        verdict_of(server, protocol, strategy, "json", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["json", "choice"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_protocol_with_every_strategy(
    server: Server, strategy: str, answer: str, tmp_path: Path
) -> None:
    for protocol in PROTOCOLS:
        verdict_of(server, protocol, strategy, answer, tmp_path)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_text_answers_are_read_or_recorded_as_invalid(
    server: Server, strategy: str, tmp_path: Path
) -> None:
    """A model of random weights says nothing readable: the raw text must be kept."""
    for protocol in ("pairwise-tie", "rating", "ranking"):
        if not works(protocol, strategy) or strategy == "criteria-selection":
            continue
        judge = default().scorer(
            f"judge:{server.url}#tiny?protocol={protocol}&strategy={strategy}&retries=1"
            f"&max_tokens=4{options(strategy, tmp_path, protocol)}"
        )
        judge.open(Device("cpu"))
        try:
            (outcome,) = judge.score([judge.prepare(request(judge.form, text_sample()))])
        finally:
            judge.close()
        if strategy == "tournament":  # an unreadable match is a draw
            assert sorted(outcome.order or ()) == [0, 1, 2]
            continue
        assert outcome.status == "invalid", (protocol, outcome)
        assert outcome.reason
        assert outcome.critique
        assert outcome.extra["calls"] >= 2
