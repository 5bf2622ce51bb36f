"""PRISM: 1,396 people of 75 countries rate the answers in their own conversations."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, plain
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import (
    BadRow,
    BenchCard,
    Content,
    DataFile,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Sample,
    Source,
    Text,
    content,
)

__all__ = ["Prism"]

_HUB = "HannahRoseKirk/prism-alignment"
_UTTERANCES = hub_split("prism", _HUB, "train", config="utterances")
_SURVEY = hub_split("prism", _HUB, "train", config="survey", optional=True)
_PROFILE = ("self_description", "system_string")


class Prism(GroupBench):
    """One sample per turn: up to four answers in the first, two in later turns, each rated 1 to
    100 by the person who asked."""

    card = BenchCard(
        id="prism",
        title="PRISM: answers rated by the people who asked, with who they are",
        modality="text",
        task="chat",
        label_kinds=("rating",),
        label_source="human",
        licence="CC-BY-4.0 and CC-BY-NC-4.0",
        licence_note="what people wrote is CC-BY-4.0, what models wrote is CC-BY-NC-4.0",
        commercial=False,
        citation="Kirk et al., The PRISM Alignment Dataset, NeurIPS 2024, arXiv:2404.16019",
        homepage="https://huggingface.co/datasets/HannahRoseKirk/prism-alignment",
        dimensions=(Dimension("overall", scale=(1.0, 100.0)),),
        files=(_UTTERANCES, _SURVEY),
        warning="conversations on values and controversies; people use the scale differently, so "
        "compare within a turn, not across people",
        unverified=(
            "the Hub revision is not pinned",
            "the survey's columns self_description and system_string, and the split names",
            "that rows of one conversation lie together",
        ),
    )
    protocol = Protocol(
        name="prism",
        source="share of the pairs of answers in a turn that a scorer puts in the person's order, "
        "averaged over turns; the paper publishes none for scorers",
        headline=MetricUse("rating-pair-accuracy", {"level": "group"}),
    )

    def __init__(self) -> None:
        self._people: Mapping[str, str] = {}

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """The turns of every conversation. Where the survey is at hand (it is small), what a
        person says of themselves is the context ``profile``."""
        self._people = _people(source, self.card.id)
        yield from self.read_file(source, _UTTERANCES)

    def key(self, row: Row) -> Hashable:
        """The conversation."""
        return str(row["conversation_id"])

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """The turns of one conversation. The prompt of a later turn holds the earlier turns with
        the answers that the person chose."""
        turns: dict[int, list[Row]] = {}
        for row in rows:
            turns.setdefault(int(row["turn"]), []).append(row)
        history: Content = ()
        for turn in sorted(turns):
            group = turns[turn]
            user = str(group[0]["user_id"])
            prompt = (*history, Text(plain(group[0]["user_prompt"], "user_prompt")))
            yield self._turn(group, turn, prompt, user)
            chosen = next((row for row in group if row["if_chosen"]), group[0])
            history = (
                *prompt,
                Text(plain(chosen["model_response"], "model_response"), "assistant"),
            )

    def _turn(self, rows: list[Row], turn: int, prompt: Content, user: str) -> Sample:
        labels: list[Rating] = []
        for number, row in enumerate(rows):
            score = float(row["score"])
            labels += [Rating(number, score, n=1), Rating(number, score, rater=user)]
        profile = self._people.get(user)
        conversation = str(rows[0]["conversation_id"])
        return Sample(
            id=f"{conversation}/{turn}",
            prompt=prompt,
            candidates=tuple(answer(row["model_response"]) for row in rows),
            labels=tuple(labels),
            context={"profile": content(profile)} if profile else {},
            tags={"subset": "first turn" if turn == 0 else "later turn", "user": user},
            systems=tuple(str(row["model_name"]) for row in rows),
            group=f"{conversation}/{turn}",
        )


def _people(source: Source, bench: str) -> dict[str, str]:
    """User id -> what they say of themselves; empty where the survey was not fetched."""
    if not _at_hand(source, _SURVEY):
        return {}
    people = {}
    for _, _, row in source.rows(bench, _SURVEY):
        if not isinstance(row, BadRow):
            lines = [str(row[name]) for name in _PROFILE if row.get(name)]
            people[str(row["user_id"])] = "\n".join(lines)
    return people


def _at_hand(source: Source, file: DataFile) -> bool:
    found: Any = source.find(file)
    return found is not None
