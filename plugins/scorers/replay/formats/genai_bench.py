"""GenAI-Bench (TIGER-AI-Lab) judge files: image generation, image editing, video generation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from prefgauge.plugins.scorers.replay.readings import (
    NoVerdict,
    genai_bench,
    genai_bench_label,
)
from prefgauge.plugins.scorers.replay.records import Format, Head, Record, row_key, rows_of
from prefgauge.registry import BadRow, Outcome

__all__ = ["GenAIBenchVote"]


class GenAIBenchVote(Format):
    """Rows ``{idx, prompt or instruct_prompt, response, model_vote}``; the left candidate was
    shown first. ``model_vote`` is what the benchmark's script found between double brackets;
    anything but its labels is an unreadable verdict. The kind of tie is kept as the verdict
    ``both-good`` or ``both-bad``; a bare ``[[A=B]]`` has none."""

    name: ClassVar[str] = "genai-bench"
    summary: ClassVar[str] = "GenAI-Bench judge file"

    def matches(self, head: Head) -> bool:
        """Rows with ``idx``, ``model_vote`` and ``response``."""
        return {"idx", "model_vote", "response"} <= set(head.row)

    def read(self, path: Path, options: Mapping[str, str]) -> Iterator[Record | BadRow]:
        """See :meth:`Format.read`."""
        for where, _, row in rows_of(path):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                prompt = row.get("prompt", row.get("instruct_prompt"))
                yield Record(row_key(int(row["idx"])), (0, 1), _vote(row), where, prompt=prompt)
            except (KeyError, TypeError, ValueError) as error:
                yield BadRow(where, f"not a GenAI-Bench vote: {type(error).__name__} {error}")


def _vote(row: Mapping[str, Any]) -> Outcome:
    response = row["response"] or None
    vote = row["model_vote"]
    try:
        read = genai_bench(response) if vote is None and response else genai_bench_label(str(vote))
    except NoVerdict:
        return Outcome.invalid(f"the model's vote is {vote!r}", critique=response)
    return Outcome.preference(read.p_first, verdict=read.kind, critique=response)
