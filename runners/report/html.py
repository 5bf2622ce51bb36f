"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from prefgauge.runners.compare import holm
from prefgauge.runners.report.charts import bench_forest, detail_figures
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
_TEXT = 700


def render_html(
    report: Report,
    *,
    samples: int = 4,
    media_bytes: int = 12_000_000,
    now: datetime | None = None,
) -> str:
    """The page.

    Parameters
    ----------
    samples: worst samples shown per bench (0 for none).
    media_bytes: what all embedded media together may add to the page.
    now: the moment to print; by default the present one.
    """
    left = media_bytes
    pages = []
    for index, page in enumerate(report.benches):
        embedder = Embedder(share := left // (len(report.benches) - index))
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
        runs=list(_runs(report)),
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
    environment.filters["num"] = _num
    environment.filters["signed"] = _signed
    environment.filters["sig"] = _sig
    environment.filters["interval"] = _interval
    environment.filters["slug"] = _slug
    environment.filters["heat"] = heat_style
    return environment.get_template("page.html.j2")


def heat_style(heat: float | None) -> Markup:
    """The inline style of a cell: its colour's strength, and which of the two colours."""
    if heat is None:
        return Markup("")
    strength = round(min(abs(heat), 1.0) * 64)
    name = "--up" if heat >= 0 else "--down"
    return Markup('style="--heat:var({});--v:{}%"').format(name, strength)


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
        "samples": list(_samples(page, samples, embedder)),
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
        shown = {**item, "p_holm": p, "sure": p < 0.05, "heat": effect}
        rows.setdefault(str(item["scorer"]), {})[str(item["probe"])] = shown
    return {"columns": columns, "rows": rows}


def _entries(page: BenchPage, kind: str) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for cell in page.cells:
        for name, entry in mapping(cell.result.get(kind)).items():
            if name not in seen:
                seen.add(name)
                yield name, mapping(entry)


def _samples(page: BenchPage, count: int, embedder: Embedder) -> Iterator[dict[str, Any]]:
    """The strongest disagreements of the best scorers, one scorer after another."""
    scored = [cell for cell in page.cells if cell.value is not None]
    each = max(1, count // max(1, min(len(scored), 2)))
    left = count
    for cell in scored:
        if left <= 0:
            return
        for item in _worst(cell, min(each, left)):
            left -= 1
            yield {"scorer": cell.scorer, **_sample(item, embedder)}


def _worst(cell: Cell, count: int) -> list[dict[str, Any]]:
    try:
        rows = json.loads((cell.bundle.path / "items.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    wrong = [row for row in rows if isinstance(row, dict) and row.get("agree") is False]
    return wrong[:count]


def _sample(item: dict[str, Any], embedder: Embedder) -> dict[str, Any]:
    texts = item.get("candidates") or []
    media = item.get("media") or []
    scores = _scores(item.get("score"))
    candidates = []
    for index in range(max(len(texts), len(media))):
        path = media[index] if index < len(media) else None
        words = f"candidate {index} of sample {item.get('item_id')}"
        text = str(texts[index]) if index < len(texts) else ""
        candidates.append(
            {
                "text": "" if path and text.startswith("[") else _cut(text),
                "media": embedder.embed(str(path), words) if path else None,
                "score": scores.get(str(index)),
            }
        )
    return {
        "id": item.get("item_id"),
        "subset": item.get("subset"),
        "prompt": _cut(str(item.get("prompt") or "")),
        "human": item.get("human"),
        "score": None if any(c["score"] is not None for c in candidates) else item.get("score"),
        "critique": _cut(str(item.get("critique") or "")),
        "candidates": candidates,
    }


def _scores(value: Any) -> dict[str, Any]:
    """Per-candidate scores of a pointwise scorer, which items hold as JSON text."""
    if not isinstance(value, str):
        return {}
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and all(name.isdigit() for name in found) else {}


def _runs(report: Report) -> Iterator[dict[str, Any]]:
    for page in report.benches:
        for cell in page.cells:
            origin = mapping(cell.result.get("provenance"))
            yield {
                "scorer": cell.scorer,
                "bench": page.bench,
                "id": cell.bundle.id,
                "finished": cell.result.get("finished") or "",
                "status": cell.result.get("status", "complete"),
                "n": cell.result.get("n"),
                "coverage": cell.result.get("coverage"),
                "origin": origin,
                "packages": ", ".join(
                    f"{name} {version}" for name, version in mapping(origin.get("packages")).items()
                ),
            }


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _num(value: Any, digits: int = 3) -> str:
    found = number(value)
    return "–" if found is None else f"{found:.{digits}f}".replace("-", "−")


def _signed(value: Any) -> str:
    found = number(value)
    return "–" if found is None else f"{found:+.3f}".replace("-", "−")


def _sig(value: Any) -> str:
    """Four significant digits, for scores of any unit."""
    found = number(value)
    return str(value) if found is None else f"{found:.4g}".replace("-", "−")


def _interval(entry: Any) -> str:
    """``[low, high]`` of a cell or an entry, or nothing."""
    low, high = (
        (entry.low, entry.high)
        if isinstance(entry, Cell)
        else (number(entry.get("ci_low")), number(entry.get("ci_high")))
    )
    return "" if low is None or high is None else f"[{_num(low, 2)}, {_num(high, 2)}]"


def _slug(text: str) -> str:
    """A name usable as an element id."""
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return f"{safe[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
