"""Benches whose media lie in files beside their label tables.

A row mapping names media by relative path (:func:`media`), so that it stays a pure function of
the row. When the bench is read, each path is looked for below the folder of the label file; a
sample whose media are not there becomes label-only and says how to get them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from prefgauge.registry import BadRow, Content, DataFile, Media, Part, RowBench, Sample, Source
from prefgauge.registry.content import MediaKind, Role

__all__ = ["EitherBench", "Finder", "MediaBench", "Row", "embedded", "guarded", "media"]

#: (where, default id, row or what is wrong with it), as ``Source.rows`` yields them.
Row = tuple[str, str, Mapping[str, Any] | BadRow]


def media(kind: MediaKind, path: str, role: Role = "user") -> Media:
    """A piece of media named by a path relative to the bench's data folder.

    Raises
    ------
    ValueError: for an empty or absolute path, or one that climbs out by ``..``.
    """
    pure = PurePosixPath(path.replace("\\", "/"))
    if not path.strip() or pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise ValueError(f"{path!r} is not a path inside the data folder")
    return Media(kind, Path(pure), role=role)


def embedded(kind: MediaKind, value: object, suffix: str) -> Media:
    """Media from a table cell: encoded bytes, the ``{"bytes", "path"}`` struct of the Hugging
    Face image and audio features, or a relative path.

    Raises
    ------
    ValueError: if there is neither.
    """
    if isinstance(value, Mapping):
        name = str(value.get("path") or "")
        if value.get("bytes"):
            return Media(kind, data=bytes(value["bytes"]), suffix=Path(name).suffix or suffix)
        value = name
    if isinstance(value, (bytes, bytearray)) and value:
        return Media(kind, data=bytes(value), suffix=suffix)
    if isinstance(value, str) and value:
        return media(kind, value)
    raise ValueError(f"no {kind} in the row: {type(value).__name__} is empty or of another shape")


@dataclass(frozen=True)
class Finder:
    """Looks for media below the folders where a label file may lie.

    Parameters
    ----------
    roots: folders to look in, in order.
    note: what a label-only sample says about getting its media.
    """

    roots: tuple[Path, ...]
    note: str
    _listings: dict[Path, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, file: DataFile, folders: Sequence[str], note: str) -> Finder:
        """For one label file: `folders` are relative to its own folder (``""``: beside it)."""
        beside = PurePosixPath(file.mirror).parent
        bases = [root / beside for root in (source.data, source.cache) if root is not None]
        roots = tuple(base / folder for base in bases for folder in folders)
        places = " or ".join(map(str, roots))
        return cls(roots, f"{note} They are looked for below {places}.".strip())

    def find(self, relative: Path) -> Path | None:
        """The file, or None. A name that differs in case alone is found too: label tables were
        often written on systems that do not tell ``I01.BMP`` from ``i01.bmp``."""
        for root in self.roots:
            path = root / relative
            if path.is_file():
                return path
            if name := self._listing(path.parent).get(path.name.lower()):
                return path.parent / name
        return None

    def _listing(self, folder: Path) -> Mapping[str, str]:
        if folder not in self._listings:
            names = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
            self._listings[folder] = {name.lower(): name for name in names}
        return self._listings[folder]

    def place(self, sample: Sample) -> Sample:
        """The sample with absolute paths. Media that are nowhere are left out; if prompt or
        candidates lost any, the sample is label-only."""
        lost = False

        def settle(parts: Content) -> Content:
            nonlocal lost
            kept: list[Part] = []
            for part in parts:
                if isinstance(part, Media) and part.path and not part.path.is_absolute():
                    path = self.find(part.path)
                    if path is None:
                        lost = True
                        continue
                    part = replace(part, path=path)
                kept.append(part)
            return tuple(kept)

        prompt = settle(sample.prompt)
        candidates = tuple(settle(candidate) for candidate in sample.candidates)
        missing = self.note if lost else sample.missing
        context = {name: settle(parts) for name, parts in sample.context.items()}
        return replace(
            sample,
            prompt=prompt,
            candidates=candidates,
            context={name: parts for name, parts in context.items() if parts},
            missing=missing,
        )


class MediaBench(RowBench):
    """A row bench whose samples may name media by relative path.

    Attributes
    ----------
    folders: where media are looked for, relative to the label file's folder.
    note: how to get the media, for people who have the labels alone (empty: by the homepage).
    """

    folders: ClassVar[tuple[str, ...]] = ("",)
    note: ClassVar[str] = ""

    def rows(self, source: Source, file: DataFile) -> Iterator[Row]:
        """The rows of a file; overridden where it is no ordinary table."""
        yield from source.rows(self.card.id, file)

    def finder(self, source: Source, file: DataFile) -> Finder:
        """Where the media of one label file are looked for."""
        note = self.note or f"The media are to be had from their owners: {self.card.homepage} ."
        return Finder.of(source, file, self.folders, note)

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """The samples of all label files; files marked optional are media, whose bytes must be the
        published ones where they are at hand.

        Raises
        ------
        DataError: for a file that is missing (labels) or not the published one.
        """
        for file in self.card.files:
            if file.optional and file.sha256 and source.find(file):
                source.path(self.card.id, file)
        for file in self.card.files:
            if not file.optional:
                yield from self.read_file(source, file)

    def read_file(self, source: Source, file: DataFile) -> Iterator[Sample | BadRow]:
        """The samples of one data file, with their media in place."""
        finder = self.finder(source, file)
        for where, default_id, row in self.rows(source, file):
            item = row if isinstance(row, BadRow) else guarded(self, where, row, default_id)
            if isinstance(item, Sample):
                item = finder.place(replace(item, tags={**file.tags, **item.tags}))
            if item is not None:
                yield item


class EitherBench(MediaBench):
    """A bench published twice: complete on the Hub, and as labels alone in a small file.

    The card's first file is the complete one, the second (marked optional) has the labels. The
    second is read only where it is at hand and the first is not; both give the same sample ids.
    """

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        """The samples of the complete file, or label-only ones."""
        full, labels = self.card.files[:2]
        complete = source.find(full)
        chosen = full if complete or not source.find(labels) else labels
        yield from self.read_file(source, chosen)


def guarded(
    bench: RowBench, where: str, row: Mapping[str, Any], default_id: str
) -> Sample | BadRow | None:
    """``bench.to_sample`` with the errors of a malformed row turned into a :class:`BadRow`."""
    try:
        return bench.to_sample(row, default_id)
    except KeyError as error:
        have = ", ".join(sorted(map(str, row))) or "nothing"
        return BadRow(where, f"the field {error} is missing (the row has: {have})")
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        return BadRow(where, f"{type(error).__name__}: {error}")
