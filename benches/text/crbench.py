"""CRBench: 1,040 Chinese pairs verified by people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import hub_split, percent
from prefgauge.benches.text.build import answer, chat, chosen_rejected
from prefgauge.registry import BenchCard, MetricUse, Protocol, RowBench, Sample

__all__ = ["CRBench"]

_PAPER = "multimodal-art-projection/COIG-P README, Chinese reward benchmark table"
_DOMAINS = {
    "对话": "conversation",
    "逻辑推理": "logic",
    "数学": "mathematics",
    "代码": "code",
    "角色扮演": "role play",
    "小说续写": "novel continuation",
}
#: conversation, logic, mathematics, code, role play, novel continuation, overall (per cent)
_TABLE: Mapping[str, tuple[float, ...]] = {
    "GPT-4o": (96.12, 88.27, 72.63, 98.02, 93.75, 91.36, 86.73),
    "CRM": (79.07, 69.60, 66.79, 92.08, 43.75, 62.96, 69.71),
}
_OVERALL = {
    "Claude 3.5": 74.13,
    "RM-Mistral-7B": 65.87,
    "Skywork-Reward-Gemma-2-27B": 55.67,
    "ArmoRM-8B": 44.13,
}


class CRBench(RowBench):
    """Six domains; the headline pools all rows."""

    card = BenchCard(
        id="crbench",
        title="CRBench (COIG-P): Chinese reward benchmark in six domains",
        modality="text",
        task="chat",
        label_kinds=("preference",),
        label_source="human",
        licence="not stated",
        commercial=None,
        citation="COIG-P: A High-Quality and Large-Scale Chinese Preference Dataset for "
        "Alignment with Human Values, 2025, arXiv:2504.05535",
        homepage="https://github.com/multimodal-art-projection/COIG-P",
        size=1040,
        files=(hub_split("crbench", "m-a-p/COIG-CRBench", "test"),),
        references=(
            *(
                reference
                for scorer, values in _TABLE.items()
                for subset, value in zip((*_DOMAINS.values(), None), values, strict=True)
                for reference in percent(_PAPER, {scorer: value}, subset=subset)
            ),
            *percent(_PAPER, _OVERALL),
        ),
        unverified=(
            "the licence was not seen",
            "the Hub id: the published code loads SiweiWu/COIG-CRBench",
        ),
    )
    protocol = Protocol(
        name="crbench",
        source="multimodal-art-projection/COIG-P @1b9d63c, Chinese_Reward_Benchmark: strict, a "
        "missing judgement is wrong, judges always see the chosen answer first (no swap, so the "
        "headline of a judge that favours the first position is too high; position-bias tells)",
        headline=MetricUse("pair-accuracy", {"ties": "strict"}),
        orders="given",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One row, the chosen answer first; domains are named in English."""
        domain = str(row["domain"])
        return chosen_rejected(
            default_id,
            chat(row["prompt"]),
            answer(row["chosen"]),
            answer(row["rejected"]),
            tags={"subset": _DOMAINS.get(domain, domain), "language": "zh"},
        )
