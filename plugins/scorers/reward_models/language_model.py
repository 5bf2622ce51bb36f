"""A causal language model that reads, never writes: log-probabilities of given tokens, and logits
of what would come next."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import torch

from prefgauge.plugins.scorers.reward_models.backbone import Backbone, Span
from prefgauge.plugins.scorers.reward_models.layout import distinct
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.transfer import fetch
from prefgauge.plugins.scorers.reward_models.ways import by_definition
from prefgauge.registry import ScorerError
from prefgauge.registry.meter import operations

__all__ = ["LanguageModel"]

_ROWS = 1024  # rows of logits at a time: at a 150k vocabulary 0.6 GB in float32
_CAP, _TIMES, _OVER = "final_logit_softcapping", "logit_scale", "logits_scaling"


class LanguageModel:
    """A ``ForCausalLM`` model run through :class:`Backbone`, its head only where it is needed.

    Attributes
    ----------
    way, kernel: how batches are computed; `note` on why not faster.
    budget: tokens of one batch to begin with.

    Raises
    ------
    ScorerError: if its logits are not body, head and a known scaling.
    """

    def __init__(self, model: Any, running: Running | None = None) -> None:
        self.model = model
        self.head = model.get_output_embeddings()
        body = getattr(model, getattr(model, "base_model_prefix", "") or "model", None)
        if body is None or self.head is None or body is model:
            raise ScorerError(f"{type(model).__name__} is no causal language model with a head.")
        config = model.config.get_text_config()
        self.cap = getattr(config, _CAP, None)
        self.factor = float(getattr(config, _TIMES, None) or 1.0) / float(
            getattr(config, _OVER, None) or 1.0
        )
        own = self._own_logits()
        reserve = 2 * 4 * _ROWS * int(self.head.weight.shape[0])  # logits, and their softmax
        self.backbone = Backbone(body, running or Running(), reserve=reserve)
        self.way, self.kernel = self.backbone.way, self.backbone.kernel
        self.note, self.budget = self.backbone.note, self.backbone.budget
        self._check(own)

    def log_probs(
        self,
        sequences: Sequence[Sequence[int]],
        spans: Sequence[Span],
        shares: Sequence[Hashable | None] | None = None,
    ) -> list[torch.Tensor]:
        """Natural log-probabilities of the tokens in each span, given all before them.

        Parameters
        ----------
        sequences: token ids.
        spans: for each, [start, end) of the tokens asked for; start must be at least 1, for the
            first token of all has nothing before it.
        shares: keys of prompts that may be encoded once.

        Returns
        -------
        For each sequence a float32 tensor (end - start,) on the CPU.
        """
        before = [(start - 1, end - 1) for start, end in spans]
        states, firsts, which = self._states(sequences, before, shares)
        targets = [token for i in firsts for token in sequences[i][slice(*spans[i])]]
        wanted = torch.tensor(targets, device=self.model.device)
        with torch.inference_mode():
            parts = [
                logits.log_softmax(-1).gather(1, wanted[start : start + len(logits), None])[:, 0]
                for start, logits in self._chunks(torch.cat(states))
            ]
        rows = torch.split(fetch(torch.cat(parts)), [len(one) for one in states])
        return [rows[number] for number in which]

    def next_logits(
        self,
        sequences: Sequence[Sequence[int]],
        tokens: Sequence[int],
        shares: Sequence[Hashable | None] | None = None,
    ) -> torch.Tensor:
        """Logits of `tokens` as the next one, float32 on the CPU, (sequences, tokens)."""
        spans = [(len(ids) - 1, len(ids)) for ids in sequences]
        return torch.cat(self.logits_at(sequences, spans, tokens, shares))

    def logits_at(
        self,
        sequences: Sequence[Sequence[int]],
        spans: Sequence[Span],
        tokens: Sequence[int],
        shares: Sequence[Hashable | None] | None = None,
    ) -> list[torch.Tensor]:
        """Logits of `tokens` after each position of the spans: (positions, tokens) each."""
        states, _, which = self._states(sequences, spans, shares)
        columns = torch.tensor(list(tokens), device=self.model.device)
        with torch.inference_mode():
            parts = [rows for _, rows in self._chunks(torch.cat(states), columns)]
        rows = torch.split(fetch(torch.cat(parts)), [len(one) for one in states])
        return [rows[number] for number in which]

    def _states(
        self,
        sequences: Sequence[Sequence[int]],
        spans: Sequence[Span],
        shares: Sequence[Hashable | None] | None,
    ) -> tuple[list[torch.Tensor], list[int], list[int]]:
        """States of each different (sequence, span), where each stands first, and which one every
        input is: equal inputs get exactly equal answers."""
        firsts, which = distinct([(tuple(i), s) for i, s in zip(sequences, spans, strict=True)])
        staged = self.backbone.stage(
            [sequences[i] for i in firsts],
            [spans[i] for i in firsts],
            [shares[i] for i in firsts] if shares is not None else None,
            sum(map(len, sequences)),
        )
        return self.backbone.run(staged), firsts, which

    def _chunks(
        self, states: torch.Tensor, columns: torch.Tensor | None = None
    ) -> Iterator[tuple[int, torch.Tensor]]:
        for start in range(0, len(states), _ROWS):
            yield start, self._logits(states[start : start + _ROWS], columns)

    def _logits(self, states: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of all tokens, or of some, of which alone the head's rows are then computed."""
        weight, bias = self.head.weight, getattr(self.head, "bias", None)
        logits: torch.Tensor
        if columns is None:
            logits = self.head(states)
        elif type(self.head) is torch.nn.Linear:
            weight, bias = weight[columns], None if bias is None else bias[columns]
            logits = torch.nn.functional.linear(states, weight, bias)
        else:
            logits = self.head(states).index_select(1, columns)
        operations(2.0 * weight.numel() * len(states))
        logits = logits.float() * self.factor
        if self.cap is not None:
            logits = torch.tanh(logits / self.cap) * self.cap
        return logits

    def _probe(self) -> torch.Tensor:
        size = int(self.model.config.get_text_config().vocab_size)
        make = torch.Generator().manual_seed(0)
        return torch.randint(3, max(4, size - 1), (1, 12), generator=make).to(self.model.device)

    @torch.inference_mode()
    def _own_logits(self) -> torch.Tensor:
        """The model's own logits on a short sequence, before anything is changed."""
        with by_definition(self.model):
            logits: torch.Tensor = self.model(self._probe(), use_cache=False).logits[0]
        return logits.float()

    @torch.inference_mode()
    def _check(self, own: torch.Tensor) -> None:
        ids = self._probe()[0].tolist()
        ours = self._logits(self.backbone.states([ids], [(0, len(ids))])[0])
        tolerance = 1e-3 if self.model.dtype == torch.float32 else 5e-2
        if float((ours - own).norm() / own.norm().clamp_min(1e-6)) > tolerance:
            raise ScorerError(
                f"{type(self.model).__name__}: its logits are more than its body and output head; "
                "this model is not supported here."
            )
