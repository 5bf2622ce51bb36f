"""Tensors of a checkpoint by name, without loading the model: heads that transformers has no
class for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.registry import ScorerError, require

__all__ = ["batch_norm", "linear", "read_tensors"]

_INDEX = "model.safetensors.index.json"


def read_tensors(source: ModelSource, *parts: str) -> dict[str, Any]:
    """All tensors of the checkpoint's safetensors whose names hold one of `parts`, as float32,
    named from where the part begins (``reward_model.head.0.weight`` -> ``head.0.weight``).

    Raises
    ------
    ScorerError: if there are no safetensors.
    """
    library: Any = require("safetensors", "local", f"The model {source.path}")
    folder = _folder(source)
    index = folder / _INDEX
    if index.exists():
        where: Mapping[str, str] = json.loads(index.read_text("utf-8"))["weight_map"]
        files = sorted({file for name, file in where.items() if any(p in name for p in parts)})
    else:
        files = sorted(path.name for path in folder.glob("*.safetensors"))
    if not files:
        raise ScorerError(f"{source.path}: there are no safetensors with {' or '.join(parts)}.")
    found: dict[str, Any] = {}
    for file in files:
        with library.safe_open(str(folder / file), framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no mapping
                for part in parts:
                    if part in name:
                        found[name[name.index(part) :]] = tensors.get_tensor(name).float()
                        break
    return found


def linear(tensors: Mapping[str, Any], name: str) -> Any:
    """A float32 ``torch.nn.Linear`` from ``name.weight`` and, if there, ``name.bias``.

    Raises
    ------
    ScorerError: if the weight is missing.
    """
    import torch

    if f"{name}.weight" not in tensors:
        have = ", ".join(sorted(tensors)[:8]) or "none of its kind"
        raise ScorerError(f"the checkpoint has no tensor {name}.weight (it has {have})")
    weight = tensors[f"{name}.weight"]
    bias = tensors.get(f"{name}.bias")
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = torch.nn.Parameter(bias, requires_grad=False)
    return layer


def batch_norm(tensors: Mapping[str, Any], name: str) -> Any:
    """A float32 ``torch.nn.BatchNorm1d`` in inference mode from its weight, bias and running
    statistics.

    Raises
    ------
    ScorerError: if one of them is missing.
    """
    import torch

    parts = ("weight", "bias", "running_mean", "running_var")
    missing = [f"{name}.{part}" for part in parts if f"{name}.{part}" not in tensors]
    if missing:
        raise ScorerError(f"the checkpoint has no tensor {', '.join(missing)}")
    layer = torch.nn.BatchNorm1d(len(tensors[f"{name}.weight"]))
    layer.load_state_dict({part: tensors[f"{name}.{part}"] for part in parts}, strict=False)
    return layer.eval().requires_grad_(False)


def _folder(source: ModelSource) -> Path:
    folder = Path(source.path)
    if folder.is_dir():
        return folder
    hub: Any = require("huggingface_hub", "local", f"The model {source.path}")
    return Path(hub.snapshot_download(source.path, revision=source.revision))
