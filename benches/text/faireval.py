"""FairEval: 80 questions answered by ChatGPT and Vicuna-13B, judged by people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, chat, plain
from prefgauge.registry import (
    BadRow,
    Bench,
    BenchCard,
    DataError,
    DataFile,
    MetricUse,
    Preference,
    Protocol,
    Reference,
    Sample,
    Source,
)
from prefgauge.registry.labels import Winner

__all__ = ["FairEval"]

_COMMIT = "453c117a69"
_MODELS = ("gpt35", "vicuna-13b")
_WINNERS: Mapping[str, Winner] = {"CHATGPT": "first", "VICUNA13B": "second", "TIE": "tie"}
_PAPER = "arXiv:2305.17926, table of GPT-4 as evaluator"


def _file(path: str) -> DataFile:
    return github("i-Eval/FairEval", _COMMIT, path, f"faireval/{path}")


_QUESTIONS = _file("question.jsonl")
_ANSWERS = tuple(_file(f"answer/answer_{model}.jsonl") for model in _MODELS)
_LABELS = _file("review/review_gpt35_vicuna-13b_human.txt")


class FairEval(Bench):
    """Questions, two answers each, and one human verdict per line in the order of the questions."""

    card = BenchCard(
        id="faireval",
        title="FairEval: ChatGPT against Vicuna-13B on 80 questions",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        licence_note="the repository has no licence file; questions and answers derive from "
        "FastChat's Vicuna evaluation (Apache-2.0)",
        commercial=None,
        citation="Wang et al., Large Language Models are not Fair Evaluators, ACL 2024, "
        "arXiv:2305.17926",
        homepage="https://github.com/i-Eval/FairEval",
        size=80,
        files=(_QUESTIONS, *_ANSWERS, _LABELS),
        references=(
            Reference("GPT-4, one order", 0.527, _PAPER),
            Reference("GPT-4, evidence first and both orders", 0.625, _PAPER),
        ),
        unverified=(
            "the commit is known by its first ten digits only",
            "both references are from memory",
        ),
    )
    protocol = Protocol(
        name="faireval-bpc",
        source="arXiv:2305.17926, section 3 (balanced position calibration): the answer with the "
        "higher mean score over both orders wins, equal means are a tie",
        headline=MetricUse("pair-accuracy", {"ties": "three-way"}),
        orders="both",
    )

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """See :meth:`Bench.read`."""
        answers = [dict(self._by_question(source, file)) for file in _ANSWERS]
        labels = _lines(source, self.card.id)
        rows = list(source.rows(self.card.id, _QUESTIONS))
        if len(labels) != len(rows):
            raise DataError(
                f"{_LABELS.mirror} has {len(labels)} verdicts for {len(rows)} questions; "
                "they belong together line by line. Fetch both files again."
            )
        for (where, _, row), label in zip(rows, labels, strict=True):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                yield to_sample(row, [found[int(row["question_id"])] for found in answers], label)
            except KeyError as error:
                yield BadRow(where, f"no field or answer {error}")
            except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
                yield BadRow(where, f"{type(error).__name__}: {error}")

    def _by_question(self, source: Source, file: DataFile) -> Iterator[tuple[int, str]]:
        for where, _, row in source.rows(self.card.id, file):
            if isinstance(row, BadRow):
                raise DataError(f"{where}: {row.reason}")
            yield int(row["question_id"]), plain(row["text"], "text")


def to_sample(question: Mapping[str, Any], answers: list[str], label: str) -> Sample:
    """One question with the answers of both models and the human verdict.

    Raises
    ------
    ValueError: for a verdict other than CHATGPT, VICUNA13B or TIE.
    """
    said = label.strip().upper()
    if said not in _WINNERS:
        raise ValueError(f"verdict is {label!r}, expected one of {', '.join(_WINNERS)}")
    return Sample(
        id=str(question["question_id"]),
        prompt=chat(question["text"]),
        candidates=tuple(answer(text) for text in answers),
        labels=(Preference(0, 1, _WINNERS[said]),),
        tags={"subset": str(question.get("category", "all"))},
        systems=_MODELS,
    )


def _lines(source: Source, bench: str) -> list[str]:
    path = source.path(bench, _LABELS)
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
