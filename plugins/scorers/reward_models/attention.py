"""Exact attention over a packed row, with shared prefixes, inside unchanged transformers models.

Registered as an attention function of transformers' ``AttentionInterface``; a model whose layers
go through that interface then attends within the current :class:`Layout` and nowhere else. Two
kernels: ``varlen`` (torch's flash attention for CUDA, one call per layer) and ``blockwise``
(plain torch, any device, also sliding windows and capped logits).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch

from prefgauge.plugins.scorers.reward_models.blockwise import blockwise
from prefgauge.plugins.scorers.reward_models.layout import Layout, pack

__all__ = ["NAME", "Packed", "attend", "register", "using", "varlen", "varlen_works"]

NAME = "prefgauge_packed"


@dataclass(slots=True)
class Packed:
    """A layout with the index tensors of its kernel.

    Attributes
    ----------
    cu_q, cu_k: cumulative lengths of query and key segments, int32, shape (segments + 1,).
    gather: for each key slot the row index it repeats, shape (key tokens,); None if no prefix is
        shared, so that keys lie as they are.
    size: tokens of the row; what lies behind the layout fills the row up and is never read.
    used, windowed: layers that came here, and those of them that brought a sliding window.
    """

    layout: Layout
    kernel: str
    cu_q: torch.Tensor | None = None
    cu_k: torch.Tensor | None = None
    max_q: int = 0
    max_k: int = 0
    gather: torch.Tensor | None = None
    size: int = 0
    used: int = 0
    windowed: int = 0

    @classmethod
    def of(
        cls, layout: Layout, kernel: str, device: torch.device | None = None, size: int = 0
    ) -> Packed:
        """Prepare `layout` for `kernel`, its index tensors on `device` (by default the CPU)."""
        packed = cls(layout, kernel, size=size or len(layout))
        if kernel == "varlen":
            packed._index()
        if device is not None:
            packed.place(tensor.to(device) for tensor in packed.indices())
        return packed

    def indices(self) -> tuple[torch.Tensor, ...]:
        """The index tensors that the kernel needs on the device."""
        return tuple(t for t in (self.cu_q, self.cu_k, self.gather) if t is not None)

    def place(self, moved: Iterable[torch.Tensor]) -> None:
        """Take :meth:`indices` back, moved to the device."""
        tensors = list(moved)
        if tensors:
            self.cu_q, self.cu_k, *rest = tensors
            self.gather = rest[0] if rest else None

    def _index(self) -> None:
        lengths_q: list[int] = []
        lengths_k: list[int] = []
        keys: list[torch.Tensor] = []
        for group in self.layout.groups:
            start, end = group.prefix
            if end > start:
                lengths_q.append(end - start)
                lengths_k.append(end - start)
                keys.append(torch.arange(start, end))
            for a, b in group.own:
                lengths_q.append(b - a)
                lengths_k.append(end - start + b - a)
                keys += [torch.arange(start, end), torch.arange(a, b)]
        self.cu_q, self.cu_k = _cumulative(lengths_q), _cumulative(lengths_k)
        self.max_q, self.max_k = max(lengths_q), max(lengths_k)
        if lengths_q != lengths_k:
            self.gather = torch.cat(keys)


def _cumulative(lengths: list[int]) -> torch.Tensor:
    total = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    total[1:] = torch.tensor(lengths, dtype=torch.int32).cumsum(0)
    return total


_current: ContextVar[Packed | None] = ContextVar("packed", default=None)


@contextlib.contextmanager
def using(packed: Packed | None) -> Iterator[None]:
    """Attend within `packed` while the block runs."""
    token = _current.set(packed)
    try:
        yield
    finally:
        _current.reset(token)


def register() -> None:
    """Make the attention function known to transformers under :data:`NAME`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The attention function that transformers calls.

    Shapes: query (1, heads, tokens, d), key and value (1, key heads, tokens, d); the result is
    (1, tokens, heads, d).

    Raises
    ------
    NotImplementedError: for what is not causal self-attention with optional window and cap; the
        caller then chooses another way.
    """
    causal = is_causal if is_causal is not None else getattr(module, "is_causal", True)
    if not causal or s_aux is not None or query.shape[0] != 1:
        raise NotImplementedError("packed attention serves causal self-attention of one row")
    scale = scaling if scaling is not None else 1 / math.sqrt(query.shape[-1])
    one = _compiled if torch.compiler.is_compiling() else _attend
    return one(query, key, value, scale, sliding_window, softcap), None


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    """Attention within the current layout; (1, tokens, heads, d)."""
    packed = _current.get()
    if packed is None:
        raise NotImplementedError("no packed row is being computed")
    if not query.shape[2] == key.shape[2] == packed.size:
        raise NotImplementedError("packed attention serves layers that see the whole row")
    packed.used += 1
    packed.windowed += window is not None
    length = len(packed.layout)
    q, k, v = (tensor[0, :, :length].transpose(0, 1) for tensor in (query, key, value))
    if packed.kernel == "varlen" and softcap is None:
        out = varlen(q, k, v, packed, scale, window)
    else:
        out = blockwise(q, k, v, packed.layout, scale, window, softcap)
    if length < packed.size:
        out = torch.nn.functional.pad(out, (0, 0, 0, 0, 0, packed.size - length))
    return out.unsqueeze(0)


# a compiled layer sees one opaque call: the layout is no part of its graph
_compiled = torch.library.custom_op(
    "prefgauge::attend",
    lambda *args: _attend(*args).contiguous(),
    mutates_args=(),
    schema="(Tensor q, Tensor k, Tensor v, float scale, int? window, float? softcap) -> Tensor",
)


@_compiled.register_fake
def _shape(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    return query.new_empty(1, query.shape[2], query.shape[1], value.shape[3])


def varlen(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    packed: Packed,
    scale: float,
    window: int | None = None,
) -> torch.Tensor:
    """torch's variable-length flash attention; q (T, heads, d), k and v (T, key heads, d).

    A segment of candidate tokens has more keys than queries; the kernel aligns its causal mask to
    the bottom right, so each candidate token sees the whole prefix and its own past.
    """
    from torch.nn.attention.varlen import varlen_attn

    assert packed.cu_q is not None
    assert packed.cu_k is not None
    if packed.gather is not None:
        k, v = k.index_select(0, packed.gather), v.index_select(0, packed.gather)
    left = window - 1 if window else -1  # the window counts the token itself
    out = varlen_attn(
        q.contiguous(),
        k.contiguous(),
        v.contiguous(),
        packed.cu_q,
        packed.cu_k,
        packed.max_q,
        packed.max_k,
        scale=scale,
        window_size=(left, 0),
    )
    assert isinstance(out, torch.Tensor)
    return out


def varlen_works(
    device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, size: int
) -> bool:
    """Whether torch's variable-length kernel is here and right for these shapes: its causal
    alignment, grouped heads and window are compared with :func:`blockwise` on random numbers."""
    if device.type != "cuda" or dtype not in {torch.float16, torch.bfloat16}:
        return False
    shared = list(range(40))
    layout = pack([[*shared, 1, 2, 3], [*shared, 7] * 2, list(range(9))], ["a", "a", None])
    make = torch.Generator(device).manual_seed(0)
    q, k, v = (
        torch.randn(len(layout), n, size, device=device, dtype=dtype, generator=make)
        for n in (heads, key_heads, key_heads)
    )
    packed = Packed.of(layout, "varlen", device)
    scale = 1 / math.sqrt(size)
    try:
        for window in (None, 16):
            got = varlen(q, k, v, packed, scale, window).float()
            want = blockwise(q, k, v, layout, scale, window).float()
            if not torch.allclose(got, want, atol=3e-2, rtol=3e-2):
                return False
    except Exception:  # an old card, an unsupported head size: any refusal means "not here"
        return False
    return True
