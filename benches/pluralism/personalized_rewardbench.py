"""Personalized RewardBench: which answer suits the person whose history is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chosen_rejected, nonempty
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Protocol,
    RowBench,
    Sample,
    content,
)

__all__ = ["CONFIGS", "PersonalizedRewardBench"]

CONFIGS = (
    "Art_and_Entertainment",
    "Lifestyle_and_Personal_Development",
    "Society_and_Culture",
)


class PersonalizedRewardBench(RowBench):
    """The person's earlier questions are shown; the rubric and the narrative, from which the
    labels follow, are not."""

    card = BenchCard(
        id="personalized-rewardbench",
        title="Personalized RewardBench: answers for a person with a known history",
        modality="text",
        task="personalisation",
        label_kinds=("preference",),
        label_source="ai",
        licence="not stated",
        commercial=None,
        citation="Personalized RewardBench: Evaluating Reward Models with Human Aligned "
        "Personalization, 2026, arXiv:2604.07343",
        homepage="https://github.com/Martin-qyma/Personalized-RewardBench",
        files=tuple(
            hub_split(
                "personalized-rewardbench",
                "QiyaoMa/Personalized-RewardBench",
                "test",
                config=config,
                tags={"subset": config},
            )
            for config in CONFIGS
        ),
        references=percent("arXiv:2604.07343, abstract", {"best published scorer": 75.94}),
        warning="questions of real people; answers were written by a model",
        unverified=(
            "the Hub revision is not pinned",
            "the licence, the number of rows and the full title",
            "who wrote the rubrics; they are taken to be a model's work",
        ),
    )
    protocol = Protocol(
        name="personalized-rewardbench",
        source="Martin-qyma/Personalized-RewardBench @a5c6814, evaluation/: scores compared "
        "strictly; judges see one random order and an unreadable verdict counts as the first "
        "answer, which is half a point in expectation. Here they see both orders",
        headline=STRICT,
        by_form=JUDGES,
        invalid="half",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair. The prompt holds the profile and the question, so that every scorer sees
        both; the profile is context besides, for scorers that lay it out themselves."""
        profile, question = _profile(row["profile"]), nonempty(row, "question")
        shown = f"What this person asked before:\n{profile}\n\nTheir question now:\n{question}"
        return chosen_rejected(
            f"{row['category']}/{row['id']}",
            content(shown),
            answer(row["chosen"]),
            answer(row["rejected"]),
            context={"profile": content(profile), "question": content(question)},
            hidden={
                "rubric": content(_rubric(row["rubric_aspects"])),
                "narrative": content(str(row["narrative"])),
            },
        )


def _profile(items: Sequence[Mapping[str, Any]]) -> str:
    if not items:
        raise ValueError("the profile is empty")
    return "\n".join(f"- ({item['category']}) {item['text']}" for item in items)


def _rubric(aspects: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"- {item['aspect']}: {item.get('reason', '')} ({item.get('evidence', '')})"
        for item in aspects
    )
