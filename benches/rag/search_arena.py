"""Search Arena: votes between language models that search the web."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import conversation_pair, winner_of
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Preference,
    Protocol,
    Reference,
    RowBench,
    Sample,
)

__all__ = ["SearchArena"]

_BOARD = "Search Arena leaderboard, Bradley-Terry on the Elo scale, gpt-4o-search = 1000"
_ELO = {
    "gemini-2.5-pro-grounding": 1142.0,
    "ppl-sonar-reasoning-pro-high": 1136.0,
    "ppl-sonar-reasoning": 1097.0,
    "api-gpt-4o-mini-search": 961.0,
}


class SearchArena(RowBench):
    """Conversations with a vote; those without are left out."""

    card = BenchCard(
        id="search-arena",
        title="Search Arena 24k: votes between models that search",
        modality="text",
        task="retrieval-augmented generation",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-4.0",
        licence_note="prompts CC-BY-4.0; answers under their providers' terms",
        commercial=None,
        citation="Miroyan et al., Search Arena: Analyzing Search-Augmented LLMs, 2025, "
        "arXiv:2506.05334",
        homepage="https://huggingface.co/datasets/lmarena-ai/search-arena-24k",
        size=12652,
        files=(hub_split("search-arena", "lmarena-ai/search-arena-24k", "test"),),
        references=tuple(
            Reference(f"{model} (a ranked system)", value, _BOARD, metric="elo")
            for model, value in _ELO.items()
        ),
        warning="conversations of real users. The references rank the systems that were voted on, "
        "not scorers",
        unverified=("the Hub revision is not pinned",),
    )
    protocol = Protocol(
        name="search-arena",
        source="accuracy over votes that are not ties; the published use is a leaderboard of "
        "systems",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One vote, or None for a conversation that nobody voted on."""
        if row["winner"] in {None, "", "null"}:
            return None
        winner, kind = winner_of(row["winner"])
        prompt, first, second = conversation_pair(row["messages_a"], row["messages_b"])
        labels = [Preference(0, 1, winner, kind=kind)]
        if row.get("judge"):
            labels.append(Preference(0, 1, winner, kind=kind, rater=str(row["judge"])))
        return Sample(
            id=default_id,
            prompt=prompt,
            candidates=(first, second),
            labels=tuple(labels),
            tags={
                "subset": str(row.get("primary_intent") or "unknown"),
                "language": _language(row.get("languages")),
                "turns": str(row.get("turn", 1)),
            },
            systems=(str(row["model_a"]), str(row["model_b"])),
        )


def _language(value: object) -> str:
    names = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
    return names[0] if names and names[0] not in {"None", ""} else "unknown"
