"""The items of a result: which samples to show a person, and the figure beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from prefgauge.registry.evidence import OK, Evidence, Table
from prefgauge.runners.bundles import BundleWriter

if TYPE_CHECKING:
    from prefgauge.registry.evidence import Floats

__all__ = ["choose", "draw", "items"]

T = TypeVar("T", bound=Table)

LIMIT = 2000
#: A figure of more rows than this shows evenly spaced ones.
DRAWN = 200_000


def disagreement(evidence: Evidence, samples: int, ties_count: bool) -> Floats:
    """How far scorer and people disagree, per sample: positive = they disagree, in units of the
    spread of the scorer's margins (pairs) or of rank distance 0..1 (ratings); NaN = unknown.

    Parameters
    ----------
    evidence: of the headline dimension.
    ties_count: a human tie is an answer that the scorer can miss; else such pairs are unknown.
    """
    worst = _unknown(evidence, samples)
    if evidence.pairs is not None:
        table = evidence.pairs
        margin = table.margin()
        finite = np.isfinite(margin)
        spread = (float(margin[finite].std()) if finite.any() else 1.0) or 1.0
        tie = table.human == 0.5
        gap = np.where(tie, np.abs(margin), -np.sign(table.human - 0.5) * margin) / spread
        # a tie where people decided is half a mistake
        gap = np.where(~tie & (margin == 0), 1e-9, gap)
        known = (table.status == OK) & (ties_count | ~tie)
        _largest(worst, table.sample, np.where(known, gap, np.nan))
    if evidence.ratings is not None:
        rated = evidence.ratings
        ok = (rated.status == OK) & np.isfinite(rated.score)
        gap = np.full_like(rated.human, np.nan)
        if ok.sum() > 1:
            ranks = [
                np.argsort(np.argsort(v[ok])) / (ok.sum() - 1) for v in (rated.score, rated.human)
            ]
            gap[ok] = np.abs(ranks[0] - ranks[1]) - 0.25
        _largest(worst, rated.sample, gap)
    return worst


def _unknown(evidence: Evidence, samples: int) -> Floats:
    """NaN for every sample; in a file, as the tables are, if there are very many."""
    for table in (evidence.pairs, evidence.ratings):
        if table is not None:
            return np.full_like(table.human, np.nan, np.float64, shape=samples)
    return np.full(samples, np.nan)


def _largest(worst: Floats, sample: Any, gap: Floats) -> None:
    known = np.isfinite(gap)
    filled = np.where(np.isnan(worst), -np.inf, worst)
    np.maximum.at(filled, sample[known], gap[known])
    worst[:] = np.where(np.isinf(filled), np.nan, filled)


def choose(
    evidence: Evidence, samples: int, ties_count: bool, limit: int = LIMIT
) -> tuple[list[int], Floats]:
    """Up to `limit` sample numbers, strongest disagreements first, then unanswered ones, then
    agreements; and the disagreement of every sample."""
    gap = disagreement(evidence, samples, ties_count)
    key = np.where(np.isnan(gap), 0.0, gap)
    order = np.argsort(-key, kind="stable")[:limit]
    return [int(number) for number in order], gap


def items(
    writer: BundleWriter, evidence: Evidence, samples: int, ties_count: bool = False
) -> list[dict[str, Any]]:
    """Rows for ``items.json``: one per chosen sample, strongest disagreements first."""
    order, gap = choose(evidence, samples, ties_count)
    found = {number: list(_item(rows)) for number, rows in writer.items(order)}
    rows = []
    for number in order:
        for item in found.get(number, []):
            value = float(gap[number])
            item["agree"] = None if np.isnan(value) else bool(value <= 0)
            rows.append(item)
    return rows


def _item(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    first = rows[0]
    labels = json.loads(first["labels"] or "[]")
    scores = {",".join(map(str, row["shown"])): row["value"] for row in rows}
    reasons = sorted({row["reason"] for row in rows if row["reason"]})
    single = len(scores) == 1
    yield {
        "item_id": first["sample"],
        "score": next(iter(scores.values())) if single else json.dumps(scores),
        "human": _human(labels),
        "agree": None,
        "subset": first["subset"],
        "reason": "; ".join(reasons) or None,
        "prompt": first["prompt"],
        "candidates": first["candidates"],
        "media": [path for path in first["media"] or [] if path] or None,
        "critique": next((row["critique"] for row in rows if row["critique"]), None),
    }


def _human(labels: list[dict[str, Any]]) -> str:
    said = []
    for label in labels:
        if label.get("rater") is not None:
            continue
        name = "" if label["dimension"] == "overall" else f"{label['dimension']}: "
        if label["label"] == "Preference":
            better = {"first": label["first"], "second": label["second"]}.get(
                label["winner"], "tie"
            )
            said.append(f"{name}{better} of {label['first']},{label['second']}")
        elif label["label"] == "Rating":
            said.append(f"{name}{label['candidate']}={label['value']:.4g}")
        else:
            said.append(f"{name}ranks {','.join(f'{rank:g}' for rank in label['ranks'])}")
    return "; ".join(said)


def _some(table: T) -> T:
    return table.where(cast("Any", slice(None, None, -(-len(table) // DRAWN))))


def draw(evidence: Evidence, path: Path, title: str) -> bool:
    """Draw score against label into a PNG; False if there is nothing to draw.

    Ratings: a scatter of score and MOS. Preferences: the scorer's margin for the candidate that
    people preferred (right of zero = agreement).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    if evidence.ratings is not None:
        table = _some(evidence.ratings)
        ok = (table.status == OK) & np.isfinite(table.score)
        if not ok.any():
            return False
        axes.scatter(table.score[ok], table.human[ok], s=9, alpha=0.5, linewidths=0)
        axes.set(xlabel="score", ylabel="human rating")
    elif evidence.pairs is not None:
        pairs = _some(evidence.pairs)
        margin = pairs.margin() * np.sign(pairs.human - 0.5)
        kept = margin[(pairs.status == OK) & (pairs.human != 0.5) & np.isfinite(margin)]
        if not len(kept):
            return False
        low, high = np.quantile(kept, [0.005, 0.995])
        axes.hist(np.clip(kept, low, high), bins=41)
        axes.axvline(0, color="black", linewidth=1)
        axes.set(xlabel="margin for the preferred candidate", ylabel="pairs")
    else:
        return False
    axes.set_title(title, fontsize=10)
    figure.savefig(path, metadata={"Software": None})
    return True
