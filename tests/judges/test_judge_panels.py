"""What each panel and preparation asks, in which order, and who sees what; against its source."""

from __future__ import annotations

import pytest
from test_judge_strategies import PAIR, hold, shown, strategy

from prefgauge.plugins.scorers.judges.deciding import Way
from prefgauge.plugins.scorers.judges.talk import Ask
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry import content, text_of


def system(ask: Ask) -> str:
    return text_of(ask.turns[0].parts)


def test_personas_judge_apart_and_are_averaged() -> None:
    """IQA-EVAL: one model in several persons, each told who it is, none seeing another."""
    says = {"a hurried cook": "[[A]]", "a chemist": "[[C]]"}

    def answer(ask: Ask) -> str:
        return next(word for who, word in says.items() if who in system(ask))

    panel = strategy("personas", personas="a hurried cook;a chemist")
    verdict, asks = hold(panel.talk(PAIR, Way()), answer)
    assert len(asks) == 2
    assert verdict.values["overall"] == 0.75
    assert verdict.extra["votes"] == {"A": 1, "C": 1}
    assert "chemist" not in shown(asks[0])


def test_wide_and_deep() -> None:
    """WideDeep: perspectives are named for this material; in the wide layer each assesses alone;
    in the deep layer each decides having read what all found; their verdicts are averaged."""

    def answer(ask: Ask) -> str:
        if ask.label == "perspectives":
            return "1. Accuracy\n2. Brevity"
        role = "Accuracy" if "perspective: Accuracy" in system(ask) else "Brevity"
        if ask.label == f"assessment: {role}":
            return f"found by {role}"
        assert ask.label == "verdict"
        return "[[A]]" if role == "Accuracy" else "[[B]]"

    verdict, asks = hold(strategy("roles", roles="2").talk(PAIR, Way()), answer)
    assert [ask.label for ask in asks] == [
        "perspectives", "assessment: Accuracy", "assessment: Brevity", "verdict", "verdict",
    ]  # fmt: skip
    assert not any("found by" in shown(ask) for ask in asks[:3])
    for ask in asks[3:]:
        assert "[Accuracy] found by Accuracy" in shown(ask)
        assert "[Brevity] found by Brevity" in shown(ask)
    assert verdict.values["overall"] == 0.5
    assert verdict.extra["roles"] == ["Accuracy", "Brevity"]


def test_a_debate_has_rounds_and_no_last_word() -> None:
    """ChatEval, Khan et al.: one advocate per side; within a round they speak at the same time;
    from the second round on they know what was said; the judge has heard everything."""

    def answer(ask: Ask) -> str:
        if ask.label == "verdict":
            return "[[B]]"
        return f"for {ask.label[-len('X is the best') :]} after {shown(ask).count('[candidate')}"

    verdict, asks = hold(strategy("debate", rounds="2").talk(PAIR, Way()), answer)
    assert [ask.label for ask in asks] == [
        "speech: candidate A is the best", "speech: candidate B is the best",
        "speech: candidate A is the best", "speech: candidate B is the best", "verdict",
    ]  # fmt: skip
    heard = [shown(ask).count("[candidate") for ask in asks]
    assert heard == [0, 0, 2, 2, 4]
    assert verdict.word == "B"


def test_a_single_candidate_is_debated_for_and_against() -> None:
    one = View(content("Q"), (content("good"),))
    _, asks = hold(
        strategy("debate", "rating", rounds="1").talk(one, Way()),
        lambda ask: "[[7]]" if ask.label == "verdict" else "so there",
    )
    assert [ask.label for ask in asks[:2]] == [
        "speech: the candidate is good", "speech: the candidate is bad",
    ]  # fmt: skip


def test_a_rationale_comes_before_the_verdict() -> None:
    verdict, asks = hold(
        strategy("rationale").talk(PAIR, Way()),
        lambda ask: "A is sound." if ask.label == "rationale" else "[[A]]",
    )
    assert [ask.label for ask in asks] == ["rationale", "verdict"]
    turns = [(turn.speaker, text_of(turn.parts, "")) for turn in asks[1].turns]
    assert [speaker for speaker, _ in turns] == ["system", "user", "assistant", "user"]
    assert turns[2][1] == "A is sound."
    assert verdict.word == "A"


def test_evidence_is_asked_for_before_the_verdict_in_one_reply() -> None:
    """FairEval's evidence calibration; in JSON the reasons are the first key."""
    _, (text,) = hold(strategy("evidence").talk(PAIR, Way()), lambda ask: "Because.\n[[A]]")
    assert "First weigh the evidence" in shown(text)
    _, (json_,) = hold(
        strategy("evidence").talk(PAIR, Way(mode="json")),
        lambda ask: '{"evidence": "because", "verdict": "A"}',
    )
    assert list((json_.schema or {})["properties"]) == ["evidence", "verdict"]


def test_self_consistency_asks_for_reasons_at_another_temperature() -> None:
    _, asks = hold(strategy("consistency", n="3").talk(PAIR, Way(seed=5)), lambda ask: "So.\n[[A]]")
    assert [ask.seed for ask in asks] == [5, 1005, 2005]
    assert {ask.temperature for ask in asks} == {0.7}
    assert all("First weigh the evidence" in shown(ask) for ask in asks)


@pytest.mark.parametrize(("rounds", "expected"), [("1", 2), ("3", 4)])
def test_tools_may_be_called_in_rounds(rounds: str, expected: int) -> None:
    """Themis: call, observe, call again, then judge. Results of earlier calls are shown."""

    def answer(ask: Ask) -> str:
        if ask.label == "verdict":
            return "[[A]]"
        return f"CALC: {shown(ask).count('->')} + 1"

    verdict, asks = hold(strategy("tools", rounds=rounds).talk(PAIR, Way()), answer)
    assert len(asks) == expected
    assert verdict.extra["tools"] == [f"CALC: {n} + 1 -> {n + 1}" for n in range(int(rounds))]
    assert f"{rounds}" in shown(asks[-1])


def test_code_is_checked_for_a_judge_and_never_run(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import json

    mark = tmp_path / "ran"
    calls = [f"open({str(mark)!r}, 'w')", "def f(:"]

    def answer(ask: Ask) -> str:
        if ask.label == "verdict":
            return "[[A]]"
        return "\n".join(f"CODE: {json.dumps(source)}" for source in calls)

    verdict, _ = hold(strategy("tools", rounds="1").talk(PAIR, Way()), answer)
    assert [line.rpartition("-> ")[2] for line in verdict.extra["tools"]] == [
        "the syntax is valid", "syntax error in line 1: invalid syntax",
    ]  # fmt: skip
    assert not mark.exists()
