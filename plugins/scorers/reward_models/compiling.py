"""``torch.compile`` for packed rows: a few row sizes, so that the number of graphs is bounded.

Each kind of layer is compiled once per row size, not once per batch: a row is filled up to the
next of at most :data:`STEPS` sizes, and attention, whose layout differs from batch to batch, is
one opaque call within the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefgauge.registry import ScorerError

__all__ = ["STEPS", "bucket", "compile_layers", "many_sizes"]

STEPS = 8
_GRAPHS = 64  # kinds of layer x sizes that torch may keep before it gives up


def bucket(tokens: int, budget: int) -> int:
    """The size that a row of `tokens` is filled up to: the next eighth of the budget, and beyond
    it (one conversation longer than a whole batch) the next doubling."""
    step = max(1, -(-budget // STEPS))
    if tokens <= step * STEPS:
        return -(-tokens // step) * step
    size = step * STEPS
    while size < tokens:
        size *= 2
    return size


def compile_layers(model: Any) -> None:
    """Compile every layer of `model`, in place; the first row of each size pays for it.

    Raises
    ------
    ScorerError: if the model has no list of layers.
    """
    layers = getattr(model, "layers", None) or getattr(model, "h", None)
    if layers is None:
        raise ScorerError(
            f"{type(model).__name__} has no list of layers to compile; leave compile=true out."
        )
    for layer in layers:
        layer.compile(dynamic=False)


@contextmanager
def many_sizes() -> Iterator[None]:
    """Let torch keep a graph for each size rather than fall back to no graph at all."""
    import torch._dynamo.config as dynamo

    with dynamo.patch(recompile_limit=_GRAPHS, accumulated_recompile_limit=8 * _GRAPHS):
        yield
