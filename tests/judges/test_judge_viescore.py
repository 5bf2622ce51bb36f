"""VIEScore's published correlations, to the last printed digit, from the judges' recorded answers.

The figures are those printed in the notebook ``analyze_json.ipynb`` of TIGER-AI-Lab/VIEScore
(commit aeb1f181) for Gemini, 0-shot: Spearman's r of 29 models, the averages of seven tasks and the
total, for SC, PQ and O. What the notebook does, and what it takes to get its digits:

- a sub-score is cut to its whole part; an aspect is the least sub-score over ten;
- O of the judge is the root of the product of two binary fractions: .2 * .6 and .3 * .4 differ in
  their last bit, so products that are equal on paper are not tied;
- the raters' O are added in the order in which the author's file system listed their files, which
  decides the last bit of the mean, and so its ties. The order differs by task (``LAST`` below
  names the rater added last, which is all that matters among three);
- correlations are averaged by tanh of the mean r (called Fisher's z there, which it is not), within
  a task and then over tasks.
"""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from prefgauge.plugins.scorers.replay.readings import viescore

pytestmark = pytest.mark.data

Three = tuple[float, float, float]
#: task -> model -> SC, PQ, O; "" is the task's average
PRINTED: dict[str, dict[str, Three]] = {
    "Multi-Concept_IC": {
        "TextualInversion": (0.3538, -0.0053, 0.3134), "DreamBooth": (0.2145, 0.2928, 0.1707),
        "CustomDiffusion": (0.5476, 0.3046, 0.5491), "": (0.3557, 0.1948, 0.3314),
    },
    "Text-Guided_IE": {
        "Prompt2prompt": (0.3249, 0.3611, 0.3268), "CycleDiffusion": (0.4387, 0.5941, 0.4009),
        "SDEdit": (0.1091, 0.4078, 0.1077), "DiffEdit": (0.1719, 0.5632, 0.0947),
        "MagicBrush": (0.4689, 0.4927, 0.4727), "Text2Live": (0.1368, 0.4136, 0.1356),
        "Pix2PixZero": (0.1970, 0.4698, 0.2188), "InstructPix2Pix": (0.4856, 0.3684, 0.4822),
        "": (0.2836, 0.4291, 0.2728),
    },
    "Control-Guided_IG": {
        "UniControl": (0.4059, 0.3143, 0.3277), "ControlNet": (0.2695, 0.3846, 0.2819),
        "": (0.3254, 0.3359, 0.2957),
    },
    "Mask-Guided_IE": {
        "Glide": (0.4417, 0.3575, 0.3965), "BlendedDiffusion": (0.2487, 0.2240, 0.1154),
        "SDInpaint": (0.5325, 0.3008, 0.4443), "SDXLInpaint": (0.6185, 0.2853, 0.5481),
        "": (0.4304, 0.2839, 0.3593),
    },
    "Subject-Driven_IG": {
        "TextualInversion": (0.5521, 0.2332, 0.5356), "DreamBoothLora": (0.2051, 0.2450, 0.2093),
        "BLIPDiffusion_Gen": (0.1210, -0.0779, 0.1214), "DreamBooth": (0.3185, 0.3132, 0.3062),
        "": (0.2906, 0.1765, 0.2850),
    },
    "Subject-Driven_IE": {
        "DreamEdit": (0.3079, 0.3328, 0.2327), "BLIPDiffusion_Edit": (0.1841, 0.3174, 0.2293),
        "PhotoSwap": (0.1750, 0.3274, 0.2198), "": (0.2187, 0.3148, 0.2234),
    },
    "Text-Guided_IG": {
        "SDXL": (0.5974, 0.2920, 0.5505), "SD": (0.6104, 0.1879, 0.4544),
        "OpenJourney": (0.5904, 0.2523, 0.5538), "DeepFloydIF": (0.5528, 0.0659, 0.4361),
        "DALLE2": (0.4783, 0.1336, 0.3412), "": (0.5123, 0.1842, 0.4359),
    },
}  # fmt: skip
TOTAL = {"gemini": (0.3322, 0.2675, 0.3048), "gpt4o": (0.4459, 0.3399, 0.4035)}
#: the rater (from 0) added last; where it is not named the printed digits do not depend on it
LAST = {"Text-Guided_IE": 1, "Subject-Driven_IG": 0}


def tar(path: Path) -> dict[str, bytes]:
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with tarfile.open(path) as archive:
        members = [m for m in archive.getmembers() if m.isfile()]
        return {m.name: archive.extractfile(m).read() for m in members}  # type: ignore[union-attr]


