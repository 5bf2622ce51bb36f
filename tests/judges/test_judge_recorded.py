"""The published readings, on the judges' own recorded replies: every published figure comes out.

Sources of the figures: ``genaibench_results.txt`` (published with the data), LLMBar's
``statistics.json`` (published with the data), and the Auto-J and JudgeBench leaderboard scripts'
output on the published files. VIEScore's have a file of their own.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefgauge.plugins.scorers.replay import readings
from prefgauge.plugins.scorers.replay.readings import NoVerdict, Reading

pytestmark = pytest.mark.data


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines of a file, split at newlines alone."""
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in data.split(b"\n"):
        if line:
            yield json.loads(line)


def read(parser: Callable[[Any], Reading], reply: Any) -> Reading | None:
    try:
        return parser(reply)
    except NoVerdict:
        return None


def published(data_root: Path) -> dict[tuple[str, str], float]:
    """The table of genaibench_results.txt: (model, task) -> per cent."""
    found = {}
    text = (data_root / "genai_bench_image" / "genaibench_results.txt").read_text("utf-8")
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and cells[1] == "pairwise":
            found[cells[0], "image_generation"] = float(cells[2])
            found[cells[0], "image_edition"] = float(cells[3])
    return found


@pytest.mark.parametrize("task", ["image_generation", "image_edition"])
def test_genai_bench_accuracies(data_root: Path, task: str) -> None:
    table = published(data_root)
    right = {
        "A>B": {"leftvote"}, "B>A": {"rightvote"}, "A=B=Good": {"tievote"},
        "A=B=Bad": {"bothbad_vote"}, "A=B": {"tievote", "bothbad_vote"},
    }  # fmt: skip
    judged = 0
    for path in sorted((data_root / "genai_bench_image" / task).glob("*.jsonl.gz")):
        rows = list(lines(path))
        model = path.name.removesuffix(".jsonl.gz")
        if not rows or (model, task) not in table:
            continue
        verdicts = [read(readings.genai_bench, row["response"] or "") for row in rows]
        hits = sum(
            verdict is not None and row["human_vote"] in right[verdict.word or ""]
            for row, verdict in zip(rows, verdicts)
        )
        assert round(100 * hits / len(rows), 2) == table[model, task], model
        judged += 1
    assert judged >= 4


def test_genai_bench_verdict_counts(data_root: Path) -> None:
    """GPT-4o on generation, counted in the file by its own field model_vote."""
    rows = list(lines(data_root / "genai_bench_image/image_generation/gpt4o.jsonl.gz"))
    verdicts = [read(readings.genai_bench, row["response"]) for row in rows]
    counts = Counter(verdict.word if verdict else None for verdict in verdicts)
    assert counts == {"A>B": 717, "B>A": 574, "A=B=Good": 338, "A=B=Bad": 95, None: 11}


@pytest.mark.parametrize(("model", "errors"), [("gpt-4o", 7), ("llava-1.5-7b-hf", 0)])
def test_wildvision_verdicts(data_root: Path, model: str, errors: int) -> None:
    """The file's own ``score`` of every game is what we read from its judgement. Calls that
    failed stand in it as ties, which is no verdict of the judge."""
    known = {"A>>B", "A>B", "A=B", "B>A", "B>>A"}
    games = failed = 0
    for row in lines(data_root / f"wildvision_bench/judgements/{model}.jsonl.gz"):
        for game in row["games"]:
            text = game.get("judgment") or game.get("judgement") or ""
            verdict = read(readings.arena_hard, text)
            games += 1
            if verdict is None and "$ERROR$" in text:
                assert game["score"] == "A=B"
                failed += 1
                continue
            recorded_word = game["score"] if game["score"] in known else None
            assert (verdict.word if verdict else None) == recorded_word
    assert (games, failed) == (500, errors)


LLMBAR = {  # GPT-4, Vanilla_NoRules: the mean of the accuracies in both orders, per cent
    "LLMBar/Natural": 93.5, "LLMBar/Adversarial/Neighbor": 64.18,
    "LLMBar/Adversarial/GPTInst": 76.63, "LLMBar/Adversarial/GPTOut": 76.60,
    "LLMBar/Adversarial/Manual": 75.0, "Processed/FairEval": 72.73,
    "Processed/LLMEval^2": 75.5, "Processed/MT-Bench": 81.0,
}  # fmt: skip


@pytest.mark.parametrize("name", LLMBAR)
def test_llmbar_accuracies(data_root: Path, name: str) -> None:
    folder = data_root / "llmbar" / "Dataset" / name / "evaluators" / "GPT-4" / "Vanilla_NoRules"
    rows = json.loads((folder / "result.json").read_text("utf-8"))
    hits = defaultdict(int)
    for row in rows:
        for order, answer in row["results"][0].items():
            verdict = read(readings.llmbar, answer["completion"][0])
            if verdict is None:  # withheld by a content filter: published as wrong
                assert answer["winner"] is None
                continue
            first_is = 1 if order == "swap = False" else 2
            winner = first_is if verdict.p_first == 1.0 else 3 - first_is
            assert str(winner) == answer["winner"]
            hits[order] += winner == row["label"]
    mean = 100 * sum(hits.values()) / (2 * len(rows))
    assert mean == pytest.approx(LLMBAR[name], abs=0.005)


def test_auto_j_agreement(data_root: Path) -> None:
    """Both orders right 54.96 %, orders agree 83.41 %, one order 59.99 %."""
    folder = data_root / "auto_j" / "data"
    labels = [row["label"] for row in lines(folder / "test" / "testdata_pairwise.jsonl")]
    given, swapped = (
        [readings.auto_j(row["output"]).p_first for row in lines(folder / "outputs" / name)]
        for name in ("pairwise_example_output.jsonl", "pairwise_exchange_example_output.jsonl")
    )
    human = [(1.0, 0.0, 0.5)[label] for label in labels]
    n = len(human)
    assert n == 1392
    both = sum(h == g == 1 - s for h, g, s in zip(human, given, swapped))
    agree = sum(g == 1 - s for g, s in zip(given, swapped))
    one = sum(h == g for h, g in zip(human, given))
    assert [round(100 * x / n, 2) for x in (both, agree, one)] == [54.96, 83.41, 59.99]


@pytest.mark.parametrize(
    ("model", "overall"),
    [("Skywork_Skywork-Reward-Gemma-2-27B", 64.29), ("internlm_internlm2-20b-reward", 63.43)],
)
def test_judgebench_accuracy(data_root: Path, model: str, overall: float) -> None:
    """Reward models are scored by their first game alone."""
    (path,) = (data_root / "judgebench" / "outputs").glob(f"*gpt-4o*judge_model={model}.jsonl")
    rows = list(lines(path))
    hits = 0
    for row in rows:
        first = readings.judgebench(row["judgments"][0]["decision"])
        hits += first.word == row["label"]
    assert len(rows) == 350
    assert round(100 * hits / len(rows), 2) == overall
