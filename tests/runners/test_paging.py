"""Arrays in files: the values of numpy, for every metric and function, and little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefgauge.registry import default
from prefgauge.registry.evidence import Evidence, PairTable, RatingTable, Table
from prefgauge.registry.metric import Settings
from prefgauge.runners.columns import Columns, Spool
from prefgauge.runners.paging import scratch
from prefgauge.runners.paging.array import Paged, empty, paged
from prefgauge.runners.paging.functions import ordered


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Everything is large, and a block is seven rows."""
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path))
    monkeypatch.setattr(scratch, "LARGE", 1)
    monkeypatch.setattr(scratch, "BLOCK", 7)
    yield
    assert not list((tmp_path / "scratch").glob("*")), "temporary files have no name"


def in_file(values: Any) -> Any:
    out = empty(values.shape, values.dtype)
    out[...] = values
    return out


X = np.array([3.0, -1.0, np.nan, 3.0, 0.0, -0.0, 7.5, np.inf, -np.inf, 3.0, np.nan, 2.0] * 3)
CODES = np.array([4, 0, 2, 2, 9, 0, 1, 1, 1, 3, 4, 2] * 3, np.int32)


@pytest.mark.parametrize(
    "work",
    [
        lambda x, c: x + 1.5,
        lambda x, c: np.float32(2) * c,
        lambda x, c: x[c > 1],
        lambda x, c: x[c],
        lambda x, c: np.where(x > 1, x, 0.5),
        lambda x, c: np.flatnonzero(x == 3.0),
        lambda x, c: np.unique(x),
        lambda x, c: np.unique(c, return_index=True, return_inverse=True, return_counts=True),
        lambda x, c: np.unique(x, return_inverse=True, return_counts=True),
        lambda x, c: np.sort(c)[::-1],
        lambda x, c: np.argsort(x, kind="stable"),
        lambda x, c: np.argsort(c.astype(np.int64) << 40, kind="stable"),
        lambda x, c: np.lexsort((x, c)),
        lambda x, c: np.bincount(c, minlength=12),
        lambda x, c: np.bincount(c, weights=np.nan_to_num(x, posinf=4, neginf=2)),
        lambda x, c: np.cumsum(x > 1),
        lambda x, c: np.maximum.accumulate(c),
        lambda x, c: np.searchsorted(np.arange(10), c, side="right"),
        lambda x, c: np.concatenate([[1.0], x, c]),
        lambda x, c: np.stack([c, c * 2], axis=1)[c],
        lambda x, c: np.repeat(c, 3),
        lambda x, c: np.median(c),
        lambda x, c: np.quantile(c, [0.1, 0.9]),
        lambda x, c: (c.mean(), c.std(), c.max(), np.ptp(c), (c > 2).all()),
        lambda x, c: np.diff(c),
        lambda x, c: c.astype(np.float64).take([1, 2]),
        lambda x, c: np.full_like(c, 7, shape=3),
    ],
)  # fmt: skip
def test_values_are_those_of_numpy(work: Callable[[Any, Any], Any]) -> None:
    expected, found = work(X, CODES), work(in_file(X), in_file(CODES))
    if not isinstance(expected, tuple):
        expected, found = (expected,), (found,)
    for want, got in zip(expected, found, strict=True):
        assert np.asarray(want).dtype == np.asarray(got).dtype
        np.testing.assert_array_equal(np.asarray(want), np.asarray(got))


def test_results_lie_in_files_too() -> None:
    x = in_file(X)
    for made in (x + 1, x[x > 0], x.astype(np.float32), np.where(x > 0, x, 0), np.argsort(x)):
        assert isinstance(made, Paged)
    assert isinstance(paged(np.arange(5)), Paged)


def test_the_order_is_stable_for_every_kind_of_number() -> None:
    rng = np.random.default_rng(0)
    for values in (
        rng.integers(-3, 3, 100),
        rng.integers(-(1 << 62), 1 << 62, 50).repeat(2),
        rng.integers(0, 5, 100).astype(np.uint8),
        rng.random(100).round(1),
        rng.random(100) > 0.5,
    ):
        np.testing.assert_array_equal(ordered(values), np.argsort(values, kind="stable"))


