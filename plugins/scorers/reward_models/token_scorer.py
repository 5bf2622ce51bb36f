"""What all scorers over tokenised conversations have in common: what a batch costs, what its
requests share, and what a reader must know of how the model was run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

from prefgauge.plugins.scorers.reward_models.encode import Encoded
from prefgauge.plugins.scorers.reward_models.layout import unique_tokens
from prefgauge.registry.scorer import Scorer

__all__ = ["TokenScorer"]

P = TypeVar("P")


class TokenScorer(Scorer[P]):
    """Base of scorers whose prepared requests are made of :class:`Encoded` conversations.

    A subclass says which (:meth:`conversations`), and calls :meth:`serve` when its model is open.
    """

    padded = False
    batch_size = 2048  # the budget in tokens is what bounds a batch
    _note = ""

    @abstractmethod
    def conversations(self, prepared: P) -> Sequence[Encoded]:
        """The conversations that answer one request, all with one share key."""

    def serve(self, model: Any) -> None:
        """Tell the engine how batches of an opened model cost (its ``way`` and ``budget``), and
        its readers why it is not run faster, if so (its ``note``)."""
        self.padded = model.way != "packed"
        self.batch_cost = model.budget
        self._note = model.note

    def remarks(self) -> Sequence[str]:
        """Why prompts are not shared, where they are not."""
        return (self._note,) if self._note else ()

    def cost(self, prepared: P) -> int:
        """Tokens."""
        return sum(len(item.ids) for item in self.conversations(prepared))

    def share_key(self, prepared: P) -> Hashable | None:
        """The prompt, whose encoding its candidates share."""
        return self.conversations(prepared)[0].share

    def group_cost(self, group: Sequence[P]) -> int:
        """Tokens with the prompt counted once, and equal conversations once."""
        return unique_tokens([item.ids for one in group for item in self.conversations(one)])
