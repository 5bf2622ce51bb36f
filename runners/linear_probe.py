"""Linear probes: what a scorer's frozen representation knows about a bench's classes.

The representations of the bench's training split are streamed to disk, a multinomial logistic
regression is fitted on them per subset, and its accuracy on the test split is reported. This is
the protocol of MRMBench (Wang et al., Probing Preference Representations, 2025) with one
difference that a result states: the published heads are trained by gradient descent (cross
entropy, learning rate 5e-5, one epoch, batches of 64), which stops on the way; here the convex
problem is solved to its minimum, with a penalty chosen on a fifth of the training prompts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prefgauge.registry import BadRow, Bench, DataError, Rating, Request, Sample, Scorer, Source
from prefgauge.registry.scorer import Device
from prefgauge.runners.fitted import content_key
from prefgauge.runners.linear_head import STRENGTHS, choose_strength, fit_head
from prefgauge.runners.represent import Representer

if TYPE_CHECKING:
    from prefgauge.runners.linear_head import LinearHead

__all__ = ["PROTOCOL", "Probed", "linear_probe", "probe", "wilson"]

PROTOCOL = (
    "frozen representation, multinomial logistic regression solved to its minimum by L-BFGS, L2 "
    "penalty chosen on a fifth of the training prompts; the published MRMBench heads are trained "
    "with cross entropy, learning rate 5e-5, one epoch, batches of 64, rows over 2,048 tokens "
    "dropped (here a long prompt loses tokens from its middle)"
)
_RESAMPLES_AT_ONCE = 100


@dataclass
class Rows:
    """Labelled representations of one subset, growing on disk.

    Parameters
    ----------
    path: file of float32 rows.
    labels, clusters: class and prompt of each row.
    keys: what each row is asked as, see :func:`~prefgauge.runners.fitted.content_key`.
    """

    path: Path
    labels: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Append representations, shape (n, d)."""
        self.size = block.shape[1]
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(block).tobytes())

    def features(self) -> NDArray[np.float32]:
        """All rows, shape (n, d), mapped from disk."""
        return np.memmap(self.path, np.float32, "r", shape=(len(self.labels), self.size))


@dataclass(frozen=True, slots=True)
class Probed:
    """A fitted probe: the JSON-able `result`, and the class it gave each test row, by
    :func:`~prefgauge.runners.fitted.content_key`."""

    result: dict[str, Any]
    answers: Mapping[str, float]


def linear_probe(bench: Bench, scorer: Scorer[Any], source: Source, **how: Any) -> dict[str, Any]:
    """The result of :func:`probe`."""
    return probe(bench, scorer, source, **how).result


