"""Point cloud transformers (PointBERT type) as functions of their published tensors: ULIP-2's and
OpenShape's. Each comes with the way it divides a cloud into patches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.plugins.scorers.threed.cloud import farthest

__all__ = ["ball", "nearest", "openshape", "ulip2"]

Floats = NDArray[np.float32]


def nearest(points: Floats, features: Floats, groups: int, size: int) -> tuple[Floats, Floats]:
    """ULIP-2's patches: the `size` nearest points of each centre.

    Returns
    -------
    (centres (groups, 3), patches (groups, size, 3 + features): offsets from the centre, features).
    """
    centres = points[farthest(points, groups, core=1e-3)]
    chosen = np.argpartition(_distances(centres, points), size - 1, axis=1)[:, :size]
    return centres, _patches(points, features, centres, chosen)


def ball(
    points: Floats, features: Floats, groups: int, size: int, radius: float
) -> tuple[Floats, Floats]:
    """OpenShape's patches: the first `size` points within `radius` of each centre, in their order;
    where there are fewer, the first is repeated. Shapes as for :func:`nearest`."""
    centres = points[farthest(points, groups)]
    inside = _distances(centres, points) <= radius**2
    order = np.argsort(~inside, axis=1, kind="stable")[:, :size]
    count = inside.sum(axis=1, keepdims=True)
    chosen = np.where(np.arange(size) < count, order, order[:, :1])
    return centres, _patches(points, features, centres, chosen)


def _distances(centres: Floats, points: Floats) -> Floats:
    """Squared, shape (centres, points)."""
    out: Floats = np.stack([((points - centre) ** 2).sum(axis=1) for centre in centres])
    return out


def _patches(points: Floats, features: Floats, centres: Floats, chosen: Any) -> Floats:
    offsets = points[chosen] - centres[:, None]
    out: Floats = np.concatenate([offsets, features[chosen]], axis=2)
    return out


def ulip2(t: Tensors, centres: Any, patches: Any, heads: int) -> Any:
    """Xue et al., "ULIP-2", CVPR 2024: embeddings (batch, width) of clouds.

    A small PointNet makes a token of each patch; blocks that normalise before each part get the
    place of the patch added to their input; class token and the maximum over the others are
    joined and projected.
    """
    import torch

    p, f = t.below("point_encoder"), t.f
    shape = patches.shape
    x = patches.flatten(0, 1).transpose(1, 2)
    x = _pointnet(p.below("encoder.first_conv"), x)
    whole = x.amax(dim=2, keepdim=True).expand(-1, -1, shape[2])
    x = _pointnet(p.below("encoder.second_conv"), torch.cat([whole, x], dim=1)).amax(dim=2)
    x = p.linear("reduce_dim", x.unflatten(0, shape[:2]))
    place = p.linear("pos_embed.2", f.gelu(p.linear("pos_embed.0", centres)))
    first = shape[0]
    x = torch.cat([p["cls_token"].expand(first, -1, -1), x], dim=1)
    place = torch.cat([p["cls_pos"].expand(first, -1, -1), place], dim=1)
    for layer in range(p.count("blocks.blocks")):
        b = p.below(f"blocks.blocks.{layer}")
        x = x + place
        x = x + _attend(b, b.layer_norm("norm1", x), heads, "attn.qkv", "attn.proj")
        hidden = f.gelu(b.linear("mlp.fc1", b.layer_norm("norm2", x)))
        x = x + b.linear("mlp.fc2", hidden)
    x = p.layer_norm("norm", x)
    return torch.cat([x[:, 0], x[:, 1:].amax(dim=1)], dim=1) @ t["pc_projection"]


def openshape(t: Tensors, centres: Any, patches: Any, heads: int) -> Any:
    """Liu et al., "OpenShape", NeurIPS 2023: embeddings (batch, width) of clouds.

    Each patch is a maximum over its points of three layers; blocks normalise before each part;
    the class token is projected (where there is a projection).
    """
    import torch

    p = t.below("ppat") if any(name.startswith(f"{t.prefix}ppat.") for name in t.state) else t
    f, x = t.f, patches
    for layer in range(p.count("sa.mlp_convs")):
        weight, bias = p[f"sa.mlp_convs.{layer}.weight"], p[f"sa.mlp_convs.{layer}.bias"]
        x = f.linear(x, weight[:, :, 0, 0], bias).movedim(-1, 1)
        x = f.relu(p.batch_norm(f"sa.mlp_bns.{layer}", x)).movedim(1, -1)
    x = torch.cat([centres, x.amax(dim=2)], dim=2)
    x = f.linear(x, p["lift.0.weight"][:, :, 0], p["lift.0.bias"])
    x = p.layer_norm("lift.2", x)
    x = torch.cat([p["cls_token"].expand(len(x), 1, -1), x], dim=1)
    for layer in range(p.count("transformer.layers")):
        b = p.below(f"transformer.layers.{layer}")
        normal = b.layer_norm("0.norm", x)
        x = x + _attend(b, normal, heads, "0.fn.to_qkv", "0.fn.to_out.0")
        hidden = f.gelu(b.linear("1.fn.net.0", b.layer_norm("1.norm", x)))
        x = x + b.linear("1.fn.net.3", hidden)
    return t.linear("proj", x[:, 0]) if "proj.weight" in t else x[:, 0]


def _pointnet(t: Tensors, x: Any) -> Any:
    """Two layers on (patches, channels, points) with normalisation and ReLU between."""
    x = t.f.relu(t.batch_norm("1", t.f.conv1d(x, t["0.weight"], t["0.bias"])))
    return t.f.conv1d(x, t["3.weight"], t["3.bias"])


def _attend(b: Tensors, x: Any, heads: int, inside: str, outside: str) -> Any:
    """Multi-head self-attention; query, key and value in one matrix without offset."""
    q, k, v = (
        part.unflatten(2, (heads, -1)).transpose(1, 2)
        for part in b.linear(inside, x, bias=False).chunk(3, dim=2)
    )
    seen = b.f.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    return b.linear(outside, seen)
