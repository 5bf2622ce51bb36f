"""Writes the reference pages from cards and hookspecs: ``python docs/generate.py FOLDER``.

``benches.md``, ``bench/<id>.md``, ``scorers.md``, ``metrics.md``, ``hooks.md`` and ``parts.md`` are never
edited by hand.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from prefgauge.registry import Bench, Registry, default, hookspecs
from prefgauge.registry.cards import Dimension, Reference

NOT_HUMAN = {
    "objective": "objective (a checker, not people)",
    "ai": "**AI-made, not human**",
    "construction": "**order by construction, not human**",
}


def markdown(thing: object) -> str:
    """A docstring as Markdown: cross references by their last name, underlined sections as bold
    words, and the lines ``name: what it is`` of such a section as a list."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", inspect.getdoc(thing) or "")
    out: list[str] = []
    listed = False
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""]):
        if re.fullmatch(r"-{3,}", line):
            continue
        if re.fullmatch(r"-{3,}", below):
            out += [f"**{line}**", ""]
            listed = True
        elif listed and re.match(r"[a-z`][\w`, ]*: ", line):
            name, _, rest = line.partition(": ")
            out.append(f"- `{name.strip('`')}`: {rest}")
        else:
            listed = listed or line.endswith("Options:")
            out.append(line)
            if line.endswith("Options:"):
                out.append("")
    return "\n".join(out)


