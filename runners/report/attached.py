"""The report of a whole suite, kept by trackers that have a place for it.

Each scorer's suite run gets the page of all results of the suite that are at hand, so that whoever
opens one sees it among its rivals. It is made anew whenever results are logged, so it is bounded:
no media, and no figures or tests if the suite has more answers than a few seconds can read.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from prefgauge.registry import Bundle, Tracker

__all__ = ["NAME", "attach_reports", "suite_page"]

NAME = "report.html"
_BUNDLES = 1000
_BYTES = 4_000_000  # of outcomes, about as many seconds per million
_SAMPLES = 2


def attach_reports(sink: Tracker, bundles: Sequence[Bundle]) -> None:
    """Attach the suite's report to each scorer of `bundles`; a tracker without a place for it
    costs nothing. Never raises: the results themselves are logged, and nothing may deny it."""
    if type(sink).attach is Tracker.attach:
        return
    try:
        suites: dict[str, dict[str, Bundle]] = {}
        for bundle in bundles:
            suites.setdefault(bundle.suite, {})[bundle.scorer] = bundle
        for suite, scorers in suites.items():
            mine = [bundle for bundle in bundles if bundle.suite == suite]
            with tempfile.TemporaryDirectory(prefix="prefgauge-") as folder:
                file = Path(folder) / NAME
                file.write_text(suite_page(suite, mine), "utf-8")
                for bundle in scorers.values():
                    sink.attach(bundle, file)
    except Exception as error:
        logging.getLogger("prefgauge").warning("%s was not attached: %s", NAME, error)


def suite_page(suite: str, bundles: Sequence[Bundle]) -> str:
    """The page of `bundles` and of the other results of their suite beside them on disk."""
    from prefgauge.runners.report.html import render_html
    from prefgauge.runners.report.model import assemble

    found = {bundle.path: bundle for bundle in _beside(suite, bundles)}
    found.update((bundle.path, bundle) for bundle in bundles)
    size = sum(_size(path / "outcomes.parquet") for path in found)
    content = assemble(found.values(), f"Suite {suite}")
    return render_html(content, samples=_SAMPLES, media_bytes=0, evidence=size <= _BYTES)


def _beside(suite: str, bundles: Sequence[Bundle]) -> list[Bundle]:
    folders = {bundle.path.parent for bundle in bundles}
    paths = [path.parent for folder in folders for path in sorted(folder.glob("*/result.json"))]
    if len(paths) > _BUNDLES:
        return []
    return [bundle for path in paths if (bundle := Bundle.load(path)).suite == suite]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
