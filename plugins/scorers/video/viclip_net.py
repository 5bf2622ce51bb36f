"""ViCLIP and VideoCLIP-XL as functions of their published tensors.

Wang et al., "InternVid", ICLR 2024 (ViCLIP), and Wang et al., "VideoCLIP-XL", EMNLP 2024. Both are
CLIP's two towers; the picture tower attends over the patches of all frames at once.
"""

from __future__ import annotations

from typing import Any

from prefgauge.plugins.scorers.tensors import Tensors

__all__ = ["frames_of", "positions", "see", "write"]

HEAD = 64  # width of an attention head
KEPT = 20  # positions that Long-CLIP keeps as CLIP had them (VideoCLIP-XL's text tower)


def frames_of(t: Tensors) -> int:
    """Frames that the picture tower was made for."""
    return int(t["temporal_positional_embedding"].shape[1])


def see(t: Tensors, frames: Any) -> Any:
    """Embeddings of videos: (batch, frames, 3, side, side) -> (batch, width).

    Every patch token gets the place of its patch and of its frame; one class token leads them all.
    """
    import torch

    kernel = t["conv1.weight"][:, :, 0]  # one frame deep
    batch, count = frames.shape[:2]
    patches = t.f.conv2d(frames.flatten(0, 1), kernel, stride=kernel.shape[-1])
    place, when = t["positional_embedding"], t["temporal_positional_embedding"]
    tokens = patches.flatten(2).transpose(1, 2).unflatten(0, (batch, count)) + place[1:]
    # one frame gets the mean of the places in time, as published
    tokens = tokens + (when.mean(dim=1)[:, None] if count == 1 else when)[:, :, None]
    lead = (t["class_embedding"] + place[0]).expand(batch, 1, -1)
    # patches outside, frames inside: attention does not care, the published order is kept
    x = torch.cat([lead, tokens.transpose(1, 2).flatten(1, 2)], dim=1)
    x = t.layer_norm("ln_pre", x)
    for layer in range(t.count("transformer.resblocks")):
        x = _block(t.below(f"transformer.resblocks.{layer}"), x, causal=False)
    return t.layer_norm("ln_post", x[:, 0]) @ t["proj"]


def positions(t: Tensors) -> Any:
    """Position embeddings of the text tower: (tokens, width). Of VideoCLIP-XL the first
    :data:`KEPT` and the others come from two tables."""
    import torch

    table = t["positional_embedding"]
    if "positional_embedding_res" not in t:
        return table
    return torch.cat([table[:KEPT], t["positional_embedding_res"][KEPT:]])


def write(t: Tensors, ids: Any) -> Any:
    """Embedding of a text without padding: token numbers (1, n) -> (1, width), read at its end."""
    x = t["token_embedding.weight"][ids] + positions(t)[: ids.shape[1]]
    for layer in range(t.count("transformer.resblocks")):
        x = _block(t.below(f"transformer.resblocks.{layer}"), x, causal=True)
    return t.layer_norm("ln_final", x[:, -1]) @ t["text_projection"]


def _block(b: Tensors, x: Any, causal: bool) -> Any:
    """CLIP's block: normalise, attend, normalise, two layers with x sigmoid(1.702 x)."""
    normal = b.layer_norm("ln_1", x)
    both = b.f.linear(normal, b["attn.in_proj_weight"], b["attn.in_proj_bias"])
    q, k, v = (part.unflatten(2, (-1, HEAD)).transpose(1, 2) for part in both.chunk(3, dim=2))
    seen = b.f.scaled_dot_product_attention(q, k, v, is_causal=causal)
    x = x + b.linear("attn.out_proj", seen.transpose(1, 2).flatten(2))
    hidden = b.linear("mlp.c_fc", b.layer_norm("ln_2", x))
    return x + b.linear("mlp.c_proj", hidden * (1.702 * hidden).sigmoid())
