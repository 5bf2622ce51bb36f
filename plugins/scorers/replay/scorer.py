"""``replay:FILE``: recorded scores, verdicts or orders as a scorer of the form they have."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

from prefgauge.plugins.scorers.replay.records import Format, Head
from prefgauge.plugins.scorers.replay.store import Duplicates, Store
from prefgauge.registry import (
    Address,
    Dimension,
    ListwiseScorer,
    Outcome,
    PairwiseScorer,
    PointwiseScorer,
    Request,
    Sample,
    Scorer,
    ScorerCard,
    UsageError,
    default,
)
from prefgauge.registry.cards import Form, Modality

__all__ = ["ReplayListwise", "ReplayPairwise", "ReplayPointwise", "formats", "replay"]

_ALL: frozenset[Modality] = frozenset({"text", "image", "video", "audio", "mesh"})
_COMMON = ("format", "bench", "symmetric", "duplicates", "lower_is_better")
_PREFIX = "replay-format."


class _Replay:
    """What the three forms share: answers come from the store, ready made."""

    card: ScorerCard

    def __init__(self, card: ScorerCard, store: Store) -> None:
        self.card = card
        self.store = store

    def prepare(self, request: Request) -> Outcome:
        """The recorded outcome, or a failed one with its reason."""
        return self.store.answer(request)

    def meet(self, bench: str, sample: Sample) -> None:
        """Note which recorded answers the sample stands behind."""
        self.store.unmatched.meet(bench, sample)

    def remarks(self) -> Sequence[str]:
        """Recorded answers that no sample of the run stands behind, and rows that are unreadable;
        the next run counts anew."""
        return self.store.remarks()

    def score(self, batch: Sequence[Outcome]) -> Sequence[Outcome]:
        """The outcomes themselves."""
        return batch


class ReplayPointwise(_Replay, PointwiseScorer[Outcome]):
    """Recorded scores, one per candidate."""


class ReplayPairwise(_Replay, PairwiseScorer[Outcome]):
    """Recorded verdicts over ordered pairs."""


class ReplayListwise(_Replay, ListwiseScorer[Outcome]):
    """Recorded orders over all candidates."""


_KINDS: Mapping[Form, Callable[[ScorerCard, Store], Scorer[Any]]] = {
    "pointwise": ReplayPointwise,
    "pairwise": ReplayPairwise,
    "listwise": ReplayListwise,
}


def replay(address: Address) -> Scorer[Any]:
    """Make a scorer of recorded answers.

    The target is a file, or a pattern such as ``results/*/result.json`` for several of one
    format. Options: ``format`` (by default told from the content), ``bench`` (the file speaks of
    this bench alone), ``symmetric`` (a verdict answers for both orders), ``duplicates`` (error,
    first or last), ``lower_is_better`` (comma-separated dimensions that run downwards; one that is
    named like a dimension of the bench runs as that does) and those of the format.

    Raises
    ------
    UsageError: for a missing file, an unknown format or a bad option.
    DataError: if the file is not of its format, or contradicts itself.
    """
    paths = _paths(address)
    reader = _format(address, paths[0])
    address.expect(*_COMMON, *reader.options)
    duplicates = address.get("duplicates", "error")
    if duplicates not in {"error", "first", "last"}:
        raise UsageError(
            f"Scorer {address}: duplicates must be error, first or last, not {duplicates!r}."
        )
    options = _options(address, reader, paths[0])
    symmetric = address.get("symmetric", False)
    bench = address.get("bench", "")
    store = Store(
        chain.from_iterable(reader.read(path, options) for path in paths),
        name=paths[0].name if len(paths) == 1 else f"{address.target} ({len(paths)} files)",
        bench=bench,
        duplicates=cast(Duplicates, duplicates),
        symmetric=symmetric,
        main=reader.main,
    )
    lower = {name for name in address.get("lower_is_better", "").split(",") if name}
    files = [*paths, *(Path(options[name]) for name in reader.file_options if name in options)]
    plain = {name: text for name, text in options.items() if name not in reader.file_options}
    card = ScorerCard(
        name=str(address),
        form=store.form,
        modalities=_ALL,
        reads=_ALL,
        dimensions=tuple(Dimension(name, name not in lower) for name in store.dimensions)
        or (Dimension(higher_is_better="overall" not in lower),),
        fingerprint={
            "scorer": "replay",
            "version": 1,
            "format": reader.name,
            "sha256": ",".join(_sha256(path) for path in files),
            "bench": bench,
            "symmetric": symmetric,
            "duplicates": duplicates,
            "lower_is_better": ",".join(sorted(lower)),
            **plain,
        },
        keyed_by="id",
        symmetric=symmetric,
        summary=f"Recorded answers: {reader.summary}",
    )
    return _KINDS[store.form](card, store)


def formats() -> dict[str, Format]:
    """All registered formats by name, built-in ones and those of plugins."""
    registry = default()
    names = [name for name in registry.names("part") if name.startswith(_PREFIX)]
    return {name.removeprefix(_PREFIX): registry.part(name)() for name in names}


def _paths(address: Address) -> list[Path]:
    if not address.target:
        raise UsageError(f"Scorer {address}: name the file, for instance replay:scores.csv.")
    path = Path(address.target).expanduser()
    if path.is_file():
        return [path.absolute()]
    if path.is_dir():
        raise UsageError(
            f"Scorer {address}: {path} is a folder; name a file, or a pattern such as "
            f"{path}/**/*.json."
        )
    found = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(str(path)) else []
    if not found:
        raise UsageError(f"Scorer {address}: there is no file {path} (from {Path.cwd()}).")
    return [Path(name).absolute() for name in found]


def _format(address: Address, path: Path) -> Format:
    """The format asked for, or the only one that recognises the file."""
    known = formats()
    asked = address.get("format", "")
    if asked:
        if asked not in known:
            raise UsageError(
                f"Scorer {address}: unknown format {asked!r}. Known: {', '.join(sorted(known))}."
            )
        return known[asked]
    head = Head.of(path)
    fitting = [reader for reader in known.values() if reader.matches(head)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(reader.name for reader in fitting)
        raise UsageError(f"Scorer {address}: {path.name} may be {names}; say which by ?format=.")
    have = ", ".join(map(str, head.row)) or "nothing readable"
    raise UsageError(
        f"Scorer {address}: {path.name} is of no known format (its first row has: {have}). "
        "Give a table with the columns sample,candidate,score or sample,first,second,verdict "
        f"or sample,order, or one of the formats {', '.join(sorted(known))}."
    )


def _options(address: Address, reader: Format, main: Path) -> dict[str, str]:
    """The format's options; further files are found from here or from beside the main file."""
    options = {name: address.options[name] for name in reader.options if name in address.options}
    for name in reader.file_options:
        if name in options:
            given = Path(options[name]).expanduser()
            choices = (given, main.parent / given)
            found = next((path for path in choices if path.is_file()), None)
            if found is None:
                raise UsageError(f"Scorer {address}: the file {given} of {name} is not there.")
            options[name] = str(found.absolute())
    return options


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
