"""The gate for continuous integration: fail when agreement drops against a stored baseline.

A baseline keeps the headline without each of some groups of prompts, so a new result on the same
samples is held against it by a paired test (see :mod:`prefgauge.runners.compare`); on other
samples the two intervals decide. Three rules say what fails, by the one-sided bounds of
(new - baseline) at the chosen confidence:

- a drop (the default): the upper bound lies under -margin, so it is surely larger than the margin;
- not non-inferior: the lower bound lies under -margin, so a drop larger than the margin is not
  ruled out (Piaggio et al., JAMA 308, 2012, on non-inferiority trials);
- strict: the difference itself lies under -margin, sure or not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any
from xml.etree import ElementTree

import numpy as np

from prefgauge.registry import Bundle, PrefgaugeError, UsageError, default
from prefgauge.runners.compare import answers_of, interval

__all__ = [
    "Check",
    "baseline_of",
    "check",
    "junit",
    "read_baseline",
    "summary",
    "write_baseline",
]

VERSION = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One gated result. `passed` is False for a drop, a missing or an incomplete result."""

    bench: str
    scorer: str
    metric: str
    passed: bool
    message: str
    value: float | None = None
    baseline: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None


def baseline_of(bundles: Iterable[Bundle]) -> dict[str, Any]:
    """The baseline of these results: value, interval, n and data digest per bench and scorer, and
    the values without each group of prompts."""
    entries = []
    for bundle in sorted(bundles, key=lambda b: (b.bench, b.scorer, b.id)):
        result = bundle.result
        entries.append(
            {
                "bench": bundle.bench,
                "scorer": bundle.scorer,
                "metric": result.get("metric"),
                "value": result.get("value"),
                "ci_low": result.get("ci_low"),
                "ci_high": result.get("ci_high"),
                "n": result.get("n"),
                "digest": (result.get("bench_data") or {}).get("digest"),
                "without": _without(bundle),
            }
        )
    return {"prefgauge_baseline": VERSION, "results": entries}


def write_baseline(path: Path, bundles: Iterable[Bundle]) -> None:
    """Write a baseline file, readable in a diff."""
    path.write_text(json.dumps(baseline_of(bundles), indent=1, sort_keys=True) + "\n", "utf-8")


