"""CMI-RewardBench: music with text, lyrics and reference audio; ratings and preferences.

One published file mixes four sources, of two kinds of label, so there are two benches:
``cmi-rewardbench-pairs`` (CMI-Pref and Music Arena) and ``cmi-rewardbench-ratings`` (PAM and
MusicEval). Sample id: ``all_test/<row>`` with the row in the whole file. Fields are named with
hyphens and spaces upstream (``audio-path``, ``text-music alignment``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.media import MediaBench, media
from prefgauge.benches.common.ratings import finite
from prefgauge.registry import (
    BenchCard,
    Content,
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
from prefgauge.registry.cards import LabelKind
from prefgauge.registry.labels import Winner

__all__ = ["CMIPairs", "CMIRatings"]

_README = "README of Haiwen-Xia/CMI-RewardBench"
_DIMENSIONS = ("musicality", "alignment")
_WORDS: Mapping[str, tuple[Winner, str | None]] = {
    "a": ("first", None),
    "model_a": ("first", None),
    "b": ("second", None),
    "model_b": ("second", None),
    "both": ("tie", "both-good"),
    "neither": ("tie", "both-bad"),
}


def _card(id: str, title: str, kind: LabelKind, size: int, *references: Reference) -> BenchCard:
    return BenchCard(
        id=id,
        title=title,
        modality="audio",
        task="music generation",
        label_kinds=(kind,),
        label_source="human",
        licence="conflicting",
        licence_note="The licence file says Apache-2.0, the README's badge CC BY-NC-SA: treat it "
        "as non-commercial.",
        commercial=False,
        citation="Ma, Xia et al., CMI-RewardBench: Evaluating Music Reward Models with Compositional "
        "Multimodal Instruction, ICML 2026, arXiv:2603.00610",
        homepage="https://github.com/Haiwen-Xia/CMI-RewardBench",
        dimensions=tuple(Dimension(name) for name in _DIMENSIONS),
        prompt_modalities=("text", "audio"),
        size=size,
        files=(DataFile(mirror="cmi_rewardbench/data/all_test.jsonl"),),
        references=references,
        unverified=("the file was not at hand: sizes are of the README",),
    )


class _CMI(MediaBench):
    folders = ("", "..")
    note = "The audio is named in the README of Haiwen-Xia/CMI-RewardBench."

    def prompt(self, row: Mapping[str, Any]) -> tuple[Content, dict[str, Content]]:
        """Prompt (text and lyrics), and the reference audio as context ``source``."""
        texts = [str(row[name]) for name in ("prompt", "lyrics") if row.get(name)]
        reference = row.get("ref-audio-path")
        source: Content = (media("audio", str(reference)),) if reference else ()
        return content(*texts), {"source": source} if source else {}


class CMIPairs(_CMI):
    """Preferences: 500 pairs of CMI-Pref on two dimensions, 1,340 battles of Music Arena."""

    card = _card(
        "cmi-rewardbench-pairs",
        "CMI-RewardBench, preferences: CMI-Pref and Music Arena",
        "preference",
        1840,
        Reference("CMI-RM", 0.7820, _README, "cmi-arena-annotation"),
        Reference("SongEval-RM", 0.7240, _README, "cmi-arena-annotation"),
        Reference("Gemini 3 Pro", 0.6580, _README, "cmi-arena-annotation"),
        Reference("CMI-RM", 0.7343, _README, "Music Arena"),
    )
    protocol = Protocol(
        name="cmi-rewardbench-pairs",
        source="evaluation of Haiwen-Xia/CMI-RewardBench: 1 where prediction and label (a, b or both; "
        "'neither' counts as 'both') agree, 1/2 where just one of them is 'both'",
        headline=MetricUse("tie-aware-accuracy"),
        orders="both",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One pair; None for rated clips. Raises ValueError for an unknown preference."""
        first, second = str(row["audio-path"]), row.get("audio2")
        if not second:
            return None
        labels = [
            _preference(row[field], dimension)
            for dimension in _DIMENSIONS
            if row.get(field := f"preference-{dimension}")
        ]
        if not labels:  # Music Arena: one verdict, evaluated as musicality
            labels = [_preference(row["preference"], "musicality")]
        prompt, context = self.prompt(row)
        return Sample(
            id=default_id,
            prompt=prompt,
            candidates=((media("audio", first),), (media("audio", str(second)),)),
            labels=tuple(labels),
            context=context,
            tags={"subset": _source(row)},
        )


class CMIRatings(_CMI):
    """Ratings: 500 clips of PAM and 413 of MusicEval."""

    card = _card(
        "cmi-rewardbench-ratings",
        "CMI-RewardBench, ratings: PAM and MusicEval",
        "rating",
        913,
        Reference("CMI-RM", 0.8266, _README, "MusicEval", "srcc"),
        Reference("CMI-RM", 0.6606, _README, "PAM", "srcc"),
    )
    protocol = Protocol(
        name="cmi-rewardbench-ratings",
        source="Spearman correlation; published per source (subsets)",
        headline=MetricUse("srcc"),
        orders="given",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One clip; None for pairs. Raises KeyError if it has no rating."""
        if row.get("audio2"):
            return None
        columns = {"musicality": "musicality", "alignment": "text-music alignment"}
        labels = [
            Rating(0, finite(row[column], column), dimension)
            for dimension, column in columns.items()
            if row.get(column) is not None
        ]
        if not labels:
            raise KeyError("musicality")
        prompt, context = self.prompt(row)
        return Sample(
            id=default_id,
            prompt=prompt,
            candidates=((media("audio", str(row["audio-path"])),),),
            labels=tuple(labels),
            context=context,
            tags={"subset": _source(row)},
        )


def _preference(value: object, dimension: str) -> Preference:
    word = str(value).strip().lower()
    if word not in _WORDS:
        raise ValueError(f"the preference on {dimension} is {value!r}, expected A, B, both...")
    winner, kind = _WORDS[word]
    return Preference(0, 1, winner, dimension, kind=kind)


def _source(row: Mapping[str, Any]) -> str:
    text = str(row["source"])
    known = ("cmi-arena-annotation", "Music Arena", "MusicEval", "PAM")
    return next((name for name in known if name.lower() in text.lower()), text)
