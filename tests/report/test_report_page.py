"""The report: what is on the page, and what untrusted text cannot do to it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prefgauge.registry import Outcome, Rating, Sample, Text, UsageError
from prefgauge.runners.cli.app import app
from prefgauge.runners.report.html import render_html
from prefgauge.runners.report.model import assemble
from prefgauge.runners.report.svg import ticks
from prefgauge.runners.report.tables import render_latex, render_markdown

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">"\'&{{7*7}}'
_VOID = {"meta", "link", "input", "img", "br"}


class _Page(HTMLParser):
    """Collects elements and checks that they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"unmatched </{tag}>"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page(real_bundles) -> str:  # type: ignore[no-untyped-def]
    return render_html(assemble(real_bundles, "A report"))


def test_every_result_is_on_the_page(page: str, real_bundles) -> None:  # type: ignore[no-untyped-def]
    words = " ".join(_Page(page).words)
    for bundle in real_bundles:
        assert bundle.scorer in words
        assert bundle.id[:12] in words
        assert f"{bundle.result['value']:.3f}" in words
    assert "order known by construction, not by people" in words
    assert "labels by people" not in words  # nothing here was labelled by people


def test_page_loads_nothing(page: str) -> None:
    parsed = _Page(page)
    for tag, attributes in parsed.found:
        for name in ("src", "href", "poster", "action", "data"):
            value = attributes.get(name)
            if value:
                assert value.startswith(("data:", "#")), (tag, name, value[:80])
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert "url(" not in page


def test_page_can_be_read_by_a_screen_reader(page: str) -> None:
    parsed = _Page(page)
    assert parsed.all("html")[0]["lang"] == "en"
    assert all(a.get("scope") for a in parsed.all("th"))
    assert page.count("<table") == page.count("<caption")
    assert all(a.get("aria-label") and a.get("role") == "img" for a in parsed.all("svg"))
    assert all(a.get("alt") for a in parsed.all("img"))
    assert all(a.get("aria-label") for a in parsed.all("audio"))
    assert all(a.get("type") == "button" for a in parsed.all("button"))
    ids = [a["id"] for _, a in parsed.found if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for a in parsed.all("a") if (a.get("href") or "").startswith("#")}
    assert targets <= {f"#{name}" for name in ids}


def test_media_are_embedded(page: str) -> None:
    parsed = _Page(page)
    assert any((a.get("src") or "").startswith("data:image/jpeg") for a in parsed.all("img"))
    assert any((a.get("src") or "").startswith("data:audio/") for a in parsed.all("audio"))


def test_media_budget(real_bundles) -> None:  # type: ignore[no-untyped-def]
    html = render_html(assemble(real_bundles), media_bytes=30_000)
    assert len(html) < 400_000
    assert "at its size limit" in html


