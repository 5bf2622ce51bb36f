"""Auto-J leaderboard output: one ``{"output": 0|1|2}`` per line of the test set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from prefgauge.plugins.scorers.replay.readings import NoVerdict, auto_j
from prefgauge.plugins.scorers.replay.records import Format, Head, Record, rows_of
from prefgauge.registry import BadRow, Outcome

__all__ = ["AutoJOutput"]


class AutoJOutput(Format):
    """0: the response shown first is better, 1: the one shown second, 2: a tie; row n speaks of
    row n of ``testdata_pairwise.jsonl``. The answers given with swapped responses are a second
    file, named by the option ``swapped`` and not turned back."""

    name: ClassVar[str] = "auto-j"
    summary: ClassVar[str] = "Auto-J leaderboard output"
    options: ClassVar[Mapping[str, str]] = {
        "swapped": "the output file for the exchanged order of responses"
    }
    file_options: ClassVar[tuple[str, ...]] = ("swapped",)

    def matches(self, head: Head) -> bool:
        """Rows with nothing but ``output``."""
        return set(head.row) == {"output"}

    def read(self, path: Path, options: Mapping[str, str]) -> Iterator[Record | BadRow]:
        """See :meth:`Format.read`."""
        yield from _verdicts(path, (0, 1))
        if swapped := options.get("swapped"):
            yield from _verdicts(Path(swapped), (1, 0))


def _verdicts(path: Path, shown: tuple[int, int]) -> Iterator[Record | BadRow]:
    for where, index, row in rows_of(path):
        if isinstance(row, BadRow):
            yield row
            continue
        value = row.get("output")
        try:
            outcome = Outcome.preference(auto_j(value).p_first)
        except NoVerdict:
            outcome = Outcome.invalid("the output is not 0, 1 or 2", critique=str(value))
        yield Record(f"testdata_pairwise/{index}", shown, outcome, where)
