"""Image quality and aesthetics sets of photographs as they are (no-reference sets)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.image.iqa import IqaBench, iqa_bench, iqa_card, table
from prefgauge.registry import MetricUse, Protocol, Weighting

__all__ = ["Aadb", "Biq2021", "Cid2013", "Clive", "KonIqRaw", "Piq23", "Spaq", "UhdIqa"]


KonIqRaw = iqa_bench(
    "koniq-10k-raw",
    "KonIQ-10k, raw MOS on the 1-5 scale",
    "KonIQ-10k",
    "efe94a5be74c18967db65b4d2b93327851387161ebd7be4dd3546a961372d500",
    size=10073,
    scale=(1.0, 5.0),
    citation="Hosu, Lin, Sziranyi, Saupe, KonIQ-10k: An Ecologically Valid Database for Deep "
    "Learning of Blind Image Quality Assessment, IEEE TIP 2020, arXiv:1910.06180",
    homepage="https://database.mmsp-kn.de/koniq-10k-database.html",
    warning="This is the raw MOS (1-5). The official z-scored MOS (1-100, bench koniq-10k) "
    "is not a monotone function of it: their Spearman correlation is 0.9919.",
)


Clive = iqa_bench(
    "live-challenge",
    "LIVE In the Wild (CLIVE): authentic distortions of mobile photographs",
    "LIVE_Challenge",
    "c9902f540999f29abc8adbb6312aabfb46f174b42b7b817f553524760a420cd4",
    size=1161,
    scale=(0.0, 100.0),
    citation="Ghadiyaram, Bovik, Massive Online Crowdsourced Study of Subjective and "
    "Objective Picture Quality, IEEE TIP 2016",
    homepage="https://live.ece.utexas.edu/research/ChallengeDB/",
    warning="This table has 1,161 pictures; LIQE and ARNIQA index 1,162, so splits of theirs "
    "are off by one here.",
)


Spaq = iqa_bench(
    "spaq",
    "SPAQ: smartphone photographs",
    "SPAQ",
    "93b0ddea09c47a5fe122ca2b16cad29640dd23ebc1ec37eafda54471330c1711",
    size=11125,
    scale=(0.0, 100.0),
    citation="Fang, Zhu, Zeng, Ma, Wang, Perceptual Quality Assessment of Smartphone "
    "Photography, CVPR 2020",
    homepage="https://github.com/h4nwei/SPAQ",
)


Biq2021 = iqa_bench(
    "biq2021",
    "BIQ2021: naturally distorted photographs",
    "BIQ2021",
    "b392d968dd473bb9737dd23342c5b4c053edfa3db21873235073381e01de7330",
    size=12000,
    scale=(0.0, 1.0),
    citation="Ahmed, Asif, BIQ2021: A Large-Scale Blind Image Quality Assessment Database, "
    "J. Electronic Imaging 2022, arXiv:2202.03879",
    homepage="https://github.com/nisarahmedrana/BIQ2021",
    unverified=("the arXiv number",),
)


Cid2013 = iqa_bench(
    "cid2013",
    "CID2013: photographs of 79 cameras, six studies",
    "CID2013",
    "bbc915da8a7ccd4acf07b1d08fa56e31b947df5a6786820771416bee4919014c",
    size=474,
    scale=None,
    citation="Virtanen et al., CID2013: A Database for Evaluating No-Reference Image Quality "
    "Assessment Algorithms, IEEE TIP 2015",
    homepage="https://doi.org/10.1109/TIP.2014.2378061",
    warning="Realigned MOS; they go from -9.5 to 87.9.",
)


UhdIqa = iqa_bench(
    "uhd-iqa",
    "UHD-IQA: high-resolution photographs of high quality",
    "UHD-IQA",
    "7bfa34764f6bcf7b7d96fc836775f18a61cbdc4bef2d7cefb66071789ee21c9c",
    size=6073,
    scale=(0.0, 1.0),
    citation="Hosu et al., UHD-IQA Benchmark Database: Pushing the Boundaries of Blind Photo "
    "Quality Assessment, ECCV Workshops 2024, arXiv:2406.17472",
    homepage="https://database.mmsp-kn.de/uhd-iqa-benchmark-database.html",
)


class Aadb(IqaBench):
    """AADB: photo aesthetics with eleven attributes."""

    card = iqa_card(
        "aadb",
        "AADB: photo aesthetics with eleven attributes",
        size=9958,
        scale=(0.0, 1.0),
        citation="Kong, Shen, Lin, Mech, Fowlkes, Photo Aesthetics Ranking Network with "
        "Attributes and Content Adaptation, ECCV 2016, arXiv:1606.01621",
        homepage="https://github.com/aimerykong/deepImageAestheticsAnalysis",
        files=(table("AADB", "969647ed80adb8494f3e9d9d16bfcd3c4ea766923107afecf40dfcec7fb8bf77"),),
        warning="9,958 rows speak of 9,831 pictures: some occur twice, so ids are row numbers "
        "and repeated pictures are resampled together.",
    )
    repeats = True


class Piq23(IqaBench):
    """PIQ23: smartphone portraits, just-objectionable-difference scale per scene."""

    card = iqa_card(
        "piq2023",
        "PIQ23: smartphone portraits, just-objectionable-difference scale per scene",
        size=15348,
        scale=None,
        citation="Chahine et al., An Image Quality Assessment Dataset for Portraits, CVPR 2023, "
        "arXiv:2304.05772",
        homepage="https://github.com/DXOMARK-Research/PIQ2023",
        files=(
            table("PIQ2023", "ee00f1e32f18b8e4de53386495c961f6677154c98e72b6d1b9dbeac294762e47"),
        ),
        warning="Scores are comparable within a scene and attribute only: the headline is the "
        "mean Spearman correlation within scenes.",
    )
    columns = {"subset": "ATTRIBUTE", "scene": "SCENE", "split": "DeviceSplit"}  # noqa: RUF012
    protocol = Protocol(
        name="piq23",
        source="Chahine et al. 2023: Spearman correlation within each scene, averaged over "
        "scenes, per attribute",
        headline=MetricUse("srcc", {"level": "group"}),
        orders="given",
        weighting=Weighting("subsets"),
    )

    def content(self, row: Mapping[str, Any]) -> str | None:
        """Scene and attribute: only there are scores comparable."""
        return f"{row['ATTRIBUTE']}/{row['SCENE']}"
