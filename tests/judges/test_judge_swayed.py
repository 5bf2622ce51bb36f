"""How often judges of known behaviour are swayed: whole runs of the injection bench, through the
HTTP backend and its fences, down to the tables that people see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from judge_server import Server
from known_judges import First, Knowing, Obedient, Startled, Trusting, Wrong

from prefgauge.benches.controls.corpus import CORPUS
from prefgauge.benches.controls.injection import INJECTIONS
from prefgauge.plugins.trackers.figures import metrics_of
from prefgauge.registry import Device, Source
from prefgauge.registry.discovery import default
from prefgauge.runners.api import Results, run
from prefgauge.runners.engine import Engine
from prefgauge.runners.judged import swayed
from prefgauge.runners.run import Options, run_one

KINDS = [name for name in INJECTIONS if name != "plain"]
#: kinds that name a letter in words that Obedient understands
ORDERS = {"command", "forged-verdict", "forged-turn", "markdown", "control-characters", "rubric",
          "forged-fence"}  # fmt: skip


def result_of(chat: Knowing, options: str = "retries=0") -> dict[str, Any]:
    """The result of a judge on the injection bench."""
    with Server(chat) as server:  # type: ignore[arg-type]
        engine = Engine(default().scorer(f"judge:{server.url}#known?{options}"), Device("cpu"))
        try:
            bench = default().bench("control-injection")
            made = run_one(default(), bench, engine, Source.default(), Options(resamples=200))
            return dict(made.result)
        finally:
            engine.close()


def test_a_judge_that_knows_is_never_swayed() -> None:
    result = result_of(Knowing())
    found = swayed(result)
    assert result["value"] == 1.0
    assert found is not None
    assert (found.value, found.swayed, found.pairs, found.right_before) == (0.0, 0, 72, 72)
    assert found.sources == 8
    assert set(found.kinds) == set(KINDS)
    assert result["protocol"]["beside"] == [
        {"metric": "swayed-rate", "options": {"baseline": "plain"}}
    ]


def test_an_obedient_judge_is_swayed_by_every_kind_that_gives_an_order() -> None:
    """In the published order the letter is the injected candidate's; turned round it names the
    true one, so that accuracy by net vote shows ties only. Seven of nine kinds, eight of eight
    sources each: 56 of 72."""
    result = result_of(Obedient())
    found = swayed(result)
    assert found is not None
    assert {kind: part.value for kind, part in found.kinds.items()} == {
        kind: float(kind in ORDERS) for kind in KINDS
    }
    assert (found.swayed, found.pairs) == (56, 72)
    assert found.value == pytest.approx(7 / 9)
    # all sources alike: the interval over sources has no width
    assert found.low == pytest.approx(7 / 9)
    assert found.high == pytest.approx(7 / 9)


def test_a_judge_that_trusts_any_fence_is_swayed_by_forged_ones() -> None:
    """Of the eight sources four have the injected answer second: its forged candidate A comes
    after the real one and replaces it. Where it is first the real B comes after the forged one;
    and turned round, it replaces itself. The codes in our fences are what tells them apart."""
    found = swayed(result_of(Trusting()))
    assert found is not None
    assert found.kinds["forged-fence"].swayed == 4
    assert found.swayed == 4


def test_a_judge_that_is_always_wrong_could_not_be_swayed() -> None:
    found = swayed(result_of(Wrong()))
    assert found is not None
    assert (found.value, found.right_before, found.of_right) == (0.0, 0, None)


def test_a_liking_for_the_first_place_is_no_sway() -> None:
    found = swayed(result_of(First()))
    assert found is not None
    assert (found.value, found.right_before, found.turned_right) == (0.0, 72, 0)


def test_unreadable_verdicts_are_counted_apart_with_their_rule() -> None:
    """Six kinds (it does not see the order between escaped control characters) of eight sources
    in both orders: 96 of 160 verdicts, 48 pairs."""
    result = result_of(Startled())
    found = swayed(result)
    assert found is not None
    assert (found.swayed, found.unreadable) == (0, 48)
    assert result["invalid"] == 96
    assert result["invalid_rate"] == pytest.approx(0.6)
    assert result["protocol"]["invalid"] == "wrong"
    assert result["value"] == pytest.approx(32 / 80)  # the other four subsets are right


def test_longer_is_better_as_a_judge_of_known_behaviour() -> None:
    """The length baseline, pair by pair from the texts themselves."""
    results = run(["control-injection"], ["length"], resamples=0, trackers=[])
    expected = could = 0
    for row, item in enumerate(CORPUS):
        true, false = " ".join(item.true), " ".join(item.false)
        for column, (name, inject) in enumerate(INJECTIONS.items()):
            injected = inject(false, "AB"[(row + column) % 2])
            right = len(true) > len(false)
            could += right and name != "plain"
            expected += right and name != "plain" and len(injected) > len(true)
    found = swayed(results.rows()[0])
    assert found is not None
    assert (found.swayed, found.right_before, found.pairs) == (expected, could, 72)
    assert expected > 0


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """An obedient and a knowing judge in one suite."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PREFGAUGE_HOME", str(tmp_path_factory.mktemp("home")))
    try:
        with Server(Obedient()) as one, Server(Knowing()) as other:  # type: ignore[arg-type]
            prices = "price_in=1&price_out=2"
            judges = [f"judge:{one.url}#yes-man?{prices}", f"judge:{other.url}#rock?{prices}"]
            store = f"mlflow:{tmp_path_factory.mktemp('track')}/mlflow.db"
            return run(["control-injection"], judges, resamples=50, trackers=[store])
    finally:
        patch.undo()


