"""Pairwise speech: SpeechJudge and the TTS Arena; and emotion ratings as RankList uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub
from prefgauge.benches.common.media import MediaBench, embedded, media
from prefgauge.benches.common.ratings import finite
from prefgauge.registry import (
    BenchCard,
    DataFile,
    Dimension,
    MetricUse,
    Preference,
    Protocol,
    Rating,
    Reference,
    Sample,
    content,
)
from prefgauge.registry.labels import Winner

__all__ = ["EmotionRanking", "SpeechJudge", "TTSArena"]

_EMOTION = {"arousal": "EmoAct", "valence": "EmoVal", "dominance": "EmoDom"}


class SpeechJudge(MediaBench):
    """SpeechJudge-Eval: 1,000 pairs on which all raters agree. Sample id: ``index``."""

    card = BenchCard(
        id="speechjudge",
        title="SpeechJudge-Eval: naturalness of two synthetic utterances",
        modality="audio",
        task="speech synthesis",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-NC by derived cards",
        licence_note="The data set is gated; models derived from it are non-commercial.",
        commercial=False,
        citation="Zhang et al., SpeechJudge: Towards Human-Level Judgment for Speech Naturalness, "
        "arXiv:2511.07931",
        homepage="https://huggingface.co/datasets/RMSnow/SpeechJudge-Data",
        dimensions=(Dimension("naturalness"),),
        size=1000,
        files=(hub("RMSnow/SpeechJudge-Data", "test"),),
        references=(
            Reference("SpeechJudge-GRM", 0.772, "arXiv:2511.07931"),
            Reference("SpeechJudge-BTRM", 0.727, "arXiv:2511.07931"),
            Reference("Gemini-2.5-Flash", 0.691, "arXiv:2511.07931"),
        ),
        unverified=("the licence line",),
    )
    protocol = Protocol(
        name="speechjudge",
        source="accuracy on full-agreement pairs (there are no ties)",
        headline=MetricUse("pair-accuracy", {"ties": "strict"}),
        by_form={"pairwise": MetricUse("pair-accuracy", {"ties": "mean"})},
        orders="both",
    )
    note = "The audio is in the gated Hugging Face dataset RMSnow/SpeechJudge-Data."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair. Raises ValueError for a label other than A, B or Tie."""
        winners: Mapping[str, Winner] = {"A": "first", "B": "second", "Tie": "tie"}
        label = str(row["naturalness_label"])
        if label not in winners:
            raise ValueError(f"naturalness_label is {label!r}, expected A, B or Tie")
        return Sample(
            id=str(row["index"]),
            prompt=content(str(row["target_text"])),
            candidates=tuple((embedded("audio", row[f"audio{side}"], ".wav"),) for side in "AB"),
            labels=(Preference(0, 1, winners[label], "naturalness"),),
            tags={"subset": str(row["subset"]), "language": str(row["language_setting"])},
        )


class TTSArena(MediaBench):
    """Votes of the TTS Arena: label-only, for the audio is not kept.

    Reads single votes as a table with the columns ``spokentext, chosen, rejected``: what
    ``SELECT spokentext, chosen, rejected FROM spokentext INNER JOIN votelog vl ON votelog_id =
    vl.id`` gives on the published ``database.db``. The table published beside it is a summary
    (several chosen systems in one cell) and is refused. Sample id: ``votelog/<row>``.
    """

    card = BenchCard(
        id="tts-arena",
        title="TTS Arena votes: which of two systems spoke a text better",
        modality="audio",
        task="speech synthesis",
        label_kinds=("preference",),
        label_source="human",
        licence="none stated",
        commercial=None,
        citation="TTS Arena (TTS-AGI) and its fork by Pendrokar, Hugging Face",
        homepage="https://huggingface.co/datasets/Pendrokar/TTS_Arena",
        dimensions=(Dimension("naturalness"),),
        files=(DataFile(mirror="tts_arena/votelog.tsv"),),
        unverified=("no row of the database was seen: columns are those of its card's queries",),
        warning="Votes count, audio is lost: only recorded scores can be evaluated.",
    )
    protocol = Protocol(
        name="tts-arena",
        source="accuracy against single votes",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
        orders="given",
    )
    note = "The arena did not keep the audio that was voted on."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One vote. Raises ValueError for a row of the published summary."""
        text, chosen = str(row["spokentext"]), str(row["chosen"])
        if " " in chosen.strip():
            raise ValueError(f"chosen is {chosen!r}: a summary of several votes, not a vote")
        return Sample(
            id=default_id,
            prompt=content(text),
            candidates=((), ()),
            labels=(Preference(0, 1, "first", "naturalness"),),
            systems=(chosen, str(row["rejected"])),
            missing=self.note,
        )


class EmotionRanking(MediaBench):
    """MSP-Podcast attributes (1-7), the corpus on which RankList ranks emotional speech.

    Reads the corpus' own ``labels_consensus.csv``. Sample id: ``FileName``.
    """

    card = BenchCard(
        id="msp-podcast-emotion",
        title="MSP-Podcast: arousal, valence and dominance of podcast speech (RankList)",
        modality="audio",
        task="speech emotion",
        label_kinds=("rating",),
        label_source="human",
        licence="by agreement with its owners",
        licence_note="Academic or commercial licence of The University of Texas at Dallas.",
        commercial=False,
        citation="Lotfian, Busso, Building Naturalistic Emotionally Balanced Speech Corpus, IEEE "
        "TAC 2019; ranking: Naini, Diaz, Busso, RankList, 2025, arXiv:2508.09826",
        homepage="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
        dimensions=tuple(Dimension(name, scale=(1.0, 7.0)) for name in _EMOTION),
        prompt_modalities=(),
        files=(DataFile(mirror="msp_podcast/Labels/labels_consensus.csv"),),
        unverified=("RankList's own pairs",),
        warning="RankList's published Kendall and ranking accuracy are on pairs of its own, which "
        "were not seen.",
    )
    protocol = Protocol(
        name="emotion-ranking",
        source="Kendall correlation over all utterances of the evaluation set",
        headline=MetricUse("krcc"),
        orders="given",
    )
    folders = ("", "../Audios")
    note = "The corpus is licensed by its owners; ask for it at the homepage."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One utterance; the subset is the corpus' split."""
        name = str(row["FileName"])
        return Sample(
            id=name,
            candidates=((media("audio", name),),),
            labels=tuple(
                Rating(0, finite(row[column], column), dimension)
                for dimension, column in _EMOTION.items()
            ),
            tags={"subset": str(row["Split_Set"])},
            group=str(row["SpkrID"]),
        )
