"""A jury whose models are in different places: several endpoints and a model in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import request, text_sample
from judge_server import Server, TinyChat

from prefgauge.registry import Device, Outcome, UnknownName, UsageError
from prefgauge.registry.discovery import default
from prefgauge.runners.plan import fingerprint


def verdicts(address: str, size: int = 3) -> list[Outcome]:
    judge: Any = default().scorer(address)
    judge.open(Device("cpu"))
    try:
        return list(
            judge.score([judge.prepare(request(judge.form, text_sample(n))) for n in range(size)])
        )
    finally:
        judge.close()


def test_a_jury_in_three_places(chat: TinyChat, llama: Path, other_llama: Path) -> None:
    """Two servers and a model in this process, each asked once per verdict; the jury's value is
    the mean of what each says alone."""
    with Server(chat) as one, Server(TinyChat(other_llama)) as two:
        members = f"first,{two.url}#second,transformers#{llama}"
        more = "protocol=pairwise-tie&answer=choice"
        jury = verdicts(f"judge:{one.url}#first?strategy=jury&jury={members}&{more}")
        assert (one.number, two.number) == (3, 3)
        assert {body["model"] for body in one.bodies} == {"first"}
        assert {body["model"] for body in two.bodies} == {"second"}
        alone = [
            verdicts(f"judge:{one.url}#first?{more}"), verdicts(f"judge:{two.url}#second?{more}"),
            verdicts(f"judge:transformers#{llama}?{more}"),
        ]  # fmt: skip
    for number, outcome in enumerate(jury):
        each = [found[number].values["overall"] for found in alone]
        assert outcome.values["overall"] == pytest.approx(sum(each) / 3, abs=1e-6)
        assert sum(outcome.extra["votes"].values()) == 3
        assert outcome.extra["calls"] == 3


def test_one_juror_down_fails_the_verdict_with_its_reason(chat: TinyChat) -> None:
    with Server(None) as gone:
        dead = gone.url
    with Server(chat) as one:
        address = f"judge:{one.url}#a?strategy=jury&jury=a,{dead}#b&answer=json&attempts=1"
        (outcome,) = verdicts(address, 1)
    assert outcome.status == "failed"
    assert "no connection" in outcome.reason


def test_a_listener_elsewhere(chat: TinyChat, other_llama: Path) -> None:
    with Server(chat) as one, Server(TinyChat(other_llama)) as two:
        address = f"judge:{one.url}#a?strategy=listener&listener={two.url}#b&answer=json"
        (outcome,) = verdicts(f"{address}&max_tokens=4", 1)
        assert outcome.status == "ok"
        assert (one.number, two.number) == (2, 1)


def test_keys_go_to_their_own_endpoint_alone(
    chat: TinyChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_JUDGE_KEY", "sk-own")
    monkeypatch.setenv("KEY_B", "sk-of-b")
    with Server(chat) as one, Server(chat) as two, Server(chat) as three:
        jury = f"a,{two.url}#b,{three.url}#c"
        address = f"judge:{one.url}#a?strategy=jury&jury={jury}&answer=json&member_env=b=KEY_B"
        (outcome,) = verdicts(address, 1)
        said = [str(server.headers) for server in (one, two, three)]
    assert outcome.status == "ok"
    assert ["sk-own" in s for s in said] == [True, False, False]
    assert ["sk-of-b" in s for s in said] == [False, True, False]
    assert "sk-" not in str(outcome) + str(default().scorer(address).card)


def test_members_are_in_the_fingerprint() -> None:
    base = "judge:http://127.0.0.1:9/v1#a?strategy=jury&jury=a,"
    marks = {
        fingerprint(default().scorer(base + member))
        for member in ("b", "http://127.0.0.1:8/v1#b", "http://127.0.0.1:7/v1#b")
    }
    assert len(marks) == 3


def test_a_wrong_member_is_named() -> None:
    base = "judge:http://127.0.0.1:9/v1#a?strategy=jury&jury=a,"
    with pytest.raises(UnknownName, match="openai"):
        default().scorer(base + "opnai#b")
    with pytest.raises(UsageError, match="MODEL=NAME"):
        default().scorer(base + "http://127.0.0.1:8/v1#b&member_env=KEY_B")
    with pytest.raises(UsageError, match="write b alone"):
        default().scorer(base + "http://127.0.0.1:9/v1#b")
    with pytest.raises(UsageError, match="password"):
        default().scorer(base + "http://me:secret@127.0.0.1:8/v1#b")
