"""What a report shows, as plain data made from bundles: cells, bench pages, the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefgauge.registry import Bundle, PrefgaugeError, UsageError, default
from prefgauge.runners.compare import Answers, answers_of, dimension_of, top_group
from prefgauge.runners.report.letters import Overall, bench_letters, overall_letters

__all__ = [
    "SOURCES",
    "BenchPage",
    "Cell",
    "Report",
    "assemble",
    "ground",
    "heat",
    "mapping",
    "number",
    "release",
    "subsets_of",
]

#: Label source -> (mark, words). Only "human" may be called human.
SOURCES = {
    "human": ("", "labels by people"),
    "objective": ("obj", "labels by an objective check, not by people"),
    "ai": ("AI", "labels by a model, not by people"),
    "construction": ("known", "order known by construction, not by people"),
}
_LOWER_IS_BETTER = ("rmse", "mae", "brier", "ece", "position-bias")


@dataclass(slots=True)
class Cell:
    """One scorer on one bench.

    Attributes
    ----------
    heat: -1..1, how far from chance (0) to perfect (1) or to always wrong (-1); None: no value.
    top: True if not significantly worse than the bench's best scorer; None: not tested.
    letters: shared with the scorers that it does not differ from significantly.
    part: True if it has the first rows only (``--limit``) and another result of the bench more.
    answers: evidence for figures, dropped after they are drawn.
    """

    bundle: Bundle
    heat: float | None = None
    top: bool | None = None
    letters: str = ""
    part: bool = False
    answers: Answers | None = None
    problem: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """The bundle's result."""
        return self.bundle.result

    @property
    def scorer(self) -> str:
        """The scorer's address."""
        return self.bundle.scorer

    @property
    def value(self) -> float | None:
        """The headline."""
        return number(self.result.get("value"))

    @property
    def low(self) -> float | None:
        """Lower bound of the interval."""
        return number(self.result.get("ci_low"))

    @property
    def high(self) -> float | None:
        """Upper bound of the interval."""
        return number(self.result.get("ci_high"))

    @property
    def complete(self) -> bool:
        """False if the coverage was too low to trust the value."""
        return bool(self.result.get("status", "complete") == "complete")

    @property
    def cut(self) -> bool:
        """True if it has the first rows only (``--limit``)."""
        return math.isfinite(_rows_read(self.bundle))

    @property
    def sound(self) -> bool:
        """True if it can stand beside the others: complete, and not of fewer rows than they."""
        return self.complete and not self.part


@dataclass(slots=True)
class BenchPage:
    """A bench with the results of all scorers, best first, those of fewer rows last."""

    bench: str
    cells: list[Cell]
    lower_is_better: bool = False
    probes: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def first(self) -> dict[str, Any]:
        """A result to read the bench's own facts from."""
        return self.cells[0].result

    @property
    def title(self) -> str:
        """One line for people."""
        return str(self.first.get("bench_title") or self.bench)

    @property
    def modality(self) -> str:
        """Of the candidates."""
        return str(self.first.get("modality") or "other")

    @property
    def metric(self) -> str:
        """The headline metric's name."""
        return str(self.first.get("metric") or "value")

    @property
    def dimension(self) -> str:
        """The dimension of the headline."""
        return dimension_of(self.cells[0].bundle)

    @property
    def source(self) -> tuple[str, str]:
        """(mark, words) of who labelled."""
        known = str(self.first.get("label_source") or "")
        return SOURCES.get(known, ("?", "labels of unknown origin"))

    def lines(self, kind: str) -> dict[str, float]:
        """The ``floors`` or ``ceilings`` that have a value, by name. A floor is that of any
        scorer's run: all runs of a bench read the same samples, or come last."""
        found: dict[str, float] = {}
        for cell in self.cells:
            for name, entry in mapping(cell.result.get(kind)).items():
                value = number(mapping(entry).get("value"))
                if value is not None:
                    found.setdefault(name, value)
            if kind == "floors" and cell.scorer in {"random", "length"} and cell.value is not None:
                found.setdefault(cell.scorer, cell.value)
        return found


@dataclass(slots=True)
class Report:
    """All that the pages and tables show."""

    title: str
    benches: list[BenchPage]
    scorers: list[str]
    older: int = 0
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    def cell(self, scorer: str, bench: str) -> Cell | None:
        """The result of a scorer on a bench, if there is one."""
        return self.cells.get((scorer, bench))

    def skill(self, scorer: str) -> tuple[float, int] | None:
        """(mean heat, number of benches) over the scorer's complete results of all rows."""
        heats = [
            cell.heat
            for (name, _), cell in self.cells.items()
            if name == scorer and cell.heat is not None and cell.sound
        ]
        return (sum(heats) / len(heats), len(heats)) if heats else None

    def overall(self) -> Overall:
        """Letters of the scorers over all benches, from their complete results."""
        skills: dict[str, dict[str, float]] = {}
        for (scorer, bench), cell in self.cells.items():
            if cell.heat is not None and cell.sound:
                skills.setdefault(scorer, {})[bench] = cell.heat
        return overall_letters(self.scorers, skills)


