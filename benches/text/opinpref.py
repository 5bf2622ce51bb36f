"""OpinPref: which of two summaries of product reviews domain experts prefer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import answer, chat, majority, with_raters
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Label, Preference, Protocol, RowBench, Sample
from prefgauge.registry.labels import Winner
from prefgauge.registry.rows import first_of

__all__ = ["OpinPref"]

_PREFERENCE = ("preference", "preferred", "winner", "choice", "label")


class OpinPref(RowBench):
    """940 pairs."""

    card = BenchCard(
        id="opinpref",
        title="OpinPref: experts' preferences between opinion summaries",
        modality="text",
        task="summarisation",
        label_kinds=("preference",),
        label_source="human",
        licence="MIT",
        citation="Nath et al., Leveraging Domain Knowledge for Efficient Reward Modelling in RLHF: "
        "A Case-Study in E-Commerce Opinion Summarization, 2024, arXiv:2402.15473",
        homepage="https://huggingface.co/datasets/swaroop-nath/opin-pref",
        size=940,
        files=(
            hub_file(
                "opinpref",
                "swaroop-nath/opin-pref",
                "opin-pref.jsonl",
                revision="6747981f58823eedef5a0104656a952eba411d00",
            ),
        ),
        unverified=(
            "the keys inside `summary-pairs` and `preference-data`: the preference is read where "
            "it names a summary's key or gives 1 or 2, per rater where it is an object or a list",
        ),
    )
    protocol = Protocol(
        name="opinpref",
        source="arXiv:2402.15473: accuracy over pairs",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair of summaries of the same reviews."""
        pairs = row["summary-pairs"]
        items = list(pairs.items()) if isinstance(pairs, Mapping) else list(enumerate(pairs))
        if len(items) != 2:
            raise ValueError(f"summary-pairs holds {len(items)} summaries, expected 2")
        reviews = "\n\n".join(str(review) for review in row["reviews"])
        return Sample(
            id=str(row.get("unique-id", default_id)),
            prompt=chat(reviews),
            candidates=tuple(answer(text) for _, text in items),
            labels=_labels(row["preference-data"], [str(key) for key, _ in items]),
        )


def _labels(given: object, keys: Sequence[str]) -> tuple[Label, ...]:
    """One verdict, or the majority and every rater's verdict."""
    if isinstance(given, Mapping) and any(name in given for name in _PREFERENCE):
        given = first_of(given, *_PREFERENCE)
    if isinstance(given, Mapping):
        votes = {str(rater): _winner(vote, keys) for rater, vote in given.items()}
    elif isinstance(given, (list, tuple)):
        votes = {f"rater-{number}": _winner(vote, keys) for number, vote in enumerate(given)}
    else:
        return (Preference(0, 1, _winner(given, keys)),)
    if not votes:
        raise ValueError("preference-data is empty")
    return with_raters(majority(list(votes.values())), votes)


def _winner(vote: object, keys: Sequence[str]) -> Winner:
    said = str(vote).strip()
    if said.lower() == "tie":
        return "tie"
    if said in keys:
        return "first" if keys.index(said) == 0 else "second"
    if said in {"1", "2"}:
        return "first" if said == "1" else "second"
    raise ValueError(f"cannot tell which summary {vote!r} prefers (summaries: {', '.join(keys)})")
