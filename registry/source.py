"""Where a bench's published files are found, fetched, checked and read row by row."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from prefgauge.registry.cards import DataFile
from prefgauge.registry.errors import DataError, require
from prefgauge.registry.rows import format_of, read_rows
from prefgauge.registry.sample import BadRow

__all__ = ["Source", "home"]


def home() -> Path:
    """The folder where prefgauge keeps everything: ``PREFGAUGE_HOME``, else the XDG data home
    (``~/.local/share/prefgauge``). Always absolute."""
    if value := os.environ.get("PREFGAUGE_HOME"):
        return Path(value).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "prefgauge"


@dataclass(frozen=True, slots=True)
class Source:
    """Finds a bench's files.

    Parameters
    ----------
    data: a local mirror laid out as each :class:`DataFile` says, or None.
    cache: where downloads go.
    offline: never download; a missing file is then an error at once.
    verify: check files against their published sha256 (False for files that were changed on
        purpose).
    """

    data: Path | None
    cache: Path
    offline: bool = False
    verify: bool = True

    @classmethod
    def default(cls, data: str | os.PathLike[str] | None = None) -> Source:
        """From ``--data`` or ``PREFGAUGE_DATA``; offline if ``PREFGAUGE_OFFLINE`` or
        ``HF_HUB_OFFLINE`` is set to something other than 0."""
        root = data or os.environ.get("PREFGAUGE_DATA")
        if root and not Path(root).is_dir():
            name = "--data" if data else "PREFGAUGE_DATA"
            raise DataError(f"{name} is {str(root)!r}, which is not a folder.")
        flags = (os.environ.get(name, "0") for name in ("PREFGAUGE_OFFLINE", "HF_HUB_OFFLINE"))
        offline = any(flag not in {"", "0"} for flag in flags)
        return cls(Path(root).absolute() if root else None, home() / "data", offline)

    def find(self, file: DataFile) -> Path | None:
        """The local copy of `file`, mirror before cache, or None. A gzipped copy serves for any
        file, a parquet one (what a fetch of a Hub split writes) for a split."""
        names = [file.mirror, file.mirror + ".gz"]
        if file.split:
            names.append(str(PurePosixPath(file.mirror).with_suffix(".parquet")))
        for root in (self.data, self.cache):
            if root is not None:
                for name in names:
                    if (path := root / name).exists():
                        return path
        return None

    def path(self, bench: str, file: DataFile) -> Path:
        """The local copy of `file`, downloading it if need be; its checksum is right.

        Raises
        ------
        DataError: if it is nowhere to be had, or is not the published file.
        """
        found = self.find(file)
        if found is None:
            if self.offline:
                raise DataError(self._missing(bench, file, "prefgauge is offline"))
            found = self.fetch(bench, file)
        elif self.verify and file.sha256 and found.name == PurePosixPath(file.mirror).name:
            _check(found, file.sha256)
        return found

    def fetch(self, bench: str, file: DataFile) -> Path:
        """Download `file` from its official place into the cache."""
        target = self.cache / file.mirror
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if file.url:
                _download(file.url, target, file.sha256)
            elif file.hub and file.hub_path:
                hub: Any = require("huggingface_hub", "hub", f"Fetching {bench}")
                got = hub.hf_hub_download(
                    file.hub, file.hub_path, repo_type="dataset", revision=file.revision
                )
                if file.sha256:
                    _check(Path(got), file.sha256)
                return Path(got)
            elif file.hub and file.split:
                return self._fetch_split(bench, file, target)
            else:
                raise DataError(self._missing(bench, file, "its owners publish no direct download"))
        except DataError:
            raise
        except (OSError, ValueError) as error:
            text = " ".join(str(error).split())[:300]
            raise DataError(self._missing(bench, file, f"the download failed: {text}")) from None
        return target

    def _fetch_split(self, bench: str, file: DataFile, target: Path) -> Path:
        """Store a Hub split as parquet beside its mirror name."""
        datasets: Any = require("datasets", "hub", f"Fetching {bench}")
        target = target.with_suffix(".parquet")
        split = datasets.load_dataset(
            file.hub, file.config, split=file.split, revision=file.revision
        )
        part = target.with_suffix(".part")
        split.to_parquet(str(part))
        os.replace(part, target)
        return target

    def rows(
        self, bench: str, file: DataFile
    ) -> Iterator[tuple[str, str, Mapping[str, Any] | BadRow]]:
        """(where, default id, row) for each row of a file; see :func:`read_rows`."""
        path = self.path(bench, file)
        name = PurePosixPath(file.mirror)
        stem = name.stem if len(name.parts) > 1 else name.name.split(".")[0]
        kind = file.format or format_of(path)
        first = 2 if kind in {"csv", "tsv"} else 1  # the header is line 1
        for number, row in read_rows(path, kind):
            where = f"{path}:{number + first}"
            yield where, f"{stem}/{number}", BadRow(where, row) if isinstance(row, str) else row

    def _missing(self, bench: str, file: DataFile, why: str) -> str:
        where = file.url or (f"Hugging Face dataset {file.hub}" if file.hub else "its homepage")
        roots = [str(root / file.mirror) for root in (self.data, self.cache) if root]
        put = f"put the file at {' or '.join(roots)} (or point --data at a mirror that has it)."
        if file.url or file.hub:
            put = f"Run `prefgauge fetch {bench}` on a machine with access, or {put}"
        return (
            f"The bench {bench!r} needs {file.mirror!r}, which is not here, and "
            f"{why.rstrip('.')}. Official place: {where}. {put[0].upper()}{put[1:]}"
        )


def _timeout() -> float:
    """Seconds without a byte after which a download is given up: ``PREFGAUGE_TIMEOUT``, or 60."""
    return float(os.environ.get("PREFGAUGE_TIMEOUT", "60"))


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != sha256:
        raise DataError(
            f"{path} is not the published file: its sha256 is {got}, expected {sha256}. "
            "Delete it and fetch it again."
        )


def _download(url: str, target: Path, sha256: str | None) -> None:
    import urllib.request  # costs as much as the rest of the registry together

    if not url.startswith("https://"):
        raise DataError(f"Refusing to download from {url!r}: only https is allowed.")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    part = Path(name)
    try:
        with (
            os.fdopen(handle, "wb") as out,
            urllib.request.urlopen(url, timeout=_timeout()) as reply,
        ):
            while chunk := reply.read(1 << 20):
                out.write(chunk)
        if sha256:
            _check(part, sha256)
        os.replace(part, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
