"""HH-RLHF: crowd preferences between two continuations of a dialogue.

Two benches: `hh-rlhf` is the harmless-base test set, whose file is in the repository;
`hh-rlhf-helpful` the helpful-base test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_file
from prefgauge.benches.text.build import chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import (
    BenchCard,
    Content,
    DataFile,
    Protocol,
    RowBench,
    Sample,
    Text,
)
from prefgauge.registry.content import Role

__all__ = ["HHRLHF", "HHRLHFHelpful", "turns"]

_COMMIT = "354e5c3cb8960630860dd5774a6ac2a58313bf4d"
_MARKS = ("\n\nHuman:", "\n\nAssistant:")
_PROTOCOL = Protocol(
    name="hh-rlhf",
    source="arXiv:2204.05862: accuracy of the preference model on held-out comparisons",
    headline=STRICT,
    by_form=JUDGES,
)
_CITATION = (
    "Bai et al., Training a Helpful and Harmless Assistant with Reinforcement Learning from Human "
    "Feedback, 2022, arXiv:2204.05862"
)


def turns(transcript: str) -> Content:
    """A transcript ``"\\n\\nHuman: ... \\n\\nAssistant: ..."`` as turns, texts stripped of the
    spaces around them.

    Raises
    ------
    ValueError: if it does not begin with a mark, or does not end with the assistant.
    """
    found: list[Text] = []
    rest = transcript
    while rest:
        mark = next((mark for mark in _MARKS if rest.startswith(mark)), None)
        if mark is None:
            raise ValueError(f"a transcript must begin with {_MARKS[0]!r} or {_MARKS[1]!r}")
        rest = rest[len(mark) :]
        end = min((at for mark_ in _MARKS if (at := rest.find(mark_)) >= 0), default=len(rest))
        role: Role = "user" if mark == _MARKS[0] else "assistant"
        found.append(Text(rest[:end].strip(), role))
        rest = rest[end:]
    if not found or found[-1].role != "assistant":
        raise ValueError("a transcript must end with the assistant's turn")
    return tuple(found)


class _Transcripts(RowBench):
    protocol = _PROTOCOL

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair: the dialogue up to the last "Assistant:" is the prompt.

        A few published pairs differ before the last turn, because a turn of the other speaker was
        written into an answer; there the prompt is what both share, and each candidate the rest of
        its transcript (tag `shape`).
        """
        chosen, rejected = turns(str(row["chosen"])), turns(str(row["rejected"]))
        number = default_id.rpartition("/")[2]
        if chosen[:-1] == rejected[:-1]:
            shared, tags = len(chosen) - 1, {}
        else:
            shared, tags = _shared(chosen, rejected), {"shape": "turns differ"}
        return chosen_rejected(
            f"{self.card.files[0].tags['subset']}/{number}",
            chosen[:shared],
            chosen[shared:],
            rejected[shared:],
            tags=tags,
        )


def _shared(first: Content, second: Content) -> int:
    """How many leading turns are equal, short of either end and up to a user's turn."""
    count, limit = 0, min(len(first), len(second)) - 1
    while count < limit and first[count] == second[count]:
        count += 1
    while count and first[count - 1].role == "assistant":
        count -= 1
    return count


class HHRLHF(_Transcripts):
    """Which answer is less harmful, by crowd workers."""

    card = BenchCard(
        id="hh-rlhf",
        title="HH-RLHF harmless-base test: which answer is less harmful",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="MIT",
        citation=_CITATION,
        homepage="https://github.com/anthropics/hh-rlhf",
        size=2312,
        files=(
            DataFile(
                mirror="hh_rlhf/harmless-base/test.jsonl.gz",
                url="https://raw.githubusercontent.com/anthropics/hh-rlhf/"
                f"{_COMMIT}/harmless-base/test.jsonl.gz",
                sha256="ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03",
                tags={"subset": "harmless-base"},
            ),
        ),
        warning="offensive and harmful texts by design. Labels are noisy: strong reward models are "
        "said to agree with 70 to 75 per cent of them",
        unverified=("the range of agreement is from memory",),
    )


class HHRLHFHelpful(_Transcripts):
    """Which answer is more helpful, by crowd workers."""

    card = BenchCard(
        id="hh-rlhf-helpful",
        title="HH-RLHF helpful-base test: which answer is more helpful",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="MIT",
        citation=_CITATION,
        homepage="https://huggingface.co/datasets/Anthropic/hh-rlhf",
        files=(
            hub_file(
                "hh_rlhf",
                "Anthropic/hh-rlhf",
                "helpful-base/test.jsonl.gz",
                tags={"subset": "helpful-base"},
            ),
        ),
        warning="some dialogues are offensive; labels are noisy",
        unverified=("the Hub revision is not pinned", "the number of rows"),
    )
