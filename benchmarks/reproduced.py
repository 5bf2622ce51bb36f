"""Published figures, from recorded scores: writes docs/reproduced.md.

Each row replays a project's own result file on our bench and holds the figure that comes out
against the one in print (or against an independent computation, where none is printed).

    PREFGAUGE_DATA=... python benchmarks/reproduced.py            # writes docs/reproduced.md
"""

from __future__ import annotations

import csv
import os
import sys
import tarfile
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atanh, log10, tanh
from pathlib import Path
from statistics import fmean
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reproduced.md"
HEAD = """# Published figures, reproduced

What comes out when a project's own recorded scores are replayed on our benches (`--scorer
replay:FILE`), beside what it printed. *computed*: nobody printed it; an independent script (scipy,
scikit-learn, krippendorff) over the same files gave it. Where the print rests on a bug, both figures
are given and the bug is named. Made by `python benchmarks/reproduced.py`.

| bench | recorded | figure | expected | from | here |
|---|---|---|---|---|---|
"""
TAIL = """
**The averaging bug.** VIEScore's notebook averages correlations by tanh(mean r) and calls it Fisher's
z, which is tanh(mean artanh r). That lowers every figure: GPT-4o on semantic consistency has 0.446 in
print, 0.536 by Fisher's z and 0.524 by the plain mean.

**Other figures that depend on a silent choice.** The TIFA paper's column "Spearman" holds Pearson
correlations. Video-Bench writes 0 where a rating is missing; taken as ratings, the zeros give -0.020
and 0.268. DSG prints 0.571 for PaLI without dependencies; its files give 0.570. GenAI-Bench counts a
tie as right only if its kind (both good, both bad) is right.
"""


@dataclass(frozen=True)
class Row:
    """One line of the table; `tolerance` is half a unit of the last digit that is expected."""

    bench: str
    recorded: str
    figure: str
    expected: float
    origin: str
    here: float
    tolerance: float = 6e-5

    @property
    def right(self) -> bool:
        """Whether the figure is reproduced."""
        return abs(self.here - self.expected) <= self.tolerance

    @property
    def digits(self) -> int:
        """Digits to print: as many as the tolerance lets stand."""
        return max(2, round(-log10(self.tolerance)))

    def line(self) -> str:
        """As a row of a Markdown table."""
        digits = self.digits
        mark = "" if self.right else " (differs)"
        return (
            f"| {self.bench} | {self.recorded} | {self.figure} | {self.expected:.{digits}f} | "
            f"{self.origin} | {self.here:.{digits}f}{mark} |"
        )


class Replays:
    """Runs recorded scores on benches, each once."""

    def __init__(self, data: Path) -> None:
        from prefgauge.registry import Source

        self.data, self.source = data, Source.default(data)
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def result(self, bench: str, target: str) -> dict[str, Any]:
        """The result of ``replay:<data>/target`` on a bench."""
        import prefgauge

        key = (bench, target)
        if key not in self._known:
            address = f"replay:{self.data / target}"
            run = prefgauge.run([bench], [address], data=self.data, resamples=0, floors=False)
            self._known[key] = run.rows()[0]
        return self._known[key]

    def value(self, bench: str, target: str, metric: str = "", subset: str = "") -> float:
        """The headline, one of the common statistics, or the headline of a subset."""
        row = self.result(bench, target)
        found = row["subsets"][subset] if subset else row["metrics"][metric] if metric else row
        return float(found["value"])


def images(replays: Replays) -> Iterator[Row]:
    """TIFA, DSG, GenAI-Bench, AGIQA, KonIQ."""
    computed = "computed"
    for metric, srcc, krcc, plcc in (
        ("tifa_mplug-large", 0.5922, 0.4717, 0.5967), ("tifa_blip2-flant5xl", 0.5581, 0.4360, 0.5590),
        ("clipscore_vitb32", 0.3198, 0.2314, 0.3318), ("meteor", 0.3723, 0.2741, 0.3397),
    ):  # fmt: skip
        target = f"tifa160/human_annotations_with_scores.json?metric={metric}"
        for name, expected in (("srcc", srcc), ("krcc", krcc), ("plcc", plcc)):
            here = replays.value("tifa160", target, name)
            yield Row("tifa160", metric, name.upper(), expected, computed, here)
    for model, srcc, krcc in (
        ("mplug", 0.463, 0.380), ("instructblip", 0.442, 0.364), ("pali17b", 0.570, 0.458),
    ):  # fmt: skip
        target = f"dsg/vqa_answers_release/{model}_dsg.csv.gz"
        for name, expected in (("srcc", srcc), ("krcc", krcc)):
            here = replays.value("dsg-tifa160", target, name)
            yield Row("dsg-tifa160", model, name.upper(), expected, "README of DSG", here, 6e-4)
    for task, bench, judges in (
        ("image_generation", "genai-bench-tiger-image", {"gpt4o": 0.4559, "random": 0.2536}),
        ("image_edition", "genai-bench-tiger-edit", {"gpt4o": 0.5354, "random": 0.2590}),
    ):  # fmt: skip
        for judge, expected in judges.items():
            here = replays.value(bench, f"genai_bench_image/{task}/{judge}.jsonl.gz")
            origin = "genaibench_results.txt"
            yield Row(bench, judge, "accuracy, four classes", expected, origin, here)
    target = "agiqa3k/data.csv?format=columns&sample=name&scores=mos_align"
    here = replays.value("agiqa-3k", target)
    yield Row("agiqa-3k", "alignment MOS", "SRCC with quality MOS", 0.7419, computed, here)


