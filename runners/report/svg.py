"""Figures as inline SVG: no script, no fonts, no colours of their own (the page's style has
them), so that they print, scale and follow the dark theme."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

__all__ = ["Axis", "Mark", "Row", "forest", "reliability", "scatter", "ticks"]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a forest plot: a value with its interval; `kind` is its CSS class."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "scorer"
    note: str = ""
    letters: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line across a forest plot; `kind` is ``floor`` or ``ceiling``."""

    label: str
    value: float
    kind: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers within [low, high], about `count` of them."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    step = 10 ** math.floor(math.log10(span / count))
    for factor in (1, 2, 2.5, 5, 10):
        if span / (step * factor) <= count:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def forest(rows: Sequence[Row], marks: Sequence[Mark], title: str) -> Markup:
    """Values with intervals, one row each, with floors and ceilings as vertical lines."""
    longest = max(len(_short(row.label, 34)) for row in rows)
    left, width, height, top = 24 + 7.7 * longest, 900.0, 25.0, 34.0
    right = 70.0 + 7.5 * max(len(row.letters) for row in rows)
    every = [v for r in rows for v in (r.value, r.low, r.high) if v is not None]
    every += [mark.value for mark in marks]
    low, high = min(every), max(every)
    pad = 0.04 * (high - low) or 0.05
    axis = Axis(low - pad, high + pad, left, width - right)
    bottom = top + height * len(rows)
    parts = [_open(width, bottom + 26, title, "forest")]
    for tick in ticks(axis.low, axis.high, 7):
        x = axis(tick)
        parts.append(_line(x, top, x, bottom, "grid"))
        parts.append(_text(x, bottom + 17, _brief(tick), "tick", "middle"))
    parts += _marks(marks, axis, top, bottom)
    for index, row in enumerate(rows):
        parts += _forest_row(row, top + height * (index + 0.5), axis, left, width - right)
    return _whole(parts)


def scatter(x: Sequence[float], y: Sequence[float], title: str, xlabel: str, ylabel: str) -> Markup:
    """Points of (score, human rating)."""
    size, left, bottom = 260.0, 46.0, 38.0
    across = Axis(*_range(x), left, size - 8)
    up = Axis(*_range(y), size - bottom, 22)
    parts = [_open(size, size, title, "scatter"), _frame(across, up, left, size - bottom)]
    dots = "".join(f"M{across(a):.1f} {up(b):.1f}h0" for a, b in zip(x, y))
    parts.append(f'<path class="dots" d="{dots}"/>')
    parts.append(_text((left + size) / 2, size - 4, xlabel, "label", "middle"))
    parts.append(
        f'<text class="label" transform="translate(11 {(size - bottom + 22) / 2:.0f}) '
        f'rotate(-90)" text-anchor="middle">{escape(ylabel)}</text>'
    )
    parts.append(_text(left, 12, _short(title, 38), "caption", "start"))
    return _whole(parts)


def reliability(
    bins: Sequence[Mapping[str, float]], title: str, xlabel: str, diagonal: bool
) -> Markup:
    """Share of agreement per bin of confidence: keys ``x``, ``y``, ``low``, ``high``, ``n``."""
    size, left, bottom = 260.0, 46.0, 38.0
    xs = [b["x"] for b in bins]
    across = Axis(0.5, 1.0, left, size - 8) if diagonal else Axis(*_range(xs), left, size - 8)
    lowest = min([0.4, *(b["low"] for b in bins)])
    up = Axis(max(0.0, lowest - 0.03), 1.0, size - bottom, 22)
    parts = [_open(size, size, title, "reliability"), _frame(across, up, left, size - bottom)]
    if diagonal:
        parts.append(_line(across(0.5), up(0.5), across(1.0), up(1.0), "diagonal"))
    else:
        parts.append(_line(across.start, up(0.5), across.end, up(0.5), "diagonal"))
    for b in bins:
        parts.append(_line(across(b["x"]), up(b["low"]), across(b["x"]), up(b["high"]), "interval"))
    points = " ".join(f"{across(b['x']):.1f},{up(b['y']):.1f}" for b in bins)
    parts.append(f'<polyline class="curve" points="{points}"/>')
    for b in bins:
        parts.append(
            f'<circle class="dot" cx="{across(b["x"]):.1f}" cy="{up(b["y"]):.1f}" r="3.5">'
            f"<title>{b['y']:.3f} of {b['n']:.0f} pairs</title></circle>"
        )
    parts.append(_text((left + size) / 2, size - 4, xlabel, "label", "middle"))
    parts.append(
        f'<text class="label" transform="translate(11 {(size - bottom + 22) / 2:.0f}) '
        'rotate(-90)" text-anchor="middle">agrees with the label</text>'
    )
    parts.append(_text(left, 12, _short(title, 38), "caption", "start"))
    return _whole(parts)


