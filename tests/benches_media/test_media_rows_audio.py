"""Row mappings of speech, music and sound benches on rows of the published shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from prefgauge.benches.speech.mushra import CONDITIONS, screened
from prefgauge.registry import Media, Preference, Rating, Sample, text_of

Make = Callable[..., Sample]


def means(sample: Sample) -> dict[tuple[int, str], float]:
    return {
        (x.candidate, x.dimension): x.value
        for x in sample.labels
        if isinstance(x, Rating) and x.rater is None
    }


def references(trials: Mapping[int, list[float]]) -> list[dict[str, str]]:
    """Rows of the hidden reference: listener -> rating per trial."""
    count = len(next(iter(trials.values())))
    return [
        {
            "condition": "Reference",
            "ratings": str([ratings[t] for ratings in trials.values()]),
            "participant_ids": str(list(trials)),
        }
        for t in range(count)
    ]


def test_screening_rule() -> None:
    """By hand: of eight trials, one miss is 12.5 % (kept), two are 25 % (out); 90 is no miss."""
    rows = references(
        {
            1: [100.0] * 8,
            2: [89.0, *[100.0] * 7],
            3: [89.0, 50.0, *[95.0] * 6],
            4: [90.0] * 8,
        }
    )
    assert screened(rows) == {"3"}
    assert screened(rows, share=0.10) == {"2", "3"}
    assert (
        screened([{"condition": "Anchor", "ratings": "[0.0]", "participant_ids": "[9]"}]) == set()
    )


def mushra_rows(ratings: Mapping[str, list[float]]) -> list[dict[str, str]]:
    return [
        {
            "signal": "VCTK_p229_293", "condition": name, "ratings": str(values),
            "participant_ids": "[2, 3]", "file": "" if name == "Anchor" else f"stim_01/{n}.wav",
        }
        for n, (name, values) in enumerate(ratings.items())
    ]  # fmt: skip


def test_mushra_candidates_leave_reference_and_anchor_out(sample_of: Make) -> None:
    ratings = {name: [10.0 * n, 10.0 * n + 4] for n, name in enumerate(CONDITIONS)}
    rows = mushra_rows({**ratings, "Reference": [100.0, 99.0], "Anchor": [0.0, 5.0]})
    sample = sample_of("neural-codec-mushra-raw", {"key": "VCTK_p229_293", "rows": rows})
    assert sample.systems == CONDITIONS
    assert means(sample) == {(n, "quality"): 10.0 * n + 2 for n in range(7)}
    part = sample.context["reference"][0]
    assert isinstance(part, Media)
    assert str(part.path) == "stim_01/7.wav"
    with pytest.raises(ValueError, match="conditions are"):
        sample_of("neural-codec-mushra-raw", {"key": "k", "rows": rows[:-1]})
    rows[0]["ratings"] = "[101.0, 1.0]"
    with pytest.raises(ValueError, match=r"outside 0\.\.100"):
        sample_of("neural-codec-mushra-raw", {"key": "k", "rows": rows})


def test_p835(sample_of: Make) -> None:
    row = {  # published (shortened)
        "short_file_name": "c1_m2.wav", "condition_num": "1", "n votes": "6",
        "MOS_BAK": "3.1666666666666599", "std_bak": "0.752772652709081",
        "MOS_SIG": "2.3333333333333299", "std_sig": "1.3662601021279399",
        "MOS_OVRL": "2.3333333333333299", "std_ovrl": "0.51639777949432197",
    }  # fmt: skip
    sample = sample_of("p835-wideband", row)
    overall = sample.labels[0]
    assert isinstance(overall, Rating)
    assert (overall.dimension, overall.n) == ("OVRL", 6)
    assert overall.std == pytest.approx(0.51639777949432197)
    assert (sample.systems, sample.group) == (("c1",), "m2")
    part = sample.context["reference"][0]
    assert isinstance(part, Media)
    assert str(part.path) == "c0_m2.wav"


def test_vcc2018_mean_of_unlisted_listeners(sample_of: Make) -> None:
    clip = "N18_VCC2TF1_VCC2SF1_30034_HUB.wav"
    one = [{"WAV_PATH": clip, "MEAN": "3.25", "MOS": "5", "JUDGE": "a"}]  # published
    sample = sample_of("vcc2018", {"key": clip, "rows": one})
    assert sample.labels[0] == Rating(0, 3.25, "naturalness")
    assert sample.labels[1] == Rating(0, 5.0, "naturalness", rater="a")
    assert sample.systems == ("HUB_N18",)
    rows = [{"WAV_PATH": clip, "MEAN": "3.0", "MOS": m, "JUDGE": m} for m in ("2", "3", "4")]
    first = sample_of("vcc2018", {"key": clip, "rows": rows}).labels[0]
    assert first == Rating(0, 3.0, "naturalness", n=3, std=1.0)
    natural = [{**one[0], "WAV_PATH": "S00_VCC2TF1_30034_HUB.wav"}]
    assert sample_of("vcc2018", {"key": "S00_x_HUB.wav", "rows": natural}).systems == ("NAT_S00",)
    with pytest.raises(ValueError, match=r"expected 1\.\.5"):
        sample_of("vcc2018", {"key": clip, "rows": [{**one[0], "MOS": "6"}]})


def test_tcd_voip(sample_of: Make) -> None:
    sample = sample_of("tcd-voip", {"Filename": "C_01_ECHO_FA.wav", "MOS": "4.6"})  # published
    assert (sample.systems, sample.subset, sample.group) == (("ECHO_01",), "echo", "FA")
    part = sample.context["reference"][0]
    assert isinstance(part, Media)
    assert str(part.path) == "echo/ref/R_01_ECHO_FA.wav"
    with pytest.raises(ValueError, match="Filename"):
        sample_of("tcd-voip", {"Filename": "x.wav", "MOS": "1"})


def test_other_speech_tables(sample_of: Make) -> None:
    votes = [
        {"utteranceId": "u.wav", "systemId": "s", "listenerId": who, "choice": value}
        for who, value in (("a", "4"), ("b", "2"))
    ]
    sample = sample_of("somos", {"key": "u.wav", "rows": votes})
    assert means(sample) == {(0, "naturalness"): 3.0}
    nisqa = {
        "db": "NISQA_TEST_P501", "con": "3", "filename_deg": "c.wav", "source": "t1", "lang": "en",
        "votes": "28", "mos": "2.5", "mos_std": "0.8", "noi": "nan", "col": "", "dis": "3.5",
        "dis_std": "0.7", "loud": "4", "loud_std": "0.5", "filepath_deg": "d/c.wav",
        "filepath_ref": "r/c.wav",
    }  # fmt: skip
    sample = sample_of("nisqa", nisqa)
    assert set(means(sample)) == {(0, "quality"), (0, "discontinuity"), (0, "loudness")}
    assert sample.group == "NISQA_TEST_P501/t1"
    urgent = {"id": "u1", "audio": b"fLaC", "mos": 3.0, "raw_ratings": [3, 3, 4, 2, 3, 3, 3, 3]}
    label = sample_of("urgent2024-mos", urgent).labels[0]
    assert isinstance(label, Rating)
    assert (label.value, label.n) == (3.0, 8)
    later = {"sample_id": "s1", "audio": b"fLaC", "metrics": {"MOS": 3.5}, "system_id": "x"}
    assert means(sample_of("urgent2025-p808", later)) == {(0, "quality"): 3.5}
    mango = [
        {"utterance": "u", "system": s, "rater": r, "rating": v, "file": f"{s}/u.wav"}
        for s, r, v in (("fs2", "a", "50"), ("vits", "a", "70"), ("fs2", "b", "60"))
    ]
    sample = sample_of("mango", {"key": "u", "rows": mango})
    assert means(sample) == {(0, "quality"): 55.0, (1, "quality"): 70.0}


def test_speech_pairs(sample_of: Make) -> None:
    row = {
        "index": 5, "target_text": "hello", "audioA": b"RIFFa", "audioB": b"RIFFb",
        "subset": "regular", "language_setting": "en2zh", "naturalness_label": "B",
    }  # fmt: skip
    sample = sample_of("speechjudge", row)
    assert sample.labels == (Preference(0, 1, "second", "naturalness"),)
    with pytest.raises(ValueError, match="expected A, B or Tie"):
        sample_of("speechjudge", {**row, "naturalness_label": "A+1"})
    arena = sample_of("tts-arena", {"spokentext": "hi", "chosen": "x", "rejected": "y"})
    assert (arena.systems, arena.candidates) == (("x", "y"), ((), ()))
    assert arena.missing is not None
    summary = {  # the published summary's shape: a count and several systems
        "spokentext": "hi", "chosen": "2 fishaudio/fish-speech-1, mrfakename/MeloTTS",
        "rejected": "parler-tts/parler_tts",
    }  # fmt: skip
    with pytest.raises(ValueError, match="not a vote"):
        sample_of("tts-arena", summary)


def test_emotion(sample_of: Make) -> None:
    row = {
        "FileName": "MSP-PODCAST_0001_0008.wav", "EmoAct": "3.0", "EmoVal": "4.5", "EmoDom": "5",
        "SpkrID": "127", "Split_Set": "Test1",
    }  # fmt: skip
    sample = sample_of("msp-podcast-emotion", row)
    assert means(sample) == {(0, "arousal"): 3.0, (0, "valence"): 4.5, (0, "dominance"): 5.0}


def test_audiobox(sample_of: Make) -> None:
    axes: dict[str, Any] = dict.fromkeys(
        ("Production_Complexity", "Content_Enjoyment", "Content_Usefulness"), [1.0] * 10
    )
    row = {  # published path and first axis
        "data_path": "/your_path/PAM/human_eval/audio/audiogen_m/generated_audio_index_1.wav",
        "Production_Quality": [8.0, 7.0, 3.0, 6.0, 7.0, 5.0, 3.0, 4.0, 5.0, 7.0],
        **axes,
    }
    sample = sample_of("audiobox-aesthetics", row)
    assert means(sample)[0, "Production_Quality"] == pytest.approx(5.5)
    assert (sample.systems, sample.tags["kind"]) == (("audio/audiogen_m",), "audio")
    assert sample.id == "PAM/human_eval/audio/audiogen_m/generated_audio_index_1.wav"
    recorded = {**row, "data_path": "/your_path/EARS/p001/emo_contentment_sentences.wav"}
    assert sample_of("audiobox-aesthetics", recorded).systems == ()
    track2 = {**row, "data_path": "audiomos2025-track2-sys0v1wm-utt0dJodp"}
    assert sample_of("audiomos2025-t2", track2).systems == ("sys0v1wm",)


@pytest.mark.parametrize(
    ("word", "winner", "kind"),
    [
        ("A", "first", None),
        ("B", "second", None),
        ("TIE", "tie", "both-good"),
        ("BOTH_BAD", "tie", "both-bad"),
    ],
)
def test_music_arena(sample_of: Make, word: str, winner: str, kind: str | None) -> None:
    row = {
        "battle_uuid": "u", "prompt": "lofi", "is_instrumental": False, "lyrics": "la la",
        "audio_a": {"bytes": b"ID3a", "path": None}, "audio_b": {"bytes": b"ID3b", "path": None},
        "system_a": "x", "system_b": "y", "preference": word,
    }  # fmt: skip
    sample = sample_of("music-arena", row)
    label = sample.labels[0]
    assert isinstance(label, Preference)
    assert (label.winner, label.kind, sample.subset) == (winner, kind, "vocal")
    assert text_of(sample.prompt) == "lofi\n\nla la"
    silent = sample_of("music-arena", {**row, "audio_b": None})
    assert silent.candidates == ((), ())
    assert silent.missing is not None


def test_rated_music(sample_of: Make) -> None:
    row = {"audio": b"RIFF", "overall quality": 3.4, "textual alignment": "2.6"}
    assert means(sample_of("musiceval", row)) == {
        (0, "overall quality"): 3.4,
        (0, "textual alignment"): 2.6,
    }
    aspects = ("Coherence", "Musicality", "Memorability", "Clarity", "Naturalness")
    raters = [dict.fromkeys(aspects, 2), dict.fromkeys(aspects, 4)]
    song = {"audio": b"ID3", "gender": "female", "aesthetic_scores": raters}
    lists = {**song, "aesthetic_scores": {name: [2, 4] for name in aspects}}
    assert sample_of("songeval", song).labels == sample_of("songeval", lists).labels
    assert means(sample_of("songeval", song))[0, "Clarity"] == 3.0
    clip = [{"Model": "m", "File Name": "1.wav", "OVL": o, "REL": "5"} for o in ("2", "4")]
    assert means(sample_of("pam", {"key": "m/1.wav", "rows": clip})) == {
        (0, "OVL"): 3.0,
        (0, "REL"): 5.0,
    }


def test_cmi_rewardbench(sample_of: Make) -> None:
    pair = {
        "source": "cmi-arena-annotation", "audio-path": "a.mp3", "audio2": "b.mp3", "prompt": "p",
        "lyrics": "l", "ref-audio-path": "r.mp3", "preference-musicality": "model_a",
        "preference-alignment": "both",
    }  # fmt: skip
    sample = sample_of("cmi-rewardbench-pairs", pair)
    assert sample.labels == (
        Preference(0, 1, "first", "musicality"),
        Preference(0, 1, "tie", "alignment", kind="both-good"),
    )
    assert "source" in sample.context
    arena = {
        "source": "Music Arena 2025", "audio-path": "a", "audio2": "b", "preference": "neither",
    }  # fmt: skip
    label = sample_of("cmi-rewardbench-pairs", arena).labels[0]
    assert label == Preference(0, 1, "tie", "musicality", kind="both-bad")
    rated = {
        "source": "x/MusicEval", "audio-path": "a", "musicality": 3.5, "text-music alignment": None,
    }  # fmt: skip
    sample = sample_of("cmi-rewardbench-ratings", rated)
    assert (means(sample), sample.subset) == ({(0, "musicality"): 3.5}, "MusicEval")
