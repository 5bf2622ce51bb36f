"""The scorer contract: anything that judges candidates, in one of three forms.

Life of a scorer: constructed from its address (cheap, no weights), :meth:`~Scorer.open` (weights
to the device), then for each request :meth:`~Scorer.prepare` on CPU threads and, in batches,
:meth:`~Scorer.score` on the device, at last :meth:`~Scorer.close`.

An author subclasses :class:`PointwiseScorer`, :class:`PairwiseScorer` or
:class:`ListwiseScorer`, builds a card in ``__init__`` and implements :meth:`~Scorer.score`
(and :meth:`~Scorer.prepare` where there is CPU work worth overlapping).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from prefgauge.registry.address import Address
from prefgauge.registry.cards import Form, ScorerCard
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Device",
    "ListwiseScorer",
    "PairwiseScorer",
    "PointwiseScorer",
    "Scorer",
    "ScorerFactory",
]

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Device:
    """Where to compute.

    Parameters
    ----------
    name: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:1"``. ``"auto"`` is CUDA where there is one.
    dtype: ``"auto"``, ``"float32"``, ``"bfloat16"`` or ``"float16"``; auto is bfloat16 on CUDA,
        float32 on CPU.
    workers: threads for :meth:`Scorer.prepare`.
    """

    name: str = "auto"
    dtype: str = "auto"
    workers: int = 2

    def resolved_dtype(self) -> str:
        """The dtype that "auto" stands for here. Told without importing torch: an NVIDIA device
        file that ``CUDA_VISIBLE_DEVICES`` does not hide means CUDA."""
        if self.dtype != "auto":
            return self.dtype
        cuda = self.name.startswith("cuda")
        if self.name == "auto":
            hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
            cuda = not hidden and any(Path("/dev").glob("nvidia[0-9]*"))
        return "bfloat16" if cuda else "float32"


class Scorer(ABC, Generic[P]):
    """Base of all scorers. `P` is what :meth:`prepare` makes of a request.

    Attributes
    ----------
    card: set in ``__init__``; its fingerprint must name everything that changes an answer.
    form: set by the three subclasses.
    padded: True if a batch costs its longest item times its size (padding), False if it costs
        the sum of its items.
    batch_cost: largest cost of one batch to begin with; the engine lowers it when memory runs out.
    batch_size: largest number of requests in one batch.
    batch_invariant: False if a request must not be scored a second time to compare (it costs
        money, or is drawn at random).
    stages: True if :meth:`stage` does part of the work of a batch ahead of the device.
    streams: True if :meth:`score_stream` gives answers one by one, each as soon as it is there.
    represents: True if :meth:`represent` gives the hidden state behind an answer.
    """

    form: ClassVar[Form]
    card: ScorerCard
    padded: bool = True
    batch_cost: int = 1 << 14
    batch_size: int = 64
    batch_invariant: bool = True
    stages: bool = False
    streams: bool = False
    represents: bool = False

    def open(self, device: Device) -> None:
        """Load weights; called once, before any prepare. Raise ScorerError if it cannot be."""

    def close(self) -> None:
        """Release device memory, connections and files."""

    def weight_bytes(self) -> int | None:
        """Bytes of weights that the opened scorer holds, told before it is opened; None if it is
        not known. Scorers that are light together are opened together, and walk through a media
        bench side by side, so that each picture or clip is decoded once for all of them; one that
        does not know its weight runs alone."""
        return None

    def meet(self, bench: str, sample: Sample) -> None:
        """Called with every sample of a run, in reading order and before its requests, whether or
        not the ledger knows the answers. For scorers that tell in :meth:`remarks` what no sample
        asked for."""

    def remarks(self) -> Sequence[str]:
        """What a reader of the results must know, asked after a run: sentences, usually none."""
        return ()

    def prepare(self, request: Request) -> P:
        """CPU work for one request: template, tokenise, decode. Called from several threads at
        once, so it must not change the scorer. Raising fails this request alone, with the
        message as its reason. By default the request itself is the prepared form."""
        return cast(P, request)

    def cost(self, prepared: P) -> int:
        """Size of one prepared request, in tokens, pixels or any unit of `batch_cost`."""
        return 1

    def share_key(self, prepared: P) -> Hashable | None:
        """Prepared requests with an equal key lie next to each other in one batch where it fits
        (candidates of one prompt, for prefix sharing); None: no wish."""
        return None

    def group_cost(self, group: Sequence[P]) -> int:
        """Cost of requests with an equal share key when they are scored in one batch: less than
        the sum of their costs where what they share is computed once. Only asked where
        :attr:`padded` is False. By default the sum."""
        return sum(self.cost(prepared) for prepared in group)

    def stage(self, batch: Sequence[P]) -> object:
        """Lay a batch out and begin its copy to the device, an optional capability announced by
        :attr:`stages`: called in another thread while the batch before is being scored, so it
        must not change the scorer. What it returns reaches :meth:`score_staged`."""
        return None

    def score_staged(self, batch: Sequence[P], staged: Any) -> Sequence[Outcome]:
        """:meth:`score`, given what :meth:`stage` made of the same batch."""
        return self.score(batch)

    @abstractmethod
    def score(self, batch: Sequence[P]) -> Sequence[Outcome]:
        """Answer a batch, one outcome per prepared request, in order. The answers must not depend
        on what else is in the batch. Raising makes the engine retry smaller batches and, at a
        single request, record the failure with its reason."""

    def score_stream(self, batch: Sequence[P]) -> Iterator[tuple[int, Outcome]]:
        """Answer many requests at once, yielding (position in `batch`, outcome) as each is done.

        An optional capability, announced by :attr:`streams`, for scorers that wait for others
        (a remote judge) rather than compute: the engine may hand over a whole window, far more
        than :attr:`batch_size`, the scorer keeps its own bounded number in flight without
        waiting for stragglers, and what is answered can be recorded while the rest is under way.
        Every position comes exactly once, in any order. Failures are outcomes: raising ends the
        stream, and positions that were not given count as failed. Closing the iterator early
        stops the work; requests in flight are abandoned.

        By default: :meth:`score`, all at the end."""
        yield from enumerate(self.score(batch))

    def represent(self, batch: Sequence[P]) -> NDArray[np.float32]:
        """What the model knows of each prepared request before its head turns it into a score.

        An optional capability, announced by :attr:`represents`: one vector per request, shape
        (len(batch), d), the same d for all, that does not depend on what else is in the batch.
        Linear probes and per-rater models are fitted on it."""
        raise NotImplementedError(f"{type(self).__name__} has no representations")


class PointwiseScorer(Scorer[P]):
    """Gives each candidate a value: requests hold one candidate; answer ``Outcome.score``."""

    form = "pointwise"


class PairwiseScorer(Scorer[P]):
    """Compares two candidates: ``request.candidate(0)`` is shown first; answer
    ``Outcome.preference`` with P(the one shown first is better)."""

    form = "pairwise"


class ListwiseScorer(Scorer[P]):
    """Orders all candidates of a sample (two or more): answer ``Outcome.ranking`` with positions
    in the shown order, best first."""

    form = "listwise"


#: What a scorer plugin registers under a scheme: makes a scorer from its address.
ScorerFactory: TypeAlias = Callable[[Address], Scorer[Any]]
