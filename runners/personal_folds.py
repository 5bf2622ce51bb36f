"""Cross-validation of personal models: prompts are dealt into folds, and each vote is judged by a
fit that has not seen its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import DataError, PluginError, Registry
from prefgauge.registry.personal import Judgements, RaterModel
from prefgauge.runners.rater_votes import Votes

if TYPE_CHECKING:
    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

__all__ = ["BASE", "POOLED", "Plan", "cross_validate", "load_method"]

POOLED, BASE = "pooled", "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to evaluate.

    Parameters
    ----------
    folds: parts that the prompts are dealt into.
    known: most labels per rater that a fit may see; None for all of the other folds.
    components: features beyond so many are reduced to their principal components.
    least: raters with fewer judged labels are not listed one by one.
    """

    folds: int = 5
    known: int | None = None
    components: int = 16
    least: int = 10
    resamples: int = 2000
    seed: int = 0


def load_method(registry: Registry, name: str, seed: int = 0) -> RaterModel:
    """The model registered as ``personal.NAME``.

    Raises
    ------
    UnknownName: if there is none.
    PluginError: if the part is no :class:`RaterModel`.
    """
    kind = registry.part(f"personal.{name}")
    if not (isinstance(kind, type) and issubclass(kind, RaterModel)):
        raise PluginError(f"The part 'personal.{name}' is {kind!r}, not a RaterModel.")
    return kind(seed)


def cross_validate(
    registry: Registry, votes: Votes, models: Sequence[str], plan: Plan
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Each model's margin for every vote: with the raters' names (``base`` and ``pooled``, the
    yardsticks, are there too), and without them.

    Parameters
    ----------
    votes: decided ones, see :meth:`Votes.decided`.

    Raises
    ------
    DataError: if the prompts cannot be dealt into so many folds, or teach nothing.
    """
    prompts = np.unique(votes.cluster)
    if not 2 <= plan.folds <= len(prompts):
        raise DataError(
            f"{len(prompts)} prompts with labels of single raters cannot be dealt into "
            f"{plan.folds} folds. Choose a bench with more of them, or fewer --folds (at least 2)."
        )
    margins = _margins(registry, votes, [POOLED, *models], prompts, plan)
    nameless = replace(votes, rater=np.zeros_like(votes.rater), raters=("anyone",))
    twins = _margins(registry, nameless, models, prompts, plan, like=votes.rater)
    if votes.base is not None:
        margins = {BASE: votes.base, **margins}
    return margins, twins


def _margins(
    registry: Registry,
    votes: Votes,
    names: Sequence[str],
    prompts: Codes,
    plan: Plan,
    like: Codes | None = None,
) -> dict[str, Floats]:
    """Each model's margin for every vote, from a fit that has not seen the vote's prompt. Few
    labels are drawn per rater of `like` (by default the votes' own), so that fits with and without
    names see the same ones."""
    draw = np.random.default_rng(plan.seed)
    fold_of = dict(zip(draw.permutation(prompts).tolist(), np.arange(len(prompts)) % plan.folds))
    fold = np.array([fold_of[c] for c in votes.cluster.tolist()])
    out = {name: np.zeros(len(votes.human)) for name in names}
    for number in range(plan.folds):
        held, rest = fold == number, np.flatnonzero(fold != number)
        if plan.known is not None:
            whose = votes.rater if like is None else like
            rest = _few(whose[rest], rest, plan.known, draw)
        known, asked = _features(votes, rest, np.flatnonzero(held), plan.components)
        for name in names:
            model = load_method(registry, name, plan.seed)
            model.fit(known)
            margin = np.asarray(model.margin(asked), dtype=np.float64)
            if margin.shape != (int(held.sum()),) or not np.isfinite(margin).all():
                raise PluginError(
                    f"The personal model {name!r} broke its contract: margin() must give one "
                    f"finite number per judgement; it gave an array of shape {margin.shape}."
                )
            out[name][held] = margin
    return out


def _few(rater: Codes, rows: Codes, most: int, draw: np.random.Generator) -> Codes:
    """At most so many rows of each rater, drawn at random."""
    order = draw.permutation(len(rows))
    seen: dict[int, int] = {}
    kept = []
    for place in order.tolist():
        who = int(rater[place])
        seen[who] = seen.get(who, 0) + 1
        if seen[who] <= most:
            kept.append(rows[place])
    return np.sort(np.array(kept, dtype=np.int64))


def _features(
    votes: Votes, known: Codes, asked: Codes, components: int
) -> tuple[Judgements, Judgements]:
    """Judgements with features scaled by the known answers alone."""
    seen = np.vstack([votes.first[known], votes.second[known]])
    center, spread = seen.mean(axis=0), seen.std(axis=0)
    live = spread > 1e-6 * max(1e-6, float(spread.max()))
    if not live.any():
        raise DataError("All answers have the same features: there is nothing to learn from.")
    turn = np.diag(1.0 / spread[live])
    if int(live.sum()) > components:
        # principal components keep their proportions, with unit mean variance
        _, sizes, axes = np.linalg.svd(seen[:, live] - center[live], full_matrices=False)
        scale = np.sqrt(np.mean(sizes[:components] ** 2) / len(seen))
        turn = axes[:components].T / scale

    def judgements(rows: Codes) -> Judgements:
        first, second = (
            (side[rows][:, live] - center[live]) @ turn for side in (votes.first, votes.second)
        )
        return Judgements(
            first=first, second=second, human=votes.human[rows], rater=votes.rater[rows],
            raters=len(votes.raters),
        )  # fmt: skip

    return judgements(known), judgements(asked)
