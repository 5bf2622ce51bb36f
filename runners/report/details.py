"""Parts of the page below the leaderboard: samples, what was fitted, provenance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from prefgauge.runners.report.formats import sig
from prefgauge.runners.report.media import Embedder
from prefgauge.runners.report.model import BenchPage, Cell, Report, mapping, number

__all__ = ["fitted", "provenance_rows", "worst_samples"]

_TEXT = 700
# the words in which items hold labels
_PAIR = re.compile(r"(\d+|tie) of (\d+),(\d+)")
_RATED = re.compile(r"(\d+)=(-?[\d.e+-]+)")
_RANKED = re.compile(r"ranks ([\d.,]+)")


def worst_samples(page: BenchPage, count: int, embedder: Embedder) -> Iterator[dict[str, Any]]:
    """The strongest disagreements of the best scorers, one scorer after another."""
    scored = [cell for cell in page.cells if cell.value is not None]
    each = max(1, count // max(1, min(len(scored), 2)))
    left = count
    for cell in scored:
        if left <= 0:
            return
        for item in _worst(cell, min(each, left)):
            if embedder.full:  # a sample without its media tells nothing
                return
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
    said, rest = _said(str(item.get("human") or ""))
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
                "label": "; ".join(said.get(index, ())),
            }
        )
    return {
        "id": item.get("item_id"),
        "subset": item.get("subset"),
        "prompt": _cut(str(item.get("prompt") or "")),
        "human": rest,
        "score": None if any(c["score"] is not None for c in candidates) else item.get("score"),
        "critique": _cut(str(item.get("critique") or "")),
        "candidates": candidates,
    }


def _said(human: str) -> tuple[dict[int, list[str]], str]:
    """What the labels of an item say of each candidate, and what cannot be told so."""
    found: dict[int, list[str]] = {}
    rest = []
    for text in human.split("; "):
        name, _, claim = text.rpartition(": ")
        name = f"{name} " if name else ""
        if match := _PAIR.fullmatch(claim):
            winner, first, second = match.groups()
            if winner == "tie":
                for index, other in ((first, second), (second, first)):
                    found.setdefault(int(index), []).append(f"{name}tied with {other}")
            else:
                loser = second if winner == first else first
                found.setdefault(int(winner), []).append(f"{name}better than {loser}")
        elif match := _RATED.fullmatch(claim):
            found.setdefault(int(match[1]), []).append(f"{name}{match[2]}")
        elif match := _RANKED.fullmatch(claim):
            for index, rank in enumerate(match[1].split(",")):
                found.setdefault(index, []).append(f"{name}rank {rank}")
        elif text:
            rest.append(text)
    return found, "; ".join(rest)


def _scores(value: Any) -> dict[str, Any]:
    """Per-candidate scores of a pointwise scorer, which items hold as JSON text."""
    if not isinstance(value, str):
        return {}
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and all(name.isdigit() for name in found) else {}


def provenance_rows(report: Report) -> Iterator[dict[str, Any]]:
    """A row per result: where it came from, and how long it took."""
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
                **_effort(cell.result),
                "packages": ", ".join(
                    f"{name} {version}" for name, version in mapping(origin.get("packages")).items()
                ),
            }


def _effort(result: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a run, by part where it was profiled, and what went through per second."""
    profile = mapping(result.get("profile"))
    times = number(result.get("started_ms")), number(result.get("finished_ms"))
    seconds = number(profile.get("wall"))
    if seconds is None and times[0] is not None and times[1] is not None:
        seconds = (times[1] - times[0]) / 1000
    parts = [
        (str(name), found)
        for name, value in mapping(profile.get("parts")).items()
        if (found := number(value)) is not None and found >= 0.005
    ]
    rates = [
        (f"unique {kind}", f"{rate:,.0f} a second")
        for kind, row in mapping(profile.get("counts")).items()
        if (rate := number(mapping(row).get("unique_per_second")))
    ]
    if ratio := number(profile.get("ratio")):
        rates.append(("of the device's matmul rate", f"{ratio:.1%}"))
    return {"seconds": seconds, "parts": parts, "rates": rates}


def fitted(page: BenchPage) -> Iterator[tuple[str, str]]:
    """What models were fitted on, where the page is of fitted models: (name, value)."""
    for cell in page.cells:
        facts = mapping(cell.result.get("fitted"))
        if facts:
            words = ", ".join(
                f"{name} {sig(value)}"
                for name, value in facts.items()
                if isinstance(value, str | int | float) and name not in {"of", "kind"}
            )
            head = f"{facts.get('kind', 'fit')} on {facts.get('of', page.bench)}"
            yield f"Fitted: {cell.scorer}", f"{head}: {words}" if words else head


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
