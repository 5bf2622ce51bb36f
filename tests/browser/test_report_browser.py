"""The HTML report in a real browser, from file://."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

import prefgauge
from prefgauge.runners.report.html import render_html
from prefgauge.runners.report.model import assemble

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report over control benches of every modality, opened from disk."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFGAUGE_HOME", str(folder / "home"))
        results = prefgauge.run(
            benches=["control-text", "control-image", "control-audio", "control-video",
                     "control-mesh"],
            scorers=["length", "lexical", "random", "sharpness", "contrast", "noise-level", "snr",
                     "loudness", "flicker", "geometry"],
            resamples=200,
        )  # fmt: skip
        path = folder / "report.html"
        path.write_text(render_html(assemble(results.bundles, "Control benches")), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(driver: Any, address: str) -> Any:
    driver.set_window_size(1400, 1000)
    driver.get(address)
    return driver


def _column(page: Any, index: int) -> list[str]:
    return page.execute_script(
        "return Array.from(document.querySelectorAll('#board tbody tr'))"
        f".map(r => r.cells[{index}].innerText.trim())"
    )


def test_opens_without_an_error(page: Any, console: Any, shots: Path) -> None:
    page.refresh()
    assert console() == []
    assert page.title == "Control benches"
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    charts = page.execute_script("return document.querySelectorAll('svg').length")
    assert charts > 10
    assert page.execute_script(
        "return Array.from(document.images).every(i => i.src.startsWith('data:'))"
    )
    page.save_screenshot(str(shots / "report-leaderboard.png"))


def test_sorts_by_click_and_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page.find_element("css selector", "#board th:first-child button").click()
    names = _column(page, 0)
    assert names == sorted(names)
    skill = page.find_element("css selector", "#board th:nth-child(2) button")
    skill.send_keys(Keys.ENTER)
    values = [float(v.split("\n")[0].replace("−", "-")) for v in _column(page, 1) if v != "–"]
    assert values == sorted(values, reverse=True)
    skill.send_keys(Keys.SPACE)
    again = [float(v.split("\n")[0].replace("−", "-")) for v in _column(page, 1) if v != "–"]
    assert again == sorted(values)
    head = page.find_element("css selector", "#board th:nth-child(2)")
    assert head.get_attribute("aria-sort") == "ascending"
    assert "ascending" in page.find_element("id", "status").text


def test_keyboard_reaches_every_control(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    wanted = page.execute_script(
        "return document.querySelectorAll('button, input, summary, a[href], [tabindex]').length"
    )
    seen: set[str] = set()
    body = page.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    first = page.execute_script("return document.activeElement.className")
    assert first == "skip"  # the first stop leads past the header
    for _ in range(wanted + 5):
        element = page.switch_to.active_element
        seen.add(element.id)
        element.send_keys(Keys.TAB)
    hidden = page.execute_script(
        "return Array.from(document.querySelectorAll('button, input, summary, a[href], [tabindex]'))"
        ".filter(e => !e.checkVisibility()).length"
    )
    assert len(seen) >= wanted - hidden - 1


def test_filters(page: Any) -> None:
    find = page.find_element("id", "find")
    find.send_keys("le")
    shown = page.execute_script(
        "return Array.from(document.querySelectorAll('#board tbody tr:not([hidden]) th'))"
        ".map(e => e.innerText)"
    )
    assert shown
    assert all("le" in name for name in shown)
    find.clear()
    chip = page.find_element("css selector", "[data-modality=image]")
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    assert page.execute_script(
        "return Array.from(document.querySelectorAll('[data-col=image]')).every(e => e.hidden)"
    )


def test_dark_and_light_have_contrast(page: Any, shots: Path) -> None:
    """WCAG 2.2 relative luminance, AA: 4.5 for every text of the page."""
    script = (Path(__file__).parent / "contrast.js").read_text()
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    for theme in ("light", "dark"):
        page.find_element("css selector", f"[data-theme-set={theme}]").click()
        worst = page.execute_script(script)
        assert worst["seen"] > 500
        assert worst["ratio"] >= 4.5, (theme, worst)
        page.save_screenshot(str(shots / f"report-{theme}.png"))
    page.find_element("css selector", "[data-theme-set=auto]").click()


def test_axe_finds_nothing(page: Any, axe: str) -> None:
    """axe-core's rules (WCAG 2 A and AA, best practices), all parts opened, both themes. Text
    contrast is measured in the test above: axe cannot resolve the mixed colours of the cells."""
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.execute_script(axe)
    for theme in ("light", "dark"):
        page.find_element("css selector", f"[data-theme-set={theme}]").click()
        found = page.execute_async_script(
            "axe.run(document, {resultTypes: ['violations', 'passes']}).then(arguments[0])"
        )
        told = [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]]
        assert told == [], theme
        assert len(found["passes"]) > 25


def test_prints_on_pages(page: Any, shots: Path) -> None:
    """On white even where the page is dark; closed parts are printed too, nothing is cut off at
    the right, and the page is closed again."""
    page.find_element("css selector", "[data-theme-set=dark]").click()
    made = page.execute_cdp_cmd(
        "Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True}
    )
    data = base64.b64decode(made["data"])
    (shots / "report.pdf").write_bytes(data)
    assert len(re.findall(rb"/Type\s*/Page[^s]", data)) >= 3
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        page.set_window_size(1040, 900)  # A4 landscape less its margins, in CSS pixels
        assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        page.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert (
            page.execute_script("return document.querySelectorAll('details:not([open])').length")
            == 0
        )
        wide = page.execute_script(
            "return Array.from(document.querySelectorAll('table, svg, figure')).filter("
            "e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)"
            ".map(e => e.outerHTML.slice(0, 90))"
        )
        assert wide == []
        page.execute_script("dispatchEvent(new Event('afterprint'))")
        assert (
            page.execute_script("return document.querySelectorAll('details:not([open])').length")
            > 0
        )
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        page.find_element("css selector", "[data-theme-set=auto]").click()


def test_narrow_screen(page: Any, shots: Path) -> None:
    page.set_window_size(500, 900)
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth + 1")
    page.save_screenshot(str(shots / "report-narrow.png"))


def test_samples_show_their_media(page: Any, shots: Path) -> None:
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    time.sleep(0.5)
    page.execute_script(
        "document.querySelector('#control-image, [id^=control-image]').scrollIntoView()"
    )
    time.sleep(0.5)
    sizes = page.execute_script(
        "return Array.from(document.querySelectorAll('[id^=control-image] .sample img'))"
        ".map(i => i.naturalWidth)"
    )
    assert sizes
    assert page.execute_script("return document.querySelectorAll('audio[controls]').length") > 0
    assert page.execute_script("return document.querySelectorAll('video[controls]').length") > 0
    page.save_screenshot(str(shots / "report-bench.png"))


def test_fifty_by_a_hundred_opens_fast(
    driver: Any, console: Any, tmp_path: Path, shots: Path
) -> None:
    """File size and the browser's own times, in milliseconds; printed and kept with the shots."""
    from prefgauge.registry import Bundle

    result = {
        "bundle_id": "0" * 64, "suite": "s", "modality": "text", "label_source": "human",
        "metric": "pair-accuracy", "value": 0.7, "ci_low": 0.6, "ci_high": 0.8, "n": 100,
        "metrics": {f"metric-{i}": {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6} for i in range(12)},
        "subsets": {f"subset {i}": {"value": 0.6, "n": 20} for i in range(6)},
        "floors": {"random": {"value": 0.5}, "length": {"value": 0.55}},
    }  # fmt: skip
    bundles = [
        Bundle(tmp_path, {**result, "scorer": f"hf:org/m{s}", "bench": f"b{b}",
                          "value": 0.4 + (s * 7 + b * 3) % 50 / 100})
        for s in range(50) for b in range(100)
    ]  # fmt: skip
    path = tmp_path / "large.html"
    path.write_text(render_html(assemble(bundles), samples=0, evidence=False), "utf-8")
    driver.get("about:blank")
    driver.get(path.as_uri())
    end = time.monotonic() + 30
    while (timing := driver.execute_script(_TIMING)) is None:
        assert time.monotonic() < end, "the page never finished loading"
        time.sleep(0.1)
    opened = {"megabytes": round(path.stat().st_size / 1e6, 2), **timing}
    print("50 x 100:", json.dumps(opened))
    (shots / "fifty-by-hundred.json").write_text(json.dumps(opened))
    driver.save_screenshot(str(shots / "report-large.png"))
    assert opened["megabytes"] < 20
    assert timing["cells"] == 50 * 102
    assert timing["first paint"] < 5000  # a busy machine; about a second on an idle one
    start = time.monotonic()
    driver.find_element("css selector", "#board thead th:nth-child(5) button").click()
    values = [float(value) for value in _column_values(driver, 4)]
    assert values == sorted(values, reverse=True)
    assert time.monotonic() - start < 5
    assert console() == []


_TIMING = """
const paint = Object.fromEntries(performance.getEntriesByType("paint").map(e => [e.name, e.startTime]));
if (document.readyState !== "complete" || !("first-paint" in paint)) return null;
const page = performance.getEntriesByType("navigation")[0];
return {
  "first paint": Math.round(paint["first-paint"]),
  "first contentful paint": Math.round(paint["first-contentful-paint"]),
  "interactive": Math.round(page.domInteractive),
  "loaded": Math.round(page.loadEventEnd),
  "cells": document.querySelectorAll("#board tbody tr > *").length,
};
"""


def _column_values(page: Any, index: int) -> list[str]:
    found: list[str] = page.execute_script(
        "return Array.from(document.querySelectorAll('#board tbody tr'))"
        f".map(r => r.cells[{index}].dataset.value)"
    )
    return found
