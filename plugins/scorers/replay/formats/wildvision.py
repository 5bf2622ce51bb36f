"""WildVision-Bench judgement files: a judge's verdict on each answer against the reference's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from prefgauge.plugins.scorers.replay.readings import NoVerdict, arena_hard_label
from prefgauge.plugins.scorers.replay.records import Format, Head, Record, rows_of
from prefgauge.registry import BadRow, Outcome

__all__ = ["WildVisionJudgement"]


class WildVisionJudgement(Format):
    """Rows ``{question_id, model, judge, games}``; ``games[0].score`` is ``A>>B`` to ``B>>A``,
    A being the reference model, or whatever the judge wrote where no verdict was found. Its
    strength (3 for ``>>``) is kept in `extra`."""

    name: ClassVar[str] = "wildvision"
    summary: ClassVar[str] = "WildVision-Bench judgement file"

    def matches(self, head: Head) -> bool:
        """Rows with a question, a model and games."""
        return {"question_id", "model", "games"} <= set(head.row)

    def read(self, path: Path, options: Mapping[str, str]) -> Iterator[Record | BadRow]:
        """See :meth:`Format.read`."""
        for where, _, row in rows_of(path):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                key = f"{row['question_id']}/{row['model']}"
                yield Record(key, (0, 1), _verdict(row["games"][0]), where)
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                yield BadRow(where, f"not a judgement: {type(error).__name__} {error}")


def _verdict(game: Mapping[str, Any]) -> Outcome:
    critique = game.get("judgment") or game.get("judgement") or None
    try:
        read = arena_hard_label(str(game["score"]))
    except NoVerdict:
        return Outcome.invalid("no verdict was found in the judge's words", critique=critique)
    return Outcome.preference(read.p_first, critique=critique, extra={"strength": read.strength})
