"""DailyDilemmas: 1,360 everyday dilemmas of two actions, and the values each action honours.

Nobody says which action is right. What a scorer chooses shows which values it honours: on the
dimension of a value, the action that honours it counts as the better one, so the accuracy there is
the share of dilemmas in which the scorer chose that value rather than neglected it.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import (
    BenchCard,
    Dimension,
    Label,
    MetricUse,
    Preference,
    Protocol,
    Sample,
)
from prefgauge.registry.labels import Winner
from prefgauge.registry.rows import first_of

__all__ = ["DailyDilemmas"]

_ACTIONS = ("to_do", "not_to_do")
_HEADLINE = "honesty"


class DailyDilemmas(GroupBench):
    """One sample per dilemma, one label per value that only one of its actions honours."""

    card = BenchCard(
        id="dailydilemmas",
        title="DailyDilemmas: which values a scorer honours",
        modality="text",
        task="value choice",
        label_kinds=("preference",),
        label_source="ai",
        licence="CC-BY-4.0",
        citation="Chiu, Jiang and Choi, DailyDilemmas: Revealing Value Preferences of LLMs with "
        "Quandaries of Daily Life, ICLR 2025, arXiv:2410.02683",
        homepage="https://github.com/kellycyy/daily_dilemmas",
        dimensions=(Dimension(_HEADLINE),),
        size=1360,
        files=(
            github(
                "kellycyy/daily_dilemmas",
                "3b579ab5d9ec44e1c68597f84f6fde8eee34783e",
                "data/dilemmas_with_detail_by_action.csv",
                "daily_dilemmas/data/dilemmas_with_detail_by_action.csv",
            ),
        ),
        warning="no human labels: GPT-4 wrote the dilemmas and the values. A value's accuracy is a "
        "preference share to describe a scorer with, not agreement with people",
        unverified=(
            "the column names of the by-action table: several spellings are accepted",
            f"that {_HEADLINE!r} is among the 301 values; every value is a dimension of its own",
        ),
    )
    protocol = Protocol(
        name="dailydilemmas",
        source="arXiv:2410.02683, section 4: per value, times chosen against times neglected; the "
        "headline shows one value, the dimensions of the result all of them",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
        dimension=_HEADLINE,
    )

    def key(self, row: Row) -> Hashable:
        """The dilemma."""
        return str(first_of(row, "dilemma_idx", "dilemma_id", "idx"))

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """The two actions of one dilemma."""
        by_action = {_action(row): row for row in rows}
        missing = [name for name in _ACTIONS if name not in by_action]
        if missing or len(rows) != len(_ACTIONS):
            raise ValueError(f"{len(rows)} actions, expected {' and '.join(_ACTIONS)}")
        do, leave = (by_action[name] for name in _ACTIONS)
        honoured = [_values(row) for row in (do, leave)]
        labels: list[Label] = []
        for value in [*honoured[0], *honoured[1]]:
            if (value in honoured[0]) != (value in honoured[1]):
                winner: Winner = "first" if value in honoured[0] else "second"
                labels.append(Preference(0, 1, winner, value))
        yield Sample(
            id=str(self.key(do)),
            prompt=chat(first_of(do, "dilemma_situation", "situation", "basic_situation")),
            candidates=tuple(answer(first_of(row, "action", "action_text")) for row in (do, leave)),
            labels=tuple(labels),
            tags={"subset": str(first_of(do, "topic_group", "topic"))},
        )


def _action(row: Row) -> str:
    return str(first_of(row, "action_type", "decision", "type")).strip().lower()


def _values(row: Row) -> tuple[str, ...]:
    """The values of an action: a list, or the text of one, or names set apart by commas."""
    given: Any = first_of(row, "values_aggregated", "values_names", "values", "value")
    if isinstance(given, str):
        text = given.strip()
        given = _listed(text) if text.startswith("[") else text.split(",")
    return tuple(dict.fromkeys(str(value).strip().lower() for value in given))


def _listed(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError):
        raise ValueError(f"the values {text[:80]!r} are no list") from None
