"""MIRAGE-Bench: GPT-4o's verdicts between multilingual answers with citations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, chat
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BadRow,
    Bench,
    BenchCard,
    DataFile,
    Preference,
    Protocol,
    Sample,
    Source,
)
from prefgauge.registry.labels import Winner

__all__ = ["LANGUAGES", "MirageBench", "to_sample"]

LANGUAGES = (
    "ar", "bn", "de", "en", "es", "fa", "fi", "fr", "hi", "id", "ja", "ko", "ru", "sw", "te", "th",
    "yo", "zh",
)  # fmt: skip
_PROMPTS, _OUTPUTS = "nthakur/mirage-bench", "nthakur/mirage-bench-output"
_VERDICTS = "nthakur/mirage-bench-pairwise-judgments"
T = TypeVar("T")
_WINNERS: Mapping[str, Winner] = {"a": "first", "b": "second", "tie": "tie"}


def _file(part: str, hub: str, split: str, language: str) -> DataFile:
    return hub_split(
        f"mirage-bench/{part}",
        hub,
        split,
        config=language,
        tags={"subset": language, "language": language, "part": part},
    )


class MirageBench(Bench):
    """Verdicts joined with the prompts and the outputs of both models, language by language."""

    card = BenchCard(
        id="mirage-bench",
        title="MIRAGE-Bench: judge verdicts on multilingual answers from documents",
        modality="text",
        task="retrieval-augmented generation",
        label_kinds=("preference",),
        label_source="ai",
        licence="Apache-2.0",
        citation="Thakur et al., MIRAGE-Bench: Automatic Multilingual Benchmark Arena for "
        "Retrieval-Augmented Generation Systems, NAACL 2025, arXiv:2410.13716",
        homepage="https://github.com/vectara/mirage-bench",
        files=tuple(
            file
            for language in LANGUAGES
            for file in (
                _file("prompts", _PROMPTS, "dev", language),
                _file("outputs", _OUTPUTS, "dev", language),
                _file("verdicts", _VERDICTS, "dev", language),
            )
        ),
        warning="labels are GPT-4o's, each pair shown in one random order. The published code "
        "drops ties by mistake; here they are ties",
        unverified=(
            "the Hub revisions are not pinned",
            "the language codes that name the configs",
            "the licence of the data; the code is Apache-2.0",
        ),
    )
    protocol = Protocol(
        name="mirage-bench",
        source="agreement with GPT-4o's verdicts, ties left out; the published use is a "
        "Bradley-Terry leaderboard of systems (vectara/mirage-bench @a4a3960)",
        headline=STRICT,
        by_form=JUDGES,
    )

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """See :meth:`Bench.read`. Prompts and outputs of one language are held in memory; a
        malformed row of theirs is a bad row, and so is each verdict that needed it."""
        files = self.card.files
        for prompts, outputs, verdicts in zip(files[::3], files[1::3], files[2::3], strict=True):
            asked: dict[str, Any] = {}
            written: dict[str, Mapping[str, Any]] = {}
            for item in self._mapped(source, prompts, lambda row, _: _prompt(row)):
                if isinstance(item, BadRow):
                    yield item
                else:
                    asked[item[0]] = item[1]
            for item in self._mapped(source, outputs, lambda row, _: _outputs(row)):
                if isinstance(item, BadRow):
                    yield item
                else:
                    written[item[0]] = item[1]
            yield from self._verdicts(source, verdicts, asked, written)

    def _verdicts(
        self,
        source: Source,
        file: DataFile,
        asked: Mapping[str, Any],
        written: Mapping[str, Mapping[str, Any]],
    ) -> Iterator[Sample | BadRow]:
        language = file.tags["language"]
        return self._mapped(
            source, file, lambda row, id: to_sample(row, asked, written, language, id)
        )

    def _mapped(
        self, source: Source, file: DataFile, function: Callable[[Mapping[str, Any], str], T]
    ) -> Iterator[T | BadRow]:
        """`function` of each row and its default id, bad rows in their place."""
        for where, default_id, row in source.rows(self.card.id, file):
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                yield function(row, default_id)
            except KeyError as error:
                yield BadRow(where, f"no field, prompt or output {error}")
            except (TypeError, ValueError, AttributeError) as error:
                yield BadRow(where, f"{type(error).__name__}: {error}")


def _prompt(row: Mapping[str, Any]) -> tuple[str, Any]:
    return str(row["query_id"]), row["prompt"]


def _outputs(row: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return str(row["query_id"]), {str(item["model"]): item["output"] for item in row["outputs"]}


def to_sample(
    row: Mapping[str, Any],
    prompts: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
    language: str,
    default_id: str,
) -> Sample:
    """One verdict with the texts it speaks of.

    Raises
    ------
    KeyError: if the query or a model's output is not there.
    ValueError: for a verdict other than A, B or Tie.
    """
    query = str(row["query_id"])
    said = str(row["verdict"]).strip().lower()
    if said not in _WINNERS:
        raise ValueError(f"verdict is {row['verdict']!r}, expected A, B or Tie")
    models = (str(row["model_A"]), str(row["model_B"]))
    return Sample(
        id=f"{language}/{default_id.rpartition('/')[2]}",
        prompt=chat(prompts[query]),
        candidates=tuple(answer(outputs[query][model]) for model in models),
        labels=(Preference(0, 1, _WINNERS[said]),),
        tags={"subset": language, "language": language},
        systems=models,
        group=f"{language}/{query}",
    )
