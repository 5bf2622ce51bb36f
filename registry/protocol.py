"""Protocols: a bench's published way from outcomes to its headline number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from prefgauge.registry.cards import Form, Option

__all__ = ["InvalidRule", "MetricUse", "Protocol", "Weighting"]


#: How an unreadable verdict counts: as wrong, as half a point, as a quarter, or not at all.
InvalidRule: TypeAlias = Literal["wrong", "half", "quarter", "drop"]


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric by name with options, such as ``MetricUse("pair-accuracy", {"ties": "net"})``."""

    metric: str
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weighting:
    """From subset values to the headline.

    kind ``"pooled"``: all rows alike. ``"subsets"``: plain mean over subsets. ``"sections"``:
    plain mean over sections, each the weighted mean of its subsets by `sections`
    (section -> subset -> weight); subsets that a run did not see are left out of the mean and
    named in the result.
    """

    kind: Literal["pooled", "subsets", "sections"] = "pooled"
    sections: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A bench's published protocol.

    Parameters
    ----------
    name: what results call it; `source` is the paper section or script it follows.
    headline: the headline metric; `by_form` overrides it for one scorer form (a bench may ask
        scalar models another way than judges).
    orders: ``"given"``: pairs are shown once, in the published order; ``"both"``: in both.
    weighting: from subsets to the headline.
    invalid: how an unreadable verdict counts.
    pairs: ``"labelled"``: only the pairs that labels speak of; ``"all"``: every pair of
        candidates (round robin), also for rated and ranked samples.
    dimension: the dimension of the headline; None: the first on the bench's card.
    beside: further metrics of this protocol, reported beside the headline under their names.
    """

    name: str
    source: str
    headline: MetricUse
    by_form: Mapping[Form, MetricUse] = field(default_factory=dict)
    orders: Literal["given", "both"] = "both"
    weighting: Weighting = field(default_factory=Weighting)
    invalid: InvalidRule = "wrong"
    pairs: Literal["labelled", "all"] = "labelled"
    dimension: str | None = None
    beside: tuple[MetricUse, ...] = ()

    def use(self, form: Form) -> MetricUse:
        """The headline metric for a scorer of `form`."""
        return self.by_form.get(form, self.headline)
