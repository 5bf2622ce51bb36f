"""Probabilities of choices: labels of one token or several, one of which may begin another.

``1`` and ``10`` show what is at stake: after a prompt, P("1") counts every reply that begins with
1, those that go on to 10 included. So a label that begins another is weighed by the replies that
do not go on to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Step", "log_weights", "shares_of_steps", "starts"]

#: At least this much probability must lie on the choices,
_LEAST_MASS = 0.5
#: and no more than this share of it may be of replies that could become one choice or another.
_MOST_UNCLEAR = 0.05


def starts(rows: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """What precedes any token of any label (by token numbers), each once; first nothing at all."""
    return list(dict.fromkeys(tuple(row[:n]) for row in rows for n in range(len(row))))


def log_weights(torch: Any, rows: Sequence[Sequence[int]], shares: Any) -> Any:
    """The log-weight of each label: the sum of the log-probabilities of its tokens and, if it
    begins others, the log-probability that none of them follows.

    Parameters
    ----------
    torch: the module.
    rows: token numbers of each label.
    shares: natural log-probabilities of the next token after each of :func:`starts`, shape
        (starts, vocabulary), float64.
    """
    after = {node: shares[n] for n, node in enumerate(starts(rows))}
    weights = []
    for row in map(tuple, rows):
        weight = torch.stack([after[row[:n]][token] for n, token in enumerate(row)]).sum()
        longer = {o[len(row)] for o in rows if len(o) > len(row) and tuple(o[: len(row)]) == row}
        if longer:
            going_on = after[row][sorted(longer)].exp().sum().clamp(max=1 - 1e-15)
            weight = weight + torch.log1p(-going_on)
        weights.append(weight)
    return torch.stack(weights)


@dataclass(frozen=True, slots=True)
class Step:
    """One place of a reply.

    Parameters
    ----------
    token: the text there; empty for an end-of-turn mark.
    logprob: its natural log-probability given what precedes.
    tops: the likeliest tokens at this place, `token` among them as a rule.
    """

    token: str
    logprob: float
    tops: Sequence[tuple[str, float]]

    def others(self) -> list[tuple[str, float]]:
        """The likeliest tokens but the one that was taken."""
        mine = (i for i, (text, _) in enumerate(self.tops) if text == self.token)
        taken = min(mine, key=lambda i: abs(self.tops[i][1] - self.logprob), default=-1)
        return [top for i, top in enumerate(self.tops) if i != taken]


def shares_of_steps(steps: Sequence[Step], choices: Sequence[str]) -> tuple[float, ...]:
    """Probabilities of choices from what an endpoint tells of its reply, place by place.

    The reply is followed as long as what was said could become several choices. At each place
    every likely token counts for the one choice that it leads to, spaces at the ends aside; a
    token that leads to none ends the reply at the choice that was said, if it is one; and what
    leaves all choices open (a line feed first) is left out of account.

    Returns
    -------
    One probability per choice, normalised over the choices. Empty if less than half of the mass
    lies on the choices, or more than 5 % of that on beginnings of several of them whose sequel
    the endpoint did not tell.
    """
    mass = [0.0] * len(choices)
    unclear, said, path = 0.0, "", 1.0
    for step in steps:
        for text, logprob in step.others():
            leads = _leads(choices, said, text)
            share = path * _probability(logprob)
            if len(leads) == 1:
                mass[leads[0]] += share
            elif len(leads) < len(choices):  # what leaves all of them open tells nothing
                unclear += share * bool(leads)
        path *= _probability(step.logprob)
        leads = _leads(choices, said, step.token)
        if len(leads) < 2:
            if leads:
                mass[leads[0]] += path
            path = 0.0
            break
        said += step.token
    unclear += path if steps else 0.0
    told = sum(mass)
    if not told or told + unclear < _LEAST_MASS or unclear > _MOST_UNCLEAR * (told + unclear):
        return ()
    return tuple(share / told for share in mass)


def _leads(choices: Sequence[str], said: str, text: str) -> list[int]:
    """The choices that a reply can become after `said` and then `text`."""
    fits = [i for i, choice in enumerate(choices) if choice.startswith((said + text).strip())]
    if said.strip() in choices and (not fits or not text.strip()):
        return [list(choices).index(said.strip())]
    return fits


def _probability(logprob: float) -> float:
    return math.exp(min(logprob, 0.0)) if math.isfinite(logprob) else 0.0
