"""Published result files of image benches, replayed as they are.

Correlations are computed here with scipy; the expected numbers are the benchmarks' own.
"""

from __future__ import annotations

import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable
from math import atanh, tanh
from pathlib import Path
from statistics import mean

import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from prefgauge.registry import Outcome, Preference, Rating, Sample, UsageError, default

Answers = list[tuple[Sample, dict[tuple[int, ...], Outcome]]]
Ask = Callable[[str, str], Answers]


def rated(answers: Answers, dimension: str = "overall") -> tuple[list[float], list[float]]:
    """(scores, mean opinions) of all candidates."""
    scores, opinions = [], []
    for sample, found in answers:
        for label in sample.labels:
            if isinstance(label, Rating) and label.rater is None:
                scores.append(found[label.candidate,].values[dimension])
                opinions.append(label.value)
    return scores, opinions


# Spearman, Kendall tau-b, Pearson against human_avg, recomputed from the published file
TIFA = {
    "meteor": (37.23, 27.41, 33.97),
    "bleu": (25.90, 18.79, 18.33),
    "rouge": (33.60, 24.49, 32.89),
    "spice": (30.73, 23.18, 32.81),
    "clipscore_vitb32": (31.98, 23.14, 33.18),
    "tifa_vilt": (50.00, 38.24, 49.32),
    "tifa_git-large": (54.51, 42.55, 54.45),
    "tifa_ofa-large": (48.66, 37.25, 49.61),
    "tifa_blip2-flant5xl": (55.81, 43.60, 55.90),
    "tifa_mplug-large": (59.22, 47.17, 59.67),
}


def test_tifa_metrics_as_dimensions(ask: Ask, data_root: Path) -> None:
    path = data_root / "tifa160" / "human_annotations_with_scores.json"
    answers = ask("tifa160", f"replay:{path}")
    for metric, expected in TIFA.items():
        scores, opinions = rated(answers, metric)
        assert len(scores) == 800
        found = [
            100 * float(function(scores, opinions)[0])
            for function in (spearmanr, kendalltau, pearsonr)
        ]
        assert found == pytest.approx(expected, abs=0.006), metric


def test_tifa_one_metric(ask: Ask, data_root: Path) -> None:
    path = data_root / "tifa160" / "human_annotations_with_scores.json"
    scores, opinions = rated(ask("tifa160", f"replay:{path}?metric=tifa_mplug-large"))
    assert float(spearmanr(scores, opinions)[0]) == pytest.approx(0.5922, abs=6e-5)
    with pytest.raises(UsageError, match="tifa_vilt"):
        default().scorer(f"replay:{path}?metric=vibes")


# Spearman and Kendall with and without the dependency rule: README of DSG (PaLI printed .571)
DSG = {
    "mplug": ((0.463, 0.380), (0.464, 0.378)),
    "instructblip": ((0.442, 0.364), (0.436, 0.355)),
    "pali17b": ((0.570, 0.458), (0.570, 0.457)),
}


@pytest.mark.parametrize("model", DSG)
def test_dsg(ask: Ask, data_root: Path, model: str) -> None:
    path = data_root / "dsg" / "vqa_answers_release" / f"{model}_dsg.csv.gz"
    for option, expected in zip(("true", "false"), DSG[model], strict=True):
        scores, opinions = rated(ask("dsg-tifa160", f"replay:{path}?dependency={option}"))
        assert len(scores) == 800
        found = float(spearmanr(scores, opinions)[0]), float(kendalltau(scores, opinions)[0])
        assert found == pytest.approx(expected, abs=6e-4)


def preferred(sample: Sample) -> Preference:
    label = sample.labels[0]
    assert isinstance(label, Preference)
    return label


# strict accuracy on the 425 pairs without a human tie, recomputed from the published scores
PICK_A_PIC = {
    "pickscore_eval_0.00": 319,
    "HPSv2score_eval_0.00": 282,
    "ImageReward_eval_0.00": 272,
    "clipscore_eval_v2_0.00": 270,
    "clipscore_eval_0.00": 264,
    "blipscore_eval_0.00": 261,
}


