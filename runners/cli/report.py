"""``prefgauge report``: one page, or tables, from results on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prefgauge.registry import StoreError, UsageError

__all__ = ["report"]

_FORMATS = {".html": "html", ".htm": "html", ".md": "markdown", ".tex": "latex"}


def report(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Bundle folders, or folders of bundles (default: all results here)."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .html, .md or .tex.")
    ] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Title of the page.")] = "prefgauge report",
    format_: Annotated[
        str | None, typer.Option("--format", help="html, markdown or latex; else by file ending.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Worst samples shown per bench.")] = 4,
    media_mb: Annotated[
        float, typer.Option(min=0, help="What embedded media may add to the page, in MB.")
    ] = 12.0,
) -> None:
    """Write a report: a self-contained HTML page, or Markdown or LaTeX tables."""
    from prefgauge.runners.bundles import bundles_root
    from prefgauge.runners.cli.log import find_bundles
    from prefgauge.runners.report.html import render_html
    from prefgauge.runners.report.model import assemble
    from prefgauge.runners.report.tables import render_latex, render_markdown

    kind = format_ or _FORMATS.get(output.suffix.lower(), "")
    if kind not in _FORMATS.values():
        raise UsageError(
            f"What to write into {output}? Give it an ending .html, .md or .tex, or --format "
            "html, markdown or latex."
        )
    content = assemble(find_bundles(runs or [bundles_root()]), title)
    if kind == "html":
        text = render_html(content, samples=samples, media_bytes=int(media_mb * 1e6))
    else:
        text = render_markdown(content) if kind == "markdown" else render_latex(content)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"{output} cannot be written ({error.strerror or error}).") from None
    scorers, benches = len(content.scorers), len(content.benches)
    counts = f"{scorers} scorer{'' if scorers == 1 else 's'}"
    counts += f", {benches} bench{'' if benches == 1 else 'es'}"
    typer.echo(f"{output} ({counts}, {len(text.encode()) / 1e6:.1f} MB)")
