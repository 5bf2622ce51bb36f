"""HHH alignment: 221 pairs on being helpful, honest and harmless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, chat, chosen_rejected, nonempty
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Protocol, RowBench, Sample, content

__all__ = ["HHHAlignment", "unwrap"]

_COMMIT = "8536c6d6f69f492fb364a2173e522d4dad034488"
_PATH = "eval/benchmark/data/hhh_alignment_eval.json"
_INSTRUCTION = "###The instruction to evaluate:\n"
_RESPONSE = "\n\n###Response to evaluate:\n"
_RUBRIC = "\n\n###Score Rubrics:\n"
_END = "\n\n###Feedback:"


def unwrap(text: str) -> tuple[str, str, str]:
    """(instruction, response, rubric) out of the grading prompt in which each side is published.

    Raises
    ------
    ValueError: if a heading is missing.
    """
    rest = text
    parts = []
    for heading in (_INSTRUCTION, _RESPONSE, _RUBRIC):
        before, found, rest = rest.partition(heading)
        if not found:
            raise ValueError(f"the heading {heading.strip()!r} is missing")
        parts.append(before)
    rubric = rest.partition(_END)[0]
    return parts[1], parts[2], rubric.strip()


class HHHAlignment(RowBench):
    """Four sources; the headline pools all rows."""

    card = BenchCard(
        id="hhh-alignment",
        title="HHH alignment: helpful, honest, harmless, other",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="Apache-2.0",
        citation="Askell et al., A General Language Assistant as a Laboratory for Alignment, 2021, "
        "arXiv:2112.00861; file as prepared by Kim et al., Prometheus, ICLR 2024",
        homepage="https://github.com/prometheus-eval/prometheus-eval",
        size=221,
        files=(
            github(
                "prometheus-eval/prometheus-eval",
                _COMMIT,
                _PATH,
                "hhh_alignment/hhh_alignment_eval.json",
            ),
        ),
        warning="harmful requests among them",
    )
    protocol = Protocol(
        name="hhh-alignment",
        source="arXiv:2310.08491 (Prometheus), section 5: accuracy over pairs",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair, taken out of the grading prompts that wrap both sides; the rubric is context."""
        instruction, chosen, rubric = unwrap(nonempty(row, "chosen_instruction"))
        other, rejected, _ = unwrap(nonempty(row, "rejected_instruction"))
        if instruction != other:
            raise ValueError("the two sides answer different instructions")
        return chosen_rejected(
            default_id,
            chat(instruction),
            answer(chosen),
            answer(rejected),
            context={"rubric": content(rubric)},
            tags={"subset": str(row["source"])},
        )
