"""What judges and what measures: the built-in scorers, metrics, trackers and parts.

Each sub-package lists what it offers (name -> target); nothing is imported until used.
"""

from collections.abc import Mapping
from importlib import import_module

from prefgauge.registry.hookspecs import hookimpl

#: Sub-packages of ``prefgauge.plugins.scorers``, each with SCORERS (and perhaps PARTS).
SCORER_FAMILIES = (
    "baselines",
    "replay",
    "reward_models",
    "judges",
    "image",
    "video",
    "vlm_rewards",
    "audio",
    "threed",
    "personal",
    "diffusion",
)


def _collect(modules: list[str], attribute: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for module in modules:
        found.update(getattr(import_module(module), attribute, {}))
    return found


def _families() -> list[str]:
    return [f"prefgauge.plugins.scorers.{family}" for family in SCORER_FAMILIES]


@hookimpl
def prefgauge_scorers() -> Mapping[str, str]:
    """All built-in scorer schemes."""
    return _collect(_families(), "SCORERS")


@hookimpl
def prefgauge_metrics() -> Mapping[str, str]:
    """All built-in metrics."""
    return _collect(["prefgauge.plugins.metrics"], "METRICS")


@hookimpl
def prefgauge_trackers() -> Mapping[str, str]:
    """All built-in trackers."""
    return _collect(["prefgauge.plugins.trackers"], "TRACKERS")


@hookimpl
def prefgauge_parts() -> Mapping[str, str]:
    """All built-in parts: judge backends, protocols and strategies, recipes, probes."""
    return _collect([*_families(), "prefgauge.plugins.probes"], "PARTS")
