"""A headless Chromium, or the reason why there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: ``PREFGAUGE_SHOTS``, else a temporary folder."""
    place = os.environ.get("PREFGAUGE_SHOTS")
    folder = Path(place) if place else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """A Selenium driver of a local Chromium."""
    selenium = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed (dependency group: browser)"
    )
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = browser
    for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(switch)
    options.add_argument("--window-size=1400,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    path = shutil.which("chromedriver")
    if path is None:
        pytest.skip("no chromedriver on this machine (apt-get install chromium-driver)")
    made = selenium.Chrome(options=options, service=selenium.ChromeService(path))
    yield made
    made.quit()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, the accessibility checker, from npm (``PREFGAUGE_AXE`` names a copy)."""
    place = os.environ.get("PREFGAUGE_AXE")
    if place:
        return Path(place).read_text("utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("neither npm nor PREFGAUGE_AXE, the path of axe.min.js")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--silent", "--no-audit", "--prefix", str(folder), "axe-core@4.14.1"]
    try:
        subprocess.run(command, check=True, timeout=120, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"axe-core cannot be installed from npm: {error}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture
def console(driver: Any) -> Any:
    """The console messages since the last call, those of the page's own errors only."""

    def read(*ignored: str) -> list[str]:
        return [
            entry["message"]
            for entry in driver.get_log("browser")
            if entry["level"] == "SEVERE" and not any(word in entry["message"] for word in ignored)
        ]

    read()
    return read
