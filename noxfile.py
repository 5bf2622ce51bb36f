"""Sessions: tests, lint, types, wheel, plugin, authors, docs, faults, browser, gpu.

``nox`` runs tests, lint and types. On a machine with a preinstalled torch (a GPU image),
``nox --no-venv -s gpu`` uses that environment as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = "local,hub,image,video,speech,threed,judge,diffusion"


def install(session: nox.Session, *groups: str, extras: str = EXTRAS) -> None:
    """Install the project, editable, with extras and dependency groups; nothing in --no-venv."""
    if session.virtualenv.is_sandboxed:
        wanted = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
        what = f".[{extras}]" if extras else "."
        session.install("-c", "constraints.txt", "-e", what, *wanted)


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite without slow tests; arguments go to pytest."""
    install(session, "test")
    session.run("pytest", "-m", "not slow and not gpu", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Only the slow tests: simulations, long fault injection."""
    install(session, "test")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint, import layers."""
    install(session, "lint", extras="")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the whole package."""
    install(session, "types")
    session.run("mypy", "-p", "prefgauge")


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build, install into a clean environment, and use the command from another folder."""
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(dist), ".")
    (built,) = dist.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install("-c", "constraints.txt", str(built))
    session.cd(session.create_tmp())
    session.run("prefgauge", "list")
    session.run("python", "-m", "prefgauge", "run", "control-text", "-s", "length", "--no-track")


@nox.session(default=False)
def plugin(session: nox.Session) -> None:
    """Install the example package of a third party and see it discovered and run."""
    install(session, extras="")
    session.install("--no-deps", "./examples/prefgauge-plugin-example")
    session.run("prefgauge", "plugins", "--strict")
    session.run("prefgauge", "check", "example")
    session.run("prefgauge", "run", "example-arithmetic", "-s", "example-calculator", "--no-track")
    session.install("pytest")
    session.run("pytest", "examples/prefgauge-plugin-example")


@nox.session(default=False)
def authors(session: nox.Session) -> None:
    """A plugin author's first hour in full: every kind of new package, and a fresh environment."""
    install(session, "test", "lint", "types")
    session.run("pytest", "tests/authors", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """The fault-injection suite in full: kill -9 fifty times, dying workers, Ray."""
    install(session, "test", extras=f"{EXTRAS},ray")
    session.run("pytest", "tests/faults", "tests/runners", "tests/shards", *session.posargs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """The report and the MLflow pages in headless Chromium (Debian: chromium, chromium-driver)."""
    install(session, "test", "browser")
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation site, warnings as errors."""
    install(session, "docs", extras="")  # cards and docstrings need nothing heavy
    session.run("python", "docs/generate.py", "docs/reference")
    session.run("mkdocs", "build", "--strict")


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """The tests that need a CUDA device."""
    install(session, "test")
    session.run("pytest", "-m", "gpu", *session.posargs)
