"""Where a result came from: versions, platform, command."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["PACKAGES", "provenance"]

#: Packages whose versions can change a figure.
PACKAGES = (
    "prefgauge", "numpy", "scipy", "torch", "torchaudio", "torchvision", "transformers",
    "sentence-transformers", "decord", "av", "soundfile", "trimesh", "pillow", "openai",
)  # fmt: skip


def provenance(**more: Any) -> dict[str, Any]:
    """A JSON-able record of this process. Options that look like secrets are not recorded.

    Returns
    -------
    ``prefgauge``, ``python``, ``platform``, ``packages``, ``git_commit`` (of the current folder,
    if it is a repository), ``command``, ``peak_memory_mb`` (of this process so far; None where
    the system does not tell), and whatever is given by name.
    """
    return {
        "prefgauge": _version("prefgauge") or "unknown",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "git_commit": _commit(),
        "command": _command(),
        "peak_memory_mb": _peak(),
        **more,
    }


@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    hidden = ("key=", "token=", "secret=", "password=")
    return shlex.join(
        "***" if any(mark in word.lower() for mark in hidden) else word for word in words
    )


def _peak() -> float | None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(size / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


@cache
def _commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
