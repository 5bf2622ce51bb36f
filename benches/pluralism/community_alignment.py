"""Community Alignment: people of five countries choose the best of four answers, turn by turn."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import answer
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import (
    BenchCard,
    Content,
    MetricUse,
    Protocol,
    Ranking,
    Sample,
    Text,
    content,
)

__all__ = ["CommunityAlignment"]

_TURNS = ("first", "second", "third", "fourth")
_LETTERS = "abcd"
_TRAITS = ("age", "gender", "education_level", "political", "ethnicity", "country")


class CommunityAlignment(GroupBench):
    """A row is one conversation of one annotator; every turn with a choice is a sample."""

    card = BenchCard(
        id="community-alignment",
        title="Community Alignment: best of four, five languages, with who chose",
        modality="text",
        task="chat",
        label_kinds=("ranking",),
        label_source="human",
        licence="CC-BY-4.0",
        citation="Zhang et al., Cultivating Pluralism In Algorithmic Monoculture: The Community "
        "Alignment Dataset, 2025, arXiv:2507.09650",
        homepage="https://huggingface.co/datasets/facebook/community-alignment-dataset",
        size=233319,
        files=(
            hub_file(
                "community-alignment",
                "facebook/community-alignment-dataset",
                "community_alignment.csv",
            ),
        ),
        unverified=("the Hub revision is not pinned; the one looked at begins with 97343c7f",),
    )
    protocol = Protocol(
        name="community-alignment",
        source="top-1 accuracy of four, one choice of one person per turn; subsets are countries",
        headline=MetricUse("best-of-n", {"ties": "share"}),
        pairs="all",
    )

    def key(self, row: Row) -> Hashable:
        """The conversation and the annotator."""
        return row["conversation_id"], row["annotator_id"]

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """The turns of each row. What the annotator is like is the context ``profile``; the
        prompt of a later turn holds the earlier ones with the preferred answers."""
        for row in rows:
            history: Content = ()
            for turn in _TURNS:
                asked = _text(row, f"{turn}_turn_prompt")
                chosen = _text(row, f"{turn}_turn_preferred_response")
                if not asked or not chosen:
                    break
                answers = [_text(row, f"{turn}_turn_response_{letter}") for letter in _LETTERS]
                best = _letter(chosen)
                prompt = (*history, Text(asked))
                yield _sample(row, turn, prompt, answers, best)
                history = (*prompt, Text(answers[best], "assistant"))


def _sample(row: Row, turn: str, prompt: Content, answers: list[str], best: int) -> Sample:
    if not all(answers):
        raise ValueError(f"the {turn} turn has {sum(map(bool, answers))} answers, expected four")
    ranks = tuple(1.0 if number == best else 2.0 for number in range(len(answers)))
    annotator, country = str(row["annotator_id"]), _text(row, "annotator_country") or "unknown"
    conversation = str(row["conversation_id"])
    traits = [f"{name}: {value}" for name in _TRAITS if (value := _text(row, f"annotator_{name}"))]
    return Sample(
        id=f"{conversation}/{annotator}/{turn}",
        prompt=prompt,
        candidates=tuple(answer(text) for text in answers),
        labels=(Ranking(ranks), Ranking(ranks, rater=annotator)),
        context={"profile": content("\n".join(traits))} if traits else {},
        tags={
            "subset": country,
            "language": _text(row, "assigned_lang") or "unknown",
            "turn": turn,
        },
    )


def _text(row: Row, name: str) -> str:
    value: Any = row[name]
    return "" if value is None else str(value).strip()


def _letter(chosen: str) -> int:
    """``"b"``, ``"B"``, ``"response_b"`` -> 1."""
    at = _LETTERS.find(chosen[-1].lower())
    if at < 0 or (len(chosen) > 1 and chosen[-2].isalnum()):
        raise ValueError(f"the preferred response is {chosen!r}, expected one of a, b, c, d")
    return at
