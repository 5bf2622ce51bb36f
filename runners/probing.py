"""Probing a scorer: the same samples with and without a perturbation, and the paired effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from prefgauge.registry import BadRow, Bench, Bundle, DataError, Probe, Registry, Sample, Source
from prefgauge.registry.errors import PluginError
from prefgauge.runners.compare import Answers, answers_of, interval
from prefgauge.runners.engine import Engine
from prefgauge.runners.fitted import annotate
from prefgauge.runners.run import Options, run_one

__all__ = ["Effect", "ProbedBench", "effect_of", "load_probe", "probe_scorer"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a probe did to a scorer on a bench.

    Parameters
    ----------
    before, after: the bench's headline without and with the perturbation, on the same samples.
    effect: after - before (turned round for an error metric); `low`, `high`: 95 % interval;
        `p`: of no effect, two-sided, paired, clustered by prompt.
    toward, away: pairs whose winner moved to, and from, the favoured (worse) candidate.
    push: mean shift of the margin toward the worse candidate, in units of the root mean square
        margin before; None without pairs.
    expects: ``"same"`` or ``"rise"``, see :class:`~prefgauge.registry.probe.Probe`; ``"zero"`` for
        self-preference, where before is people's share, after the scorer's, and any effect is bias.
    """

    probe: str
    title: str
    source: str
    bench: str
    scorer: str
    metric: str
    n: int
    before: float
    after: float
    effect: float
    low: float
    high: float
    p: float
    reason: str = ""
    toward: int = 0
    away: int = 0
    push: float | None = None
    expects: str = "same"

    def to_json(self) -> dict[str, Any]:
        """JSON without NaN."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


class ProbedBench(Bench):
    """A bench restricted to the samples a probe applies to, perturbed or as they were.

    Its id is ``<bench>~<probe>``, with ``-base`` for the unperturbed samples.
    """

    def __init__(self, bench: Bench, probe: Probe, perturbed: bool) -> None:
        self.inner, self.probe, self.perturbed = bench, probe, perturbed
        name = f"{bench.card.id}~{probe.name}" + ("" if perturbed else "-base")
        title = f"{bench.card.title}; probe {probe.name}: {probe.title}"
        self.card = replace(bench.card, id=name, title=title, size=None, references=())  # type: ignore[misc]
        orders = probe.orders or bench.protocol.orders
        self.protocol = replace(bench.protocol, orders=orders)  # type: ignore[misc]
        if probe.orders == "given":
            self.protocol = _one_order(self.protocol)  # type: ignore[misc]

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """The samples that both forms of the probe apply to; see :meth:`Bench.read`."""
        for item in self.inner.read(source):
            if isinstance(item, BadRow):
                continue  # the plain run counts them; both sides of the pair lack them alike
            base, changed = self.probe.base(item), self.probe.perturb(item)
            if base is not None and changed is not None:
                yield changed if self.perturbed else base


def load_probe(registry: Registry, name: str) -> Probe:
    """The probe of that name.

    Raises
    ------
    UnknownName: if there is none.
    PluginError: if the part is no probe.
    """
    probe = registry.part(name if name.startswith("probe.") else f"probe.{name}")
    if not isinstance(probe, Probe):
        raise PluginError(f"The part 'probe.{name}' is {type(probe).__name__!r}, not a Probe.")
    return probe


def probe_scorer(
    registry: Registry,
    bench: Bench,
    engine: Engine,
    probe: Probe,
    source: Source,
    options: Options,
    on_batch: Progress | None = None,
) -> tuple[Effect, Bundle]:
    """Run a scorer on both forms of a probe; returns the effect and the perturbed run's bundle,
    whose ``result.json`` holds the effect under ``probe``. Reports show it with the bench.

    Raises
    ------
    DataError: if the probe applies to no sample of the bench.
    ScorerError, StoreError: see :func:`~prefgauge.runners.run.run_one`.
    """
    quiet = replace(options, suite=f"{options.suite}-probes", floors=False)
    bundles = [
        run_one(registry, ProbedBench(bench, probe, side), engine, source, quiet, on_batch)
        for side in (False, True)
    ]
    if not bundles[0].result.get("samples"):
        raise DataError(
            f"The probe {probe.name!r} applies to no sample of {bench.card.id!r}: it needs a "
            "better and a worse candidate with text."
        )
    effect = effect_of(bench.card.id, probe, *map(answers_of, bundles))
    about = {"of": bench.card.id, "name": probe.name}
    annotate(bundles[0], probe={**about, "role": "base"})
    return effect, annotate(bundles[1], probe={**about, "role": "effect", **effect.to_json()})


def effect_of(bench: str, probe: Probe, before: Answers, after: Answers) -> Effect:
    """The paired effect of two runs over the same samples."""
    sign = 1.0 if before.higher_is_better else -1.0
    change = sign * (after.value - before.value)
    low, high, p, reason = interval(change, sign * after.without, sign * before.without)
    toward, away, push = _moves(before, after)
    return Effect(
        probe=probe.name,
        title=probe.title,
        source=probe.source,
        bench=bench,
        scorer=before.bundle.scorer,
        metric=str(before.bundle.result.get("metric")),
        n=len(before.samples),
        before=before.value,
        after=after.value,
        effect=change,
        low=low,
        high=high,
        p=p,
        reason=reason,
        toward=toward,
        away=away,
        push=push,
        expects=probe.expects,
    )


def _moves(before: Answers, after: Answers) -> tuple[int, int, float | None]:
    """(winners moved to the worse candidate, from it, mean shift toward it)."""
    left, right = before.evidence.pairs, after.evidence.pairs
    if left is None or right is None or len(left) != len(right):
        return 0, 0, None
    # positive: the scorer prefers the candidate that people prefer
    old = left.margin() * np.sign(left.human - 0.5)
    new = right.margin() * np.sign(right.human - 0.5)
    known = np.isfinite(old) & np.isfinite(new) & (left.human != 0.5)
    if not known.any():
        return 0, 0, None
    old, new = old[known], new[known]
    spread = float(np.sqrt(np.mean(old**2)))
    push = float(np.mean(old - new)) / spread if spread > 0 else None
    return int(np.sum((old > 0) & (new < 0))), int(np.sum((old < 0) & (new > 0))), push


def _one_order(protocol: Any) -> Any:
    """A protocol that counts a single order: tie rules over two orders need both."""

    def plain(use: Any) -> Any:
        if use.options.get("ties") in {"net", "both", "mean"}:
            return replace(use, options={**use.options, "ties": "half"})
        return use

    return replace(
        protocol,
        headline=plain(protocol.headline),
        by_form={form: plain(use) for form, use in protocol.by_form.items()},
    )
