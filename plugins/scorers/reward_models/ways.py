"""Which way to batch is exact for a model, found by trying on a few short sequences."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from prefgauge.plugins.scorers.reward_models import attention
from prefgauge.registry import ScorerError

if TYPE_CHECKING:
    from prefgauge.plugins.scorers.reward_models.backbone import Backbone

__all__ = ["by_definition", "check", "choose"]

_TOLERANCE = {torch.float32: 2e-3, torch.float16: 3e-2, torch.bfloat16: 1e-1}
_UNSUPPORTED = (TypeError, ValueError, RuntimeError, NotImplementedError, IndexError, KeyError)
_SHAREABLE = {"full_attention", "sliding_attention"}
_MEANING = {
    "packed": "packed in one row, a shared prompt once",
    "padded": "padded to the longest",
    "single": "one at a time",
}


@contextlib.contextmanager
def by_definition(model: Any) -> Iterator[None]:
    """Run `model` with eager attention, the definition that faster kernels must equal (the
    default one drops the cap on attention logits of some models), where the model has it."""
    default = model.config._attn_implementation
    try:
        model.set_attn_implementation("eager")
    except (AttributeError, *_UNSUPPORTED):
        yield
        return
    try:
        yield
    finally:
        model.set_attn_implementation(default)


def choose(backbone: Backbone, asked: str) -> None:
    """Set the backbone's way and kernel to the first that agrees with the model's own one-by-one
    forward, and its note to why an earlier one was passed over.

    Raises
    ------
    ScorerError: if none agrees, or the one asked for does not.
    """
    ways: tuple[str, ...] = ("packed", "padded", "single") if asked == "auto" else (asked,)
    default = backbone.config._attn_implementation
    reference = _reference(backbone)
    tried: list[str] = []
    odd = _odd_layers(backbone.config)
    for way in ways:
        if way == "packed" and odd:
            # such layers may go astray only beyond the length of what is tried here
            tried.append(f"packed ({odd})")
            continue
        for kernel in _kernels(backbone) if way == "packed" else ("",):
            backbone.way, backbone.kernel = way, kernel
            implementation(backbone.model, attention.NAME if way == "packed" else default)
            problem = _problem(backbone, reference)
            if not problem:
                passed = [text for text in tried if not text.startswith(way)]
                backbone.note = _note(way, passed)
                return
            tried.append(f"{way} {kernel}".strip() + f" ({problem})")
    raise ScorerError(
        f"{type(backbone.model).__name__}: no way to batch it agrees with its own one-by-one "
        f"forward; tried {'; '.join(tried)}."
    )


def check(backbone: Backbone, what: str) -> None:
    """Make sure that the way in use still agrees, after `what` changed.

    Raises
    ------
    ScorerError: if it does not.
    """
    # the reference runs uncompiled: eager attention reaches no compiled layer
    problem = _problem(backbone, backbone.reference)
    if problem:
        raise ScorerError(f"{type(backbone.model).__name__}: {what} changes its states: {problem}.")


def implementation(model: Any, name: str) -> None:
    """Set the model's attention function, where it can be set."""
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation(name)


def _note(way: str, passed: list[str]) -> str:
    if not passed:
        return ""
    return (
        f"conversations run {_MEANING[way]}, and a prompt is encoded anew for each candidate; not "
        f"exact, or not possible, for this model: {'; '.join(passed)}"
    )


def _odd_layers(config: Any) -> str:
    """Kinds of layer that see a row otherwise than its conversations, for people."""
    kinds = set(getattr(config, "layer_types", None) or ()) - _SHAREABLE
    return f"its layers of kind {', '.join(sorted(kinds))} see the whole row" if kinds else ""


def _kernels(backbone: Backbone) -> tuple[str, ...]:
    attention.register()
    text = backbone.config.get_text_config()
    heads = text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // heads
    key_heads = getattr(text, "num_key_value_heads", None) or heads
    dtype = backbone.model.dtype
    if attention.varlen_works(backbone.device, dtype, heads, key_heads, size):
        return ("varlen", "blockwise")
    return ("blockwise",)


def _probe(config: Any) -> tuple[list[list[int]], list[str]]:
    """Short sequences with a shared prompt, an equal pair and a lone one."""
    size = int(config.get_text_config().vocab_size)
    make = torch.Generator().manual_seed(0)
    draw = torch.randint(3, max(4, size - 1), (64,), generator=make).tolist()
    prompt = draw[:17]
    sequences = [
        [*prompt, *draw[17:22]],
        [*prompt, *draw[22:34]],
        draw[34:43],
        [*prompt, draw[50]],
    ]
    return sequences, ["a", "a", "b", "a"]


@torch.inference_mode()
def _reference(backbone: Backbone) -> torch.Tensor:
    """States of the last tokens, one by one, by the model's own forward."""
    sequences, _ = _probe(backbone.config)
    out = []
    with by_definition(backbone.model):
        for ids in sequences:
            row = torch.tensor([ids], device=backbone.device)
            states = backbone.model(input_ids=row, use_cache=False).last_hidden_state
            out.append(states[0, -1].float())
    backbone.reference = torch.stack(out)
    return backbone.reference


def _problem(backbone: Backbone, want: torch.Tensor) -> str:
    """What is wrong with the way in use, or nothing."""
    sequences, keys = _probe(backbone.config)
    try:
        got = backbone.last(sequences, keys).float()
    except _UNSUPPORTED as error:
        return " ".join(str(error).split())[:120] or type(error).__name__
    scale = want.norm(dim=-1).clamp_min(1e-6)
    off = float(((got - want).norm(dim=-1) / scale).max())
    if math.isnan(off) or off > _TOLERANCE.get(backbone.model.dtype, 1e-1):
        return f"states off by {off:.2g}"
    return ""
