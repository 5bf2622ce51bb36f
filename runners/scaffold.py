"""Writes a new plugin package from templates: complete, installable, with a test and a README."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefgauge.registry.cards import CONTRACT
from prefgauge.registry.errors import StoreError, UsageError
from prefgauge.runners.scaffold_samples import LABELS, example_media, example_rows

__all__ = ["CHOICES", "KINDS", "Choices", "write_package"]

#: What can be made, and which choices each kind has.
KINDS: Mapping[str, tuple[str, ...]] = {
    "bench": ("modality", "labels"),
    "scorer": ("modality", "form"),
    "metric": ("needs",),
}
#: The values of each choice, the default first.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "modality": ("text", "image", "video", "audio", "mesh"),
    "labels": tuple(LABELS),
    "form": ("pointwise", "pairwise", "listwise"),
    "needs": ("pairs", "ratings", "groups"),
}
_EXTRA = {"text": "", "image": "image", "video": "video", "audio": "audio", "mesh": "threed"}
_TASK = {
    "text": "chat", "image": "text-to-image", "video": "text-to-video",
    "audio": "text-to-audio", "mesh": "text-to-3D",
}  # fmt: skip
#: A scorer to try a bench with.
_SCORER = {
    "text": "length", "image": "noise-level", "video": "flicker", "audio": "snr", "mesh": "geometry",
}  # fmt: skip
_MEASURED = {
    "text": "share of distinct words", "image": "contrast", "video": "contrast of four frames",
    "audio": "loudness", "mesh": "number of faces",
}  # fmt: skip
_READERS = {
    "image": "read_image",
    "video": "read_frames",
    "audio": "read_audio",
    "mesh": "read_mesh",
}
_BENCH = {
    "pairs": "two candidates per prompt, and which one people preferred",
    "ratings": "candidates by themselves, with mean opinion scores",
    "per-rater": "two candidates per prompt, and what each person said",
    "rankings": "several candidates per prompt, in the order that people put them in",
}
#: Whom people prefer in the first example rows, for the test of the label direction.
_BETTER = {
    "pairs": "((ROWS[0], 0), (ROWS[1], 1))", "per-rater": "((ROWS[0], 0), (ROWS[1], 1))",
    "rankings": "((ROWS[0], 1),)", "ratings": "()  # one candidate per row: nothing to compare",
}  # fmt: skip
_METRIC = {
    "pairs": "agreement on pairs", "ratings": "agreement on ratings",
    "groups": "agreement on ranked sets",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What the author chose; None: not said. See :data:`CHOICES`."""

    modality: str | None = None
    form: str | None = None
    labels: str | None = None
    needs: str | None = None

    def of(self, kind: str) -> dict[str, str]:
        """The choices that `kind` has, with defaults.

        Raises
        ------
        UsageError: for a choice that this kind does not have, or an unknown value.
        """
        out = {}
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if name not in KINDS[kind]:
                if value is not None:
                    has = " and ".join(f"--{choice}" for choice in KINDS[kind])
                    raise UsageError(f"A {kind} has no --{name}; it has {has}.")
                continue
            if value is not None and value not in known:
                raise UsageError(f"--{name} is one of {', '.join(known)}, not {value!r}.")
            out[name] = value or known[0]
        return out


def write_package(
    kind: str, name: str, folder: Path, version: str, choices: Choices | None = None
) -> list[Path]:
    """Write ``prefgauge-NAME/`` below `folder`; returns the files, ``pyproject.toml`` first.

    Raises
    ------
    UsageError: for a name that cannot be one, or choices that do not fit the kind. StoreError: if
        the folder exists or cannot be made.
    """
    if kind not in KINDS:
        raise UsageError(f"prefgauge new makes a {', '.join(KINDS)}, not a {kind!r}.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot be a name: use lower-case letters, digits and single hyphens."
        )
    chosen = (choices or Choices()).of(kind)
    root = folder / f"prefgauge-{name}"
    if root.exists():
        raise StoreError(f"{root} exists already.")
    module = f"prefgauge_{name.replace('-', '_')}"
    words = {
        "kind": kind, "name": name, "module": module, "version": version, "contract": str(CONTRACT),
        "cls": "".join(part.capitalize() for part in name.split("-")) + kind.capitalize(),
        **chosen, **_words(kind, chosen),
    }  # fmt: skip
    source, main = root / "src" / module, chosen[KINDS[kind][-1]]
    places = {
        "common/pyproject.toml": root / "pyproject.toml",
        f"{kind}/README.md": root / "README.md",
        f"{kind}/__init__.py": source / "__init__.py",
        f"{kind}/{main}.py": source / f"{kind}.py",
        f"{kind}/test.py": root / "tests" / f"test_{name.replace('-', '_')}.py",
    }
    files = {target: _filled(template, words).encode() for template, target in places.items()}
    files[source / "py.typed"] = b""
    if kind == "bench":
        rows = example_rows(chosen["modality"], main)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        files[source / "data.jsonl"] = lines.encode()
        for file, data in example_media(chosen["modality"]).items():
            files[source / "media" / file] = data
    try:
        for target, body in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
    except OSError as error:
        raise StoreError(f"{root} cannot be written: {error}.") from None
    return list(files)


def _words(kind: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What fills the templates of a kind beside the names."""
    if kind == "metric":
        return {"about": _METRIC[chosen["needs"]], "extra": ""}
    modality = chosen["modality"]
    media = modality != "text"
    if kind == "bench":
        each = f'content(Media("{modality}", path=_HERE / "media" / name))'
        loop = 'for name in row["candidates"]'
        pictured = f"tuple(\n                {each} {loop}\n            )"
        return {
            "about": _BENCH[chosen["labels"]],
            "better": _BETTER[chosen["labels"]],
            "beside": " and `media/` the files they name" if media else "",
            "extra": "",
            "field": LABELS[chosen["labels"]],
            "media_import": "    Media,\n" if media else "",
            "scorer": _SCORER[modality],
            "candidates": pictured if media else f"tuple(content(name) {loop})",
            "size": str(len(example_rows(modality, chosen["labels"]))),
            "task": _TASK[modality],
        }
    base = f"{chosen['form'].capitalize()}Scorer"
    names = {"Address", "Content", base, "Outcome", "Request", "ScorerCard"}
    functions = [] if media else ["text_of"]
    readers = sorted({"only", _READERS.get(modality, "only")})
    readers = ["Sampling", *readers] if modality == "video" else readers
    return {
        "about": _MEASURED[modality],
        "bench": f'    bench = "control-{modality}"' if media else "",
        "extra": f"[{_EXTRA[modality]}]" if media else "",
        "imports": "".join(f"    {word},\n" for word in [*sorted(names), *functions]),
        "measure": _template(f"scorer/measure/{modality}"),
        "media_import": f"from prefgauge.registry.media import {', '.join(readers)}\n"
        if media
        else "",
        "title": _MEASURED[modality].capitalize(),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = _template(template)
    for word, value in words.items():
        text = text.replace(f"{{{{ {word} }}}}", value)
    return text.rstrip() + "\n"


def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / f"{name}.in").read_text("utf-8")
