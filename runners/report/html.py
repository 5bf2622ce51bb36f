"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from prefgauge.runners.compare import holm
from prefgauge.runners.report.charts import bench_forest, detail_figures
from prefgauge.runners.report.details import fitted, provenance_rows, worst_samples
from prefgauge.runners.report.formats import FILTERS
from prefgauge.runners.report.judged import judged
from prefgauge.runners.report.media import Embedder
from prefgauge.runners.report.model import (
    BenchPage,
    Cell,
    Report,
    ground,
    heat,
    mapping,
    number,
    release,
    subsets_of,
)

__all__ = ["render_html"]

_PAGE = Path(__file__).parent / "page"


def render_html(
    report: Report,
    *,
    samples: int = 4,
    media_bytes: int = 12_000_000,
    evidence: bool = True,
    now: datetime | None = None,
) -> str:
    """The page.

    Parameters
    ----------
    samples: worst samples shown per bench (0 for none).
    media_bytes: what all embedded media together may add to the page.
    evidence: read the answers of all results, for figures and tests between scorers.
    now: the moment to print; by default the present one.
    """
    left = media_bytes
    pages = []
    for index, page in enumerate(report.benches):
        embedder = Embedder(share := left // (len(report.benches) - index))
        if evidence:
            ground(page)
        pages.append(_page(page, samples, embedder))
        left -= share - embedder.budget  # what a bench of texts does not need is shared on
        release(page)
    script = (_PAGE / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    moment = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    html: str = _template().render(
        report=report,
        pages=pages,
        modalities=list(dict.fromkeys(page.modality for page in report.benches)),
        board=[_line(report, scorer) for scorer in report.scorers],
        moment=moment,
        style=Markup((_PAGE / "page.css").read_text("utf-8")),  # noqa: S704, our own file
        script=Markup(script),  # noqa: S704, our own file
        script_digest=digest,
        evidence=evidence,
        runs=list(provenance_rows(report)),
        overall=report.overall(),
        sources={page.source for page in report.benches if page.source[0]},
    )
    return html


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= FILTERS
    return environment.get_template("page.html.j2")


def _page(page: BenchPage, samples: int, embedder: Embedder) -> dict[str, Any]:
    subsets = subsets_of(page.cells)
    metrics = list(
        dict.fromkeys(name for cell in page.cells for name in mapping(cell.result.get("metrics")))
    )
    return {
        "page": page,
        "forest": bench_forest(page),
        "judged": judged(page),
        "figures": detail_figures(page),
        "kind": _figure_kind(page),
        "subsets": subsets,
        "subset_rows": [_subset_row(page, cell, subsets) for cell in page.cells],
        "metrics": metrics,
        "samples": list(worst_samples(page, samples, embedder)),
        "failures": [
            (cell.scorer, failure)
            for cell in page.cells
            for failure in cell.result.get("failures") or []
        ],
        "notes": list(
            dict.fromkeys(note for cell in page.cells for note in cell.result.get("notes") or [])
        ),
        "problems": [(cell.scorer, cell.problem) for cell in page.cells if cell.problem],
        "probes": _probes(page),
        "ceilings": list(_entries(page, "ceilings")),
        "references": [
            r for r in page.first.get("references") or [] if number(r.get("value")) is not None
        ],
        "fitted": list(fitted(page)),
        "files": (mapping(page.first.get("bench_data")).get("files") or [])[:12],
    }


def _figure_kind(page: BenchPage) -> str:
    """``ratings`` (scatter plots), ``probabilities`` or ``margins`` (reliability diagrams)."""
    evidence = [cell.answers.evidence for cell in page.cells if cell.answers is not None]
    if any(item.ratings is not None for item in evidence):
        return "ratings"
    forms = {mapping(cell.result.get("scorer_card")).get("form") for cell in page.cells}
    return "probabilities" if forms == {"pairwise"} else "margins"


def _line(report: Report, scorer: str) -> dict[str, Any]:
    skill = report.skill(scorer)
    cells = [(page, report.cell(scorer, page.bench)) for page in report.benches]
    return {"scorer": scorer, "skill": skill, "cells": cells}


def _subset_row(page: BenchPage, cell: Cell, subsets: list[str]) -> tuple[Cell, list[Any]]:
    found = mapping(cell.result.get("subsets"))
    chance = page.lines("floors").get("random")
    row = []
    for name in subsets:
        entry = mapping(found.get(name))
        value = number(entry.get("value"))
        row.append((entry, value, heat(value, chance, page)))
    return cell, row


def _probes(page: BenchPage) -> dict[str, Any]:
    """Columns (probes) and rows (scorers) of the probe table, p-values corrected by Holm."""
    columns = {str(item["probe"]): str(item.get("title") or "") for item in page.probes}
    corrected = holm([p if (p := number(item.get("p"))) is not None else math.nan
                      for item in page.probes])  # fmt: skip
    rows: dict[str, dict[str, Any]] = {}
    for item, p in zip(page.probes, corrected):
        effect = number(item.get("effect"))
        bias = item.get("expects") == "zero" and effect is not None  # away from 0 is bad
        heat = -abs(effect) if bias and effect is not None else effect
        shown = {**item, "p_holm": p, "sure": p < 0.05, "heat": heat}
        rows.setdefault(str(item["scorer"]), {})[str(item["probe"])] = shown
    return {"columns": columns, "rows": rows}


def _entries(page: BenchPage, kind: str) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for cell in page.cells:
        for name, entry in mapping(cell.result.get(kind)).items():
            if name not in seen:
                seen.add(name)
                yield name, mapping(entry)
