"""Fixtures of the fault tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_tools import install


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed plugin with a bench and a scorer that can be made to fail; the folder where it
    marks how often it killed its process."""
    for name, value in install(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "marks"
