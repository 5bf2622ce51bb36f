"""PrefEval: does an answer keep to what the user said they like, as a choice of one in four."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, best_of, nonempty
from prefgauge.registry import (
    BenchCard,
    MetricUse,
    Protocol,
    Reference,
    RowBench,
    Sample,
    Text,
    content,
)
from prefgauge.registry.rows import first_of

__all__ = ["TOPICS", "PrefEval"]

TOPICS = (
    "education_learning_styles",
    "education_resources",
    "entertain_games",
    "entertain_music_book",
    "entertain_shows",
    "entertain_sports",
    "lifestyle_beauty",
    "lifestyle_dietary",
    "lifestyle_fit",
    "lifestyle_health",
    "pet_ownership",
    "professional_work_location_style",
    "shop_fashion",
    "shop_home",
    "shop_motors",
    "shop_technology",
    "travel_activities",
    "travel_hotel",
    "travel_restaurant",
    "travel_transportation",
)
_OPTIONS = 4
_COMMIT = "5079505"


class PrefEval(RowBench):
    """The classification task, explicit preference, no turns in between: the first published
    option keeps to the preference, the three others break it."""

    card = BenchCard(
        id="prefeval",
        title="PrefEval: keep to the user's stated preference, one of four",
        modality="text",
        task="personalisation",
        label_kinds=("ranking",),
        label_source="ai",
        licence="CC-BY-NC-4.0",
        licence_note="not for commercial use; fetch it for yourself, do not ship it",
        commercial=False,
        citation="Zhao et al., Do LLMs Recognize Your Preferences? Evaluating Personalized "
        "Preference Following in LLMs, ICLR 2025, arXiv:2502.09597",
        homepage="https://github.com/amazon-science/PrefEval",
        size=1000,
        files=tuple(
            github(
                "amazon-science/PrefEval",
                _COMMIT,
                f"benchmark_dataset/mcq_options/{topic}.json",
                f"prefeval/mcq_options/{topic}.json",
                tags={"subset": topic},
            )
            for topic in TOPICS
        ),
        references=tuple(
            Reference(
                model,
                value,
                "arXiv:2502.09597, travel-restaurant, reminder, 10 turns in between",
                subset="travel_restaurant",
                metric="generated answers, checked by a judge",
            )
            for model, value in (
                ("o1-preview", 0.98),
                ("GPT-4o", 0.98),
                ("Claude 3 Sonnet", 0.96),
                ("Llama-3-70B", 0.37),
            )
        ),
        warning="options are written by a model. The references come from another setting",
        unverified=(
            "the commit is known by its first seven digits only",
            "the names of the twenty topics",
            "that the first option is always the right one (so third-party loaders say)",
        ),
    )
    protocol = Protocol(
        name="prefeval-classification",
        source="arXiv:2502.09597, classification task: accuracy of one in four, chance is a "
        "quarter. Pooled over topics",
        headline=MetricUse("best-of-n", {"ties": "share"}),
        invalid="wrong",
        pairs="all",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One question: the preference in an earlier turn, acknowledged; then the question."""
        preference, question = nonempty(row, "preference"), nonempty(row, "question")
        options = list(first_of(row, "classification_task_options", "options"))
        if len(options) != _OPTIONS:
            raise ValueError(f"{len(options)} options, expected {_OPTIONS}")
        prompt = (
            Text(preference),
            Text("Thank you, I will keep that in mind.", "assistant"),
            Text(question),
        )
        return best_of(
            default_id,
            prompt,
            [answer(options[0])],
            [answer(text) for text in options[1:]],
            context={"profile": content(preference), "question": content(question)},
        )
