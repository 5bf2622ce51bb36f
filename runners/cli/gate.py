"""``prefgauge gate``: fail a CI job when agreement drops."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from prefgauge.registry import StoreError, UsageError

__all__ = ["FAILED", "gate"]

FAILED = 4


def gate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Bundle folders, or folders of bundles (default: all results here)."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", "-b", help="Baseline file to hold them against.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write these results as a baseline and stop.")
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0.0, help="Drop that is still accepted, in the metric's unit.")
    ] = 0.01,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="How sure a larger drop must be.")
    ] = 0.95,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on the plain difference, sure or not.")
    ] = False,
    non_inferiority: Annotated[
        bool,
        typer.Option(
            "--non-inferiority",
            help="Pass only what surely dropped by no more than the margin; unsure fails.",
        ),
    ] = False,
    junit_xml: Annotated[
        Path | None, typer.Option("--junit-xml", help="Write a JUnit report here.")
    ] = None,
    step_summary: Annotated[
        Path | None,
        typer.Option(help="Append a Markdown table here (default: $GITHUB_STEP_SUMMARY if set)."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Hold results against a baseline; exits with 4 if any dropped by more than the margin."""
    from prefgauge.runners.bundles import bundles_root
    from prefgauge.runners.cli.log import find_bundles
    from prefgauge.runners.gate import check, junit, read_baseline, summary, write_baseline
    from prefgauge.runners.report.model import assemble

    if (baseline is None) == (write is None):
        raise UsageError("Give either --baseline FILE to check, or --write FILE to make one.")
    found = find_bundles(runs or [bundles_root()])
    chosen = [cell.bundle for cell in assemble(found).cells.values()]
    try:
        if write is not None:
            write_baseline(write, chosen)
            typer.echo(f"{write}: baseline of {len(chosen)} result{'s' * (len(chosen) != 1)}")
            return
        assert baseline is not None
        stored = read_baseline(baseline)
        checks = check(chosen, stored, margin, confidence, strict, non_inferiority)
        if not checks:
            raise UsageError(f"{baseline} holds no results; an empty baseline gates nothing.")
        if junit_xml is not None:
            junit_xml.write_text(junit(checks), "utf-8")
        place = step_summary or os.environ.get("GITHUB_STEP_SUMMARY")
        if place:
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(summary(checks))
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be written ({error.strerror}).") from None
    if json_:
        passed = all(item.passed for item in checks)
        typer.echo(json.dumps({"passed": passed, "checks": [asdict(item) for item in checks]}))
    else:
        for item in checks:
            word = "ok    " if item.passed else "FAILED"
            typer.echo(f"{word} {item.bench} · {item.scorer} · {item.metric}: {item.message}")
    if not all(item.passed for item in checks):
        raise typer.Exit(FAILED)