def cell(value: object) -> str:
    """Text that is safe inside a Markdown table."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def benches(registry: Registry) -> str:
    """The table of all benches."""
    lines = [
        "# Benches", "", "Labels that are not people's are marked. The size is the number of samples.", "",
        "| bench | modality | task | labels | size | licence |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in registry.names("bench"):
        card = registry.bench(name).card
        who = NOT_HUMAN.get(card.label_source, "human")
        size = card.size if card.size is not None else "?"
        lines.append(
            f"| [{name}](bench/{name}.md) | {card.modality} | {cell(card.task)} | {who} "
            f"{'+'.join(card.label_kinds)} | {size} | {cell(card.licence)} |"
        )
    return "\n".join(lines) + "\n"


def bench_page(bench: Bench) -> str:
    """One bench: what it is, its protocol, its files, published results."""
    card, protocol = bench.card, bench.protocol
    use = protocol.headline
    options = ", ".join(f"{k}={v}" for k, v in use.options.items())
    commercial = {True: "allowed", False: "**not allowed**", None: "unclear"}[card.commercial]
    lines = [
        f"# {card.id}", "", cell(card.title), "", markdown(type(bench)), "",
        "| | |", "|---|---|",
        f"| labels | {NOT_HUMAN.get(card.label_source, 'human')}: {', '.join(card.label_kinds)} |",
        f"| dimensions | {', '.join(map(dimension, card.dimensions))} |",
        f"| size | {card.size if card.size is not None else 'known when read'} |",
        f"| licence | {cell(card.licence)}. {cell(card.licence_note)} Commercial use: {commercial} |",
        f"| citation | {cell(card.citation)} |", f"| homepage | {cell(card.homepage)} |", "",
        "## Protocol", "",
        f"{cell(protocol.name)}: {cell(protocol.source)}", "",
        f"Headline: `{use.metric}`{f' ({options})' if options else ''}; orders: {protocol.orders}; "
        f"subsets: {protocol.weighting.kind}; an unreadable verdict counts as {protocol.invalid}.", "",
    ]  # fmt: skip
    for form, other in protocol.by_form.items():
        more = ", ".join(f"{k}={v}" for k, v in other.options.items())
        lines += [f"For {form} scorers: `{other.metric}` ({more}).", ""]
    for beside in protocol.beside:
        more = ", ".join(f"{k}={v}" for k, v in beside.options.items())
        lines += [f"Beside it: `{beside.metric}`{f' ({more})' if more else ''}.", ""]
    if card.warning:
        lines += [f"Warning: {card.warning}", ""]
    if card.files:
        lines += ["## Files", ""]
        for file in card.files[:40]:
            place = file.url or (f"Hugging Face `{file.hub}`" if file.hub else "see the homepage")
            pinned = f" at `{file.revision}`" if file.revision else ""
            lines.append(f"- `{file.mirror}`: {place}{pinned}")
        if len(card.files) > 40:
            lines.append(f"- and {len(card.files) - 40} more")
        lines.append("")
    if card.unverified:
        lines += [
            "## Not verified at the source",
            "",
            *(f"- {fact}" for fact in card.unverified),
            "",
        ]
    lines += references(card.references)
    return "\n".join(lines) + "\n"


def dimension(one: Dimension) -> str:
    """A dimension with its direction."""
    return one.name + ("" if one.higher_is_better else " (lower is better)")


def references(rows: tuple[Reference, ...]) -> list[str]:
    """The table of published results."""
    if not rows:
        return []
    lines = [
        "## Published results",
        "",
        "| scorer | value | subset | source |",
        "|---|---|---|---|",
    ]
    for row in rows:
        value = f"{row.value:g}" + (f" ({row.metric})" if row.metric else "")
        cells = (cell(row.scorer), value, cell(row.subset or ""), cell(row.source))
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def scorers(registry: Registry) -> str:
    """All scorer schemes with their documentation."""
    lines = ["# Scorers", "", "Addresses are `scheme:target?option=value`.", ""]
    for entry in registry.entries("scorer"):
        lines += [f"## {entry.name}", "", markdown(entry.load()), ""]
    return "\n".join(lines) + "\n"


def metrics(registry: Registry) -> str:
    """All metrics with formula and source."""
    lines = ["# Metrics", "", "Every value comes with a 95 % interval, n, ties and coverage.", ""]
    for name in registry.names("metric"):
        card = registry.metric(name).card
        lines += [
            f"## {name}", "",
            f"{card.title}. Reads {card.needs}; range {card.range[0]:g} to {card.range[1]:g}"
            f"{'' if card.higher_is_better else '; lower is better'}"
            f"{'; computed on every bench that has such labels' if card.common else ''}.", "",
            f"Formula: {card.formula}", "", f"Source: {card.source}", "",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def hooks() -> str:
    """The hook reference, from the hookspecs' own docstrings."""
    lines = ["# Hooks", "", markdown(hookspecs), ""]
    for name in sorted(vars(hookspecs)):
        function: Any = getattr(hookspecs, name)
        if name.startswith("prefgauge_") and callable(function):
            arguments = ", ".join(inspect.signature(function).parameters)
            lines += [f"## {name}({arguments})", "", markdown(function), ""]
    return "\n".join(lines) + "\n"


def parts(registry: Registry) -> str:
    """All parts by family, with what each says of itself."""
    lines = [
        "# Parts", "", "Smaller pieces that scorers and commands are composed of; a package adds its own "
        "by the hook [prefgauge_parts](hooks.md).", "",
    ]  # fmt: skip
    family = ""
    for name in registry.names("part"):
        head, _, short = name.partition(".")
        if head != family:
            family = head
            lines += ["", f"## {family}", "", "| name | what it is | source |", "|---|---|---|"]
        part = registry.part(name)
        about = getattr(part, "title", None) or getattr(part, "summary", None)
        about = about or markdown(part).split("\n\n")[0]
        source = getattr(part, "source", "")
        lines.append(f"| `{short}` | {cell(about)} | {cell(source)} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> list[Path]:
    """Write all pages below `folder`."""
    registry = default()
    pages = {
        "benches.md": benches(registry), "scorers.md": scorers(registry),
        "metrics.md": metrics(registry), "hooks.md": hooks(), "parts.md": parts(registry),
    }  # fmt: skip
    for name in registry.names("bench"):
        pages[f"bench/{name}.md"] = bench_page(registry.bench(name))
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return [folder / name for name in pages]


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: python docs/generate.py FOLDER (docs/reference)")
    print(f"{len(write(Path(sys.argv[1])))} pages written to {sys.argv[1]}")
