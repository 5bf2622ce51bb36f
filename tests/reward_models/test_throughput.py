"""The throughput benchmark: its bound by hand, and a small run whose scores agree."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    if not (ROOT / "throughput.py").exists():
        pytest.skip("the benchmarks are not beside the tests")
    monkeypatch.syspath_prepend(str(ROOT))
    import throughput

    return throughput


def test_work_by_hand(benchmark_module: Any) -> None:
    import workload

    lengths = [[10, 2, 4], [3, 1, 5]]
    padded, unique, nominal = workload.work(lengths, workload.conversations(lengths))
    # first column: 12 and 4 padded to 12; second: 14 and 8 padded to 14
    assert padded.tokens == 2 * 12 + 2 * 14
    assert padded.pairs == 2 * 12**2 / 2 + 2 * 14**2 / 2
    assert nominal == 12 + 4 + 14 + 8
    assert unique.tokens == 10 + 2 + 4 + 3 + 1 + 5
    # prompt with itself, each answer with the prompt and itself
    want = 10**2 / 2 + (2 * 10 + 2**2 / 2) + (4 * 10 + 4**2 / 2)
    want += 3**2 / 2 + (1 * 3 + 1 / 2) + (5 * 3 + 5**2 / 2)
    assert unique.pairs == want


def test_small_run_agrees(
    benchmark_module: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    results = benchmark_module.main(
        [
            "--model",
            "tiny",
            "--rows",
            "6",
            "--repeats",
            "1",
            "--sets",
            "hh_rlhf",
            "--json",
            str(out),
        ]
    )
    assert len(results) == 1
    result = results[0]
    assert result.candidates == 12
    assert result.largest_difference < 1e-5
    assert result.bound_tokens > 1
    assert result.unique_tokens < result.nominal_tokens < result.padded_tokens
    assert out.exists()
    assert "hh_rlhf" in capsys.readouterr().out


def test_ours_beside_rewardbench_reads_the_same_words(
    benchmark_module: Any, tmp_path: Path
) -> None:
    """Texts of known length through the real scorer, against transformers' own forward of the
    rows that rewardbench is given."""
    import beside
    import torch
    import transformers

    rows = [beside.texts(number, row) for number, row in enumerate([[9, 4, 7], [3, 5, 2]])]
    beside.save(tmp_path / "model", "tiny")
    got, seconds, tokens = beside.run_ours(tmp_path / "model", rows)
    # a prompt of 9 words with its mark, and the mark of the answer, are shared; 2 more marks each
    assert tokens == (1 + 9 + 1) + (4 + 1) + (7 + 1) + (1 + 3 + 1 + 5 + 1) + (1 + 3 + 1 + 2 + 1)
    assert all(one > 0 for one in seconds)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    want = []
    for prompt, *answers in rows:
        given = json.loads(beside.line(prompt, *answers))
        for side in ("chosen", "rejected"):
            text = tokenizer.apply_chat_template(given[side], tokenize=False)
            with torch.inference_mode():
                want.append(model(**tokenizer(text, return_tensors="pt")).logits.item())
    assert got == pytest.approx(want, abs=1e-6)


@pytest.mark.slow
def test_rewardbench_itself_gives_the_same_scores(benchmark_module: Any) -> None:
    """Needs an interpreter where rewardbench is installed."""
    python = os.environ.get("PREFGAUGE_REWARDBENCH_PYTHON")
    if not python:
        pytest.skip("PREFGAUGE_REWARDBENCH_PYTHON names no interpreter with rewardbench")
    import beside
    import workload

    found = beside.beside("hh_rlhf", workload.sets(8)["hh_rlhf"], "tiny", python)
    assert found.largest_difference < 1e-5
    assert found.flipped == 0
    assert found.ours_tokens < found.theirs_tokens


def test_a_python_without_rewardbench_is_told(benchmark_module: Any) -> None:
    import beside

    with pytest.raises(SystemExit, match="pip install rewardbench"):
        beside.beside("hh_rlhf", [[3, 2, 2]], "tiny", sys.executable)
