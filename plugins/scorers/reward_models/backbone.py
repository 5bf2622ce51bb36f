"""Hidden states of a language model for a batch of token sequences, by the fastest exact way.

Ways, tried in this order when the model is opened, each against the plain one-by-one forward of
the model itself on a few short sequences:

``packed``  no padding, shared prompts once (causal models that use transformers' attention
            interface);
``padded``  padded on the right to the longest (any causal model; positions count from 0);
``single``  one sequence at a time.

The first that agrees is used, so a model for which sharing is not valid (recurrent layers,
bidirectional attention, chunked attention...) is noticed and served another way; its ``note``
says so. A batch is staged (laid out, sent to the device) and then run, so that the next one can
be staged while this one runs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch

from prefgauge.plugins.scorers.reward_models import attention, compiling, ways
from prefgauge.plugins.scorers.reward_models.attention import Packed
from prefgauge.plugins.scorers.reward_models.budget import token_budget
from prefgauge.plugins.scorers.reward_models.flops import Operations
from prefgauge.plugins.scorers.reward_models.layout import pack
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.transfer import Sent, Transfer
from prefgauge.registry import ScorerError
from prefgauge.registry.meter import count, operations

__all__ = ["Backbone", "Span", "Staged"]

#: Which tokens of a sequence are wanted, [start, end).
Span: TypeAlias = tuple[int, int]
_STRETCHED = {"dynamic", "longrope"}  # rotary tables that change with the longest in the batch
_SEGMENT = 512  # tokens of one conversation of the memory probe


@dataclass(slots=True)
class _Part:
    """Sequences that run in one forward.

    `rows` says which of the batch they are, `sizes` how many states each wants; `sent` holds ids,
    positions (packed) or mask (padded, empty where nothing is padded), flat indices of the wanted
    states, and what the attention kernel needs.
    """

    rows: list[int]
    sizes: list[int]
    sent: Sent
    packed: Packed | None
    unique: int
    run: int
    flops: float


@dataclass(slots=True)
class Staged:
    """A batch laid out, its tensors on the way to the device.

    Attributes
    ----------
    nominal: tokens as if each conversation of the batch were run by itself.
    """

    parts: list[_Part]
    nominal: int


@dataclass
class Backbone:
    """A causal language model without its head.

    Parameters
    ----------
    model: the base model (``AutoModel`` or the body of a larger one), in evaluation mode.
    running: how to run it.
    share: encode a shared prompt once.
    reserve: bytes that the caller's head needs on the device beside a batch.

    Attributes
    ----------
    way, kernel: how batches are computed; `note`: why not a faster way, if so.
    budget: tokens of one batch to begin with.
    tokens_run: tokens through the model, padding included.
    """

    model: Any
    running: Running = field(default_factory=Running)
    share: bool = True
    reserve: int = 0
    way: str = ""
    kernel: str = ""
    note: str = ""
    budget: int = 0
    tokens_run: int = 0

    def __post_init__(self) -> None:
        self.config = self.model.config
        self.device = self.model.device
        self.transfer = Transfer(self.device)
        self.operations = Operations.of(self.model)
        self.reference = torch.empty(0)  # what the ways are held against; set by them
        self.compiled = False
        self._stretch_from = _stretch_from(self.config)
        kinds = list(getattr(self.config, "layer_types", None) or ())
        # how many layers must bring a window to packed attention
        self._slides = kinds.count("sliding_attention") or (
            1 if not kinds and getattr(self.config, "sliding_window", None) is not None else 0
        )
        ways.choose(self, self.running.way)
        self.budget = self.running.tokens or token_budget(
            self.model, self._probe_memory, self.reserve
        )
        if self.running.compiled:
            self._compile()
        self.tokens_run = 0

    def states(
        self,
        sequences: Sequence[Sequence[int]],
        wanted: Sequence[Span],
        shares: Sequence[Hashable | None] | None = None,
    ) -> list[torch.Tensor]:
        """Last hidden states at the wanted tokens.

        Parameters
        ----------
        sequences: token ids of each conversation.
        wanted: for each, the span of tokens whose states are wanted.
        shares: keys of prompts that may be encoded once; see
            :func:`~prefgauge.plugins.scorers.reward_models.layout.pack`.

        Returns
        -------
        For each sequence a tensor (tokens wanted, hidden size) in the model's dtype.
        """
        return self.run(self.stage(sequences, wanted, shares))

    def last(
        self,
        sequences: Sequence[Sequence[int]],
        shares: Sequence[Hashable | None] | None = None,
    ) -> torch.Tensor:
        """The states of the last tokens, shape (sequences, hidden size)."""
        spans = [(len(sequence) - 1, len(sequence)) for sequence in sequences]
        return torch.cat(self.states(sequences, spans, shares))

    def stage(
        self,
        sequences: Sequence[Sequence[int]],
        wanted: Sequence[Span],
        shares: Sequence[Hashable | None] | None = None,
        nominal: int | None = None,
    ) -> Staged:
        """Lay a batch out and begin its copy to the device; may run in a thread of its own.

        Parameters are those of :meth:`states`; `nominal` counts tokens that the caller found
        equal to others too.
        """
        parts = []
        for rows in self._together(sequences):
            some = [sequences[i] for i in rows]
            spans = [wanted[i] for i in rows]
            if self.way == "packed":
                keys = [shares[i] for i in rows] if shares is not None and self.share else None
                parts.append(self._packed(rows, some, spans, keys))
            else:
                parts.append(self._padded(rows, some, spans))
        return Staged(parts, sum(map(len, sequences)) if nominal is None else nominal)

    @torch.inference_mode()
    def run(self, staged: Staged) -> list[torch.Tensor]:
        """The states of a staged batch; see :meth:`states`."""
        out: dict[int, torch.Tensor] = {}
        for part in staged.parts:
            out.update(zip(part.rows, self._forward(part)))
            operations(part.flops, self.device, self.model.dtype)
        unique, run = (sum(getattr(p, name) for p in staged.parts) for name in ("unique", "run"))
        count("tokens", staged.nominal, unique, run)
        self.tokens_run += run
        return [out[index] for index in range(len(out))]

    def _together(self, sequences: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Which may run in one forward. Where rotary tables stretch with the longest sequence of
        a forward, each sequence beyond the original length runs alone."""
        everything = range(len(sequences))
        if self.way == "single":
            yield from ([index] for index in everything)
        elif not self._stretch_from:
            yield list(everything)
        else:
            short = [i for i in everything if len(sequences[i]) <= self._stretch_from]
            if short:
                yield short
            yield from ([i] for i in everything if len(sequences[i]) > self._stretch_from)

    def _packed(
        self,
        rows: list[int],
        sequences: Sequence[Sequence[int]],
        spans: Sequence[Span],
        shares: Sequence[Hashable | None] | None,
    ) -> _Part:
        layout = pack(sequences, shares)
        size = compiling.bucket(len(layout), self.budget) if self.compiled else len(layout)
        packed = Packed.of(layout, self.kernel, size=size)
        fill = [0] * (size - len(layout))
        wanted = [
            index for place, span in zip(layout.places, spans) for index in place.indices(*span)
        ]
        sent = self.transfer.send(
            torch.tensor([layout.ids + fill]),
            torch.tensor([layout.positions + fill]),
            torch.tensor(wanted, dtype=torch.long),
            *packed.indices(),
        )
        flops = sum(
            self.operations.of_group(g.prefix[1] - g.prefix[0], (b - a for a, b in g.own))
            for g in layout.groups
        )
        sizes = [end - start for start, end in spans]
        return _Part(rows, sizes, sent, packed, len(layout), size, flops)

    def _padded(
        self, rows: list[int], sequences: Sequence[Sequence[int]], spans: Sequence[Span]
    ) -> _Part:
        longest = max(map(len, sequences))
        ids = [[*sequence, *[0] * (longest - len(sequence))] for sequence in sequences]
        mask = [[1] * len(s) + [0] * (longest - len(s)) for s in sequences]
        unpadded = all(len(sequence) == longest for sequence in sequences)
        wanted = [row * longest + index for row, span in enumerate(spans) for index in range(*span)]
        sent = self.transfer.send(
            torch.tensor(ids),
            torch.tensor([] if unpadded else mask),
            torch.tensor(wanted, dtype=torch.long),
        )
        unique = {tuple(sequence) for sequence in sequences}
        flops = sum(self.operations.of_group(0, [len(sequence)]) for sequence in unique)
        sizes = [end - start for start, end in spans]
        run = longest * len(sequences)
        return _Part(rows, sizes, sent, None, sum(map(len, unique)), run, flops)

    def _forward(self, part: _Part) -> Sequence[torch.Tensor]:
        ids, second, wanted, *rest = part.sent.here()
        kwargs: dict[str, Any] = {"input_ids": ids, "use_cache": False}
        if part.packed is not None:
            part.packed.place(rest)
            kwargs["position_ids"] = second
        elif second.numel():
            kwargs["attention_mask"] = second
        sizes = compiling.many_sizes() if self.compiled else nullcontext()
        with attention.using(part.packed), sizes:
            hidden = self.model(**kwargs).last_hidden_state
        if part.packed is not None:
            self._check_used(part.packed)
        return torch.split(hidden.flatten(0, 1).index_select(0, wanted), part.sizes)

    def _check_used(self, packed: Packed) -> None:
        if not packed.used:
            raise NotImplementedError("the model does not use the attention interface")
        if packed.windowed < self._slides:
            raise NotImplementedError("the model's sliding windows would be lost")

    def _probe_memory(self, tokens: int) -> None:
        """Run a batch of so many tokens, none of them shared."""
        size = int(self.config.get_text_config().vocab_size)
        make = torch.Generator().manual_seed(0)
        ids = torch.randint(3, max(4, size - 1), (tokens,), generator=make).tolist()
        self.last([ids[start : start + _SEGMENT] for start in range(0, tokens, _SEGMENT)])

    def _compile(self) -> None:
        if self.way != "packed":
            raise ScorerError(
                f"compile=true compiles packed rows, and {type(self.model).__name__} runs "
                f"{self.way} ({self.note or 'as asked for'}); leave it out."
            )
        compiling.compile_layers(self.model)
        self.compiled = True
        ways.check(self, "torch.compile")


def _stretch_from(config: Any) -> int:
    """Tokens beyond which the rotary tables depend on the longest sequence; 0 if they never do."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    # some models have one table for each kind of layer
    tables = [rope, *(t for t in rope.values() if isinstance(t, dict))]
    for table in tables:
        if table.get("rope_type", table.get("type")) in _STRETCHED:
            return int(
                table.get("original_max_position_embeddings")
                or getattr(config, "original_max_position_embeddings", 0)
                or config.max_position_embeddings
            )
    return 0