def koniq(replays: Replays, folder: Path) -> Iterator[Row]:
    """The two MOS columns of KonIQ-10k against each other."""
    from prefgauge import bench
    from prefgauge.registry import Rating

    path = folder / "raw.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sample", "candidate", "score"])
        for sample in bench("koniq-10k-raw").samples(replays.source):
            labels = [label for label in sample.labels if isinstance(label, Rating)]
            out.writerow([sample.id.rsplit("/", 1)[-1], 0, labels[0].value])
    for name, expected, tolerance in (("plcc", 0.99536, 6e-6), ("srcc", 0.99193, 6e-6)):
        here = replays.value("koniq-10k", str(path), name)
        figure = f"{name.upper()} of z-scored with raw MOS"
        yield Row("koniq-10k", "raw MOS", figure, expected, "computed", here, tolerance)


def geneval(replays: Replays) -> Iterator[Row]:
    """Krippendorff's alpha of GenEval's five annotators, per model."""
    from prefgauge import bench
    from prefgauge.registry import Dimension, default
    from prefgauge.registry.metric import Settings
    from prefgauge.runners.evidence import EvidenceBuilder

    card, samples = (
        bench("geneval-human").card,
        list(bench("geneval-human").samples(replays.source)),
    )
    metric = default().metric("krippendorff-alpha")
    for model, *expected in (
        ("clip", 0.4642, 0.4676, 0.2976), ("sdv2", 0.3162, 0.3248, 0.1979),
        ("if-xl", 0.3086, 0.2962, 0.2189),
    ):  # fmt: skip
        builder = EvidenceBuilder(card.dimensions, (Dimension(),), "pointwise")
        for sample in samples:
            if sample.subset == model and len(sample.labels) == 6:  # five people and their mean
                builder.add(sample, {})
        evidence = builder.build()
        for level, value in zip(("ordinal", "interval", "nominal"), expected, strict=True):
            found = metric.compute(evidence, {"level": level}, Settings(resamples=0)).value
            figure = f"Krippendorff's alpha, {level}"
            yield Row(
                "geneval-human", f"raters of {model}", figure, value, "computed", found or 0.0
            )


