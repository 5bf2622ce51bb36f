"""Point cloud quality: WPC and SJTU-PCQA, MOS of distorted coloured clouds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.common.media import MediaBench, Row, media
from prefgauge.benches.common.ratings import finite
from prefgauge.registry import (
    BadRow,
    BenchCard,
    DataFile,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Sample,
    Source,
)

__all__ = ["SJTUPCQA", "WPC"]

_REPO = ("zzc-1998/NR-3DQA", "6c485ebab5e72559f14c4b90147e215ef672f477")
_PROTOCOL = Protocol(
    name="pcqa",
    source="Spearman correlation with the MOS over all clouds; learnt models are by custom tested "
    "on content-disjoint folds",
    headline=MetricUse("srcc"),
    orders="given",
)


def _card(
    id: str,
    title: str,
    size: int,
    scale: tuple[float, float],
    file: DataFile,
    cite: str,
    unverified: tuple[str, ...] = (),
) -> BenchCard:
    return BenchCard(
        id=id,
        title=title,
        modality="mesh",
        task="point cloud quality",
        label_kinds=("rating",),
        label_source="human",
        licence="MIT (repository of the table)",
        licence_note="The clouds have their owners' terms.",
        commercial=None,
        citation=cite,
        homepage="https://github.com/zzc-1998/NR-3DQA",
        dimensions=(Dimension("quality", scale=scale),),
        prompt_modalities=(),
        size=size,
        files=(file,),
        unverified=unverified,
    )


class WPC(MediaBench):
    """740 clouds of 20 objects. Sample id: the cloud's file name (``bag_gQP_1_tQP_1.ply``)."""

    card = _card(
        "wpc",
        "WPC: distorted coloured point clouds of 20 objects, MOS 0-100",
        740,
        (0.0, 100.0),
        github(
            *_REPO,
            "experiment for WPC/mos.csv",
            "pcqa_mos/WPC_mos.csv",
            "3376d4a4fc3ce3e8871228e54651b74b9763af25707cd71f33e986d53d741ec7",
        ),
        "Liu et al., Perceptual Quality Assessment of Colored 3D Point Clouds, IEEE TVCG 2022, "
        "arXiv:2111.05474",
        ("the arXiv number",),
    )
    protocol = _PROTOCOL
    folders = ("", "WPC")
    note = "The clouds are at https://github.com/qdushl/Waterloo-Point-Cloud-Database."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One cloud; clouds of one object are resampled together."""
        name = str(row["name"])
        return Sample(
            id=name,
            candidates=((media("mesh", name),),),
            labels=(Rating(0, finite(row["mos"], "mos"), "quality"),),
            group=name.partition("_")[0],
        )


class SJTUPCQA(MediaBench):
    """378 clouds: 42 distortions of nine references.

    The published table has a column per reference and a row per distortion. Sample id:
    ``<reference><row from 0>`` (``hhi0``, ``ULB Unicorn41``), the names of the repository's
    feature table.
    """

    card = _card(
        "sjtu-pcqa",
        "SJTU-PCQA: 42 distortions of nine coloured point clouds, MOS 1-10",
        378,
        (1.0, 10.0),
        github(
            *_REPO,
            "experiment for SJTU-PCQA/mos.csv",
            "pcqa_mos/SJTU-PCQA_mos.csv",
            "d63f0cf98e9eed21499691c5b519453132818b53201af6bdee54d44d0ce194a3",
        ),
        "Yang et al., Predicting the Perceptual Quality of Point Cloud: A 3D-to-2D "
        "Projection-Based "
        "Exploration, IEEE TMM 2021",
    )
    protocol = _PROTOCOL
    folders = ("", "SJTU-PCQA")
    note = (
        "The clouds are at "
        "https://smt.sjtu.edu.cn/database/point-cloud-subjective-assessment-database/."
    )

    def rows(self, source: Source, file: DataFile) -> Iterator[Row]:
        """The cells of the table, reference by reference."""
        table = list(super().rows(source, file))
        for where, _, row in table:
            if isinstance(row, BadRow):
                yield where, where, row
        good = [(where, row) for where, _, row in table if not isinstance(row, BadRow)]
        for name in good[0][1] if good else ():
            for number, (where, row) in enumerate(good):
                cell = {"reference": name, "number": number, "mos": row[name]}
                yield f"{where} ({name})", f"{name}{number}", cell

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One cell, ``{"reference", "number", "mos"}``."""
        reference, number = str(row["reference"]), int(row["number"])
        return Sample(
            id=f"{reference}{number}",
            candidates=((media("mesh", f"{reference}_{number}.ply"),),),
            labels=(Rating(0, finite(row["mos"], "mos"), "quality"),),
            tags={"distortion": str(number)},
            group=reference,
        )
