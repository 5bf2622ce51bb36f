"""Which scorers walk through a media bench side by side, and how: one decode for all of them.

Scorer by scorer, a media set larger than the cache is decoded once per scorer. Here the scorers of
one bench are stepped in turn through windows small enough for the cache (:mod:`.pace`), so that the
second scorer finds the first one's decodes. Each run keeps its own engine, ledger, counts and
bundle; only the order of work differs.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from prefgauge.registry.scorer import Scorer
from prefgauge.runners.pace import Pace

__all__ = ["groups", "walk"]

R = TypeVar("R")


def groups(scorers: Sequence[Scorer[Any]], together: int) -> list[list[Scorer[Any]]]:
    """Scorers that are open at the same time, each group closed before the next is opened.

    A scorer that knows its weight joins the first group that stays within `together` bytes with
    it; one that does not know it, or is heavier alone, has a group of its own.
    """
    found: list[list[Scorer[Any]]] = []
    room: list[int] = []
    for scorer in scorers:
        weight = scorer.weight_bytes()
        if weight is None or weight > together or together <= 0:
            found.append([scorer])
            room.append(-1)
            continue
        place = next((i for i, left in enumerate(room) if weight <= left), len(found))
        if place == len(found):
            found.append([])
            room.append(together)
        found[place].append(scorer)
        room[place] -= weight
    return found


def walk(runs: Sequence[Generator[None, None, R]], pace: Pace | None) -> list[R]:
    """Drive runs that pause after each sample, and return what they return.

    With a pace and several runs, each is stepped to the end of a window before any begins to
    deliver the next; otherwise one run follows the other. If one raises, or the walk is
    interrupted, the others are closed.
    """
    results: dict[int, R] = {}
    done = [0] * len(runs)
    number = 0
    try:
        while len(results) < len(runs):
            for place, run in enumerate(runs):
                goal = pace.end(number) if pace is not None and len(runs) > 1 else None
                while place not in results and (goal is None or done[place] < goal):
                    try:
                        next(run)
                    except StopIteration as end:
                        results[place] = end.value
                    done[place] += 1
            number += 1
    finally:
        for run in runs:
            run.close()
    return [results[place] for place in range(len(runs))]
