"""ArgSum: how well systems summarise a debate, and which evidence convinces.

Two benches: `argsum` (six summaries of one debate, ranked by people) and `argsum-convincingness`
(which of two pieces of evidence is more convincing).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from prefgauge.benches.common.files import github
from prefgauge.benches.text.build import answer, chat, nonempty
from prefgauge.benches.text.grouped import GroupBench, Row
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    DataFile,
    MetricUse,
    Preference,
    Protocol,
    Ranking,
    RowBench,
    Sample,
    content,
)
from prefgauge.registry.labels import Winner

__all__ = ["ArgSum", "ArgSumConvincingness"]

_COMMIT = "22c0e49599e755edddbde5a5d7a19054daf4cbed"
_CITATION = (
    "Li et al., Which Side Are You On? A Multi-task Dataset for End-to-End Argument Summarisation "
    "and Evaluation, ACL 2024, arXiv:2406.03151"
)
_HOMEPAGE = "https://github.com/HaoBytes/ArgSum-Dataset"
_NOTE = "the owners announce a safer release of the first two tasks"
_SYSTEMS = 6
_WINNERS: Mapping[float, Winner] = {1.0: "first", 0.0: "second", 0.5: "tie"}


def _file(path: str, sha256: str, split: str) -> DataFile:
    return github(
        "HaoBytes/ArgSum-Dataset",
        _COMMIT,
        path,
        f"argsum/{path}",
        sha256=sha256,
        tags={"subset": split},
    )


class ArgSum(GroupBench):
    """84 debates; the published triples of summaries are put together again to all six of a
    debate with their human rank."""

    card = BenchCard(
        id="argsum",
        title="ArgSum: six summaries of a debate, ranked by people",
        modality="text",
        task="summarisation",
        label_kinds=("ranking",),
        label_source="human",
        licence="MIT",
        licence_note=_NOTE,
        citation=_CITATION,
        homepage=_HOMEPAGE,
        size=84,
        files=(
            _file(
                "Dataset/Task_3/task3_devset.csv",
                "9f29e4b916c0bc56dad9e990a356a997d18ec9ff5def7a04a34949307c048a51",
                "dev",
            ),
            _file(
                "Dataset/Task_3/task3_testset.csv",
                "fab5052371e5dfcc9fa878b842ac000ca2d8697e8c694c12120898d687d30695",
                "test",
            ),
        ),
    )
    protocol = Protocol(
        name="argsum",
        source="Kendall's tau within each debate, averaged. The published triples are ordered best "
        "to worst, and a summary's id is its rank from the bottom (0 = worst, 5 = best)",
        headline=MetricUse("group-krcc"),
        pairs="all",
    )

    def key(self, row: Row) -> Hashable:
        """Topic, stance and input setting."""
        return row["topic_id"], row["stance"], row["setting"]

    def to_samples(self, rows: list[Row], default_id: str) -> Iterator[Sample]:
        """The summaries of one debate, in the order of their first mention, and their ranks (1 is
        best).

        Raises
        ------
        ValueError: if the triples do not hold six summaries, or give one two texts.
        """
        texts: dict[int, str] = {}
        for row in rows:
            for number in (1, 2, 3):
                place, text = int(row[f"summary{number}_id"]), str(row[f"summary{number}"])
                if texts.setdefault(place, text) != text:
                    raise ValueError(f"summary {place} has two texts")
        if sorted(texts) != list(range(_SYSTEMS)):
            raise ValueError(f"summaries {sorted(texts)} of 0..{_SYSTEMS - 1} are present")
        head = rows[0]
        yield Sample(
            id="/".join(str(part) for part in (head["topic_id"], head["stance"], head["setting"])),
            prompt=chat(nonempty(head, "input")),
            candidates=tuple(answer(text) for text in texts.values()),
            labels=(Ranking(tuple(float(_SYSTEMS - place) for place in texts)),),
            tags={"setting": str(head["setting"])},
            group=f"topic {head['topic_id']}",
        )


class ArgSumConvincingness(RowBench):
    """1,733 pairs of evidence for one argument."""

    card = BenchCard(
        id="argsum-convincingness",
        title="ArgSum: which of two pieces of evidence is more convincing",
        modality="text",
        task="argumentation",
        label_kinds=("preference",),
        label_source="human",
        licence="MIT",
        licence_note=_NOTE,
        citation=_CITATION,
        homepage=_HOMEPAGE,
        size=1733,
        files=(
            _file(
                "Dataset/Task_2/dev_convincingness.csv",
                "1770ebbc470ce26dcb7228016d1e25f1818a26fc1f45400129ead0f9f5bf1775",
                "dev",
            ),
            _file(
                "Dataset/Task_2/test_convincingness.csv",
                "eba503c1ecab95e614dcbbc0a5ff6c0d033ff141f17fa1aeb46e8714053a0193",
                "test",
            ),
        ),
    )
    protocol = Protocol(
        name="argsum-convincingness",
        source="HaoBytes/ArgSum-Dataset @22c0e49: accuracy, pairs labelled equal are skipped",
        headline=STRICT,
        by_form=JUDGES,
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair; the label is 1 (first better), 0 (second better) or 0.5 (equal)."""
        label = float(row["Label"])
        if label not in _WINNERS:
            raise ValueError(f"Label is {row['Label']!r}, expected 1, 0 or 0.5")
        topic, argument = nonempty(row, "Topic"), nonempty(row, "Argument")
        return Sample(
            id=default_id,
            prompt=chat(f"Topic: {topic}\nArgument: {argument}"),
            candidates=(answer(row["Evidence_1"]), answer(row["Evidence_2"])),
            labels=(Preference(0, 1, _WINNERS[label]),),
            context={
                "criteria": content("Which evidence supports the argument more convincingly?")
            },
            group=topic,
        )
