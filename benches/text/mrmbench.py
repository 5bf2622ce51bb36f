"""MRMBench: what a reward model's representation knows about six dimensions of quality.

The published protocol trains a linear classifier on the frozen backbone and reports its accuracy
on the test split. That needs a scorer's representations, which the scorer contract does not give;
see :attr:`BenchCard.warning`. The labels are loaded as published, so that a probe can be trained:
:meth:`MRMBenchEasy.training` reads the training split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from prefgauge.benches.common.files import hub_file, percent
from prefgauge.benches.text.build import answer, chat
from prefgauge.registry import (
    BadRow,
    BenchCard,
    DataFile,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    RowBench,
    Sample,
    Source,
    Weighting,
)

__all__ = ["MRMBenchEasy", "MRMBenchHard"]

DIMENSIONS = ("harmlessness", "helpfulness", "correctness", "coherence", "complexity", "verbosity")
_SOURCE = "MRMBench paper, average over six dimensions of a linear probe"
_METRIC = "linear probe accuracy"


def _files(level: str) -> tuple[DataFile, ...]:
    return tuple(
        hub_file(
            "mrmbench",
            "ifnoc/MRMBench",
            f"mrm_{level}/{name}/{split}.json",
            tags={"subset": name, "split": split},
            optional=split == "train",
        )
        for name in DIMENSIONS
        for split in ("test", "train")
    )


def _card(level: str, classes: int, published: Mapping[str, float]) -> BenchCard:
    return BenchCard(
        id=f"mrmbench-{level}",
        title=f"MRMBench {level}: {classes} classes on six dimensions, a representation probe",
        modality="text",
        task="representation probing",
        label_kinds=("rating",),
        label_source="human",
        licence="not stated",
        licence_note="built from HelpSteer, HelpSteer2 and PKU-SafeRLHF, which keep their terms",
        commercial=None,
        citation="Wang et al., Probing Preference Representations: A Multi-Dimensional Evaluation "
        "and Analysis Method for Reward Models, AAAI 2026, arXiv:2511.12464",
        homepage="https://github.com/wangclnlp/MRMBench",
        dimensions=(Dimension("class", scale=(0.0, classes - 1.0)),),
        files=_files(level),
        references=percent(_SOURCE, published, metric=_METRIC),
        warning="the published accuracies come from a linear classifier trained on a model's "
        "hidden states. Here a scorer's value is compared with the class by rank correlation, "
        "which is another quantity: do not set it beside the published ones",
        unverified=("the Hub revision is not pinned", "the licence", "the size of each split"),
    )


class _MRMBench(RowBench):
    protocol: ClassVar[Protocol] = Protocol(
        name="mrmbench-scores",
        source="Spearman correlation of the score with the class, mean over six dimensions; not "
        "the published linear probe (wangclnlp/MRMBench @4ad58de: cross entropy, learning rate "
        "5e-5, one epoch, batches of 64, seed 1234, at most 2,048 tokens, longer rows dropped)",
        headline=MetricUse("srcc"),
        weighting=Weighting("subsets"),
    )

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """The test split of the six dimensions."""
        for file in self.card.files:
            if file.tags["split"] == "test":
                yield from self.read_file(source, file)

    def training(self, source: Source) -> Iterator[Sample | BadRow]:
        """The training split of the six dimensions, for a probe."""
        for file in self.card.files:
            if file.tags["split"] == "train":
                yield from self.read_file(source, file)

    def read_file(self, source: Source, file: DataFile) -> Iterator[Sample | BadRow]:
        """The samples of one file; ids are ``dimension/split/row``."""
        prefix = f"{file.tags['subset']}/"
        for sample in super().read_file(source, file):
            if isinstance(sample, BadRow):
                yield sample
            else:
                yield replace(sample, id=prefix + sample.id)

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One text with its class (0 is worst)."""
        top = self.card.dimensions[0].scale
        label = int(row["label"])
        if top is not None and not 0 <= label <= top[1]:
            raise ValueError(f"label is {label}, expected 0..{int(top[1])}")
        return Sample(
            id=default_id,
            prompt=chat(row["input"]),
            candidates=(answer(row["output"]),),
            labels=(Rating(0, float(label), "class"),),
        )


class MRMBenchEasy(_MRMBench):
    """Two classes per dimension."""

    card = _card(
        "easy",
        2,
        {
            "GPM-Llama-3.1-8B": 79.6,
            "Eurus-RM-7B": 78.4,
            "QRM-Llama3.1-8B-v2": 77.9,
            "Llama-3.1-8B-Instruct": 75.2,
        },
    )


class MRMBenchHard(_MRMBench):
    """Three classes per dimension."""

    card = _card(
        "hard",
        3,
        {
            "GPM-Llama-3.1-8B": 67.0,
            "Eurus-RM-7B": 66.1,
            "QRM-Llama3.1-8B-v2": 64.5,
            "FsfairX-LLaMA3-RM": 64.0,
            "RM-Gemma-2B": 44.4,
        },
    )
