"""Recorded answers in memory, looked up by sample and candidates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Literal

from prefgauge.plugins.scorers.replay.records import Record, row_key, tag_key, text_key
from prefgauge.plugins.scorers.replay.unmatched import Key, Unmatched
from prefgauge.registry import OVERALL, BadRow, DataError, Outcome, Request, Sample, text_of
from prefgauge.registry.cards import Form

__all__ = ["Duplicates", "Store"]

Duplicates = Literal["error", "first", "last"]


class Store:
    """All records of one recording; every record is of one form.

    Parameters
    ----------
    records: in file order. Rows that differ in their dimension alone become one answer.
    bench: what the records without a bench of their own speak of; empty for any bench.
    duplicates: what to do with two different answers to one request: ``error``, or keep the
        ``first`` or the ``last``.
    symmetric: a verdict recorded in one order also answers for the other.
    main: the dimension to put first.

    Raises
    ------
    DataError: for an empty recording, mixed forms, or duplicates that differ.
    """

    def __init__(
        self,
        records: Iterable[Record | BadRow],
        *,
        name: str,
        bench: str = "",
        duplicates: Duplicates = "error",
        symmetric: bool = False,
        main: str = OVERALL,
    ) -> None:
        self.name = name
        self.symmetric = symmetric
        self.bad: list[BadRow] = []
        self.dimensions: list[str] = []
        self._answers: dict[Key, Record] = {}
        self._benches: set[str] = set()
        self._kinds: set[str] = set()
        self._named = False
        form: Form | None = None
        for record in records:
            if isinstance(record, BadRow):
                self.bad.append(record)
                continue
            mine = _form(record)
            if form not in (None, mine):
                raise DataError(f"{record.where} is {mine}, but the rows before it are {form}.")
            form = mine
            self._add(record, record.bench or bench, duplicates)
        if form is None:
            raise DataError(f"{name} holds no recorded answer.{self._trouble()}")
        self.form: Form = form
        self.dimensions.sort(key=lambda dimension: dimension != main)  # stable: main comes first

    def __len__(self) -> int:
        return len(self._answers)

    def _add(self, record: Record, bench: str, duplicates: Duplicates) -> None:
        self._benches.add(bench)
        self._kinds |= {record.sample.partition(":")[0]} & {"row", "tag", "text"}
        self._named |= any(isinstance(candidate, str) for candidate in record.candidates)
        for dimension in record.outcome.values:
            if dimension not in self.dimensions:
                self.dimensions.append(dimension)
        key = (bench, record.sample, record.candidates)
        before = self._answers.setdefault(key, record)
        if before is record or before.outcome == record.outcome:
            return
        old, new = before.outcome, record.outcome
        merged = _merged(old, new)
        if merged is not None:
            self._answers[key] = replace(before, outcome=merged)
        elif duplicates == "last":
            kept = replace(new, values={**old.values, **new.values}) if new.values else new
            self._answers[key] = replace(record, outcome=kept)
        elif duplicates == "error":
            raise DataError(
                f"{before.where} and {record.where} answer the same question (sample "
                f"{record.sample!r}, candidates {list(record.candidates)}) differently: "
                f"{_short(old)} and {_short(new)}. Mend the file, or say which counts with "
                "?duplicates=first or ?duplicates=last."
            )

    @cached_property
    def unmatched(self) -> Unmatched:
        """The answers that no sample has stood behind yet."""
        return Unmatched(self._answers, self._keys)

    def remarks(self) -> list[str]:
        """What of the recording served no sample met since the last time of asking."""
        said = self.unmatched.told()
        if self.bad:
            said.append(
                f"{len(self.bad)} rows of {self.name} cannot be read (first: "
                f"{self.bad[0].where}: {self.bad[0].reason})"
            )
        del self.unmatched
        return said

    def answer(self, request: Request) -> Outcome:
        """The recorded outcome of a request, or a failed one that says what is not there."""
        shown = () if self.form == "listwise" else request.candidates
        record = self._find(request, shown)
        if record is not None and (other := _other_prompt(record, request.sample)):
            return Outcome.failed(other)
        if self.form == "listwise":
            return self._in_shown_order(request, record) if record else self._absent(request)
        if record is not None:
            return record.outcome
        if self.form == "pairwise" and (turned := self._find(request, shown[::-1])):
            if self.symmetric:
                values = {name: 1.0 - p for name, p in turned.outcome.values.items()}
                return replace(turned.outcome, values=values)
            return Outcome.failed(
                f"{turned.where} holds a verdict for {list(shown[::-1])}, not for the order "
                f"{list(shown)}; if the order makes no difference, add ?symmetric=true"
            )
        return self._absent(request)

    def _find(self, request: Request, candidates: tuple[int, ...]) -> Record | None:
        shown: list[tuple[int | str, ...]] = [candidates]
        if self._named and (systems := request.sample.systems):
            shown.append(tuple(systems[candidate] for candidate in candidates))
        for sample in self._keys(request.sample):
            for bench in (request.bench, ""):
                for order in shown:
                    if found := self._answers.get((bench, sample, order)):
                        return found
        return None

    def _keys(self, sample: Sample) -> list[str]:
        keys = [sample.id]
        if "row" in self._kinds and (tail := sample.id.rpartition("/")[2]).isdecimal():
            keys.append(row_key(int(tail)))
        if "tag" in self._kinds:
            keys += [tag_key(name, value) for name, value in sample.tags.items()]
        if "text" in self._kinds:
            prompt = text_of(sample.prompt)
            answers = [text_of(candidate) for candidate in sample.candidates]
            keys += [text_key(prompt, *answers), text_key(prompt)]
        return keys

    def _in_shown_order(self, request: Request, record: Record) -> Outcome:
        """Candidate numbers to positions in the order shown."""
        order = record.outcome.order
        if order is None:
            return record.outcome
        if sorted(order) != sorted(request.candidates):
            return Outcome.failed(
                f"{record.where}: the order {list(order)} is not one of the candidates "
                f"{sorted(request.candidates)}"
            )
        place = {candidate: at for at, candidate in enumerate(request.candidates)}
        return replace(record.outcome, order=tuple(place[candidate] for candidate in order))

    def _absent(self, request: Request) -> Outcome:
        what = f"sample {request.sample.id!r}"
        if self.form != "listwise":
            what += f", candidates {list(request.candidates)}"
        text = f"{self.name} has no recorded answer for {what}"
        if "" not in self._benches and request.bench not in self._benches:
            text += f" (it speaks of {', '.join(sorted(self._benches))})"
        return Outcome.failed(text + self._trouble())

    def _trouble(self) -> str:
        if not self.bad:
            return ""
        first = self.bad[0]
        return f" ({len(self.bad)} of its rows cannot be read; {first.where}: {first.reason})"


def _form(record: Record) -> Form:
    return ("listwise", "pointwise", "pairwise")[len(record.candidates)]


def _other_prompt(record: Record, sample: Sample) -> str:
    """What is wrong if the record repeats a prompt that is not in the sample; else empty."""
    asked = text_of(sample.prompt)
    if record.prompt is None or not asked or record.prompt.strip() in asked:
        return ""
    return (
        f"{record.where} is about the prompt {record.prompt[:60]!r}, not {asked[:60]!r}: the file "
        "was made for another data set"
    )


def _merged(old: Outcome, new: Outcome) -> Outcome | None:
    """Two rows about one question as one answer, or None if they contradict each other. Rows on
    different dimensions agree; a dimension without a usable value leaves its reason in `extra`."""
    if any(old.values[name] != new.values[name] for name in old.values.keys() & new.values.keys()):
        return None
    if old.values.keys() & _gaps(new).keys() or new.values.keys() & _gaps(old).keys():
        return None
    if not (old.values or _gaps(old)) or not (new.values or _gaps(new)):
        return None
    critiques = dict.fromkeys(text for text in (old.critique, new.critique) if text)
    gaps = {**_gaps(old), **_gaps(new)}
    values = {**old.values, **new.values}
    return replace(
        old if old.values or not new.values else new,
        values=values,
        critique="\n\n".join(critiques) or None,
        reason="" if values else "; ".join(dict.fromkeys((old.reason, new.reason))),
        extra={**old.extra, **new.extra, **({"gaps": gaps} if gaps else {})},
    )


def _gaps(outcome: Outcome) -> dict[str, str]:
    """Dimension -> why it has no value."""
    return dict(outcome.extra.get("gaps", {}))


def _short(outcome: Outcome) -> str:
    return outcome.reason or str(outcome.order or dict(outcome.values))