def _whole(parts: Sequence[str]) -> Markup:
    # every text in the parts went through escape(), every number through a format
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704


def _forest_row(row: Row, y: float, axis: Axis, left: float, right: float) -> list[str]:
    parts = [f'<g class="row {row.kind}">']
    shown = f"{row.value:.3f}"
    if row.low is not None and row.high is not None:
        shown += f", 95 % interval {row.low:.3f} to {row.high:.3f}"
    note = f" ({row.note})" if row.note else ""
    parts.append(f"<title>{escape(row.label)}: {shown}{escape(note)}</title>")
    parts.append(f'<rect class="band" x="0" y="{y - 12:.1f}" width="900" height="24"/>')
    parts.append(_text(left - 12, y + 4, _short(row.label, 34), "name", "end"))
    if row.low is not None and row.high is not None:
        parts.append(_line(axis(row.low), y, axis(row.high), y, "interval"))
    x = axis(row.value)
    if row.kind.startswith("reference"):
        parts.append(f'<path class="diamond" d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"/>')
    else:
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
    parts.append(_text(right + 12, y + 4, f"{row.value:z.3f}".replace("-", "−"), "value", "start"))
    if row.letters:
        parts.append(_text(right + 62, y + 4, row.letters, "cld", "start"))
    return [*parts, "</g>"]


def _marks(marks: Sequence[Mark], axis: Axis, top: float, bottom: float) -> list[str]:
    parts: list[str] = []
    last = [-1e9, -1e9]  # right ends of the labels in two staggered lines
    for mark in sorted(marks, key=lambda m: m.value):
        x = axis(mark.value)
        half = 3.7 * len(mark.label)
        level = 0 if x - half > last[0] else 1
        last[level] = x + half + 6
        parts.append(_line(x, top - 4, x, bottom, mark.kind))
        parts.append(
            f'<text class="mark {mark.kind}" x="{x:.1f}" y="{top - 8 - 12 * level:.1f}" '
            f'text-anchor="middle">{escape(mark.label)}'
            f"<title>{escape(mark.label)}: {mark.value:.3f}</title></text>"
        )
    return parts


def _frame(across: Axis, up: Axis, left: float, bottom: float) -> str:
    parts = []
    for tick in ticks(up.low, up.high, 5):
        parts.append(_line(left, up(tick), across.end, up(tick), "grid"))
        parts.append(_text(left - 5, up(tick) + 3.5, _brief(tick), "tick", "end"))
    for tick in ticks(across.low, across.high, 4):
        parts.append(_text(across(tick), bottom + 14, _brief(tick), "tick", "middle"))
    parts.append(_line(left, bottom, across.end, bottom, "axis"))
    return "".join(parts)


def _brief(value: float) -> str:
    text = f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}"
    return text.replace("-", "−", 1) if value < 0 else text


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 0.5
    return low - pad, high + pad


def _open(width: float, height: float, title: str, kind: str) -> str:
    return (
        f'<svg class="{kind}" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" aria-label="{escape(title)}">'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{side}>{escape(text)}</text>'


def _short(text: str, limit: int) -> str:
    """The beginning and end of a long name: models differ at both."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"
