"""RPR: pairs whose better answer turns with the stated criterion."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from prefgauge.benches.common.files import hub_split
from prefgauge.benches.text.build import answer, nonempty
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.registry import BenchCard, MetricUse, Preference, Protocol, Sample, content

__all__ = ["RPRCriteria", "RPRScenarios"]

_SIDES = ("x", "y")
_HUB = "microsoft/rpr"
_REVISION = "54f43c4376971028e58129a1412855b6cb553a03"
_CITATION = (
    "Pitis et al., Improving Context-Aware Preference Modeling for Language Models, NeurIPS 2024, "
    "arXiv:2407.14916"
)


def _card(kind: str, title: str) -> BenchCard:
    name = f"rpr-{kind}"
    return BenchCard(
        id=name,
        title=title,
        modality="text",
        task="context-conditioned preference",
        label_kinds=("preference",),
        label_source="ai",
        licence="CDLA-Permissive-2.0",
        citation=_CITATION,
        homepage="https://huggingface.co/datasets/microsoft/rpr",
        size=2000,
        files=(hub_split(name, _HUB, "test", revision=_REVISION),),
        warning="written by a model. A scorer that does not read the criterion gets exactly one "
        "half: the preference turns round between the two samples of a pair",
        # under x response_a is the better one, under y response_b: so the authors' own training
        # script reads the criteria; it reads the scenarios from an earlier table with other columns
        unverified=("that the scenarios turn as the criteria do",) if kind == "scenarios" else (),
    )


class _RPR(GroupBench):
    """Both contexts of a row are samples of one group."""

    field = "criteria"
    protocol = Protocol(
        name="rpr",
        source="arXiv:2407.14916, section 5: accuracy given the context; a tie is half",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
    )

    def key(self, row: Row) -> Hashable:
        """The row."""
        return str(row["id"])

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """Two samples per row: under x the first answer is better, under y the second. The
        criterion stands in the prompt, and is context besides."""
        for row in rows:
            asked = nonempty(row, "prompt")
            for side in _SIDES:
                wish = nonempty(row, f"{self.field}_{side}")
                yield Sample(
                    id=f"{row['id']}/{side}",
                    prompt=content(f"{asked}\n\n({wish})"),
                    candidates=(answer(row["response_a"]), answer(row["response_b"])),
                    labels=(Preference(0, 1, "first" if side == "x" else "second"),),
                    context={"criteria": content(wish), "question": content(asked)},
                    tags={"subset": str(row.get(f"category_{side}", "all"))},
                    group=str(row["id"]),
                )


class RPRCriteria(_RPR):
    """The context is a criterion for the better answer."""

    card = _card("criteria", "RPR criteria: the better answer turns with the criterion")


class RPRScenarios(_RPR):
    """The context is the situation of the person who asks."""

    field = "scenario"
    card = _card("scenarios", "RPR scenarios: the better answer turns with the asker's situation")
