"""Probe runs end to end: real benches, real scorers, and a scorer with a known bias."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from prefgauge.registry import (
    Bench,
    BenchCard,
    Bundle,
    DataError,
    Device,
    MetricUse,
    Outcome,
    PairwiseScorer,
    Preference,
    Protocol,
    Sample,
    ScorerCard,
    Source,
    Text,
    default,
)
from prefgauge.runners.cli.app import app
from prefgauge.runners.engine import Engine
from prefgauge.runners.probing import load_probe, probe_scorer
from prefgauge.runners.report.html import render_html
from prefgauge.runners.report.model import assemble
from prefgauge.runners.run import Options, run_one
from prefgauge.runners.self_preference import probe_self, self_preference


class Answers(Bench):
    """Thirty pairs; people prefer the longer answer in the first twenty."""

    card = BenchCard(
        id="probe-test", title="t", modality="text", task="chat", label_kinds=("preference",),
        label_source="human", licence="CC0-1.0", citation="-", homepage="-", size=30,
    )  # fmt: skip
    protocol = Protocol(name="p", source="s", headline=MetricUse("pair-accuracy", {"ties": "net"}))

    def read(self, source):  # type: ignore[no-untyped-def]
        for number in range(30):
            short, long = (
                f"Yes {number}. It is so.",
                f"Yes {number}. It is so, and more. Much more.",
            )
            yield Sample(
                id=str(number),
                prompt=(Text(f"question {number}"),),
                candidates=((Text(long),), (Text(short),)),
                labels=(Preference(0, 1, "first" if number < 20 else "second"),),
                systems=("own", "other") if number % 2 else ("other", "own"),
            )


class First(PairwiseScorer):
    """Prefers what is shown first: nothing but position bias."""

    def __init__(self) -> None:
        self.card = ScorerCard(name="first", form="pairwise", fingerprint={"v": 1})

    def score(self, batch):  # type: ignore[no-untyped-def]
        return [Outcome.preference(1.0) for _ in batch]


def _effect(name, scorer, bench=None, limit=None):  # type: ignore[no-untyped-def]
    registry = default()
    made = registry.scorer(scorer) if isinstance(scorer, str) else scorer
    engine = Engine(made, Device("cpu"))
    try:
        return probe_scorer(
            registry, bench or Answers(), engine, load_probe(registry, name),
            Source.default(), Options(resamples=0, limit=limit),
        )  # fmt: skip
    finally:
        engine.close()


def test_position_bias_is_seen_whole() -> None:
    effect, _ = _effect("position", First())
    # the better answer first: always right; last: always wrong
    assert (effect.before, effect.after, effect.effect) == (1.0, 0.0, -1.0)
    assert (effect.toward, effect.away) == (30, 0)


def test_length_scorer_falls_for_padding() -> None:
    effect, bundle = _effect("length", "length")
    # before: right on the first 20 of 30; after: the padded, worse answer is always the longer
    assert effect.before == pytest.approx(20 / 30)
    assert effect.after == 0.0
    assert (effect.toward, effect.away) == (20, 0)
    # the paired t-test of scipy on the per-sample change, an independent source
    change = np.array([-1.0] * 20 + [0.0] * 10)
    assert effect.p == pytest.approx(stats.ttest_1samp(change, 0.0).pvalue)
    assert effect.push is not None
    assert effect.push > 0
    stored = json.loads((bundle.path / "result.json").read_text())["probe"]
    assert stored["effect"] == pytest.approx(effect.effect)


def test_pointwise_scorer_has_no_position_bias() -> None:
    effect, _ = _effect("position", "length")
    assert (effect.effect, effect.p) == (0.0, 1.0)


def test_refusal_should_raise_agreement() -> None:
    effect, _ = _effect("refusal", "length")
    assert effect.expects == "rise"
    assert effect.n == 30


def test_probe_that_fits_nothing_says_so() -> None:
    with pytest.raises(DataError, match="applies to no sample"):
        _effect("length", "sharpness", default().bench("control-image"))


def test_report_shows_probes_beside_their_bench_only() -> None:
    registry, bench = default(), Answers()
    engine = Engine(registry.scorer("length"), Device("cpu"))
    plain = run_one(registry, bench, engine, Source.default(), Options(resamples=0))
    engine.close()
    _effect("length", "length", bench)
    every = list(Bundle.find(plain.path.parents[1]))
    assert len(every) == 3
    report = assemble(every)
    assert [page.bench for page in report.benches] == ["probe-test"]
    assert [item["probe"] for item in report.benches[0].probes] == ["length"]
    html = render_html(report)
    assert "−0.667" in html
    assert "the worse answer is padded" in html


def test_self_preference_by_hand() -> None:
    registry = default()
    engine = Engine(registry.scorer("length"), Device("cpu"))
    bundle = run_one(registry, Answers(), engine, Source.default(), Options(resamples=0))
    engine.close()
    found = self_preference(bundle, "own")
    assert found is not None
    # the scorer takes the long answer: it is the system's own in the 15 odd samples of 30.
    # people take the system's answer in: odd < 20 (10), even >= 20 (5): 15 of 30
    assert found["value"] == pytest.approx(15 / 30 - 15 / 30)
    # changes per sample: odd >= 20: +1 (5), even >= 20: -1 (5), else 0; scipy is independent
    gaps = np.array([0.0] * 20 + [1.0, -1.0] * 5)
    interval = stats.ttest_1samp(gaps, 0.0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
    assert found["n"] == 30
    assert found["p"] == pytest.approx(stats.ttest_1samp(gaps, 0.0).pvalue)
    assert (found["scorer"], found["people"]) == (0.5, 0.5)
    assert (found["toward"], found["away"]) == (5, 5)
    assert self_preference(bundle, "nobody") is None


class Vain(PairwiseScorer):
    """Prefers the answer of the system "own", which it knows by its length and number."""

    def __init__(self) -> None:
        self.card = ScorerCard(name="vain", form="pairwise", fingerprint={"v": 1})

    def score(self, batch):  # type: ignore[no-untyped-def]
        return [
            Outcome.preference(float(request.sample.systems[request.candidates[0]] == "own"))
            for request in batch
        ]


def test_a_vain_scorer_favours_its_own_answers() -> None:
    registry = default()
    engine = Engine(Vain(), Device("cpu"))
    try:
        effect, bundle = probe_self(
            registry, Answers(), engine, "own", Source.default(), Options(resamples=0)
        )
        with pytest.raises(DataError, match="Systems there: other, own"):
            probe_self(registry, Answers(), engine, "mine", Source.default(), Options(resamples=0))
    finally:
        engine.close()
    # people give "own" 15 of 30, the scorer all
    assert (effect.before, effect.after, effect.effect, effect.n) == (0.5, 1.0, 0.5, 30)
    assert (effect.toward, effect.away) == (15, 0)
    assert effect.low > 0.25
    assert effect.p < 1e-4
    assert bundle.result["probe"]["role"] == "effect"
    plain = run_one(registry, Answers(), Engine(Vain(), Device("cpu")), Source.default(),
                    Options(resamples=0))  # fmt: skip
    report = assemble([plain, bundle])
    assert [item["probe"] for item in report.benches[0].probes] == ["self-preference"]
    assert "than people do" in render_html(report)


def test_self_preference_needs_to_know_who_the_scorer_is() -> None:
    done = CliRunner().invoke(
        app, ["probe", "control-text", "-s", "length", "-p", "self-preference"]
    )
    assert "--own" in str(done.exception)


@pytest.mark.data
def test_self_preference_on_published_votes(data_root: Path) -> None:
    words = ["probe", "pandalm", "-s", "length", "-p", "self-preference", "--own", "llama-7b"]
    done = CliRunner().invoke(app, [*words, "--data", str(data_root), "--json"])
    assert done.exit_code == 0, done.output
    (effect,) = json.loads(done.stdout)["effects"]
    people, longer = 0.0, 0.0  # counted anew from the published file
    rows = json.loads((data_root / "pandalm/data/testset-v1.json").read_text())
    rows = [row for row in rows if row["cmp_key"].split("_").count("llama-7b") == 1]
    for row in rows:
        own = row["cmp_key"].split("_").index("llama-7b") + 1
        votes = [row[f"annotator{i}"] for i in (1, 2, 3)]
        vote = max(votes, key=votes.count)
        people += 0.5 if vote == 0 else vote == own
        first, second = len(str(row["response1"])), len(str(row["response2"]))
        longer += 0.5 if first == second else (first > second) == (own == 1)
    assert effect["n"] == len(rows) == 421
    assert effect["before"] == pytest.approx(people / len(rows))
    assert effect["after"] == pytest.approx(longer / len(rows))
    assert effect["effect"] == pytest.approx(effect["after"] - effect["before"])
    assert effect["low"] < effect["effect"] < effect["high"] < 0


def test_command_on_a_real_bench() -> None:
    arguments = ["probe", "control-text", "--scorer", "length", "-p", "length", "-p", "markdown"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    effects = {item["probe"]: item for item in json.loads(done.stdout)["effects"]}
    assert set(effects) == {"length", "markdown"}
    assert effects["length"]["effect"] < 0
    assert effects["length"]["toward"] > 0
    assert "Probes: change of agreement" in CliRunner().invoke(app, arguments).stdout
