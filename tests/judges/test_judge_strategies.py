"""What strategies make of verdicts, by hand: replies are given, the figures follow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import request, text_sample
from judge_server import Server, TinyChat

from prefgauge.plugins.scorers.judges.answers import Verdict
from prefgauge.plugins.scorers.judges.deciding import Way
from prefgauge.plugins.scorers.judges.strategies.base import Strategy, average
from prefgauge.plugins.scorers.judges.strategies.examples import alignment
from prefgauge.plugins.scorers.judges.talk import Ask, Reply, Talk, Unreadable, together
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry import Address, Device, content, text_of
from prefgauge.registry.discovery import default

PAIR = View(content("Q"), (content("good"), content("bad")))


def strategy(name: str, protocol: str = "pairwise-tie", **options: str) -> Strategy:
    """A strategy over a protocol."""
    address = Address("judge", "x", {"strategy": name, "protocol": protocol, **options})
    made = default().part(f"judge-protocol.{protocol}")(address)
    found: Strategy = default().part(f"judge-strategy.{name}")(address, made)
    return found


def hold(talk: Talk[Verdict], answer: Callable[[Ask], str]) -> tuple[Verdict, list[Ask]]:
    """Hold a talk with an answer for every ask; the verdict and all asks."""
    asked: list[Ask] = []
    try:
        asks = next(talk)
        while True:
            asked += asks
            asks = talk.send([Reply(text=answer(ask), finish="stop") for ask in asks])
    except StopIteration as stop:
        return stop.value, asked


def shown(ask: Ask) -> str:
    """All text of an ask."""
    return "\n".join(text_of(turn.parts, "") for turn in ask.turns)


def first_is_good(ask: Ask) -> bool:
    """Whether "good" is shown before "bad"."""
    text = shown(ask)
    return text.index("\ngood\n") < text.index("\nbad\n")


@pytest.mark.parametrize(
    ("combine", "given", "swapped", "p"),
    [  # verdicts as said; the swapped one is turned back
        ("net", "A", "B", 1.0), ("net", "A", "A", 0.5), ("net", "A", "C", 1.0), ("net", "C", "A", 0.0),
        ("both", "A", "B", 1.0), ("both", "A", "C", 0.5), ("both", "B", "A", 0.0), ("both", "C", "C", 0.5),
        ("mean", "A", "C", 0.75), ("mean", "A", "A", 0.5), ("mean", "B", "C", 0.25),
    ],
)  # fmt: skip
def test_swap(combine: str, given: str, swapped: str, p: float) -> None:
    swap = strategy("swap", combine=combine)
    verdict, asks = hold(
        swap.talk(PAIR, Way()), lambda ask: f"[[{given if first_is_good(ask) else swapped}]]"
    )
    assert verdict.values["overall"] == p
    assert len(asks) == 2
    turned = {"A": "B", "B": "A", "C": "C"}[swapped]
    assert verdict.extra["consistent"] is (given == turned)


@pytest.mark.parametrize(("combine", "p"), [("net", 1.0), ("both", 0.5), ("mean", 0.6)])
def test_swap_combines_every_dimension(combine: str, p: float) -> None:
    """Shares .7 in the given order and .5 when swapped, .9 and .1 on the second aspect: there the
    swapped order says .9 for the first as well."""
    swap = strategy("swap", "unified-shares", combine=combine)
    first, second, *rest = swap.protocol.answer(PAIR).names  # type: ignore[attr-defined]

    def answer(ask: Ask) -> str:
        given = first_is_good(ask)
        said = {first: "0.7" if given else "0.5", second: "0.9" if given else "0.1"}
        return json.dumps(said | dict.fromkeys(rest, "0.5"))

    verdict, _ = hold(swap.talk(PAIR, Way(mode="json", retries=0)), answer)
    assert verdict.values[first] == pytest.approx(p)
    assert verdict.values[second] == pytest.approx({"mean": 0.9}.get(combine, 1.0))
    assert set(verdict.values) == {d.name for d in swap.protocol.dimensions()}


def test_a_net_vote_does_with_one_readable_order() -> None:
    def answer(ask: Ask) -> str:
        return "[[A]]" if first_is_good(ask) else "no idea"

    verdict, asks = hold(strategy("swap").talk(PAIR, Way(retries=1)), answer)
    assert verdict.values["overall"] == 1.0
    assert len(asks) == 3
    with pytest.raises(Unreadable):
        hold(strategy("swap", combine="both").talk(PAIR, Way(retries=0)), answer)


def test_an_unreadable_reply_is_shown_to_the_model_with_the_reason() -> None:
    replies = iter(["I like A", "Still A", "[[A]]"])
    verdict, asks = hold(strategy("plain").talk(PAIR, Way(retries=2)), lambda ask: next(replies))
    assert verdict.word == "A"
    assert "I like A" in shown(asks[1])
    assert "could not be read" in shown(asks[1])
    assert "I like A" not in shown(asks[2])  # only the latest try stays
    assert "Still A" in shown(asks[2])
    assert [ask.seed for ask in asks] == [0, 1, 2]


def test_an_unreadable_choice_is_put_again() -> None:
    """Of two fields one is read at once; the other gets the reason and another try."""
    one = View(content("Q"), (content("good"),))
    replies = iter(["4", "hm", "5"])
    rating = strategy("plain", "dimensions", dimensions="helpfulness,correctness")
    verdict, asks = hold(rating.talk(one, Way(mode="choice")), lambda ask: next(replies))
    assert verdict.values == {"helpfulness": 4.0, "correctness": 5.0}
    assert [ask.label for ask in asks] == [
        "choice of helpfulness", "choice of correctness", "choice of correctness",
    ]  # fmt: skip
    assert "'hm' is none of 1, 2, 3, 4, 5" in shown(asks[2])
    with pytest.raises(Unreadable, match="none of"):
        hold(rating.talk(one, Way(mode="choice", retries=1)), lambda ask: "hm")


def test_self_consistency_averages_samples() -> None:
    replies = iter(["[[A]]", "[[A]]", "[[C]]", "[[B]]"])
    verdict, asks = hold(
        strategy("consistency", n="4").talk(PAIR, Way()), lambda ask: next(replies)
    )
    assert verdict.values["overall"] == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert verdict.extra["votes"] == {"A": 2, "C": 1, "B": 1}
    assert len({ask.seed for ask in asks}) == 4
    assert all(ask.temperature == 0.7 for ask in asks)


def test_a_jury_leaves_out_who_cannot_be_read() -> None:
    says = {"x": "[[A]]", "y": "[[C]]", "z": "hm"}
    jury = strategy("jury", jury="x,y,z")
    verdict, _ = hold(jury.talk(PAIR, Way(retries=0)), lambda ask: says[ask.model])
    assert verdict.values["overall"] == 0.75
    assert verdict.extra == {"votes": {"A": 1, "C": 1}, "unreadable": 1}
    with pytest.raises(Unreadable, match="none of 3"):
        hold(jury.talk(PAIR, Way(retries=0)), lambda ask: "hm")


FIVE = View(content("Q"), tuple(content(f"quality {n}") for n in (3, 1, 5, 2, 4)))


def by_quality(ask: Ask) -> str:
    import re

    first, second = (int(n) for n in re.findall(r"quality (\d)\n", shown(ask)))
    return "[[A]]" if first > second else "[[B]]"


def test_a_round_robin_finds_the_order() -> None:
    names = strategy("tournament", "pairwise", schedule="round-robin")
    verdict, asks = hold(names.talk(FIVE, Way()), by_quality)
    assert verdict.order == (2, 4, 0, 3, 1)
    assert verdict.extra["points"] == [2.0, 0.0, 4.0, 1.0, 3.0]
    assert len(asks) == 20  # ten pairs in both orders


def test_a_knockout_finds_the_best_with_k_minus_one_matches() -> None:
    verdict, asks = hold(strategy("tournament", "pairwise").talk(FIVE, Way()), by_quality)
    assert verdict.order is not None
    assert verdict.order[0] == 2
    assert sorted(verdict.order) == list(range(5))
    assert len(asks) == 2 * 4


def test_orders_are_averaged_by_mean_position() -> None:
    """Positions of candidate 0: 0, 1; of 1: 1, 2; of 2: 2, 0. Sums 1, 3, 2."""
    verdict = average([Verdict(order=(0, 1, 2)), Verdict(order=(2, 0, 1))], 3)
    assert verdict.order == (0, 2, 1)


def test_a_listwise_swap_turns_the_reversed_order_back() -> None:
    three = View(content("Q"), (content("good"), content("fair"), content("bad")))

    def answer(ask: Ask) -> str:
        return "[[A]], [[B]], [[C]]" if first_is_good(ask) else "[[C]], [[B]], [[A]]"

    verdict, _ = hold(strategy("swap", "ranking").talk(three, Way()), answer)
    assert verdict.order == (0, 1, 2)


def test_own_answer_and_checklist_are_written_blind() -> None:
    """Neither may be bent by the candidates' text."""
    verdict, asks = hold(strategy("self-reference").talk(PAIR, Way()), lambda ask: "[[A]]")
    assert "\ngood\n" not in shown(asks[0])
    assert "OWN ANSWER" in shown(asks[1])
    one = View(content("Q"), (content("good"),))
    replies = iter(
        ["- Is it right?\n- Is it short?\n- Is it kind?", "[[yes]]", "[[no]]", "[[yes]]"]
    )
    verdict, asks = hold(strategy("plain", "checklist").talk(one, Way()), lambda ask: next(replies))
    assert "\ngood\n" not in shown(asks[0])
    assert verdict.values["overall"] == pytest.approx(2 / 3)


