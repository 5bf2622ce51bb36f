"""Row mappings of vision-language, omni-modal and editing benches on rows of the published shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prefgauge.benches.image.vl_rewardbench import group_of
from prefgauge.registry import Media, Preference, Ranking, Rating, Sample, text_of

Make = Callable[..., Sample]


def kinds(sample: Sample) -> tuple[list[str], list[str]]:
    """Kinds of the parts of the prompt and of the first candidate."""
    return tuple(
        [part.kind if isinstance(part, Media) else "text" for part in parts]
        for parts in (sample.prompt, sample.candidates[0])
    )  # type: ignore[return-value]


ANSWERS = [{"name": n, "answer": f"answer of {n}"} for n in ("gemini", "gpt", "llava", "cog")]


@pytest.mark.parametrize("path", ["0.jpg", "image/0.jpg"])
@pytest.mark.parametrize("score", [4, "4"])
def test_mllm_judge_score(sample_of: Make, path: str, score: Any) -> None:
    row = {
        "score_id": 9, "name": "gpt", "answer": "a", "instruction": "i", "image_path": path,
        "original_dataset": "coco", "human": score,
    }  # fmt: skip
    sample = sample_of("mllm-as-a-judge-score", row)
    assert (sample.id, sample.labels) == ("9", (Rating(0, 4.0),))
    assert kinds(sample) == (["image", "text"], ["text"])
    part = sample.prompt[0]
    assert isinstance(part, Media)
    assert str(part.path) == "0.jpg"


@pytest.mark.parametrize(("verdict", "winner"), [("A", "first"), ("B", "second"), ("C", "tie")])
def test_mllm_judge_pair(sample_of: Make, verdict: str, winner: str) -> None:
    row = {
        "pair_id": 3, "image_path": "0.jpg", "original_dataset": "coco", "instruction": "i",
        "answer1": ANSWERS[0], "answer2": ANSWERS[1], "human_answer": verdict,
    }  # fmt: skip
    sample = sample_of("mllm-as-a-judge-pair", row)
    assert sample.labels[0].winner == winner  # type: ignore[union-attr]
    assert sample.systems == ("gemini", "gpt")
    with pytest.raises(ValueError, match="expected A, B or C"):
        sample_of("mllm-as-a-judge-pair", {**row, "human_answer": "D"})


def test_mllm_judge_batch(sample_of: Make) -> None:
    """CDAB: C is best, then D, A, B."""
    row = {
        "id": 1, "instruction": "i", "image_path": "0.jpg", "answers": ANSWERS,
        "human_answer": "CDAB",
    }  # fmt: skip
    assert sample_of("mllm-as-a-judge-batch", row).labels == (Ranking((3.0, 4.0, 1.0, 2.0)),)
    for wrong in ("CDA", "CDAA", "CDAE"):
        with pytest.raises(ValueError, match="expected an order"):
            sample_of("mllm-as-a-judge-batch", {**row, "human_answer": wrong})


@pytest.mark.parametrize(
    ("id", "source", "group"),
    [
        ("hallucination_pair-12", "povid", "hallucination"),
        ("RLAIF-V-7", "", "hallucination"),
        ("RLHF-V-3", "", "hallucination"),
        ("mathverse_88", "", "reasoning"),
        ("mmmu_pro_4", "", "reasoning"),
        ("wildvision-battle-1", "", "general"),
    ],
)
def test_vl_rewardbench_groups(id: str, source: str, group: str) -> None:
    assert group_of(id, source) == group


def test_vl_rewardbench(sample_of: Make) -> None:
    row = {
        "id": "RLAIF-V-7", "query": "q", "response": ["good", "bad"], "human_ranking": [0, 1],
        "image": {"bytes": b"jpg", "path": None}, "models": ["m", "n"], "query_source": "rlaif",
    }  # fmt: skip
    sample = sample_of("vl-rewardbench", row)
    assert sample.labels == (Preference(0, 1, "first"),)
    assert kinds(sample) == (["image", "text"], ["text"])
    other = sample_of("vl-rewardbench", {**row, "response": ["good", "worse"]})
    assert sample.id != other.id, "the published id is not unique"
    swapped = {**row, "response": ["bad", "good"], "human_ranking": [1, 0]}
    assert sample_of("vl-rewardbench", swapped).id == sample.id
    assert sample_of("vl-rewardbench", swapped).labels == (Preference(0, 1, "second"),)
    with pytest.raises(ValueError, match="expected two"):
        sample_of("vl-rewardbench", {**row, "human_ranking": [0, 0]})


def test_multimodal_rewardbench(sample_of: Make) -> None:
    row = {
        "ID": "x-1", "Text": "q", "Image": "a/b.png", "Output1": "o1", "Output2": "o2",
        "Better": "Output2", "Category": "safety/bias",
    }  # fmt: skip
    sample = sample_of("multimodal-rewardbench", row)
    assert sample.labels == (Preference(0, 1, "second"),)
    assert sample.subset == "safety/bias"
    with pytest.raises(ValueError, match="expected Output1 or Output2"):
        sample_of("multimodal-rewardbench", {**row, "Better": "1"})


def test_mmrb2_mixed_content(sample_of: Make) -> None:
    row = {
        "id": "7", "chosen": "B", "human_annotations": [-1, 2, 1], "prompt_source": "arena",
        "prompt_content": [["text", "draw"], ["image", "in/1.png"]],
        "response_a": {"model_name": "m", "response_content": [["image", "a.png"]]},
        "response_b": {"model_name": "n", "response_content": [["text", "t"], ["image", "b.png"]]},
    }  # fmt: skip
    sample = sample_of("mmrb2-interleaved", row)
    assert kinds(sample) == (["text", "image"], ["image"])
    assert sample.labels == (Preference(0, 1, "second"),)
    assert text_of(sample.hidden["annotations"]) == "[-1, 2, 1]"
    for name in ("edit", "reasoning", "t2i"):  # the same rows
        assert sample_of(f"mmrb2-{name}", row).labels == sample.labels
    with pytest.raises(ValueError, match="expected text or image"):
        sample_of("mmrb2-t2i", {**row, "prompt_content": [["audio", "x"]]})


OMNI = {
    "prompt": "p", "criteria": "Which is calmer?", "criteria_preference": "tie", "id": 1,
    "model1": "m", "model2": "n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("bench", "extra", "prompt", "candidate"),
    [
        ("text-to-text", {"response1": "a", "response2": "b"}, ["text"], ["text"]),
        (
            "text-image-to-text",
            {"response1": "a", "response2": "b", "image_path": "i.png", "image": b"x"},
            ["image", "text"],
            ["text"],
        ),
        (
            "text-video-to-text",
            {"response1": "a", "response2": "b", "video_path": "v.mp4"},
            ["video", "text"],
            ["text"],
        ),
        (
            "text-audio-to-text",
            {"response1": "a", "response2": "b", "audio": {"bytes": b"RIFF", "path": "x.wav"}},
            ["audio", "text"],
            ["text"],
        ),
        (
            "text-to-image",
            {
                "response1_path": "a.png",
                "response2_path": "b.png",
                "response1": b"",
                "response2": b"",
            },
            ["text"],
            ["image"],
        ),
        ("text-to-video", {"response1": "a.mp4", "response2": "b.mp4"}, ["text"], ["video"]),
        ("text-to-3d", {"response1": "a.png", "response2": "b.png"}, ["text"], ["image"]),
    ],
)
def test_omni_rewardbench(
    sample_of: Make, bench: str, extra: dict[str, Any], prompt: list[str], candidate: list[str]
) -> None:
    name = f"omni-rewardbench-{bench}"
    sample = sample_of(name, {**OMNI, **extra})
    assert kinds(sample) == (prompt, candidate)
    assert sample.labels == (Preference(0, 1, "tie"),)
    assert text_of(sample.context["criteria"]) == "Which is calmer?"
    other = sample_of(name, {**OMNI, **extra, "criteria": "Which is louder?"})
    assert sample.id != other.id, "the same pair under another criterion is another sample"
    with pytest.raises(ValueError, match="criteria_preference"):
        sample_of(name, {**OMNI, **extra, "criteria_preference": "both"})


def test_align_anything(sample_of: Make) -> None:
    row = {
        "question": "q", "image": {"bytes": b"png", "path": None}, "response_1": "a",
        "response_2": "b", "overall_response": 2,
    }  # fmt: skip
    sample = sample_of("align-anything-text-image-to-text", row)
    assert sample.labels == (Preference(0, 1, "second"),)
    assert kinds(sample) == (["image", "text"], ["text"])
    pictures = {"prompt": "p", "response_1": b"1", "response_2": b"2", "overall_response": "1"}
    assert kinds(sample_of("align-anything-text-to-image", pictures)) == (["text"], ["image"])
    for kind in ("audio", "video"):
        made = sample_of(f"align-anything-text-to-{kind}", pictures)
        assert (kinds(made), made.labels) == ((["text"], [kind]), (Preference(0, 1, "first"),))
    with pytest.raises(ValueError, match="expected 1 or 2"):
        sample_of("align-anything-text-image-to-text", {**row, "overall_response": 3})


@pytest.mark.parametrize(
    ("ranking", "winner", "kind"),
    [
        ("A>B", "first", None),
        ("B>A", "second", None),
        ("D>C", "second", None),
        ("A=B=Good", "tie", "both-good"),
        ("A=C=Bad", "tie", "both-bad"),
    ],
)
def test_editreward_tiger(sample_of: Make, ranking: str, winner: str, kind: str | None) -> None:
    row = {
        "id": 5, "dataset": "d", "instruction": "i", "source_image": b"s", "candidate_1": b"1",
        "candidate_2": b"2", "ranking": ranking, "comparison_type": "AvsB",
    }  # fmt: skip
    sample = sample_of("editreward-bench-tiger", row, "2pair/0")
    label = sample.labels[0]
    assert isinstance(label, Preference)
    assert (label.winner, label.kind, sample.group) == (winner, kind, "d/5")
    with pytest.raises(ValueError, match="expected such as"):
        sample_of("editreward-bench-tiger", {**row, "ranking": "A"})


def test_editreward_editscore(sample_of: Make) -> None:
    row = {
        "key": ["m", "n"], "instruction": "i", "input_image": b"s", "output_images": [b"1", b"2"],
        "task_type": "color_alter", "dimension": "consistency",
    }  # fmt: skip
    sample = sample_of("editreward-bench-editscore", row)
    assert sample.labels == (Preference(0, 1, "first", "consistency"),)
    assert (sample.subset, sample.systems) == ("color_alter", ("m", "n"))
    with pytest.raises(ValueError, match="expected 2"):
        sample_of("editreward-bench-editscore", {**row, "output_images": [b"1"]})


def test_imagenhub_cells(sample_of: Make) -> None:
    """Three raters of one picture: O is the root of SC x PQ per rater, then averaged."""
    row = {
        "task": "T", "uid": "s.jpg",
        "rater1": {"DALLE": "[1, 1]", "SD": "[0,0]"},
        "rater2": {"DALLE": "[0.5, 0.5]", "SD": "[0.5, 0]"},
        "rater3": {"DALLE": "[1,0]", "SD": "[1, 0.5]"},
    }  # fmt: skip
    sample = sample_of("imagenhub", row)
    found = {
        (x.candidate, x.dimension): x.value  # type: ignore[union-attr]
        for x in sample.labels
        if x.rater is None
    }
    assert found[0, "SC"] == pytest.approx(2.5 / 3)
    assert found[0, "O"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found[1, "O"] == pytest.approx(0.5**0.5 / 3)
    for broken in ({**row, "rater2": None}, {**row, "rater3": {"DALLE": "[2,0]", "SD": "[0,0]"}}):
        with pytest.raises(ValueError, match="is not in the table|outside 0..1"):
            sample_of("imagenhub", broken)
