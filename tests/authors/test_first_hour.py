"""A plugin author's first hour: new, install, check, run, test; in a fresh environment."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefgauge.registry import (
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    RowBench,
    Sample,
    content,
    default,
)
from prefgauge.runners.conformance import best_of
from prefgauge.runners.scaffold import CHOICES, Choices, write_package
from prefgauge.testing import BenchConformance

ROOT = Path(__file__).parents[2]
HOUR = (
    "prefgauge new bench demo && pip install ./prefgauge-demo && prefgauge check demo && "
    "prefgauge run demo --scorer length"
)
BENCHES = list(itertools.product(CHOICES["modality"], CHOICES["labels"]))
SCORERS = list(itertools.product(CHOICES["modality"], CHOICES["form"]))


def run(*words: object, code: int = 0, cwd: Path | None = None, **more: str) -> str:
    env = {**os.environ, "PYTHONPATH": "", **more}
    done = subprocess.run(
        [str(w) for w in words], capture_output=True, text=True, cwd=cwd, check=False, env=env
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def shell(line: str, bin_: Path, cwd: Path, **more: str) -> str:
    """A line of a shell whose PATH begins with an environment's programs."""
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    home = {"PREFGAUGE_HOME": str(cwd / "home"), "PREFGAUGE_DATA": "", "MLFLOW_TRACKING_URI": ""}
    return run("sh", "-ec", line, cwd=cwd, PATH=path, **home, **more)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that sees this one's packages, so that nothing is
    downloaded; it has a pip and a prefgauge of its own."""
    pytest.importorskip("hatchling", reason="hatchling builds the package")
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    paths = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("\n".join([*paths, str(ROOT / "src")]) + "\n")
    command = folder / "bin" / "prefgauge"
    call = "import sys; from prefgauge.runners.cli import main; sys.exit(main())"
    command.write_text(f"#!{folder}/bin/python\n{call}\n")
    command.chmod(0o755)
    return folder / "bin"


def test_the_first_hour_as_it_is_written(fresh: Path, tmp_path: Path) -> None:
    # nothing is downloaded: the packages of this environment build and satisfy what it needs
    said = shell(HOUR, fresh, tmp_path, PIP_NO_BUILD_ISOLATION="0", PIP_NO_DEPS="1",
                 PIP_DISABLE_PIP_VERSION_CHECK="1")  # fmt: skip
    assert "bench demo: ok" in said
    assert re.search(r"demo .*length.*pair-accuracy", said), said
    plugins = json.loads(shell("prefgauge plugins --json", fresh, tmp_path))
    assert next(row for row in plugins if row["name"] == "demo")["ok"]
    shell("python -m pytest -q -p no:cacheprovider ./prefgauge-demo", fresh, tmp_path)


def follow(page: str, file: str, fresh: Path, folder: Path) -> str:
    """Save the Python blocks up to the first TOML one as `file`, that one as ``pyproject.toml``, and
    type the shell block after it."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, re.S | re.M)
    first = next(i for i, (language, _) in enumerate(blocks) if language == "toml")
    code = [block for language, block in blocks[:first] if language == "python"]
    (folder / file).write_text("\n\n".join(code))
    (folder / "pyproject.toml").write_text(blocks[first][1])
    lines = next(block for language, block in blocks[first:] if language == "sh")
    return shell(" && ".join(lines.splitlines()), fresh, folder, PIP_NO_BUILD_ISOLATION="0",
                 PIP_NO_DEPS="1", PIP_DISABLE_PIP_VERSION_CHECK="1")  # fmt: skip


def test_the_tutorial_as_it_is_written(fresh: Path, tmp_path: Path) -> None:
    said = follow("tutorial.md", "prefgauge_tiny.py", fresh, tmp_path)
    # vowels: Paris 2 > Lyon 1; Lima 2 = Cusco 2; N'Djamena 3 < Moundou 4
    assert re.search(r"tiny-capitals .*vowels.* 0.5000 ", said), said
    assert HOUR in (ROOT / "docs" / "tutorial.md").read_text("utf-8")


def test_writing_a_scorer_as_it_is_written(fresh: Path, tmp_path: Path) -> None:
    said = follow("writing-a-scorer.md", "prefgauge_brevity.py", fresh, tmp_path)
    assert "scorer brevity: ok" in said
    assert re.search(r"control-text .*brevity\?tie_within=5", said), said


@pytest.mark.slow
def test_the_first_hour_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """As a stranger has it: nothing there but what pip installs."""
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    install = [bin_ / "pip", "install", "-q", "-c", ROOT / "constraints.txt", ROOT]
    done = subprocess.run([str(w) for w in install], capture_output=True, text=True, check=False)
    if done.returncode and re.search(r"Could not find|No matching|connection", done.stderr, re.I):
        pytest.skip("no package index is reachable, so nothing can be installed")
    assert done.returncode == 0, done.stderr
    said = shell(HOUR, bin_, tmp_path)
    assert "bench demo: ok" in said
    assert re.search(r"demo .*length.*pair-accuracy", said), said


