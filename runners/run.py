"""One run: a scorer on a bench, from samples to a bundle on disk."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.bundle import Bundle
from prefgauge.registry.discovery import Registry
from prefgauge.registry.errors import PrefgaugeError, ScorerError, UsageError
from prefgauge.registry.metric import Settings
from prefgauge.registry.outcome import Outcome
from prefgauge.registry.sample import Sample
from prefgauge.registry.scorer import Device, Scorer
from prefgauge.registry.source import Source, home
from prefgauge.runners.agreement import agree, headline, restrict
from prefgauge.runners.bundles import BundleWriter
from prefgauge.runners.chance import chance
from prefgauge.runners.engine import Engine
from prefgauge.runners.evidence import EvidenceBuilder
from prefgauge.runners.items import draw, items
from prefgauge.runners.judged import Usage
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.pace import Pace
from prefgauge.runners.plan import fingerprint, requests_for
from prefgauge.runners.profile import profile_of
from prefgauge.runners.reading import rows_of
from prefgauge.runners.result import bundle_id, outcome_line, plain, result_of
from prefgauge.runners.shards.fill import Crew, fill
from prefgauge.runners.stream import Counts, Store, Stream

__all__ = ["FLOORS", "Options", "check_compatible", "open_ledger", "run_one", "run_steps"]

#: Baselines scored beside every result (``random`` is computed, not scored).
FLOORS = ("length",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run.

    Parameters
    ----------
    suite: names the group of runs (and the MLflow experiment).
    limit: read only the first `limit` rows of each bench; None for all.
    seed, resamples: of the statistics.
    device: where to compute.
    fresh: forget what the ledger knows of these scorers.
    ledger: keep and use the ledger.
    floors: compute the baselines beside each result.
    min_coverage: overrides the bench's own threshold.
    crew: who scores: this process, several, or a Ray cluster.
    profile: measure the device's own matmul rate too, to compare the scoring with.
    together: how many bytes of weights may be held at once by scorers that walk through a media
        bench side by side and share its decodes; 0 for one scorer at a time.
    """

    suite: str = "prefgauge"
    limit: int | None = None
    seed: int = 0
    resamples: int = 2000
    device: Device = field(default_factory=Device)
    fresh: bool = False
    ledger: bool = True
    floors: bool = True
    min_coverage: float | None = None
    crew: Crew = field(default_factory=Crew)
    profile: bool = False
    together: int = 4 << 30


def check_compatible(bench: Bench, scorer: Scorer[Any]) -> None:
    """Refuse a pairing that cannot work, before anything is loaded.

    Raises
    ------
    ScorerError: naming both and what does not fit.
    """
    card = bench.card
    if card.modality not in scorer.card.modalities:
        judges = ", ".join(sorted(scorer.card.modalities))
        raise ScorerError(
            f"{scorer.card.name} judges {judges}; the candidates of {card.id} are {card.modality}."
        )


class Floor:
    """A baseline scored in passing, without ledger or bundle."""

    def __init__(self, registry: Registry, name: str, bench: Bench) -> None:
        self.scorer = registry.scorer(name)
        check_compatible(bench, self.scorer)
        self.bench = bench
        self.builder = _builder(bench, self.scorer)
        self.scorer.open(Device("cpu"))
        self.blind = 0

    def add(self, sample: Sample) -> None:
        """Score one sample and keep the evidence."""
        outcomes: dict[tuple[int, ...], Outcome] = {}
        for request in requests_for(self.bench.card.id, sample, self.bench.protocol, self.scorer):
            if sample.missing is not None and self.scorer.card.keyed_by == "content":
                outcome = Outcome.failed("label-only")
                self.blind += 1
            else:
                try:
                    outcome = self.scorer.score([self.scorer.prepare(request)])[0]
                except Exception as error:
                    outcome = Outcome.failed(str(error))
            outcomes[request.candidates] = outcome.checked(
                self.scorer.form, len(request.candidates)
            )
        self.builder.add(sample, outcomes)


def run_one(
    registry: Registry,
    bench: Bench,
    engine: Engine,
    source: Source,
    options: Options,
    on_batch: Callable[[int, int], None] | None = None,
    on_sample: Callable[[Counts], None] | None = None,
) -> Bundle:
    """Run a scorer on a bench and write the bundle.

    Parameters
    ----------
    registry: finds metrics and baselines.
    engine: holds the scorer; it may serve several runs, one after another.
    source: finds the bench's files.
    on_batch: called after each batch with (requests answered, of these without an answer).
    on_sample: called after each sample with the counts so far.

    Raises
    ------
    DataError: if the bench's data cannot be had.
    ScorerError: if the scorer cannot judge this bench, or cannot be opened.
    StoreError: if the ledger or the bundle cannot be written.
    """
    pace = Pace.of(bench.card, engine.scorer.streams)
    going = run_steps(registry, bench, engine, source, options, pace, on_batch, on_sample)
    while True:
        try:
            next(going)
        except StopIteration as end:
            bundle: Bundle = end.value
            return bundle


