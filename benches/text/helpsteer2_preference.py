"""HelpSteer2-Preference: which of two answers is better, and by how much."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Preference, Protocol, RowBench, Sample
from prefgauge.registry.labels import Winner

__all__ = ["HelpSteer2Preference"]

#: An annotator who found neither answer valid.
_NEITHER = -100


class HelpSteer2Preference(RowBench):
    """The rows of the split `val`. Strength -3..3, positive where the second answer is better."""

    card = BenchCard(
        id="helpsteer2-preference",
        title="HelpSteer2-Preference validation: pairs with strength -3..3",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-4.0",
        citation="Wang et al., HelpSteer2-Preference: Complementing Ratings with Preferences, "
        "ICLR 2025, arXiv:2410.01257",
        homepage="https://huggingface.co/datasets/nvidia/HelpSteer2",
        size=352,
        files=(
            hub_file(
                "helpsteer2-preference",
                "nvidia/HelpSteer2",
                "preference/preference.jsonl.gz",
                revision="990b2711a36180dd19d9c94b8627844866f8982a",
            ),
        ),
        unverified=(
            "that annotators of different rows are different people: they are known by position",
        ),
    )
    protocol = Protocol(
        name="helpsteer2-preference",
        source="nvidia/HelpSteer2 data card: accuracy where the strength is not zero",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One row of the split `val`; others are for training. Each annotator's own strength is
        kept, except where it says that neither answer is valid (-100)."""
        split = str(row["split"])
        if not split.startswith("val"):
            return None
        return Sample(
            id=default_id,
            prompt=chat(row["prompt"]),
            candidates=(answer(row["response_1"]), answer(row["response_2"])),
            labels=(_label(row["preference_strength"]), *_annotators(row)),
            tags={"split": split},
        )


def _label(strength: object, rater: str | None = None) -> Preference:
    value = int(str(strength))
    if not -3 <= value <= 3:
        raise ValueError(f"preference strength is {strength!r}, expected -3..3")
    winner: Winner = "tie" if value == 0 else "second" if value > 0 else "first"
    return Preference(0, 1, winner, strength=float(abs(value)), rater=rater)


def _listed(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError):
        raise ValueError(f"all_preferences_unprocessed is no list: {text[:80]!r}") from None


def _annotators(row: Mapping[str, Any]) -> tuple[Preference, ...]:
    given = row.get("all_preferences_unprocessed") or ()
    if isinstance(given, str):  # some copies hold the text of the list
        given = _listed(given)
    found = []
    for number, item in enumerate(given):
        strength = item["strength"] if isinstance(item, Mapping) else item
        if int(strength) != _NEITHER:
            found.append(_label(strength, f"annotator-{number}"))
    return tuple(found)