def assemble(bundles: Iterable[Bundle], title: str = "prefgauge report") -> Report:
    """Arrange bundles into a report; those of probes go to the page of the bench they probe. Of
    several results of one scorer on one bench the best founded is shown: complete before
    incomplete, all rows before ``--limit``, then the newest.

    Raises
    ------
    UsageError: if there is no bundle.
    """
    chosen: dict[tuple[str, str], Bundle] = {}
    older = 0
    probes: dict[tuple[str, str, str], Bundle] = {}
    for bundle in bundles:
        if probe := mapping(bundle.result.get("probe")):
            if probe.get("role") == "effect":
                name = str(probe.get("of")), bundle.scorer, str(probe.get("probe"))
                probes[name] = max(probes.get(name, bundle), bundle, key=_standing)
            continue
        key = bundle.scorer, bundle.bench
        if key in chosen:
            older += 1
            bundle = max(chosen[key], bundle, key=_standing)
        chosen[key] = bundle
    if not chosen:
        raise UsageError("There is no result to report. `prefgauge run` makes some.")
    pages: dict[str, BenchPage] = {}
    for (_, bench), bundle in sorted(chosen.items(), key=lambda item: item[0]):
        pages.setdefault(bench, BenchPage(bench, [])).cells.append(Cell(bundle))
    for page in pages.values():
        _finish(page)
    for (bench, _, _), bundle in sorted(probes.items(), key=lambda item: item[0]):
        if bench in pages:
            pages[bench].probes.append(bundle.result["probe"])
    order = {"text": 0, "image": 1, "video": 2, "audio": 3, "mesh": 4}
    benches = sorted(pages.values(), key=lambda p: (order.get(p.modality, 9), p.bench))
    cells = {(cell.scorer, page.bench): cell for page in benches for cell in page.cells}
    report = Report(title, benches, [], older, cells)
    names = {scorer for scorer, _ in chosen}
    report.scorers = sorted(names, key=lambda name: (-_rank(report, name), name))
    return report


def ground(page: BenchPage) -> None:
    """Load each cell's evidence, mark the top group and give letters; call before figures are drawn, and
    :func:`release` after. A bundle without outcomes keeps its figures out, with the reason."""
    for cell in page.cells:
        if cell.value is None:
            continue
        try:
            cell.answers = answers_of(cell.bundle)
        except PrefgaugeError as error:
            cell.problem = str(error)
        except (TypeError, ValueError, KeyError) as error:  # a damaged or foreign bundle
            cell.problem = f"the outcomes cannot be read: {type(error).__name__}: {error}"
    tested = [cell.answers for cell in page.cells if cell.answers is not None and cell.sound]
    if len(tested) < 2:
        return
    best, letters = top_group(tested), bench_letters(tested)
    for cell in page.cells:
        if best and cell.answers is not None and cell.sound:
            cell.top = cell.scorer in best
            cell.letters = letters.get(cell.scorer, "")


def release(page: BenchPage) -> None:
    """Drop the evidence that :func:`ground` loaded."""
    for cell in page.cells:
        cell.answers = None


def number(value: Any) -> float | None:
    """`value` if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _finish(page: BenchPage) -> None:
    page.lower_is_better = _lower_is_better(page.metric)
    most = max(_rows_read(cell.bundle) for cell in page.cells)
    sign = 1 if page.lower_is_better else -1

    def order(cell: Cell) -> tuple[bool, bool, float, str]:
        return cell.value is None, cell.part, sign * (cell.value or 0.0), cell.scorer

    for cell in page.cells:
        cell.part = _rows_read(cell.bundle) < most
    page.cells.sort(key=order)
    chance = page.lines("floors").get("random")
    for cell in page.cells:
        cell.heat = heat(cell.value, chance, page)


def heat(value: float | None, chance: float | None, page: BenchPage) -> float | None:
    if value is None or page.lower_is_better or not -1.0 <= value <= 1.0:
        return None
    if chance is None or not -1.0 < chance < 1.0:
        chance = 0.5 if "accuracy" in page.metric else 0.0
    if value >= chance:
        return (value - chance) / (1.0 - chance)
    lowest = 0.0 if "accuracy" in page.metric else -1.0
    return -(chance - value) / (chance - lowest) if chance > lowest else 0.0


def _lower_is_better(metric: str) -> bool:
    try:
        return not default().metric(metric).card.higher_is_better
    except PrefgaugeError:
        return metric.startswith(_LOWER_IS_BETTER)


def _rank(report: Report, scorer: str) -> float:
    found = report.skill(scorer)
    return found[0] if found else -2.0


def _rows_read(bundle: Bundle) -> float:
    """How many rows were read: infinite if all, so if ``--limit`` did not cut any off."""
    limit = number(mapping(bundle.result.get("bench_data")).get("limit"))
    samples = number(bundle.result.get("samples"))
    return math.inf if limit is None or (samples or limit) < limit else limit


def _standing(bundle: Bundle) -> tuple[bool, float, float, str]:
    result = bundle.result
    finished = number(result.get("finished_ms")) or 0.0
    return result.get("status", "complete") == "complete", _rows_read(bundle), finished, bundle.id


def subsets_of(cells: Sequence[Cell], limit: int = 24) -> list[str]:
    """Names of the subsets that the cells have, largest first, at most `limit`."""
    sizes: dict[str, float] = {}
    for cell in cells:
        for name, entry in mapping(cell.result.get("subsets")).items():
            sizes[name] = max(sizes.get(name, 0.0), number(mapping(entry).get("n")) or 0.0)
    return sorted(sizes, key=lambda name: (-sizes[name], name))[:limit]
