"""``pairrm:MODEL``: an encoder that reads prompt and both answers at once and scores each
(PairRM, Jiang et al. 2023, LLM-Blender).

Input: ``<|source|> prompt <|candidate1|> first <|candidate2|> second``. The states at the three
marks are joined two by two, [source; candidate], and a small network gives each candidate a
value; P(first) is the sigmoid of their difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.reward_models.chat import text_only, turns_of
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.registry import (
    Address,
    Device,
    Outcome,
    PairwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
)

__all__ = ["MARKS", "PairRankerScorer", "Triple"]

MARKS = ("<|source|>", "<|candidate1|>", "<|candidate2|>")


@dataclass(frozen=True, slots=True)
class Triple:
    """Token ids of source and both candidates in one row, where the marks are, and how many
    prompt tokens were cut."""

    ids: tuple[int, ...]
    marks: tuple[int, int, int]
    cut: int


class PairRankerScorer(PairwiseScorer[Triple]):
    """P(first beats second) of a PairRM-type encoder.

    Address: ``pairrm:FOLDER-or-ID?option=value`` with the options of ``hf:``. The folder holds an
    encoder (as PairRM's, a DeBERTa) and beside it, in the same safetensors, the network
    ``head_layer.1`` and ``head_layer.4`` (linear, tanh, linear), under any prefix.
    """

    batch_size = 64

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON)
        self.address = address
        self.local = LocalModel(address)
        self.card = ScorerCard(
            name=str(address),
            form="pairwise",
            fingerprint={**self.local.fingerprint(), "version": 1},
            summary="Encoder that compares two answers at once (PairRM).",
        )

    def open(self, device: Device) -> None:
        """Load encoder and head.

        Raises
        ------
        ScorerError: if the head's weights or the marks are missing.
        """
        from prefgauge.plugins.scorers.reward_models.flops import Operations
        from prefgauge.plugins.scorers.reward_models.tensors import linear, read_tensors

        self.tokenizer = self.local.tokenizer()
        self.model = self.local.load("AutoModel", device)
        self.operations = Operations.of(self.model, causal=False)
        tensors = read_tensors(self.local.source, "head_layer.")
        where = self.model.device
        self.layers = [linear(tensors, f"head_layer.{n}").to(where) for n in (1, 4)]
        known = self.tokenizer.get_vocab()
        missing = [mark for mark in MARKS if mark not in known]
        if missing:
            raise ScorerError(f"{self.address}: the tokenizer has no {', '.join(missing)}.")
        self.mark_ids = [known[mark] for mark in MARKS]
        self.encoder = self.local.encoder(self.tokenizer, self.model.config, pair=True)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Triple:
        """Tokens of the three parts; a prompt that is too long loses its beginning."""
        turns = turns_of(request.prompt)
        source = "\n\n".join(turn["content"] for turn in turns)
        parts = [
            self.encoder.tokens(text, False)[0]
            for text in (
                source,
                text_only(request.candidate(0), "first candidate"),
                text_only(request.candidate(1), "second candidate"),
            )
        ]
        begin, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        fixed = 3 + (begin is not None) + (end is not None)
        limit = self.encoder.limit
        cut = max(0, fixed + sum(map(len, parts)) - limit) if limit else 0
        if cut > len(parts[0]):
            raise ScorerError(
                f"the answers have {len(parts[1])} and {len(parts[2])} tokens and the model takes "
                f"{limit}: they cannot be compared whole, and an answer is never cut"
            )
        ids: list[int] = [] if begin is None else [begin]
        marks = []
        for mark, part in zip(self.mark_ids, (parts[0][cut:], parts[1], parts[2])):
            marks.append(len(ids))
            ids += [mark, *part]
        ids += [] if end is None else [end]
        return Triple(tuple(ids), (marks[0], marks[1], marks[2]), cut)

    def cost(self, prepared: Triple) -> int:
        """Tokens."""
        return len(prepared.ids)

    def score(self, batch: Sequence[Triple]) -> list[Outcome]:
        """One probability per shown pair."""
        import torch

        self.operations.note(self.model, [len(item.ids) for item in batch])
        longest = max(len(item.ids) for item in batch)
        pad = self.tokenizer.pad_token_id or 0
        rows = [[*item.ids, *[pad] * (longest - len(item.ids))] for item in batch]
        mask = [[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in batch]
        where = self.model.device
        with torch.inference_mode():
            states = self.model(
                input_ids=torch.tensor(rows, device=where),
                attention_mask=torch.tensor(mask, device=where),
            ).last_hidden_state.float()
            at = torch.tensor([item.marks for item in batch], device=where)
            marked = states.gather(1, at[..., None].expand(-1, -1, states.shape[-1]))
            source = marked[:, :1].expand(-1, 2, -1)
            joined = torch.cat([source, marked[:, 1:]], -1)
            values = self.layers[1](torch.tanh(self.layers[0](joined)))[..., 0]
            p_first = (values[:, 0] - values[:, 1]).double().sigmoid().tolist()
        out = []
        for p, item in zip(p_first, batch):
            extra: dict[str, Any] = {"tokens": len(item.ids)}
            if item.cut:
                extra["truncated"] = item.cut
            out.append(Outcome.preference(p, extra=extra))
        return out
