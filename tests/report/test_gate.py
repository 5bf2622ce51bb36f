"""The gate: a real drop fails, noise does not, and nothing goes missing unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from prefgauge.registry import UsageError
from prefgauge.runners.cli.app import app
from prefgauge.runners.gate import baseline_of, check, junit, read_baseline, summary


@pytest.fixture
def answers(write_bundle, pair_answers):  # type: ignore[no-untyped-def]
    """Bundles of 200 samples of which a given share is right; the same samples come first."""

    def make(right: int, scorer: str = "judge", **fields):  # type: ignore[no-untyped-def]
        margins = np.where(np.arange(200) < right, 1.0, -1.0)
        interval = {"ci_low": right / 200 - 0.06, "ci_high": right / 200 + 0.06}
        return write_bundle(
            pair_answers(margins), scorer, **{"value": right / 200, **interval, **fields}
        )

    return make


def test_noise_passes_and_a_drop_fails(answers) -> None:  # type: ignore[no-untyped-def]
    entries = baseline_of([answers(160)])["results"]
    (same,) = check([answers(159)], entries, margin=0.01)
    assert same.passed
    (drop,) = check([answers(140)], entries, margin=0.01)
    assert not drop.passed
    assert drop.change == pytest.approx(-0.1)
    assert "paired" in drop.message


def test_pairing_sees_what_intervals_cannot(answers) -> None:  # type: ignore[no-untyped-def]
    # ten samples lost of 200: the two intervals overlap widely, the paired test is sure
    entries = baseline_of([answers(160)])["results"]
    assert not check([answers(150)], entries, margin=0.0)[0].passed
    for entry in entries:
        entry["without"] = []
    (unpaired,) = check([answers(150)], entries, margin=0.0)
    assert unpaired.passed
    assert "unpaired" in unpaired.message


def test_strict_and_margin(answers) -> None:  # type: ignore[no-untyped-def]
    entries = baseline_of([answers(160)])["results"]
    assert not check([answers(156)], entries, margin=0.01, strict=True)[0].passed
    assert check([answers(156)], entries, margin=0.05, strict=True)[0].passed
    assert check([answers(190)], entries, strict=True)[0].passed


def test_non_inferiority_must_be_shown(answers) -> None:  # type: ignore[no-untyped-def]
    entries = baseline_of([answers(160)])["results"]
    (unsure,) = check([answers(158)], entries, margin=0.012, prove=True)
    assert not unsure.passed  # one point lost of 200 twice: the bound lies beyond the margin
    assert "not shown to be within" in unsure.message
    assert check([answers(158)], entries, margin=0.012)[0].passed  # but it is no sure drop
    (shown,) = check([answers(158)], entries, margin=0.05, prove=True)
    assert shown.passed
    assert shown.low is not None
    assert -0.05 < shown.low < shown.change < shown.high  # type: ignore[operator]
    assert check([answers(160)], entries, margin=0.0, prove=True)[0].passed  # the same answers
    # without groups and intervals nothing can be shown
    for entry in entries:
        entry |= {"without": [], "ci_low": None}
    (none,) = check([answers(160)], entries, margin=0.05, prove=True)
    assert not none.passed
    assert "no interval" in none.message
    with pytest.raises(UsageError, match="one rule"):
        check([answers(160)], entries, strict=True, prove=True)


def test_bounds_are_students_t(answers) -> None:  # type: ignore[no-untyped-def]
    """Right or wrong per prompt: the paired bound is near scipy's t interval of the differences
    (the jackknife groups four prompts each, so not equal to it)."""
    entries = baseline_of([answers(160)])["results"]
    (found,) = check([answers(150)], entries, margin=0.0, confidence=0.95)
    gaps = np.array([-1.0] * 10 + [0.0] * 190)
    theirs = stats.ttest_1samp(gaps, 0.0).confidence_interval(0.90)
    assert found.low == pytest.approx(theirs.low, abs=0.006)
    assert found.high == pytest.approx(theirs.high, abs=0.006)


def test_missing_incomplete_and_changed_metric_fail(answers) -> None:  # type: ignore[no-untyped-def]
    entries = baseline_of([answers(160)])["results"]
    assert "no result" in check([], entries)[0].message
    (partial,) = check([answers(160, status="incomplete", coverage=0.5)], entries)
    assert not partial.passed
    assert "coverage 0.5" in partial.message
    (other,) = check([answers(160, metric="srcc")], entries)
    assert not other.passed


def test_lower_is_better(answers) -> None:  # type: ignore[no-untyped-def]
    one = {"bench": "b", "scorer": "judge", "metric": "rmse", "value": 0.5}
    bundle = answers(100, bench="b", metric="rmse", value=0.9)
    assert not check([bundle], [one], strict=True)[0].passed


def test_junit_and_summary_hold_untrusted_text(answers) -> None:  # type: ignore[no-untyped-def]
    bundle = answers(100, scorer='judge:<&"\x07>|x')
    entries = baseline_of([bundle])["results"]
    checks = check([], entries)
    tree = ElementTree.fromstring(junit(checks))
    assert (tree.get("tests"), tree.get("failures")) == ("1", "1")
    assert tree[0].get("name", "").startswith('judge:<&">|x')
    assert summary(checks).count("\n| **failed**") == 1
    assert "\\|x" in summary(checks)


def test_command_exit_codes(answers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    good, bad = answers(160), answers(120)
    base, xml, steps = tmp_path / "base.json", tmp_path / "gate.xml", tmp_path / "steps.md"
    run = CliRunner()
    assert run.invoke(app, ["gate", str(good.path), "--write", str(base)]).exit_code == 0
    assert read_baseline(base)[0]["value"] == 0.8
    arguments = ["--baseline", str(base), "--junit-xml", str(xml), "--step-summary", str(steps)]
    assert run.invoke(app, ["gate", str(good.path), *arguments]).exit_code == 0
    done = run.invoke(app, ["gate", str(bad.path), *arguments, "--json"])
    assert done.exit_code == 4
    assert json.loads(done.stdout)["passed"] is False
    assert ElementTree.parse(xml).getroot().get("failures") == "1"
    assert steps.read_text().count("## prefgauge gate") == 2


def test_bad_baselines_are_explained(answers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    good = answers(160)
    for text in ("{", "{}", '{"prefgauge_baseline": 99}'):
        path = tmp_path / "b.json"
        path.write_text(text)
        done = CliRunner().invoke(app, ["gate", str(good.path), "--baseline", str(path)])
        assert isinstance(done.exception, UsageError)
        assert "b.json" in str(done.exception)
    neither = CliRunner().invoke(app, ["gate", str(good.path)])
    assert isinstance(neither.exception, UsageError)
