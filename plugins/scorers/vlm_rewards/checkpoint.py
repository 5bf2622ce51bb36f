"""Weights of a vision-language reward model: body and head, from whatever its authors publish.

Known layouts, in a folder or a Hub repository: safetensors of a whole model (one file or several);
``model.pth`` with a whole state dict, adapters among it; ``adapter_model.safetensors`` with
``non_lora_state_dict.pth`` over the base model's weights. The last two may lie in the newest
``checkpoint-N``. Nothing is unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefgauge.plugins.scorers.image.clip_weights import read_weights
from prefgauge.plugins.scorers.reward_models.identity import ModelSource, folder_digest, identify
from prefgauge.plugins.scorers.reward_models.loading import fill_model
from prefgauge.plugins.scorers.reward_models.tensors import linear
from prefgauge.plugins.scorers.vlm_rewards.lora import merged
from prefgauge.registry import Address, ScorerError, require

__all__ = [
    "body_of",
    "find_weights",
    "head_of",
    "local_folder",
    "read_state",
    "settings_of",
]

#: model type -> (pattern at the beginning of a published name, what stands there in the body).
_QWEN = (
    ("model.language_model.", "language_model."),
    ("model.visual.", "visual."),
    ("visual.", "visual."),
    ("model.", "language_model."),
)
_LAYOUTS: Mapping[str, tuple[tuple[str, str], ...]] = {"qwen2_vl": _QWEN, "qwen2_5_vl": _QWEN}
_USUAL = (("model.", ""),)
_EMBEDDING = re.compile(r"(.*\.)?embed_tokens\.weight")
_SPARE = re.compile(r"lm_head\..*|.*rotary_emb\.inv_freq")


def find_weights(address: Address, target: str, revision: str) -> ModelSource:
    """Which weights `target` is: a folder, here without need of a ``config.json``, or a Hub id."""
    folder = Path(target).expanduser()
    if target and folder.is_dir():
        return ModelSource(str(folder.resolve()), digest=folder_digest(folder))
    return identify(target, revision, address.scheme)


def local_folder(source: ModelSource) -> Path:
    """The folder of a model; a Hub model is downloaded.

    Raises
    ------
    ScorerError: if the Hub does not give it.
    """
    if source.digest is not None:
        return Path(source.path)
    hub: Any = require("huggingface_hub", "local", f"The model {source.path}")
    try:
        return Path(hub.snapshot_download(source.path, revision=source.revision))
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise ScorerError(f"{source.path}: cannot be fetched ({text}).") from None


def settings_of(folder: Path) -> Mapping[str, Any]:
    """What ``model_config.json`` says (VideoAlign's own settings), or nothing."""
    try:
        found = json.loads((folder / "model_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def read_state(folder: Path, base: Path, model_type: str) -> dict[str, Any]:
    """All tensors under the names that the body has in transformers today, adapters folded in.

    Parameters
    ----------
    folder: the weights; `base`: the base model's folder, for adapters published alone.
    model_type: of the base model's configuration; older releases named its parts otherwise.

    Raises
    ------
    ScorerError: if there are none, or they cannot be read.
    """
    layout = _LAYOUTS.get(model_type, _USUAL)
    place = _newest(folder)
    adapter = place / "adapter_model.safetensors"
    if (place / "model.pth").exists():
        state = _named(_unwrapped(read_weights(str(place / "model.pth"))), layout)
    elif adapter.exists():
        state = _named(_safetensors(base), layout)
        rest = place / "non_lora_state_dict.pth"
        for file in (adapter, *([rest] if rest.exists() else ())):
            state.update(_named(read_weights(str(file)), layout))
    else:
        state = _named(_unwrapped(_safetensors(folder)), layout)
    return merged(state, place)


def _named(state: Mapping[str, Any], layout: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Without PEFT's prefix, and with today's names, so that all files speak of the same."""
    out = {}
    for name, value in state.items():
        name = name.removeprefix("base_model.model.")
        for begin, instead in layout:
            if name.startswith(begin):
                name = instead + name[len(begin) :]
                break
        out[name] = value
    return out


def _newest(folder: Path) -> Path:
    numbered = [
        (int(path.name.rpartition("-")[2]), path)
        for path in folder.glob("checkpoint-*")
        if path.name.rpartition("-")[2].isdigit()
    ]
    return max(numbered)[1] if numbered else folder


def _safetensors(folder: Path) -> dict[str, Any]:
    files = sorted(f for f in folder.glob("*.safetensors") if not f.name.startswith("adapter_"))
    if not files:
        raise ScorerError(f"{folder}: there are no weights (*.safetensors, model.pth).")
    state: dict[str, Any] = {}
    for file in files:
        state.update(read_weights(str(file)))
    return state


def _unwrapped(state: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = state.get("model")
    return inner if isinstance(inner, Mapping) else state


def head_of(state: dict[str, Any], names: Sequence[str], where: str) -> Any:
    """The head's linear layers with ReLU between, in float32, taken out of the state dict.

    Raises
    ------
    ScorerError: if a tensor is missing, or two layers do not fit together.
    """
    torch: Any = require("torch", "local", where)
    layers: list[Any] = []
    for name in names:
        try:
            layer = linear({k: v for k, v in state.items() if k.startswith(f"{name}.")}, name)
        except ScorerError as error:
            raise ScorerError(f"{where}: {error}. Is it the model of another recipe?") from None
        if layers and layers[-1].out_features != layer.in_features:
            raise ScorerError(
                f"{where}: the head's {name} takes {layer.in_features} values and is given "
                f"{layers[-1].out_features}"
            )
        layers.append(layer.float())
    for name in list(state):
        if any(name.startswith(f"{head}.") for head in names):
            del state[name]
    between = [part for layer in layers for part in (layer, torch.nn.ReLU())][:-1]
    return torch.nn.Sequential(*between).eval()


def body_of(state: Mapping[str, Any], config: Any, where: str, dtype: Any) -> Any:
    """A body of this configuration with these weights, in evaluation mode.

    Raises
    ------
    ScorerError: if the weights do not fill it exactly.
    """
    transformers: Any = require("transformers", "local", f"The model {where}")
    weights = {name: value for name, value in state.items() if not _SPARE.fullmatch(name)}
    rows = [value.shape[0] for name, value in weights.items() if _EMBEDDING.fullmatch(name)]
    if len(rows) != 1:
        raise ScorerError(f"{where}: {len(rows) or 'no'} token embeddings; it is no such model.")
    config.get_text_config().vocab_size = rows[0]
    kind = transformers.MODEL_MAPPING[type(config)]
    try:
        return fill_model(kind, config, weights, dtype, where)
    except ScorerError as error:
        raise ScorerError(f"{error} Give base= the model that it was trained from.") from None
