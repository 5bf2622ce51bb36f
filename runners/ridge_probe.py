"""Ridge probes: how well a linear function of a frozen encoder's features predicts mean opinions.

The evaluation of self-supervised encoders for image quality (Agnolucci et al., ARNIQA, WACV 2024,
section 4.1, and its published test.py; SHAMISA, arXiv:2603.13669, is of this kind, its splits were
not seen): each picture is seen in five crops (centre and corners) at full and at half scale, the
two features of a crop are concatenated, a ridge regression is fitted per split on all crops of the
training pictures, a picture's prediction is the mean over its crops, and the medians over ten
splits of SRCC and PLCC (without a logistic mapping) are reported. One penalty for all splits is
chosen among 100 by the median SRCC on the validation sides.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prefgauge.registry import (
    BadRow,
    Bench,
    DataError,
    Rating,
    Request,
    Sample,
    Scorer,
    Source,
    UsageError,
    content,
)
from prefgauge.registry.media import only, read_image
from prefgauge.registry.scorer import Device
from prefgauge.runners.picture_views import bitmap, views
from prefgauge.runners.represent import Representer
from prefgauge.runners.ridge import ALPHAS, fit_ridges
from prefgauge.runners.splits import Split, published_splits, seeded_splits

__all__ = ["Ridged", "Seen", "evaluate", "opinion_of", "probe", "ridge_probe", "views"]

Floats = NDArray[np.float64]


@dataclass
class Seen:
    """Features of all pictures that could be read.

    Parameters
    ----------
    features: (pictures x crops, 2 d), the crops of a picture behind each other.
    labels, groups, subsets: mean opinion, reference content and subset of each picture.
    crops: per picture.
    numbers: of the pictures among the bench's rows that have an opinion.
    """

    features: NDArray[np.float32]
    labels: Floats
    groups: list[str]
    subsets: list[str]
    crops: int
    numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ridged:
    """A ridge probe: the JSON-able `result`, and what was predicted on the test sides, by (number of
    the picture among the rows that have an opinion, number of the split)."""

    result: dict[str, Any]
    said: dict[tuple[int, int], float]


def ridge_probe(bench: Bench, scorer: Scorer[Any], source: Source, **how: Any) -> dict[str, Any]:
    """The result of :func:`probe`."""
    return probe(bench, scorer, source, **how).result


def probe(
    bench: Bench,
    scorer: Scorer[Any],
    source: Source,
    *,
    splits: int | Path = 10,
    crops: int = 5,
    alpha: float | None = None,
    min_max: bool = False,
    device: Device | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Ridged:
    """Fit and evaluate ridge regressions on a scorer's representations of pictures.

    Parameters
    ----------
    bench: pictures with one mean opinion each.
    scorer: one that represents pictures; see :attr:`Scorer.represents`.
    splits: so many seeded ones, or a folder of published ones.
    crops: 5 of 224 pixels, or 1 for the whole picture (its encoder then sets the size).
    alpha: the penalty; by default chosen on the validation sides.
    min_max: bring the labels to 0..1 first, by the scale on the card or else by their range. It
        moves predictions and the meaning of alpha, not the correlations at a given fit.
    limit: the first pictures only.

    Returns
    -------
    The probe with its JSON-able result: median SRCC and PLCC, those of each split and subset, and coverage.

    Raises
    ------
    ScorerError: if the scorer gives no representations. DataError: if the data cannot be had, or
    cannot be parted. UsageError: for a bench of another kind, or another number of crops.
    """
    if bench.card.modality != "image":
        raise UsageError(f"{bench.card.id}: a ridge probe looks at pictures.")
    if crops not in {1, 5}:
        raise UsageError(f"A ridge probe looks at 1 or 5 crops of a picture, not at {crops}.")
    model = Representer(scorer, device or Device())
    with tempfile.TemporaryDirectory(prefix="prefgauge-ridge-") as folder:
        try:
            looked = _Looking(bench, source, crops, limit)
            seen = looked.collect(model, Path(folder) / "features")
        finally:
            model.close()
        if min_max:
            seen.labels = _to_unit(seen.labels, bench)
        if isinstance(splits, Path):
            if looked.lost or limit is not None:
                raise DataError(
                    f"{looked.lost} pictures could not be represented, so that published splits, "
                    "which go by numbers, do not fit. Give all pictures, or a number of splits."
                )
            parted = published_splits(splits, seen.groups)
        else:
            parted = seeded_splits(seen.groups, splits, seed)
        said: dict[tuple[int, int], float] = {}
        found = evaluate(seen, parted, alpha, said)
    total = len(seen.labels) + looked.lost
    result = {
        "kind": "ridge-probe",
        "bench": bench.card.id,
        "scorer": scorer.card.name,
        "fingerprint": dict(scorer.card.fingerprint),
        "metric": "median SRCC over splits",
        "value": found["srcc"],
        **found,
        "higher_is_better": bench.card.dimensions[0].higher_is_better,
        "pictures": len(seen.labels),
        "features": int(seen.features.shape[1]),
        "coverage": len(seen.labels) / total,
        "min_coverage": bench.card.min_coverage,
        "reasons": dict(model.reasons.most_common(20)),
        "limit": limit,
        "seed": seed,
        "asked": {
            "splits": str(splits), "crops": crops, "alpha": alpha, "min_max": min_max,
        },
    }  # fmt: skip
    return Ridged(result, said)


def evaluate(
    seen: Seen,
    splits: list[Split],
    alpha: float | None = None,
    kept: dict[tuple[int, int], float] | None = None,
) -> dict[str, Any]:
    """Choose the penalty, fit each split, and correlate on the test sides; predictions go to `kept`,
    see :class:`Ridged`."""
    alphas = ALPHAS if alpha is None else np.array([alpha])
    fits, scores = [], []
    for split in splits:
        fit = fit_ridges(
            seen.features[_rows(split.train, seen.crops)],
            np.repeat(seen.labels[split.train], seen.crops),
            alphas,
        )
        fits.append(fit)
        if alpha is None:
            said = _mean_crops(fit.predict(seen.features[_rows(split.val, seen.crops)]), seen.crops)
            truth = seen.labels[split.val]
            scores.append([_correlation(stats.spearmanr, column, truth) for column in said.T])
    best = int(np.argmax(np.nan_to_num(np.median(scores, axis=0), nan=-2.0))) if scores else 0
    per_split, subsets = [], {name: [] for name in sorted(set(seen.subsets))}  # type: ignore[var-annotated]
    for turn, (split, fit) in enumerate(zip(splits, fits, strict=True)):
        rows = _rows(split.test, seen.crops)
        said = _mean_crops(fit.predict(seen.features[rows]), seen.crops)[:, best]
        truth = seen.labels[split.test]
        per_split.append(_both(said, truth))
        if kept is not None:
            pictures = (seen.numbers[row] for row in split.test)
            kept |= {(picture, turn): value for picture, value in zip(pictures, said.tolist())}
        names = np.array([seen.subsets[number] for number in split.test])
        for name, list_ in subsets.items():
            list_.append(_both(said[names == name], truth[names == name]))
    return {
        "srcc": _median(per_split, "srcc"),
        "plcc": _median(per_split, "plcc"),
        "alpha": float(alphas[best]),
        "alpha_chosen": alpha is None,
        "splits": per_split,
        "subsets": {
            name: {key: _median(list_, key) for key in ("srcc", "plcc")}
            for name, list_ in subsets.items()
        },
    }


@dataclass
class _Looking:
    """Asks for the features of a bench's pictures.

    Parameters
    ----------
    lost: pictures without all of their features, and rows that are no samples.
    """

    bench: Bench
    source: Source
    crops: int
    limit: int | None
    lost: int = 0
    facts: list[tuple[float, str, str]] = field(default_factory=list)

    def collect(self, model: Representer, path: Path) -> Seen:
        """Features of all pictures, in reading order, on disk while they come."""
        per = 2 * self.crops
        whole: NDArray[np.float32] | None = None
        place: dict[int, int] = {}
        parts: dict[int, dict[int, NDArray[np.float32]]] = {}
        with path.open("wb") as file:
            for number, vector in model.vectors(self._requests()):
                picture, view = divmod(number, per)
                got = parts.setdefault(picture, {})
                got[view] = vector
                if len(got) == per:
                    block = _joined(parts.pop(picture), self.crops)
                    place[picture] = len(place)
                    file.write(block.tobytes())
                    size = block.shape[1]
        if not place:
            why = ", ".join(f"{reason} ({n})" for reason, n in model.reasons.most_common(3))
            raise DataError(f"{self.bench.card.id}: no picture could be represented: {why}.")
        self.lost += len(self.facts) - len(place)
        shape = (len(place), self.crops, size)
        whole = np.memmap(path, np.float32, "r", shape=shape)
        order = sorted(place)
        facts = [self.facts[picture] for picture in order]
        return Seen(
            whole[[place[picture] for picture in order]].reshape(-1, size),
            np.array([label for label, _, _ in facts]),
            [group for _, group, _ in facts],
            [subset for _, _, subset in facts],
            self.crops,
            order,
        )

    def _requests(self) -> Iterator[Request]:
        dimension = self.bench.protocol.dimension or self.bench.card.dimensions[0].name
        for row in islice(self.bench.read(self.source), self.limit):
            label = None if isinstance(row, BadRow) else opinion_of(row, dimension)
            if isinstance(row, BadRow) or label is None:
                self.lost += 1
                continue
            subset = row.tags.get("distortion", row.subset)
            self.facts.append((label, row.cluster, subset))
            for shown in self._views(row):
                yield Request(
                    self.bench.card.id, replace(row, candidates=(shown,), labels=(), systems=()),
                    (0,),
                )  # fmt: skip

    def _views(self, row: Sample) -> list[Any]:
        """The picture's views as candidates; a picture that cannot be read stays as it is, so that
        each of its requests fails with the reason."""
        try:
            picture = read_image(only(row.candidates[0], "image"))
        except Exception:
            return [row.candidates[0]] * (2 * self.crops)
        return [content(bitmap(view)) for view in views(picture, self.crops)]


def opinion_of(sample: Sample, dimension: str) -> float | None:
    """The aggregate rating of a sample on a dimension; None if it has none."""
    for label in sample.labels:
        if isinstance(label, Rating) and label.rater is None and label.dimension == dimension:
            return label.value
    return None


def _joined(views: dict[int, NDArray[np.float32]], crops: int) -> NDArray[np.float32]:
    return np.stack([np.concatenate([views[i], views[crops + i]]) for i in range(crops)])


def _rows(pictures: NDArray[np.int64], crops: int) -> NDArray[np.int64]:
    return (pictures[:, None] * crops + np.arange(crops)).ravel()


def _mean_crops(said: Floats, crops: int) -> Floats:
    out: Floats = said.reshape(-1, crops, said.shape[1]).mean(axis=1)
    return out


def _correlation(measure: Any, one: Floats, other: Floats) -> float:
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(measure(one, other)[0])


def _both(said: Floats, truth: Floats) -> dict[str, float | None]:
    pair = {"srcc": stats.spearmanr, "plcc": stats.pearsonr}
    found = {name: _correlation(measure, said, truth) for name, measure in pair.items()}
    return {name: value if np.isfinite(value) else None for name, value in found.items()} | {
        "n": len(said)
    }


def _median(rows: list[dict[str, float | None]], name: str) -> float | None:
    known = [value for row in rows if (value := row[name]) is not None]
    return float(np.median(known)) if known else None


def _to_unit(labels: Floats, bench: Bench) -> Floats:
    scale = bench.card.dimensions[0].scale
    low, high = scale if scale else (float(labels.min()), float(labels.max()))
    return (labels - low) / max(high - low, 1e-12)
