"""``bertscore:MODEL``: greedy matching of contextual token embeddings with a reference (BERTScore,
Zhang et al. 2020, eqs. 1 to 3; with a code model: CodeBERTScore, Zhou et al. 2023).

For tokens x of the reference and y of the candidate, with unit vectors: recall is the mean over x
of the best x.y, precision the mean over y, F1 their harmonic mean. Special tokens are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefgauge.plugins.scorers.reward_models.chat import text_only
from prefgauge.plugins.scorers.reward_models.flops import Operations
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import (
    length_limit,
    load_model,
    load_tokenizer,
)
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    UsageError,
)

if TYPE_CHECKING:
    import torch

__all__ = ["BertScorer", "Matched"]


@dataclass(frozen=True, slots=True)
class Matched:
    """Token ids of reference and candidate with special tokens, and how many were cut."""

    reference: tuple[int, ...]
    candidate: tuple[int, ...]
    cut: int


class BertScorer(PointwiseScorer[Matched]):
    """F1 (main), precision and recall against a reference.

    Address: ``bertscore:FOLDER-or-ID?option=value``. Options:

    layer: hidden layer whose states are compared; 0 is the embedding, -1 (default) the last.
    against: ``reference`` (default), ``source`` or any name of context, or ``prompt``.
    dtype, revision, trust_remote_code, pickle: as for ``hf:``.

    Texts beyond the model's limit lose their end, counted in ``extra["truncated"]``.
    """

    batch_size = 64

    def __init__(self, address: Address) -> None:
        address.expect("layer", "against", "dtype", "revision", "trust_remote_code", "pickle")
        self.address = address
        self.source = identify(address.target, address.get("revision", ""), address.scheme)
        self.layer = address.get("layer", -1)
        self.against = address.get("against", "reference")
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            dimensions=(Dimension("overall"), Dimension("precision"), Dimension("recall")),
            fingerprint={
                "model": self.source.identity,
                "dtype": address.get("dtype", "auto"),
                "layer": self.layer,
                "against": self.against,
                "version": 1,
            },
            needs=frozenset({self.against}),
            summary="BERTScore: greedy matching of token embeddings with a reference.",
        )

    def open(self, device: Device) -> None:
        """Load the encoder.

        Raises
        ------
        UsageError: if there is no such layer.
        """
        get = self.address.get
        where = pick_device(device, str(self.address))
        trust = get("trust_remote_code", False)
        self.tokenizer = load_tokenizer(self.source, trust)
        self.model = load_model(
            self.source,
            "AutoModel",
            pick_dtype(get("dtype", ""), device, where),
            where,
            trust=trust,
            pickle=get("pickle", False),
            **({"add_pooling_layer": False} if self._has_pooler() else {}),
        )
        self.operations = Operations.of(self.model, causal=False)
        layers = int(self.model.config.get_text_config().num_hidden_layers)
        if not -layers - 1 <= self.layer <= layers:
            raise UsageError(f"{self.address}: layer {self.layer}, but the model has {layers}.")
        self.limit = length_limit(self.model.config, self.tokenizer, 0)
        from tokenizers import Tokenizer

        core = Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str())
        core.no_truncation()
        core.no_padding()
        self.core = core
        self.special = frozenset(self.tokenizer.all_special_ids)

    def _has_pooler(self) -> bool:
        from transformers import AutoConfig

        kind = AutoConfig.from_pretrained(self.source.path, revision=self.source.revision or "main")
        return kind.model_type in {"bert", "roberta", "xlm-roberta", "camembert", "electra-pooled"}

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Matched:
        """Tokens of both texts."""
        anchor = request.prompt if self.against == "prompt" else request.context.get(self.against)
        if not anchor:
            raise ScorerError(f"the sample has no {self.against!r} to compare with")
        texts = text_only(anchor, self.against), text_only(request.candidate(), "candidate")
        ids, cut = [], 0
        for text in texts:
            encoded = list(self.core.encode(text).ids)
            if self.limit and len(encoded) > self.limit:
                cut += len(encoded) - self.limit
                encoded = [*encoded[: self.limit - 1], encoded[-1]]
            ids.append(tuple(encoded))
        return Matched(ids[0], ids[1], cut)

    def cost(self, prepared: Matched) -> int:
        """Tokens of the longer text, twice, since both are padded alike."""
        return 2 * max(len(prepared.reference), len(prepared.candidate))

    def share_key(self, prepared: Matched) -> Hashable | None:
        """The reference, which is encoded once per batch."""
        return prepared.reference

    def score(self, batch: Sequence[Matched]) -> list[Outcome]:
        """F1, precision and recall of each candidate; 0 where a text has no token."""
        unique = list(dict.fromkeys(t for item in batch for t in (item.reference, item.candidate)))
        vectors = self._vectors(unique)
        out = []
        for item in batch:
            x, y = vectors[item.reference], vectors[item.candidate]
            precision = recall = f1 = 0.0
            if len(x) and len(y):
                products = x @ y.T
                recall = float(products.max(1).values.mean())
                precision = float(products.max(0).values.mean())
                total = precision + recall
                f1 = 2 * precision * recall / total if total > 0 else 0.0
            facts: dict[str, Any] = {"tokens": len(item.reference) + len(item.candidate)}
            if item.cut:
                facts["truncated"] = item.cut
            values = {"overall": f1, "precision": precision, "recall": recall}
            out.append(Outcome.score(values, extra=facts))
        return out

    def _vectors(self, texts: list[tuple[int, ...]]) -> dict[tuple[int, ...], torch.Tensor]:
        """Unit vectors of the tokens that are not special, float32 on the CPU."""
        import torch

        self.operations.note(self.model, [len(ids) for ids in texts])
        longest = max(map(len, texts))
        pad = self.tokenizer.pad_token_id or 0
        rows = [[*ids, *[pad] * (longest - len(ids))] for ids in texts]
        mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in texts]
        where = self.model.device
        with torch.inference_mode():
            states = self.model(
                input_ids=torch.tensor(rows, device=where),
                attention_mask=torch.tensor(mask, device=where),
                output_hidden_states=True,
            ).hidden_states[self.layer]
            states = torch.nn.functional.normalize(states.float(), dim=-1).cpu()
        out = {}
        for row, ids in zip(states, texts):
            kept = [index for index, token in enumerate(ids) if token not in self.special]
            out[ids] = row[kept]
        return out
