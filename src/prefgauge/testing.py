"""Conformance suites for plugin authors: subclass one in your tests, and pytest does the rest.

::

    from prefgauge.testing import BenchConformance
    from my_package import MyBench

    class TestMyBench(BenchConformance):
        bench = MyBench
        rows = [({"id": "1", "theme": "snow", ...}, "expected sample id"), ...]   # for a RowBench
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from prefgauge.registry import (
    Bench,
    Device,
    Metric,
    RowBench,
    Sample,
    Scorer,
    Source,
    content,
    default,
)
from prefgauge.registry.address import Address
from prefgauge.registry.bench import BAD_ROW
from prefgauge.registry.labels import Preference, Ranking, Rating
from prefgauge.runners.conformance import best_of, check_bench, check_metric, check_scorer

__all__ = ["BenchConformance", "MetricConformance", "ScorerConformance", "text_samples"]


def text_samples(count: int = 4) -> list[Sample]:
    """Made samples with three text candidates and labels of every kind."""
    return [
        Sample(
            id=f"made-{number}",
            prompt=content(f"What is {number} and {number}?"),
            candidates=tuple(
                content(f"{number + number + extra} " * (extra + 1)) for extra in range(3)
            ),
            labels=(
                Preference(0, 1, "first" if number % 2 else "second"),
                Ranking((1.0, 2.0, 3.0)),
                *(Rating(i, float(5 - i - number % 2)) for i in range(3)),
            ),
            systems=("a", "b", "c"),
        )
        for number in range(count)
    ]


class BenchConformance:
    """Checks a bench.

    Attributes
    ----------
    bench: the bench class.
    rows: for a :class:`RowBench`, published rows with the id their sample must have.
    better: published rows with the number of the candidate that people call the best, so that a
        label read the wrong way round is noticed.
    bad_rows: rows that must be refused with an error that becomes a BadRow (KeyError, TypeError,
        ValueError, AttributeError, IndexError, ArithmeticError).
    source: where its data is; by default as the command line finds it.
    bad_rows_known: so many rows of the published data are broken, and known to be.
    """

    bench: ClassVar[type[Bench]]
    rows: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = ()
    better: ClassVar[Sequence[tuple[Mapping[str, Any], int]]] = ()
    bad_rows: ClassVar[Sequence[Mapping[str, Any]]] = ()
    source: ClassVar[Source | None] = None
    bad_rows_known: ClassVar[int] = 0

    def test_conforms(self) -> None:
        """Card, protocol, ids, labels, determinism."""
        source = self.source or Source.default()
        _none(check_bench(default(), self.bench(), source, bad_rows=self.bad_rows_known))

    def test_rows_map_to_samples_and_stay_as_they_are(self) -> None:
        """The mapping is pure, and gives the expected ids."""
        bench = self.bench()
        for row, expected in self.rows:
            assert isinstance(bench, RowBench), "rows are for a RowBench"
            before = copy.deepcopy(dict(row))
            sample = bench.to_sample(row, "default/0")
            assert sample is not None
            assert sample.id == expected
            assert sample == bench.to_sample(row, "default/0")
            assert dict(row) == before

    def test_labels_point_to_the_better_candidate(self) -> None:
        """Label direction: the best candidate by labels and card is the known one."""
        bench = self.bench()
        for row, expected in self.better:
            assert isinstance(bench, RowBench), "better is for a RowBench"
            sample = bench.to_sample(row, "default/0")
            assert sample is not None
            best = best_of(bench, sample)
            if best != expected:
                raise AssertionError(
                    f"the labels of {sample.id!r} call candidate {best} the best, not {expected}: "
                    "are winner, scale or higher_is_better turned round?"
                )

    def test_bad_rows_are_refused(self) -> None:
        """A row of another shape raises what becomes a BadRow."""
        bench = self.bench()
        for row in self.bad_rows:
            assert isinstance(bench, RowBench), "bad_rows are for a RowBench"
            try:
                sample = bench.to_sample(row, "default/0")
            except BAD_ROW:
                continue
            raise AssertionError(f"{row!r} was taken as {sample!r}")


class ScorerConformance:
    """Checks a scorer.

    Attributes
    ----------
    address: such as ``"brevity?tie_within=5"``.
    factory: makes it from the address; by default the registered one.
    bench: id of a bench to take samples from; by default made texts.
    """

    address: ClassVar[str]
    factory: ClassVar[Any] = None
    bench: ClassVar[str | None] = None

    def test_conforms(self) -> None:
        """Determinism, batch invariance, proper outcomes, symmetry."""
        if type(self).factory is None:
            scorer: Scorer[Any] = default().scorer(self.address)
        else:
            scorer = type(self).factory(Address.parse(self.address))
        samples = text_samples()
        if self.bench is not None:
            rows = default().bench(self.bench).read(Source.default())
            samples = [row for row in islice(rows, 4) if isinstance(row, Sample)]
        _none(check_scorer(default(), scorer, samples, Device("cpu")))


class MetricConformance:
    """Checks a metric class on made samples with labels of every kind."""

    metric: ClassVar[type[Metric]]

    def test_conforms(self) -> None:
        """Range, determinism, reasons."""
        _none(check_metric(self.metric(), text_samples(12)))


def _none(problems: Sequence[str]) -> None:
    """Fail with the problems as the message (assert is not rewritten in an installed module)."""
    if problems:
        raise AssertionError("\n".join(problems))
