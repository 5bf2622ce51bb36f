"""Discovery: which plugins there are, which of them work, and what they offer.

Every plugin is loaded by itself. One that cannot be imported, returns the wrong type, or claims
a name that another package already has, is set aside with its reason; the others work on.
Names are registered first; the code behind a name is imported when the name is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from prefgauge.registry import hookspecs
from prefgauge.registry.address import Address
from prefgauge.registry.bench import Bench
from prefgauge.registry.cards import CONTRACT
from prefgauge.registry.entries import Entry, Kind, Plugin, made, of_this_contract, wrong
from prefgauge.registry.errors import PluginError, PrefgaugeError, UnknownName
from prefgauge.registry.metric import Metric
from prefgauge.registry.scorer import Scorer
from prefgauge.registry.tracker import Tracker

__all__ = ["Entry", "Kind", "Plugin", "Registry", "default"]

GROUP = "prefgauge"
_HOOKS: Mapping[Kind, str] = {
    "bench": "prefgauge_benches",
    "scorer": "prefgauge_scorers",
    "metric": "prefgauge_metrics",
    "tracker": "prefgauge_trackers",
    "part": "prefgauge_parts",
}


class Registry:
    """All plugins of this environment.

    Parameters
    ----------
    points: entry points to load; by default those of the group ``prefgauge``, less the plugin
        names listed (comma-separated) in ``PREFGAUGE_DISABLE``.
    """

    def __init__(self, points: list[EntryPoint] | None = None) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        self._entries: dict[Kind, dict[str, Entry]] = {kind: {} for kind in _HOOKS}
        disabled = set(os.environ.get("PREFGAUGE_DISABLE", "").split(","))
        found = list(entry_points(group=GROUP)) if points is None else points
        # built-in first, then by package: the same order on every machine
        for point in sorted(
            found, key=lambda p: (_package(p)[0] != "prefgauge", _package(p), p.name)
        ):
            if point.name not in disabled:
                self._load(point)

    def _load(self, point: EntryPoint) -> None:
        package, version = _package(point)
        plugin = Plugin(point.name, package, version)
        if point.name in self._plugins:
            other = self._plugins[point.name]
            key = f"{point.name}@{package}"
            if (other.package, other.version) == (package, version):
                return  # the same distribution seen twice on sys.path
            self._plugins[key] = _broken(plugin, f"its name is taken by {other}")
            return
        self._plugins[point.name] = plugin
        try:
            module = point.load()
            contract = int(getattr(module, "PREFGAUGE_CONTRACT", CONTRACT))
            if contract != CONTRACT:
                raise PluginError(
                    f"it was written for plugin contract {contract}, this prefgauge has {CONTRACT}; "
                    f"{'upgrade prefgauge' if contract > CONTRACT else 'upgrade the plugin'}"
                )
            self.manager.register(module, point.name)
            unknown = [
                name
                for name in dir(module)
                if name.startswith("prefgauge_")
                and hasattr(getattr(module, name), "prefgauge_impl")
                and not hasattr(hookspecs, name)
            ]
            if unknown:
                raise PluginError(f"it implements {', '.join(unknown)}, which is no hook")
            bare = [
                name
                for name in dir(module)
                if hasattr(hookspecs, name)
                and name.startswith("prefgauge_")
                and not hasattr(getattr(module, name), "prefgauge_impl")
            ]
            if bare:
                raise PluginError(f"{', '.join(bare)} lacks the decorator @hookimpl")
            self._register(plugin, module)
        except Exception as error:
            if self.manager.has_plugin(point.name):
                self.manager.unregister(name=point.name)
            for entries in self._entries.values():
                for name in [n for n, entry in entries.items() if entry.plugin.name == point.name]:
                    del entries[name]
            reason = (
                str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
            )
            self._plugins[point.name] = _broken(plugin, " ".join(reason.split()))

    def _register(self, plugin: Plugin, module: object) -> None:
        for kind, hook in _HOOKS.items():
            function = getattr(module, hook, None)
            if function is None or not hasattr(function, "prefgauge_impl"):
                continue
            offered = function()
            if not isinstance(offered, Mapping):
                raise PluginError(
                    f"{hook} must return a mapping of names, not {type(offered).__name__}"
                )
            for name, target in offered.items():
                if not isinstance(name, str) or not (callable(target) or _is_target(target)):
                    raise PluginError(
                        f"{hook} must map names to a class or a 'package.module:Object' string; "
                        f"{name!r} maps to {target!r}"
                    )
                if taken := self._entries[kind].get(name):
                    raise PluginError(f"its {kind} {name!r} is already provided by {taken.plugin}")
                self._entries[kind][name] = Entry(kind, name, target, plugin)

    def plugins(self) -> list[Plugin]:
        """Every discovered plugin, working or not."""
        return list(self._plugins.values())

    def entries(self, kind: Kind) -> Iterator[Entry]:
        """All registered names of a kind, sorted."""
        return iter(sorted(self._entries[kind].values(), key=lambda entry: entry.name))

    def names(self, kind: Kind) -> list[str]:
        """All registered names of a kind, sorted."""
        return sorted(self._entries[kind])

    def entry(self, kind: Kind, name: str) -> Entry:
        """The entry of that name.

        Raises
        ------
        UnknownName: with the nearest names, and the plugins that failed to load, if any.
        """
        try:
            return self._entries[kind][name]
        except KeyError:
            broken = [str(plugin) for plugin in self.plugins() if plugin.problem]
            hint = (
                f"Plugins that failed to load: {', '.join(broken)}; see `prefgauge plugins`."
                if broken
                else ""
            )
            raise UnknownName(kind, name, self._entries[kind], hint) from None

    def bench(self, name: str) -> Bench:
        """The bench of that id, ready to be read."""
        entry = self.entry("bench", name)
        bench = made(entry)
        if not isinstance(bench, Bench):
            raise wrong(entry, "a Bench", bench)
        if bench.card.id != name:
            raise PluginError(f"Bench {name!r} of {entry.plugin} calls itself {bench.card.id!r}.")
        return of_this_contract(entry, bench)

    def scorer(self, address: str | Address) -> Scorer[Any]:
        """The scorer at an address, constructed but not opened."""
        parsed = Address.parse(address) if isinstance(address, str) else address
        entry = self.entry("scorer", parsed.scheme)
        factory = entry.load()
        try:
            scorer = factory(parsed)
        except PrefgaugeError:
            raise
        except Exception as error:
            raise PluginError(
                f"The scorer {entry.name!r} of plugin {entry.plugin} cannot be made from its address "
                f"({type(error).__name__}: {error}); it must take one: def __init__(self, address)."
            ) from error
        if not isinstance(scorer, Scorer):
            raise wrong(entry, "a Scorer", scorer)
        if not hasattr(scorer, "card") or not hasattr(scorer, "form"):
            raise PluginError(
                f"The scorer {entry.name!r} of {entry.plugin} has no card or no form."
            )
        if scorer.card.form != scorer.form:
            raise PluginError(
                f"The scorer {entry.name!r} of {entry.plugin} is {scorer.form} by its class, but "
                f"{scorer.card.form} by its card."
            )
        modalities: Any = scorer.card.modalities
        if isinstance(modalities, str):
            raise PluginError(
                f"The card of scorer {entry.name!r} of {entry.plugin}: modalities must be a set, such "
                f"as frozenset({{{modalities!r}}})."
            )
        return of_this_contract(entry, scorer)

    def metric(self, name: str) -> Metric:
        """The metric of that name."""
        entry = self.entry("metric", name)
        metric = made(entry)
        if not isinstance(metric, Metric):
            raise wrong(entry, "a Metric", metric)
        return of_this_contract(entry, metric)

    def tracker(self, address: str | Address) -> Tracker:
        """The tracker at an address."""
        parsed = Address.parse(address) if isinstance(address, str) else address
        entry = self.entry("tracker", parsed.scheme)
        tracker = entry.load()(parsed)
        if not isinstance(tracker, Tracker):
            raise wrong(entry, "a Tracker", tracker)
        return tracker

    def part(self, name: str) -> Any:
        """The part of that dotted name, loaded."""
        return self.entry("part", name).load()


def _is_target(target: object) -> bool:
    return isinstance(target, str) and all(target.partition(":"))


def _package(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:
        return "unknown package", "?"
    return point.dist.name, point.dist.version


def _broken(plugin: Plugin, problem: str) -> Plugin:
    return Plugin(plugin.name, plugin.package, plugin.version, problem)


@cache
def _default() -> Registry:
    return Registry()


def default() -> Registry:
    """The registry of this environment, built once."""
    return _default()
