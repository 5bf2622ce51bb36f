"""Self-preference: does a scorer take its own answers for better than people do?

The DBG score of Chen et al. (Beyond the Surface: Measuring Self-Preference in LLM Judgments,
arXiv:2506.02592) is the judge's verdict on its own answers less a gold verdict on them; here the
gold is what people said. Nothing is perturbed: who made an answer cannot be changed without
changing the answer. The pair is the same label, judged by the scorer and by people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from prefgauge.registry import (
    BadRow,
    Bench,
    Bundle,
    DataError,
    Preference,
    Registry,
    Sample,
    Source,
)
from prefgauge.runners.engine import Engine
from prefgauge.runners.fitted import annotate
from prefgauge.runners.probing import Effect, Progress
from prefgauge.runners.run import Options, run_one

__all__ = ["NAME", "SOURCE", "probe_self", "self_preference"]

NAME = "self-preference"
SOURCE = "DBG score: Chen et al., Beyond the Surface, arXiv:2506.02592"


def probe_self(
    registry: Registry,
    bench: Bench,
    engine: Engine,
    system: str,
    source: Source,
    options: Options,
    on_batch: Progress | None = None,
) -> tuple[Effect, Bundle]:
    """Run a scorer on the pairs that hold exactly one answer of `system`, and compare how often it
    prefers that answer with how often people do.

    Returns
    -------
    The effect (``before``: people's share, ``after``: the scorer's, ``effect``: the DBG score,
    positive if the scorer favours the system; ``toward``: pairs that the scorer gives to the system
    and people do not, ``away``: the other way round), and the bundle, whose ``result.json`` holds
    it under ``probe``.

    Raises
    ------
    DataError: if no pair has exactly one answer of that system; names the systems there are.
    """
    quiet = replace(options, suite=f"{options.suite}-probes", floors=False)
    restricted = _Own(bench, system)
    bundle = run_one(registry, restricted, engine, source, quiet, on_batch)
    found = self_preference(bundle, system)
    if found is None:
        seen = ", ".join(sorted(restricted.systems)[:20]) or "none: its samples do not say"
        raise DataError(
            f"{bench.card.id} has fewer than two prompts with a pair of which {system!r} made exactly "
            f"one answer. Systems there: {seen}."
        )
    effect = Effect(
        probe=NAME,
        title=f"how much oftener the scorer prefers {system} than people do",
        source=SOURCE,
        bench=bench.card.id,
        scorer=bundle.scorer,
        metric=f"share of pairs won by {system}",
        n=int(found["n"]),
        before=found["people"],
        after=found["scorer"],
        effect=found["value"],
        low=found["low"],
        high=found["high"],
        p=found["p"],
        toward=int(found["toward"]),
        away=int(found["away"]),
        expects="zero",
    )
    about = {"of": bench.card.id, "name": NAME, "role": "effect", "system": system}
    return effect, annotate(bundle, probe={**about, **effect.to_json()})


def self_preference(bundle: Bundle, system: str) -> Mapping[str, float] | None:
    """How much more often the scorer of a bundle prefers `system` than people do: mean of
    P(scorer prefers the system's answer) less P(people do), over pairs with one answer of it.

    Returns
    -------
    ``value``, ``low``, ``high`` (95 % interval, clustered by prompt), two-sided ``p`` of 0, ``n``,
    the two shares (``scorer``, ``people``), and the pairs on which they part (``toward``, ``away``);
    None if fewer than two prompts have such a pair.
    """
    from scipy import stats

    from prefgauge.runners.report.rebuild import evidence_of, rebuilt

    evidence, _ = evidence_of(bundle)
    if evidence.pairs is None:
        return None
    table = evidence.pairs
    systems = {number: sample.systems for number, (sample, _) in enumerate(rebuilt(bundle))}
    margin = table.margin()
    rows: list[tuple[int, float, float]] = []  # prompt, what the scorer said, what people said
    for row in range(len(table)):
        own = systems.get(int(table.sample[row]), ())
        if not own or not np.isfinite(margin[row]):
            continue
        first = own[table.first[row]] == system
        if first == (own[table.second[row]] == system):
            continue
        turn = 1.0 if first else -1.0
        said = 0.5 + 0.5 * float(np.sign(margin[row])) * turn
        rows.append((int(table.cluster[row]), said, 0.5 + (float(table.human[row]) - 0.5) * turn))
    prompts, cluster = np.unique([row[0] for row in rows], return_inverse=True)
    groups, count = len(prompts), len(rows)
    if groups < 2:
        return None
    scorer, people = (np.array([row[k] for row in rows]) for k in (1, 2))
    gap = scorer - people
    value = float(gap.mean())
    # the ratio's linearised cluster variance (Cochran, Sampling Techniques, 1977, section 6.3)
    rest = np.bincount(cluster, gap - value, minlength=groups)
    error = math.sqrt(groups / (groups - 1) * float(np.sum(rest**2))) / count
    reach = float(stats.t.ppf(0.975, groups - 1)) * error
    p = float(2 * stats.t.sf(abs(value) / error, groups - 1)) if error else float(value == 0.0)
    return {
        "value": value, "low": value - reach, "high": value + reach, "p": p, "n": float(count),
        "scorer": float(scorer.mean()), "people": float(people.mean()),
        "toward": float(np.sum((scorer > 0.5) & (people < 0.5))),
        "away": float(np.sum((scorer < 0.5) & (people > 0.5))),
    }  # fmt: skip


class _Own(Bench):
    """The samples with a labelled pair of which `system` made exactly one answer."""

    def __init__(self, bench: Bench, system: str) -> None:
        self.inner, self.system = bench, system
        self.systems: set[str] = set()
        title = f"{bench.card.title}; pairs with one answer of {system}"
        self.card = replace(  # type: ignore[misc]
            bench.card, id=f"{bench.card.id}~{NAME}", title=title, size=None, references=()
        )
        self.protocol = bench.protocol  # type: ignore[misc]

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """See :meth:`Bench.read`."""
        for row in self.inner.read(source):
            if isinstance(row, BadRow) or not row.systems:
                continue
            self.systems.update(row.systems)
            own = [name == self.system for name in row.systems]
            pairs = [label for label in row.labels if isinstance(label, Preference)]
            if any(own[label.first] != own[label.second] for label in pairs):
                yield row