def read_baseline(path: Path) -> list[Mapping[str, Any]]:
    """The entries of a baseline file.

    Raises
    ------
    UsageError: if it is no baseline file of this version.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{path} is not a readable baseline ({why}). Write one with "
            f"`prefgauge gate --write {path} BUNDLE...`."
        ) from None
    if not isinstance(data, dict) or data.get("prefgauge_baseline") != VERSION:
        raise UsageError(f"{path} is not a baseline of version {VERSION}; write a new one.")
    entries: list[Mapping[str, Any]] = data.get("results") or []
    return entries


def check(
    bundles: Sequence[Bundle],
    baseline: Sequence[Mapping[str, Any]],
    margin: float = 0.0,
    confidence: float = 0.95,
    strict: bool = False,
    prove: bool = False,
) -> list[Check]:
    """Hold results against a baseline; a baseline entry without a result fails.

    Parameters
    ----------
    margin: drop in the metric's unit that is still accepted.
    confidence: how sure a drop beyond the margin must be, one-sided; with `prove`, how sure it
        must be that there is none.
    strict: fail on the point difference, whatever its uncertainty.
    prove: non-inferiority: fail unless a drop beyond the margin is ruled out.

    Raises
    ------
    UsageError: with both `strict` and `prove`.
    """
    if strict and prove:
        raise UsageError("Choose one rule: strict, or non-inferiority.")
    rule = "strict" if strict else "prove" if prove else "drop"
    found = {(bundle.bench, bundle.scorer): bundle for bundle in bundles}
    return [
        _check(found.get((str(entry["bench"]), str(entry["scorer"]))), entry, margin,
               confidence, rule)
        for entry in baseline
    ]  # fmt: skip


def _check(
    bundle: Bundle | None, entry: Mapping[str, Any], margin: float, confidence: float, rule: str
) -> Check:
    name = str(entry["bench"]), str(entry["scorer"]), str(entry.get("metric"))
    old = entry.get("value")
    if bundle is None:
        return Check(
            *name, False, "no result: the baseline has one, these bundles do not", None, old
        )
    result = bundle.result
    new = result.get("value")
    if result.get("metric") != entry.get("metric"):
        text = f"the metric is now {result.get('metric')!r}, the baseline has {name[2]!r}"
        return Check(*name, False, text, new, old)
    if result.get("status", "complete") != "complete" or new is None:
        reason = result.get("reason") or f"coverage {result.get('coverage')}"
        return Check(*name, False, f"{result.get('status')}: {reason}", new, old)
    if old is None:
        return Check(*name, True, "the baseline has no value to hold it against", new, None)
    sign = -1.0 if _lower_is_better(name[2]) else 1.0
    change = sign * (float(new) - float(old))
    low, high, how = _bounds(bundle, entry, change, confidence)
    text = f"{old:.4f} -> {new:.4f}, change {change:+.4f}"
    if low is not None and high is not None:
        text += f" [{low:+.4f}, {high:+.4f}], each bound with {confidence:.0%} confidence ({how})"
    if rule == "prove" and low is None:
        passed, verdict = False, "a drop cannot be ruled out, as there is no interval, beyond"
    elif rule == "prove" and low is not None:
        passed = low >= -margin
        verdict = "shown to be within" if passed else "not shown to be within"
    else:
        decides = high if rule == "drop" and high is not None else change
        passed = decides >= -margin
        verdict = "within" if passed else "dropped by more than"
    message = f"{verdict} the margin of {margin:g}: {text}"
    return Check(*name, passed, message, new, old, change, low, high)


def _bounds(
    bundle: Bundle, entry: Mapping[str, Any], change: float, confidence: float
) -> tuple[float | None, float | None, str]:
    """Lower and upper bound of (new - baseline), each one-sided, and how they were found."""
    same = (bundle.result.get("bench_data") or {}).get("digest") == entry.get("digest")
    now, before = _without(bundle) if same else [], entry.get("without") or []
    if now and len(now) == len(before):
        sign = -1.0 if _lower_is_better(str(entry.get("metric"))) else 1.0
        new, old = sign * np.asarray(now, float), sign * np.asarray(before, float)
        low, high, _, _ = interval(change, new, old, 2 * (1 - confidence))
        if math.isfinite(high):
            return low, high, "paired"
    spread = [_half(bundle.result), _half(entry)]
    if None in spread:
        return None, None, ""
    z95 = NormalDist().inv_cdf(0.975)
    error = math.sqrt(sum((half or 0.0) ** 2 for half in spread)) / z95
    reach = NormalDist().inv_cdf(confidence) * error
    return change - reach, change + reach, "unpaired"


def _without(bundle: Bundle) -> list[float | None]:
    """The headline without each group of prompts, rounded; empty if it cannot be computed."""
    try:
        values = answers_of(bundle).without
    except PrefgaugeError:
        return []
    return [round(float(v), 8) if math.isfinite(v) else None for v in values]


def _half(entry: Mapping[str, Any]) -> float | None:
    low, high = entry.get("ci_low"), entry.get("ci_high")
    return None if low is None or high is None else (float(high) - float(low)) / 2


def _lower_is_better(metric: str) -> bool:
    try:
        return not default().metric(metric).card.higher_is_better
    except PrefgaugeError:
        return False


def junit(checks: Sequence[Check]) -> str:
    """JUnit XML: one test case per check, for the test page of any CI service."""
    failed = sum(not item.passed for item in checks)
    suite = ElementTree.Element(
        "testsuite", name="prefgauge gate", tests=str(len(checks)), failures=str(failed)
    )
    for item in checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(item.bench), name=_xml(f"{item.scorer} {item.metric}")
        )
        if item.passed:
            ElementTree.SubElement(case, "system-out").text = _xml(item.message)
        else:
            ElementTree.SubElement(case, "failure", message=_xml(item.message))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def summary(checks: Sequence[Check]) -> str:
    """A Markdown table, as for ``$GITHUB_STEP_SUMMARY``; failed checks first."""
    lines = [
        "## prefgauge gate",
        "",
        "| | bench | scorer | metric | result |",
        "|---|---|---|---|---|",
    ]
    for item in sorted(checks, key=lambda one: one.passed):
        words = [item.bench, item.scorer, item.metric, item.message]
        cells = " | ".join(" ".join(word.split()).replace("|", "\\|") for word in words)
        lines.append(f"| {'ok' if item.passed else '**failed**'} | {cells} |")
    return "\n".join(lines) + "\n"


def _xml(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c for c in text if c >= " " or c in "\t\n")
