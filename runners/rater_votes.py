"""Single raters' votes about pairs of answers, with a scorer's features of both answers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import (
    BadRow,
    Bench,
    DataError,
    Dimension,
    Preference,
    Ranking,
    Rating,
    Request,
    Sample,
    Scorer,
    ScorerError,
    Source,
)
from prefgauge.runners.engine import Engine
from prefgauge.runners.plan import fingerprint
from prefgauge.runners.represent import Representer
from prefgauge.runners.run import Options, open_ledger
from prefgauge.runners.stream import Stream

if TYPE_CHECKING:
    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

__all__ = ["Votes", "collect", "dimension_of", "vote_key", "votes_of"]

#: (first candidate, second candidate, 1 / 0.5 / 0, rater)
Vote = tuple[int, int, float, str]


@dataclass(frozen=True)
class Votes:
    """One row per vote.

    Parameters
    ----------
    first, second: features of the two answers, (n, d).
    human: 1.0, 0.5 or 0.0; rater: number into `raters`; pair: number of the compared pair;
        cluster: number of the prompt.
    base: the first scorer's own margin, (n,); None where features are representations.
    keys: what each vote is known by, see :func:`vote_key`; empty where nobody asks.
    coverage: share of votes whose answers have features; bad: rows that are no samples.
    reasons: why features are missing.
    """

    first: Floats
    second: Floats
    human: Floats
    rater: Codes
    pair: Codes
    cluster: Codes
    raters: tuple[str, ...]
    base: Floats | None = None
    coverage: float = 1.0
    bad: int = 0
    reasons: Any = None
    keys: tuple[str, ...] = ()

    def decided(self) -> Votes:
        """Without the ties: agreement is counted on votes for one of the two."""
        keep = self.human != 0.5
        if not keep.any():
            raise DataError(
                "Every vote of a single rater is a tie: there is nothing to agree with."
            )
        names = ("first", "second", "human", "rater", "pair", "cluster")
        changes: dict[str, Any] = {name: getattr(self, name)[keep] for name in names}
        changes["keys"] = tuple(key for key, kept in zip(self.keys, keep.tolist()) if kept)
        return replace(self, **changes, base=None if self.base is None else self.base[keep])

    def peers(self) -> float | None:
        """How often a rater agrees with the majority of the others on the same pair (a split
        majority is half); None where no pair has two raters."""
        total: dict[int, float] = {}
        for pair, human in zip(self.pair.tolist(), self.human.tolist()):
            total[pair] = total.get(pair, 0.0) + (human - 0.5)
        count = Counter(self.pair.tolist())
        hits = [
            0.5 + 0.5 * float(np.sign(total[pair] - (human - 0.5)) * np.sign(human - 0.5))
            for pair, human in zip(self.pair.tolist(), self.human.tolist())
            if count[pair] > 1
        ]
        return float(np.mean(hits)) if hits else None


def vote_key(sample: Sample, number: int, vote: Vote) -> str:
    """The key of a vote about the bench's row of that number (bad rows counted): ids may repeat."""
    return f"{sample.id}@{vote[3]}/{vote[0]}-{vote[1]}#{number}"


def dimension_of(bench: Bench) -> Dimension:
    """The dimension that the bench's headline speaks of."""
    named = bench.protocol.dimension
    first = bench.card.dimensions[0]
    return next((d for d in bench.card.dimensions if d.name == named), first)


def votes_of(sample: Sample, dimension: str, higher_is_better: bool = True) -> Iterator[Vote]:
    """The votes of single raters on one dimension: preferences as they are, rankings and ratings
    as the pairs of candidates that one rater judged."""
    sign = 1.0 if higher_is_better else -1.0
    rated: dict[str, dict[int, float]] = {}
    for label in sample.labels:
        if label.rater is None or label.dimension != dimension:
            continue
        if isinstance(label, Preference):
            human = label.p_first if sign > 0 else 1.0 - label.p_first
            yield label.first, label.second, human, label.rater
        elif isinstance(label, Rating):
            rated.setdefault(label.rater, {})[label.candidate] = sign * label.value
        elif isinstance(label, Ranking):
            rated.setdefault(label.rater, {}).update(
                (index, -rank) for index, rank in enumerate(label.ranks)
            )
    for rater, values in rated.items():
        for i, j in combinations(sorted(values), 2):
            yield i, j, 0.5 + 0.5 * float(np.sign(values[i] - values[j])), rater


