"""The networks of FAST-VQA and DOVER as functions of their published tensors.

Wu et al., "FAST-VQA", ECCV 2022 (a video Swin transformer with gated position biases), and "DOVER",
ICCV 2023 (the same for technical quality, an inflated ConvNeXt for aesthetics).
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

from prefgauge.plugins.scorers.tensors import Tensors

__all__ = ["convnext", "head", "swin"]

WINDOW = (8, 7, 7)
HEAD = 32  # width of an attention head
Size = tuple[int, ...]  # of three


def swin(t: Tensors, x: Any) -> Any:
    """Features of clips: (batch, 3, frames, height, width) -> (batch, d, h, w, channels)."""
    kernel = t["patch_embed.proj.weight"]
    x = t.f.conv3d(x, kernel, t["patch_embed.proj.bias"], stride=tuple(kernel.shape[2:]))
    x = t.layer_norm("patch_embed.norm", x.movedim(1, -1))
    for k in range(t.count("layers")):
        layer = t.below(f"layers.{k}")
        window, shift = _fitting(tuple(x.shape[1:4]))
        for j in range(layer.count("blocks")):
            x = _block(layer.below(f"blocks.{j}"), x, window, shift if j % 2 else (0, 0, 0))
        if "downsample.norm.weight" in layer:
            x = _merge(layer.below("downsample"), x)
    return t.layer_norm("norm", x)


def head(t: Tensors, x: Any) -> Any:
    """Quality at every place, (batch, d, h, w), from channels last."""
    hidden, last = t["fc_hid.weight"], t["fc_last.weight"]
    x = t.f.gelu(t.f.linear(x, hidden.flatten(1), t["fc_hid.bias"]))
    return t.f.linear(x, last.flatten(1), t["fc_last.bias"])[..., 0]


def convnext(t: Tensors, x: Any) -> Any:
    """Features of clips: (batch, 3, frames, height, width) -> (batch, d, h, w, channels)."""
    x = _down(t, "downsample_layers.0.0", x)
    x = t.layer_norm("downsample_layers.0.1", x.movedim(1, -1), 1e-6)
    for k in range(t.count("stages")):
        if k:
            x = t.layer_norm(f"downsample_layers.{k}.0", x, 1e-6).movedim(-1, 1)
            x = _down(t, f"downsample_layers.{k}.1", x).movedim(1, -1)
        for j in range(t.count(f"stages.{k}")):
            b = t.below(f"stages.{k}.{j}")
            kernel = b["dwconv.weight"]
            pad, groups = tuple(n // 2 for n in kernel.shape[2:]), kernel.shape[0]
            y = x.movedim(-1, 1)
            y = t.f.conv3d(y, kernel, b["dwconv.bias"], padding=pad, groups=groups)
            y = b.layer_norm("norm", y.movedim(1, -1), 1e-6)
            x = x + b["gamma"] * b.linear("pwconv2", t.f.gelu(b.linear("pwconv1", y)))
    return t.layer_norm("norm", x, 1e-6)


def _down(t: Tensors, name: str, x: Any) -> Any:
    kernel = t[f"{name}.weight"]
    return t.f.conv3d(x, kernel, t[f"{name}.bias"], stride=tuple(kernel.shape[2:]))


def _fitting(size: Size) -> tuple[Size, Size]:
    """Window and shift for a feature map: an axis no longer than the window is one window."""
    window = tuple(min(n, w) for n, w in zip(size, WINDOW))
    shift = tuple(0 if n <= w else w // 2 for n, w in zip(size, WINDOW))
    return window, shift


def _block(b: Tensors, x: Any, window: Size, shift: Size) -> Any:
    """Attention in (shifted) windows, then two layers."""
    size = tuple(x.shape[1:4])
    whole: Size = tuple(ceil(n / w) * w for n, w in zip(size, window))
    y = b.layer_norm("norm1", x)
    spare = [n - m for n, m in zip(whole, size)]
    y = b.f.pad(y, (0, 0, 0, spare[2], 0, spare[1], 0, spare[0]))
    y = y.roll([-n for n in shift], (1, 2, 3))
    y = _back(_attend(b.below("attn"), _cut(y, window), whole, window, shift), whole, window)
    y = y.roll(shift, (1, 2, 3))
    x = x + y[:, : size[0], : size[1], : size[2]]
    hidden = b.f.gelu(b.linear("mlp.fc1", b.layer_norm("norm2", x)))
    return x + b.linear("mlp.fc2", hidden)


def _cut(x: Any, window: Size) -> Any:
    """(batch, d, h, w, c) -> (batch, windows, places, c)."""
    for axis, n in zip((1, 3, 5), window):
        x = x.unflatten(axis, (-1, n))
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)


def _back(x: Any, size: Size, window: Size) -> Any:
    """The inverse of :func:`_cut`."""
    count = [n // w for n, w in zip(size, window)]
    x = x.unflatten(1, count).unflatten(4, window).permute(0, 1, 4, 2, 5, 3, 6, 7)
    return x.flatten(1, 2).flatten(2, 3).flatten(3, 4)


def _attend(t: Tensors, x: Any, size: Size, window: Size, shift: Size) -> Any:
    """Attention in each window, with a bias by relative place. Where there are two tables of it,
    pairs within one fragment use the fragment's, and others move to the other by how many
    fragments apart they are (the authors' gate, which can exceed 1)."""
    places = x.shape[2]
    index = t["relative_position_index"][:places, :places].flatten()
    bias = _table(t, "relative_position_bias_table", index, places)[None]
    apart, barred = (part.to(x.device) for part in _geometry(size, window, shift))
    if "fragment_position_bias_table" in t:
        own = _table(t, "fragment_position_bias_table", index, places)
        bias = bias * apart[:, None] + own * (1.0 - apart[:, None])
    if any(shift):
        bias = bias + barred[:, None]
    heads = x.shape[-1] // HEAD
    q, k, v = (
        part.unflatten(3, (heads, -1)).transpose(2, 3) for part in t.linear("qkv", x).chunk(3, -1)
    )
    out = t.f.scaled_dot_product_attention(q, k, v, attn_mask=bias[None].to(x.dtype))
    return t.linear("proj", out.transpose(2, 3).flatten(3))


def _table(t: Tensors, name: str, index: Any, places: int) -> Any:
    """Biases (heads, places, places)."""
    return t[name][index].unflatten(0, (places, places)).permute(2, 0, 1)


@lru_cache(maxsize=32)
def _geometry(size: Size, window: Size, shift: Size) -> tuple[Any, Any]:
    """For each window and pair of places: fragments between them, and -100 where a shifted window
    joins ends of the map; both (windows, places, places)."""
    import torch

    parts = torch.stack(
        torch.meshgrid(torch.arange(1), *(torch.arange(n) for n in window[1:]), indexing="ij")
    )
    which = torch.nn.functional.interpolate(parts[None].float(), size=size).movedim(1, -1)
    which = _cut(which.roll([-n for n in shift], (1, 2, 3)), window)[0]
    apart = (which[:, None] - which[:, :, None]).abs().sum(dim=-1)
    region = torch.zeros(1, *size, 1)
    for axis, (n, w, s) in enumerate(zip(size, window, shift), start=1):
        edge = torch.arange(n)
        # three zones along a shifted axis: untouched, of the last window, wrapped round
        zone = (edge >= n - w).int() + ((edge >= n - s).int() if s else 0) if s else edge * 0
        shape = [1] * 5
        shape[axis] = n
        region = region * 3 + zone.view(shape)
    cut = _cut(region, window)[0, :, :, 0]
    barred = torch.where(cut[:, None] == cut[:, :, None], 0.0, -100.0)
    return apart, barred


def _merge(t: Tensors, x: Any) -> Any:
    """Four neighbours become one place of twice the channels."""
    import torch

    x = t.f.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
    corners = [x[:, :, a::2, b::2] for b in (0, 1) for a in (0, 1)]
    return t.linear("reduction", t.layer_norm("norm", torch.cat(corners, dim=-1)), bias=False)
