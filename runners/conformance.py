"""What every plugin must keep, as checks that say what is wrong.

Each check takes a plugin and returns problems as sentences; an empty list means it conforms.
``prefgauge check`` and :mod:`prefgauge.testing` run them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.cards import Dimension, Form
from prefgauge.registry.discovery import Registry
from prefgauge.registry.errors import PrefgaugeError
from prefgauge.registry.labels import Preference, Rating
from prefgauge.registry.metric import Metric, Settings
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.protocol import MetricUse, Protocol
from prefgauge.registry.sample import BadRow, Sample
from prefgauge.registry.scorer import Device, Scorer
from prefgauge.registry.source import Source
from prefgauge.runners.agreement import headline
from prefgauge.runners.engine import Engine, Pending
from prefgauge.runners.evidence import EvidenceBuilder
from prefgauge.runners.plan import fingerprint, requests_for

__all__ = ["best_of", "check_bench", "check_metric", "check_scorer"]

LIMIT = 200
_ALL_PAIRS = Protocol(name="check", source="", headline=MetricUse(""), orders="both", pairs="all")


def check_bench(
    registry: Registry, bench: Bench, source: Source, limit: int = LIMIT, bad_rows: int = 0
) -> list[str]:
    """Card complete, protocol resolvable, and (where the data is at hand) samples in order:
    unique ids, labels on declared dimensions and inside their scale, reading twice the same.

    Parameters
    ----------
    limit: rows to read.
    bad_rows: so many bad rows are known and no problem.
    """
    card, problems = bench.card, []
    for name in ("title", "task", "licence", "citation", "homepage"):
        if not str(getattr(card, name)).strip():
            problems.append(f"the card's {name} is empty")
    if not card.label_kinds:
        problems.append("the card's label_kinds is empty")
    if not bench.protocol.source.strip():
        problems.append("the protocol's source is empty: say where it is written down")
    forms: tuple[Form, ...] = ("pointwise", "pairwise", "listwise")
    for form in forms:
        use = bench.protocol.use(form)
        try:
            registry.metric(use.metric)
        except PrefgaugeError as error:
            problems.append(f"the protocol's metric for {form} scorers: {error}")
    for use in bench.protocol.beside:
        try:
            registry.metric(use.metric)
        except PrefgaugeError as error:
            problems.append(f"the protocol's metric beside the headline: {error}")
    try:
        first = list(islice(bench.read(source), limit))
        second = list(islice(bench.read(source), limit))
    except PrefgaugeError as error:
        return [*problems, f"its data cannot be read: {error}"]
    if not first:
        problems.append("it yields no samples")
    if first != second:
        problems.append("reading twice gives different samples; read() must be deterministic")
    problems += _check_rows(bench, first, bad_rows)
    return problems or _check_protocol(registry, bench, [s for s in first if isinstance(s, Sample)])


def best_of(bench: Bench, sample: Sample) -> int | None:
    """The candidate that the aggregate labels on the headline's dimension call the best, in the
    direction that the card declares; None where they call no one the best (a tie, no labels)."""
    name = bench.protocol.dimension or bench.card.dimensions[0].name
    dimension = next((d for d in bench.card.dimensions if d.name == name), bench.card.dimensions[0])
    sign = 1.0 if dimension.higher_is_better else -1.0
    points = [0.0] * len(sample.candidates)
    for label in sample.labels:
        if label.rater is not None or label.dimension != name:
            continue
        if isinstance(label, Preference):
            points[label.first] += sign * (label.p_first - 0.5)
            points[label.second] -= sign * (label.p_first - 0.5)
        elif isinstance(label, Rating):
            points[label.candidate] += sign * label.value
        else:
            for index, rank in enumerate(label.ranks):
                points[index] -= rank
    top = max(points)
    return points.index(top) if points.count(top) == 1 and len(points) > 1 else None


def _check_protocol(registry: Registry, bench: Bench, samples: Sequence[Sample]) -> list[str]:
    """The headline can be computed from the labels: its options are known to its metric."""
    problems = []
    shown: dict[Form, Sequence[tuple[int, ...]]] = {
        "pointwise": [(0,), (1,)], "pairwise": [(0, 1), (1, 0)], "listwise": [(0, 1)],
    }  # fmt: skip
    for form, orders in shown.items():
        builder = EvidenceBuilder(bench.card.dimensions, (Dimension(),), form)
        for sample in samples:
            usable = [order for order in orders if max(order) < len(sample.candidates)]
            builder.add(sample, {order: _any_answer(order) for order in usable})
        try:
            headline(registry, bench, form, builder.build(), Settings(resamples=0))
        except PrefgaugeError as error:
            problems.append(f"the headline for {form} scorers: {error}")
    return problems


def _any_answer(order: tuple[int, ...]) -> Outcome:
    return Outcome.score(0.25 + 0.5 * order[0]) if len(order) == 1 else Outcome.preference(0.75)


def _check_rows(bench: Bench, rows: Sequence[Sample | BadRow], bad_rows: int) -> list[str]:
    strange = [type(row).__name__ for row in rows if not isinstance(row, Sample | BadRow)]
    if strange:
        return [f"read() must yield Sample or BadRow, not {strange[0]}"]
    problems: list[str] = []
    seen: set[str] = set()
    scales = {d.name: d.scale for d in bench.card.dimensions}
    kinds = {"preference": Preference, "rating": Rating}
    bad = [row for row in rows if isinstance(row, BadRow)]
    if len(bad) > bad_rows:
        problems += [f"bad row at {row.where}: {row.reason}" for row in bad[:20]]
    for row in rows:
        if isinstance(row, BadRow):
            continue
        if row.id in seen:
            problems.append(f"the id {row.id!r} occurs twice; ids must be unique")
        seen.add(row.id)
        if not row.labels:
            problems.append(f"the sample {row.id!r} has no label")
        elif all(label.rater is not None for label in row.labels):
            problems.append(
                f"the sample {row.id!r} has only per-rater labels; add an aggregate with rater=None"
            )
        for label in row.labels:
            if label.dimension not in scales:
                problems.append(
                    f"the sample {row.id!r} is labelled on {label.dimension!r}, which the card does "
                    f"not list (dimensions: {', '.join(scales)})"
                )
            scale = scales.get(label.dimension)
            if isinstance(label, Rating) and scale and not scale[0] <= label.value <= scale[1]:
                problems.append(f"the rating {label.value} of {row.id!r} is outside {scale}")
            kind = next((k for k, cls in kinds.items() if isinstance(label, cls)), "ranking")
            if kind not in bench.card.label_kinds:
                problems.append(
                    f"the sample {row.id!r} has a {kind}, not in the card's label_kinds"
                )
        if len(problems) > 20:
            return [*problems, "and more; stopped here"]
    return problems


def check_scorer(
    registry: Registry, scorer: Scorer[Any], samples: Sequence[Sample], device: Device
) -> list[str]:
    """Same answers twice, alone and in a batch, and in another order; proper outcomes; a
    fingerprint that is plain data; a pairwise scorer that says it is symmetric is.

    Parameters
    ----------
    samples: at least three of a modality that the scorer judges.
    """
    problems: list[str] = []
    card = scorer.card
    if not card.fingerprint:
        problems.append(
            "the card's fingerprint is empty: a changed version would reuse old answers"
        )
    if fingerprint(scorer) != fingerprint(scorer):
        problems.append("the fingerprint changes from call to call")
    requests = [r for s in samples for r in requests_for("check", s, _ALL_PAIRS, scorer)]
    if not requests:
        return [*problems, f"a {scorer.form} scorer needs samples with two or more candidates"]
    engine = Engine(scorer, device, self_check=0)
    try:
        together = _answers(engine, requests)
        bad = {o.reason for o in together.values() if o.status != "ok"}
        problems += [f"a sound request has no answer: {reason}" for reason in sorted(bad)]
        if scorer.batch_invariant:
            again = _answers(engine, requests[::-1])
            problems += _differences("in another order", together, again)
            alone = {k: v for r in requests[:6] for k, v in _answers(engine, [r]).items()}
            problems += _differences("scored alone", {k: together[k] for k in alone}, alone)
        if card.symmetric and scorer.form == "pairwise":
            problems += _check_symmetry(engine, requests, together)
    except PrefgaugeError as error:
        problems.append(str(error))
    finally:
        engine.close()
    return problems


def check_metric(metric: Metric, samples: Sequence[Sample]) -> list[str]:
    """Perfect answers score within the range; no rows give a reason, not a number."""
    problems: list[str] = []
    low, high = metric.card.range
    for name in ("title", "formula", "source"):
        if not str(getattr(metric.card, name)).strip():
            problems.append(f"the card's {name} is empty")
    builder = EvidenceBuilder((), (Dimension(),), "pointwise")
    for number, sample in enumerate(samples):
        outcomes: dict[tuple[int, ...], Outcome] = {
            (i,): Outcome.score(number + i) for i in range(len(sample.candidates))
        }
        builder.add(sample, outcomes)
    evidence = builder.build()
    table = getattr(evidence, metric.card.needs)
    if table is None:
        return [*problems, f"the samples carry no {metric.card.needs}, which the metric needs"]
    result = metric.compute(evidence, {}, Settings(resamples=100))
    if result.value is None and not result.reason:
        problems.append("it gives neither a value nor a reason")
    if result.value is not None and not (
        math.isfinite(result.value) and low <= result.value <= high
    ):
        problems.append(f"its value {result.value} is outside the card's range {metric.card.range}")
    if result != metric.compute(evidence, {}, Settings(resamples=100)):
        problems.append("computing twice gives different results; use Settings.seed")
    return problems


def _answers(engine: Engine, requests: Sequence[Request]) -> dict[tuple[str, Any], Outcome]:
    items = [Pending(request, b"") for request in requests]
    return {
        (answer.request.sample.id, answer.request.candidates): answer.outcome
        for batch in engine.answer([items])
        for answer in batch
    }


def _differences(
    how: str, one: dict[tuple[str, Any], Outcome], two: dict[tuple[str, Any], Outcome]
) -> Iterator[str]:
    close = partial(math.isclose, rel_tol=1e-4, abs_tol=1e-5)
    for key, outcome in one.items():
        other = two[key]
        same = outcome.order == other.order and outcome.status == other.status
        same = same and outcome.values.keys() == other.values.keys()
        if not same or not all(close(v, other.values[k]) for k, v in outcome.values.items()):
            yield (
                f"the request {key[0]}{list(key[1])} is answered {dict(outcome.values) or outcome.order} "
                f"in its batch and {dict(other.values) or other.order} {how}"
            )
            return


def _check_symmetry(
    engine: Engine, requests: Sequence[Request], together: dict[tuple[str, Any], Outcome]
) -> Iterator[str]:
    swapped = [Request(r.bench, r.sample, r.candidates[::-1]) for r in requests]
    turned = _answers(engine, swapped)
    for (name, shown), outcome in together.items():
        other = turned[name, shown[::-1]]
        for key, value in outcome.values.items():
            if not math.isclose(value, 1 - other.values.get(key, math.nan), abs_tol=1e-5):
                yield (
                    f"it calls itself symmetric, but says {value} for {name}{list(shown)} and "
                    f"{other.values.get(key)} in the other order"
                )
                return
