"""ContextualJudgeBench: pairs to be judged by what a given document supports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat, chosen_rejected, nonempty
from prefgauge.registry import BenchCard, MetricUse, Protocol, Reference, RowBench, Sample, content

__all__ = ["SPLITS", "ContextualJudgeBench"]

SPLITS = (
    "refusal_answerable",
    "refusal_unanswerable",
    "faithfulness_qa",
    "faithfulness_summ",
    "completeness_qa",
    "completeness_summ",
    "conciseness_qa",
    "conciseness_summ",
)


class ContextualJudgeBench(RowBench):
    """Eight splits of question answering and summarisation with a context; a judge must be right
    in both orders."""

    card = BenchCard(
        id="contextual-judgebench",
        title="ContextualJudgeBench: refusal, faithfulness, completeness, conciseness",
        modality="text",
        task="retrieval-augmented generation",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        licence_note="for research use only, says the repository",
        commercial=None,
        citation="Xu et al., Does Context Matter? ContextualJudgeBench for Evaluating LLM-based "
        "Judges in Contextual Settings, ACL 2025, arXiv:2503.15620",
        homepage="https://huggingface.co/datasets/Salesforce/ContextualJudgeBench",
        size=2000,
        files=tuple(
            hub_split(
                "contextual-judgebench",
                "Salesforce/ContextualJudgeBench",
                split,
                tags={"subset": split},
            )
            for split in SPLITS
        ),
        references=(
            Reference("o1", 0.553, "arXiv:2503.15620, abstract and section 4"),
            Reference("SFRJudge-70B", 0.514, "arXiv:2503.15620, section 4"),
        ),
        warning="some pairs carry human annotations, others were made by a model that perturbed an "
        "answer",
        unverified=("the Hub revision is not pinned", "the licence"),
    )
    protocol = Protocol(
        name="contextual-judgebench",
        source="SalesforceAIResearch/ContextualJudgeBench @9c6c874, main_eval.py: consistent "
        "accuracy, right in both orders; rows pooled",
        headline=MetricUse("pair-accuracy", {"ties": "both"}),
        orders="both",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair, the better answer first. Question and document make the prompt, since an
        answer cannot be judged without the document; it is context besides."""
        question, document = str(row["question"]), nonempty(row, "context")
        return chosen_rejected(
            default_id,
            chat(f"{document}\n\n{question}".strip()),
            answer(row["positive_response"]),
            answer(row["negative_response"]),
            context={"documents": content(document), "question": content(question)},
        )
