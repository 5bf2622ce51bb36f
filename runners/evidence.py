"""Builds the tables that metrics read, while samples and outcomes stream by."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from prefgauge.registry.cards import Dimension, Form
from prefgauge.registry.evidence import (
    Evidence,
    GroupTable,
    PairTable,
    RaterTable,
    RatingTable,
)
from prefgauge.registry.labels import OVERALL, Preference, Ranking, Rating
from prefgauge.registry.outcome import Outcome
from prefgauge.registry.sample import Sample
from prefgauge.runners.answers import WINNERS, Answers, Shown
from prefgauge.runners.columns import Codes, Columns

__all__ = ["EvidenceBuilder"]

_SHARED = {"sample": "i", "cluster": "q", "subset": "i", "dimension": "i", "status": "B"}
_PAIR = {
    **_SHARED, "human": "d", "strength": "d", "weight": "d", "first": "i", "second": "i",
    "score_first": "d", "score_second": "d", "p_given": "d", "p_swapped": "d", "rater": "i",
    "human_class": "i", "verdict": "i", "system_first": "i", "system_second": "i",
}  # fmt: skip
_RATING = {
    **_SHARED, "human": "d", "human_n": "d", "human_std": "d", "score": "d", "candidate": "i",
    "system": "i",
}  # fmt: skip
_GROUP = {**_SHARED, "group": "i", "rank": "d", "score": "d", "candidate": "i", "system": "i"}
_RATER = {**_SHARED, "item": "i", "rater": "i", "value": "d", "candidate": "i", "system": "i"}


class EvidenceBuilder:
    """Collects one scorer's answers beside the labels of one bench.

    Parameters
    ----------
    label_dimensions: the bench's dimensions (their direction orients the labels).
    score_dimensions: the scorer's dimensions (their direction orients the scores). A label
        dimension is answered by the scorer dimension of the same name, else by its first one.
    form: the scorer's form.
    recorded: scores come from a file, whose directions nobody declared: a recorded dimension
        named like one of the bench's is taken to run the same way.
    """

    def __init__(
        self,
        label_dimensions: Sequence[Dimension],
        score_dimensions: Sequence[Dimension],
        form: Form,
        recorded: bool = False,
    ) -> None:
        self.form, self.recorded = form, recorded
        self.label_sign = {d.name: 1.0 if d.higher_is_better else -1.0 for d in label_dimensions}
        self.score_dimensions = tuple(score_dimensions)
        self.subsets, self.dimensions, self.systems = Codes(), Codes(), Codes()
        self.raters, self.classes, self.items = Codes(), Codes(), 0
        self.pairs, self.rater_pairs = Columns(**_PAIR), Columns(**_PAIR)
        self.ratings, self.groups = Columns(**_RATING), Columns(**_GROUP)
        self.rater_rows = Columns(**_RATER)
        self.group_count = 0
        self.sample_count = 0

    def add(self, sample: Sample, outcomes: Mapping[Shown, Outcome]) -> None:
        """Add one sample with the outcomes of its requests (by candidates as shown)."""
        shared: dict[str, Any] = {
            "sample": self.sample_count,
            "cluster": _cluster(sample.cluster),
            "subset": self.subsets[sample.subset],
        }
        self.sample_count += 1
        answers: dict[str, Answers] = {}
        rated: dict[tuple[str, int], int] = {}
        for label in sample.labels:
            name = label.dimension
            if name not in answers:
                answers[name] = self._answers(sample, name, outcomes)
            row: dict[str, Any] = {**shared, "dimension": self.dimensions[name]}
            if isinstance(label, Preference):
                self._add_pair(sample, label, row, answers[name])
            elif isinstance(label, Rating):
                self._add_rating(sample, label, row, answers[name], rated)
            else:
                self._add_ranking(sample, label, row, answers[name])

    def build(self) -> Evidence:
        """The tables, None for kinds of label that never occurred."""
        shared: dict[str, Any] = {
            "subsets": self.subsets.tuple(),
            "dimensions": self.dimensions.tuple(),
        }
        systems, raters = self.systems.tuple(), self.raters.tuple()

        def pair(columns: Columns) -> PairTable | None:
            if not len(columns):
                return None
            classes = self.classes.tuple()
            return PairTable(
                **columns.arrays(), **shared, raters=raters, classes=classes, systems=systems
            )

        return Evidence(
            pairs=pair(self.pairs),
            rater_pairs=pair(self.rater_pairs),
            ratings=RatingTable(**self.ratings.arrays(), **shared, systems=systems)
            if len(self.ratings)
            else None,
            groups=GroupTable(**self.groups.arrays(), **shared, systems=systems)
            if len(self.groups)
            else None,
            raters=RaterTable(**self.rater_rows.arrays(), **shared, raters=raters, systems=systems)
            if len(self.rater_rows)
            else None,
        )

    def _answers(self, sample: Sample, name: str, outcomes: Mapping[Shown, Outcome]) -> Answers:
        dimension = next((d for d in self.score_dimensions if d.name == name), None)
        dimension = dimension or self.score_dimensions[0]
        sign = 1.0 if dimension.higher_is_better else -1.0
        if self.recorded and dimension.name == name != OVERALL and sign > 0:
            sign = self.label_sign.get(name, 1.0)  # recorded on the bench's own dimension
        return Answers(len(sample.candidates), self.form, dimension.name, sign, outcomes)

    def _add_pair(
        self, sample: Sample, label: Preference, row: dict[str, Any], answers: Answers
    ) -> None:
        sign = self.label_sign.get(label.dimension, 1.0)
        human = label.p_first if sign > 0 else 1.0 - label.p_first
        table = self.pairs if label.rater is None else self.rater_pairs
        self._pair_row(
            table, sample, row, answers, label.first, label.second,
            human=human,
            strength=math.nan if label.strength is None else label.strength,
            weight=label.weight,
            rater=-1 if label.rater is None else self.raters[label.rater],
            human_class=self.classes[label.kind if label.winner == "tie" and label.kind else label.winner],
        )  # fmt: skip

    def _pair_row(
        self,
        table: Columns,
        sample: Sample,
        row: dict[str, Any],
        answers: Answers,
        i: int,
        j: int,
        **label: float,
    ) -> None:
        p_given, p_swapped, status = answers.pair(i, j)
        verdict = answers.verdict(i, j)
        table.add(
            verdict=-1 if verdict is None else self.classes[verdict],
            **row, **label, first=i, second=j, status=status,
            score_first=answers.score(i), score_second=answers.score(j),
            p_given=p_given, p_swapped=p_swapped,
            system_first=self._system(sample, i), system_second=self._system(sample, j),
        )  # fmt: skip

    def _system(self, sample: Sample, i: int) -> int:
        return self.systems[sample.systems[i]] if sample.systems else -1

    def _add_rating(
        self,
        sample: Sample,
        label: Rating,
        row: dict[str, Any],
        answers: Answers,
        rated: dict[tuple[str, int], int],
    ) -> None:
        i = label.candidate
        sign = self.label_sign.get(label.dimension, 1.0)
        row = {**row, "candidate": i, "system": self._system(sample, i)}
        if label.rater is None:
            self.ratings.add(
                **row, human=sign * label.value, score=answers.score(i, adapt=True),
                status=answers.status(i),
                human_n=math.nan if label.n is None else label.n,
                human_std=math.nan if label.std is None else label.std,
            )  # fmt: skip
            return
        key = (label.dimension, i)
        if key not in rated:
            rated[key] = self.items
            self.items += 1
        self.rater_rows.add(
            **row, item=rated[key], rater=self.raters[label.rater], value=sign * label.value,
            status=answers.status(i),
        )  # fmt: skip

    def _add_ranking(
        self, sample: Sample, label: Ranking, row: dict[str, Any], answers: Answers
    ) -> None:
        rater = -1 if label.rater is None else self.raters[label.rater]
        table = self.pairs if label.rater is None else self.rater_pairs
        for i, j in combinations(range(len(label.ranks)), 2):
            human = 0.5 + 0.5 * float(np.sign(label.ranks[j] - label.ranks[i]))
            self._pair_row(
                table, sample, row, answers, i, j, human=human, strength=math.nan, weight=1.0,
                rater=rater,
                human_class=self.classes[WINNERS[human]],
            )  # fmt: skip
        if label.rater is not None:
            return
        for i, rank in enumerate(label.ranks):
            self.groups.add(
                **row, group=self.group_count, rank=rank, score=answers.score(i, adapt=True),
                candidate=i, status=answers.status(i),
                system=self._system(sample, i),
            )  # fmt: skip
        self.group_count += 1


def _cluster(name: str) -> int:
    """A 63-bit number for a cluster name: ten million names need no dictionary."""
    head = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(head, "big") >> 1
