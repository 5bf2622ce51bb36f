"""The hooks of prefgauge. A plugin package points the entry-point group ``prefgauge`` at a module
that implements any of them with :data:`hookimpl`. The module may say which version of the plugin
contract it was written for, ``PREFGAUGE_CONTRACT = 1``; so does every card. One that was written
for another is set aside, and ``prefgauge plugins`` says which side to upgrade.

Registering hooks return a mapping from name to a *target*: a class, or a string
``"package.module:Object"`` that is imported only when the name is used. Give strings where the
module is not trivial, so that ``prefgauge list`` stays fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from prefgauge.registry.bundle import Bundle

__all__ = [
    "hookimpl",
    "hookspec",
    "prefgauge_batch_scored",
    "prefgauge_benches",
    "prefgauge_metrics",
    "prefgauge_parts",
    "prefgauge_run_finished",
    "prefgauge_run_started",
    "prefgauge_scorers",
    "prefgauge_trackers",
]

hookspec = pluggy.HookspecMarker("prefgauge")
hookimpl = pluggy.HookimplMarker("prefgauge")


@hookspec
def prefgauge_benches() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Bench id -> a subclass of :class:`~prefgauge.registry.bench.Bench` (or its target string)."""


@hookspec
def prefgauge_scorers() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Address scheme -> a callable that takes an :class:`~prefgauge.registry.address.Address` and
    returns a :class:`~prefgauge.registry.scorer.Scorer` (a Scorer class with such an
    ``__init__`` will do)."""


@hookspec
def prefgauge_metrics() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Metric name -> a subclass of :class:`~prefgauge.registry.metric.Metric`."""


@hookspec
def prefgauge_trackers() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Tracker scheme -> a subclass of :class:`~prefgauge.registry.tracker.Tracker`."""


@hookspec
def prefgauge_parts() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Smaller parts by dotted name, ``family.NAME``, of which scorers and commands are composed:

    - ``recipe.NAME``: a reward model's head read from its tensors, a ``Recipe`` (``hf:``);
      ``clip-recipe.NAME``, ``vqa-recipe.NAME``, ``vlm-recipe.NAME``: likewise for ``clip:``,
      ``vqa:`` and vision-language reward models;
    - ``judge-backend.NAME``, ``judge-protocol.NAME``, ``judge-strategy.NAME``: who answers a judge's
      question, what is asked, and how; subclasses of ``Backend``, ``JudgeProtocol``, ``Strategy``;
    - ``replay-format.NAME``: a reader of recorded results, a subclass of ``Format`` (``replay:``);
    - ``probe.NAME``: a perturbation that should not change who is better, a
      :class:`~prefgauge.registry.probe.Probe` (``prefgauge probe``);
    - ``personal.NAME``: a model of single raters, a subclass of
      :class:`~prefgauge.registry.personal.RaterModel` (``prefgauge personal``).
    """


@hookspec
def prefgauge_run_started(bench: str, scorer: str, total: int | None) -> None:
    """A run of `scorer` on `bench` begins; `total` samples if known."""


@hookspec
def prefgauge_batch_scored(bench: str, scorer: str, scored: int, failed: int) -> None:
    """A batch of the run of `scorer` on `bench` is answered: `scored` requests, `failed` of them
    with no usable answer."""


@hookspec
def prefgauge_run_finished(bundle: Bundle) -> None:
    """A run is finished and its bundle lies on disk."""
