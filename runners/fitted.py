"""Bundles of fitted evaluations: what a model that was fitted on a bench said of each of its
samples, written as a run of its own, so that reports, comparisons, trackers and ``log`` take it like
any other.

The fitted model becomes a scorer that knows its answers beforehand, and the bench a bench of its
own, ``<bench>.<kind>``, with the protocol by which the fit is judged. Then an ordinary run does the
rest: evidence, intervals, baselines, items, figure, provenance.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefgauge.registry import (
    BadRow,
    Bench,
    Bundle,
    Dimension,
    Outcome,
    Protocol,
    Registry,
    Request,
    Sample,
    Scorer,
    ScorerCard,
    Source,
    StoreError,
)
from prefgauge.registry.cards import Form
from prefgauge.runners.engine import Engine
from prefgauge.runners.run import Options, run_one

__all__ = ["Fit", "annotate", "content_key", "fitted_bundle", "given", "probability"]


def content_key(request: Request) -> str:
    """The key of a request by its subset and content, for answers about samples as they are."""
    return f"{request.sample.subset}|{request.content_key()}"


def probability(margin: float) -> float:
    """P(first) of a margin in log odds; exactly 0.5 of 0."""
    return 0.5 + 0.5 * math.tanh(0.5 * margin)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What a fitted model said, and of what.

    Parameters
    ----------
    kind: names the evaluation, such as ``"linear-probe"``; the bench's id becomes
        ``<bench>.<kind>``.
    scorer: the name that results show.
    form, modalities, dimensions: of the answers.
    labels: the dimensions of the samples' labels; by default the bench's.
    answers: what the model said, by `key` of a request; a request that has no answer counts as
        failed, with `missing` as its reason.
    samples: the samples that it was asked about, from those of the bench; by default all.
    protocol: how it is judged; by default as the bench says.
    fingerprint: everything that the answers depend on beside the data.
    facts: kept in ``result.json`` under ``fitted``.
    notes: sentences that readers of the result must know.
    published: the bench's published results are of this evaluation too.
    more: further fields of ``result.json`` (``ceilings``, ``floors``), merged into what is there.
    """

    kind: str
    scorer: str
    form: Form
    answers: Mapping[str, Outcome]
    key: Callable[[Request], str] = content_key
    modalities: frozenset[str] = frozenset({"text"})
    dimensions: Sequence[Dimension] = (Dimension(),)
    labels: Sequence[Dimension] = ()
    missing: str = "the fitted model has no answer to it"
    samples: Callable[[Iterable[Sample | BadRow]], Iterator[Sample | BadRow]] = iter
    protocol: Protocol | None = None
    summary: str = ""
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    published: bool = False
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def fitted_bundle(
    registry: Registry, bench: Bench, fit: Fit, source: Source, options: Options
) -> Bundle:
    """Write the bundle of a fitted evaluation.

    Parameters
    ----------
    options: suite, limit (rows of the bench), seed, resamples and floors are heeded; nothing is
        computed on a device, and the ledger is not used.

    Raises
    ------
    DataError: if the bench's data cannot be had. StoreError: if the bundle cannot be written.
    """
    engine = Engine(given(fit), options.device, self_check=0)
    plain = replace(options, ledger=False, fresh=False, profile=False)
    try:
        bundle = run_one(registry, _FittedBench(bench, fit), engine, source, plain)
    finally:
        engine.close()
    result = bundle.result
    merged = {name: {**(result.get(name) or {}), **part} for name, part in fit.more.items()}
    facts = {"of": bench.card.id, "kind": fit.kind, **fit.facts}
    return annotate(bundle, **merged, fitted=facts, notes=[*result.get("notes", ()), *fit.notes])


def annotate(bundle: Bundle, **fields: Any) -> Bundle:
    """Set fields of a bundle's ``result.json``, on disk too.

    Raises
    ------
    StoreError: if it cannot be written.
    """
    bundle.result.update(fields)
    path = bundle.path / "result.json"
    part = path.with_suffix(".part")
    text = json.dumps(bundle.result, ensure_ascii=False, indent=1, allow_nan=False, default=str)
    try:
        part.write_text(text, "utf-8")
        os.replace(part, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from None
    return bundle


def given(fit: Fit) -> Scorer[Any]:
    """A scorer that gives the answers of a fit."""
    return _Given(fit)


class _Given(Scorer[str]):
    """Answers known beforehand; its form is the fit's."""

    padded = False
    batch_cost = 1 << 16
    batch_size = 4096

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        self.form = fit.form  # type: ignore[misc]
        self.card = ScorerCard(
            name=fit.scorer,
            form=fit.form,
            modalities=fit.modalities,  # type: ignore[arg-type]
            reads=frozenset({"text", "image", "video", "audio", "mesh"}),
            dimensions=tuple(fit.dimensions),
            keyed_by="id",  # one content may be answered differently in two subsets
            fingerprint={"fitted": fit.kind, **fit.fingerprint},
            symmetric=True,
            summary=fit.summary,
        )

    def prepare(self, request: Request) -> str:
        return self.fit.key(request)

    def score(self, batch: Sequence[str]) -> list[Outcome]:
        none = Outcome.failed(self.fit.missing)
        return [self.fit.answers.get(key, none) for key in batch]


class _FittedBench(Bench):
    """The samples that a fitted model was asked about, under the protocol of the fit."""

    def __init__(self, bench: Bench, fit: Fit) -> None:
        card = bench.card
        self.inner, self.fit = bench, fit
        self.card = replace(  # type: ignore[misc]
            card, id=f"{card.id}.{fit.kind}", title=f"{card.title} ({fit.kind})", size=None,
            dimensions=tuple(fit.labels) or card.dimensions,
            references=card.references if fit.published else (),
        )  # fmt: skip
        protocol = fit.protocol or bench.protocol
        self.protocol = replace(protocol, orders="given")  # type: ignore[misc]

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """See :meth:`Bench.read`. An id that was there before gets a number behind it."""
        seen: Counter[str] = Counter()
        for row in self.fit.samples(self.inner.read(source)):
            if isinstance(row, Sample):
                seen[row.id] += 1
                if seen[row.id] > 1:
                    row = replace(row, id=f"{row.id}#{seen[row.id]}")
            yield row
