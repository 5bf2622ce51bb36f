"""Which requests go to the device together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.registry.outcome import Request
from prefgauge.registry.scorer import Scorer

__all__ = ["Pending", "batches", "total_cost"]


@dataclass(slots=True)
class Pending:
    """A request waiting for its answer, with its ledger key."""

    request: Request
    key: bytes
    prepared: Any = None
    cost: int = 0
    problem: str = ""


def batches(
    items: Sequence[Pending], scorer: Scorer[Any], budget: Callable[[], int]
) -> Iterator[list[Pending]]:
    """Greedy batches of prepared requests under a budget, dearest first.

    Requests with an equal share key lie next to each other. Where their scorer spends less on
    them together (a shared prompt counts once), they stay in one batch: a group is only split
    where it does not fit a batch by itself, and then by halves.

    Parameters
    ----------
    budget: the largest cost of a batch, asked anew for each; a request dearer than that goes
        alone.
    """
    groups = _groups(items, scorer)
    for group in groups:
        group.sort(key=lambda item: -item.cost)
    groups.sort(key=lambda group: -group[0].cost)
    if scorer.padded:
        yield from _padded([item for group in groups for item in group], scorer, budget)
        return
    batch: list[Pending] = []
    spent = 0
    for group in groups:
        for part, cost in _fitting(group, scorer, budget()):
            if batch and (spent + cost > budget() or len(batch) + len(part) > scorer.batch_size):
                yield batch
                batch, spent = [], 0
            batch += part
            spent += cost
    if batch:
        yield batch


def total_cost(batch: Sequence[Pending], scorer: Scorer[Any]) -> int:
    """What a batch costs: its longest request times its size with padding, else the sum over its
    groups."""
    if scorer.padded:
        return max(item.cost for item in batch) * len(batch)
    return sum(_group_cost(group, scorer) for group in _groups(batch, scorer))


def _groups(items: Sequence[Pending], scorer: Scorer[Any]) -> list[list[Pending]]:
    """Items with an equal share key together, in order of first occurrence."""
    groups: dict[Hashable, list[Pending]] = {}
    for number, item in enumerate(items):
        key = scorer.share_key(item.prepared)
        groups.setdefault(("alone", number) if key is None else ("share", key), []).append(item)
    return list(groups.values())


def _group_cost(group: Sequence[Pending], scorer: Scorer[Any]) -> int:
    if len(group) == 1:
        return group[0].cost
    return max(1, int(scorer.group_cost([item.prepared for item in group])))


def _padded(
    items: Sequence[Pending], scorer: Scorer[Any], budget: Callable[[], int]
) -> Iterator[list[Pending]]:
    batch: list[Pending] = []
    longest = 0
    for item in items:
        longest = max(longest, item.cost)
        full = longest * (len(batch) + 1) > budget() or len(batch) >= scorer.batch_size
        if batch and full:
            yield batch
            batch, longest = [], item.cost
        batch.append(item)
    if batch:
        yield batch


def _fitting(
    group: list[Pending], scorer: Scorer[Any], budget: int
) -> Iterator[tuple[list[Pending], int]]:
    """The group whole where it fits a batch, else in halves, with what each part costs; request
    by request where nothing is saved by keeping it together."""
    cost = _group_cost(group, scorer)
    if cost >= sum(item.cost for item in group):
        yield from (([item], item.cost) for item in group)
        return
    if cost <= budget and len(group) <= scorer.batch_size:
        yield group, cost
        return
    half = len(group) // 2
    yield from _fitting(group[:half], scorer, budget)
    yield from _fitting(group[half:], scorer, budget)
