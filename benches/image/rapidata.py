"""Rapidata's crowd preferences over generated pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub
from prefgauge.benches.common.media import MediaBench, embedded
from prefgauge.benches.common.rapidata import RAPIDATA_PROTOCOL, weighed
from prefgauge.registry import BenchCard, DataFile, Dimension, Preference, Sample, content

__all__ = [
    "Rapidata700k",
    "RapidataAlignment",
    "RapidataCoherence",
    "RapidataOpenImage",
    "RapidataStyle",
    "RapidataT2I",
]


def _card(
    id: str,
    dataset: str,
    title: str,
    licence: str,
    *,
    files: tuple[DataFile, ...] = (),
    dimensions: tuple[str, ...] = ("overall",),
    unverified: tuple[str, ...] = (),
) -> BenchCard:
    return BenchCard(
        id=id,
        title=title,
        modality="image",
        task="text to image",
        label_kinds=("preference",),
        label_source="human",
        licence=licence,
        citation=f"Rapidata, {dataset}, Hugging Face",
        homepage=f"https://huggingface.co/datasets/{dataset}",
        dimensions=tuple(Dimension(name) for name in dimensions),
        files=files or (hub(dataset, "train"),),
        unverified=unverified,
    )


class Rapidata700k(MediaBench):
    """Votes for either picture. Sample id: ``<split>/<row>``."""

    card = _card(
        "rapidata-700k",
        "Rapidata/700k_Human_Preference_Dataset_FLUX_SD3_MJ_DALLE3",
        "Rapidata 700k: crowd votes between Flux, SD3, Midjourney and DALL-E 3",
        "CDLA-Permissive-2.0",
        files=(hub("Rapidata/700k_Human_Preference_Dataset_FLUX_SD3_MJ_DALLE3", "train_0001"),),
        unverified=("which of the numbered splits papers report on: this reads train_0001",),
    )
    protocol = RAPIDATA_PROTOCOL

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair."""
        first, second = int(row["votes_image1"]), int(row["votes_image2"])
        return _pair(row, default_id, weighed(first, second, votes=(first, second, 0)))


class RapidataStyle(Rapidata700k):
    """Which picture people like better."""

    card = _card(
        "rapidata-style",
        "Rapidata/human-style-preferences-images",
        "Rapidata style: which picture looks better",
        "CDLA-Permissive-2.0",
        unverified=("field names, taken from the 700k set of the same owner",),
    )


class RapidataAlignment(Rapidata700k):
    """Which picture follows the prompt better."""

    card = _card(
        "rapidata-alignment",
        "Rapidata/human-alignment-preferences-images",
        "Rapidata alignment: which picture follows the prompt better",
        "CDLA-Permissive-2.0",
        unverified=("field names, taken from the 700k set of the same owner",),
    )


class RapidataCoherence(Rapidata700k):
    """Which picture has fewer errors."""

    card = _card(
        "rapidata-coherence",
        "Rapidata/human-coherence-preferences-images",
        "Rapidata coherence: which picture has fewer errors",
        "CDLA-Permissive-2.0",
    )


class RapidataOpenImage(Rapidata700k):
    """About ten votes per pair; people had no 'both' option."""

    card = _card(
        "rapidata-open-image",
        "Rapidata/open-image-preferences-v1-more-results",
        "Open image preferences v1, more results: about ten crowd votes per pair",
        "Apache-2.0",
        unverified=("field names, taken from the 700k set of the same owner",),
    )


class RapidataT2I(MediaBench):
    """Weighted votes on three criteria, one set per generator.

    Reads the set of Flux 1.1 Pro against others; further ``*_t2i_human_preference`` sets have the
    same columns. Sample id: ``train/<row>``.
    """

    card = _card(
        "rapidata-t2i",
        "Rapidata/Flux1.1_t2i_human_preference",
        "Rapidata text-to-image preferences: preference, alignment, coherence",
        "CDLA-Permissive-2.0",
        dimensions=("preference", "alignment", "coherence"),
        unverified=("the data set's exact name", "licence: not the same for all sets"),
    )
    protocol = RAPIDATA_PROTOCOL

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair; a criterion that the set does not have is left out."""
        stem = "weighted_results_image{}_{}"
        names = [d.name for d in self.card.dimensions if stem.format(1, d.name) in row]
        if not names:
            raise KeyError(stem.format(1, "preference"))
        labels = [
            weighed(row[stem.format(1, name)], row[stem.format(2, name)], name) for name in names
        ]
        return _pair(row, default_id, *labels)


def _pair(row: Mapping[str, Any], id: str, *labels: Preference) -> Sample:
    return Sample(
        id=id,
        prompt=content(str(row["prompt"])),
        candidates=tuple((embedded("image", row[f"image{n}"], ".jpg"),) for n in (1, 2)),
        labels=labels,
        systems=(str(row["model1"]), str(row["model2"])),
    )
