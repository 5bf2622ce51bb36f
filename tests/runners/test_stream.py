"""One pass over a bench: nothing lost, nothing asked twice, memory bounded."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from made import Comparing, Counting, MadeBench, sample

from prefgauge.registry import (
    BadRow,
    Device,
    MetricUse,
    Outcome,
    Preference,
    Protocol,
    Ranking,
    Rating,
    Request,
    Sample,
    Source,
    content,
)
from prefgauge.runners.engine import Engine
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.plan import fingerprint, requests_for
from prefgauge.runners.stream import Answered, Stream

SOURCE = Source(None, Path("unused"), offline=True)


def run(
    scorer: Counting, ledger: Ledger | None, bench: MadeBench, window: int = 8
) -> tuple[Stream, list[Answered]]:
    stream = Stream("made", bench.protocol, Engine(scorer), ledger, window=window)
    return stream, list(stream.run(bench.read(SOURCE)))


def test_samples_come_in_reading_order_with_all_their_outcomes() -> None:
    stream, answered = run(Counting(), None, MadeBench(50))
    assert [a.sample.id for a in answered] == [f"s{i}" for i in range(50)]
    assert all(set(a.outcomes) == {(0,), (1,)} for a in answered)
    assert stream.counts.scored == stream.counts.requests == 100


def test_a_second_run_calls_the_scorer_zero_times_and_opens_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        _, first = run(Counting(), ledger, MadeBench())
        again = Counting()
        stream, second = run(again, ledger, MadeBench())
    assert (again.opened, again.seen, stream.counts.scored, stream.counts.ledger_hits) == (
        0,
        [],
        0,
        40,
    )
    assert [a.outcomes for a in first] == [a.outcomes for a in second]


def test_equal_questions_are_asked_once() -> None:
    twin = [
        sample(1),
        Sample(id="twin", prompt=sample(1).prompt, candidates=sample(1).candidates, labels=()),
    ]
    scorer = Counting()
    stream = Stream("made", MadeBench.protocol, Engine(scorer, self_check=0), None, window=1)
    answered = list(stream.run(iter(twin)))
    assert len(scorer.seen) == 2
    assert stream.counts.shared == 2
    assert answered[0].outcomes == answered[1].outcomes


def test_failures_are_recorded_counted_and_tried_again(tmp_path: Path) -> None:
    def trouble(request: Request) -> Outcome | None:
        return Outcome.failed("endpoint is down") if request.sample.id == "s2" else None

    with Ledger(tmp_path / "l.sqlite") as ledger:
        stream, answered = run(Counting(trouble=trouble), ledger, MadeBench())
        assert stream.counts.failed == 2
        assert stream.counts.reasons["failed: endpoint is down"] == 2
        assert stream.counts.examples["failed: endpoint is down"].startswith("made:s2[")
        healed = Counting()
        stream, answered = run(healed, ledger, MadeBench())
    assert sorted(set(healed.seen)) == ["made:s2[0]", "made:s2[1]"]
    assert all(o.status == "ok" for a in answered for o in a.outcomes.values())


def test_bad_rows_are_counted_with_their_place() -> None:
    bench = MadeBench(rows={3: BadRow("file:4", "the field 'x' is missing")})
    stream, answered = run(Counting(), None, bench)
    assert (len(answered), stream.counts.bad_rows) == (19, 1)
    assert stream.counts.examples["bad row: the field 'x' is missing"] == "file:4"


def test_a_label_only_sample_is_refused_with_the_way_to_its_content() -> None:
    bare = Sample(id="bare", candidates=((), ()), labels=(), missing="fetch it with x")
    stream, answered = run(Counting(), None, MadeBench(3, rows={1: bare}))
    assert {o.reason for o in answered[1].outcomes.values()} == {
        "the sample is label-only: fetch it with x"
    }
    assert stream.counts.missing == 2


def protocol(**more: object) -> Protocol:
    return Protocol(name="p", source="s", headline=MetricUse("pair-accuracy"), **more)  # type: ignore[arg-type]


def shown(labels: tuple[object, ...], k: int, **more: object) -> list[tuple[int, ...]]:
    one = Sample(id="x", candidates=tuple(content(str(i)) for i in range(k)), labels=labels)  # type: ignore[arg-type]
    return [r.candidates for r in requests_for("b", one, protocol(**more), Comparing())]


def test_a_pairwise_scorer_is_asked_what_the_protocol_needs() -> None:
    preference = (Preference(2, 0, "first"), Preference(0, 2, "tie", rater="r"))
    assert shown(preference, 3) == [(2, 0), (0, 2)]
    assert shown(preference, 3, orders="given") == [(2, 0)]
    assert shown(preference, 3, orders="given", pairs="all") == [(2, 0), (0, 1), (1, 2)]
    assert shown((Ranking((1, 2, 3)),), 3, orders="given") == [(0, 1), (0, 2), (1, 2)]
    assert shown((Rating(0, 3.0), Rating(2, 4.0)), 3, orders="given") == [(0, 2)]
    assert shown((Rating(0, 3.0),), 1) == []


SCRIPT = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from made import Counting, MadeBench
from prefgauge.registry import Source
from prefgauge.runners.engine import Engine
from prefgauge.runners.ledger import Ledger
from prefgauge.runners.stream import Stream
slow = float(sys.argv[3])
def pause(request):
    time.sleep(slow)
scorer = Counting(trouble=pause)
scorer.batch_size = 7
with Ledger(Path(sys.argv[1])) as ledger:
    stream = Stream("made", MadeBench.protocol, Engine(scorer, self_check=0), ledger, window=64)
    print("begun", flush=True)
    found = [[a.sample.id, sorted((k, o.values["overall"]) for k, o in a.outcomes.items())]
             for a in stream.run(MadeBench(200).read(Source(None, Path("x"))))]
    print(json.dumps([found, stream.counts.scored, stream.counts.ledger_hits]))
"""


