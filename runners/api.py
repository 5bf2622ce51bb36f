"""The Python door: ``prefgauge.run(benches=[...], scorers=[...]) -> Results``."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.bundle import Bundle
from prefgauge.registry.discovery import Registry, default
from prefgauge.registry.errors import PrefgaugeError, UsageError
from prefgauge.registry.scorer import Device, Scorer
from prefgauge.registry.source import Source
from prefgauge.runners.engine import Engine
from prefgauge.runners.pace import Pace
from prefgauge.runners.progress import Announcer, Quiet
from prefgauge.runners.run import Options, check_compatible, run_steps
from prefgauge.runners.together import groups, walk
from prefgauge.runners.tracking import send, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Results", "run", "run_suite"]

#: The fields of one result that scripts may rely on.
STABLE = (
    "bench",
    "scorer",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "ties",
    "coverage",
    "status",
)


@dataclass(slots=True)
class Results:
    """What a call of :func:`run` found.

    Attributes
    ----------
    bundles: one per finished run.
    problems: runs that could not be done, each a result object with status ``"error"`` or
        ``"refused"`` and a ``reason``.
    notes: what went wrong beside the runs (a tracker that was down, a failing event hook).
    logged: where trackers put the results.
    """

    bundles: list[Bundle] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def add(self, found: Iterable[Bundle | dict[str, Any] | None]) -> None:
        """Take in finished runs and problems; None is a run that was left out."""
        for one in found:
            if isinstance(one, Bundle):
                self.bundles.append(one)
            elif one is not None:
                self.problems.append(one)

    def rows(self) -> list[dict[str, Any]]:
        """One object per run with the stable fields, ``subsets``, ``metrics`` and more."""
        return [bundle.result for bundle in self.bundles] + self.problems

    def to_json(self) -> dict[str, Any]:
        """The object that ``prefgauge run --json`` prints."""
        rows = self.rows()
        more = (
            "reason", "subsets", "metrics", "ceilings", "floors", "failures", "usage",
            "bundle_id",
        )  # fmt: skip
        total = {
            name: sum(row.get(name, 0) for row in rows)
            for name in ("ledger_hits", "scored", "failed")
        }
        results = [
            {**{name: row.get(name) for name in STABLE}, **{n: row[n] for n in more if n in row}}
            for row in rows
        ]
        paths = {"bundles": [str(bundle.path) for bundle in self.bundles]}
        # beside the results, not in them: seconds differ from run to run, results must not
        times = {"profiles": [row.get("profile") for row in rows]}
        return {"results": results, **total, **paths, "notes": self.notes, **times}

    def to_pandas(self) -> pd.DataFrame:
        """A table with one row per run and the stable fields as columns."""
        import pandas as pd

        return pd.DataFrame([{name: row.get(name) for name in STABLE} for row in self.rows()])


def run(
    benches: Sequence[str],
    scorers: Sequence[str],
    *,
    data: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    resamples: int = 2000,
    device: str = "auto",
    dtype: str = "auto",
    fresh: bool = False,
    suite: str = "prefgauge",
    floors: bool = True,
    trackers: Sequence[str] = (),
) -> Results:
    """Run every scorer on every bench.

    Parameters
    ----------
    benches: bench ids, such as ``["judgebench"]``.
    scorers: scorer addresses, such as ``["hf:org/model", "length"]``.
    data: a local mirror of published data (default: ``PREFGAUGE_DATA``).
    limit: read only the first rows of each bench.
    seed, resamples: of the bootstrap.
    device: ``"auto"``, ``"cpu"``, ``"cuda"``; dtype: ``"auto"``, ``"float32"``, ``"bfloat16"``.
    fresh: score again what the ledger already knows.
    suite: names the group of results (the MLflow experiment).
    floors: compute the random and length baselines beside each result.
    trackers: where to log, such as ``["mlflow"]``; by default nowhere.

    Raises
    ------
    UsageError: for an unknown name or a wrong option. What goes wrong with a single run is in
        ``Results.problems``, and the other runs are done.
    """
    options = Options(
        suite=suite, limit=limit, seed=seed, resamples=resamples, fresh=fresh, floors=floors,
        device=Device(device, dtype),
    )  # fmt: skip
    return run_suite(default(), benches, scorers, Source.default(data), options, trackers)


def run_suite(
    registry: Registry,
    benches: Sequence[str],
    scorers: Sequence[str],
    source: Source,
    options: Options,
    trackers: Sequence[str] = (),
    progress: Quiet | None = None,
    skip_misfits: bool = False,
) -> Results:
    """The cross product of scorers and benches. Scorers that are light enough to be open together
    walk through a media bench side by side (see :mod:`~prefgauge.runners.together`); otherwise one
    scorer is open at a time.

    Parameters
    ----------
    progress: shows how far it is.
    skip_misfits: leave out pairings of different modalities without a word (for scorers that the
        user did not name).
    """
    if not benches or not scorers:
        raise UsageError("Name at least one bench and one scorer; `prefgauge list` shows them.")
    loaded = [registry.bench(name) for name in dict.fromkeys(benches)]
    made = [registry.scorer(address) for address in dict.fromkeys(scorers)]
    sent = [registry.tracker(address) for address in trackers]
    results, announcer = Results(), Announcer(registry)
    shared = options.together if options.crew.runner == "local" else 0  # workers hold one scorer
    found: dict[tuple[str, str], Bundle | dict[str, Any] | None] = {}
    with progress or Quiet() as bar:
        for group in groups(made, shared):
            task = _Task(registry, source, options, announcer, bar, skip_misfits)
            engines = [Engine(scorer, options.device) for scorer in group]
            try:
                for bench in loaded:
                    pace = Pace.of(bench.card, any(scorer.streams for scorer in group))
                    done = walk([task.steps(bench, engine, pace) for engine in engines], pace)
                    for scorer, one in zip(group, done, strict=True):
                        found[scorer.card.name, bench.card.id] = one
            finally:
                for engine in engines:
                    engine.close()
    results.add(found[s.card.name, b.card.id] for s in made for b in loaded)
    for tracker in sent:
        try:
            if results.bundles:
                results.logged += send(tracker, results.bundles)
        except PrefgaugeError as error:
            results.notes.append(f"not logged to {shown(tracker)}: {error}")
    results.notes += announcer.problems
    return results


@dataclass
class _Task:
    """What the runs of a group of scorers have in common.

    Parameters
    ----------
    begun: names of scorers that forgot what they knew, if they were to: once, not per bench.
    """

    registry: Registry
    source: Source
    options: Options
    announcer: Announcer
    bar: Quiet
    skip_misfits: bool
    begun: set[str] = field(default_factory=set)

    def steps(
        self, bench: Bench, engine: Engine, pace: Pace | None
    ) -> Generator[None, None, Bundle | dict[str, Any] | None]:
        """One run, paused after each sample: a bundle, a problem, or None if it was left out."""
        bench_id, scorer = bench.card.id, engine.scorer
        name = scorer.card.name
        try:
            check_compatible(bench, scorer)
        except PrefgaugeError as error:
            return None if self.skip_misfits else _problem(bench, scorer, "refused", str(error))
        total = _total(bench, self.options)
        row = self.bar.begin(bench_id, name, total)
        self.announcer.started(bench_id, name, total)
        options = replace(self.options, fresh=self.options.fresh and name not in self.begun)
        self.begun.add(name)
        try:
            bundle = yield from run_steps(
                self.registry, bench, engine, self.source, options, pace,
                on_batch=lambda n, failed: self.announcer.scored(bench_id, name, n, failed),
                on_sample=row.update,
            )  # fmt: skip
        except PrefgaugeError as error:
            return _problem(bench, scorer, "error", str(error))
        else:
            self.announcer.finished(bundle)
            return bundle
        finally:
            row.end()


def _total(bench: Bench, options: Options) -> int | None:
    size = bench.card.size
    if size is None:
        return options.limit
    return size if options.limit is None else min(size, options.limit)


def _problem(bench: Bench, scorer: Scorer[Any], status: str, reason: str) -> dict[str, Any]:
    return {
        "bench": bench.card.id, "scorer": scorer.card.name, "status": status, "reason": reason,
        "metric": bench.protocol.use(scorer.form).metric, "value": None, "ci_low": None,
        "ci_high": None, "n": 0, "ties": 0, "coverage": 0.0, "subsets": {}, "metrics": {},
    }  # fmt: skip