def probe(
    bench: Bench,
    scorer: Scorer[Any],
    source: Source,
    *,
    device: Device | None = None,
    limit: int | None = None,
    strength: float | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Probed:
    """Fit and evaluate a linear probe per subset.

    Parameters
    ----------
    bench: one with whole-number ratings and a training split; see :meth:`Bench.training`.
    scorer: one that represents; see :attr:`Scorer.represents`.
    limit: use only the first samples of each subset, in both splits.
    strength: penalty of the head; by default chosen per subset among
        :data:`~prefgauge.runners.linear_head.STRENGTHS`.
    resamples: bootstrap resamples, clustered by prompt; 0 for none.

    Returns
    -------
    The fit with its JSON-able result: the mean accuracy over subsets with its bootstrap interval,
    and per subset accuracy (with Wilson's and the bootstrap interval), the share of the commonest
    training class, rows, coverage, and the head's facts.

    Raises
    ------
    ScorerError: if the scorer gives no representations.
    UsageError: if the bench has no training split.
    DataError: if a split cannot be had, or holds no usable class.
    """
    model = Representer(scorer, device or Device())
    with tempfile.TemporaryDirectory(prefix="prefgauge-probe-") as folder:
        try:
            train, bad = _collect(bench, bench.training(source), model, Path(folder) / "a", limit)
            test, bad_test = _collect(bench, bench.read(source), model, Path(folder) / "b", limit)
        finally:
            model.close()
        parts, hits = {}, {}
        answers: dict[str, float] = {}
        for name in test:
            if name not in train:
                raise DataError(f"{bench.card.id}: the subset {name!r} has no training rows.")
            parts[name], said = _one(name, train[name], test[name], strength, seed)
            hits[name] = (said == np.array(test[name].labels)).astype(np.float64)
            answers.update(zip(test[name].keys, said.tolist()))
    values = [part["accuracy"] for part in parts.values()]
    drawn = _bootstrap(test, hits, resamples, seed)
    for number, part in enumerate(parts.values()):
        part["bootstrap"] = _interval(drawn[:, number])
    result = {
        "kind": "linear-probe",
        "bench": bench.card.id,
        "scorer": scorer.card.name,
        "fingerprint": dict(scorer.card.fingerprint),
        "metric": "linear probe accuracy, mean over subsets",
        "value": float(np.mean(values)),
        "interval": _interval(drawn.mean(axis=1)) if len(drawn) else None,
        "coverage": 1.0 - (model.failed + bad + bad_test) / max(1, model.asked + bad + bad_test),
        "bad_rows": bad + bad_test,
        "failed": model.failed,
        "reasons": dict(model.reasons.most_common(20)),
        "largest_batch_difference": model.engine.check.largest,
        "limit": limit,
        "asked": {"strength": strength},
        "seed": seed,
        "resamples": resamples,
        "protocol": PROTOCOL,
        "subsets": parts,
        "references": [
            {"scorer": r.scorer, "value": r.value, "source": r.source}
            for r in bench.card.references
        ],
    }
    return Probed(result, answers)


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (J. American Statistical Association 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - float(reach)), min(1.0, middle + float(reach))


def _collect(
    bench: Bench,
    rows: Iterable[Sample | BadRow],
    model: Representer,
    stem: Path,
    limit: int | None,
) -> tuple[dict[str, Rows], int]:
    """Representations of every labelled candidate by subset, and the number of bad rows."""
    found: dict[str, Rows] = {}
    asked: list[tuple[str, float, str, str]] = []
    counts: dict[str, int] = {}
    bad = 0

    def requests() -> Iterator[Request]:
        nonlocal bad
        for row in rows:
            if isinstance(row, BadRow):
                bad += 1
                continue
            counts[row.subset] = counts.get(row.subset, 0) + 1
            if limit is not None and counts[row.subset] > limit:
                continue
            for label in _classes(bench, row):
                request = Request(bench.card.id, row, (label.candidate,))
                asked.append((row.subset, label.value, row.cluster, content_key(request)))
                yield request

    answered = model.vectors(requests())
    while block := list(islice(answered, 1024)):
        by_subset: dict[str, list[NDArray[np.float32]]] = {}
        for number, vector in block:
            subset, label, cluster, key = asked[number]
            if subset not in found:
                found[subset] = Rows(stem.with_name(f"{stem.name}{len(found)}"))
            found[subset].labels.append(label)
            found[subset].clusters.append(cluster)
            found[subset].keys.append(key)
            by_subset.setdefault(subset, []).append(vector)
        for subset, vectors in by_subset.items():
            found[subset].add(np.stack(vectors))
    if not found:
        why = ", ".join(f"{reason} ({n})" for reason, n in model.reasons.most_common(3))
        raise DataError(
            f"{bench.card.id}: no row of a split could be represented"
            + (f": {why}." if why else "; it holds no ratings.")
        )
    return found, bad


def _classes(bench: Bench, sample: Sample) -> list[Rating]:
    """The aggregate ratings of the headline dimension.

    Raises
    ------
    DataError: if one is not a whole number, so that it is no class.
    """
    name = bench.protocol.dimension or bench.card.dimensions[0].name
    out = [
        label
        for label in sample.labels
        if isinstance(label, Rating) and label.rater is None and label.dimension == name
    ]
    for label in out:
        if label.value != round(label.value):
            raise DataError(
                f"{bench.card.id}, sample {sample.id!r}: the label {label.value} is no class. A "
                "linear probe needs whole numbers."
            )
    return out


def _one(
    name: str, train: Rows, test: Rows, strength: float | None, seed: int
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """The facts of one subset's head, and the class it gives each test row."""
    labels = np.array(train.labels)
    _, clusters = np.unique(train.clusters, return_inverse=True)
    features = train.features()
    try:
        if strength is None:
            strength = choose_strength(features, labels, clusters, STRENGTHS, seed)
        head: LinearHead = fit_head(features, labels, strength)
    except ValueError as error:
        raise DataError(f"The training rows of {name!r} cannot be learned from: {error}.") from None
    truth, said = np.array(test.labels), head.predict(test.features())
    shares = {float(c): float((labels == c).mean()) for c in head.classes}
    commonest = max(shares, key=lambda c: shares[c])
    n, hit = len(truth), int((said == truth).sum())
    return {
        "accuracy": hit / n,
        "wilson": list(wilson(hit, n)),
        "commonest_class": float((truth == commonest).mean()),
        "n": n,
        "n_train": len(labels),
        "train_accuracy": float((head.predict(features) == labels).mean()),
        "classes": head.classes.tolist(),
        "size": train.size,
        "strength": strength,
        "converged": head.converged,
    }, said


def _bootstrap(
    test: Mapping[str, Rows], hits: Mapping[str, NDArray[np.float64]], resamples: int, seed: int
) -> NDArray[np.float64]:
    """Accuracies of resampled prompts, shape (resamples, subsets). A prompt that occurs in several
    subsets is drawn in all of them together."""
    names = {
        c: i for i, c in enumerate(sorted({c for rows in test.values() for c in rows.clusters}))
    }
    right, count = np.zeros((len(names), len(test))), np.zeros((len(names), len(test)))
    for column, (subset, rows) in enumerate(test.items()):
        codes = [names[cluster] for cluster in rows.clusters]
        np.add.at(right[:, column], codes, hits[subset])
        np.add.at(count[:, column], codes, 1.0)
    draw, k = np.random.default_rng(seed), len(names)
    out = []
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        some = min(_RESAMPLES_AT_ONCE, resamples - start)
        times = draw.multinomial(k, np.full(k, 1 / k), size=some).astype(np.float64)
        seen = times @ count
        out.append(np.where(seen > 0, times @ right / np.maximum(seen, 1), np.nan))
    return np.concatenate(out) if out else np.zeros((0, len(test)))


def _interval(values: NDArray[np.float64]) -> list[float] | None:
    """The central 95 % of resampled values; None without any."""
    known = values[np.isfinite(values)]
    return [float(v) for v in np.quantile(known, [0.025, 0.975])] if len(known) else None
