"""``mps:PATH``: the Multi-dimensional Preference Score.

Zhang et al., "Learning multi-dimensional human preference for text-to-image generation", CVPR
2024, arXiv 2405.14705. A picture's patches read the prompt's tokens by cross-attention; tokens
that have little to do with the condition (a fixed list of words) are hidden from them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image.clip_pixels import pixels, settings_of
from prefgauge.plugins.scorers.image.clip_recipes import PICKSCORE
from prefgauge.plugins.scorers.image.clip_weights import file_digest, read_weights
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import (
    fill_model,
    load_config,
    load_tokenizer,
)
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.plugins.scorers.tensors import Tensors, check
from prefgauge.registry import (
    Address,
    Device,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
    require,
    text_of,
)
from prefgauge.registry.media import only, read_image

__all__ = ["MpsScorer", "Read", "crossed"]

#: The words of the overall condition, as the official evaluation scripts spell them.
OVERALL = (
    "light, color, clarity, tone, style, ambiance, artistry, shape, face, hair, hands, limbs, "
    "structure, instance, texture, quantity, attributes, position, number, location, word, things."
)
KEPT = 0.3  # tokens above this share of the most similar one are seen


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A picture, ready for the tower, and its prompt.

    Parameters
    ----------
    image: float32, shape (3, side, side).
    ids: token numbers, padded to the model's limit as in training; `cut`: tokens beyond it.
    """

    image: NDArray[np.float32]
    ids: tuple[int, ...]
    cut: int


