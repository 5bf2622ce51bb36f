"""How values are written on the page: numbers, intervals, letters, colours, element ids."""

from __future__ import annotations

import hashlib
from typing import Any

from markupsafe import Markup

from prefgauge.runners.report.model import Cell, number

__all__ = ["FILTERS", "sig"]

_NAME = 30
_TAIL = 13


def _letters(letters: str) -> Markup:
    if not letters:
        return Markup("")
    return Markup(' <span class="cld"><span class="sr">group </span>{}</span>').format(letters)


def _num(value: Any, digits: int = 3) -> str:
    found = number(value)
    return "–" if found is None else f"{found:z.{digits}f}".replace("-", "−")


def _signed(value: Any) -> str:
    found = number(value)
    return "–" if found is None else f"{found:+z.3f}".replace("-", "−")


def sig(value: Any) -> str:
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


def _name(text: str) -> Markup:
    """A long name loses its middle, never its end: files and models of one family differ there."""
    if len(text) <= _NAME:
        return Markup("<span>{}</span>").format(text)
    return Markup('<span>{}</span><span class="tail">{}</span>').format(
        text[:-_TAIL], text[-_TAIL:]
    )


def _hint(text: str) -> Markup:
    """The attribute that tells a name in full where :func:`_name` shortened it."""
    return Markup("") if len(text) <= _NAME else Markup(' title="{}"').format(text)


def heat_style(heat: float | None) -> Markup:
    """The inline style of a cell: its colour's strength, and which of the two colours."""
    if heat is None:
        return Markup("")
    strength = round(min(abs(heat), 1.0) * 64)
    name = "--up" if heat >= 0 else "--down"
    return Markup('style="--heat:var({});--v:{}%"').format(name, strength)


#: Filters of the templates.
FILTERS = {
    "num": _num,
    "signed": _signed,
    "sig": sig,
    "interval": _interval,
    "slug": _slug,
    "heat": heat_style,
    "cld": _letters,
    "name": _name,
    "hint": _hint,
}
