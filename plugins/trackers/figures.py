"""From a result to the flat numbers that a tracker can plot: one name, one finite float."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["MAX_SUBSETS", "finite", "headline_key", "metric_key", "metrics_of", "skill"]

#: Subsets of one bench that are logged as metrics, largest first; all are in result.json.
#: A store's pages slow down with the number of distinct metric names.
MAX_SUBSETS = 40
_LIMIT = 250
_COUNTS = ("n", "ties", "samples", "requests", "failed", "invalid", "bad_rows")
_WORDS = {"@": ".", "%": " pct", "+": " plus ", "&": " and ", "<": " lt ", ">": " gt ", "=": "-"}
_FORBIDDEN = re.compile(r"[^/\w.\- ]")


def metric_key(name: str) -> str:
    """`name` in the characters that MLflow allows on every system: word characters of any
    script, digits, ``_ - . /`` and space, at most 250, no empty or dotted path part.

    >>> metric_key("srcc@system"), metric_key("subset/Chat (hard)"), metric_key("a//../b")
    ('srcc.system', 'subset/Chat hard', 'a/b')
    """
    text = "".join(_WORDS.get(letter, letter) for letter in name)
    parts = [" ".join(part.split()) for part in _FORBIDDEN.sub(" ", text).split("/")]
    key = "/".join(part for part in parts if part.strip("."))
    key = key or "unnamed-" + _mark(name)
    return key if len(key) <= _LIMIT else f"{key[: _LIMIT - 9]}-{_mark(name)}"


def headline_key(bench: str) -> str:
    """The suite run's metric for a bench; the part before the slash is the chart's section."""
    return metric_key(f"headline/{bench.replace('/', '_')}")


def finite(value: Any) -> float | None:
    """`value` as a float if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def metrics_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Everything of a result that is a finite number, under names that are the same on every
    bench: ``agreement`` (the headline) with ``.ci_low``/``.ci_high``, each metric by its own name,
    ``ceiling/...``, ``floor/...``, ``subset/...``, ``usage/...`` (of judges) and the counts. None,
    NaN and inf are left out."""
    out: dict[str, float] = {}
    for name, value in _pairs(result):
        number = finite(value)
        if number is None:
            continue
        key = metric_key(name)
        if key in out:
            key = f"{key[: _LIMIT - 9]}-{_mark(name)}"
        out[key] = number
    return out


def skill(result: Mapping[str, Any]) -> float | None:
    """The headline as a share of the way from chance to perfect, (value - floor) / (1 - floor)
    (Cohen, Educ. Psychol. Meas. 20, 1960, eq. 1), so that benches with different chance levels
    can be averaged. The floor is the random scorer's value on the same samples; None if there is
    none, or if the metric is an error whose best value is not 1."""
    value = finite(result.get("value"))
    floor = finite(_mapping(_mapping(result.get("floors")).get("random")).get("value"))
    if value is None or floor is None or floor >= 1 or not -1 <= value <= 1:
        return None
    name = str(result.get("metric", "")).lower()
    if any(word in name for word in ("rmse", "mae", "brier", "ece", "bias")):
        return None
    return (value - floor) / (1 - floor)


def _pairs(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from _interval("agreement", result)
    yield "coverage", result.get("coverage")
    for name in _COUNTS:
        yield name, result.get(name)
    yield "invalid_rate", result.get("invalid_rate")
    for name, value in sorted(_mapping(result.get("usage")).items()):
        yield f"usage/{name}", value
    started, finished = finite(result.get("started_ms")), finite(result.get("finished_ms"))
    if started is not None and finished is not None:
        yield "seconds", (finished - started) / 1000
    yield "peak_memory_mb", _mapping(result.get("provenance")).get("peak_memory_mb")
    yield "skill", skill(result)
    for name, entry in sorted(_mapping(result.get("metrics")).items()):
        yield from _interval(name, entry)
    for use in _mapping(result.get("protocol")).get("beside") or ():
        name = str(_mapping(use).get("metric"))
        parts = _mapping(_mapping(_mapping(result.get("metrics")).get(name)).get("subsets"))
        for subset, entry in _largest(parts):
            yield f"{name}/{subset.replace('/', '_')}", _mapping(entry).get("value")
    for kind in ("ceilings", "floors"):
        for name, entry in sorted(_mapping(result.get(kind)).items()):
            yield from _interval(f"{kind[:-1]}/{name}", entry)
    for name, entry in _largest(_mapping(result.get("subsets"))):
        yield f"subset/{name.replace('/', '_')}", _mapping(entry).get("value")


def _interval(name: str, entry: Any) -> Iterator[tuple[str, Any]]:
    entry = _mapping(entry)
    yield name, entry.get("value")
    yield f"{name}.ci_low", entry.get("ci_low")
    yield f"{name}.ci_high", entry.get("ci_high")


def _largest(subsets: Mapping[str, Any]) -> list[tuple[str, Any]]:
    def size(item: tuple[str, Any]) -> tuple[float, str]:
        return -(finite(_mapping(item[1]).get("n")) or 0.0), item[0]

    return sorted(subsets.items(), key=size)[:MAX_SUBSETS]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
