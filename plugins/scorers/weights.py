"""Single weight files of published networks: a path, or a download at a pinned place.

Files are opened without running code: safetensors, or ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefgauge.plugins.scorers.image.clip_weights import file_digest
from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.registry import Address, DataError, DataFile, ScorerError, Source, require

__all__ = ["Published", "WeightFile", "hub_file", "open_weights", "weight_file"]


@dataclass(frozen=True, slots=True)
class Published:
    """Where a weight file is published.

    Parameters
    ----------
    name: its file name; a data mirror may hold it as ``weights/<name>``.
    url: direct address, at a commit or release where there is one.
    sha256: of the file, checked after the download; None: nobody published one.
    """

    name: str
    url: str
    sha256: str | None = None

    @property
    def file(self) -> DataFile:
        """The file as a source finds it."""
        return DataFile(
            mirror=f"weights/{self.name}", url=self.url, sha256=self.sha256, format="raw"
        )


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A weight file that a scorer will read: the user's own at `path`, or else `published`."""

    address: str
    published: Published
    path: str = ""
    digest: str = ""

    @property
    def identity(self) -> str:
        """What enters a fingerprint: the digest where it is known, else the pinned address."""
        known = self.digest or self.published.sha256
        return f"sha256:{known}" if known else self.published.url

    def weight_bytes(self) -> int | None:
        """Size of the file; None if it is not here yet."""
        path = Path(self.path).expanduser() if self.path else None
        path = path or Source.default().find(self.published.file)
        return path.stat().st_size if path is not None and path.is_file() else None

    def locate(self) -> Path:
        """The file, downloaded on first use.

        Raises
        ------
        ScorerError: if it cannot be fetched; says how to give a path.
        """
        if self.path:
            return Path(self.path).expanduser()
        scheme = self.address.split(":")[0].split("?")[0]
        hint = (
            f"Fetch {self.published.url} and give its path: {scheme}:/path/to/{self.published.name}"
        )
        source, file = Source.default(), self.published.file
        if source.offline and source.find(file) is None:
            raise ScorerError(
                f"Scorer {self.address}: {self.published.name} is not here, and prefgauge is "
                f"offline. {hint}"
            )
        try:
            return source.path("weights", file)
        except DataError as error:
            text = str(error).partition(". Official place")[0]
            if "the download failed" in text:  # worded for benches; the cause is what matters
                cause = text.partition("the download failed: ")[2]
                text = f"{self.published.name} could not be downloaded ({cause})"
            raise ScorerError(f"Scorer {self.address}: {text.rstrip('.')}. {hint}") from None


def weight_file(address: Address, published: Published) -> WeightFile:
    """The weight file of ``scheme:`` (published) or ``scheme:PATH`` (the user's own).

    Raises
    ------
    UsageError: if the path cannot be read.
    """
    path = address.target
    return WeightFile(str(address), published, path, file_digest(path) if path else "")


def open_weights(path: Path, pickle: bool = False) -> Mapping[str, Any]:
    """What a file holds: tensors by name, or a checkpoint's parts by name.

    Parameters
    ----------
    pickle: open files that could run code, too (the user asked for it by name).

    Raises
    ------
    ScorerError: if it is no weight file, or would run code when opened.
    """
    try:
        if path.suffix == ".safetensors":
            safetensors: Any = require("safetensors.torch", "local", f"Reading {path}")
            found: Any = safetensors.load_file(path)
        else:
            torch: Any = require("torch", "local", f"Reading {path}")
            found = torch.load(path, map_location="cpu", weights_only=not pickle)
    except Exception as error:
        text = " ".join(str(error).split())
        hint = (
            ""
            if "weights_only" not in text
            else (
                " It holds more than tensors and can run code when it is opened. If you trust it, and "
                "the scorer has the option, allow it with ?pickle=true."
            )
        )
        raise ScorerError(f"{path}: the weights cannot be read ({text[:160]}).{hint}") from None
    if not isinstance(found, Mapping):
        raise ScorerError(f"{path}: not a dictionary of weights but {type(found).__name__}.")
    return found


def hub_file(source: ModelSource, name: str, where: str) -> Path:
    """One file of a model: of its folder, or fetched from the Hub at its commit.

    Raises
    ------
    ScorerError: if it is not there or cannot be fetched.
    """
    if source.digest is not None:
        path = Path(source.path) / name
        if not path.is_file():
            raise ScorerError(f"Scorer {where}: {source.path} has no {name}.")
        return path
    hub: Any = require("huggingface_hub", "hub", f"The scorer {where}")
    try:
        return Path(hub.hf_hub_download(source.path, name, revision=source.revision))
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise ScorerError(
            f"Scorer {where}: {name} cannot be fetched from {source.path} ({text}). Download the "
            "repository and give its folder."
        ) from None
