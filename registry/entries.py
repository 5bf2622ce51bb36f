"""What discovery finds: plugins, the names they register, and the objects behind the names."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from prefgauge.registry.bench import Bench
from prefgauge.registry.cards import CONTRACT
from prefgauge.registry.errors import PluginError, PrefgaugeError
from prefgauge.registry.metric import Metric
from prefgauge.registry.scorer import Scorer

__all__ = ["Entry", "Kind", "Plugin", "made", "of_this_contract", "wrong"]

T = TypeVar("T", Bench, "Scorer[Any]", Metric)
Kind: TypeAlias = Literal["bench", "scorer", "metric", "tracker", "part"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One discovered entry point: its name, package and version, and what is wrong with it."""

    name: str
    package: str
    version: str
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.package} {self.version})"


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered name: its kind, its target, and the plugin that brought it."""

    kind: Kind
    name: str
    target: Any
    plugin: Plugin

    def load(self) -> Any:
        """The object behind the name.

        Raises
        ------
        PluginError: naming the plugin and its package, if it cannot be imported.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except PrefgaugeError:
            raise
        except Exception as error:
            raise PluginError(
                f"The {self.kind} {self.name!r} of plugin {self.plugin} cannot be loaded from "
                f"{self.target!r}: {type(error).__name__}: {error}"
            ) from error


def made(entry: Entry) -> Any:
    """The object of an entry, constructed if it is a class, with its card in place."""
    thing = entry.load()
    if isinstance(thing, type) and not issubclass(thing, Bench | Metric):
        return thing
    try:
        found = thing() if isinstance(thing, type) else thing
        _ = found.card
    except Exception as error:
        raise PluginError(
            f"The {entry.kind} {entry.name!r} of plugin {entry.plugin} cannot be made: "
            f"{type(error).__name__}: {error}"
        ) from error
    return found


def wrong(entry: Entry, wanted: str, got: object) -> PluginError:
    """The error that an entry leads to `got` instead of `wanted`."""
    name = got.__name__ if isinstance(got, type) else type(got).__name__
    return PluginError(
        f"The {entry.kind} {entry.name!r} of plugin {entry.plugin} is {name!r}, not {wanted}."
    )


def of_this_contract(entry: Entry, thing: T) -> T:
    """The thing itself; PluginError if it was written for another contract than this one."""
    if thing.card.contract != CONTRACT:
        raise PluginError(
            f"The {entry.kind} {entry.name!r} of plugin {entry.plugin} was written for contract "
            f"{thing.card.contract}; this prefgauge has contract {CONTRACT}. Upgrade "
            f"{'prefgauge' if thing.card.contract > CONTRACT else entry.plugin.package}."
        )
    return thing
