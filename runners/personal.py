"""Personalised models evaluated per rater, on labels that they have not seen.

Prompts are dealt into folds. For each fold, every model is fitted on the raters' labels of the
other folds and asked about this one's, so no label of a prompt that is judged, by whomever, was
learned from. Each model is also fitted with the raters' names taken away, all labels as one
person's: what it gains by the names, paired vote by vote, is the headline. The difference to the
pooled linear model is shown too, but holds whatever else a model can do (an ideal point bends).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import Bench, Registry, Scorer, Source, UsageError
from prefgauge.runners.personal_folds import BASE, POOLED, Plan, cross_validate, load_method
from prefgauge.runners.rater_votes import Votes, collect
from prefgauge.runners.run import Options, check_compatible

if TYPE_CHECKING:
    Floats = NDArray[np.float64]

__all__ = [
    "METHODS",
    "Judged",
    "Plan",
    "evaluate",
    "judge",
    "load_method",
    "methods_of",
    "personal",
]

#: The personal models of the package; ``pooled`` always runs beside them.
METHODS = ("dpa", "mixture", "vpl", "pal")


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluation of personal models.

    Parameters
    ----------
    result: JSON-able; see :func:`judge`.
    votes: the decided votes that were judged.
    margins: of each model for every vote, in their order.
    """

    result: dict[str, Any]
    votes: Votes
    margins: Mapping[str, Floats]


def personal(*what: Any, **how: Any) -> dict[str, Any]:
    """The result of :func:`judge`."""
    return judge(*what, **how).result


def judge(
    registry: Registry,
    bench: Bench,
    scorers: Sequence[Scorer[Any]],
    source: Source,
    options: Options,
    methods: Sequence[str] = METHODS,
    represent: bool = False,
    plan: Plan | None = None,
) -> Judged:
    """Evaluate personal models over scorers' answers on a bench with per-rater labels.

    Parameters
    ----------
    scorers: pointwise; the features of an answer are all their values (every dimension), or with
        `represent` their representations.
    methods: names of personal models, see :data:`METHODS`.

    Returns
    -------
    The evaluation; its JSON-able result holds per model the agreement with raters on held-out
    labels, what it gains by knowing who they are and over the pooled model, with bootstrap
    intervals clustered by prompt, and the agreement with each rater.

    Raises
    ------
    DataError: if the bench has too few labels of single raters.
    ScorerError: if a scorer cannot give features.
    """
    plan = plan or Plan()
    for scorer in scorers:
        check_compatible(bench, scorer)
    models = [name for name in dict.fromkeys(methods) if name != POOLED]
    for name in models:
        load_method(registry, name)  # an unknown one fails before scoring
    votes = collect(bench, scorers, source, options, represent).decided()
    margins, twins = cross_validate(registry, votes, models, plan)
    result = {
        "kind": "personal",
        "bench": bench.card.id,
        "scorer": " + ".join(scorer.card.name for scorer in scorers),
        "limit": options.limit,
        "seed": plan.seed,
        "asked": {
            "methods": models, "features": "representations" if represent else "scores",
            "folds": plan.folds, "known": plan.known, "components": plan.components,
        },
        "metric": "agreement with single raters on held-out prompts",
        "coverage": votes.coverage,
        "bad_rows": votes.bad,
        "reasons": votes.reasons,
        **_told(registry, votes, margins, twins, plan),
    }  # fmt: skip
    return Judged(result, votes, margins)


def evaluate(registry: Registry, votes: Votes, models: Sequence[str], plan: Plan) -> dict[str, Any]:
    """Cross-validate models on votes; see :func:`personal`."""
    votes = votes.decided()
    return _told(registry, votes, *cross_validate(registry, votes, models, plan), plan)


def _told(
    registry: Registry,
    votes: Votes,
    margins: Mapping[str, Floats],
    twins: Mapping[str, Floats],
    plan: Plan,
) -> dict[str, Any]:
    """Agreement of margins with votes."""
    hits = {name: _hits(margin, votes.human) for name, margin in margins.items()}
    without = {name: _hits(margin, votes.human) for name, margin in twins.items()}
    return {
        "n": len(votes.human),
        "raters": len(votes.raters),
        "prompts": len(np.unique(votes.cluster)),
        "other_raters": votes.peers(),
        "methods": {
            name: {
                "title": _about(registry, name)[0],
                "source": _about(registry, name)[1],
                "agreement": float(hit.mean()),
                "interval": _interval(hit, votes, plan),
                "mean_over_raters": float(np.mean(_by_rater(hit, votes))),
                "over_pooled": float((hit - hits[POOLED]).mean()),
                "over_pooled_interval": _interval(hit - hits[POOLED], votes, plan),
                **_gain(hit, without.get(name), votes, plan),
            }
            for name, hit in hits.items()
        },
        "per_rater": [
            {"rater": name, "n": int(own.sum())}
            | {method: float(hit[own].mean()) for method, hit in hits.items()}
            for name, own in ((n, votes.rater == i) for i, n in enumerate(votes.raters))
            if own.sum() >= plan.least
        ],
    }


def _gain(hit: Floats, without: Floats | None, votes: Votes, plan: Plan) -> dict[str, Any]:
    """What a personal model gains by knowing who is asked."""
    if without is None:
        return {"nameless": None, "gain": None, "gain_interval": None}
    return {
        "nameless": float(without.mean()),
        "gain": float((hit - without).mean()),
        "gain_interval": _interval(hit - without, votes, plan),
    }


def _about(registry: Registry, name: str) -> tuple[str, str]:
    if name == BASE:
        return "the first scorer's own answer, nothing fitted", ""
    model = load_method(registry, name)
    return model.title, model.source


def _hits(margin: Floats, human: Floats) -> Floats:
    """1 where the sign agrees with the label, 0.5 where the margin is 0, else 0."""
    out: Floats = 0.5 + 0.5 * np.sign(margin) * np.sign(human - 0.5)
    return out


def _by_rater(hit: Floats, votes: Votes) -> Floats:
    total = np.bincount(votes.rater, hit, minlength=len(votes.raters))
    count = np.bincount(votes.rater, minlength=len(votes.raters))
    out: Floats = total[count > 0] / count[count > 0]
    return out


def _interval(values: Floats, votes: Votes, plan: Plan) -> list[float] | None:
    """Central 95 % of the mean over resampled prompts; None without resamples."""
    if not plan.resamples:
        return None
    _, codes = np.unique(votes.cluster, return_inverse=True)
    k = int(codes.max()) + 1
    total, count = np.bincount(codes, values, minlength=k), np.bincount(codes, minlength=k)
    draw = np.random.default_rng(plan.seed)
    means = []
    for _ in range(plan.resamples):
        chosen = draw.integers(k, size=k)
        means.append(total[chosen].sum() / count[chosen].sum())
    return [float(v) for v in np.quantile(means, [0.025, 0.975])]


def methods_of(registry: Registry, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The methods asked for, or all that are registered, plug-ins' included.

    Raises
    ------
    UsageError: if the yardsticks, which are always shown, are asked for.
    """
    for name in wanted or ():
        if name in {BASE, POOLED}:
            raise UsageError(f"{name!r} is always shown; name personal models with --method.")
    head = "personal."
    every = [n.removeprefix(head) for n in registry.names("part") if n.startswith(head)]
    return tuple(wanted or (name for name in every if name != POOLED))
