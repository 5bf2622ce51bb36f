"""wav2vec 2.0 and WavLM encoders as functions of the tensors their authors published.

Baevski et al., "wav2vec 2.0", NeurIPS 2020, and Chen et al., "WavLM", IEEE JSTSP 2022, in the
base size: a convolution over the waveform with group normalisation in its first layer, a
convolutional position embedding, and blocks that normalise after each part. Names are fairseq's,
which the published checkpoints of both families carry.
"""

from __future__ import annotations

import math
from typing import Any

from prefgauge.plugins.scorers.tensors import Tensors

__all__ = ["HEAD", "SHORTEST", "STRIDES", "encode", "frame_mask", "hidden_states"]

STRIDES = (5, 2, 2, 2, 2, 2, 2)
SHORTEST = 400  # samples at 16 kHz that give one frame
HEAD = 64  # width of an attention head
FARTHEST = 800  # relative positions beyond share a bucket (WavLM)


def encode(t: Tensors, waves: Any) -> Any:
    """Features of the waveform: (batch, samples) at 16 kHz -> (batch, frames, width)."""
    f, x = t.f, waves[:, None]
    for layer, stride in enumerate(STRIDES):
        name = f"feature_extractor.conv_layers.{layer}"
        x = f.conv1d(x, t[f"{name}.0.weight"], stride=stride)
        if layer == 0:
            channels = x.shape[1]
            x = f.group_norm(x, channels, t[f"{name}.2.weight"], t[f"{name}.2.bias"])
        x = f.gelu(x)
    return t.linear("post_extract_proj", t.layer_norm("layer_norm", x.transpose(1, 2)))


def frame_mask(samples: Any, frames: int) -> Any:
    """Which frames hold sound, from which samples do: a frame is padding if all samples of its
    equal share of the waveform are. (batch, samples) -> (batch, frames), True for sound."""
    rest = samples.shape[1] % frames
    whole = samples[:, :-rest] if rest else samples
    return whole.unflatten(1, (frames, -1)).any(dim=-1)


def hidden_states(t: Tensors, features: Any, sound: Any = None) -> list[Any]:
    """The encoder's input and the output of each block, each (batch, frames, width).

    Parameters
    ----------
    features: of :func:`encode`.
    sound: True where a frame is no padding, shape (batch, frames); None: everywhere.
    """
    x = features if sound is None else features * sound[..., None]
    x = t.layer_norm("encoder.layer_norm", x + _positions(t, x))
    bias = _distance_bias(t, x.shape[1])
    states = [x]
    for layer in range(t.count("encoder.layers")):
        b = t.below(f"encoder.layers.{layer}")
        x = b.layer_norm("self_attn_layer_norm", x + _attend(b, x, bias, sound))
        x = b.layer_norm("final_layer_norm", x + b.linear("fc2", t.f.gelu(b.linear("fc1", x))))
        states.append(x)
    return states


def _positions(t: Tensors, x: Any) -> Any:
    """A grouped convolution over time, its kernel kept as direction and length per tap."""
    g, v = t["encoder.pos_conv.0.weight_g"], t["encoder.pos_conv.0.weight_v"]
    kernel = g * v / v.norm(dim=(0, 1), keepdim=True)
    taps, groups = kernel.shape[2], kernel.shape[0] // kernel.shape[1]
    out = t.f.conv1d(
        x.transpose(1, 2),
        kernel,
        t["encoder.pos_conv.0.bias"],
        padding=taps // 2,
        groups=groups,
    )
    return t.f.gelu(out[:, :, : x.shape[1]]).transpose(1, 2)


def _attend(b: Tensors, x: Any, bias: Any, sound: Any) -> Any:
    """Multi-head attention, padding unseen; with WavLM's gated bias where there is one."""
    heads = x.shape[2] // HEAD if bias is None else bias.shape[0]
    q, k, v = (
        b.linear(f"self_attn.{name}_proj", x).unflatten(2, (heads, -1)).transpose(1, 2)
        for name in "qkv"
    )
    mask = None
    if bias is not None:
        mask = _gate(b.below("self_attn"), x, heads) * bias
    if sound is not None:
        hidden = sound.logical_not()[:, None, None, :]
        zero = x.new_zeros(1) if mask is None else mask
        mask = zero.masked_fill(hidden, float("-inf"))
    seen = b.f.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return b.linear("self_attn.out_proj", seen.transpose(1, 2).flatten(2))


def _gate(t: Tensors, x: Any, heads: int) -> Any:
    """WavLM's gate on the distance bias, from the block's input: (batch, heads, frames, 1)."""
    parts = x.unflatten(2, (heads, -1)).transpose(1, 2)
    both = t.linear("grep_linear", parts).unflatten(3, (2, 4)).sum(dim=-1).sigmoid()
    update, reset = both.chunk(2, dim=-1)
    return update * (reset * t["grep_a"] - 1.0) + 2.0


def _distance_bias(t: Tensors, frames: int) -> Any:
    """WavLM's bias by bucketed distance, (heads, frames, frames); None for wav2vec 2.0.

    Half of the buckets are for positions behind; of each half, half are exact and the others
    grow logarithmically up to :data:`FARTHEST`.
    """
    name = "encoder.layers.0.self_attn.relative_attention_bias.weight"
    if name not in t:
        return None
    import torch

    table = t[name]
    half = table.shape[0] // 2
    exact = half // 2
    place = torch.arange(frames)
    distance = place[None, :] - place[:, None]
    far = distance.abs().clamp_min(1).float()
    grown = exact + torch.log(far / exact) / math.log(FARTHEST / exact) * (half - exact)
    grown = grown.long().clamp_max(half - 1)
    bucket = torch.where(distance.abs() < exact, distance.abs(), grown) + (distance > 0) * half
    return table[bucket.to(table.device)].permute(2, 0, 1)
