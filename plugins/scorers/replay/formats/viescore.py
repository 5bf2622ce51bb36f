"""VIEScore answer files: a judge's scores of ImagenHub's pictures, one file per model and aspect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from prefgauge.plugins.scorers.replay.readings import NoVerdict, viescore
from prefgauge.plugins.scorers.replay.records import Format, Head, Record, gap, rows_of
from prefgauge.registry import BadRow, Outcome

__all__ = ["VIEScoreAnswers"]

_ASPECTS = ("SC", "PQ")
#: VIEScore's names of models and tasks where ImagenHub's rating files have another
_MODELS = {"DALLE2": "DALLE"}
_TASKS = {"Multi-Concept_IC": "Multi-Subject_IG", "Text-Guided_IG": "Text-To-Image"}


class VIEScoreAnswers(Format):
    """``ImagenHub_<task>/<model>/{SC,PQ}.json``, each ``{uid: {"score": [...], "reasoning"}}``
    with sub-scores 0..10. The aspect is their minimum over ten, each cut to its whole part, as
    VIEScore's notebook does; O, the overall score, is the geometric mean of both (VIEScore,
    arXiv:2312.14867, section 3), equal where their products are equal, which in the notebook
    rounding noise decides. Replay all of a judge's files:
    ``replay:_answers/results_gpt4o_0shot/*/*/*.json``."""

    name: ClassVar[str] = "viescore"
    summary: ClassVar[str] = "VIEScore answers of a judge"
    main: ClassVar[str] = "O"

    def matches(self, head: Head) -> bool:
        """A file SC.json or PQ.json whose entries have a list of scores."""
        return head.path.stem in _ASPECTS and {"key", "score"} <= set(head.row)

    def read(self, path: Path, options: Mapping[str, str]) -> Iterator[Record | BadRow]:
        """See :meth:`Format.read`. The overall score comes with SC, from the PQ file beside it."""
        aspect = path.stem
        model = _MODELS.get(path.parent.name, path.parent.name)
        folder = path.parent.parent.name.removeprefix("ImagenHub_")
        task = _TASKS.get(folder, folder)
        beside = path.with_name("PQ.json")
        quality = _aspect(beside) if aspect == "SC" and beside.is_file() else {}
        for where, _, row in rows_of(path):
            if isinstance(row, BadRow):
                yield row
                continue
            uid = str(row.get("key"))
            value = _least(row)
            critique = row.get("reasoning") or None
            if value is None:
                reason = f"no scores in {row.get('score')!r}"
                outcome = gap("invalid", reason, aspect, critique=critique)
            else:
                values = {aspect: value / 10}
                if (other := quality.get(uid)) is not None:
                    # whole numbers below the root: equal products are equal scores, to the bit
                    values[self.main] = math.sqrt(value * other) / 10
                outcome = Outcome.score(values, critique=critique)
            yield Record(f"{task}/{uid}", (model,), outcome, f"{model}/{where}")


def _aspect(path: Path) -> dict[str, int | None]:
    return {
        str(row.get("key")): _least(row)
        for _, _, row in rows_of(path)
        if not isinstance(row, BadRow)
    }


def _least(row: Mapping[str, Any]) -> int | None:
    try:
        return viescore(row.get("score"))
    except NoVerdict:
        return None
