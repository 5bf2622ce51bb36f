"""The leaderboard as Markdown and as LaTeX, for papers, READMEs and step summaries."""

from __future__ import annotations

import re

from prefgauge.runners.report.model import BenchPage, Cell, Report, ground, release

__all__ = ["render_latex", "render_markdown"]

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def render_markdown(report: Report) -> str:
    """A table per modality: scorers down, benches across, bold for the leading group."""
    _test(report)
    lines = [f"# {_md(report.title)}", ""]
    for modality, pages in _by_modality(report):
        scorers = _scorers(report, pages)
        lines += [f"## {_md(modality)}", ""]
        heads = [f"{_md(p.bench)}<br>{_md(_heading(p))}" for p in pages]
        lines.append("| scorer | " + " | ".join(heads) + " |")
        lines.append("|---|" + "---:|" * len(pages))
        for scorer in scorers:
            cells = [_md_cell(report.cell(scorer, page.bench)) for page in pages]
            lines.append(f"| {_md(scorer)} | " + " | ".join(cells) + " |")
        lines.append("")
    lines.append(
        "Value and 95 % interval. Bold: not significantly worse than the best on that bench "
        "(paired test on the same samples, Holm). Results of a bench with a common letter do not "
        "differ significantly (Holm over all pairs). † incomplete: too few samples were scored. "
        "‡ the first rows only (--limit): not compared with results of more rows."
    )
    return "\n".join(lines) + "\n"


def render_latex(report: Report) -> str:
    """The same tables with ``booktabs`` rules; needs ``\\usepackage{booktabs}``."""
    _test(report)
    parts = ["% needs \\usepackage{booktabs}"]
    for modality, pages in _by_modality(report):
        rows = []
        for scorer in _scorers(report, pages):
            cells = [_tex_cell(report.cell(scorer, page.bench)) for page in pages]
            rows.append(f"{_tex(scorer)} & " + " & ".join(cells) + r" \\")
        parts += [
            r"\begin{table}[t]",
            r"\centering\small",
            r"\begin{tabular}{l" + "r" * len(pages) + "}",
            r"\toprule",
            "Scorer & " + " & ".join(_tex(page.bench) for page in pages) + r" \\",
            " & " + " & ".join(rf"\scriptsize {_tex(_heading(p))}" for p in pages) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\caption{{{_tex(report.title)}, {_tex(modality)}. Value with 95\,\% interval. Bold: "
            "not significantly worse than the best on that bench (paired test, Holm). Results of a "
            "bench with a common letter do not differ significantly (Holm over all pairs). "
            r"$\dagger$: incomplete. $\ddagger$: the first rows only, not compared with more.}",
            r"\end{table}",
            "",
        ]
    return "\n".join(parts)


def _test(report: Report) -> None:
    for page in report.benches:
        ground(page)
        release(page)


def _by_modality(report: Report) -> list[tuple[str, list[BenchPage]]]:
    groups: dict[str, list[BenchPage]] = {}
    for page in report.benches:
        groups.setdefault(page.modality, []).append(page)
    return list(groups.items())


def _scorers(report: Report, pages: list[BenchPage]) -> list[str]:
    """Scorers with a result on any of the pages, in the report's order."""
    return [s for s in report.scorers if any(report.cell(s, page.bench) for page in pages)]


def _heading(page: BenchPage) -> str:
    mark = f", {page.source[0]}" if page.source[0] else ""
    return page.metric + (", lower is better" if page.lower_is_better else "") + mark


def _md_cell(cell: Cell | None) -> str:
    if cell is None or cell.value is None:
        return ""
    value = f"**{cell.value:.3f}**" if cell.top else f"{cell.value:.3f}"
    span = "" if cell.low is None or cell.high is None else f" [{cell.low:.3f}, {cell.high:.3f}]"
    letters = f" <sup>{cell.letters}</sup>" if cell.letters else ""
    marks = ("" if cell.complete else " †") + (" ‡" if cell.cut else "")
    return value + marks + span + letters


def _tex_cell(cell: Cell | None) -> str:
    if cell is None or cell.value is None:
        return "--"
    value = rf"\textbf{{{cell.value:.3f}}}" if cell.top else f"{cell.value:.3f}"
    mark = ("" if cell.complete else r"$^\dagger$") + (r"$^\ddagger$" if cell.cut else "")
    if cell.letters:
        mark += rf"\textsuperscript{{{cell.letters.replace('–', '--')}}}"
    if cell.low is None or cell.high is None:
        return value + mark
    return rf"{value}{mark} {{\scriptsize [{cell.low:.2f}, {cell.high:.2f}]}}"


def _md(text: str) -> str:
    """Untrusted text in a table cell: no markup, no new row."""
    clean = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", clean)


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in " ".join(text.split()))
