"""JudgerBench v1, part A: human votes between conversations in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import percent
from prefgauge.benches.text.build import conversation_pair, winner_of
from prefgauge.registry import (
    BenchCard,
    DataFile,
    MetricUse,
    Preference,
    Protocol,
    RowBench,
    Sample,
    Weighting,
)

__all__ = ["JudgerBench"]

_README = "open-compass/CompassJudger README, JudgerBench v2"


class JudgerBench(RowBench):
    """Part A; part B, with the verdicts of GPT-4o, is the bench ``judgerbench-b``."""

    card = BenchCard(
        id="judgerbench",
        title="JudgerBench A: arena votes in English and Chinese",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="Apache-2.0",
        licence_note="its owners publish one archive, https://opencompass.oss-cn-shanghai.aliyuncs."
        "com/datasets/data/judgerbench.zip; unpack the zip and put both JSON files in place",
        citation="Cao et al., CompassJudger-1: All-in-one Judge Model Helps Model Evaluation and "
        "Evolution, 2024, arXiv:2410.16256",
        homepage="https://github.com/open-compass/CompassJudger",
        files=tuple(
            DataFile(
                mirror=f"judgerbench/judgerbench_A_{language}.json",
                tags={"subset": language, "language": language},
            )
            for language in ("en", "cn")
        ),
        references=percent(
            _README,
            {
                "DeepSeek-V3-0324": 64.43,
                "CompassJudger-2-32B": 62.21,
                "Qwen3-235B": 61.40,
                "CompassJudger-2-7B": 60.52,
            },
            metric="JudgerBench v2 score",
        ),
        warning="the references are of version 2, whose data and score differ",
        unverified=("the licence of the votes; the loader's code is Apache-2.0", "the sizes"),
    )
    protocol = Protocol(
        name="judgerbench-a",
        source="open-compass/opencompass, opencompass/datasets/subjective/judgerbench.py: "
        "accuracy, shown in the given order; ties are left out here. Plain mean of the languages",
        headline=MetricUse("pair-accuracy", {"ties": "strict"}),
        orders="given",
        weighting=Weighting("subsets"),
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One vote between two conversations."""
        prompt, first, second = conversation_pair(row["conversation_a"], row["conversation_b"])
        winner, kind = winner_of(_spelled(row["winner"]))
        return Sample(
            id=default_id,
            prompt=prompt,
            candidates=(first, second),
            labels=(Preference(0, 1, winner, kind=kind),),
            tags={"category": str(row["category"]), "turn": str(row["turn"])},
            systems=(str(row["model_a"]), str(row["model_b"])),
        )


def _spelled(winner: object) -> str:
    """``A`` and ``B`` as the arena spells them."""
    name = str(winner).strip()
    return {"A": "model_a", "B": "model_b", "C": "tie"}.get(name.upper(), name)