def raters(folder: Path) -> dict[str, list[dict[str, dict[str, list[float]]]]]:
    """Task -> rater -> picture -> model -> [SC, PQ]."""
    found = defaultdict(list)
    for name, data in sorted(tar(folder / "human_annotations.tar.gz").items()):
        if name.endswith(".tsv"):
            lines = io.StringIO(data.decode("utf-8-sig")).read().splitlines()
            head, *rows = [line.split("\t") for line in lines]
            cells = {
                r[0]: {m: json.loads(c.strip('"')) for m, c in zip(head[1:], r[1:])} for r in rows
            }
            found[name.split("/")[-2].removeprefix("ImagenHub_")].append(cells)
    return found


def correlations(folder: Path, judge: str, exact_ties: bool = False) -> dict[str, dict[str, Three]]:
    """Task -> model -> r of SC, PQ and O, by the notebook's rules or with ties that are ties."""
    people = raters(folder)
    answers: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for name, data in tar(folder / f"results_{judge}_0shot.tar.gz").items():
        task, model, aspect = name.removesuffix(".json").split("/")[-3:]
        answers[task.removeprefix("ImagenHub_"), model][aspect] = json.loads(data)
    found: dict[str, dict[str, Three]] = defaultdict(dict)
    for (task, model), files in answers.items():
        order = sorted(range(3), key=lambda rater: rater == LAST.get(task, 2))
        columns: list[list[tuple[float, float]]] = [[], [], []]
        for uid in sorted(set(files["SC"]) & set(files["PQ"])):
            votes = [people[task][rater][uid][model] for rater in order]
            sc, pq = (viescore(files[aspect][uid]["score"]) for aspect in ("SC", "PQ"))
            root = math.sqrt(sc * pq) / 10 if exact_ties else math.sqrt(sc / 10 * (pq / 10))
            whole = float(np.mean([math.sqrt(vote[0] * vote[1]) for vote in votes]))
            columns[0].append((sc / 10, float(np.mean([vote[0] for vote in votes]))))
            columns[1].append((pq / 10, float(np.mean([vote[1] for vote in votes]))))
            columns[2].append((root, round(whole, 12) if exact_ties else whole))
        r = [float(spearmanr(*zip(*column)).statistic) for column in columns]
        found[task][model] = (r[0], r[1], r[2])
    return found


def averaged(rows: list[Three]) -> Three:
    sc, pq, o = (math.tanh(sum(values) / len(values)) for values in zip(*rows))
    return sc, pq, o


def printed(values: Three) -> list[str]:
    return [f"{value:.4f}" for value in values]


def test_every_printed_figure_of_the_notebook(data_root: Path) -> None:
    found = correlations(data_root / "viescore", "gemini")
    assert {task: set(models) | {""} for task, models in found.items()} == {
        task: set(models) for task, models in PRINTED.items()
    }
    for task, models in PRINTED.items():
        for model, figures in models.items():
            mine = found[task][model] if model else averaged(list(found[task].values()))
            assert printed(mine) == printed(figures), (task, model)


@pytest.mark.parametrize("judge", TOTAL)
def test_the_totals(data_root: Path, judge: str) -> None:
    found = correlations(data_root / "viescore", judge)
    total = averaged([averaged(list(models.values())) for models in found.values()])
    assert printed(total) == printed(TOTAL[judge])


def test_what_the_notebooks_rounding_is_worth(data_root: Path) -> None:
    """With ties that are ties, as a replay of these files has them, O would print .3048 and .4039;
    SC and PQ do not move."""
    for (judge, published), whole in zip(TOTAL.items(), ("0.3048", "0.4039")):
        found = correlations(data_root / "viescore", judge, exact_ties=True)
        total = averaged([averaged(list(models.values())) for models in found.values()])
        assert printed(total)[:2] == printed(published)[:2]
        assert printed(total)[2] == whole


def test_sub_scores_are_cut_to_their_whole_part(data_root: Path) -> None:
    """GPT-4o gave two fractions, 8.5 both; uncut, PQ would be 0.33972 and print as 0.3397."""
    assert (viescore([8.5, 9]), viescore(["7", 9]), viescore(12), viescore([-1])) == (8, 7, 10, 0)
    fractions = [
        score
        for name, data in tar(data_root / "viescore" / "results_gpt4o_0shot.tar.gz").items()
        if name.endswith(".json")
        for answer in json.loads(data).values()
        for score in answer["score"]
        if score != int(score)
    ]
    assert fractions == [8.5, 8.5]
