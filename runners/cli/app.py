"""The ``prefgauge`` command: mounts one function per sub-command."""

from __future__ import annotations

import typer

from prefgauge.runners.cli import (
    check,
    compare,
    dashboard,
    doctor,
    fetch,
    gate,
    linear_probe,
    lists,
    log,
    new,
    personal,
    plugins,
    probe,
    report,
    ridge_probe,
    run,
    show,
)

__all__ = ["app"]

app = typer.Typer(
    name="prefgauge",
    help="How far does a reward model or judge agree with people, in every modality?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 fault of prefgauge, 2 wrong usage or unusable data, "
    "3 INCOMPLETE, 4 gate failed, 5 results kept but not logged.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from prefgauge import __version__

        typer.echo(__version__)
        raise typer.Exit


app.command("run")(run.run)
app.command("list")(lists.list_)
app.command("show")(show.show)
app.command("fetch")(fetch.fetch)
app.command("plugins")(plugins.plugins)
app.command("check")(check.check)
app.command("new")(new.new)
app.command("doctor")(doctor.doctor)
app.command("log")(log.log)
app.command("sync")(log.sync)
app.command("dashboard")(dashboard.dashboard)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("gate")(gate.gate)
app.command("probe")(probe.probe)
app.command("linear-probe")(linear_probe.linear_probe)
app.command("ridge-probe")(ridge_probe.ridge_probe)
app.command("personal")(personal.personal)