def test_a_listener_disagrees() -> None:
    def answer(ask: Ask) -> str:
        if ask.label == "reasoning":
            return "A is right."
        return "[[B]]" if ask.model == "second" else "[[A]]"

    verdict, asks = hold(strategy("listener", listener="second").talk(PAIR, Way()), answer)
    assert verdict.values["overall"] == 0.5
    assert verdict.extra["disagreement"] == 1.0
    assert any("REASONING" in shown(ask) and "A is right." in shown(ask) for ask in asks)


def test_tools_are_called_and_answered() -> None:
    def answer(ask: Ask) -> str:
        if ask.label == "verdict":
            return "[[A]]" if "CALC: 6 * 7 -> 42" in shown(ask) else "[[B]]"
        return "CALC: 6 * 7"

    verdict, asks = hold(strategy("tools").talk(PAIR, Way()), answer)
    assert verdict.word == "A"
    assert verdict.extra["tools"] == ["CALC: 6 * 7 -> 42"]
    assert len(asks) == 3  # the second call repeats the first, so the calls are over


def test_viescore_is_the_root_of_the_products_of_minima() -> None:
    """sqrt(min(8, 5) / 10 * min(9, 6) / 10) = sqrt(0.3)."""
    one = View(content("Q"), (content("x"),))

    def answer(ask: Ask) -> str:
        if "success" in shown(ask):
            return "success: [[8]]\nrestraint: [[5]]"
        return "naturalness: [[9]]\ncleanness: [[6]]"

    verdict, _ = hold(strategy("plain", "viescore").talk(one, Way()), answer)
    assert verdict.values == pytest.approx({"overall": 0.3**0.5, "SC": 0.5, "PQ": 0.6})


