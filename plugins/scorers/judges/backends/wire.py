"""One request on the wire: its parameters, its completion, and what kind of trouble it met."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.judges.backends.choosing import Step, shares_of_steps
from prefgauge.plugins.scorers.judges.talk import Ask, Reply

__all__ = ["Malformed", "Trouble", "classify", "complete", "parameters"]

#: Statuses that may pass: timeout, conflict, too early, too many; and all of 5xx.
_PASSING = frozenset({408, 409, 425, 429})


class Malformed(Exception):
    """The endpoint answered something that is no chat completion."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an attempt failed.

    Parameters
    ----------
    reason: for the record.
    hope: another attempt may succeed.
    answered: the endpoint is alive (it answered with an error).
    retry_after, retry_after_ms: headers of that name, if it sent them.
    """

    reason: str
    hope: bool
    answered: bool = False
    retry_after: str | None = None
    retry_after_ms: str | None = None


def parameters(
    ask: Ask,
    shown: list[dict[str, Any]],
    *,
    model: str,
    guided: str,
    json_mode: str,
    sampling: bool,
    token_field: str,
) -> dict[str, Any]:
    """The body of a chat completion request."""
    out: dict[str, Any] = {"model": model, "messages": shown, token_field: ask.max_tokens}
    if sampling:
        out["temperature"] = ask.temperature
        out["seed"] = ask.seed % (1 << 31)
    if ask.choices:
        out[token_field] = min(ask.max_tokens, 16)
        out["logprobs"], out["top_logprobs"] = True, 20
        if guided == "vllm":
            out["structured_outputs"] = {"choice": list(ask.choices)}
        elif guided == "sglang":
            out["regex"] = "|".join(re.escape(choice) for choice in ask.choices)
    elif ask.schema is not None and json_mode == "schema":
        form = {"name": "verdict", "strict": True, "schema": dict(ask.schema)}
        out["response_format"] = {"type": "json_schema", "json_schema": form}
    elif ask.schema is not None and json_mode == "object":
        out["response_format"] = {"type": "json_object"}
    return out


async def complete(
    client: Any, request: Mapping[str, Any], stream: bool, choices: Sequence[str]
) -> Reply:
    """Send one request and read its reply (without time and attempts).

    Raises
    ------
    Malformed: if what comes back is no completion, or a stream that breaks off.
    """
    if stream and not choices:
        return await _streamed(client, request)
    # the low-level call: building typed models of request and answer costs more than all the rest
    answer = await client.post("/chat/completions", cast_to=object, body=dict(request))
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        finish = str(choice.get("finish_reason") or "")
        text = message.get("content")
        usage = answer.get("usage") or {}
        used = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        known = shares_of_steps(_steps(choice), choices) if choices else ()
    except (AttributeError, IndexError, KeyError, TypeError):
        raise Malformed(f"no completion in the answer: {str(answer)[:120]!r}") from None
    if text is None:
        text = message.get("refusal") or ""
    if not isinstance(text, str):
        raise Malformed("the message's content is not text")
    if known and text.strip() not in choices:
        text = choices[max(range(len(choices)), key=lambda i: known[i])]
    return Reply(
        text=text, finish=finish, probabilities=known, model=str(answer.get("model") or ""),
        tokens_in=used[0], tokens_out=used[1],
    )  # fmt: skip


def _steps(choice: Mapping[str, Any]) -> list[Step]:
    """The reply's tokens, each with the likeliest ones at its place, as far as the endpoint gave
    them."""
    steps = []
    for place in (choice.get("logprobs") or {}).get("content") or []:
        tops = [(str(t["token"]), float(t["logprob"])) for t in place.get("top_logprobs") or []]
        if place.get("logprob") is None or not tops:
            break
        steps.append(Step(str(place["token"]), float(place["logprob"]), tops))
    return steps


async def _streamed(client: Any, request: Mapping[str, Any]) -> Reply:
    chunks = await client.chat.completions.create(
        **request, stream=True, stream_options={"include_usage": True}
    )
    text, finish, model, usage = "", "", "", None
    async for chunk in chunks:
        model = model or str(chunk.model or "")
        usage = chunk.usage or usage
        for choice in chunk.choices or ():
            text += choice.delta.content or ""
            finish = str(choice.finish_reason or "") or finish
    if not finish:
        raise Malformed("the stream broke off before its end")
    return Reply(
        text=text, finish=finish, model=model,
        tokens_in=int(getattr(usage, "prompt_tokens", 0) or 0),
        tokens_out=int(getattr(usage, "completion_tokens", 0) or 0),
    )  # fmt: skip


def classify(error: Exception, timeout: float) -> Trouble:
    """What kind of trouble an attempt's exception is."""
    import openai

    if isinstance(error, (asyncio.TimeoutError, TimeoutError, openai.APITimeoutError)):
        return Trouble(f"no reply within {timeout:g} s", hope=True)
    if isinstance(error, openai.APIStatusError):
        return _status(error)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        text = " ".join(str(cause).split())[:200] or type(cause).__name__
        return Trouble(f"no connection: {text}", hope=True)
    if isinstance(error, (Malformed, openai.APIResponseValidationError, ValueError)):
        text = " ".join(str(error).split())[:200]
        return Trouble(f"malformed answer: {text}", hope=True, answered=True)
    if isinstance(error, (openai.APIError, OSError)) or type(error).__module__.startswith("http"):
        text = " ".join(str(error).split())[:200] or type(error).__name__
        return Trouble(f"the answer broke off: {text}", hope=True, answered=True)
    return Trouble(f"{type(error).__name__}: {str(error)[:200]}", hope=False)


def _status(error: Any) -> Trouble:
    status = int(error.status_code)
    body = error.body if isinstance(error.body, Mapping) else {}
    code = str(body.get("code") or "")
    text = " ".join(str(body.get("message") or error.message).split())[:300]
    headers = error.response.headers
    hope = (status in _PASSING or status >= 500) and code != "insufficient_quota"
    advice = ""
    if status in {401, 403}:
        advice = " Check the key."
    elif status == 404:
        advice = " Check the URL (it usually ends in /v1) and the model's name."
    return Trouble(
        f"HTTP {status}: {text}.{advice}", hope, answered=True,
        retry_after=headers.get("retry-after"), retry_after_ms=headers.get("retry-after-ms"),
    )  # fmt: skip
