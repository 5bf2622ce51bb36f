"""A reward model read by a :class:`Recipe`: body by :class:`Backbone`, head from its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from prefgauge.plugins.scorers.reward_models.backbone import Backbone, Span
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.heads import Lot
from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.plugins.scorers.reward_models.layout import distinct
from prefgauge.plugins.scorers.reward_models.recipes import Recipe
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.tensors import batch_norm, linear, read_tensors
from prefgauge.plugins.scorers.reward_models.transfer import fetch
from prefgauge.registry import ScorerError

__all__ = ["RecipeModel"]


class RecipeModel:
    """Body and head of one model.

    Attributes
    ----------
    way, kernel: how batches are computed; `note` on why not faster.
    budget: tokens of one batch to begin with.
    names: dimensions of the outcome: ``overall`` first, then the attributes.
    """

    def __init__(
        self, body: Any, source: ModelSource, recipe: Recipe, running: Running | None = None
    ) -> None:
        self.body, self.recipe = body, recipe
        wanted = [*recipe.layers, *recipe.gate, *recipe.gate_norms]
        wanted += [name for name in (recipe.scale, recipe.transform) if name]
        tensors = read_tensors(source, *wanted)
        where = body.device
        self.layers = [linear(tensors, name).to(where) for name in recipe.layers]
        self.gate = [linear(tensors, name).to(where) for name in recipe.gate]
        self.norms = [batch_norm(tensors, name).to(where) for name in recipe.gate_norms]
        self.scale = _tensor(tensors, recipe.scale, where)
        self.transform = _tensor(tensors, recipe.transform, where)
        size = self.layers[-1].out_features
        self.quantiles = recipe.quantiles or max(1, size // self.gate[-1].out_features)
        self._check_shapes()
        self.backbone = Backbone(body, running or Running())
        self.way, self.kernel = self.backbone.way, self.backbone.kernel
        self.note, self.budget = self.backbone.note, self.backbone.budget
        self.names = ("overall", *recipe.attributes)

    @property
    def needs_start(self) -> bool:
        """Whether the head also reads the state before the answer."""
        return bool(self.gate)

    def values(self, batch: Sequence[Encoded]) -> torch.Tensor:
        """Score and attributes, float32 on the CPU, (conversations, names)."""
        return self.run(self.stage(batch))

    def stage(self, batch: Sequence[Encoded]) -> Lot:
        """Lay a batch out and begin its copy to the device; may run in a thread of its own."""
        firsts, which = distinct([item.ids for item in batch])
        items = [batch[index] for index in firsts]
        back = self.recipe.gate_back
        spans: list[Span] = [
            (max(0, e.start - back) if self.gate else len(e.ids) - 1, len(e.ids)) for e in items
        ]
        staged = self.backbone.stage(
            [item.ids for item in items],
            spans,
            [item.share for item in items],
            sum(len(item.ids) for item in batch),
        )
        return Lot(which, items, staged)

    @torch.inference_mode()
    def run(self, lot: Lot) -> torch.Tensor:
        """The values of a staged batch; see :meth:`values`."""
        assert lot.staged is not None
        states = self.backbone.run(lot.staged)
        last = torch.stack([rows[-1] for rows in states]).float()
        before = torch.stack([rows[0] for rows in states]).float() if self.gate else None
        return fetch(self.read(last, before))[lot.which]

    def read(self, last: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
        """The head on states (n, hidden): `last` of the last tokens, `before` of the tokens that
        the gate reads."""
        recipe = self.recipe
        values = _network(self.layers, last)
        if before is not None:
            logits = _network(self.gate, before, self.norms) / recipe.temperature
            weights = logits.softmax(-1) * (1.0 if self.scale is None else self.scale)
            if recipe.head == "quantile":
                values = values.reshape(len(values), -1, self.quantiles).mean(-1)
            moved = values if self.transform is None else values @ self.transform
            score = (weights * moved).sum(-1, keepdim=True)
        elif recipe.weights is not None:
            row = [recipe.weights.get(name, 0.0) for name in recipe.attributes]
            score = values @ torch.tensor(row, device=values.device)[:, None]
        else:
            score = values[:, recipe.index : recipe.index + 1]
        return torch.cat([score, values], -1) if recipe.attributes else score

    def _check_shapes(self) -> None:
        recipe = self.recipe
        outputs = self.layers[-1].out_features // self.quantiles
        wanted = len(recipe.attributes) or (self.gate[-1].out_features if self.gate else outputs)
        if outputs != wanted or (self.gate and self.gate[-1].out_features != outputs):
            raise ScorerError(
                f"the head gives {outputs} values and the recipe speaks of {wanted}: this is "
                "another kind of model"
            )


def _network(
    layers: Sequence[Any], states: torch.Tensor, norms: Sequence[Any] = ()
) -> torch.Tensor:
    for number, layer in enumerate(layers):
        if number:
            states = torch.relu(states)
            states = norms[number - 1](states) if norms else states
        states = layer(states)
    return states


def _tensor(tensors: dict[str, torch.Tensor], name: str | None, where: Any) -> torch.Tensor | None:
    if name is None:
        return None
    if name not in tensors:
        raise ScorerError(f"the checkpoint has no tensor {name}")
    return tensors[name].to(where)
