"""AdParaphrase: which of two paraphrased Japanese advertisements ten people find more attractive.

Two benches: version 1 (725 pairs with votes) and the main part of version 2 (16,460).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, chat
from prefgauge.registry import BenchCard, MetricUse, Preference, Protocol, RowBench, Sample
from prefgauge.registry.labels import Winner
from prefgauge.registry.rows import first_of

__all__ = ["AdParaphrase", "AdParaphraseV2"]

#: Judges (of five) who must call a pair paraphrases before its attractiveness was asked.
_LEAST = 3
_ASK = "どちらの広告文がより魅力的ですか。"
_LICENCE_NOTE = "not for commercial use; share alike. Fetch it for yourself, do not ship it"
_PROTOCOL = Protocol(
    name="adparaphrase",
    source="arXiv:2502.04674 and arXiv:2505.20826: the advertisement with more of the ten votes is "
    "preferred; equal votes are a tie. Three classes, skipped votes count as votes for a tie",
    headline=MetricUse("pair-accuracy", {"ties": "three-way"}),
)


class _Ads(RowBench):
    protocol = _PROTOCOL

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One pair, or None where fewer than three of five judges called it a paraphrase: such
        pairs carry zero votes and no preference was asked."""
        if int(row["count.paraphrase"]) < _LEAST:
            return None
        first, second, skipped = (
            int(row[f"count.preference_{name}"]) for name in ("ad1", "ad2", "skip")
        )
        if first + second + skipped == 0:
            raise ValueError("a paraphrase pair without any vote")
        winner: Winner = "first" if first > second else "second" if second > first else "tie"
        label = Preference(0, 1, winner, votes=(first, second, skipped))
        return Sample(
            id=str(first_of(row, "index", "id")),
            prompt=chat(_ASK),
            candidates=(answer(row["ad1"]), answer(row["ad2"])),
            labels=(label,),
            tags={"language": "ja", "subset": str(row["source_ad2"])},
            group=str(row["source_ad1"]),
        )


class AdParaphrase(_Ads):
    """Version 1."""

    card = BenchCard(
        id="adparaphrase",
        title="AdParaphrase v1: attractiveness of Japanese advertisements, ten votes",
        modality="text",
        task="advertising",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-NC-SA-4.0",
        licence_note=_LICENCE_NOTE,
        commercial=False,
        citation="Murakami et al., AdParaphrase: Paraphrase Dataset for Analyzing Linguistic "
        "Features toward Generating Attractive Ad Texts, Findings of NAACL 2025, arXiv:2502.04674",
        homepage="https://github.com/CyberAgentAILab/AdParaphrase",
        size=725,
        files=(
            github(
                "CyberAgentAILab/AdParaphrase",
                "7a14f8e615038eaa3e6e032bf1c08557610d5391",
                "data/adparaphrase.csv",
                "adparaphrase/data/adparaphrase.csv",
            ),
        ),
    )


class AdParaphraseV2(_Ads):
    """The main part of version 2."""

    card = BenchCard(
        id="adparaphrase-v2",
        title="AdParaphrase v2.0: attractiveness of Japanese advertisements, ten votes",
        modality="text",
        task="advertising",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-NC-SA-4.0",
        licence_note=_LICENCE_NOTE,
        commercial=False,
        citation="Murakami et al., AdParaphrase v2.0: Generating Attractive Ad Texts Using a "
        "Preference-Annotated Paraphrase Dataset, Findings of ACL 2025, arXiv:2505.20826",
        homepage="https://github.com/CyberAgentAILab/AdParaphrase-v2.0",
        size=16460,
        files=(
            github(
                "CyberAgentAILab/AdParaphrase-v2.0",
                "ddfba038b6fb7abefad9dcd783a8fad68466d591",
                "data/adparaphrase_v2_main.csv",
                "adparaphrase/data/adparaphrase_v2_main.csv",
            ),
        ),
    )
