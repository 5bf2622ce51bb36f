"""The tracker contract: where finished results go. Scoring never talks to a tracker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from prefgauge.registry.address import Address
from prefgauge.registry.bundle import Bundle

__all__ = ["Tracker"]


class Tracker(ABC):
    """Sends finished bundles somewhere. Built from an address such as
    ``mlflow:sqlite:////abs/path/mlflow.db`` or ``json:results/``."""

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def log(self, bundles: Sequence[Bundle]) -> Sequence[str]:
        """Log bundles; return one place (URL or path) per bundle to look at.

        Logging the same bundle again must update, never double (use ``bundle.id``).

        Raises
        ------
        StoreError: if the store is dead, locked or read-only; within seconds, not minutes. The
            bundles stay on disk and can be logged later.
        """

    def attach(self, bundle: Bundle, file: Path) -> None:  # noqa: B027, a tracker may have no such place
        """Keep `file` beside all results of the bundle's scorer in its suite, in place of an
        earlier one of the same name. What was logged is not in danger: by default nothing
        happens.

        Raises
        ------
        StoreError: see :meth:`log`.
        """
