"""Multimodal RewardBench, and Multimodal RewardBench 2 (four tasks)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefgauge.benches.common.files import hub
from prefgauge.benches.common.media import MediaBench, media
from prefgauge.registry import (
    BenchCard,
    Content,
    DataFile,
    MetricUse,
    Part,
    Preference,
    Protocol,
    Reference,
    Sample,
    Text,
    content,
)
from prefgauge.registry.cards import Modality

__all__ = [
    "EXCLUDED",
    "MMRB2Edit",
    "MMRB2Interleaved",
    "MMRB2Reasoning",
    "MMRB2TextToImage",
    "MultimodalRewardBench",
]

_MMRB = "arXiv:2502.14191"
_MMRB2 = "arXiv:2512.16899"

#: Ids of rows to leave out. Users reported rows of the VisIT-Bench part whose question and
#: responses do not belong together (issue 8 upstream) without listing them; none are known by id.
EXCLUDED: frozenset[str] = frozenset()


class MultimodalRewardBench(MediaBench):
    """5,211 pairs in six areas. Sample id: the published ``ID``."""

    card = BenchCard(
        id="multimodal-rewardbench",
        title="Multimodal RewardBench: correctness, preference, knowledge, reasoning, safety, VQA",
        modality="text",
        task="visual question answering",
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-NC-4.0",
        licence_note="Non-commercial use only.",
        commercial=False,
        citation="Yasunaga, Zettlemoyer, Ghazvininejad, Multimodal RewardBench: Holistic "
        f"Evaluation of Reward Models for Vision Language Models, {_MMRB}",
        homepage="https://github.com/facebookresearch/multimodal_rewardbench",
        prompt_modalities=("text", "image"),
        size=5211,
        files=(DataFile(mirror="multimodal_rewardbench/all_data.json"),),
        references=tuple(
            Reference(name, value, _MMRB)
            for name, value in (
                ("Claude 3.5 Sonnet", 0.720),
                ("Gemini 1.5 Pro", 0.720),
                ("GPT-4o", 0.715),
                ("Llama-3.2-90B-Vision", 0.624),
                ("Llama-3.2-11B-Vision", 0.524),
            )
        ),
        unverified=("the file is built by the repository's own script, which was not run",),
        warning="Some VisIT-Bench rows hold responses to another question (issue 8 upstream). "
        "Upstream counts unreadable verdicts by a coin; here they are wrong.",
    )
    protocol = Protocol(
        name="multimodal-rewardbench",
        source="accuracy over all pairs, and per category (subsets); judges in both orders",
        headline=MetricUse("pair-accuracy", {"ties": "strict"}),
        by_form={"pairwise": MetricUse("pair-accuracy", {"ties": "mean"})},
        orders="both",
    )
    folders = ("", "data")
    note = "Build data/ by the repository's script; the Hateful Memes part is fetched apart."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample | None:
        """One pair. Raises ValueError for a winner other than Output1 or Output2."""
        name = str(row["ID"])
        if name in EXCLUDED:
            return None
        better = str(row["Better"])
        if better not in {"Output1", "Output2"}:
            raise ValueError(f"Better is {better!r}, expected Output1 or Output2")
        return Sample(
            id=name,
            prompt=(media("image", str(row["Image"])), *content(str(row["Text"]))),
            candidates=(content(str(row["Output1"])), content(str(row["Output2"]))),
            labels=(Preference(0, 1, "first" if better == "Output1" else "second"),),
            tags={"subset": str(row["Category"])},
        )


def _mmrb2(config: str, task: str, modality: Modality, *table: tuple[str, float]) -> BenchCard:
    return BenchCard(
        id=f"mmrb2-{config}",
        title=f"Multimodal RewardBench 2, {task}",
        modality=modality,
        task=task,
        label_kinds=("preference",),
        label_source="human",
        licence="CC-BY-NC-4.0",
        licence_note="Non-commercial use only.",
        commercial=False,
        citation=f"Hu et al., Multimodal RewardBench 2, {_MMRB2}",
        homepage="https://github.com/facebookresearch/MMRB2",
        prompt_modalities=("text", "image"),
        size=1000,
        files=(
            hub(
                "rl-research/multimodal-rewardbench-2",
                "test",
                config=config,
                mirror=f"mmrb2/{config}.parquet",
            ),
        ),
        references=tuple(Reference(name, value, _MMRB2) for name, value in table),
        unverified=("the configuration's and split's names on the Hub",),
    )


class MMRB2TextToImage(MediaBench):
    """1,000 pairs of generated pictures, several annotators each.

    Sample id: the published ``id``. The annotators' integers are kept as hidden context
    (``annotations``): their scale was not read at the source, so they are no labels.
    """

    card = _mmrb2(
        "t2i",
        "text to image",
        "image",
        ("CLIPScore", 0.510),
        ("ImageReward", 0.540),
        ("HPS v2", 0.547),
        ("PickScore", 0.586),
        ("UnifiedReward", 0.598),
        ("HPSv3", 0.602),
    )
    protocol = Protocol(
        name="mmrb2",
        source="facebookresearch/MMRB2: the judgements of both orders count separately",
        headline=MetricUse("pair-accuracy", {"ties": "strict"}),
        by_form={"pairwise": MetricUse("pair-accuracy", {"ties": "mean"})},
        orders="both",
    )
    folders = ("", "images")
    note = "The pictures are fetched by the script of facebookresearch/MMRB2."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair. Raises ValueError for a choice other than A or B."""
        chosen = str(row["chosen"])
        if chosen not in {"A", "B"}:
            raise ValueError(f"chosen is {chosen!r}, expected A or B")
        responses = (row["response_a"], row["response_b"])
        return Sample(
            id=str(row["id"]),
            prompt=_parts(row["prompt_content"]),
            candidates=tuple(_parts(response["response_content"]) for response in responses),
            labels=(Preference(0, 1, "first" if chosen == "A" else "second"),),
            tags={"source": str(row["prompt_source"])},
            hidden={"annotations": content(str(list(row["human_annotations"])))},
            systems=tuple(str(response["model_name"]) for response in responses),
        )


def _parts(pairs: Sequence[Sequence[str]]) -> Content:
    """``[[type, value], ...]``, where type is ``text`` or ``image``."""
    parts: list[Part] = []
    for kind, value in pairs:
        if kind not in {"text", "image"}:
            raise ValueError(f"a part is of type {kind!r}, expected text or image")
        parts.append(Text(value) if kind == "text" else media("image", value))
    return tuple(parts)


class MMRB2Edit(MMRB2TextToImage):
    """Pairs of edited pictures."""

    card = _mmrb2("edit", "image editing", "image", ("EditReward", 0.672))


class MMRB2Interleaved(MMRB2TextToImage):
    """Pairs of answers that mix text and pictures."""

    card = _mmrb2("interleaved", "interleaved text and pictures", "image")


class MMRB2Reasoning(MMRB2TextToImage):
    """Pairs of reasoned answers to questions with pictures."""

    card = _mmrb2("reasoning", "visual reasoning", "text")
