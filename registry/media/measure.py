"""A base for scorers that compute something from one piece of media, without weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from prefgauge.registry.content import Content, Media, MediaKind
from prefgauge.registry.errors import MediaError, require
from prefgauge.registry.outcome import Outcome, Request
from prefgauge.registry.scorer import Device, PointwiseScorer

__all__ = ["MeasureScorer", "ReferenceScorer", "only"]


def only(parts: Content, kind: MediaKind, what: str = "the candidate") -> Media:
    """The one part of `kind` in `parts`.

    Raises
    ------
    MediaError: if there is none, or more than one.
    """
    found = [part for part in parts if isinstance(part, Media) and part.kind == kind]
    if len(found) != 1:
        raise MediaError(f"{what} holds {len(found) or 'no'} {kind} parts; exactly one is needed.")
    return found[0]


class MeasureScorer(PointwiseScorer[Mapping[str, float]]):
    """A measurement of one media part: a subclass sets the card and implements
    :meth:`measure`, which runs on the CPU threads of :meth:`prepare`, so that decoding one
    candidate and measuring another overlap.

    Attributes
    ----------
    kind: the media it reads.
    packages: (import name, extra) that it needs; checked when it is opened.
    """

    kind: ClassVar[MediaKind]
    packages: ClassVar[tuple[tuple[str, str], ...]] = ()
    padded = False
    batch_cost = 256
    batch_size = 256

    @abstractmethod
    def measure(self, media: Media) -> Mapping[str, float]:
        """Dimension -> value, the main one first. Raise MediaError for what cannot be read."""

    def open(self, device: Device) -> None:
        """See :meth:`Scorer.open`: only checks that the packages are there."""
        for module, extra in self.packages:
            require(module, extra, f"The scorer {self.card.name}")

    def weight_bytes(self) -> int | None:
        """None to speak of; see :meth:`Scorer.weight_bytes`."""
        return 0

    def prepare(self, request: Request) -> Mapping[str, float]:
        """See :meth:`Scorer.prepare`."""
        return self.measure(only(request.candidate(), self.kind))

    def score(self, batch: Sequence[Mapping[str, float]]) -> Sequence[Outcome]:
        """See :meth:`Scorer.score`."""
        return [Outcome.score(values) for values in batch]


class ReferenceScorer(MeasureScorer):
    """A measurement of one media part against the undistorted one in ``context["reference"]``
    (full reference): a subclass puts ``"reference"`` among the card's needs and implements
    :meth:`compare`."""

    @abstractmethod
    def compare(self, reference: Media, media: Media) -> Mapping[str, float]:
        """Dimension -> value, the main one first. Raise MediaError for what cannot be read."""

    def measure(self, media: Media) -> Mapping[str, float]:
        """Refused: there is nothing to compare with."""
        raise MediaError(f"{self.card.name} compares with a reference, and there is none.")

    def prepare(self, request: Request) -> Mapping[str, float]:
        """See :meth:`Scorer.prepare`."""
        parts = request.context.get("reference", ())
        return self.compare(
            only(parts, self.kind, "the reference"), only(request.candidate(), self.kind)
        )
