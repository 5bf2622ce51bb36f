"""The MLflow pages in a real browser, on a store that the tracker filled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import panels
import pytest

from prefgauge.plugins.trackers.mlflow_store import connect, resolve
from prefgauge.plugins.trackers.mlflow_view import VIEW_KEY
from prefgauge.registry import Registry, Source
from prefgauge.registry.address import Address
from prefgauge.runners.api import run_suite
from prefgauge.runners.cli.dashboard import server_command
from prefgauge.runners.run import Options

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
BENCHES = (
    "control-text", "control-injection", "control-image", "control-video", "control-audio",
    "control-mesh",
)  # fmt: skip
SCORERS = tuple(f"panel:{name}" for name in panels.PANELS)
#: The store has no users; the page asks for one all the same.
NOISE = ("users/current", "favicon", "ResizeObserver loop")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, list[str]]]:
    """(address, experiment id, benches) of a served store with three panels of real scorers on
    six benches of five modalities."""
    folder = tmp_path_factory.mktemp("store")
    store = f"mlflow:{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFGAUGE_HOME", str(folder / "home"))
        points = [*entry_points(group="prefgauge"), EntryPoint("panels", "panels", "prefgauge")]
        results = run_suite(
            Registry(points),
            BENCHES,
            SCORERS,
            Source.default(None),
            Options(resamples=100),
            [store],
        )
        assert not results.notes + results.problems, results.notes + results.problems
        place = resolve(Address.parse(store))
        with connect(place) as client:
            experiment = client.get_experiment_by_name("prefgauge").experiment_id
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command, environment = server_command(place, "127.0.0.1", port)
        log = (folder / "server.log").open("wb")
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            end = time.monotonic() + 240
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                assert time.monotonic() < end, (folder / "server.log").read_text()[-2000:]
                time.sleep(0.5)
            names = sorted({bundle.bench for bundle in results.bundles})
            yield f"http://127.0.0.1:{port}", experiment, names
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            log.close()


def _wait(driver: Any, script: str, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := driver.execute_script(script):
            return found
        time.sleep(0.3)
    raise AssertionError(f"never true on {driver.current_url}: {script}")


_ROWS = (
    "Array.from(document.querySelectorAll('.ag-pinned-left-cols-container [role=row]'))"
    ".sort((a, b) => a.getAttribute('row-index') - b.getAttribute('row-index'))"
    ".map(row => row.innerText.split('\\n').find(text => text.startsWith('panel:')))"
)


def _rows(driver: Any) -> list[str]:
    """The scorers as the table lists them."""
    found: list[str] = driver.execute_script(f"return {_ROWS}")
    return found


def _by_metric(root: str, experiment: str, key: str) -> list[str]:
    """The scorers by a metric of their suite runs, as the store has it, highest first."""
    with connect(resolve(Address.parse(f"mlflow:{root}"))) as client:
        runs = client.search_runs([experiment], "tags.`prefgauge.kind` = 'suite'")
    runs.sort(key=lambda run: -run.data.metrics[key])
    return [run.info.run_name for run in runs]


def test_leaderboard_view(driver: Any, console: Any, site: Any, shots: Path) -> None:
    root, experiment, benches = site
    assert len(benches) == 6
    driver.set_window_size(2400, 1100)
    driver.get(f"{root}/#/experiments/{experiment}/runs?viewStateShareKey={VIEW_KEY}")
    _wait(driver, f"return document.body.innerText.includes('{SCORERS[-1]}')")
    text = driver.execute_script("return document.body.innerText")
    for scorer in SCORERS:
        assert scorer in text
    assert "prefgauge leaderboard" in text
    assert "3 matching runs" in text  # suite runs only
    for bench in benches:
        assert f"headline/{bench}" in text
    best = _rows(driver)
    assert best == _by_metric(root, experiment, "summary/skill")
    driver.save_screenshot(str(shots / "mlflow-leaderboard.png"))
    for bench in ("control-video", "control-mesh"):
        key = f"headline/{bench}"
        wanted = _by_metric(root, experiment, key)
        directions = set()
        for _ in range(2):
            before = driver.current_url
            driver.execute_script(
                "Array.from(document.querySelectorAll('[role=columnheader] *')).find("
                f"e => !e.children.length && e.textContent.includes('{key}')).click()"
            )
            _wait(driver, f"return location.href !== {json.dumps(before)}")
            ascending = "orderByAsc=true" in driver.current_url
            expected = wanted[::-1] if ascending else wanted
            _wait(driver, f"return ({_ROWS}).join() === {json.dumps(','.join(expected))}")
            directions.add(ascending)
        assert directions == {True, False}
    assert console(*NOISE) == []


def test_charts_line_up(driver: Any, console: Any, site: Any, shots: Path) -> None:
    root, experiment, benches = site
    driver.set_window_size(1900, 1300)
    driver.get(
        f"{root}/#/experiments/{experiment}/runs?viewStateShareKey={VIEW_KEY}&compareRunsMode=CHART"
    )
    # one bar chart per bench, and the parallel coordinates over all of them
    title = f"Agreement with labels ({len(benches) + 1})"
    _wait(driver, f"return document.body.innerText.replace(/\\s+/g, ' ').includes('{title}')")
    _wait(driver, "return document.querySelectorAll('.js-plotly-plot').length > 1")
    time.sleep(2)
    driver.save_screenshot(str(shots / "mlflow-charts.png"))
    # the chart library measures a card before it has a size; the charts are drawn again after
    assert console(*NOISE, "<rect> attribute height") == []


def test_run_page_shows_the_row_and_the_artifacts(
    driver: Any, console: Any, site: Any, shots: Path
) -> None:
    root, experiment, _ = site
    driver.set_window_size(1600, 1200)
    with connect(resolve(Address.parse(f"mlflow:{root}"))) as client:
        kinds = {
            kind: client.search_runs([experiment], f"tags.`prefgauge.kind` = '{kind}'")[0]
            for kind in ("suite", "cell")
        }
    driver.get(f"{root}/#/experiments/{experiment}/runs/{kinds['suite'].info.run_id}")
    _wait(driver, "return document.body.innerText.includes('95 % interval')")
    driver.get(f"{root}/#/experiments/{experiment}/runs/{kinds['cell'].info.run_id}/artifacts")
    for name in ("items.json", "result.json", "figure.png", "data"):
        _wait(driver, f"return document.body.innerText.includes('{name}')")
    assert console(*NOISE) == []
    driver.save_screenshot(str(shots / "mlflow-artifacts.png"))


def test_suite_run_holds_the_report(driver: Any, console: Any, site: Any, shots: Path) -> None:
    """The page is shown in a sandboxed frame; its charts, links and script must work there."""
    from selenium.webdriver.common.keys import Keys

    root, experiment, benches = site
    driver.set_window_size(1900, 1300)
    with connect(resolve(Address.parse(f"mlflow:{root}"))) as client:
        suite = client.search_runs([experiment], "tags.`prefgauge.kind` = 'suite'")[0]
    driver.get("about:blank")  # else only the fragment changes, and the file is not opened
    driver.get(f"{root}/#/experiments/{experiment}/runs/{suite.info.run_id}/artifacts/report.html")
    _wait(driver, "return document.querySelector('iframe') !== null")
    driver.switch_to.frame(driver.find_element("tag name", "iframe"))
    try:
        _wait(driver, "return document.querySelectorAll('#board tbody tr').length === 3")
        text = driver.execute_script("return document.body.innerText")
        assert all(bench in text for bench in benches)
        assert driver.execute_script("return document.querySelectorAll('svg.forest').length") == 6
        assert driver.execute_script("return document.querySelectorAll('svg').length") > 12
        find = driver.find_element("id", "find")
        find.send_keys("energy")
        assert (
            driver.execute_script(
                "return document.querySelectorAll('#board tbody tr:not([hidden])').length"
            )
            == 1
        )
        for _ in range(len("energy")):
            find.send_keys(Keys.BACKSPACE)
    finally:
        driver.switch_to.default_content()
    driver.save_screenshot(str(shots / "mlflow-report.png"))
    assert console(*NOISE) == []