def test_untrusted_text_stays_text(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    item = {
        "item_id": EVIL, "agree": False, "human": EVIL, "score": EVIL, "subset": EVIL,
        "prompt": EVIL, "candidates": [EVIL, "x"], "media": ["/etc/passwd", f"/tmp/{EVIL}.png"],
        "critique": EVIL,
    }  # fmt: skip
    bundle = write_bundle(
        pair_answers([1, -1] * 12), EVIL, "b" + EVIL, items=[item], value=0.5, bench_title=EVIL,
        failures=[{"reason": EVIL, "where": EVIL, "count": 1}], notes=[EVIL],
        subsets={EVIL: {"value": 0.5, "n": 3}}, metrics={EVIL: {"value": 0.1}},
        references=[{"scorer": EVIL, "value": 0.4, "source": EVIL}],
        floors={"random": {"value": 0.5}}, ceilings={"human-ceiling": {"value": 0.9}},
    )  # fmt: skip
    html = render_html(assemble([bundle], EVIL))
    parsed = _Page(html)
    assert len(parsed.all("script")) == 1
    assert not [a for _, a in parsed.found if any(name.startswith("on") for name in a)]
    assert "root:x:0" not in html  # /etc/passwd has no suffix of a medium and is never read
    assert "{{7*7}}" in " ".join(parsed.words)


def test_broken_media_leave_a_note(write_bundle, pair_answers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    names = []
    for suffix in (".png", ".wav", ".mp4", ".glb", ".svg"):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(b"<svg onload=alert(1)> this is not what it says")
        names.append(str(path))
    item = {"item_id": "x", "agree": False, "candidates": [""] * 5, "media": names}
    bundle = write_bundle(pair_answers([1] * 6), items=[item], value=1.0)
    html = render_html(assemble([bundle]))
    assert html.count('class="nomedia"') == 5
    assert "onload" not in html


def test_ratings_get_a_scatter(write_bundle) -> None:  # type: ignore[no-untyped-def]
    answers = [
        (
            Sample(id=f"r{i}", candidates=((Text("x"),),), labels=(Rating(0, 1 + i / 10),)),
            {(0,): Outcome.score(i * 2.0)},
        )
        for i in range(30)
    ]
    bundle = write_bundle(
        answers, metric="srcc", value=1.0, protocol={"metric": "srcc", "options": {}, "name": "s"}
    )
    html = render_html(assemble([bundle]))
    assert 'class="scatter"' in html
    assert html.count("h0") >= 30


def test_missing_outcomes_are_said(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    bundle = write_bundle(pair_answers([1] * 6), value=1.0, ci_low=0.9, ci_high=1.0)
    (bundle.path / "outcomes.parquet").unlink()
    html = render_html(assemble([bundle]))
    assert "1.000" in html
    assert "cannot be read" in html


def test_undefined_and_incomplete_results(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    nothing = write_bundle(pair_answers([1]), "none", value=None, reason="no rows <b>")
    partial = write_bundle(
        pair_answers([1] * 6), "partial", value=1.0, status="incomplete", coverage=0.4
    )
    html = render_html(assemble([nothing, partial]))
    assert "incomplete: 40 % scored" in html
    assert "no rows &lt;b&gt;" in html
    assert assemble([partial]).skill("partial") is None


def test_best_founded_result_is_shown(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    whole = write_bundle(pair_answers([1] * 6), value=0.5, finished_ms=10)
    newer = write_bundle(pair_answers([1] * 6), value=0.6, finished_ms=20)
    few = write_bundle(
        pair_answers([1] * 6), value=0.9, finished_ms=30,
        bench_data={"digest": "f", "limit": 5, "files": []},
    )  # fmt: skip
    report = assemble([few, whole, newer])
    assert report.cells["hand", "hand-bench"].value == 0.6
    assert report.older == 2


def test_a_result_of_the_first_rows_is_marked_and_not_compared(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    """The best value is of five rows only: it leads nobody, and the others are still tested."""
    few = write_bundle(
        pair_answers([1] * 5), "few", value=1.0,
        bench_data={"digest": "f", "limit": 5, "files": []},
    )  # fmt: skip
    good = write_bundle(pair_answers([1, 1, 1, -1, 1] * 12), "good", value=0.8)
    poor = write_bundle(pair_answers([-1, 1, -1, -1, -1] * 12), "poor", value=0.2)
    report = assemble([few, good, poor])
    html = render_html(report)
    assert [cell.scorer for cell in report.benches[0].cells] == ["good", "poor", "few"]
    marked = {name: cell.top for (name, _), cell in report.cells.items()}
    assert marked == {"few": None, "good": True, "poor": False}
    assert report.skill("few") is None
    assert html.count('title="the first 5 rows only"') == 1
    assert "neither compared nor part of the skill" in html
    assert "1.000 ‡" in render_markdown(report)
    assert "‡" not in render_html(assemble([good, poor]))
    assert assemble([few]).skill("few") is not None  # alone it is compared with nobody
    all_rows = write_bundle(
        pair_answers([1] * 5), "all", value=1.0,
        bench_data={"digest": "f", "limit": 500, "files": []},
    )  # fmt: skip
    assert "‡" not in render_html(assemble([all_rows]))


def test_no_value_is_printed_as_minus_zero(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    fields = {"value": 0.4999, "floors": {"random": {"value": 0.5}}}
    html = render_html(assemble([write_bundle(pair_answers([1, -1] * 6), "coin", **fields)]))
    assert "−0.00" not in html


def test_no_results_is_an_error() -> None:
    with pytest.raises(UsageError, match="prefgauge run"):
        assemble([])


def test_markdown_and_latex(write_bundle, pair_answers, real_bundles) -> None:  # type: ignore[no-untyped-def]
    text = render_markdown(assemble(real_bundles))
    assert "| length |" in text
    assert re.search(r"\*\*0\.\d{3}\*\* \[0\.", text)
    evil = write_bundle(pair_answers([1] * 6), "a|b_c%$#&~^\\{}<x>", value=1.0)
    rows = [line for line in render_markdown(assemble([evil])).splitlines() if "b\\_c" in line]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 3  # the name opened no column
    tex = render_latex(assemble([evil]))
    assert r"a|b\_c\%\$\#\&\textasciitilde{}\textasciicircum{}\textbackslash{}\{\}<x>" in tex
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")


def test_tables_show_letters(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    good, bad = [1] * 20, [-1] * 15 + [1] * 5
    bundles = [
        write_bundle(pair_answers(m), name, value=v, ci_low=v - 0.01, ci_high=v)
        for name, m, v in (("good", good, 1.0), ("bad", bad, 0.25), ("same", bad, 0.25))
    ]
    text = render_markdown(assemble(bundles))
    assert "**1.000** [0.990, 1.000] <sup>a</sup>" in text
    assert text.count("0.250 [0.240, 0.250] <sup>b</sup>") == 2
    assert r"0.250\textsuperscript{b}" in render_latex(assemble(bundles))
    html = render_html(assemble(bundles))
    assert html.count('<span class="cld"><span class="sr">group </span>b</span>') == 2


def test_command_writes_all_formats(real_bundles, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PREFGAUGE_HOME", str(real_bundles[0].path.parents[2]))
    for name in ("r.html", "r.md", "r.tex"):
        done = CliRunner().invoke(app, ["report", "-o", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).stat().st_size > 500
    odd = CliRunner().invoke(app, ["report", "-o", str(tmp_path / "r.pdf")])
    assert isinstance(odd.exception, UsageError)


def test_large_report_stays_small(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    """50 scorers on 100 benches, without outcomes: the page itself."""
    one = write_bundle(pair_answers([1] * 6), value=0.7, ci_low=0.6, ci_high=0.8)
    (one.path / "outcomes.parquet").unlink()
    bundles = []
    for s in range(50):
        for b in range(100):
            result = {**one.result, "scorer": f"hf:org/model-{s}", "bench": f"bench-{b}"}
            result["value"] = 0.4 + (s * 7 + b * 13) % 50 / 100
            bundles.append(type(one)(one.path, result))
    html = render_html(assemble(bundles), samples=0)
    assert len(html) < 8_000_000
    assert html.count("<tr data-name") == 50 + 5000


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3.0, 12.0, [0, 5, 10]), (2.0, 2.0, [2.0])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == pytest.approx(expected)


def test_items_that_are_no_json(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    bundle = write_bundle(pair_answers([1] * 6), value=1.0)
    (bundle.path / "items.json").write_text("{ broken")
    assert "hand-bench" in render_html(assemble([bundle]))
    assert json.loads((bundle.path / "result.json").read_text())["value"] == 1.0


def test_labels_are_told_per_candidate() -> None:
    from prefgauge.runners.report.details import _said

    assert _said("0 of 0,1") == ({0: ["better than 1"]}, "")
    assert _said("style: tie of 0,2") == ({0: ["style tied with 2"], 2: ["style tied with 0"]}, "")
    assert _said("quality: 0=61.3; quality: 1=-5e-05") == (
        {0: ["quality 61.3"], 1: ["quality -5e-05"]},
        "",
    )
    assert _said("ranks 2,1,3") == ({0: ["rank 2"], 1: ["rank 1"], 2: ["rank 3"]}, "")
    assert _said("<script>: what 1 of") == ({}, "<script>: what 1 of")


def test_fitted_results_and_profiles_are_told(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    bundle = write_bundle(
        pair_answers([1] * 6), "probe on x", "hand-bench.linear-probe", value=0.9,
        fitted={"of": "hand-bench", "kind": "linear-probe", "folds": 5, "known": None, "by": {}},
        profile={"wall": 12.5, "parts": {"computing": 11.0, "other": 0.001},
                 "counts": {"tokens": {"unique": 9, "unique_per_second": 1234.0}}, "ratio": 0.25},
    )  # fmt: skip
    words = " ".join(" ".join(_Page(render_html(assemble([bundle]))).words).split())
    assert "fitted on this bench" in words
    assert "linear-probe on hand-bench: folds 5" in words
    assert "12.5 computing 11 s" in words
    assert "unique tokens 1,234 a second of the device's matmul rate 25.0%" in words


def test_samples_without_their_media_are_left_out(
    write_bundle, pair_answers, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    import numpy as np
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(size=8000) / 9, 16000)
    item = {"agree": False, "candidates": ["[audio]"], "media": [str(path)]}
    items = [{**item, "item_id": f"sample-{i}"} for i in range(4)]
    bundle = write_bundle(pair_answers([1] * 6), items=items, value=1.0)
    html = render_html(assemble([bundle]), media_bytes=50_000)  # room for two
    assert html.count("<audio") == 2
    assert html.count("at its size limit") == 1
    assert "sample-3" not in html
