"""Low-rank adapters folded into the weights they adapt: W + s B A.

Hu et al., "LoRA", ICLR 2022, section 4.1; s is alpha / r, or alpha / sqrt(r) for rank-stabilised
adapters (Kalajdzievski 2023, arXiv 2312.03732).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefgauge.registry import ScorerError

__all__ = ["lora_scale", "merged"]

_PAIR = re.compile(r"(?P<layer>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")


def lora_scale(folder: Path, rank: int) -> float:
    """The factor s from ``adapter_config.json`` or the ``peft_lora_config`` of
    ``model_config.json`` beside the weights.

    Raises
    ------
    ScorerError: if neither tells alpha.
    """
    for place in (folder, folder.parent):
        for name, part in (("adapter_config.json", ""), ("model_config.json", "peft_lora_config")):
            try:
                found = json.loads((place / name).read_text("utf-8"))
                settings = found[part] if part else found
                alpha = float(settings["lora_alpha"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            return alpha / (rank**0.5 if settings.get("use_rslora") else rank)
    raise ScorerError(
        f"{folder}: the weights are a LoRA adapter, and neither adapter_config.json nor "
        "model_config.json tells its lora_alpha."
    )


def merged(state: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A state dict as a model without adapters has it: PEFT's wrapping taken off the names, each
    pair of low-rank matrices added to its weight (in float32, kept in the weight's dtype).

    Raises
    ------
    ScorerError: if a pair lacks a half or its weight, or has a shape that does not fit.
    """
    plain: dict[str, Any] = {}
    halves: dict[str, dict[str, Any]] = {}
    saved: dict[str, Any] = {}
    for name, value in state.items():
        name = name.removeprefix("base_model.model.")
        if match := _PAIR.fullmatch(name):
            halves.setdefault(f"{match['layer']}.weight", {})[match["side"]] = value
        elif ".modules_to_save." in name:
            saved[name.replace(".modules_to_save.default.", ".")] = value
        else:
            plain[name.replace(".base_layer.", ".").replace(".original_module.", ".")] = value
    plain.update(saved)
    for name, pair in halves.items():
        if name not in plain or len(pair) != 2:
            raise ScorerError(f"{folder}: the adapter of {name} lacks its other half or its weight")
        weight, down, up = plain[name], pair["A"], pair["B"]
        if (up.shape[0], down.shape[1]) != tuple(weight.shape) or up.shape[1] != down.shape[0]:
            raise ScorerError(f"{folder}: the adapter of {name} does not fit its shape")
        step = lora_scale(folder, down.shape[0]) * (up.float() @ down.float())
        plain[name] = (weight.float() + step).to(weight.dtype)
    left = [name for name in plain if "lora_" in name]
    if left:
        raise ScorerError(f"{folder}: adapters that are not linear are not known: {left[0]}")
    return plain
