"""Recorded answers that no sample stands behind are told, also when the ledger knows the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

import prefgauge
from prefgauge.registry import Sample, Scorer, content, default


def remarks(scorer: Scorer[object], *samples: Sample) -> list[str]:
    for sample in samples:
        scorer.meet("b", sample)
    return list(scorer.remarks())


def sample(name: str, **more: object) -> Sample:
    return Sample(id=name, candidates=(content("a"), content("b")), labels=(), **more)  # type: ignore[arg-type]


def make(path: Path, text: str) -> Scorer[object]:
    path.write_text(text, encoding="utf-8")
    return default().scorer(f"replay:{path}")


def test_wrong_ids_and_candidates_are_counted_and_named(tmp_path: Path) -> None:
    text = "sample,candidate,score\ns1,0,1\ns1,1,2\ns1,2,9\ntypo,0,5\nS2,0,1\nS2,1,1\n"
    scorer = make(tmp_path / "x.csv", text)
    (said,) = remarks(scorer, sample("s1"), sample("s2"))
    assert said == (
        "4 of 6 recorded answers match no sample and candidate that was read: "
        "'s1' (x.csv:3), 'typo' (x.csv:4), 'S2' (x.csv:5), ..."
    )
    assert remarks(scorer, sample("s1"), sample("typo"), sample("S2")) == [
        "1 of 6 recorded answers match no sample and candidate that was read: 's1' (x.csv:3)"
    ], "the next run counts anew"


def test_nothing_is_said_of_other_benches_and_of_full_recordings(tmp_path: Path) -> None:
    scorer = make(tmp_path / "x.csv", "sample,candidate,score,bench\ns1,0,1,b\ns9,0,1,other\n")
    assert remarks(scorer, sample("s1")) == []


def test_a_row_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    scorer = make(tmp_path / "x.csv", "sample,candidate,score\ns1,0,1\ns1,one,2\n")
    (said,) = remarks(scorer, sample("s1"))
    assert said.startswith("1 rows of x.csv cannot be read (first: x.csv:2: ")


def test_the_result_says_so_on_a_cold_and_on_a_warm_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    bench = default().bench("control-text")
    from prefgauge.registry import Source

    lines = ["sample,candidate,score"]
    for one in bench.samples(Source(None, tmp_path, offline=True)):
        lines += [f"{one.id},{i},{i}" for i in range(len(one.candidates))]
    (tmp_path / "x.csv").write_text("\n".join([*lines, "nobody,0,1"]), "utf-8")
    for scored in (True, False):
        results = prefgauge.run(
            ["control-text"], [f"replay:{tmp_path / 'x.csv'}"], trackers=[], floors=False
        )
        (bundle,) = results.bundles
        assert bool(bundle.result["scored"]) is scored
        assert [note for note in bundle.result["notes"] if "'nobody'" in note]
