"""M-RewardBench: RewardBench translated into 23 languages, and translation preferences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.benches.text.rules import JUDGES, STRICT
from prefgauge.registry import BenchCard, Protocol, RowBench, Sample, Weighting

__all__ = ["LANGUAGES", "MRewardBench", "MRewardBenchTranslation"]

# fmt: off
LANGUAGES = (
    "arb_Arab", "ces_Latn", "deu_Latn", "ell_Grek", "fra_Latn", "heb_Hebr", "hin_Deva",
    "ind_Latn", "ita_Latn", "jpn_Jpan", "kor_Hang", "nld_Latn", "pes_Arab", "pol_Latn",
    "por_Latn", "ron_Latn", "rus_Cyrl", "spa_Latn", "tur_Latn", "ukr_Cyrl", "vie_Latn",
    "zho_Hans", "zho_Hant",
)
# fmt: on
#: Its own example counts; they differ from those of RewardBench.
_SECTIONS: Mapping[str, Mapping[str, float]] = {
    "Chat": {
        "alpacaeval-easy": 79,
        "alpacaeval-length": 79,
        "alpacaeval-hard": 76,
        "mt-bench-easy": 24,
        "mt-bench-med": 38,
    },
    "Chat Hard": {
        "mt-bench-hard": 35,
        "llmbar-natural": 76,
        "llmbar-adver-neighbor": 124,
        "llmbar-adver-GPTInst": 87,
        "llmbar-adver-GPTOut": 42,
        "llmbar-adver-manual": 43,
    },
    "Safety": {
        "refusals-dangerous": 100,
        "refusals-offensive": 100,
        "xstest-should-refuse": 154,
        "xstest-should-respond": 247,
        "donotanswer": 135,
    },
    "Reasoning": {
        "math-prm": 983,
        "hep-cpp": 164,
        "hep-go": 164,
        "hep-java": 164,
        "hep-js": 164,
        "hep-python": 163,
        "hep-rust": 164,
    },
}
_HUB = "CohereLabsCommunity/multilingual-reward-bench"
_CITATION = (
    "Gureja et al., M-RewardBench: Evaluating Reward Models in Multilingual Settings, ACL 2025, "
    "arXiv:2410.15522"
)
_HOMEPAGE = "https://github.com/for-ai/m-rewardbench"
_SOURCE = (
    "for-ai/m-rewardbench @5e5a0d3, analysis/plot_utils.py; judges see both orders, mean of the two"
)


def _by_language() -> Mapping[str, Mapping[str, float]]:
    """Sections of every language. The mean over languages of the mean over four sections is the
    plain mean over all (language, section) pairs."""
    return {
        f"{language}/{section}": {f"{language}/{name}": count for name, count in subsets.items()}
        for language in LANGUAGES
        for section, subsets in _SECTIONS.items()
    }


def _pair(
    row: Mapping[str, Any], id: str, tags: Mapping[str, str], group: str | None = None
) -> Sample:
    return chosen_rejected(
        id,
        chat(row["prompt"]),
        answer(row["chosen"]),
        answer(row["rejected"]),
        tags=tags,
        group=group,
        systems=(
            str(row.get("chosen_model", "unknown")),
            str(row.get("rejected_model", "unknown")),
        ),
    )


class MRewardBench(RowBench):
    """Chat, Chat Hard, Safety and Reasoning in 23 languages; mean over languages of the plain
    mean of the four sections."""

    card = BenchCard(
        id="m-rewardbench",
        title="M-RewardBench: RewardBench in 23 languages",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="ODC-BY-1.0",
        licence_note="that of RewardBench, whose rows were translated; the code is MIT",
        citation=_CITATION,
        homepage=_HOMEPAGE,
        size=65987,
        files=tuple(
            hub_split("m-rewardbench", _HUB, "test", config=language, tags={"language": language})
            for language in LANGUAGES
        ),
        warning="the Safety section holds harmful requests; the texts were translated by machine",
        unverified=(
            "the Hub revision is not pinned; the older id is "
            "C4AI-Community/multilingual-reward-bench",
            "the config name zho_Hant and the licence of the translated rows",
        ),
    )
    protocol = Protocol(
        name="m-rewardbench",
        source=_SOURCE,
        headline=STRICT,
        by_form=JUDGES,
        weighting=Weighting("sections", _by_language()),
        invalid="half",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row. The subset is ``language/subset``, the language named as the file is; the same
        id in different languages shares its group, since it is the same content."""
        stem = default_id.partition("-")[0]
        language = stem if stem in LANGUAGES else str(row["language"])
        name = str(row.get("id", default_id))
        tags = {"subset": f"{language}/{row['subset']}", "language": language}
        return _pair(row, f"{language}/{name}", tags, group=f"row:{name}")


class MRewardBenchTranslation(RowBench):
    """Preferred against worse translations, to and from German and Chinese, plain mean of the
    published columns."""

    card = BenchCard(
        id="m-rewardbench-translation",
        title="M-RewardBench translation: better and worse translations",
        modality="text",
        task="translation",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        commercial=None,
        citation=_CITATION,
        homepage=_HOMEPAGE,
        size=800,
        files=(hub_split("m-rewardbench-translation", _HUB, "test", config="translation"),),
        references=percent(
            "arXiv:2410.15522, translation table, mean of its eight columns",
            {
                "GPT-4o": 82.5,
                "GPT-4 Turbo": 82.2,
                "Eurus-RM-7B": 80.0,
                "URM-LLaMa-3.1-8B": 79.8,
                "Llama-3.1-70B": 79.1,
            },
        ),
        unverified=(
            "the Hub revision is not pinned",
            "that the column `subset` names the eight published columns",
        ),
    )
    protocol = Protocol(
        name="m-rewardbench-translation",
        source=_SOURCE,
        headline=STRICT,
        by_form=JUDGES,
        weighting=Weighting("subsets"),
        invalid="half",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row, the preferred translation first."""
        tags = {"subset": str(row["subset"]), "language": str(row.get("language", "unknown"))}
        return _pair(row, default_id, tags)
