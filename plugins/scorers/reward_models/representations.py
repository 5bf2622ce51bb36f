"""Hidden states of reward models as arrays: what their heads read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.layout import distinct

if TYPE_CHECKING:
    from prefgauge.plugins.scorers.reward_models.heads import Classifier
    from prefgauge.plugins.scorers.reward_models.recipe_model import RecipeModel

__all__ = ["conversation_states", "text_features"]


def conversation_states(
    model: Classifier | RecipeModel, batch: Sequence[Encoded]
) -> NDArray[np.float32]:
    """One vector per conversation, shape (conversations, hidden size): of a causal body the state
    of the last token, which its score head reads; of a model run whole (an encoder) the mean of
    the last layer's states over the conversation's tokens. Equal conversations are computed once.
    """
    numbers, which = distinct([item.ids for item in batch])
    firsts = [batch[number] for number in numbers]
    if model.backbone is not None:
        states = model.backbone.last([b.ids for b in firsts], [b.share for b in firsts])
    else:
        states = _mean_states(model, firsts)
    out: NDArray[np.float32] = states.float().cpu().numpy()[which]
    return out


def _mean_states(model: Any, batch: Sequence[Encoded]) -> Any:
    import torch

    if model.way == "single" and len(batch) > 1:
        return torch.cat([_mean_states(model, [item]) for item in batch])
    inputs = model.inputs(batch)
    with torch.inference_mode():
        output = model.model(**inputs, output_hidden_states=True)
    layers = getattr(output, "hidden_states", None) or output.decoder_hidden_states
    mask = inputs["attention_mask"][:, :, None].float()
    return (layers[-1].float() * mask).sum(1) / mask.sum(1)


def text_features(model: Any, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """Features of (prompt, response) from a sentence encoder, shape (pairs, 3 d): the unit
    embeddings u of the prompt and v of the response, and u * v, so that what is linear in them
    can also see how the two go together (Conneau et al., Supervised Learning of Universal Sentence
    Representations, EMNLP 2017, section 3.1). Equal texts are encoded once."""
    unique = list(dict.fromkeys(text for pair in pairs for text in pair))
    vectors = model.encode(
        unique, batch_size=32, convert_to_numpy=True, show_progress_bar=False
    ).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    row = {text: index for index, text in enumerate(unique)}
    u = vectors[[row[prompt] for prompt, _ in pairs]]
    v = vectors[[row[response] for _, response in pairs]]
    out: NDArray[np.float32] = np.hstack([u, v, u * v])
    return out
