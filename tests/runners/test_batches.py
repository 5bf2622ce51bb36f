"""Which requests go together: groups that share a prompt stay whole where they fit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import Counting, sample

from prefgauge.registry import Request
from prefgauge.runners.batches import Pending, batches, total_cost


class Sharing(Counting):
    """Requests cost what their key says; those of a sample have 10 of it in common."""

    padded = False

    def share_key(self, prepared: Request) -> Hashable:
        return prepared.sample.id

    def group_cost(self, group: Sequence[Request]) -> int:
        return sum(self.costs[one.sample.id, one.candidates] for one in group) - 10 * (
            len(group) - 1
        )

    def __init__(self, costs: dict[tuple[str, tuple[int, ...]], int]) -> None:
        super().__init__()
        self.costs = costs


def made(sizes: Sequence[Sequence[int]]) -> tuple[Sharing, list[Pending]]:
    """One sample per row, one request per number, which is its cost beyond the shared 10."""
    items, costs = [], {}
    for number, row in enumerate(sizes):
        for index, size in enumerate(row):
            request = Request("made", sample(number), (index,))
            costs[request.sample.id, request.candidates] = 10 + size
            items.append(Pending(request, bytes([number, index]), request, 10 + size))
    return Sharing(costs), items


def shapes(found: Sequence[Sequence[Pending]]) -> list[list[str]]:
    return [[item.request.sample.id for item in batch] for batch in found]


def test_a_group_that_fits_is_never_split() -> None:
    # by hand: s0 costs 10 + 4 x 5 = 30 and s1 as much, of nominally 60 each
    scorer, items = made([[5] * 4, [5] * 4])
    assert shapes(list(batches(items, scorer, lambda: 60))) == [["s0"] * 4 + ["s1"] * 4]
    # nominal costs would have filled a batch of 59 after three requests of s0
    assert shapes(list(batches(items, scorer, lambda: 59))) == [["s0"] * 4, ["s1"] * 4]
    assert total_cost(items, scorer) == 60


def test_a_group_too_large_is_halved() -> None:
    scorer, items = made([[10] * 8])  # 90 together, 50 by halves, 30 by quarters
    assert [len(b) for b in batches(items, scorer, lambda: 50)] == [4, 4]
    # two quarters and their prompt twice: 60
    assert [len(b) for b in batches(items, scorer, lambda: 49)] == [2, 2, 2, 2]
    assert [len(b) for b in batches(items, scorer, lambda: 5)] == [1] * 8


def test_a_budget_learned_on_the_way_counts_at_once() -> None:
    scorer, items = made([[10], [10], [10], [10]])
    budget = [80]
    found = []
    for batch in batches(items, scorer, lambda: budget[0]):
        found.append(len(batch))
        budget[0] = 20
    assert found == [4]
    budget[0] = 40
    found = []
    for batch in batches(items, scorer, lambda: budget[0]):
        found.append(len(batch))
        budget[0] = 20
    assert found == [2, 1, 1]


def test_groups_that_save_nothing_fill_their_batches() -> None:
    class Alike(Counting):
        padded, batch_size = False, 4

        def share_key(self, prepared: Request) -> Hashable:
            return prepared.sample.id

        def cost(self, prepared: Request) -> int:
            return 11

    _, items = made([[1] * 3, [1] * 3, [1] * 3])
    found = list(batches(items, Alike(), lambda: 1000))
    assert [len(batch) for batch in found] == [4, 4, 1]
    assert [name for batch in shapes(found) for name in batch] == ["s0"] * 3 + ["s1"] * 3 + [
        "s2"
    ] * 3


@given(
    st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=6), min_size=1, max_size=12),
    st.integers(1, 200),
    st.integers(1, 9),
)
@settings(max_examples=150, deadline=None)
def test_every_request_once_within_the_budget(
    sizes: list[list[int]], budget: int, largest: int
) -> None:
    scorer, items = made(sizes)
    scorer.batch_size = largest
    found = list(batches(items, scorer, lambda: budget))
    assert sorted(i.key for b in found for i in b) == sorted(i.key for i in items)
    for batch in found:
        assert len(batch) <= largest
        assert len(batch) == 1 or total_cost(batch, scorer) <= budget
    # a group that fits lies in one batch
    for number, row in enumerate(sizes):
        if 10 + sum(row) <= budget and len(row) <= largest:
            assert sum(any(i.key[0] == number for i in b) for b in found) == 1


def test_padded_batches_cost_their_longest() -> None:
    scorer = Counting()
    items = [
        Pending(Request("made", sample(i), (0,)), bytes([i]), Request("made", sample(i), (0,)), c)
        for i, c in enumerate((9, 5, 4, 4, 1))
    ]
    assert [[i.cost for i in b] for b in batches(items, scorer, lambda: 12)] == [
        [9],
        [5, 4],
        [4, 1],
    ]
    assert total_cost(items, scorer) == pytest.approx(45)
