"""RAG-RewardBench: preferences between answers that must rest on retrieved documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Protocol,
    Reference,
    RowBench,
    Sample,
    content,
)
from prefgauge.registry.rows import first_of

__all__ = ["COUNTS", "INCONSISTENT", "PUBLISHED", "SCENARIOS", "RAGRewardBench"]

_HUB = "jinzhuoran/RAG-RewardBench"
#: Scenario -> file stem. The first three make up Helpful, the others Harmless.
SCENARIOS: Mapping[str, str] = {
    "General Helpful": "helpful",
    "Reason": "reason",
    "Citation": "citation",
    "General Harmless": "harmless",
    "Abstain": "abstain",
    "Conflict": "conflict",
}
#: Rows per scenario (paper, table 4); the published averages pool rows.
COUNTS: Mapping[str, int] = {
    "General Helpful": 262,
    "Reason": 306,
    "Citation": 361,
    "General Harmless": 155,
    "Abstain": 217,
    "Conflict": 184,
}
_PAPER = "arXiv:2412.13746, table 2"
#: General, Reason, Citation, Helpful average; General, Abstain, Conflict, Harmless average;
#: overall (per cent)
PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "Skywork-Critic-Llama-3.1-70B": (85.9, 77.1, 68.1, 76.1, 91.6, 74.2, 83.2, 82.0, 78.3),
    "INF-ORM-Llama3.1-70B": (80.5, 76.5, 62.9, 72.3, 85.2, 84.8, 81.0, 83.6, 76.6),
    "Skywork-Reward-Gemma-2-27B-v0.2": (80.9, 74.5, 67.9, 73.7, 75.5, 82.9, 67.9, 75.9, 74.5),
    "GRM-Llama3.1-8B-rewardmodel-ft": (77.1, 70.9, 59.6, 68.2, 90.3, 78.8, 66.3, 77.9, 71.9),
    "Skywork-Reward-Llama-3.1-8B": (74.8, 68.3, 59.2, 66.6, 81.3, 71.9, 76.1, 75.9, 70.1),
    "Skywork-Reward-Llama-3.1-8B-v0.2": (77.1, 68.0, 57.3, 66.4, 79.3, 70.5, 73.3, 73.9, 69.2),
    "GPT-4o": (75.2, 68.1, 64.4, 68.7, 64.2, 72.6, 72.3, 70.1, 69.2),
    "InternLM2-20B-Reward": (77.5, 67.6, 69.0, 70.9, 58.1, 71.4, 54.3, 62.1, 67.6),
    "GRM-gemma2-2B-rewardmodel-ft": (66.4, 62.7, 57.6, 61.8, 77.4, 75.1, 48.9, 67.1, 63.8),
    "InternLM2-7B-Reward": (76.7, 62.4, 62.9, 66.6, 43.2, 66.4, 51.1, 54.9, 62.2),
    "InternLM2-1.8B-Reward": (70.2, 56.2, 54.6, 59.5, 53.5, 62.7, 41.3, 53.1, 57.1),
}
#: The one published row whose averages do not follow from its own cells: (Harmless, overall) as
#: printed and as recomputed, per cent.
INCONSISTENT: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "URM-LLaMa-3.1-8B": ((73.7, 70.6), (76.8, 71.4)),
}
_OVERALL_ONLY = {"FsfairX-LLaMA3-RM": 61.4, "Eurus-RM-7B": 59.6}
_CELLS = (0, 1, 2, 4, 5, 6)


def _references() -> tuple[Reference, ...]:
    found: list[Reference] = []
    for scorer, row in PUBLISHED.items():
        for subset, at in zip(SCENARIOS, _CELLS, strict=True):
            found.append(Reference(scorer, round(row[at] / 100, 6), _PAPER, subset))
        found.append(Reference(scorer, round(row[-1] / 100, 6), _PAPER))
    for scorer, overall in _OVERALL_ONLY.items():
        found.append(Reference(scorer, round(overall / 100, 6), _PAPER))
    for scorer, (_, recomputed) in INCONSISTENT.items():
        source = f"{_PAPER}, recomputed from its cells (printed: 0.706)"
        found.append(Reference(scorer, round(recomputed[1] / 100, 6), source))
    return tuple(found)


class RAGRewardBench(RowBench):
    """Six scenarios; the headline pools all 1,485 rows."""

    card = BenchCard(
        id="rag-rewardbench",
        title="RAG-RewardBench: reason, cite, abstain and stay with the documents",
        modality="text",
        task="retrieval-augmented generation",
        label_kinds=("preference",),
        label_source="ai",
        licence="Apache-2.0",
        citation="Jin et al., RAG-RewardBench: Benchmarking Reward Models in Retrieval Augmented "
        "Generation for Preference Alignment, Findings of ACL 2025, arXiv:2412.13746",
        homepage="https://huggingface.co/datasets/jinzhuoran/RAG-RewardBench",
        size=sum(COUNTS.values()),
        files=tuple(
            hub_file("rag-rewardbench", _HUB, f"Dataset/{stem}.jsonl", tags={"subset": scenario})
            for scenario, stem in SCENARIOS.items()
        ),
        references=_references(),
        warning="labelled by four language models that had to agree (mean Pearson correlation with "
        "people 0.84). Prompts have 700 to 6,400 tokens on average: mind truncation. The published "
        "averages of URM-LLaMa-3.1-8B (Harmless 73.7, overall 70.6) do not follow from its cells "
        "(76.8, 71.4)",
        unverified=(
            "the Hub revision is not pinned",
            "the column names were seen in third-party loaders only: `reject` or `rejected`",
            "whether the column `prompt` already holds the question",
        ),
    )
    protocol = Protocol(
        name="rag-rewardbench",
        source="arXiv:2412.13746, section 3: accuracy of chosen over rejected; Helpful, Harmless "
        "and overall pool rows (recomputed from the published cells)",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair. The prompt holds the references and the question; where the column `prompt`
        holds the references alone, the question is put after them under the heading that the
        published prompt uses. The column `subset` names the data set a row comes from, the file
        its scenario."""
        prompt, question = str(row["prompt"]), row.get("question")
        if isinstance(question, str) and question.strip() not in prompt:
            prompt = f"{prompt.rstrip()}\n## Question: {question.strip()}\n## Answer:"
        origin = str(row.get("subset", "unknown"))
        sample = chosen_rejected(
            default_id,
            chat(prompt),
            answer(row["chosen"]),
            answer(first_of(row, "reject", "rejected")),
            tags={"origin": origin},
            systems=(
                str(row.get("chosen_model", "unknown")),
                str(row.get("reject_model", row.get("rejected_model", "unknown"))),
            ),
        )
        if isinstance(question, str):
            sample = replace(sample, context={"question": content(question)})
        return sample
