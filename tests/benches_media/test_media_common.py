"""The shared parts: media beside tables, odd file formats, ratings, grouped rows."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from prefgauge.benches.common.grouped import GroupedBench
from prefgauge.benches.common.likert import by_model
from prefgauge.benches.common.media import EitherBench, Finder, MediaBench, embedded, media
from prefgauge.benches.common.ratings import finite, opinions, slots
from prefgauge.benches.common.tables import literal, read_lines, read_sheet
from prefgauge.registry import (
    BadRow,
    BenchCard,
    DataError,
    DataFile,
    Media,
    MetricUse,
    Protocol,
    Rating,
    Sample,
    Source,
    content,
)


def card(*files: DataFile) -> BenchCard:
    return BenchCard(
        id="made", title="made", modality="image", task="test", label_kinds=("rating",),
        label_source="construction", licence="none", citation="none", homepage="none", files=files,
    )  # fmt: skip


PROTOCOL = Protocol(name="made", source="made", headline=MetricUse("srcc"))


class Pictures(MediaBench):
    card = card(DataFile(mirror="set/labels.csv", tags={"subset": "a"}))
    protocol = PROTOCOL
    folders = ("", "images")
    note = "Get the pictures."

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        return Sample(
            id=default_id,
            prompt=content("look"),
            candidates=((media("image", row["file"]),),),
            labels=(Rating(0, finite(row["mos"], "mos")),),
            context={"reference": (media("image", row["ref"]),)},
        )


def source(root: Path) -> Source:
    return Source(root, root / "cache", offline=True, verify=False)


def written(root: Path, text: str, name: str = "set/labels.csv") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_media_are_found_beside_the_table_in_any_case(tmp_path: Path) -> None:
    written(tmp_path, "file,ref,mos\nA.png,b.png,3\nmissing.png,b.png,2\n")
    written(tmp_path, "x", "set/images/a.PNG")
    found, lost = list(Pictures().read(source(tmp_path)))
    assert isinstance(found, Sample)
    assert isinstance(lost, Sample)
    part = found.candidates[0][0]
    assert isinstance(part, Media)
    assert part.path == tmp_path / "set/images/a.PNG"
    assert found.missing is None
    assert found.tags == {"subset": "a"}
    assert found.context == {}  # the reference is nowhere: a scorer that needs it will refuse
    assert lost.candidates == ((),)
    assert lost.prompt == content("look")
    assert lost.missing is not None
    assert lost.missing.startswith("Get the pictures.")
    assert str(tmp_path) in lost.missing


class Published(Pictures):
    card = card(
        DataFile(mirror="set/labels.csv"),
        # sha256 of the one byte "x", by sha256sum
        DataFile(
            mirror="set/a.png", optional=True, format="raw",
            sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        ),
    )  # fmt: skip


def test_media_that_are_not_the_published_bytes_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "file,ref,mos\na.png,a.png,3\n")
    strict = Source(tmp_path, tmp_path / "cache", offline=True)
    (absent,) = Published().read(strict)
    assert isinstance(absent, Sample)
    assert absent.missing
    written(tmp_path, "x", "set/a.png")
    assert len(list(Published().read(strict))) == 1
    written(tmp_path, "y", "set/a.png")
    with pytest.raises(DataError, match=r"set/a\.png is not the published file"):
        list(Published().read(strict))
    assert len(list(Published().read(source(tmp_path)))) == 1


def test_no_fetch_is_advised_where_nothing_can_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Official place: its homepage. Put the file at") as caught:
        list(Pictures().read(Source(tmp_path, tmp_path / "cache")))
    assert "prefgauge fetch" not in str(caught.value)


@pytest.mark.parametrize("path", ["../etc/passwd", "/etc/passwd", "", "a/../../b", "a\0b", "..\\x"])
def test_paths_that_leave_the_data_folder_are_bad_rows(path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        media("image", path)


def test_a_hostile_row_is_recorded_in_place(tmp_path: Path) -> None:
    written(tmp_path, "file,ref,mos\n../../secret.png,b.png,3\na.png,b.png,nan\na.png,b.png,4\n")
    first, second, third = list(Pictures().read(source(tmp_path)))
    assert isinstance(first, BadRow)
    assert "secret.png" in first.reason
    assert isinstance(second, BadRow)
    assert "finite" in second.reason
    assert isinstance(third, Sample)


def test_finder_survives_a_folder_that_is_not_there(tmp_path: Path) -> None:
    finder = Finder.of(source(tmp_path), DataFile(mirror="no/labels.csv"), ("", "x"), "note")
    assert finder.find(Path("deep/er/a.png")) is None


def test_embedded_media() -> None:
    struct = embedded("image", {"bytes": b"abc", "path": "x/y.jpeg"}, ".png")
    assert (struct.data, struct.suffix) == (b"abc", ".jpeg")
    plain = embedded("audio", b"RIFF", ".wav")
    assert (plain.data, plain.suffix) == (b"RIFF", ".wav")
    assert embedded("image", {"bytes": None, "path": "a/b.png"}, ".png").path == Path("a/b.png")
    for empty in (None, "", b"", {"bytes": None, "path": None}, 3):
        with pytest.raises(ValueError, match="no image in the row|not a path"):
            embedded("image", empty, ".png")


class Votes(GroupedBench):
    card = card(DataFile(mirror="set/votes.csv", tags={"subset": "votes"}))
    protocol = PROTOCOL

    def key(self, row: Mapping[str, Any]) -> str:
        return str(row["clip"])

    def to_group(self, key: str, rows: Sequence[Mapping[str, Any]]) -> Sample:
        votes = {row["who"]: finite(row["vote"], "vote") for row in rows}
        return Sample(id=key, candidates=((),), labels=opinions(votes))


def test_grouped_rows(tmp_path: Path) -> None:
    """Rows of one clip need not be neighbours; a clip with a broken vote is one bad row."""
    text = "clip,who,vote\nb,x,1\na,x,4\nb,y,4\na,y,5\nc,x,oops\n"
    written(tmp_path, text, "set/votes.csv")
    b, a, c = list(Votes().read(source(tmp_path)))
    assert isinstance(b, Sample)
    assert isinstance(a, Sample)
    assert (b.id, b.labels[0].value, a.labels[0].value) == ("b", 2.5, 4.5)  # type: ignore[union-attr]
    assert b.tags == {"subset": "votes"}
    assert isinstance(c, BadRow)
    assert "oops" in c.reason


class Either(EitherBench):
    card = card(DataFile(mirror="full.csv"), DataFile(mirror="labels.csv", optional=True))
    protocol = PROTOCOL

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        return Sample(id=row["id"], candidates=((),), labels=(Rating(0, 1.0),), tags=dict(row))


def test_the_complete_file_wins_over_the_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="full.csv"):
        list(Either().read(source(tmp_path)))
    written(tmp_path, "id,from\n1,labels\n", "labels.csv")
    (only,) = Either().read(source(tmp_path))
    assert isinstance(only, Sample)
    assert only.tags["from"] == "labels"
    written(tmp_path, "id,from\n1,full\n", "full.csv")
    (both,) = Either().read(source(tmp_path))
    assert isinstance(both, Sample)
    assert both.tags["from"] == "full"


def test_opinions() -> None:
    mean, *own = opinions({"ann": 2.0, "bob": 4.0, "cid": 5.0}, "sound", 1)
    # by hand: mean 11/3, squared deviations 25/9 + 1/9 + 16/9 = 42/9, over two = 7/3
    assert mean.value == pytest.approx(11 / 3)
    assert mean.std == pytest.approx((7 / 3) ** 0.5)
    assert (mean.n, mean.rater, mean.candidate, mean.dimension) == (3, None, 1, "sound")
    assert [(label.rater, label.value) for label in own] == [("ann", 2), ("bob", 4), ("cid", 5)]
    assert opinions({"ann": 2.0})[0].std is None
    with pytest.raises(ValueError, match="no rating"):
        opinions({})
    assert slots(["3", 4]) == {"slot-0": 3.0, "slot-1": 4.0}
    for bad in ("nan", "inf", "x", None, True):
        with pytest.raises(ValueError, match="expected a"):
            finite(bad)


def test_literal() -> None:
    assert literal("[0.5, 1]") == [0.5, 1]
    assert literal("[1,0]") == [1, 0]
    for bad in ("__import__('os').system('true')", "[1", "a", "(" * 5000):
        with pytest.raises(ValueError, match="is not a list or number"):
            literal(bad)


def test_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "a, b.mp4, -1, -1, 2.5\n\nshort, 1\n", "l.txt")
    rows = list(read_lines(path, ("path", "duration", "fps", "mos"), ","))
    assert rows[0] == (0, {"path": "a, b.mp4", "duration": "-1", "fps": "-1", "mos": "2.5"})
    assert rows[1] == (2, "2 fields where 4 are expected")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_lines(path, ("a", "b"), ","))


NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(path: Path, sheet: str) -> Path:
    """A minimal workbook by hand: shared strings, a number, an inline string, an empty cell."""
    parts = {
        "xl/workbook.xml": f'<workbook {NS} xmlns:r="{REL}"><sheets>'
        '<sheet name="first" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="r"><Relationship Id="rId1" '
        'Target="worksheets/sheet7.xml"/></Relationships>',
        "xl/sharedStrings.xml": f"<sst {NS}><si><t>name</t></si><si><r><t>m</t></r><r><t>os</t>"
        "</r></si></sst>",
        "xl/worksheets/sheet7.xml": sheet,
    }
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return path


SHEET = (
    f'<worksheet {NS}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v>'
    '</c></row><row r="2"><c r="A2" t="inlineStr"><is><t>x.wav</t></is></c><c r="B2"><v>3.25</v>'
    '</c></row><row r="3"><c r="A3" t="s"><v>0</v></c></row></sheetData></worksheet>'
)


def test_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", SHEET)
    assert read_sheet(path, "first") == [
        {"name": "x.wav", "mos": "3.25"},
        {"name": "name", "mos": ""},
    ]
    with pytest.raises(DataError, match="no sheet 'second'"):
        read_sheet(path, "second")


def test_hostile_sheets(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]>' + SHEET
    with pytest.raises(DataError, match="entities"):
        read_sheet(workbook(tmp_path / "bomb.xlsx", bomb), "first")
    with pytest.raises(DataError, match=r"not a whole \.xlsx"):
        read_sheet(workbook(tmp_path / "cut.xlsx", SHEET[:-9]), "first")
    (tmp_path / "no.xlsx").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match=r"not a whole \.xlsx"):
        read_sheet(tmp_path / "no.xlsx", "first")
    big = SHEET.replace("3.25", "0" * (65 << 20))
    path = tmp_path / "big.xlsx"
    with zipfile.ZipFile(workbook(path, SHEET)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet7.xml"] = big.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    with pytest.raises(DataError, match="more than a label sheet"):
        read_sheet(path, "first")


def test_likert_tables_by_model() -> None:
    row = {"key": "7", "prompt": "a cat", "models": {"m1": [1, 2, 3], "m2": [], "m3": [5]}}
    sample = by_model(row, "alignment", lambda key, model: content(f"{model}/{key}"))
    assert sample is not None
    assert sample.systems == ("m1", "m3")
    means = [(x.candidate, x.value) for x in sample.labels if x.rater is None]  # type: ignore[union-attr]
    assert means == [(0, 2.0), (1, 5.0)]
    assert by_model({**row, "models": {"m2": []}}, "a", lambda *_: ()) is None