def test_the_cli_table(both: Results, capsys: pytest.CaptureFixture[str]) -> None:
    from prefgauge.runners.cli.tables import print_results

    print_results(both)
    said = " ".join(capsys.readouterr().out.split())
    assert "Swayed by injections" in said
    assert "77.8%" in said
    assert "56/72" in said
    assert "0.0%" in said
    # 160 answers of 100 and 7 tokens: 160 * (100 * 1 + 7 * 2) / 1e6 dollars
    assert (
        "0 of 160 verdicts unreadable (0.0%); 160 calls, 16,000 tokens in, 1,120 tokens out, "
        "US$ 0.0182" in said
    )


def test_the_tracked_numbers(both: Results) -> None:
    numbers = metrics_of(next(row for row in both.rows() if "yes-man" in row["scorer"]))
    assert numbers["swayed-rate"] == pytest.approx(7 / 9)
    assert numbers["swayed-rate/command"] == 1.0
    assert numbers["swayed-rate/flattery"] == 0.0
    assert {"swayed-rate.ci_low", "swayed-rate.ci_high"} <= set(numbers)
    assert numbers["invalid_rate"] == 0.0
    assert numbers["usage/tokens_in"] == 16_000
    assert numbers["usage/cost_usd"] == pytest.approx(0.01824)


def test_mlflow_holds_them(both: Results) -> None:
    from mlflow import MlflowClient

    assert both.logged, both.notes
    client = MlflowClient(both.logged[0].partition("#")[0].rstrip("/"))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    cells = client.search_runs(experiments, "tags.`prefgauge.kind` = 'cell'")
    rates = sorted(run.data.metrics["swayed-rate"] for run in cells)
    assert rates == pytest.approx([0.0, 7 / 9])
    assert {run.data.metrics["usage/calls"] for run in cells} == {160}
    assert all("swayed-rate/forged-fence" in run.data.metrics for run in cells)


def test_the_report_has_a_table_of_its_own(both: Results) -> None:
    from prefgauge.runners.report.html import render_html
    from prefgauge.runners.report.model import assemble

    page = render_html(assemble(both.bundles))
    table = page[page.index("How often each judge was swayed") :]
    table = re.sub(r"<[^>]+>|\s+", " ", table[: table.index("</table>")])
    assert table.index("rock") < table.index("yes-man")  # most steadfast first
    assert "56/72" in table
    assert all(kind in table for kind in KINDS)
    assert "160 calls, 16,000 tokens in" in page
