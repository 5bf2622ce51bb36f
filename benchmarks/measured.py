"""Writes docs/measured.md from bundles: what scorers without training reach on real labels.

python benchmarks/measured.py BUNDLES [BUNDLES ...] > docs/measured.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from prefgauge.registry import Bundle

HEAD = """# Measured results

What baselines, an untuned encoder and classical measurements reach on published labels, so that any other
result has something to stand beside. Made by `prefgauge run`, every figure with its 95 % interval (bootstrap
by prompt, 2,000 resamples, seed 0). *random* is the mean of 50 random scorers on the same rows, *human* how
far people agree with each other, where raters are known (what that ceiling means:
[How to trust a number](trust.md)). `embed:all-MiniLM-L6-v2` is the cosine of prompt and answer. Labels of
judgebench are objective, not human.
"""


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_interval(found: dict[str, Any] | None) -> str:
    """Value and interval."""
    if not found or found.get("value") is None:
        return "–"
    text = number(found["value"])
    if found.get("ci_low") is not None:
        text += f" [{number(found['ci_low'])}, {number(found['ci_high'])}]"
    return text


def row(result: dict[str, Any]) -> str:
    """One line of the table."""
    metrics, floors, ceilings = result["metrics"], result["floors"], result["ceilings"]
    ties = result["protocol"]["options"].get("ties")
    name = result["metric"] + (f" ({ties})" if ties else "")
    if result.get("dimension", "overall") != "overall":
        name += f", {result['dimension']}"
    people = [
        ceilings[n]["value"] for n in ("pair-human-ceiling", "human-ceiling") if n in ceilings
    ]
    cells = [
        result["bench"], f"`{result['scorer']}`", name, with_interval(result),
        with_interval(metrics.get("plcc")), str(result["n"]), f"{result['coverage']:.1%}",
        number((floors.get("random") or {}).get("value")), number((floors.get("length") or {}).get("value")),
        number(people[0] if people else None),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the page."""
    results = [b.result for place in sys.argv[1:] for b in Bundle.find(Path(place))]
    if not results:
        sys.exit(f"No result bundles in {sys.argv[1:]}. Usage: {(__doc__ or '').splitlines()[2]}")
    print(HEAD)
    columns = [
        "bench",
        "scorer",
        "headline",
        "value",
        "PLCC",
        "n",
        "coverage",
        "random",
        "length",
        "human",
    ]
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for result in sorted(results, key=lambda r: (r["modality"], r["bench"], -(r["value"] or -9))):
        print(row(result))
    first = results[0]["provenance"]
    made = f"prefgauge {first['prefgauge']}, Python {first['python']}, CPU, 2 cores"
    print(f"\n{made}; {results[0]['finished'][:10]}.")


if __name__ == "__main__":
    main()
