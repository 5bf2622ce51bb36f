"""Compact letter displays: against their definition, and published and hand-worked examples."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from prefgauge.registry import Bundle
from prefgauge.runners.compare import answers_of, compare
from prefgauge.runners.report import letters as module
from prefgauge.runners.report.letters import bench_letters, letters_of, overall_letters


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_two_share_a_letter_exactly_if_they_do_not_differ(data: st.DataObject) -> None:
    names = [f"s{i}" for i in range(data.draw(st.integers(2, 8)))]
    pairs = list(combinations(names, 2))
    differ = set(data.draw(st.lists(st.sampled_from(pairs), unique=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_short", "".join)  # ranges written out
        found = letters_of(names, differ)
    for a, b in pairs:
        assert bool(set(found[a]) & set(found[b])) == ((a, b) not in differ)
    assert found[names[0]].startswith("a")


def test_five_treatments_by_hand() -> None:
    """Insert and absorb on five treatments, worked by hand: 1-4, 1-5, 2-5, 3-5 differ."""
    names = ["1", "2", "3", "4", "5"]
    found = letters_of(names, [("1", "4"), ("1", "5"), ("2", "5"), ("3", "5")])
    assert found == {"1": "a", "2": "ab", "3": "ab", "4": "bc", "5": "c"}


def test_long_rows_of_letters_are_ranges() -> None:
    names = [f"s{i}" for i in range(10)]
    differ = [(names[i], names[j]) for i, j in combinations(range(10), 2) if j - i > 4]
    found = letters_of(names, differ)
    assert (found["s0"], found["s2"], found["s4"], found["s9"]) == ("a", "abc", "a–e", "f")


def test_letters_of_a_bench_agree_with_the_paired_test(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    """The vectorised tests are those of ``prefgauge compare``, pair by pair."""
    rng = np.random.default_rng(3)
    bundles: list[Bundle] = []
    for index, share in enumerate((0.9, 0.85, 0.6, 0.5, 0.2)):
        margins = np.where(rng.random(120) < share, 1.0, -1.0)
        value = float((margins > 0).mean())
        bundles.append(write_bundle(pair_answers(margins), f"s{index}", value=value))
    answers = [answers_of(bundle) for bundle in bundles]
    found = bench_letters(answers)
    for one in compare(answers):
        shared = bool(set(found[one.a]) & set(found[one.b]))
        assert shared == (one.p_holm >= 0.05), (one.a, one.b, one.p_holm)
    assert found["s0"] == "a"
    assert found["s4"] not in {"a", "ab"}


def test_answers_that_cannot_be_tested_get_no_letter(write_bundle, pair_answers) -> None:  # type: ignore[no-untyped-def]
    few = [answers_of(write_bundle(pair_answers([1, -1, 1]), name)) for name in ("x", "y")]
    assert bench_letters(few) == {}
    assert bench_letters([]) == {}


def test_overall_letters() -> None:
    """Wilcoxon's signed ranks by scipy: with 8 shared benches, all in one direction, the exact
    two-sided p is 2 / 2^8 = 0.0078; times 3 for Holm's first step it stays below 0.05."""
    gap = stats.wilcoxon(np.arange(1.0, 9.0)).pvalue
    assert gap == pytest.approx(2 / 256)
    benches = [f"b{i}" for i in range(8)]
    skills = {
        "best": {b: 0.9 + i / 100 for i, b in enumerate(benches)},
        "near": {b: 0.9 + i / 100 + (0.01 if i % 2 else -0.0101) for i, b in enumerate(benches)},
        "low": {b: 0.1 + i / 200 for i, b in enumerate(benches)},
        "rare": {"b0": 1.0},
    }
    found = overall_letters(["rare", "best", "near", "low"], skills)
    assert found.letters == {"best": "a", "near": "a", "low": "b"}
    assert found.benches == 8
    none = overall_letters(["best", "rare"], skills)
    assert none.letters == {}
    assert "6 benches" in none.reason
