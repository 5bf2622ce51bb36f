"""``prefgauge probe``: does something that says nothing about quality move a scorer?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefgauge.registry import PrefgaugeError, UsageError

if TYPE_CHECKING:
    from prefgauge.runners.probing import Effect

__all__ = ["probe"]


def probe(
    benches: Annotated[list[str], typer.Argument(help="Bench ids; see `prefgauge list`.")],
    scorer: Annotated[
        list[str], typer.Option("--scorer", "-s", help="Scorer address. Repeatable.")
    ],
    name: Annotated[
        list[str] | None,
        typer.Option("--probe", "-p", help="Probe, such as length (default: all). Repeatable."),
    ] = None,
    own: Annotated[
        str | None,
        typer.Option(help="System that is the scorer itself, for the probe self-preference."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Local mirror of published data (default: PREFGAUGE_DATA).")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first samples that a probe applies to.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    experiment: Annotated[str, typer.Option(help="Name of the group of results.")] = "prefgauge",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Perturb samples in ways that should not matter and measure the paired effect."""
    from prefgauge.registry.discovery import default
    from prefgauge.registry.scorer import Device
    from prefgauge.registry.source import Source
    from prefgauge.runners.compare import holm
    from prefgauge.runners.engine import Engine
    from prefgauge.runners.probing import load_probe, probe_scorer
    from prefgauge.runners.run import Options
    from prefgauge.runners.self_preference import NAME, probe_self

    registry = default()
    wanted = list(name or [part for part in registry.names("part") if part.startswith("probe.")])
    if own is not None and name is None:
        wanted.append(NAME)
    if NAME in wanted and own is None:
        raise UsageError(
            f"The probe {NAME} must know which system the scorer is: name it with --own, as the "
            "bench names it (`prefgauge show BENCH`)."
        )
    probes = [None if one == NAME else load_probe(registry, one) for one in wanted]
    loaded = [registry.bench(bench) for bench in benches]
    options = Options(suite=experiment, limit=limit, resamples=0, device=Device(device, dtype))
    source = Source.default(data)
    effects: list[Effect] = []
    told: set[str] = set()
    for address in scorer:
        engine = Engine(registry.scorer(address), options.device)
        try:
            for bench in loaded:
                for one in probes:
                    common = (source, options)
                    try:
                        if one is None:
                            effect, _ = probe_self(registry, bench, engine, str(own), *common)
                        else:
                            effect, _ = probe_scorer(registry, bench, engine, one, *common)
                        effects.append(effect)
                    except PrefgaugeError as error:
                        if str(error) not in told:  # a bench without data is told once
                            label = NAME if one is None else one.name
                            text = f"{bench.card.id} · {address} · {label}: {error}"
                            typer.echo(f"prefgauge: {text}", err=True)
                        told.add(str(error))
        finally:
            engine.close()
    if not effects:
        raise UsageError("No probe could be run; the reasons are above.")
    corrected = holm([effect.p for effect in effects])
    if json_:
        rows = [
            {**effect.to_json(), "p_holm": None if math.isnan(p) else p}
            for effect, p in zip(effects, corrected)
        ]
        typer.echo(json.dumps({"effects": rows}, ensure_ascii=False))
    else:
        _print(effects, corrected)


def _print(effects: list[Effect], corrected: list[float]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    table = Table(title="Probes: change of agreement", title_justify="left")
    for heading in ("bench", "scorer", "probe"):
        table.add_column(heading, overflow="fold")
    for heading in (
        "n",
        "before",
        "after",
        "effect",
        "95 % interval",
        "p (Holm)",
        "to worse",
        "from",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for effect, p in zip(effects, corrected):
        table.add_row(
            Text(effect.bench), Text(effect.scorer), effect.probe, f"{effect.n:,}",
            f"{effect.before:.4f}", f"{effect.after:.4f}", f"{effect.effect:+.4f}",
            "" if math.isnan(effect.low) else f"[{effect.low:+.3f}, {effect.high:+.3f}]",
            "" if math.isnan(p) else f"{p:.4f}" if p >= 1e-4 else "<0.0001",
            f"{effect.toward:,}", f"{effect.away:,}", Text(_verdict(effect, p)),
        )  # fmt: skip
    console.print(table)


def _verdict(effect: Effect, p: Any) -> str:
    if effect.reason:
        return effect.reason
    if effect.expects == "rise":
        return "as it should" if effect.effect > 0 else "does not rise: the scorer rewards it"
    if not p < 0.05:
        return "no significant effect"
    if effect.expects == "zero":
        return "favours its own answers" if effect.effect > 0 else "disfavours its own answers"
    return "misled by it" if effect.effect < 0 else "agrees more: an artefact moves it"
