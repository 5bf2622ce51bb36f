"""A sequence classifier run the fast way: its body by :class:`Backbone`, its head on last tokens
only, in float32."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from prefgauge.plugins.scorers.reward_models.backbone import Backbone, Staged
from prefgauge.plugins.scorers.reward_models.budget import token_budget
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.flops import Operations
from prefgauge.plugins.scorers.reward_models.layout import distinct
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.transfer import Sent, Transfer, fetch
from prefgauge.plugins.scorers.reward_models.ways import by_definition
from prefgauge.registry import ScorerError

__all__ = ["Classifier", "Lot"]

_SEGMENT = 256  # tokens of one text of the memory probe of a model run whole


@dataclass(slots=True)
class Lot:
    """A batch of conversations on its way to the device, each different one once.

    `which` tells for each conversation the number of the different one that it equals; `staged`
    is laid out for the body, or `wholes` are inputs of a model run whole, `items` each.
    """

    which: list[int]
    items: list[Encoded]
    staged: Staged | None = None
    wholes: tuple[tuple[tuple[str, ...], Sent], ...] = ()
    nominal: int = 0


class Classifier:
    """A transformers model with a sequence-classification head.

    A model with a ``score`` head over a causal body is run through :class:`Backbone`. Any other
    (BERT-like, encoder-decoder) is run whole, padded on the right, after a check that padding
    does not change its answers; if it does, one at a time.

    Attributes
    ----------
    way: ``packed``, ``padded`` or ``single``; `kernel` of the packed way; `note` on why not a
        faster one.
    whole: True for a model run whole (an encoder).
    budget: tokens of one batch to begin with.
    """

    def __init__(self, model: Any, tokenizer: Any, running: Running | None = None) -> None:
        running = running or Running()
        self.model = model
        self.pad = _pad_id(model.config, tokenizer)
        body = getattr(model, getattr(model, "base_model_prefix", "") or "model", None)
        head = getattr(model, "score", None)
        self.backbone: Backbone | None = None
        self.kernel = self.note = ""
        self.whole = head is None or body is None
        if head is not None and body is not None:
            own = self._own_logits()  # before the body's attention is exchanged
            self.backbone = Backbone(body, running)
            self.way, self.kernel = self.backbone.way, self.backbone.kernel
            self.note, self.budget = self.backbone.note, self.backbone.budget
            self.head = copy.deepcopy(head).float()
            self._check(own)
            return
        if running.compiled:
            raise ScorerError(
                f"compile=true compiles causal models, and {type(model).__name__} is run whole; "
                "leave it out."
            )
        self.transfer = Transfer(model.device)
        self.operations = Operations.of(model, causal=False)
        self.way = self._whole_way(running.way)
        self.budget = running.tokens or token_budget(model, self._probe_memory)

    def logits(self, batch: Sequence[Encoded]) -> torch.Tensor:
        """Logits (conversations, outputs) in float32, on the CPU. Equal conversations are
        computed once, so that they are exactly equal: a tie stays a tie."""
        return self.run(self.stage(batch))

    def stage(self, batch: Sequence[Encoded]) -> Lot:
        """Lay a batch out and begin its copy to the device; may run in a thread of its own."""
        firsts, which = distinct([item.ids for item in batch])
        items = [batch[index] for index in firsts]
        nominal = sum(len(item.ids) for item in batch)
        if self.backbone is not None:
            ids = [item.ids for item in items]
            spans = [(len(one) - 1, len(one)) for one in ids]
            shares = [item.share for item in items]
            staged = self.backbone.stage(ids, spans, shares, nominal)
            return Lot(which, items, staged)
        parts = [[item] for item in items] if self.way == "single" else [items]
        return Lot(which, items, wholes=tuple(map(self._send, parts)), nominal=nominal)

    def run(self, lot: Lot) -> torch.Tensor:
        """The logits of a staged batch; see :meth:`logits`."""
        with torch.inference_mode():
            if lot.staged is not None:
                assert self.backbone is not None
                states = torch.cat(self.backbone.run(lot.staged))
                return fetch(self.head(states.float()))[lot.which]
            rows = [self._whole(dict(zip(names, sent.here()))) for names, sent in lot.wholes]
        lengths = [len(item.ids) for item in lot.items]
        self.operations.note(self.model, lengths, lot.nominal, self.way == "padded")
        return torch.cat(rows)[lot.which]

    def _probe(self) -> list[int]:
        """A short sequence without the padding id, which transformers would not read."""
        size = int(self.model.config.get_text_config().vocab_size)
        make = torch.Generator().manual_seed(1)
        draw = torch.randint(3, max(4, size - 1), (24,), generator=make).tolist()
        unread = {self.pad, getattr(self.model.config, "pad_token_id", None)}
        return [token for token in draw if token not in unread] or [draw[0]]

    @torch.inference_mode()
    def _own_logits(self) -> torch.Tensor:
        ids = torch.tensor([self._probe()], device=self.model.device)
        with by_definition(self.model):
            logits: torch.Tensor = self.model(ids).logits[0]
        return logits.float().cpu()

    def _check(self, own: torch.Tensor) -> None:
        ours = self.logits([Encoded(tuple(self._probe()))])[0]
        tolerance = 2e-3 if self.model.dtype == torch.float32 else 1e-1
        if float((ours - own).norm()) > tolerance * max(1.0, float(own.norm())):
            raise ScorerError(
                f"{type(self.model).__name__}: its score is more than a head on the last token's "
                "state; such a model needs a recipe."
            )

    def inputs(self, batch: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """The tensors of a batch for a model run whole, padded on the right, on its device."""
        names, sent = self._send(batch)
        return dict(zip(names, sent.here()))

    def _send(self, batch: Sequence[Encoded]) -> tuple[tuple[str, ...], Sent]:
        longest = max(len(item.ids) for item in batch)
        fill = [longest - len(item.ids) for item in batch]
        inputs: dict[str, Any] = {
            "input_ids": [[*b.ids, *[self.pad] * n] for b, n in zip(batch, fill)],
            "attention_mask": [[1] * len(b.ids) + [0] * n for b, n in zip(batch, fill)],
        }
        types = getattr(self.model.config, "type_vocab_size", 0)
        if types and types > 1 and all(item.types is not None for item in batch):
            inputs["token_type_ids"] = [[*(b.types or ()), *[0] * n] for b, n in zip(batch, fill)]
        return tuple(inputs), self.transfer.send(*map(torch.tensor, inputs.values()))

    @torch.inference_mode()
    def _whole(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self.model(**inputs).logits
        return fetch(logits.float())

    def _probe_memory(self, tokens: int) -> None:
        ids = tuple(self._probe()) * (_SEGMENT // 8)
        self._whole(self.inputs([Encoded(ids[:_SEGMENT])] * max(1, tokens // _SEGMENT)))

    def _whole_way(self, asked: str) -> str:
        if asked in {"padded", "single"}:
            return asked
        if asked != "auto":
            raise ScorerError(f"{type(self.model).__name__} cannot run {asked}; use ?way=auto.")
        size = int(self.model.config.get_text_config().vocab_size)
        make = torch.Generator().manual_seed(0)
        draw = [i for i in torch.randint(3, size, (60,), generator=make).tolist() if i != self.pad]
        eos = getattr(self.model.config, "eos_token_id", None)
        end = (eos,) if isinstance(eos, int) else ()  # some encoder-decoders pool at it
        probe = [Encoded((*draw[:9], *end)), Encoded((*draw[9:31], *end))]
        try:
            alone = torch.cat([self._whole(self.inputs([item])) for item in probe])
            together = self._whole(self.inputs(probe))
        except (ValueError, RuntimeError):
            return "single"
        tolerance = 1e-4 if self.model.dtype == torch.float32 else 5e-2
        close = torch.allclose(alone, together, atol=tolerance, rtol=tolerance)
        return "padded" if close else "single"


def _pad_id(config: Any, tokenizer: Any) -> int:
    """The padding id that positions of an encoder may depend on: the model's own first."""
    text = config.get_text_config()
    for value in (getattr(text, "pad_token_id", None), tokenizer.pad_token_id):
        if isinstance(value, int) and value >= 0:
            return value
    return 0
