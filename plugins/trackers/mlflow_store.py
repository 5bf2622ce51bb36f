"""Which MLflow store an address means, and a guarded connection to it.

Measured traps this module answers: the default store depends on the current folder; two
processes that create one SQLite store at once break its migration; a dead server blocks each
call for minutes with the default retries; a locked database blocks for 20 s.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefgauge.plugins.trackers.locks import locked
from prefgauge.registry.address import Address
from prefgauge.registry.errors import PrefgaugeError, StoreError, UsageError, require
from prefgauge.registry.source import home

__all__ = ["Store", "connect", "resolve"]

_QUICK = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
_BUSY_SECONDS = 5.0
_CREATION_SECONDS = 240.0  # another process may be making a new store, on a busy machine


@dataclass(frozen=True, slots=True)
class Store:
    """An MLflow store.

    Parameters
    ----------
    uri: tracking URI, with an absolute path if it is SQLite.
    artifacts: root of the artifacts of new experiments; None where a server decides.
    """

    uri: str
    artifacts: str | None

    @property
    def database(self) -> Path | None:
        """The SQLite file, if it is one."""
        return Path(self.uri[len("sqlite:///") :]) if self.uri.startswith("sqlite:///") else None

    @property
    def shown(self) -> str:
        """The URI without user and password."""
        return re.sub(r"//[^/@]*@", "//***@", self.uri)

    @property
    def lock(self) -> Path:
        """The lock file that this machine's writers to the store share."""
        database = self.database
        if database is not None:
            return database.with_name(database.name + ".lock")
        return home() / "mlflow" / f"{hashlib.sha256(self.uri.encode()).hexdigest()[:16]}.lock"

    def page(self, experiment: str, run: str) -> str:
        """Where to look at a run."""
        return f"{self.shown.rstrip('/')}/#/experiments/{experiment}/runs/{run}"


def resolve(address: Address) -> Store:
    """The store of ``mlflow``, ``mlflow:URI`` or ``mlflow:path/to/mlflow.db``.

    Without a URI it is ``MLFLOW_TRACKING_URI`` if set, else
    ``sqlite:///<home>/mlflow/mlflow.db``. Option ``artifacts`` sets the artifact root; by default
    it is the folder ``artifacts`` beside a SQLite file. Other options belong to the URI.

    Raises
    ------
    UsageError: for a URI that MLflow cannot use.
    """
    options = dict(address.options)
    artifacts = options.pop("artifacts", None)
    uri = address.target or os.environ.get("MLFLOW_TRACKING_URI", "")
    if options:
        uri += "?" + "&".join(f"{name}={value}" for name, value in options.items())
    if not uri:
        uri = f"sqlite:///{home() / 'mlflow' / 'mlflow.db'}"
    if "://" not in uri and not uri.startswith(("databricks", "sqlite:", "file:")):
        uri = f"sqlite:///{Path(uri).expanduser().absolute()}"
    if uri.startswith("sqlite:///"):
        path = Path(uri[len("sqlite:///") :]).expanduser().absolute()
        root = Path(artifacts).expanduser().absolute() if artifacts else path.parent / "artifacts"
        return Store(f"sqlite:///{path}", str(root) if "://" not in str(artifacts) else artifacts)
    scheme = urlsplit(uri).scheme or uri
    if scheme in {"file", "sqlite"}:
        raise UsageError(
            f"mlflow:{uri} is not usable: give a database file as mlflow:sqlite:////abs/mlflow.db "
            "or mlflow:path/mlflow.db, or a server as mlflow:http://host:port."
        )
    if scheme in {"http", "https", "databricks"}:
        return Store(uri, artifacts)
    return Store(uri, artifacts or str(home() / "mlflow" / "artifacts"))


@contextlib.contextmanager
def connect(store: Store) -> Iterator[Any]:
    """An ``MlflowClient`` of `store`, whose every failure inside the block is a StoreError.

    A missing SQLite store is created under the lock. Retries and timeouts are short unless the
    user set them; telemetry is off.

    Raises
    ------
    StoreError: if the store is dead, locked, read-only, full or of another MLflow version.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow: Any = require("mlflow", "mlflow", "Logging to MLflow")  # sets its own log levels
    with _environment(_settings(store)), _quiet(), _translated(store):
        if store.database is None:
            yield mlflow.MlflowClient(tracking_uri=store.uri)
            return
        with _short_commits(store.database):
            with locked(store.lock, _CREATION_SECONDS):
                client = _open_sqlite(store, mlflow)
            yield client


def probe(store: Store) -> None:
    """Fail within seconds if a SQLite store cannot be written now (another writer's lock, a
    read-only file), instead of MLflow's 20 s."""
    database = store.database
    if database is None:
        return
    with contextlib.closing(sqlite3.connect(database, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE prefgauge_probe (x)")  # a lock alone allows read-only
        connection.rollback()


def _open_sqlite(store: Store, mlflow: Any) -> Any:
    assert store.database is not None
    store.database.parent.mkdir(parents=True, exist_ok=True)
    probe(store)
    client = mlflow.MlflowClient(tracking_uri=store.uri)
    client.search_experiments(max_results=1)  # the first call runs the migrations
    return client


@contextlib.contextmanager
def _short_commits(database: Path) -> Iterator[None]:
    """Connections opened in the block keep their rollback journal as an empty file instead of
    deleting it with each of MLflow's many commits: as safe, and a fifth to a third less waiting
    for the disk (https://www.sqlite.org/pragma.html#pragma_journal_mode)."""
    from sqlalchemy import Engine, event

    def shorten(connection: Any, _: Any) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        names = [row[2] for row in connection.execute("PRAGMA database_list")]
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        if mode == "delete" and names and Path(names[0] or ".") == database.resolve():
            connection.execute("PRAGMA journal_mode = TRUNCATE")

    event.listen(Engine, "connect", shorten)
    try:
        yield
    finally:
        event.remove(Engine, "connect", shorten)


def _settings(store: Store) -> Mapping[str, str]:
    settings = {name: value for name, value in _QUICK.items() if name not in os.environ}
    if store.artifacts is not None:
        # else a direct database store makes a folder "mlruns" in the current one
        settings["_MLFLOW_SERVER_ARTIFACT_ROOT"] = store.artifacts
    return settings


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


@contextlib.contextmanager
def _translated(store: Store) -> Iterator[None]:
    try:
        yield
    except PrefgaugeError:
        raise
    except Exception as error:
        if not _is_store_failure(error):
            raise
        reason = " ".join(re.sub(r"//[^/@\s]*@", "//***@", str(error)).split())[:400]
        raise StoreError(
            f"The MLflow store {store.shown} failed: {reason or type(error).__name__}. "
            "The results are safe on disk; `prefgauge sync` logs them once the store works."
        ) from None


def _is_store_failure(error: Exception) -> bool:
    """True for what MLflow, its database layer and its HTTP client raise, and for file errors."""
    if isinstance(error, OSError | sqlite3.Error):
        return True
    roots = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    return bool(roots & {"mlflow", "sqlalchemy", "requests", "urllib3", "alembic"})
