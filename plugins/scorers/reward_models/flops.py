"""Floating-point operations that a transformer needs for given tokens.

``2 N T + 4 h d S`` per forward: N the parameters that multiply every token (no embedding table,
no output head), T the tokens, h heads of size d in each layer, S the attended pairs of tokens;
causal attention of n tokens has n^2 / 2 pairs (Kaplan et al., "Scaling Laws for Neural Language
Models", 2020, section 2.1, with the attended half of the square).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.registry.meter import count, operations

__all__ = ["Operations", "causal_pairs"]


def causal_pairs(tokens: int, window: int | None = None) -> float:
    """Attended pairs of a causal sequence, half a square; at most `window` per token."""
    if window is None or tokens <= window:
        return tokens * tokens / 2
    return window * window / 2 + (tokens - window) * window


@dataclass(frozen=True, slots=True)
class Operations:
    """What a model's body spends.

    Parameters
    ----------
    weights: parameters that multiply every token; of a mixture of experts, those of the experts
        that a token visits.
    widths: (window, heads x head size summed over the layers with that window).
    causal: False for a model in which every token sees every other.
    """

    weights: float
    widths: tuple[tuple[int | None, int], ...]
    causal: bool = True

    @classmethod
    def of(cls, model: Any, causal: bool = True) -> Operations:
        """Read them off a transformers model without its head."""
        return cls(_weights(model), _widths(model.config.get_text_config()), causal)

    def of_group(self, prefix: int, own: Iterable[int]) -> float:
        """Operations of sequences with `prefix` tokens in common, computed once, and `own`
        tokens each behind them."""
        lengths = list(own)
        flops = 2.0 * self.weights * (prefix + sum(lengths))
        for window, width in self.widths:
            if self.causal:
                first = causal_pairs(prefix, window)
                pairs = first + sum(causal_pairs(prefix + n, window) - first for n in lengths)
            else:
                pairs = float(sum((prefix + n) ** 2 for n in lengths))
            flops += 4.0 * width * pairs
        return flops

    def note(
        self, model: Any, lengths: Sequence[int], nominal: int = 0, padded: bool = True
    ) -> None:
        """Count a batch of different texts run whole, each text by itself, in the current meter.

        Parameters
        ----------
        lengths: tokens of each; `nominal`: of all requests, where some were equal.
        padded: to the longest.
        """
        unique = sum(lengths)
        count("tokens", nominal or unique, unique, max(lengths) * len(lengths) if padded else None)
        flops = sum(self.of_group(0, [length]) for length in lengths)
        operations(flops, model.device, model.dtype)


def _weights(model: Any) -> float:
    import torch

    config = model.config.get_text_config()
    tables = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    experts = 0
    for name in ("num_local_experts", "num_experts", "n_routed_experts"):
        experts = experts or int(getattr(config, name, None) or 0)
    visited = int(getattr(config, "num_experts_per_tok", None) or experts)
    total = 0.0
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2 or id(parameter) in tables:
            continue  # looked up, or one multiplication per token
        share = visited / experts if experts and ".experts." in name else 1.0
        total += parameter.numel() * share
    return total


def _widths(config: Any) -> tuple[tuple[int | None, int], ...]:
    heads = int(getattr(config, "num_attention_heads", None) or 0)
    if not heads:
        return ()
    width = heads * int(getattr(config, "head_dim", None) or config.hidden_size // heads)
    layers = int(config.num_hidden_layers)
    window = getattr(config, "sliding_window", None)
    kinds = list(getattr(config, "layer_types", None) or ())
    if not kinds:
        kinds = ["sliding_attention" if window else "full_attention"] * layers
    sliding = kinds.count("sliding_attention")
    full = sum(kind.endswith("attention") for kind in kinds) - sliding
    found: list[tuple[int | None, int]] = []
    if full:
        found.append((None, full * width))
    if sliding:
        found.append((int(window) if window else None, sliding * width))
    return tuple(found)
