"""What a model is, for fingerprints: a Hub id at a commit, or the digest of a local folder.

Local weights are hashed once; the digest is remembered by path, size and modification time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefgauge.registry import ScorerError, require
from prefgauge.registry.source import home

__all__ = ["ModelSource", "folder_digest", "identify"]

_SUFFIXES = frozenset(
    {".json", ".safetensors", ".bin", ".pt", ".pth", ".model", ".txt", ".jinja", ".py", ".tiktoken"}
)
_REMEMBER = 1 << 20  # smaller files are hashed faster than they are looked up
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that can be loaded.

    Parameters
    ----------
    path: what ``from_pretrained`` takes: a local folder or a Hub id.
    revision: commit of the Hub repository; None for a folder.
    digest: sha256 over the folder's files, in hex; None for a Hub model.
    """

    path: str
    revision: str | None = None
    digest: str | None = None

    @property
    def identity(self) -> str:
        """The text that enters a fingerprint: equal texts mean equal weights and tokenizer."""
        return f"sha256:{self.digest}" if self.digest else f"{self.path}@{self.revision}"

    def weight_bytes(self) -> int | None:
        """Size of its weight files; None for a Hub model that is not in the local cache."""
        folder = Path(self.path)
        if self.digest is None:
            with contextlib.suppress(Exception):  # several error types: no hub package, no snapshot
                hub: Any = require("huggingface_hub", "local", self.path)
                found = hub.snapshot_download(
                    self.path, revision=self.revision, local_files_only=True
                )
                folder = Path(found)
        for ending in (".safetensors", ".bin", ".pt"):  # one form of the same weights
            if sizes := [file.stat().st_size for file in folder.glob(f"*{ending}")]:
                return sum(sizes)
        return None


def identify(target: str, revision: str = "", where: str = "hf") -> ModelSource:
    """Find out which model `target` is, without loading it.

    Parameters
    ----------
    target: a local folder, or a Hub id such as ``org/model``.
    revision: branch, tag or commit on the Hub.
    where: scheme name for messages.

    Raises
    ------
    ScorerError: if it is neither a folder nor a Hub model whose commit can be found here.
    """
    if not target:
        raise ScorerError(
            f"{where}: needs a model, for instance {where}:org/model or {where}:./folder"
        )
    folder = Path(target).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists() and not (folder / "modules.json").exists():
            raise ScorerError(
                f"{where}:{target}: the folder has no config.json, so it is no model."
            )
        return ModelSource(str(folder.resolve()), digest=folder_digest(folder))
    if folder.is_absolute() or target.startswith((".", "~")) or target.count("/") > 1:
        raise ScorerError(f"{where}:{target}: there is no such folder.")
    return ModelSource(target, revision=_commit(target, revision or "main", where))


def folder_digest(folder: Path) -> str:
    """sha256 over names and bytes of a model folder's files (weights, config, tokenizer, code)."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in _SUFFIXES and ".git" not in path.parts
    )
    sha = hashlib.sha256()
    memory = _Memory()
    for path in files:
        sha.update(f"{path.relative_to(folder).as_posix()}\0{memory.digest(path)}\n".encode())
    memory.save()
    return sha.hexdigest()


class _Memory:
    """Digests of large files, by path, size and modification time, in one small json file."""

    def __init__(self) -> None:
        self.file = home() / "model-digests.json"
        self.changed = False
        try:
            self.known: dict[str, str] = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            self.known = {}

    def digest(self, path: Path) -> str:
        stat = path.stat()
        key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if stat.st_size < _REMEMBER:
            return _sha256(path)
        if key not in self.known:
            self.known[key] = _sha256(path)
            self.changed = True
        return self.known[key]

    def save(self) -> None:
        """Best effort: a home that cannot be written only costs time."""
        if not self.changed:
            return
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=self.file.name)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(self.known, out)
            os.replace(name, self.file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _commit(model: str, revision: str, where: str) -> str:
    """The commit of a Hub model: the cached one, else the Hub's answer."""
    if _COMMIT.match(revision):
        return revision
    hub: Any = require("huggingface_hub", "local", f"{where}:{model}")
    with contextlib.suppress(Exception):  # several error types, all meaning "not in the cache"
        return Path(hub.snapshot_download(model, revision=revision, local_files_only=True)).name
    try:
        sha = hub.HfApi().model_info(model, revision=revision, timeout=20).sha
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise ScorerError(
            f"{where}:{model}: not a local folder, not in the Hugging Face cache at revision "
            f"{revision!r}, and the Hub did not answer ({type(error).__name__}: {text}). Check the "
            "name, download it on a machine with access, or give the path of a folder."
        ) from None
    return str(sha)
