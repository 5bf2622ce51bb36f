"""Row mappings of image benches on rows of the published shape (made up, except where noted)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from prefgauge.registry import Media, Preference, Ranking, Rating, Sample, default, text_of

Make = Callable[..., Sample]


def preference(sample: Sample, at: int = 0) -> Preference:
    label = sample.labels[at]
    assert isinstance(label, Preference)
    return label


def path_of(sample: Sample, candidate: int = 0) -> str:
    part = sample.candidates[candidate][0]
    assert isinstance(part, Media)
    return str(part.path)


@pytest.mark.parametrize(
    ("bench", "row", "value", "reference"),
    [  # first rows of the published tables
        (
            "live-iqa",
            {
                "dis_img_path": "LIVE/jp2k/img2.bmp",
                "dis_type": "jp2k",
                "ref_img_path": "LIVE/refimgs/studentsculpture.bmp",
                "score": "15.512954417537026",
            },
            15.512954417537026,
            "LIVE/refimgs/studentsculpture.bmp",
        ),
        (
            "toyama",
            {
                "dis_img_path": "Toyama/jpeg2000/kp01_12_jp2.bmp",
                "dis_type": "JP2K",
                "ref_img_path": "Toyama/ref_imgs/kp01.bmp",
                "score": "4.63 ",
            },
            4.63,
            "Toyama/ref_imgs/kp01.bmp",
        ),
        (
            "spaq",
            {
                "dis_img_path": "SPAQ/Dataset/TestImage/00001.jpg",
                "dis_type": "Authentic",
                "score": "48.86",
            },
            48.86,
            None,
        ),
    ],
)
def test_quality_tables(
    sample_of: Make, bench: str, row: Mapping[str, str], value: float, reference: str | None
) -> None:
    sample = sample_of(bench, row)
    assert sample.id == row["dis_img_path"] == path_of(sample)
    assert sample.labels == (Rating(0, value, "quality"),)
    assert sample.group == (reference or row["dis_img_path"])
    shown = [str(p.path) for p in sample.context.get("reference", ()) if isinstance(p, Media)]
    assert shown == ([reference] if reference else [])


def test_piq_is_grouped_by_scene_and_attribute(sample_of: Make) -> None:
    row = {
        "dis_img_path": "PIQ2023/Details/33_Indoor_Scene_0.jpg", "dis_type": "image_natural",
        "score": "-3.7", "SCENE": "Indoor_Scene_0", "ATTRIBUTE": "Details", "DeviceSplit": "Test",
    }  # fmt: skip
    sample = sample_of("piq2023", row)
    assert (sample.group, sample.subset) == ("Details/Indoor_Scene_0", "Details")


def test_aadb_repeats_pictures(sample_of: Make) -> None:
    row = {"dis_img_path": "AADB/a.jpg", "dis_type": "image_natural", "score": "0.2"}
    sample = sample_of("aadb", row, "AADB/7")
    assert (sample.id, sample.group) == ("AADB/7", "AADB/a.jpg")


def test_koniq(sample_of: Make) -> None:
    row = {  # published
        "image_name": "10004473376.jpg", "c1": "0.0", "c_total": "105", "MOS": "77.3836206897",
        "SD": "0.527277894494", "set": "training",
    }  # fmt: skip
    sample = sample_of("koniq-10k", row)
    assert sample.labels == (Rating(0, 77.3836206897, "quality", n=105),)
    assert sample.subset == "training"


def test_ava_histogram(sample_of: Make) -> None:
    """Picture 42040 of AVA; mean 4.7991 by the published histogram."""
    row = {"image_id": "42040", "label": [7, 15, 25, 41, 67, 41, 12, 11, 4, 1]}
    label = sample_of("ava", row).labels[0]
    assert isinstance(label, Rating)
    assert label.value == pytest.approx(4.7991, abs=5e-5)
    assert label.n == 224
    with pytest.raises(ValueError, match="ten vote counts"):
        sample_of("ava", {"image_id": "1", "label": [0] * 10})


def test_imagereward_keeps_gaps_and_order(sample_of: Make) -> None:
    row = {"id": "005658-0040", "prompt": "p", "generations": list("abcd"), "ranking": [1, 2, 5, 3]}
    sample = sample_of("imagereward-test", row)
    assert sample.labels == (Ranking((1.0, 2.0, 5.0, 3.0)),)
    assert [path_of(sample, i) for i in range(4)] == list("abcd")
    with pytest.raises(ValueError, match="4 generations but 3 ranks"):
        sample_of("imagereward-test", {**row, "ranking": [1, 2, 3]})


def test_hpd_v2_mean_and_single_ranks(sample_of: Make) -> None:
    row = {
        "prompt": "p",
        "image_path": ["a.jpg", "b.jpg", "c.jpg"],
        "rank": [1.5, 1.5, 3.0],
        "raw_annotations": [{"rank": [1, 2, 3], "user_hash": "u1"}, {"rank": [2, 1, 3]}],
    }
    mean, first, second = sample_of("hpd-v2", row).labels
    assert mean == Ranking((1.5, 1.5, 3.0))
    assert first == Ranking((1.0, 2.0, 3.0), rater="u1")
    assert second == Ranking((2.0, 1.0, 3.0), rater="annotator-1")
    del row["raw_annotations"]  # the older revision of the file
    assert sample_of("hpd-v2", row).labels == (mean,)


def test_hpd_v3_first_is_always_better(sample_of: Make) -> None:
    row = {
        "prompt": "p", "path1": "a", "path2": "b", "model1": "m", "model2": "n",
        "choice_dist": [12, 7], "confidence": 0.9,
    }  # fmt: skip
    assert preference(sample_of("hpd-v3", row)) == Preference(0, 1, "first", votes=(12, 7, 0))
    assert preference(sample_of("hpd-v3", {**row, "choice_dist": None})).votes is None


def test_pick_a_pic_from_the_hub_and_from_score_files(sample_of: Make) -> None:
    hub = {
        "jpg_0": b"\xff\xd8first", "jpg_1": b"\xff\xd8second", "caption": "p", "label_0": 0.5,
        "label_1": 0.5, "ranking_id": 107296, "model_0": "sd", "model_1": "xl",
    }  # fmt: skip
    sample = sample_of("pick-a-pic-v1", hub)
    assert (sample.id, preference(sample).winner) == ("107296", "tie")
    part = sample.candidates[1][0]
    assert isinstance(part, Media)
    assert part.read() == b"\xff\xd8second"
    scores = {
        "id": 0, "caption": "p", "ranking_id": 107296, "image_0_uid": "u0", "image_1_uid": "u1",
        "score_0": 0.29, "score_1": 0.3, "label": "1",
    }  # fmt: skip
    sample = sample_of("pick-a-pic-v1-validation", scores)
    assert (sample.id, preference(sample).winner) == ("107296", "second")
    assert path_of(sample) == "u0.png"
    with pytest.raises(ValueError, match="expected '0', '1' or 'tie'"):
        sample_of("pick-a-pic-v1-validation", {**scores, "label": "2"})


def test_mj_bench_alignment(sample_of: Make) -> None:
    row = {  # published
        "id": "pap_0", "source": "pick_a_pic", "caption": "A curious cat", "label": 1,
        "image0": "a1877ac6.jpg", "image1": "19ab2192.jpg",
    }  # fmt: skip
    sample = sample_of("mj-bench-alignment", row, "actions_test/0")
    assert (sample.id, preference(sample).winner) == ("actions/pap_0", "second")
    with pytest.raises(ValueError, match="expected 0 or 1"):
        sample_of("mj-bench-alignment", {**row, "label": 2}, "actions_test/0")
    stored = {"caption": "c", "image0": {"bytes": b"0", "path": None}, "label": 0, "info": "unsafe"}
    sample = sample_of("mj-bench", {**stored, "image1": b"1"}, "safety/4")
    assert (sample.id, preference(sample).winner) == ("safety/4", "first")
    assert sample.tags["info"] == "unsafe"
    with pytest.raises(ValueError, match="expected 0 or 1"):
        sample_of("mj-bench", {**stored, "image1": b"1", "label": True})


@pytest.mark.parametrize(
    ("vote", "winner", "kind"),
    [
        ("leftvote", "first", None),
        ("rightvote", "second", None),
        ("tievote", "tie", "both-good"),
        ("bothbad_vote", "tie", "both-bad"),
    ],
)
def test_genai_votes(sample_of: Make, vote: str, winner: str, kind: str | None) -> None:
    hub = {
        "prompt": "p", "left_model": "L", "right_model": "R", "vote_type": vote,
        "left_image": {"bytes": b"l", "path": None}, "right_image": {"bytes": b"r", "path": None},
    }  # fmt: skip
    judged = {"idx": 17, "prompt": "p", "response": "[[A>B]]", "human_vote": vote}
    complete = sample_of("genai-bench-tiger-image", hub, "test_v1/17")
    bare = sample_of("genai-bench-tiger-image", judged, "gpt4o/17")
    assert complete.id == bare.id == "image_generation/17"
    assert (complete.missing, complete.systems) == (None, ("L", "R"))
    assert bare.missing is not None
    for sample in (complete, bare):
        assert (preference(sample).winner, preference(sample).kind) == (winner, kind)


def test_genai_votes_of_another_kind(sample_of: Make) -> None:
    row = {"idx": 1, "prompt": "p", "human_vote": "A>B"}
    with pytest.raises(ValueError, match="expected leftvote"):
        sample_of("genai-bench-tiger-image", row)


def test_genai_edits_have_their_source(sample_of: Make) -> None:
    row = {
        "source_prompt": "a taxi", "target_prompt": "a taxi and sheep", "vote_type": "leftvote",
        "instruct_prompt": "add sheep", "left_model": "L", "right_model": "R",
        "source_image": b"s", "left_output_image": b"l", "right_output_image": b"r",
    }  # fmt: skip
    sample = sample_of("genai-bench-tiger-edit", row, "test_v1/3")
    assert (sample.id, text_of(sample.prompt)) == ("image_edition/3", "add sheep")
    part = sample.context["source"][0]
    assert isinstance(part, Media)
    assert part.read() == b"s"


def test_cmu_likert(sample_of: Make) -> None:
    row = {"key": "00003", "prompt": "p", "models": {"DALLE_3": [5, 4, 3], "SDXL": [1, 1, 4]}}
    sample = sample_of("genai-bench-cmu", row)
    means = [label.value for label in sample.labels if label.rater is None]  # type: ignore[union-attr]
    assert (sample.systems, means) == (("DALLE_3", "SDXL"), [4.0, 2.0])
    assert path_of(sample) == "DALLE_3/00003.jpeg"


def test_seetrue(sample_of: Make) -> None:
    row = {"image": "3824.png", "text": "t", "label": "0", "dataset_source": "editbench"}
    sample = sample_of("seetrue", row)
    assert (sample.labels[0], sample.subset) == (Rating(0, 0.0, "alignment"), "editbench")
    with pytest.raises(ValueError, match="expected 0 or 1"):
        sample_of("seetrue", {**row, "label": "0.5"})


def test_evalmuse(sample_of: Make) -> None:
    row = {
        "prompt": "p", "img_path": "x/1.png", "total_score": [3, 4, 5],
        "element_score": {"cat (animal)": [1, 0, 1], "red (color)": [0, 0, 1]},
    }  # fmt: skip
    sample = sample_of("evalmuse-40k", row)
    first = sample.labels[0]
    assert isinstance(first, Rating)
    assert (first.value, first.n, sample.tags["elements"]) == (4.0, 3, "0.5000")


def test_richhf_scores_all_point_up(sample_of: Make) -> None:
    row = {
        "filename": "a/b.png", "overall_score": 0.5, "aesthetics_score": 0.6,
        "artifact_score": 0.7, "misalignment_score": 0.8,
    }  # fmt: skip
    labels = sample_of("richhf-18k", row).labels
    values = {label.dimension: label.value for label in labels}  # type: ignore[union-attr]
    assert values == {"overall": 0.5, "aesthetics": 0.6, "artifact": 0.7, "misalignment": 0.8}


def test_rapidata_rich_feedback(sample_of: Make) -> None:
    row = {
        "prompt": "p", "image": b"1", "alignment_score": 4.5, "coherence_score": "3.25",
        "style_score": 2,
    }  # fmt: skip
    labels = sample_of("rapidata-rich-feedback", row).labels
    values = {label.dimension: label.value for label in labels}  # type: ignore[union-attr]
    assert values == {"alignment": 4.5, "coherence": 3.25, "style": 2.0}
    with pytest.raises(ValueError, match="style_score"):
        sample_of("rapidata-rich-feedback", {**row, "style_score": "nan"})


def test_rapidata_votes_and_weights(sample_of: Make) -> None:
    images = {"prompt": "p", "image1": b"1", "image2": b"2", "model1": "a", "model2": "b"}
    votes = {**images, "votes_image1": 3, "votes_image2": 3}
    assert preference(sample_of("rapidata-700k", votes)) == Preference(
        0, 1, "tie", strength=0.0, votes=(3, 3, 0)
    )
    for name in ("style", "alignment", "coherence", "open-image"):  # the same table
        assert preference(
            sample_of(f"rapidata-{name}", {**votes, "votes_image2": 1})
        ) == Preference(0, 1, "first", strength=2.0, votes=(3, 1, 0))
    weights = {
        **images,
        "weighted_results_image1_preference": 0.25, "weighted_results_image2_preference": 0.75,
        "weighted_results_image1_coherence": 0.5, "weighted_results_image2_coherence": 0.5,
    }  # fmt: skip
    first, second = sample_of("rapidata-t2i", weights).labels
    assert first == Preference(0, 1, "second", "preference", strength=0.5)
    assert second == Preference(0, 1, "tie", "coherence", strength=0.0)
    with pytest.raises(KeyError):
        sample_of("rapidata-t2i", images)


def test_agiqa(sample_of: Make) -> None:
    row = {  # published
        "name": "sd1.5_lowcorr_218.jpg", "prompt": "a masonic illuminati waiting room",
        "adj1": "soft lighting", "adj2": "", "style": "abstract style",
        "mos_quality": "3.43455948", "std_quality": "0.507417663",
        "mos_align": "3.137696322", "std_align": "0.293137554",
    }  # fmt: skip
    sample = sample_of("agiqa-3k", row)
    assert sample.systems == ("sd1.5_lowcorr",)
    assert sample.labels[1] == Rating(0, 3.137696322, "alignment", std=0.293137554)
    table = {"Image": "deepai_4_11_0_0.jpg", "MOS": "3.090909091"}
    assert sample_of("agiqa-1k", table).systems == ("deepai",)


@pytest.mark.parametrize("name", ["pick-safety", "pick-style-cartoon", "pick-style-pixel-art"])
def test_pairs_ordered_by_how_they_were_made(name: str, sample_of: Make) -> None:
    """Features of the data sets' cards: caption, jpg_0, jpg_1 (binary), label_0, label_1 (int)."""
    row = {
        "caption": "a fox in the snow", "jpg_0": b"jpeg a", "jpg_1": b"jpeg b", "label_0": 0,
        "label_1": 1,
    }  # fmt: skip
    sample = sample_of(name, row)
    assert preference(sample).winner == "second"
    assert sample.labels[0].dimension == default().bench(name).card.dimensions[0].name
    first = sample.candidates[0][0]
    assert isinstance(first, Media)
    assert (first.data, first.suffix) == (b"jpeg a", ".jpg")
    assert preference(sample_of(name, {**row, "label_0": 1, "label_1": 0})).winner == "first"
    with pytest.raises(ValueError, match="one 1 and one 0"):
        sample_of(name, {**row, "label_0": 1})
    assert default().bench(name).card.label_source == "construction"


def test_other_pairs(sample_of: Make) -> None:
    social = {"prompt": "p", "pos_path": "a", "neg_path": "b"}
    assert preference(sample_of("social-reward", social)).winner == "first"
    mhp = {
        "prompt": "p", "image_0": "a", "image_1": "b", "overall": 1, "aesthetics": 0,
        "semantics": 0.5, "detail": 1,
    }  # fmt: skip
    winners = [preference(sample_of("mhp", mhp), at).winner for at in range(4)]
    assert winners == ["first", "second", "tie", "first"]
    prefer = {"prompt": "p", "images": ["a", "b", "c"]}
    aspects = ("prompt-following", "aesthetic", "fidelity", "harmlessness")
    sample = sample_of("visionprefer", {**prefer, **{key: [5, 3, 3] for key in aspects}})
    pairs = [label for label in sample.labels if isinstance(label, Preference)]
    assert len(pairs) == 8, "two unequal pairs on each of four aspects"
    assert all(pair.winner == "first" for pair in pairs)
