"""The troubleshooting page: every error class has its part, and every message it quotes is one that
prefgauge gives."""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from pathlib import Path

import pytest

from prefgauge.registry import errors
from prefgauge.registry.errors import PrefgaugeError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
CLASSES = [
    name
    for name in errors.__all__
    if isinstance(thing := getattr(errors, name), type)
    and issubclass(thing, PrefgaugeError)
    and thing is not PrefgaugeError
]
_ROW = re.compile(r"^\| (.+?) \| ", re.M)


def words(node: ast.AST) -> str:
    """The text of a string expression, with a mark where something is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            words(part) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return words(node.left) + words(node.right)
    return "…"


@cache
def strings() -> str:
    """All strings of the package's code but docstrings, one per line, spaces made one."""
    found = []
    for folder in ("registry", "runners", "plugins", "benches"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
            docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
            for node in nodes:
                if node in docstrings:
                    continue
                if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Constant):
                    found.append(" ".join(words(node).split()))
    return "\n".join(found)


@cache
def raised() -> set[str]:
    """Names of the error classes that the code raises."""
    names = set()
    for folder in ("registry", "runners", "plugins", "benches"):
        for path in (ROOT / folder).rglob("*.py"):
            names |= set(re.findall(r"raise (\w+)\(", path.read_text("utf-8")))
    return names


def quoted() -> list[str]:
    """The messages in the first columns of the tables, below the table of exit codes."""
    tables = PAGE.split("## What results say")[1]
    return [text for row in _ROW.findall(tables) for text in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_class_has_its_part(name: str) -> None:
    assert f"\n## {name}: " in PAGE


def test_users_get_no_other_class() -> None:
    """Each class is raised somewhere, and whatever else is raised is Python's own or caught."""
    caught = {"BackendError"}  # becomes an outcome with its reason
    assert set(CLASSES) <= raised() | {"MissingExtra"}  # raised by `require`
    errors_of_ours = {name for name in raised() if name.endswith("Error")}
    assert errors_of_ours <= {*CLASSES, "PrefgaugeError", *caught, *dir(builtins)}


@pytest.mark.parametrize("message", sorted(set(quoted())))
def test_every_quoted_message_is_given(message: str) -> None:
    parts = [part.strip(" .,;") for part in message.split("...")]
    parts = [part for part in parts if len(part) > 3 and part not in {"incomplete", "refused"}]
    for part in parts:
        assert part in strings(), f"no message of prefgauge holds {part!r}"


def test_exit_codes_are_those_of_the_concepts_page() -> None:
    concepts = (ROOT / "docs" / "concepts.md").read_text("utf-8")
    for code in range(6):
        assert f"\n| {code} | " in PAGE
        assert f"\n| {code} | " in concepts
