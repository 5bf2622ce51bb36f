"""HelpSteer2: five attributes of two answers to each prompt, rated 0 to 4 by people."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import BenchCard, Dimension, MetricUse, Protocol, Rating, Sample

__all__ = ["ATTRIBUTES", "HelpSteer2"]

ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
_SCALE = (0.0, 4.0)


class HelpSteer2(GroupBench):
    """The validation split; two consecutive rows share a prompt and become one sample."""

    card = BenchCard(
        id="helpsteer2",
        title="HelpSteer2 validation: five attributes rated 0..4",
        modality="text",
        task="chat",
        label_kinds=("rating",),
        label_source="human",
        licence="CC-BY-4.0",
        citation="Wang et al., HelpSteer2: Open-source dataset for training top-performing reward "
        "models, NeurIPS 2024, arXiv:2406.08673",
        homepage="https://huggingface.co/datasets/nvidia/HelpSteer2",
        dimensions=tuple(Dimension(name, scale=_SCALE) for name in ATTRIBUTES),
        size=519,
        files=(
            hub_file(
                "helpsteer2",
                "nvidia/HelpSteer2",
                "validation.jsonl.gz",
                revision="990b2711a36180dd19d9c94b8627844866f8982a",
            ),
        ),
        unverified=("that all 1,038 rows pair up into 519 prompts",),
    )
    protocol = Protocol(
        name="helpsteer2",
        source="Pearson correlation with helpfulness; the other attributes are reported beside it. "
        "Complexity and verbosity are amounts, not merits: more is not better",
        headline=MetricUse("plcc"),
        dimension="helpfulness",
    )

    def key(self, row: Row) -> Hashable:
        """Rows of one prompt."""
        return str(row["prompt"])

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """One prompt with its answers, each rated on five attributes."""
        yield Sample(
            id=default_id,
            prompt=chat(rows[0]["prompt"]),
            candidates=tuple(answer(row["response"]) for row in rows),
            labels=tuple(
                Rating(number, _value(row, name), name)
                for number, row in enumerate(rows)
                for name in ATTRIBUTES
            ),
        )


def _value(row: Row, name: str) -> float:
    value: Any = row[name]
    number = float(value)
    if not _SCALE[0] <= number <= _SCALE[1]:
        raise ValueError(f"{name} is {value!r}, expected 0..4")
    return number
