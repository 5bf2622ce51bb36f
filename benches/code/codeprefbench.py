"""CodePrefBench: which of two programs is correct, faster, safer, or preferred by developers."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from prefgauge.benches.common.files import github, percent
from prefgauge.benches.text.build import answer, chat, plain
from prefgauge.registry import (
    BenchCard,
    MetricUse,
    Preference,
    Protocol,
    RowBench,
    Sample,
    Weighting,
    content,
)

__all__ = ["CodePrefBench", "without_comments"]

_COMMIT = "03023930c447fd6e831693c3e0d21b3cee30116a"
_HUMAN = "human-preference"
_CRITERIA = {
    "correctness": "Prefer the program that does what the instruction asks for.",
    "efficiency": "Prefer the program that runs faster.",
    "security": "Prefer the program that is harder to attack.",
    _HUMAN: "Prefer the program that a developer would rather have.",
}
_PAPER = "arXiv:2410.03837, table 3"
_OBJECTIVE = ("correctness", "efficiency", "security")
#: correctness, efficiency, security, their mean, human preference (per cent)
_TABLE: Mapping[str, tuple[float | None, ...]] = {
    "three developers": (84.9, 74.9, 59.7, 73.2, None),
    "Llama-3.1-405B-Instruct": (68.9, 78.3, 99.0, 82.2, 68.3),
    "Mistral Large 2": (65.8, 81.2, 99.5, 82.2, 71.7),
    "Claude 3.5 Sonnet": (65.8, 79.9, 98.1, 81.2, 64.8),
    "Gemini 1.5 Pro": (59.2, 79.5, 71.3, 70.0, 66.6),
    "Llama-3-70B-Instruct": (55.7, 76.0, 96.6, 76.1, 63.8),
    "Gemma-2-9B-Instruct": (52.4, 75.1, 52.7, 60.1, 64.1),
    "Llama-3-8B-Instruct": (49.5, 71.9, 90.3, 70.6, 58.6),
}


class CodePrefBench(RowBench):
    """1,364 pairs. The headline is the plain mean of correctness, efficiency and security, whose
    labels come from running code; human preference is reported beside it."""

    card = BenchCard(
        id="codeprefbench",
        title="CodePrefBench: correct, fast, secure, preferred code",
        modality="text",
        task="code",
        label_kinds=("preference",),
        label_source="objective",
        licence="CC-BY-NC-4.0",
        licence_note="research use only, not for training; fetch it for yourself, do not ship it",
        commercial=False,
        citation="Liu et al., Learning Code Preference via Synthetic Evolution, 2024, "
        "arXiv:2410.03837",
        homepage="https://github.com/amazon-science/llm-code-preference",
        size=1364,
        files=tuple(
            github(
                "amazon-science/llm-code-preference",
                _COMMIT,
                f"datasets/eval/{name}-alignment.jsonl.gz",
                f"codeprefbench/{name}-alignment.jsonl.gz",
                tags={"subset": name},
            )
            for name in _CRITERIA
        ),
        references=tuple(
            reference
            for scorer, values in _TABLE.items()
            for subset, value in zip((*_OBJECTIVE, None, _HUMAN), values, strict=True)
            if value is not None
            for reference in percent(_PAPER, {scorer: value}, subset=subset)
        ),
        warning="the subset human-preference has human labels. Its `annotations` are not in the "
        "order of the choices (63 of 145 majorities contradict gt_choice) and are not used",
    )
    protocol = Protocol(
        name="codeprefbench",
        source="amazon-science/llm-code-preference @99b404d, codefavor/evaluate.py: shown in the "
        "given order, an undecided or unreadable answer is half a point. Comments and docstrings "
        "are taken out of both programs, except for human preference; ast.unparse writes them "
        "anew where the original uses astor, so line breaks may differ",
        headline=MetricUse("pair-accuracy", {"ties": "half"}),
        orders="given",
        weighting=Weighting("sections", {name: {name: 1.0} for name in _OBJECTIVE}),
        invalid="half",
    )

    def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
        """One pair; ``gt_choice`` is the number of the better program."""
        choice = int(row["gt_choice"])
        if choice not in {0, 1}:
            raise ValueError(f"gt_choice is {row['gt_choice']!r}, expected 0 or 1")
        name = default_id.partition("-alignment")[0]
        programs = [plain(code, "a choice") for code in row["choices"]]
        if len(programs) != 2:
            raise ValueError(f"{len(programs)} choices, expected 2")
        if name != _HUMAN:
            programs = [without_comments(code) for code in programs]
        criteria = _CRITERIA.get(name)
        return Sample(
            id=default_id,
            prompt=chat(row["instruction"]),
            candidates=tuple(answer(code) for code in programs),
            labels=(Preference(0, 1, "second" if choice else "first"),),
            context={"criteria": content(criteria)} if criteria else {},
            tags={"task": str(row["task_id"])},
        )


def without_comments(code: str) -> str:
    """Python code without comments and docstrings, or the code as it is if it does not parse."""
    try:
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                _drop_docstring(node)
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    body = node.body
    if not body or ast.get_docstring(node, clean=False) is None:
        return
    rest = body[1:]
    node.body = rest if rest or isinstance(node, ast.Module) else [ast.Pass()]
