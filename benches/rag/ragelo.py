"""RAGElo's example tournament: verdicts of a language model between six RAG pipelines.

The answers are published under other names (agent_0 ...) than the verdicts use, without a key, so
the samples are label-only: good for an Elo table and for recorded scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import chat, nonempty
from prefgauge.registry import (
    BenchCard,
    MetricUse,
    Preference,
    Protocol,
    Reference,
    RowBench,
    Sample,
)
from prefgauge.registry.labels import Winner

__all__ = ["RAGElo"]

_COMMIT = "691133bd5ecaf59746bfb5a8ae1cdedeab618801"
_PATH = "docs/examples/notebooks/pairwise_answers_evaluations.csv"
_WINNERS: Mapping[str, Winner] = {"A": "first", "B": "second", "C": "tie"}
_MISSING = (
    "RAGElo publishes its example answers under names that do not tell which pipeline wrote which; "
    "only recorded scores can be evaluated here (replay:FILE)"
)
_ELO = {
    "rag_response_512_5": 1017.0,
    "rag_response_512_5_reranked": 1009.0,
    "rag_response_512_3": 994.0,
    "rag_response_512_4": 941.0,
    "rag_response_512_4_reranked": 920.0,
    "rag_response_512_3_reranked": 920.0,
}


class RAGElo(RowBench):
    """200 verdicts on ten questions."""

    card = BenchCard(
        id="ragelo",
        title="RAGElo example: verdicts between six RAG pipelines",
        modality="text",
        task="retrieval-augmented generation",
        label_kinds=("preference",),
        label_source="ai",
        licence="Apache-2.0",
        citation="Rackauckas, Camara and Zavrel, Evaluating RAG-Fusion with RAGElo, 2024, "
        "arXiv:2406.14783",
        homepage="https://github.com/zetaalphavector/RAGElo",
        size=200,
        files=(
            github(
                "zetaalphavector/RAGElo",
                _COMMIT,
                _PATH,
                f"ragelo/{_PATH}",
                sha256="47206f07394c698b7be1cfcf6506afc4f87a997a9854ce608b1fc40a318d8a52",
            ),
        ),
        references=tuple(
            Reference(f"{name} (a ranked system)", value, "RAGElo elo_ranking.csv", metric="elo")
            for name, value in _ELO.items()
        ),
        warning="labels are a language model's; the candidates' texts are not at hand",
    )
    protocol = Protocol(
        name="ragelo",
        source="zetaalphavector/RAGElo @691133b: Elo over shuffled games (k and start 1000); here "
        "agreement with the verdicts, ties a class of their own",
        headline=MetricUse("pair-accuracy", {"ties": "three-way"}),
        orders="given",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One verdict: A, B or C (a tie)."""
        said = str(row["answer"]).strip()
        if said not in _WINNERS:
            raise ValueError(f"answer is {row['answer']!r}, expected A, B or C")
        return Sample(
            id=default_id,
            prompt=chat(nonempty(row, "qid")),
            candidates=((), ()),
            labels=(Preference(0, 1, _WINNERS[said]),),
            systems=(str(row["agent_a"]), str(row["agent_b"])),
            missing=_MISSING,
        )
