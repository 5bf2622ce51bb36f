"""``prm:MODEL``: process reward models, which judge an answer step by step.

The answer is split into steps, a mark is put after each, and the model's state at each mark gives
that step's probability of being right. The steps' values are then joined into one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefgauge.plugins.scorers.reward_models.chat import text_only
from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.local import COMMON, LocalModel
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    Text,
    UsageError,
    content,
)

if TYPE_CHECKING:
    from prefgauge.plugins.scorers.reward_models.backbone import Backbone
    from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

__all__ = ["AGGREGATIONS", "ProcessScorer", "Steps", "split_steps"]


def _geometric(p: Sequence[float]) -> float:
    return math.exp(math.fsum(math.log(max(x, 1e-300)) for x in p) / len(p))


def _odds(x: float) -> float:
    x = min(max(x, 1e-12), 1 - 1e-12)
    return x / (1 - x)


#: From step probabilities to one value; the names are those of RewardMATH.
AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "prod": math.prod,
    "last": lambda p: p[-1],
    "mean": lambda p: math.fsum(p) / len(p),
    "geometric_mean": _geometric,
    "mean_logit": lambda p: math.fsum(math.log(_odds(x)) for x in p) / len(p),
    "mean_odd": lambda p: math.fsum(_odds(x) for x in p) / len(p),
}


@dataclass(frozen=True, slots=True)
class Steps:
    """A tokenised answer and the indices of its step marks."""

    encoded: Encoded
    marks: tuple[int, ...]


def split_steps(parts: tuple[Any, ...], separator: str) -> list[str]:
    """The steps of an answer: its parts where it has several, else its text cut at `separator`;
    empty steps are dropped, and an empty answer is one empty step."""
    if len(parts) > 1:
        texts = [text_only((part,), "candidate") for part in parts]
    else:
        texts = text_only(parts, "candidate").split(separator)
    return [text for text in texts if text.strip()] or [""]


class ProcessScorer(TokenScorer[Steps], PointwiseScorer[Steps]):
    """The joined value of an answer's steps.

    Address: ``prm:FOLDER-or-ID?option=value``. Options besides those of ``hf:``:

    join: ``min`` (default), ``prod``, ``last``, ``mean``, ``max``, ``geometric_mean``,
        ``mean_logit``, ``mean_odd``.
    mark: text of the token after each step (default ``\\n\\n`` for token classifiers); must be one
        token. Where the mark also stands inside a step's own text it is read as a step's end.
    labels: for language models that write a label after the mark, the good and the bad one
        (``+,-``); without it the model is a token classifier.
    good: which output of a token classifier means "right" (default 1).
    separator: where an answer in one piece is cut into steps (default a blank line).

    The steps' probabilities are recorded as ``extra["steps"]``.
    """

    def __init__(self, address: Address) -> None:
        address.expect(*COMMON, "join", "mark", "labels", "good", "separator")
        self.address = address
        self.local = LocalModel(address)
        self.join = address.get("join", "min")
        if self.join not in AGGREGATIONS:
            known = ", ".join(AGGREGATIONS)
            raise UsageError(f"{address}: unknown join {self.join!r}. Known: {known}.")
        self.mark = address.get("mark", "\n\n")
        self.labels = [label for label in address.get("labels", "").split(",") if label]
        if len(self.labels) not in {0, 2}:
            raise UsageError(f"{address}: labels must be the good and the bad one, such as +,-")
        self.good = address.get("good", 1)
        self.separator = address.get("separator", "\n\n")
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            dimensions=(Dimension("overall"),),
            fingerprint={
                **self.local.fingerprint(),
                "join": self.join,
                "mark": self.mark,
                "labels": ",".join(self.labels),
                "good": self.good,
                "separator": self.separator,
                "version": 1,
            },
            summary="Process reward model: probability of each step, joined.",
        )

    def open(self, device: Device) -> None:
        """Load the model.

        Raises
        ------
        ScorerError: if mark or labels are not one token each, or there is no such output.
        """
        tokenizer = self.local.tokenizer()
        if self.labels:
            from prefgauge.plugins.scorers.reward_models.language_model import LanguageModel

            model = self.local.load("AutoModelForCausalLM", device)
            self.reader: LanguageModel | _TokenClassifier = LanguageModel(model, self.local.running)
        else:
            model = self.local.load("AutoModelForTokenClassification", device)
            if not 0 <= self.good < model.config.num_labels:
                raise ScorerError(
                    f"{self.address}: good={self.good}, but {model.config.num_labels} outputs"
                )
            self.reader = _TokenClassifier(model, self.local.running)
        self.encoder = self.local.encoder(tokenizer, model.config)
        self.mark_id = self._one_token(self.mark)
        self.label_ids = [self._one_token(label) for label in self.labels]
        self.serve(self.reader)

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("reader", None)

    def prepare(self, request: Request) -> Steps:
        """The answer with a mark after each step, and where the marks are.

        Raises
        ------
        ScorerError: if not every step's mark is a token of its own.
        """
        steps = [
            piece
            for step in split_steps(request.candidate(), self.separator)
            for piece in (step.split(self.mark) if self.mark in step else [step])
        ]
        text = "".join(step + self.mark for step in steps)
        marked = content(Text(text, "assistant"))
        encoded = self.encoder.encode_parts(
            request.prompt, marked, find_start=True, share=request.prompt_key()
        )
        marks = [
            index
            for index in range(encoded.start, len(encoded.ids))
            if encoded.ids[index] == self.mark_id
        ]
        if len(marks) < len(steps):
            raise ScorerError(
                f"{len(steps)} steps but {len(marks)} marks {self.mark!r} among the answer's "
                "tokens: the tokenizer or the chat template merges or strips the mark; choose "
                "another with ?mark="
            )
        # what follows belongs to the chat template
        return Steps(encoded, tuple(marks[: len(steps)]))

    def conversations(self, prepared: Steps) -> Sequence[Encoded]:
        """The answer with its marks."""
        return (prepared.encoded,)

    def score(self, batch: Sequence[Steps]) -> list[Outcome]:
        """One joined value per answer."""
        spans = [(item.marks[0], item.marks[-1] + 1) for item in batch]
        ids = [item.encoded.ids for item in batch]
        shares = [item.encoded.share for item in batch]
        rows = self.reader.logits_at(ids, spans, self.label_ids, shares)
        good = 0 if self.labels else self.good
        out = []
        for item, logits in zip(batch, rows):
            at = [mark - item.marks[0] for mark in item.marks]
            p = logits[at].double().softmax(-1)[:, good].tolist()
            facts = item.encoded.facts | {"steps": [round(value, 6) for value in p]}
            out.append(Outcome.score(AGGREGATIONS[self.join](p), extra=facts))
        return out

    def _one_token(self, text: str) -> int:
        ids = self.encoder.tokens(text, False)[0]
        if len(ids) != 1:
            raise ScorerError(
                f"{self.address}: {text!r} is {len(ids)} tokens for this model and must be one"
            )
        return int(ids[0])


class _TokenClassifier:
    """A ``ForTokenClassification`` model over a causal body, its head on the marks only."""

    def __init__(self, model: Any, running: Running) -> None:
        from prefgauge.plugins.scorers.reward_models.backbone import Backbone

        self.model = model
        self.head = getattr(model, "score", None) or getattr(model, "classifier", None)
        body = getattr(model, getattr(model, "base_model_prefix", "") or "model", None)
        if self.head is None or body is None:
            raise ScorerError(f"{type(model).__name__}: no body and head found to read steps by.")
        self.head = self.head.float()
        self.backbone: Backbone = Backbone(body, running)
        self.way, self.note = self.backbone.way, self.backbone.note
        self.budget = self.backbone.budget

    def logits_at(
        self,
        sequences: Sequence[Sequence[int]],
        spans: Sequence[tuple[int, int]],
        tokens: Sequence[int],
        shares: Sequence[Hashable | None],
    ) -> list[Any]:
        """All outputs (positions, labels) at the spans; `tokens` belongs to language models."""
        import torch

        from prefgauge.plugins.scorers.reward_models.transfer import fetch

        assert self.head is not None
        with torch.inference_mode():
            states = self.backbone.states(sequences, spans, shares)
            flat = fetch(self.head(torch.cat(states).float()))
        return list(torch.split(flat, [len(rows) for rows in states]))
