"""``prefgauge run``: score benches and say how far the scorers agree with people."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from prefgauge.runners.api import Results
    from prefgauge.runners.shards.fill import Crew, Runner

__all__ = ["run"]

INCOMPLETE, GATE, NOT_LOGGED = 3, 4, 5


def run(
    benches: Annotated[
        list[str] | None, typer.Argument(help="Bench ids; see `prefgauge list`.")
    ] = None,
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            "--scorer", "-s", help="Scorer address, such as length or hf:org/model. Repeatable."
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="Run a whole suite: controls, text, image, video, audio, mesh."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Local mirror of published data (default: PREFGAUGE_DATA).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read only the first rows of each bench.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    resamples: Annotated[
        int, typer.Option(min=0, help="Bootstrap resamples; 0 for no intervals.")
    ] = 2000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    workers: Annotated[int, typer.Option(min=1, help="CPU threads that prepare requests.")] = 2,
    runner: Annotated[str, typer.Option(help="local (this process), processes, or ray.")] = "local",
    devices: Annotated[
        str | None,
        typer.Option(
            help="One worker per entry, such as 0,1 or cpu,cpu. Implies --runner processes."
        ),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Address of a running Ray cluster.")
    ] = None,
    gpus_per_actor: Annotated[
        float, typer.Option(min=0, help="GPUs per Ray actor; may be a fraction.")
    ] = 0,
    rows_per_shard: Annotated[
        int, typer.Option(min=1, help="Rows per shard of several workers.")
    ] = 500,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Use, or forget, what the ledger already knows."),
    ] = True,
    verify: Annotated[
        bool, typer.Option(help="Check data files against their published sha256.")
    ] = True,
    floors: Annotated[
        bool, typer.Option(help="Compute random and length baselines beside.")
    ] = True,
    track: Annotated[bool, typer.Option(help="Log the results to the trackers.")] = True,
    tracker: Annotated[
        list[str] | None, typer.Option(help="Tracker address (default: mlflow). Repeatable.")
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="Name of the group of results.")] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(help="METRIC=VALUE: exit with 4 if any result's metric is lower. Repeatable."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    profile: Annotated[bool, typer.Option(help="Tell where the time went.")] = False,
) -> None:
    """Score benches with scorers and report agreement, intervals and coverage."""
    gates = [_gate(text) for text in fail_under or []]
    from prefgauge.registry.discovery import default
    from prefgauge.registry.scorer import Device
    from prefgauge.registry.source import Source
    from prefgauge.runners.api import run_suite
    from prefgauge.runners.progress import Bar, Quiet
    from prefgauge.runners.run import Options
    from prefgauge.runners.suites import CLASSICAL, benches_of

    registry = default()
    names = list(benches or [])
    if suite:
        names += benches_of(registry, suite)
    known = set(registry.names("scorer"))
    scorers = list(scorer or [name for name in CLASSICAL if suite and name in known])
    options = Options(
        suite=experiment or suite or "prefgauge", limit=limit, seed=seed, resamples=resamples,
        device=Device(device, dtype, workers), fresh=not resume, floors=floors,
        crew=_crew(runner, devices, ray_address, gpus_per_actor, rows_per_shard), profile=profile,
    )  # fmt: skip
    quiet = json_ or bool(os.environ.get("CI")) or not sys.stderr.isatty()
    trackers = (tracker or ["mlflow"]) if track else []
    results = run_suite(
        registry, names, scorers, replace(Source.default(data), verify=verify), options, trackers,
        progress=Quiet() if quiet else Bar(), skip_misfits=bool(suite),
    )  # fmt: skip
    if json_:
        typer.echo(json.dumps(results.to_json(), ensure_ascii=False, allow_nan=False, default=str))
    else:
        from prefgauge.runners.cli.tables import print_results

        print_results(results, profile=profile)
    raise typer.Exit(_exit_code(results, gates, bool(trackers)))


def _crew(
    runner: str, devices: str | None, ray_address: str | None, gpus: float, rows: int
) -> Crew:
    from prefgauge.runners.shards.fill import Crew

    if runner not in {"local", "processes", "ray"}:
        raise typer.BadParameter(f"--runner is local, processes or ray, not {runner!r}")
    names = [word.strip() for word in (devices or "").split(",") if word.strip()]
    found = tuple(f"cuda:{name}" if name.isdigit() else name for name in names)
    if found and runner == "local":
        runner = "processes"
    kind: Runner = "ray" if runner == "ray" else "processes" if runner == "processes" else "local"
    return Crew(kind, found, ray_address, gpus, rows)


def _gate(text: str) -> tuple[str, float]:
    name, sign, value = text.partition("=")
    try:
        return name.strip(), float(value) if sign else float("nan")
    except ValueError:
        raise typer.BadParameter(f"--fail-under needs METRIC=VALUE, got {text!r}") from None


def _exit_code(results: Results, gates: list[tuple[str, float]], tracked: bool) -> int:
    rows = results.rows()
    failed = [line for row in rows for line in _failed_gates(row, gates)]
    for line in failed:
        typer.echo(f"prefgauge: gate failed: {line}", err=True)
    for note in results.notes:
        typer.echo(f"prefgauge: {note}", err=True)
    if failed:
        return GATE
    if not results.bundles or any(row["status"] in ("error", "refused") for row in rows):
        return 2
    if any(row["status"] == "incomplete" for row in rows):
        return INCOMPLETE
    return NOT_LOGGED if tracked and any("not logged" in note for note in results.notes) else 0


def _failed_gates(row: dict[str, Any], gates: list[tuple[str, float]]) -> list[str]:
    lines = []
    for name, least in gates:
        if name == row["metric"]:
            value = row["value"]
        elif name in row.get("metrics", {}):
            value = row["metrics"][name]["value"]
        else:
            known = ", ".join(sorted({row["metric"], *row.get("metrics", {})}))
            lines.append(
                f"{row['bench']} · {row['scorer']} has no metric {name!r}; it has: {known}"
            )
            continue
        if value is None or not value >= least:
            shown = "without a value" if value is None else f"{value:.4f}"
            lines.append(f"{row['bench']} · {row['scorer']}: {name} is {shown}, under {least:g}")
    return lines
