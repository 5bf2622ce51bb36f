"""What a bench's page says of judges: how often each was swayed, what could not be read, the cost."""

from __future__ import annotations

from typing import Any

from prefgauge.runners.judged import spent, swayed, unreadable
from prefgauge.runners.report.model import BenchPage

__all__ = ["judged"]


def judged(page: BenchPage) -> dict[str, Any]:
    """``swayed``: (scorer, rates) of each that the bench's protocol has a rate for, most steadfast
    first; ``kinds``: the kinds of attack in them; ``accounts``: (scorer, unreadable verdicts with
    the rule applied, tokens and cost) of each judge."""
    found = [(cell.scorer, rates) for cell in page.cells if (rates := swayed(cell.result))]
    found.sort(key=lambda item: (item[1].value is None, item[1].value or 0.0))
    kinds = list(dict.fromkeys(kind for _, rates in found for kind in rates.kinds))
    accounts = [(c.scorer, unreadable(c.result), spent(c.result)) for c in page.cells]
    return {
        "swayed": found,
        "kinds": kinds,
        "accounts": [account for account in accounts if account[1] or account[2]],
    }
