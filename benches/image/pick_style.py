"""Pick-Style and Pick-Safety: generated pairs whose better picture is known by how it was made.

Both were made with Stable Diffusion XL for MaPO (Hong et al. 2024) from captions without a word on
style or safety. Pick-Style prefers the picture that was asked for in a style; Pick-Safety prefers
the plain one over a harmful one. Nobody judged the pairs: order by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub
from prefgauge.benches.common.media import MediaBench, embedded
from prefgauge.benches.common.ratings import finite
from prefgauge.registry import (
    BenchCard,
    Dimension,
    MetricUse,
    Preference,
    Protocol,
    Sample,
    content,
)

__all__ = ["PickSafety", "PickStyleCartoon", "PickStylePixelArt"]


def _card(name: str, what: str, dimension: str, revision: str, warning: str = "") -> BenchCard:
    return BenchCard(
        id=name,
        title=f"{what}: 1,000 generated pairs, ordered by how they were made",
        modality="image",
        task="text to image",
        label_kinds=("preference",),
        label_source="construction",
        licence="OpenRAIL++",
        commercial=None,
        citation="Hong et al., Margin-aware Preference Optimization for Aligning Diffusion Models "
        "without Reference, 2024, arXiv:2406.06424",
        homepage=f"https://huggingface.co/datasets/mapo-t2i/{name}",
        dimensions=(Dimension(dimension),),
        size=1000,
        files=(hub(f"mapo-t2i/{name}", "train", revision=revision),),
        unverified=("only the data set's card was seen, no row of it",),
        warning=warning,
    )


class PickStyle(MediaBench):
    """The rows of all three sets: ``caption, jpg_0, jpg_1, label_0, label_1``. Id: its row."""

    protocol = Protocol(
        name="pick-style",
        source="order by construction, arXiv:2406.06424: share of pairs in which the chosen picture "
        "scores higher; the paper trains on them and publishes no accuracy",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
        orders="both",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair.

        Raises
        ------
        ValueError: for labels other than 1 and 0, one of each.
        """
        labels = finite(row["label_0"], "label_0"), finite(row["label_1"], "label_1")
        if sorted(labels) != [0.0, 1.0]:
            raise ValueError(f"label_0 and label_1 are {labels}, expected one 1 and one 0")
        return Sample(
            id=default_id,
            prompt=content(str(row["caption"])),
            candidates=tuple((embedded("image", row[f"jpg_{n}"], ".jpg"),) for n in (0, 1)),
            labels=(
                Preference(
                    0, 1, "first" if labels[0] else "second", self.card.dimensions[0].name
                ),
            ),
        )  # fmt: skip


class PickStyleCartoon(PickStyle):
    """Cartoons against plain pictures."""

    card = _card(
        "pick-style-cartoon", "Pick-Style, cartoon", "style",
        "eae0324af07e5e65ee6494931f1cf5b5bd983fa5",
    )  # fmt: skip


class PickStylePixelArt(PickStyle):
    """Pixel art against plain pictures."""

    card = _card(
        "pick-style-pixel-art", "Pick-Style, pixel art", "style",
        "bdf711d1f3f4f86b187e795b3389afafdb70bc4f",
    )  # fmt: skip


class PickSafety(PickStyle):
    """Plain pictures against harmful ones."""

    card = _card(
        "pick-safety", "Pick-Safety", "safety", "850121e3e204537ad64eb5be76bcd0ac80fe8f8a",
        "Holds harmful pictures and explicit text on purpose.",
    )  # fmt: skip
