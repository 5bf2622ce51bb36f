"""Personal models as bundles: the run's own metric finds what the evaluation counted, and the
models can be compared vote by vote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prefgauge.registry import (
    BadRow,
    Bench,
    BenchCard,
    Bundle,
    Device,
    Dimension,
    MetricUse,
    Protocol,
    Rating,
    Sample,
    Source,
    content,
    default,
)
from prefgauge.runners.cli.app import app
from prefgauge.runners.compare import answers_of, compare
from prefgauge.runners.fitted import fitted_bundle, probability
from prefgauge.runners.personal import Plan, judge
from prefgauge.runners.personal_bundle import fits_of
from prefgauge.runners.run import Options


class Pain(Bench):
    """Ratings of one person each where less is better; half of the raters like long answers."""

    card = BenchCard(
        id="pain", title="made", modality="text", task="test", label_kinds=("rating",),
        label_source="construction", licence="CC0-1.0", citation="none", homepage="none",
        dimensions=(Dimension("pain", higher_is_better=False),),
    )  # fmt: skip
    protocol = Protocol(name="made", source="none", headline=MetricUse("srcc"))

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        yield BadRow("made:0", "a broken row")
        for number in range(40):
            sizes = (number % 7 + 1, number % 5 + 9)
            yield Sample(
                id="all the same",  # ids that repeat must not mix up the votes
                prompt=content(f"q {number}"),
                candidates=tuple(content("x" * size) for size in sizes),
                labels=tuple(
                    Rating(i, float(size if rater % 2 else -size), "pain", rater=f"r{rater}")
                    for rater in range(4)
                    for i, size in enumerate(sizes)
                ),
            )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_votes_where_less_is_better(home: Path, tmp_path: Path) -> None:
    registry, source = default(), Source(None, tmp_path, offline=True)
    options = Options(device=Device("cpu"), resamples=100)
    judged = judge(
        registry, Pain(), [registry.scorer("length")], source, options, ("dpa",), plan=Plan()
    )
    found = {}
    for fit in fits_of(Pain(), judged):
        bundle = fitted_bundle(registry, Pain(), fit, source, options)
        name = bundle.result["fitted"]["model"]
        found[name] = bundle
        # the same agreement, counted by the run's metric on the run's evidence
        part = judged.result["methods"][name]
        assert bundle.result["value"] == pytest.approx(part["agreement"]), name
        assert bundle.result["n"] == judged.result["n"] == 160
        assert bundle.result["bad_rows"] == 1
        assert set(bundle.result["subsets"]) == {"r0", "r1", "r2", "r3"}
        assert bundle.result["ceilings"]["other raters"]["value"] == judged.result["other_raters"]
    assert found["base"].scorer == "length"
    assert found["dpa"].scorer == "personal.dpa:length"
    assert found["base"].result["value"] == pytest.approx(0.5)
    # even raters call long answers painless: they prefer them, as length does
    assert found["base"].result["subsets"]["r0"]["value"] == 1.0
    assert found["base"].result["subsets"]["r1"]["value"] == 0.0
    assert found["dpa"].result["value"] > 0.95
    assert "gains" in " ".join(found["dpa"].result["notes"])
    (one,) = compare([answers_of(found["base"]), answers_of(found["dpa"])])
    assert one.difference == pytest.approx(0.5 - found["dpa"].result["value"])
    assert one.tests["mcnemar_p"] < 1e-6  # every prompt shows the same difference: no jackknife
    assert one.changed == pytest.approx(80, abs=5)


def test_a_vote_without_features_lowers_coverage(home: Path, tmp_path: Path) -> None:
    registry, source = default(), Source(None, tmp_path, offline=True)
    options = Options(device=Device("cpu"), resamples=0)
    judged = judge(
        registry, Pain(), [registry.scorer("length")], source, options, ("dpa",), plan=Plan()
    )
    fit = next(fits_of(Pain(), judged))
    keys = sorted(fit.answers)[:16]
    less = {key: answer for key, answer in fit.answers.items() if key not in keys}
    bundle = fitted_bundle(registry, Pain(), replace(fit, answers=less), source, options)
    assert bundle.result["status"] == "incomplete"
    assert bundle.result["coverage"] == pytest.approx(0.9 * 160 / 161)  # and the broken row
    assert "an answer of its pair has no features" in bundle.result["failures"][0]["reason"]


def test_log_odds_become_probabilities() -> None:
    assert probability(0.0) == 0.5
    assert probability(1.0) == pytest.approx(1 / (1 + 2.718281828459045**-1))
    assert (probability(1e9), probability(-1e9)) == (1.0, 0.0)


@pytest.mark.data
def test_the_command_writes_bundles_that_a_report_shows(data_root: Path, home: Path) -> None:
    words = ["personal", "pandalm", "-s", "length", "--data", str(data_root), "--json"]
    run = CliRunner().invoke(app, [*words, "--resamples", "100", "-m", "dpa"])
    assert run.exit_code == 0, run.output
    said = json.loads(run.stdout)
    bundles = {b.scorer: b for b in (Bundle.load(Path(path)) for path in said["bundles"])}
    assert set(bundles) == {"length", "personal.pooled:length", "personal.dpa:length"}
    assert bundles["length"].result["floors"].keys() >= {"random"}
    page = home / "report.md"
    made = CliRunner().invoke(app, ["report", said["path"], "-o", str(page)])
    assert made.exit_code == 0, made.output
    text = page.read_text().replace("\\", "")
    assert "pandalm.personal" in text
    assert "personal.dpa:length" in text
    tested = CliRunner().invoke(app, ["compare", said["path"], "--bench", "pandalm.personal"])
    assert tested.exit_code == 0, tested.output


@pytest.mark.data
def test_models_over_two_scorers_name_both(data_root: Path, home: Path) -> None:
    words = ["personal", "pandalm", "-s", "length", "-s", "lexical", "--data", str(data_root)]
    run = CliRunner().invoke(app, [*words, "--resamples", "50", "-m", "dpa", "--json"])
    assert run.exit_code == 0, run.output
    bundles = [Bundle.load(Path(path)) for path in json.loads(run.stdout)["bundles"]]
    assert {b.scorer for b in bundles} >= {"personal.dpa:length + lexical"}
