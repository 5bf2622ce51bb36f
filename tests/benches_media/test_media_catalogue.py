"""Every bench of the media families: cards are complete, headlines exist, imports stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from prefgauge.benches.common.unreleased import UnreleasedBench
from prefgauge.registry import DataError, Evidence, Settings, Source, UsageError, default

FAMILIES = ("image", "editing", "video", "threed", "music", "speech")
NAMES = [n for f in FAMILIES for n in import_module(f"prefgauge.benches.{f}").BENCHES]


def test_names_that_collide_carry_their_owner() -> None:
    assert len(NAMES) == len(set(NAMES))
    ambiguous = {"genai-bench", "editreward-bench", "mllm-judge", "omni-reward", "koniq", "hpd"}
    assert not ambiguous & set(NAMES)
    assert {"genai-bench-tiger-image", "genai-bench-cmu", "editreward-bench-tiger"} <= set(NAMES)


def test_the_page_of_media_benches_names_each_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "media-benches.md"
    if not page.exists():
        pytest.skip("the documentation is not part of an installed package")
    text = page.read_text("utf-8")
    told = set(re.findall(r"`([a-z0-9][a-z0-9-]+)`", text))
    assert told <= set(default().names("bench"))
    families = ("omni-rewardbench-", "align-anything-")  # named by their first member
    assert {name for name in NAMES if not name.startswith(families)} <= told
    cannot = text.partition("## Sets that cannot be run")[2]
    for name in NAMES:
        unreleased = isinstance(default().bench(name), UnreleasedBench)
        assert (f"| `{name}` |" in cannot) == unreleased, name


@pytest.mark.parametrize("name", NAMES)
def test_card(name: str) -> None:
    bench = default().bench(name)
    card = bench.card
    assert card.id == name
    assert len(card.title) > 10
    assert len(card.citation) > 10
    assert card.homepage.startswith("https://")
    assert card.licence
    non_commercial = any(
        word in f"{card.licence} {card.licence_note}".lower()
        for word in ("-nc", "non-commercial use only", "treat it as non-commercial")
    )
    # CC BY-NC code beside CC BY data is the one exception: the note tells the two apart
    if non_commercial and name not in {"neural-codec-mushra", "neural-codec-mushra-raw"}:
        assert card.commercial is False, "a non-commercial licence must be flagged"
    for file in card.files:
        assert file.url is None or file.url.startswith("https://")
        assert not file.mirror.startswith("/")
        assert ".." not in file.mirror
        assert file.sha256 is None or len(file.sha256) == 64
    for reference in card.references:
        assert -1.0 <= reference.value <= 1.0, "references are shares, not per cent"


@pytest.mark.parametrize("name", NAMES)
def test_headline_metric_takes_its_options(name: str) -> None:
    bench = default().bench(name)
    for form in ("pointwise", "pairwise", "listwise"):
        use = bench.protocol.use(form)  # type: ignore[arg-type]
        metric = default().metric(use.metric)
        try:
            metric.compute(Evidence(), use.options, Settings(resamples=0))
        except UsageError as error:
            pytest.fail(str(error))
        except (AttributeError, TypeError):
            pass  # options were accepted; there is no table to compute from


@pytest.mark.parametrize("name", NAMES)
def test_unreleased_sets_say_why(name: str, tmp_path: object) -> None:
    bench = default().bench(name)
    if not isinstance(bench, UnreleasedBench):
        assert bench.card.files, "a bench that can be read names its files"
        return
    with pytest.raises(DataError, match="cannot be run"):
        bench.read(Source.default())


def test_importing_the_benches_stays_light() -> None:
    modules = sorted(
        {default().entry("bench", name).target.partition(":")[0] for name in NAMES}  # type: ignore[union-attr]
    )
    code = (
        "import sys, importlib\n"
        f"[importlib.import_module(name) for name in {modules!r}]\n"
        "heavy = {'numpy', 'pandas', 'torch', 'PIL', 'scipy', 'soundfile', 'decord', 'pyarrow',"
        " 'datasets', 'huggingface_hub', 'trimesh', 'mlflow'} & set(sys.modules)\n"
        "sys.exit(f'heavy imports: {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def strays(module: str) -> list[int]:
    """Lines of string statements that are no docstrings."""
    tree = ast.parse(Path(import_module(module).__file__ or "").read_text())
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.Module))]
    return [
        statement.lineno
        for body in bodies
        for statement in body[1:]
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ]


def test_modules_hold_no_stray_strings() -> None:
    """A note that was cut in two would lose its second half without a word."""
    modules = {default().entry("bench", name).target.partition(":")[0] for name in NAMES}
    assert {module: lines for module in sorted(modules) if (lines := strays(module))} == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_note_is_a_whole_sentence(name: str) -> None:
    note = getattr(default().bench(name), "note", "")
    assert note == "" or note.endswith(".")
