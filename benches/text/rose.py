"""RoSE: human counts of content units in the summaries of many systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat
from prefgauge.registry import (
    BenchCard,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    RowBench,
    Sample,
    content,
)

__all__ = ["RoSE"]

_CONFIGS = ("cnndm_test", "cnndm_validation", "xsum", "samsum")
_ACU = ("normalized_acu", "acu")


class RoSE(RowBench):
    """2,500 documents; correlation of scores with the (length-normalised) share of atomic content
    units that people found in each summary, within a document."""

    card = BenchCard(
        id="rose",
        title="RoSE: atomic content units in summaries of news and dialogues",
        modality="text",
        task="summarisation",
        label_kinds=("rating",),
        label_source="human",
        licence="BSD-3-Clause",
        citation="Liu et al., Revisiting the Gold Standard: Grounding Summarization Evaluation "
        "with Robust Human Evaluation, ACL 2023, arXiv:2212.07981",
        homepage="https://github.com/Yale-LILY/ROSE",
        dimensions=tuple(Dimension(name, scale=(0.0, 1.0)) for name in _ACU),
        size=2500,
        files=tuple(
            hub_split("rose", "Salesforce/rose", "data", config=name, tags={"subset": name})
            for name in _CONFIGS
        ),
        unverified=("the Hub revision is not pinned", "that the Hub data share the code's licence"),
    )
    protocol = Protocol(
        name="rose-summary-level",
        source="Yale-LILY/ROSE @8b93128, correlation.py: Kendall's tau within each document, "
        "averaged; an undefined one counts as zero there and is left out here where all summaries "
        "of a document have the same human value",
        headline=MetricUse("krcc", {"level": "group"}),
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One document: each system's summary with its content-unit scores."""
        outputs, annotations = row["system_outputs"], row["annotations"]
        systems = [name for name, text in outputs.items() if text is not None]
        return Sample(
            id=default_id,
            prompt=chat(row["source"]),
            candidates=tuple(answer(outputs[name]) for name in systems),
            labels=tuple(
                Rating(number, float(annotations[name][kind]), kind)
                for number, name in enumerate(systems)
                for kind in _ACU
            ),
            context={"reference": content(str(row["reference"]))},
            systems=tuple(systems),
        )
