"""JudgeBench's own output files: the published record with a list ``judgments``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from prefgauge.plugins.scorers.replay.readings import NoVerdict, judgebench
from prefgauge.plugins.scorers.replay.records import (
    Format,
    Head,
    Record,
    outcome_of_score,
    rows_of,
)
from prefgauge.registry import OVERALL, BadRow, Outcome

__all__ = ["JudgeBenchOutput"]


class JudgeBenchOutput(Format):
    """``judgments[0]`` was made in the published order, ``judgments[1]`` with answers swapped.

    Reward models left both scores (``judgment.scores``): they are replayed as pointwise scores
    of the first judgment. Judges left a decision ``A>B`` / ``B>A`` / ``A=B``, where A is the
    answer shown first.
    """

    name: ClassVar[str] = "judgebench"
    summary: ClassVar[str] = "JudgeBench output of a judge or reward model"

    def matches(self, head: Head) -> bool:
        """Rows with ``pair_id`` and ``judgments``."""
        return {"pair_id", "judgments"} <= set(head.row)

    def read(self, path: Path, options: Mapping[str, str]) -> Iterator[Record | BadRow]:
        """See :meth:`Format.read`."""
        for where, _, row in rows_of(path):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                yield from _records(row, where)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                yield BadRow(where, f"not a JudgeBench output: {type(error).__name__} {error}")


def _records(row: Mapping[str, Any], where: str) -> Iterator[Record]:
    pair = str(row["pair_id"])
    judgments = row["judgments"]
    scores = (judgments[0].get("judgment") or {}).get("scores")
    if scores is not None:
        first, second = scores
        yield Record(pair, (0,), outcome_of_score(first, OVERALL), where)
        yield Record(pair, (1,), outcome_of_score(second, OVERALL), where)
        return
    for shown, judgment in zip(((0, 1), (1, 0)), judgments, strict=False):
        critique = (judgment.get("judgment") or {}).get("response") or None
        yield Record(pair, shown, _decision(judgment["decision"], critique), where)


def _decision(decision: object, critique: str | None) -> Outcome:
    """P(the answer shown first is better). A null decision moves the benchmark's count by
    nothing, exactly as a tie does, so it is replayed as one and keeps its name."""
    if decision is None:
        return Outcome.preference(0.5, verdict="null", critique=critique)
    try:
        return Outcome.preference(judgebench(decision).p_first, critique=critique)
    except NoVerdict:
        return Outcome.invalid("the recorded decision is unknown", critique=str(decision))