def viescore(replays: Replays, folder: Path) -> Iterator[Row]:
    """VIEScore on ImagenHub, averaged as printed, by Fisher's z, and plainly."""
    for judge, printed, fisher, plain in (
        ("gpt4o", (0.4459, 0.3399), (0.5360, 0.3830), (0.5236, 0.3745)),
        ("gemini", (0.3322, 0.2675), (0.3757, 0.2891), (0.3641, 0.2840)),
    ):
        with tarfile.open(replays.data / "viescore" / f"results_{judge}_0shot.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        root = folder / "paper_implementation" / "_answers" / f"results_{judge}_0shot"
        for index, dimension in enumerate(("SC", "PQ")):
            tasks = list(_by_task(replays, root, dimension).values())
            ways: dict[str, tuple[float, float, Callable[[], float]]] = {
                "mean by tanh(mean r), as printed": (
                    printed[index], 6e-5, lambda t=tasks: tanh(fmean(tanh(fmean(r)) for r in t))),
                "mean by Fisher's z": (
                    fisher[index], 6e-5, lambda t=tasks: tanh(fmean(fmean(map(atanh, r)) for r in t))),
                "plain mean": (
                    plain[index], 6e-5, lambda t=tasks: fmean(fmean(r) for r in t)),
            }  # fmt: skip
            for how, (expected, tolerance, compute) in ways.items():
                origin = "VIEScore's notebook" if "printed" in how else "computed"
                figure = f"SRCC, {dimension}, {how}"
                yield Row("imagenhub", judge, figure, expected, origin, compute(), tolerance)


def _by_task(replays: Replays, root: Path, dimension: str) -> dict[str, list[float]]:
    """Spearman of each model's pictures, by task."""
    from scipy.stats import spearmanr

    from prefgauge import bench
    from prefgauge.registry import Rating, Request, default

    scorer = default().scorer(f"replay:{root}/*/*/*.json")
    pairs: defaultdict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for sample in bench("imagenhub").samples(replays.source):
        for label in sample.labels:
            if isinstance(label, Rating) and label.rater is None and label.dimension == dimension:
                request = Request("imagenhub", sample, (label.candidate,))
                values = scorer.score([scorer.prepare(request)])[0].values
                if "O" in values:  # pictures with both aspects
                    pairs[sample.subset, label.candidate].append((values[dimension], label.value))
    found: defaultdict[str, list[float]] = defaultdict(list)
    for (task, _), rows in pairs.items():
        found[task].append(float(spearmanr(*zip(*rows, strict=True))[0]))
    return found


def others(replays: Replays) -> Iterator[Row]:
    """Videos, point clouds, speech."""
    for aspect, expected in (("motion_effects", -0.0140), ("temporal_consistency", 0.2762)):
        target = f"video_bench_human/{aspect}.json"
        here = replays.value("video-bench", target, subset=aspect)
        yield Row("video-bench", f"grid view, {aspect}", "SRCC", expected, "computed", here)
    for judge, expected in (("gpt4o", 0.4846), ("cogvlm", 0.2460), ("random", 0.2516)):
        here = replays.value("genai-bench-tiger-video", f"genai_bench_video/{judge}.jsonl")
        bench, origin = "genai-bench-tiger-video", "genaibench_results.txt"
        yield Row(bench, judge, "accuracy, four classes", expected, origin, here)
    target = "pcqa_mos/SJTU-PCQA_features.csv?format=columns&sample=name&scores=curvature_ggd2"
    here = abs(replays.value("sjtu-pcqa", target))
    yield Row("sjtu-pcqa", "curvature_ggd2", "SRCC, without sign", 0.462, "computed", here, 6e-4)
    target = "pcqa_mos/WPC_features.csv?format=columns&sample=name&scores=curvature_ggd2"
    here = abs(replays.value("wpc", target))
    yield Row("wpc", "curvature_ggd2", "SRCC, without sign", 0.1194, "computed", here)
    target = "tcd_voip/tcd_voip_testset_speech_mode_nsim.csv"
    for name, expected in (("srcc", 0.7844), ("plcc", 0.6886)):
        here = replays.value("tcd-voip", target, name)
        yield Row("tcd-voip", "ViSQOL similarity", name.upper(), expected, "computed", here)
    yield from vcc2018(replays)


def vcc2018(replays: Replays) -> Iterator[Row]:
    """System means published by another repository against those of our utterances."""
    from scipy.stats import pearsonr, spearmanr

    from prefgauge import bench
    from prefgauge.registry import Rating

    with (replays.data / "vcc2018" / "vcc2018_system.csv").open() as file:
        published = {row["system_ID"]: float(row["mean"]) for row in csv.DictReader(file)}
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in bench("vcc2018").samples(replays.source):
        label = sample.labels[0]
        if isinstance(label, Rating):
            found[sample.systems[0]].append(label.value)
    pairs = [(fmean(found[name]), mean) for name, mean in published.items()]
    for name, measure, tolerance in (("PLCC", pearsonr, 1e-4), ("SRCC", spearmanr, 1e-3)):
        here = float(measure(*zip(*pairs, strict=True))[0])
        figure = f"{name} of 38 systems"
        yield Row(
            "vcc2018", "MOSNet's system means", figure, 1.0, "the same votes", here, tolerance
        )


def main() -> int:
    """Write the page; 1 if a figure is not reproduced."""
    data = os.environ.get("PREFGAUGE_DATA")
    if not data:
        print("Set PREFGAUGE_DATA to the mirror of published data.", file=sys.stderr)
        return 2
    replays = Replays(Path(data))
    with tempfile.TemporaryDirectory() as home:
        os.environ["PREFGAUGE_HOME"] = home
        warnings.simplefilter("ignore")  # of rows that cannot be read: the README counts them
        folder = Path(home)
        parts = (
            images(replays), koniq(replays, folder), geneval(replays), viescore(replays, folder),
            others(replays),
        )  # fmt: skip
        rows = [row for part in parts for row in part]
    PAGE.write_text(HEAD + "\n".join(row.line() for row in rows) + "\n" + TAIL, "utf-8")
    wrong = [row for row in rows if not row.right]
    for row in wrong:
        print(row.line(), file=sys.stderr)
    print(f"{len(rows) - len(wrong)} of {len(rows)} figures reproduced; wrote {PAGE}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
