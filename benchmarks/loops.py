"""The two loops that ``throughput.py`` compares: the peers' plain one and ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from workload import Lengths, plain_batches

from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.heads import Classifier, Lot
from prefgauge.plugins.scorers.reward_models.token_scorer import TokenScorer
from prefgauge.registry import (
    Device,
    Outcome,
    PointwiseScorer,
    Request,
    Sample,
    ScorerCard,
    content,
)
from prefgauge.runners.engine import Engine, Pending


class Lengthy(TokenScorer[Encoded], PointwiseScorer[Encoded]):
    """The ``hf:`` scorer's path for conversations that are already token ids."""

    batch_size = 4096
    stages = True

    def __init__(self, classifier: Classifier, encoded: dict[str, Encoded], budget: int) -> None:
        self.card = ScorerCard(name="bench:", form="pointwise")
        self.classifier, self.encoded = classifier, encoded
        self.serve(classifier)
        self.batch_cost = budget

    def prepare(self, request: Request) -> Encoded:
        return self.encoded[f"{request.sample.id}/{request.candidates[0]}"]

    def conversations(self, prepared: Encoded) -> Sequence[Encoded]:
        return (prepared,)

    def stage(self, batch: Sequence[Encoded]) -> Lot:
        return self.classifier.stage(batch)

    def score(self, batch: Sequence[Encoded]) -> list[Outcome]:
        return self.score_staged(batch, self.stage(batch))

    def score_staged(self, batch: Sequence[Encoded], staged: Lot) -> list[Outcome]:
        return [Outcome.score(value) for value in self.classifier.run(staged)[:, 0].tolist()]


@torch.inference_mode()
def plain(model: Any, lengths: Lengths, encoded: dict[str, Encoded]) -> dict[str, float]:
    """The plain loop."""
    scores: dict[str, float] = {}
    for names in plain_batches(lengths, encoded):
        rows = [encoded[name].ids for name in names]
        longest = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        logits = model(ids.to(model.device), attention_mask=mask.to(model.device)).logits
        scores |= zip(names, logits[:, 0].float().cpu().tolist())
    return scores


def ours(scorer: Lengthy, lengths: Lengths, device: str) -> dict[str, float]:
    """The engine, over one window of all requests."""
    requests = []
    for row, (_, *answers) in enumerate(lengths):
        sample = Sample(
            id=str(row), candidates=tuple(content(str(i)) for i in range(len(answers))), labels=()
        )
        requests += [Request("bench", sample, (i,)) for i in range(len(answers))]
    engine = Engine(scorer, Device(device), self_check=0)
    window = [Pending(request, str(i).encode()) for i, request in enumerate(requests)]
    return {
        f"{answer.request.sample.id}/{answer.request.candidates[0]}": answer.outcome.values[
            "overall"
        ]
        for answers in engine.answer([window])
        for answer in answers
    }


def set_plain(model: Any, classifier: Classifier) -> None:
    """The model as transformers loads it."""
    model.model.set_attn_implementation("sdpa")


def set_ours(model: Any, classifier: Classifier) -> None:
    """The model as the scorer's path needs it."""
    if classifier.way == "packed":
        from prefgauge.plugins.scorers.reward_models import attention

        model.model.set_attn_implementation(attention.NAME)