def collect(
    bench: Bench,
    scorers: Sequence[Scorer[Any]],
    source: Source,
    options: Options,
    represent: bool = False,
) -> Votes:
    """Read a bench's votes and ask the scorers for features.

    Raises
    ------
    DataError: if no vote of a single rater is left.
    ScorerError: if a scorer is not pointwise, or gives no representations when asked to.
    """
    dimension = dimension_of(bench)
    found: list[tuple[int, Vote, str]] = []
    keys: dict[tuple[int, Vote], str] = {}
    bad = 0
    for number, row in enumerate(islice(bench.read(source), options.limit)):
        if isinstance(row, BadRow):
            bad += 1
        else:
            votes = list(votes_of(row, dimension.name, dimension.higher_is_better))
            found += [(number, vote, row.cluster) for vote in votes]
            keys |= {(number, vote): vote_key(row, number, vote) for vote in votes}
    if not found:
        raise DataError(
            f"{bench.card.id} has no pairs judged by single raters on {dimension.name!r}. Personal "
            "models need labels that say who gave them; `prefgauge show` tells a bench's labels."
        )
    reasons: Counter[str] = Counter()
    tables = []
    for scorer in scorers:
        if scorer.form != "pointwise":
            raise ScorerError(
                f"{scorer.card.name} is {scorer.form}: personal models need a value per answer."
            )
        ask = _representations if represent else _scores
        tables.append(ask(bench, scorer, source, options, reasons))
    return _table(found, keys, tables, bad, reasons, scorers, represent)


def _table(
    found: Sequence[tuple[int, Vote, str]],
    keys: Mapping[tuple[int, Vote], str],
    tables: Sequence[dict[tuple[int, int], Floats]],
    bad: int,
    reasons: Counter[str],
    scorers: Sequence[Scorer[Any]],
    represent: bool,
) -> Votes:
    kept, rows = [], []
    for item in found:
        number, (i, j, _, _), _ = item
        if all((number, i) in table and (number, j) in table for table in tables):
            kept.append(item)
            rows.append([np.concatenate([table[number, c] for table in tables]) for c in (i, j)])
    if not kept:
        why = ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common(3))
        raise DataError(f"No judged pair has features of both answers: {why or 'no answers'}.")
    features = np.array(rows, dtype=np.float64)
    raters = {name: i for i, name in enumerate(dict.fromkeys(v[3] for _, v, _ in kept))}
    pairs: dict[tuple[int, int, int], int] = {}
    clusters: dict[str, int] = {}
    for number, (i, j, _, _), cluster in kept:
        pairs.setdefault((number, min(i, j), max(i, j)), len(pairs))
        clusters.setdefault(cluster, len(clusters))
    base = None
    if not represent:
        sign = 1.0 if scorers[0].card.dimensions[0].higher_is_better else -1.0
        base = sign * (features[:, 0, 0] - features[:, 1, 0])
    return Votes(
        first=features[:, 0], second=features[:, 1],
        human=np.array([vote[2] for _, vote, _ in kept]),
        rater=np.array([raters[vote[3]] for _, vote, _ in kept], dtype=np.int64),
        pair=np.array([pairs[n, min(v[:2]), max(v[:2])] for n, v, _ in kept], dtype=np.int64),
        cluster=np.array([clusters[cluster] for *_, cluster in kept], dtype=np.int64),
        raters=tuple(raters), base=base, coverage=len(kept) / len(found), bad=bad,
        reasons=dict(reasons.most_common(20)), keys=tuple(keys[n, vote] for n, vote, _ in kept),
    )  # fmt: skip


def _scores(
    bench: Bench, scorer: Scorer[Any], source: Source, options: Options, reasons: Counter[str]
) -> dict[tuple[int, int], Floats]:
    """(row number, candidate) -> the scorer's values, through the ledger."""
    engine = Engine(scorer, options.device)
    ledger = open_ledger(fingerprint(scorer, options.device), scorer, options)
    names = [dimension.name for dimension in scorer.card.dimensions]
    out: dict[tuple[int, int], Floats] = {}
    stream = Stream(bench.card.id, bench.protocol, engine, ledger)
    numbers: deque[int] = deque()

    def rows() -> Iterator[Sample | BadRow]:
        for number, row in enumerate(islice(bench.read(source), options.limit)):
            if isinstance(row, Sample):
                numbers.append(number)
            yield row

    try:
        for answered in stream.run(rows()):
            number = numbers.popleft()  # samples come in reading order
            for shown, outcome in answered.outcomes.items():
                if outcome.status == "ok":
                    out[number, shown[0]] = _values(outcome.values, names)
    finally:
        engine.close()
        if ledger is not None:
            ledger.close()
    reasons.update(stream.counts.reasons)
    return out


def _values(values: Any, names: Sequence[str]) -> Floats:
    """The values of the card's dimensions in their order; a lone unnamed value stands for all."""
    if len(values) == 1:
        return np.array([next(iter(values.values()))])
    return np.array([values[name] for name in names if name in values])


def _representations(
    bench: Bench, scorer: Scorer[Any], source: Source, options: Options, reasons: Counter[str]
) -> dict[tuple[int, int], Floats]:
    """(row number, candidate) -> representation."""
    model = Representer(scorer, options.device)
    asked: list[tuple[int, int]] = []

    def requests() -> Iterator[Request]:
        for number, row in enumerate(islice(bench.read(source), options.limit)):
            if isinstance(row, Sample) and any(label.rater is not None for label in row.labels):
                for index in range(len(row.candidates)):
                    asked.append((number, index))
                    yield Request(bench.card.id, row, (index,))

    try:
        out = {asked[i]: np.asarray(v, np.float64) for i, v in model.vectors(requests())}
    finally:
        model.close()
    reasons.update(model.reasons)
    return out