def run_steps(
    registry: Registry,
    bench: Bench,
    engine: Engine,
    source: Source,
    options: Options,
    pace: Pace | None,
    on_batch: Callable[[int, int], None] | None = None,
    on_sample: Callable[[Counts], None] | None = None,
) -> Generator[None, None, Bundle]:
    """:func:`run_one` in steps: pauses after each sample, and returns the bundle at the end.

    Closing it early leaves what is in the ledger there, and no bundle.
    """
    scorer = engine.scorer
    engine.begin()
    meter = engine.meter
    meter.start()
    with meter.part("opening"):
        check_compatible(bench, scorer)
        registry.metric(bench.protocol.use(scorer.form).metric)  # an unknown one fails at once
    started, begun = time.time(), time.monotonic()
    identity = fingerprint(scorer, options.device)
    with meter.part("ledger"):
        ledger = open_ledger(identity, scorer, options)
    with meter.part("workers"):
        store, by_crew = _fill(bench, scorer, source, ledger, options, on_batch)
    stream = Stream(bench.card.id, bench.protocol, engine, store, on_batch, pace=pace)
    builder = _builder(bench, scorer)
    with meter.part("baselines"):
        floors = _floors(registry, bench, scorer) if options.floors else {}
    writer = BundleWriter(options.suite, bench.card.id, scorer.card.name)
    outcomes_sha = hashlib.sha256()
    usage = Usage()
    try:
        rows = meter.timed("waiting for data", islice(rows_of(bench, source), options.limit))
        for answered in stream.run(rows):
            with meter.part("statistics"):
                builder.add(answered.sample, answered.outcomes)
            with meter.part("baselines"):
                for floor in floors.values():
                    floor.add(answered.sample)
            with meter.part("writing"):
                writer.add(answered)
                outcomes_sha.update(outcome_line(answered))
                usage.add(answered.outcomes.values())
            if on_sample is not None:
                on_sample(stream.counts)
            with meter.part("other scorers"):
                yield
        with meter.part("writing"):
            writer.finish_outcomes()
        settings = Settings(resamples=options.resamples, seed=options.seed)
        with meter.part("statistics"):
            evidence = builder.build()
            agreement = agree(registry, bench, scorer.form, evidence, settings)
        main = restrict(evidence, bench.protocol.dimension or bench.card.dimensions[0].name)
        ties_count = agreement.options.get("ties") in {"three-way", "both"}
        with meter.part("writing"):
            writer.write("items.json", items(writer, main, stream.counts.samples, ties_count))
            try:
                draw(main, writer.folder / "figure.png", f"{scorer.card.name} on {bench.card.id}")
            except OSError as error:
                raise writer.trouble(error) from None
        result = result_of(bench, scorer, stream, agreement, options)
        result["scored"] += by_crew
        result["ledger_hits"] = max(0, result["ledger_hits"] - by_crew)
        result["fingerprint"] = identity
        result["usage"] = usage.to_json()
        with meter.part("statistics"):
            result["floors"] = {
                name: _floor_result(registry, bench, floor, settings)
                for name, floor in floors.items()
            }
            if options.floors:
                result["floors"]["random"] = plain(chance(registry, bench, evidence, settings))
        meter.stop()
        result["profile"] = profile_of(engine, options.profile)
        result["ledger"] = {
            "path": str(ledger.path) if ledger is not None else None,
            "dropped": ledger.dropped if ledger is not None else 0,
            "salvaged": ledger.salvaged if ledger is not None else None,
        }
        # how long it took by a clock that nobody sets: the other one may have gone backwards
        finished = started + time.monotonic() - begun
        result["started_ms"], result["finished_ms"] = int(started * 1000), int(finished * 1000)
        for name in ("started", "finished"):
            moment = datetime.fromtimestamp(result[f"{name}_ms"] / 1000, UTC)
            result[name] = moment.isoformat(timespec="seconds")
        result["bundle_id"] = bundle_id(result, outcomes_sha.hexdigest())
        return writer.commit(result)
    except BaseException:
        writer.discard()
        raise
    finally:
        if ledger is not None:
            ledger.close()


def _builder(bench: Bench, scorer: Scorer[Any]) -> EvidenceBuilder:
    card = scorer.card
    recorded = card.keyed_by == "id"
    return EvidenceBuilder(bench.card.dimensions, card.dimensions, scorer.form, recorded)


def _floors(registry: Registry, bench: Bench, scorer: Scorer[Any]) -> dict[str, Floor]:
    known = registry.names("scorer")
    # no Address.parse: models fitted on several scorers have names that are no addresses
    own = scorer.card.name.partition("?")[0].partition(":")[0]
    found: dict[str, Floor] = {}
    for name in FLOORS:
        if name in known and name != own:
            try:
                found[name] = Floor(registry, name, bench)
            except PrefgaugeError:
                continue  # a baseline that does not read this modality
    return found


def _floor_result(
    registry: Registry, bench: Bench, floor: Floor, settings: Settings
) -> dict[str, Any]:
    evidence = floor.builder.build()
    _, _, result = headline(registry, bench, floor.scorer.form, evidence, settings)
    if floor.blind:
        return {"value": None, "reason": "the samples are label-only: there is no content to score"}
    return plain(result)


def open_ledger(identity: str, scorer: Scorer[Any], options: Options) -> Ledger | None:
    """The ledger of a scorer with that fingerprint, or None if the options want none."""
    if not options.ledger:
        return None
    card = scorer.card
    about = {
        "scorer": card.name,
        "form": scorer.form,
        "fingerprint": json.dumps(dict(card.fingerprint), default=str),
    }
    ledger = Ledger(home() / "ledger" / identity[:2] / f"{identity}.sqlite", about)
    if options.fresh:
        ledger.forget()
    return ledger


def _fill(
    bench: Bench,
    scorer: Scorer[Any],
    source: Source,
    ledger: Ledger | None,
    options: Options,
    on_batch: Callable[[int, int], None] | None,
) -> tuple[Store | None, int]:
    """Let other processes answer first, if the options say so."""
    if options.crew.runner == "local":
        return ledger, 0
    if ledger is None:
        raise UsageError("Several workers meet in the ledger; do not switch it off.")
    return fill(
        bench, scorer, source, ledger, options.crew, limit=options.limit,
        dtype=options.device.resolved_dtype(), workers=options.device.workers,
        on_shard=lambda shard, scored: on_batch(scored, 0) if on_batch else None,
    )  # fmt: skip