def examples_file(folder: Path, prompts: list[str]) -> str:
    path = folder / "e.jsonl"
    rows = [{"prompt": p, "candidates": [f"{p} x", f"{p} y"], "verdict": "B"} for p in prompts]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return str(path)


def test_examples_never_show_what_is_judged(tmp_path: Path) -> None:
    """Of two examples one has the very prompt that is asked about."""
    few = strategy("few-shot", examples=examples_file(tmp_path, ["Q", "Other"]))
    verdict, asks = hold(few.talk(PAIR, Way()), lambda ask: "[[A]]")
    assert verdict.extra["shots"] == 1
    turns = [turn.speaker for turn in asks[0].turns]
    assert turns == ["system", "user", "assistant", "user"]
    assert text_of(asks[0].turns[2].parts) == "[[B]]"
    assert "Other x" in shown(asks[0])
    assert "Q x" not in shown(asks[0])


def verdicts(*words: str) -> list[Verdict]:
    return [Verdict({"overall": {"A": 1.0, "B": 0.0, "C": 0.5}[w]}, word=w) for w in words]


def test_alignment_by_hand() -> None:
    """Pairs: 2 of 4 agree, an unreadable one does not. Ratings: people call 1 and 2 bad, 4 and 5
    good; the judge fails 1 of 2 bad ones (coverage 0.5) and 0 of 2 good ones (1 - FFR = 1); the
    harmonic mean is 2 * 0.5 / 1.5."""
    said: list[Verdict | None] = [*verdicts("A", "B", "C"), None]
    assert alignment(verdicts("A", "A", "C", "B"), said, rating=False) == 0.5
    people = [Verdict({"overall": v}) for v in (1.0, 2.0, 4.0, 5.0)]
    judge: list[Verdict | None] = [Verdict({"overall": v}) for v in (1.0, 5.0, 4.0, 4.0)]
    assert alignment(people, judge, rating=True) == pytest.approx(2 / 3)