def packages(folder: Path, every: bool) -> list[Path]:
    """New packages of all kinds of choices below `folder`, made findable without an installation
    by a dist-info of their own; of the two-fold choices one in three unless `every`."""
    some = slice(None, None, 1 if every else 3)
    made = [
        *(
            ("bench", f"b-{m}-{kind}", Choices(modality=m, labels=kind))
            for m, kind in BENCHES[some]
        ),
        *(("scorer", f"s-{m}-{f}", Choices(modality=m, form=f)) for m, f in SCORERS[some]),
        *(("metric", f"m-{needs}", Choices(needs=needs)) for needs in CHOICES["needs"]),
    ]
    for kind, name, choices in made:
        pyproject, *_ = write_package(kind, name, folder, "0.1.0", choices)
        module = f"prefgauge_{name.replace('-', '_')}"
        info = pyproject.parent / "src" / f"{module}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: prefgauge-{name}\nVersion: 0.1.0\n"
        )
        point = re.search(r"^\[project.entry-points.prefgauge\]\n(.*)", pyproject.read_text(), re.M)
        assert point is not None
        (info / "entry_points.txt").write_text(f"[prefgauge]\n{point[1].replace(chr(34), '')}\n")
    return sorted(folder.glob("prefgauge-*"))


@pytest.mark.parametrize(
    "every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_new_packages_pass_their_own_tests_and_ruff(tmp_path: Path, every: bool) -> None:
    for name in ("PIL", "av", "soundfile", "trimesh"):
        pytest.importorskip(name, reason=f"{name} reads the example media")
    made = packages(tmp_path, every)
    assert len(made) == (20 + 15 + 3 if every else 7 + 5 + 3)
    path = os.pathsep.join(str(folder / "src") for folder in made)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *made]
    env = {"PYTHONPATH": path, "PREFGAUGE_HOME": str(tmp_path / "home")}
    assert "failed" not in run(*words, cwd=tmp_path, **env)
    if ruff := shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent)):
        for folder in made:  # with the settings of each package
            run(ruff, "check", "--no-cache", "--select", "E,F,W,I,UP,B,SIM,RUF", ".", cwd=folder)
            run(ruff, "format", "--no-cache", "--check", ".", cwd=folder)


@pytest.mark.slow
def test_new_packages_are_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy checks the types")
    sources = [folder / "src" for folder in packages(tmp_path, True)]
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", *sources]
    path = os.pathsep.join(map(str, sources))
    assert "Success" in run(*words, cwd=tmp_path, PYTHONPATH=path, MYPYPATH=str(ROOT / "src"))


def test_a_package_is_complete(tmp_path: Path) -> None:
    choices = Choices(modality="image", labels="per-rater")
    files = write_package("bench", "faces", tmp_path, "0.1.0", choices)
    names = {str(path.relative_to(tmp_path / "prefgauge-faces")) for path in files}
    source = "src/prefgauge_faces"
    assert {
        "pyproject.toml", "README.md", "tests/test_faces.py", f"{source}/__init__.py",
        f"{source}/bench.py", f"{source}/data.jsonl", f"{source}/py.typed",
        f"{source}/media/q1-a.png",
    } <= names  # fmt: skip
    readme = (tmp_path / "prefgauge-faces" / "README.md").read_text()
    assert "## Licence" in readme
    for path in files:
        assert path.suffix == ".png" or "{{" not in path.read_text("utf-8"), path


def test_a_label_that_is_turned_round_is_noticed() -> None:
    class Turned(RowBench):
        card = replace(default().bench("control-text").card, id="turned", files=(),
                       label_kinds=("rating",), dimensions=(Dimension("pain"),))  # fmt: skip
        protocol = Protocol(name="t", source="here", headline=MetricUse("srcc"))

        def to_sample(self, row: Mapping[str, Any], default_id: str) -> Sample:
            labels = tuple(Rating(i, value, "pain") for i, value in enumerate(row["pain"]))
            return Sample(id="1", candidates=(content("a"), content("b")), labels=labels)

    class Suite(BenchConformance):
        bench = Turned
        better = (({"pain": (1.0, 5.0)}, 0),)  # less pain is better

    with pytest.raises(AssertionError, match="higher_is_better turned round"):
        Suite().test_labels_point_to_the_better_candidate()
    Turned.card = replace(Turned.card, dimensions=(Dimension("pain", higher_is_better=False),))
    Suite().test_labels_point_to_the_better_candidate()
    tie = Turned().to_sample({"pain": (2.0, 2.0)}, "")
    assert best_of(Turned(), tie) is None


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prefgauge-x").mkdir()
    new = [sys.executable, "-m", "prefgauge", "new"]
    assert "exists already" in _error(*new, "bench", "x", "--folder", tmp_path)
    assert "cannot be a name" in _error(*new, "bench", "Not A Name", "--folder", tmp_path)
    assert "not a 'thing'" in _error(*new, "thing", "y", "--folder", tmp_path)
    assert "A bench has no --form; it has --modality and --labels" in _error(
        *new, "bench", "y", "--form", "pairwise", "--folder", tmp_path
    )
    assert "--modality is one of text, image" in _error(
        *new, "scorer", "y", "--modality", "smell", "--folder", tmp_path
    )


def _error(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())