class MpsScorer(PointwiseScorer[Read]):
    """exp(logit scale) times the cosine of the prompt's embedding and the first state of the
    cross-attention network.

    Address: ``mps:PATH`` of a state dict (safetensors, or a ``.pth`` of tensors alone) with the
    CLIP tensors below ``model.`` and the network below ``cross_model.``. The official
    ``MPS_overall_checkpoint.pth`` is a pickled object, which is not opened; turn it into a state
    dict where its code is installed: ``torch.save(torch.load(FILE).state_dict(), OUT)``. Options:

    base: folder or Hub id with CLIP's configuration, tokenizer and image settings (the official
        ViT-H/14 by default).
    condition: other words than the overall ones.
    dtype: as for ``hf:``.

    Upstream divides the similarities by their largest in the whole batch, so that its scores
    depend on the batch; its official scripts score one at a time, which is what is done here, in
    batches of any size.
    """

    padded = False
    batch_size = 32

    def __init__(self, address: Address) -> None:
        address.expect("base", "condition", "dtype")
        self.address = address
        if not address.target:
            raise UsageError(f"Scorer {address}: give the path of its weights, mps:PATH.")
        self.file, self.condition = address.target, address.get("condition", OVERALL)
        own = address.get("base", "")
        base = (own, "") if own else (PICKSCORE.base, PICKSCORE.base_revision)
        self.base = identify(*base, address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"image"}),
            fingerprint={
                "weights": file_digest(self.file),
                "base": self.base.identity,
                "condition": self.condition,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary=(
                "MPS: a picture's patches read the prompt by cross-attention under a condition. "
                "Zhang et al., CVPR 2024, arXiv 2405.14705; code Kwai-Kolors/MPS. Weights: "
                "MPS_overall_checkpoint.pth of that repository as a state dict (the digest of the "
                f"file given is recorded); configuration, tokenizer and image settings of "
                f"{self.base.identity}. Picture: shorter side to the model's size by Pillow's "
                "bicubic on 8 bits, middle square, the model's mean and deviation. Text: padded "
                f"and cut to the model's limit. Condition: {self.condition} Formula: exp(logit "
                f"scale) cos(text, cross(patches, tokens)[0]); a token is seen if its largest dot "
                f"product with the condition's tokens is above {KEPT} of the largest of all tokens."
            ),
            licence="MIT (code); none stated for the weights",
            homepage="https://github.com/Kwai-Kolors/MPS",
        )

    def weight_bytes(self) -> int | None:
        """Size of the weight file."""
        return Path(self.file).expanduser().stat().st_size

    def open(self, device: Device) -> None:
        """Load both towers and the network.

        Raises
        ------
        ScorerError: if tensors are missing, left over, or of another shape.
        """
        require("PIL", "image", str(self.address))
        torch: Any = require("torch", "local", str(self.address))
        self.torch = torch
        transformers: Any = require("transformers", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        name = Path(self.file).name
        clip, network = _split(read_weights(self.file), name)
        config = load_config(self.base)
        model = fill_model(transformers.CLIPModel, config, clip, self.dtype, name)
        self.model = model.to(self.where)
        self.network = Tensors(network, name, "MPS's cross-attention").to(self.where, self.dtype)
        width = int(config.projection_dim)
        probe = torch.zeros(1, 2, width, device=self.where, dtype=self.dtype)
        seen = torch.zeros(1, 1, 2, device=self.where, dtype=self.dtype)
        check(self.network, lambda: crossed(torch, self.network, probe, probe, seen))
        self.tokenizer = load_tokenizer(self.base)
        self.limit = int(config.text_config.max_position_embeddings)
        self.settings = settings_of(self.base)
        self.scale = float(self.model.logit_scale.double().exp())
        with torch.inference_mode():
            self.wanted = self._texts([self._ids(self.condition)[0]])[0][0]

    def close(self) -> None:
        """Release the weights."""
        for name in ("model", "network"):
            self.__dict__.pop(name, None)

    def _ids(self, text: str) -> tuple[tuple[int, ...], int]:
        """Token numbers padded to the limit, and how many were cut."""
        whole = len(self.tokenizer(text)["input_ids"])
        padded = self.tokenizer(text, padding="max_length", max_length=self.limit, truncation=True)[
            "input_ids"
        ]
        return tuple(padded), max(0, whole - self.limit)

    def prepare(self, request: Request) -> Read:
        """Decode and square the picture, tokenise the prompt."""
        picture, prompt = only(request.candidate(), "image"), text_of(request.prompt)
        if not prompt.strip():
            raise MediaError("there is no prompt to hold the picture against")
        return Read(pixels(read_image(picture), self.settings), *self._ids(prompt))

    def share_key(self, prepared: Read) -> Hashable | None:
        """The prompt."""
        return prepared.ids

    def score(self, batch: Sequence[Read]) -> list[Outcome]:
        """One value per picture."""
        with self.torch.inference_mode():
            images = self.torch.from_numpy(np.stack([one.image for one in batch]))
            seen = self.model.vision_model(pixel_values=images.to(self.where, self.dtype))
            patches = self.model.visual_projection(seen.last_hidden_state)
            tokens, ends = self._texts([one.ids for one in batch])
            near = (tokens @ self.wanted.T).amax(dim=-1)
            hidden = near / near.amax(dim=-1, keepdim=True) <= KEPT
            mask = self.torch.zeros_like(near).masked_fill(hidden, -self.torch.inf)
            states = crossed(self.torch, self.network, patches, tokens, mask[:, None])[:, 0]
            cosines = self.torch.nn.functional.cosine_similarity(states.double(), ends.double())
            return [
                Outcome.score(self.scale * value, extra={"truncated": one.cut} if one.cut else {})
                for value, one in zip(cosines.tolist(), batch)
            ]

    def _texts(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Projected states of all tokens, and of the end marks; the padding is not hidden from
        the causal tower, as in training."""
        read = self.model.text_model(input_ids=self.torch.tensor(ids, device=self.where))
        project = self.model.text_projection
        return project(read.last_hidden_state), project(read.pooler_output)


def crossed(torch: Any, network: Tensors, patches: Any, tokens: Any, mask: Any) -> Any:
    """The cross-attention network: layers of cross-attention and self-attention, each with its
    feed-forward part beside it (PaLM's parallel form, one key and value head for all queries).

    Parameters
    ----------
    patches: (batch, m, width); `tokens`: (batch, n, width).
    mask: (batch, 1 or m, n), 0 where a token is seen and -inf where not.
    """
    for number in range(network.count("layers")):
        patches = patches + _cross(
            torch, network.below(f"layers.{number}.0.fn"), patches, tokens, mask
        )
        patches = patches + _self(torch, network.below(f"layers.{number}.1.fn"), patches)
    return patches


def _cross(torch: Any, part: Tensors, patches: Any, tokens: Any, mask: Any) -> Any:
    normal = part.layer_norm("norm", patches)
    keys, values = part.linear("to_kv", tokens, bias=False).chunk(2, dim=-1)
    out = _attend(torch, part.linear("to_q", normal, bias=False), keys, values, mask)
    gated = _gated(torch, part.linear("ff.0", normal, bias=False))
    return part.linear("to_out", out, bias=False) + part.linear("ff.2", gated, bias=False)


def _self(torch: Any, part: Tensors, patches: Any) -> Any:
    normal = part.layer_norm("norm", patches)
    heads = part["attn_out.weight"].shape[1]
    frequencies = part["rotary_emb.inv_freq"]
    size = 2 * len(frequencies)
    fused = part.linear("fused_attn_ff_proj", normal, bias=False)
    queries, keys, values, rest = fused.split(
        (heads, size, size, fused.shape[-1] - heads - 2 * size), dim=-1
    )
    places = torch.arange(patches.shape[1], device=patches.device, dtype=frequencies.dtype)
    turns = torch.outer(places, frequencies).repeat(1, 2)
    out = _attend(torch, _turned(torch, queries, turns), _turned(torch, keys, turns), values)
    return part.linear("attn_out", out, bias=False) + part.linear(
        "ff_out.1", _gated(torch, rest), bias=False
    )


def _attend(torch: Any, queries: Any, keys: Any, values: Any, mask: Any = None) -> Any:
    """Many query heads on one key and value head; heads side by side in and out."""
    size = keys.shape[-1]
    split = queries.unflatten(-1, (-1, size)).transpose(1, 2) * size**-0.5
    logits = split @ keys[:, None].transpose(-1, -2)
    if mask is not None:
        logits = logits + mask[:, None]
    return (logits.softmax(dim=-1) @ values[:, None]).transpose(1, 2).flatten(2)


def _turned(torch: Any, rows: Any, turns: Any) -> Any:
    """Rotary positions on each head of `rows` (batch, n, heads x size), halves against halves."""
    split = rows.unflatten(-1, (-1, turns.shape[-1]))
    first, second = split.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    angles = turns[:, None].to(rows.dtype)
    return (split * angles.cos() + turned * angles.sin()).flatten(2)


def _gated(torch: Any, rows: Any) -> Any:
    """SwiGLU: the first half, gated by the SiLU of the second."""
    value, gate = rows.chunk(2, dim=-1)
    return torch.nn.functional.silu(gate) * value


def _split(state: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """CLIP's tensors and the network's, each by their own names.

    Raises
    ------
    ScorerError: if either is missing.
    """
    scale = next((name for name in state if name.endswith("logit_scale")), None)
    inside = "cross_model."
    network = {
        name[name.index(inside) + len(inside) :]: value
        for name, value in state.items()
        if inside in name
    }
    if scale is None or not network:
        raise ScorerError(f"{where}: not the weights of MPS: no logit_scale or no cross_model.")
    prefix = scale.removesuffix("logit_scale")
    clip = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) and inside not in name and "position_ids" not in name
    }
    return clip, network