def test_columns_spill_and_keep_every_row() -> None:
    columns = Columns(cluster="q", value="d", code="i")
    rows = [(hash(n % 5) << 50, n / 3, n - 50) for n in range(100)]
    for cluster, value, code in rows:
        columns.add(cluster=cluster, value=value, code=code)
    found = columns.arrays()
    assert isinstance(found["value"], Paged)
    assert found["value"].tolist() == [value for _, value, _ in rows]
    assert found["code"].tolist() == [code for *_, code in rows]
    assert found["cluster"].tolist() == [n % 5 for n in range(100)]
    assert found["cluster"].dtype == np.int32


def test_a_full_disk_leaves_columns_and_arrays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scratch, "spool", full)
    column = Spool("d")
    for number in range(20):
        column.add(number)
    assert column.array().tolist() == list(range(20))
    assert (in_file(CODES) + 1).tolist() == (CODES + 1).tolist()


def tables(n: int = 200) -> Evidence:
    rng = np.random.default_rng(3)
    shared: dict[str, Any] = {
        "sample": np.arange(n, dtype=np.int32), "cluster": (np.arange(n) // 3).astype(np.int32),
        "subset": rng.integers(0, 3, n).astype(np.int32), "dimension": np.zeros(n, np.int32),
        "status": rng.choice([0, 0, 0, 0, 1, 2], n).astype(np.uint8),
        "subsets": ("a", "b", "c"), "dimensions": ("overall",),
    }  # fmt: skip
    number = {name: rng.integers(0, 4, n).astype(np.int32) for name in ("system", "x", "y")}
    score = rng.standard_normal(n).round(1)
    nothing = np.full(n, np.nan)
    classes = ("first", "second", "tie")
    return Evidence(
        pairs=PairTable(
            **shared, human=rng.choice([0.0, 0.5, 1.0], n), strength=rng.integers(0, 3, n) * 1.0,
            weight=np.ones(n), first=np.zeros(n, np.int32), second=np.ones(n, np.int32),
            score_first=score, score_second=score[::-1].copy(), p_given=nothing, p_swapped=nothing,
            rater=np.full(n, -1, np.int32), human_class=rng.integers(0, 3, n).astype(np.int32),
            verdict=rng.integers(0, 3, n).astype(np.int32), system_first=number["x"],
            system_second=number["y"], classes=classes, systems=("p", "q", "r", "s"),
        ),
        ratings=RatingTable(
            **shared, human=(score + rng.standard_normal(n)).round(), human_n=nothing,
            human_std=nothing, score=score, candidate=np.zeros(n, np.int32),
            system=number["system"], systems=("p", "q", "r", "s"),
        ),
    )  # fmt: skip


def moved(table: Table) -> Table:
    arrays = [f.name for f in fields(table) if isinstance(getattr(table, f.name), np.ndarray)]
    return replace(table, **{name: in_file(getattr(table, name)) for name in arrays})


@pytest.mark.parametrize("need", ["pairs", "ratings"])
def test_every_metric_is_the_same_over_files(need: str) -> None:
    plain = tables()
    table: Any = getattr(plain, need)
    in_files = replace(plain, **{need: moved(table)})
    settings = Settings(resamples=50, seed=1)
    compared = 0
    for entry in default().entries("metric"):
        metric = default().metric(entry.name)
        if metric.card.needs != need or not metric.card.common:
            continue
        want = metric.compute(plain, {}, settings)
        got = metric.compute(in_files, {}, settings)
        for name in ("value", "ci_low", "ci_high"):
            assert getattr(got, name) == pytest.approx(getattr(want, name), abs=1e-9), entry.name
        assert (got.n, got.ties, got.coverage) == (want.n, want.ties, want.coverage), entry.name
        compared += want.value is not None
    assert compared >= 5
