"""Which figures a bench page gets, computed from the evidence of its results."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from prefgauge.registry.evidence import OK, PairTable, RatingTable, Table
from prefgauge.runners.compare import dimension_of
from prefgauge.runners.report.model import BenchPage, Cell, number
from prefgauge.runners.report.svg import Mark, Row, forest, reliability, scatter

__all__ = ["bench_forest", "detail_figures"]

_POINTS = 700
_FIGURES = 4
_BINS = 8


def bench_forest(page: BenchPage) -> Markup:
    """All results of a bench with intervals, its floors, ceilings and published references."""
    rows = [
        Row(_label(cell), cell.value, cell.low, cell.high, _kind(cell), _note(cell), cell.letters)
        for cell in page.cells
        if cell.value is not None
    ]
    if not rows:
        return Markup("")
    references = page.first.get("references") or []
    for reference in sorted(references, key=lambda r: -(number(r.get("value")) or 0.0)):
        value = number(reference.get("value"))
        same = reference.get("metric") in (None, page.metric)
        if value is not None and reference.get("subset") is None and same:
            source = str(reference.get("source") or "")
            rows.append(Row(str(reference.get("scorer")), value, None, None, "reference", source))
    marks = [Mark(name, value, "floor") for name, value in page.lines("floors").items()]
    marks += [
        Mark(name, value, "ceiling")
        for name, value in page.lines("ceilings").items()
        if not page.lower_is_better and _is_ceiling(name)
    ]
    names = ", ".join(f"{row.label} {row.value:.3f}" for row in rows[:8])
    return forest(rows, marks, f"{page.bench}, {page.metric}: {names}")


def detail_figures(page: BenchPage) -> list[Markup]:
    """Scatter plots (ratings) or reliability diagrams (pairs) of the best scorers."""
    figures: list[Markup] = []
    for cell in page.cells:
        if cell.answers is None or len(figures) >= _FIGURES:
            continue
        evidence = cell.answers.evidence
        figure: Markup | None = None
        if evidence.ratings is not None:
            figure = _scatter(cell, evidence.ratings)
        elif evidence.pairs is not None:
            figure = _reliability(cell, evidence.pairs)
        if figure is not None:
            figures.append(figure)
    return figures


def _scatter(cell: Cell, table: RatingTable) -> Markup | None:
    known = (table.status == OK) & np.isfinite(table.score)
    ok = np.flatnonzero(known & _headline(cell, table))
    if len(ok) < 3:
        return None
    if len(ok) > _POINTS:
        ok = np.random.default_rng(0).choice(ok, _POINTS, replace=False)
    return scatter(
        table.score[ok].tolist(), table.human[ok].tolist(), cell.scorer, "score", "human rating"
    )


def _reliability(cell: Cell, table: PairTable) -> Markup | None:
    margin = table.margin()
    keep = (table.status == OK) & np.isfinite(margin) & (table.human != 0.5) & (margin != 0)
    keep &= _headline(cell, table)
    if keep.sum() < 20:
        return None
    size = np.abs(margin[keep])
    right = np.sign(margin[keep]) == np.sign(table.human[keep] - 0.5)
    probable = bool(np.isfinite(table.p_given[keep]).any())
    x = size + 0.5 if probable else _quantile(size)
    bins = _bins(x, right)
    if len(bins) < 2:
        return None
    label = "confidence, P(winner)" if probable else "margin, quantile (small to large)"
    return reliability(bins, cell.scorer, label, diagonal=probable)


def _headline(cell: Cell, table: Table) -> Any:
    """The rows on the headline's dimension; all of them if it is not in the table."""
    name = dimension_of(cell.bundle)
    if name not in table.dimensions:
        return np.ones(len(table), dtype=np.bool_)
    return table.dimension == table.dimensions.index(name)


def _bins(x: Any, right: Any) -> list[dict[str, float]]:
    """About equally full bins of `x` with Wilson intervals (J. Am. Stat. Assoc. 22, 1927)."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, _BINS + 1)))
    which = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, max(len(edges) - 2, 0))
    out = []
    z = 1.959963984540054
    for index in np.unique(which):
        mine = which == index
        n, share = int(mine.sum()), float(right[mine].mean())
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        out.append(
            {
                "x": float(x[mine].mean()),
                "y": share,
                "low": float(middle - reach),
                "high": float(middle + reach),
                "n": float(n),
            }
        )
    return out


def _quantile(size: Any) -> Any:
    order = np.argsort(np.argsort(size, kind="stable"), kind="stable")
    return (order + 0.5) / len(size)


def _label(cell: Cell) -> str:
    return f"{cell.scorer} ‡" if cell.cut else cell.scorer


def _kind(cell: Cell) -> str:
    if not cell.sound:
        return "scorer incomplete"
    return "scorer top" if cell.top else "scorer"


def _note(cell: Cell) -> str:
    notes = []
    if not cell.complete:
        notes.append(f"{cell.result.get('status')}, coverage {cell.result.get('coverage', 0):.0%}")
    if cell.cut:
        notes.append("the first rows only")
    if cell.top:
        notes.append("not significantly worse than the best")
    if cell.letters:
        notes.append(f"group {cell.letters}")
    return "; ".join(notes)


def _is_ceiling(name: str) -> bool:
    """True for a bound in the headline's own unit; alpha, kappa and ICC are in the table only."""
    return name == "human" or "ceiling" in name