@pytest.mark.parametrize("name", PICK_A_PIC)
def test_mj_bench_scores_on_pick_a_pic(ask: Ask, data_root: Path, name: str) -> None:
    path = data_root / "mj_bench" / "reward_models_result" / f"validation_{name}.json.gz"
    right = rows = 0
    for sample, found in ask("pick-a-pic-v1-validation", f"replay:{path}"):
        if (human := preferred(sample).p_first) != 0.5:
            margin = found[0,].values["overall"] - found[1,].values["overall"]
            right += margin * (human - 0.5) > 0
            rows += 1
    assert (right, rows) == (PICK_A_PIC[name], 425)


def test_gpt4v_on_pick_a_pic(ask: Ask, data_root: Path) -> None:
    """Three-class match of GPT-4V's verdict .546; 28 ties and 50 unreadable answers."""
    path = data_root / "mj_bench/reward_models_result/validation_gpt4score_eval.json.gz"
    answers = ask("pick-a-pic-v1-validation", f"replay:{path}")
    verdicts = [found[0, 1] for _, found in answers]
    assert Counter(outcome.status for outcome in verdicts) == {"ok": 450, "invalid": 50}
    assert sum(outcome.values.get("overall") == 0.5 for outcome in verdicts) == 28
    hits = [
        o.values.get("overall") == preferred(s).p_first
        for (s, _), o in zip(answers, verdicts, strict=True)
    ]
    assert sum(hits) / 500 == 0.546


def four_way(sample: Sample, outcome: Outcome) -> bool:
    """Right side, or right kind of tie; a bare A=B fits both kinds."""
    human, answer = preferred(sample), outcome.values.get("overall")
    if human.winner != "tie" or answer != 0.5:
        return answer == human.p_first
    return outcome.verdict in {human.kind, None}


# genaibench_results.txt, per cent
GENAI = {
    "genai-bench-tiger-image": {
        "genai_bench_image/image_generation/gpt4o.jsonl.gz": 45.59,
        "genai_bench_image/image_generation/cogvlm.jsonl.gz": 29.34,
        "genai_bench_image/image_generation/llavanext.jsonl.gz": 22.65,
        "genai_bench_image/image_generation/qwenVL.jsonl.gz": 26.63,
        "genai_bench_image/image_generation/random.jsonl.gz": 25.36,
    },
    "genai-bench-tiger-edit": {
        "genai_bench_image/image_edition/gpt4o.jsonl.gz": 53.54,
        "genai_bench_image/image_edition/cogvlm.jsonl.gz": 0.0,
        "genai_bench_image/image_edition/llavanext.jsonl.gz": 25.35,
        "genai_bench_image/image_edition/qwenVL.jsonl.gz": 14.91,
        "genai_bench_image/image_edition/random.jsonl.gz": 25.90,
    },
}


@pytest.mark.parametrize(("bench", "path"), [(b, p) for b, paths in GENAI.items() for p in paths])
def test_genai_bench_four_classes(ask: Ask, data_root: Path, bench: str, path: str) -> None:
    answers = ask(bench, f"replay:{data_root / path}")
    hits = [four_way(sample, found[0, 1]) for sample, found in answers]
    assert 100 * sum(hits) / len(hits) == pytest.approx(GENAI[bench][path], abs=0.0051)


