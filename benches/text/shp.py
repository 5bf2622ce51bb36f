"""SHP: pairs of Reddit comments, the better one by votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Preference,
    Protocol,
    Reference,
    RowBench,
    Sample,
)

__all__ = ["SHP"]


class SHP(RowBench):
    """The test split; labels come from votes, so a later comment that still won is the better."""

    card = BenchCard(
        id="shp",
        title="Stanford Human Preferences: Reddit comments by votes, test split",
        modality="text",
        task="question answering",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        licence_note="the first data card said MIT, which was removed later; Reddit's terms apply",
        commercial=None,
        citation="Ethayarajh, Choi and Swayamdipta, Understanding Dataset Difficulty with "
        "V-Usable Information, ICML 2022",
        homepage="https://huggingface.co/datasets/stanfordnlp/SHP",
        size=18409,
        files=(hub_split("shp", "stanfordnlp/SHP", "test"),),
        references=(Reference("SteamSHP-flan-t5-xl", 0.728, "stanfordnlp/SHP data card"),),
        warning="posts and comments are uncensored; votes also reward wit and timing",
        unverified=("the size and the reference are from memory", "the Hub revision"),
    )
    protocol = Protocol(
        name="shp",
        source="stanfordnlp/SHP data card: accuracy; many use only pairs whose vote ratio is 2 or "
        "3 and more, which the subsets tell apart",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair in the published order; `labels` is 1 where A is better. The strength is the
        ratio of votes, the subset says how clear it is."""
        label = int(row["labels"])
        if label not in {0, 1}:
            raise ValueError(f"labels is {row['labels']!r}, expected 1 (A better) or 0 (B better)")
        ratio = float(row["score_ratio"])
        return Sample(
            id=default_id,
            prompt=chat(row["history"]),
            candidates=(answer(row["human_ref_A"]), answer(row["human_ref_B"])),
            labels=(Preference(0, 1, "first" if label else "second", strength=ratio),),
            tags={"subset": _clarity(ratio), "domain": str(row["domain"])},
            group=str(row["post_id"]),
        )


def _clarity(ratio: float) -> str:
    return "ratio >= 3" if ratio >= 3 else "ratio 2..3" if ratio >= 2 else "ratio < 2"
