"""Short ways to say where published files are and what was published on them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from prefgauge.registry import DataFile, Reference

__all__ = ["github", "hub", "hub_file", "hub_split", "percent"]


def github(
    repo: str,
    commit: str,
    path: str,
    mirror: str,
    sha256: str | None = None,
    *,
    format: str | None = None,
    tags: Mapping[str, str] | None = None,
    optional: bool = False,
) -> DataFile:
    """A file of a GitHub repository, pinned to a commit; `optional` for media."""
    return DataFile(
        mirror=mirror,
        url=f"https://raw.githubusercontent.com/{repo}/{commit}/{quote(path)}",
        sha256=sha256,
        format=format,
        tags=tags or {},
        optional=optional,
    )


def hub(
    dataset: str,
    split: str,
    *,
    config: str | None = None,
    path: str | None = None,
    mirror: str | None = None,
    revision: str | None = None,
    format: str | None = None,
    tags: Mapping[str, str] | None = None,
    optional: bool = False,
) -> DataFile:
    """A split of a Hugging Face dataset, or one file of it (`path`). Without a revision it is not
    pinned: nobody has read most of these datasets' commit ids yet, and ``show`` says so."""
    name = dataset.replace("/", "__")
    middle = f"{config}/" if config else ""
    return DataFile(
        mirror=mirror or f"{name}/{path or f'{middle}{split}.parquet'}",
        hub=dataset,
        hub_path=path,
        config=None if path else config,
        split=None if path else split,
        revision=revision,
        format=format,
        tags=tags or {},
        optional=optional,
    )


def hub_split(
    bench: str,
    repo: str,
    split: str,
    *,
    config: str | None = None,
    revision: str | None = None,
    tags: Mapping[str, str] | None = None,
    optional: bool = False,
) -> DataFile:
    """A split, mirrored as ``<bench>/<config>-<split>.jsonl`` (or ``<bench>/<split>.jsonl`` without
    a config), so that default ids stay unique in a bench."""
    name = f"{config}-{split}" if config else split
    return hub(
        repo, split, config=config, mirror=f"{bench}/{name}.jsonl", revision=revision, tags=tags,
        optional=optional,
    )  # fmt: skip


def hub_file(
    bench: str,
    repo: str,
    path: str,
    *,
    revision: str | None = None,
    tags: Mapping[str, str] | None = None,
    optional: bool = False,
) -> DataFile:
    """One file of a Hugging Face dataset, mirrored as ``<bench>/<path>``."""
    return hub(
        repo, "", path=path, mirror=f"{bench}/{path}", revision=revision, tags=tags,
        optional=optional,
    )  # fmt: skip


def percent(
    source: str,
    values: Mapping[str, float],
    *,
    subset: str | None = None,
    metric: str | None = None,
) -> tuple[Reference, ...]:
    """References from published per cent values, as shares."""
    return tuple(
        Reference(scorer, round(value / 100, 6), source, subset, metric)
        for scorer, value in values.items()
    )