def test_genai_bench_three_classes_and_decided_pairs(ask: Ask, data_root: Path) -> None:
    """GPT-4o, image generation, recomputed from the published file: 47.95 % over three classes;
    55.44 % of the 1,306 pairs that people decided; 74.56 % of the 971 both decided; 11 unread."""
    path = data_root / "genai_bench_image/image_generation/gpt4o.jsonl.gz"
    rows = [
        (preferred(sample).p_first, found[0, 1].values.get("overall"))
        for sample, found in ask("genai-bench-tiger-image", f"replay:{path}")
    ]
    assert round(100 * sum(a == b for a, b in rows) / 1735, 2) == 47.95
    decided = [(a, b) for a, b in rows if a != 0.5]
    assert len(decided) == 1306
    assert round(100 * sum(a == b for a, b in decided) / 1306, 2) == 55.44
    both = [(a, b) for a, b in decided if b is not None and b != 0.5]
    assert (len(both), round(100 * sum(a == b for a, b in both) / 971, 2)) == (971, 74.56)
    assert sum(b is None for _, b in rows) == 11


def test_wildvision_judgements_are_where_the_battles_come_from(ask: Ask, data_root: Path) -> None:
    path = data_root / "wildvision_bench" / "judgements" / "gpt-4o.jsonl.gz"
    answers = ask("wildvision-bench", f"replay:{path}")
    mine = [(s, f[0, 1]) for s, f in answers if s.systems[1] == "gpt-4o"]
    assert len(mine) == 500
    assert all(outcome.values["overall"] == preferred(sample).p_first for sample, outcome in mine)
    assert all(outcome.extra["strength"] == preferred(sample).strength for sample, outcome in mine)
    others = [f[0, 1].status for s, f in answers if s.systems[1] != "gpt-4o"]
    assert set(others) == {"failed"}


# VIEScore's notebook (a mean by tanh of the mean coefficient), and the true Fisher mean: SC, PQ, O
VIESCORE = {
    "gpt4o": ((0.4459, 0.3399, 0.4035), (0.5360, 0.3830, 0.4719)),
    "gemini": ((0.3322, 0.2675, 0.3048), (0.3757, 0.2891, 0.3356)),
}


@pytest.mark.parametrize("judge", VIESCORE)
def test_viescore_on_imagenhub(ask: Ask, data_root: Path, tmp_path: Path, judge: str) -> None:
    """Spearman per model, averaged within a task and then over the seven tasks. The archive is
    unpacked as it lies in VIEScore's repository."""
    with tarfile.open(data_root / "viescore" / f"results_{judge}_0shot.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    root = tmp_path / "paper_implementation" / "_answers" / f"results_{judge}_0shot"
    pairs: dict[tuple[str, str, int], list[tuple[float, float]]] = defaultdict(list)
    missing: set[str] = set()
    for sample, found in ask("imagenhub", f"replay:{root}/*/*/*.json"):
        for label in sample.labels:
            assert isinstance(label, Rating)
            values = found[label.candidate,].values
            if label.rater is None and "O" in values:  # pictures with both aspects
                key = (label.dimension, sample.subset, label.candidate)
                pairs[key].append((values[label.dimension], label.value))
            elif not values:
                missing.add(sample.systems[label.candidate])
    # models that VIEScore did not judge, and one picture of Gemini's
    assert missing - {"SD"} == {"SuTI", "Imagic", "Midjourney", "DALLE3"}
    for index, dimension in enumerate(("SC", "PQ", "O")):
        by_task = defaultdict(list)
        for (name, task, _), rows in pairs.items():
            if name == dimension:
                by_task[task].append(float(spearmanr(*zip(*rows, strict=True))[0]))
        assert sum(map(len, by_task.values())) == 29
        notebook = tanh(mean(tanh(mean(r)) for r in by_task.values()))
        fisher = tanh(mean(mean(map(atanh, r)) for r in by_task.values()))
        # in the notebook rounding noise breaks ties between roots and between means of roots
        # (tests/judges/test_judge_viescore.py has its O to the last digit); here they are ties
        exact = 5e-4 if dimension == "O" else 5e-5
        assert notebook == pytest.approx(VIESCORE[judge][0][index], abs=exact)
        assert fisher == pytest.approx(VIESCORE[judge][1][index], abs=exact)
