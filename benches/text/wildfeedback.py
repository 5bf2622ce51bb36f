"""WildFeedback: pairs that a model derived from users' follow-up complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Protocol, RowBench, Sample
from prefgauge.registry.rows import first_of

__all__ = ["WildFeedback"]


class WildFeedback(RowBench):
    """20,281 pairs; the preference comes from a user's feedback as a model read it."""

    card = BenchCard(
        id="wildfeedback",
        title="WildFeedback: preferences read off users' follow-ups by a model",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="ai",
        licence="ODC-BY-1.0",
        licence_note="conversations come from WildChat",
        citation="Shi et al., WildFeedback: Aligning LLMs With In-situ User Interactions And "
        "Feedback, 2024, arXiv:2408.15549",
        homepage="https://huggingface.co/datasets/microsoft/WildFeedback",
        size=20281,
        files=(
            hub_split("wildfeedback", "microsoft/WildFeedback", "train", config="wildfeedback"),
        ),
        warning="real conversations, uncensored; the labels are a model's reading of complaints, "
        "and preferred answers were written by a model",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="wildfeedback",
        source="accuracy of preferred over dispreferred; the paper publishes none for scorers",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair after a conversation of one or more turns."""
        return chosen_rejected(
            default_id,
            chat(first_of(row, "conversations", "conversation", "prompt", "messages")),
            answer(first_of(row, "chosen", "preferred", "preferred_response")),
            answer(first_of(row, "rejected", "dispreferred", "dispreferred_response")),
        )
