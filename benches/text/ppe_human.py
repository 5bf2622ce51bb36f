"""PPE human preference: 16,038 arena votes as a proxy for reward model quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chat, winner_of
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Preference, Protocol, RowBench, Sample

__all__ = ["PPEHuman"]

_BLOG = "blog.lmarena.ai, Preference Proxy Evaluations (2024), human preference table"


class PPEHuman(RowBench):
    """Crowd votes between 20 models in 121 languages; ties are left out of the accuracy."""

    card = BenchCard(
        id="ppe-human",
        title="PPE human preference V1: crowd votes between 20 models",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-4.0",
        licence_note="prompts CC-BY-4.0; answers under their providers' terms; for evaluation only",
        commercial=None,
        citation="Frick et al., How to Evaluate Reward Models for RLHF, ICLR 2025, "
        "arXiv:2410.14872",
        homepage="https://huggingface.co/datasets/lmarena-ai/PPE-Human-Preference-V1",
        size=16038,
        files=(hub_split("ppe-human", "lmarena-ai/PPE-Human-Preference-V1", "test"),),
        references=percent(
            _BLOG,
            {
                "GPT-4o-2024-08-06 (Arena-Hard prompt)": 67.71,
                "Athene-RM-70B": 66.56,
                "Skywork-Reward-Llama-3.1-8B": 62.37,
                "ArmoRM-Llama3-8B": 60.57,
                "NaiveVerbosity": 59.81,
                "Skywork-Reward-Gemma-2-27B": 56.62,
            },
            subset="hard prompt",
        ),
        unverified=(
            "the Hub revision is not pinned",
            "whether the published table is of all prompts or, as its caption says, of hard ones",
        ),
    )
    protocol = Protocol(
        name="ppe-human",
        source="arXiv:2410.14872, section 3: accuracy over votes that are not ties",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One vote. The subset tells hard prompts from the others; a vote that both are bad is a
        tie of that kind."""
        winner, kind = winner_of(row["winner"])
        return Sample(
            id=str(row.get("question_id", default_id)),
            prompt=chat(row["prompt"]),
            candidates=(answer(row["response_1"]), answer(row["response_2"])),
            labels=(Preference(0, 1, winner, kind=kind),),
            tags={
                "subset": "hard prompt" if row.get("hard_prompt") else "other prompt",
                "language": str(row.get("language", "unknown")),
            },
            systems=(str(row["model_a"]), str(row["model_b"])),
        )
