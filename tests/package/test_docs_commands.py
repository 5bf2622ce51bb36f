"""What the pages tell a reader to type and to write is there: commands, options, examples, parts."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from prefgauge.registry import (
    Address,
    Device,
    Preference,
    Request,
    Sample,
    content,
    default,
    hookspecs,
)
from prefgauge.registry.cards import CONTRACT
from prefgauge.runners.cli.app import app
from prefgauge.runners.represent import Representer

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
NOX = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text("utf-8"), re.M))


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def commands() -> list[tuple[str, str]]:
    """Every line that begins with prefgauge in a block of a shell or of a workflow, and in line."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        lines = [
            line
            for block in (*blocks(page, "(?:sh|yaml)?"), *blocks(page, "sh"), *blocks(page, "yaml"))
            for line in block.replace("\\\n", " ").splitlines()
        ]
        lines += re.findall(r"`(prefgauge [^`]+)`", text)
        for line in lines:
            for part in re.split(r"&&|(?<!')#(?=\s)", line.replace("- run: ", "")):
                words = part.strip().removeprefix(".venv/bin/")
                if re.match(r"prefgauge [a-z]", words):
                    found.append((page.name, words))
    return sorted(set(found))


def parser(name: str) -> click.Command:
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), name)
    assert command is not None, f"there is no command {name!r}"
    return command


@pytest.mark.parametrize("page,line", commands())
def test_commands_and_options_exist(page: str, line: str) -> None:
    _, name, *rest = shlex.split(re.sub(r"\.\.\.|\bBENCH\.\.\.", "", line).split(" > ")[0])
    command = parser(name)
    known = {option for parameter in command.params for option in parameter.opts}
    for word in rest:
        option = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", option):
            assert option in known or option.replace("--no-", "--") in known, f"{line}: {option}"


def test_commands_were_found() -> None:
    assert len(commands()) > 50
    assert ("ci.md", "prefgauge gate --write baseline.json") in commands()


def test_nox_sessions_in_the_pages_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"nox (?:--no-venv )?-s (\w+)", page.read_text("utf-8")):
            assert name in NOX, f"{page.name}: nox -s {name}"


def test_every_family_of_parts_is_in_the_hook_reference() -> None:
    text = inspect.getdoc(hookspecs.prefgauge_parts) or ""
    families = {name.partition(".")[0] for name in default().names("part")}
    assert {"replay-format", "personal", "probe", "recipe", "judge-protocol"} <= families
    for family in families:
        assert f"``{family}.NAME``" in text, f"the hook prefgauge_parts does not speak of {family}"


def test_every_probe_is_on_its_page() -> None:
    page = (ROOT / "docs" / "probes.md").read_text("utf-8")
    probes = [name for name in default().names("part") if name.startswith("probe.")]
    for name in [*probes, "probe.self-preference"]:
        assert f"\n| `{name.removeprefix('probe.')}` | " in page


def made(page: str, index: int) -> dict[str, Any]:
    """The names that a Python block of a page defines."""
    names: dict[str, Any] = {}
    exec(blocks(ROOT / "docs" / page, "python")[index], names)
    return names


def test_the_scorer_with_representations_works() -> None:
    page = "writing-a-scorer.md"
    count = len(blocks(ROOT / "docs" / page, "python"))
    (letters,) = (
        scorer
        for index in range(count)
        if "represents = True" in blocks(ROOT / "docs" / page, "python")[index]
        for scorer in [made(page, index)["Letters"]]
    )
    samples = [
        Sample(id=text, candidates=(content(text),), labels=()) for text in ("abba", "zebra", "")
    ]
    model = Representer(letters(Address.parse("letters")), Device("cpu"))
    rows = dict(model.vectors(Request("b", sample, (0,)) for sample in samples))
    model.close()
    assert [row[0] for _, row in sorted(rows.items())] == [2.0, 1.0, 0.0]  # how many a's
    assert rows[1].shape == (26,)


def test_the_probe_on_its_page_works() -> None:
    probe = made("probes.md", 0)["SHOUT"]
    sample = Sample(
        id="1", candidates=(content("a"), content("b")), labels=(Preference(0, 1, "second"),)
    )
    changed = probe(sample)
    assert [c[0].text for c in changed.candidates] == ["A", "b"]
    assert probe(Sample(id="2", candidates=sample.candidates, labels=())) is None


def test_the_contract_in_the_pages_is_the_present_one() -> None:
    for page in PAGES:
        for version in re.findall(r"^PREFGAUGE_CONTRACT = (\d+)", page.read_text("utf-8"), re.M):
            assert int(version) == CONTRACT


def test_extras_in_the_pages_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    known = set(project["optional-dependencies"])
    for page in PAGES:
        for names in re.findall(r"(?:prefgauge|\.)\[([a-z0-9,]+)\]", page.read_text("utf-8")):
            assert set(names.split(",")) <= known, f"{page.name}: [{names}]"


def test_docstrings_become_markdown() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)

    def thing() -> None:
        """Sees :class:`~prefgauge.registry.probe.Probe` and :data:`CONTRACT`.

        Options
        -------
        a, b: two
            of them.
        c: the third: last.

        The end: no option.
        """

    assert generate.markdown(thing) == (
        "Sees `Probe` and `CONTRACT`.\n\n**Options**\n\n- `a, b`: two\n    of them.\n"
        "- `c`: the third: last.\n\nThe end: no option."
    )
    hooks = generate.hooks()
    assert ":class:" not in hooks
    for name in hookspecs.__all__:
        if name.startswith("prefgauge_"):
            assert f"\n## {name}(" in hooks
