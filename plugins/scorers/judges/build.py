"""From an address to the judge it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefgauge.plugins.scorers.judges.backends.base import Backend
from prefgauge.plugins.scorers.judges.backends.members import Members
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol
from prefgauge.plugins.scorers.judges.scorer import Judge
from prefgauge.plugins.scorers.judges.strategies.base import Strategy
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.address import Address
from prefgauge.registry.discovery import default
from prefgauge.registry.errors import UnknownName, UsageError
from prefgauge.registry.scorer import ListwiseScorer, PairwiseScorer, PointwiseScorer

__all__ = ["judge"]

_OPTIONS = {
    "protocol": "what is asked (default pairwise); see `prefgauge list parts`",
    "strategy": "how it is asked (default plain)",
    "answer": "text (default), json (JSON under a schema) or choice (by token probabilities)",
    "temperature": "of the judge's replies (default 0)",
    "max_tokens": "longest reply (default 1024)",
    "retries": "further tries after an unreadable reply (default 2)",
    "seed": "of sampling (default 0)",
    "member_env": "environment variables with keys of models elsewhere: MODEL=NAME,MODEL=NAME",
}
_SECRET = ("key", "token", "secret", "password", "authorization")
_NOT_SECRET = frozenset({"key_env", "max_tokens", "token_field"})
#: Backend options that speak of the judge's own model alone, not of models elsewhere.
_OWN = frozenset({"key_env", "identity", "price_in", "price_out", "revision", "rpm"})


class PointwiseJudge(Judge, PointwiseScorer[View]):
    """A judge that rates."""


class PairwiseJudge(Judge, PairwiseScorer[View]):
    """A judge that compares."""


class ListwiseJudge(Judge, ListwiseScorer[View]):
    """A judge that ranks."""


_BY_FORM: Mapping[str, type[Judge]] = {
    "pointwise": PointwiseJudge,
    "pairwise": PairwiseJudge,
    "listwise": ListwiseJudge,
}


def judge(address: Address) -> Judge:
    """A language or vision-language model as judge.

    Address: ``judge:BACKEND#MODEL?option=value``. BACKEND is the URL of any server that speaks the
    OpenAI chat API, ``openai``, ``transformers`` or ``vllm``. Options:

    protocol: what is asked (default ``pairwise``); strategy: how (default ``plain``). Their names
        and those of the backends: ``prefgauge list parts``. Each has options of its own.
    answer: ``text`` (default), ``json`` (JSON under a schema) or ``choice`` (by token
        probabilities).
    temperature (0), max_tokens (1024), seed (0): of the replies.
    retries: further tries after an unreadable reply (default 2).
    member_env: environment variables with the keys of models elsewhere, MODEL=NAME,MODEL=NAME.

    Raises
    ------
    UsageError: for an address that is none, an unknown option, or an option that looks like a
        secret; UnknownName, with the nearest names, for an unknown part.
    """
    _refuse_secrets(address)
    base, _, model = address.target.partition("#")
    if not base:
        raise UsageError(
            f"Scorer {address}: name a backend and a model, for instance judge:openai#MODEL, "
            "judge:http://127.0.0.1:8000/v1#MODEL or judge:transformers#FOLDER."
        )
    backend_class = _backend(base)
    protocol_class = _part("protocol", address.get("protocol", "pairwise"))
    strategy_class = _part("strategy", address.get("strategy", "plain"))
    protocol: JudgeProtocol = protocol_class(address)
    strategy: Strategy = strategy_class(address, protocol)
    elsewhere = [m for m in (*protocol.models(), *strategy.models()) if "#" in m]
    classes = [_backend(m.partition("#")[0]) for m in elsewhere]
    address.expect(
        *_OPTIONS, *backend_class.options, *protocol_class.options, *strategy_class.options,
        *(name for one in classes for name in one.options),
    )  # fmt: skip
    backend: Backend = backend_class(model, address, base)
    if elsewhere:
        others = {m: _member(m, one, address, base) for m, one in zip(elsewhere, classes)}
        backend = Members(backend, others)
    return _BY_FORM[strategy.form()](address, backend, protocol, strategy)


def _backend(base: str) -> Any:
    """The class of the backend that the text before ``#`` names."""
    return _part("backend", "http" if base.startswith(("http://", "https://")) else base)


def _member(name: str, backend_class: Any, address: Address, own: str) -> Backend:
    """The backend of a model elsewhere, ``BACKEND#MODEL``. It shares the judge's options but for
    those that speak of the judge's own model; its key is named by ``member_env``, and no other
    endpoint's key is sent to it."""
    base, _, model = name.partition("#")
    options = {
        option: value
        for option, value in address.options.items()
        if option in backend_class.options and option not in _OWN
    }
    keys = dict(_pair(pair) for pair in address.get("member_env", "").split(",") if pair.strip())
    if model in keys:
        options["key_env"] = keys[model]
    if base == own:
        raise UsageError(
            f"Scorer {address}: {name} is where the judge's own model is; write {model} alone."
        )
    backend: Backend = backend_class(model, Address("judge", name, options), base)
    if hasattr(backend, "url") and model not in keys and not getattr(backend, "needs_key", False):
        backend.default_key = ""  # type: ignore[attr-defined]
    return backend


def _pair(text: str) -> tuple[str, str]:
    model, equals, name = text.strip().rpartition("=")
    if not equals or not model or not name:
        raise UsageError(f"member_env must be MODEL=NAME pairs, separated by commas, not {text!r}.")
    return model, name


def _part(kind: str, name: str) -> Any:
    """The part ``judge-<kind>.<name>``; UnknownName speaks of parts of that kind alone."""
    prefix = f"judge-{kind}."
    try:
        return default().part(prefix + name)
    except UnknownName:
        known = [n.removeprefix(prefix) for n in default().names("part") if n.startswith(prefix)]
        hint = f"Judge {kind}s: {', '.join(known)}."
        raise UnknownName(f"judge-{kind}", name, known, hint) from None


def _refuse_secrets(address: Address) -> None:
    for option in address.options:
        lowered = option.lower()
        if option not in _NOT_SECRET and any(word in lowered for word in _SECRET):
            raise UsageError(
                f"The judge's address holds the option {option!r}. Addresses are written into "
                "results: give keys by environment variables (OPENAI_API_KEY, or key_env=NAME)."
            )