def kill_and_rerun(tmp_path: Path, times: int, seed: int) -> None:
    """Kill -9 at random moments, rerun to the end, and compare with an undisturbed run. What is
    done in spite of the kills is compared too, and the next kills meet a new ledger, so that
    all of them meet a run with work before it."""
    pick = random.Random(seed)
    here = str(Path(__file__).parent)

    def start(path: Path, pause: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SCRIPT, str(path), here, str(pause)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())

    def rerun(path: Path, kept: int) -> None:
        last = json.loads(start(path, 0).communicate()[0].splitlines()[-1])
        assert last[0] == calm[0]
        assert (last[1], last[2]) == (400 - kept, kept)

    calm = json.loads(start(tmp_path / "calm.sqlite", 0).communicate()[0].splitlines()[-1])
    path, kept, within = tmp_path / "harried.sqlite", 0, 0
    for number in range(times):
        process = start(path, 0.002)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pick.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = kept
        with Ledger(path) as ledger:
            kept = len(ledger)
        within += before < kept < 400
        if kept == 400:
            rerun(path, kept)
            path, kept = tmp_path / f"harried-{number}.sqlite", 0
    assert within >= times // 5, "kills met a run that had begun and was not done"
    rerun(path, kept)


def test_kill_9_loses_nothing_and_repeats_nothing_finished(tmp_path: Path) -> None:
    kill_and_rerun(tmp_path, times=3, seed=1)


@pytest.mark.slow
def test_kill_9_fifty_times(tmp_path: Path) -> None:
    kill_and_rerun(tmp_path, times=50, seed=2)


def test_two_runs_on_one_ledger_at_once_agree(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "l.sqlite"), here, "0.001"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = [json.loads(process.communicate()[0].splitlines()[-1])[0] for process in both]
    assert found[0] == found[1]
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert len(ledger) == 400


def test_another_dtype_is_another_ledger() -> None:
    scorer = Counting()
    assert fingerprint(scorer, Device("cpu")) == fingerprint(scorer, Device("cuda"))
    scorer.card = replace(scorer.card, fingerprint={"version": 1, "dtype": "auto"})
    seen = {
        fingerprint(scorer, d) for d in (Device("cpu"), Device("cuda"), Device(dtype="float16"))
    }
    assert len(seen) == 3
    assert fingerprint(scorer, Device("cpu")) == fingerprint(scorer, Device("cuda", "float32"))