def test_the_criterion_that_agrees_with_people_is_chosen(tmp_path: Path) -> None:
    path = examples_file(tmp_path, ["one", "two"])
    chooser = strategy("criteria-selection", grades=path, criteria="Wrong;Right", keep="1")
    setup = chooser.setup(Way())
    assert setup is not None
    hold(setup, lambda ask: "[[B]]" if "alone: Right" in shown(ask) else "[[A]]")  # type: ignore[arg-type]
    verdict, asks = hold(chooser.talk(PAIR, Way()), lambda ask: "[[A]]")
    assert verdict.extra["criteria"] == {"Right": 1.0}
    assert "- Right" in shown(asks[0])
    assert "- Wrong" not in shown(asks[0])


def test_chosen_criteria_are_not_paid_for_again(chat: TinyChat, tmp_path: Path) -> None:
    path = examples_file(tmp_path, ["one", "two"])
    with Server(chat) as server:
        options = f"strategy=criteria-selection&grades={path}&criteria=Right;Short&answer=json"
        counts, found = [], []
        for _ in range(2):
            judge: Any = default().scorer(f"judge:{server.url}#tiny?{options}")
            judge.open(Device("cpu"))
            found += judge.score([judge.prepare(request("pairwise", text_sample()))])
            judge.close()
            counts.append(server.number)
    assert counts == [5, 6]  # two criteria on two examples and one verdict; then one verdict
    assert found[0].extra["criteria"] == found[1].extra["criteria"]


def test_talks_are_held_side_by_side() -> None:
    def count(rounds: int) -> Talk[int]:
        for _ in range(rounds):
            yield [Ask(turns=())]
        return rounds

    talk = together([count(2), count(0), count(3)])
    sizes: list[int] = []
    result = list(_drain(talk, sizes))
    assert sizes == [2, 2, 1]
    assert result == [2, 0, 3]


def _drain(talk: Talk[list[int]], sizes: list[int]) -> Iterator[int]:
    try:
        asks = next(talk)
        while True:
            sizes.append(len(asks))
            asks = talk.send([Reply(text="") for _ in asks])
    except StopIteration as stop:
        yield from stop.value
