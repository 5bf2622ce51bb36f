"""Any picture scorer on media that is not a picture: over the frames of a video, over the views of
a mesh. The wrapped scorer is any scorer address; its values are averaged over the pictures."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from prefgauge.registry import (
    Address,
    Content,
    Device,
    Media,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    UsageError,
    content,
    default,
    require,
)
from prefgauge.registry.cards import Option
from prefgauge.registry.content import MediaKind
from prefgauge.registry.media import only

__all__ = ["PicturesScorer", "as_bitmap"]

Pictures = NDArray[np.uint8]


class PicturesScorer(PointwiseScorer[list[Any]]):
    """Base of ``frames:INNER`` and ``views:INNER``.

    Options named in :attr:`own` belong to the wrapper, all others to the wrapped scorer. A
    reference of the same kind in the context is turned into pictures too, so that full-reference
    scorers compare frame with frame and view with view.

    Attributes
    ----------
    kind: the media that is turned into pictures.
    own: names of the wrapper's options.
    version: raised when the pictures change.
    """

    kind: ClassVar[MediaKind]
    own: ClassVar[tuple[str, ...]]
    version: ClassVar[int] = 1

    def __init__(self, address: Address) -> None:
        self.address = address
        if not address.target:
            raise UsageError(
                f"Scorer {address}: name the picture scorer to use, as in "
                f"{address.scheme}:sharpness or {address.scheme}:clip:org/model?recipe=clipscore."
            )
        inner = Address.parse(address.target)
        rest = {name: v for name, v in address.options.items() if name not in self.own}
        self.inner = default().scorer(Address(inner.scheme, inner.target, rest))
        card = self.inner.card
        if card.form != "pointwise" or "image" not in card.modalities:
            raise UsageError(f"Scorer {address}: {card.name} does not give a value to a picture.")
        self.configure(address)
        settings: dict[str, Option] = {
            f"{address.scheme}.{name}": address.options.get(name) for name in self.own
        }
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({self.kind}),
            reads=card.reads,
            dimensions=card.dimensions,
            fingerprint={**card.fingerprint, **settings, "pictures": self.version},
            needs=card.needs,
            summary=f"Mean over {address.scheme} of: {card.summary}",
            licence=card.licence,
            homepage=card.homepage,
        )
        self.padded = self.inner.padded
        self.batch_cost = self.inner.batch_cost

    @abstractmethod
    def configure(self, address: Address) -> None:
        """Read the wrapper's own options."""

    @abstractmethod
    def pictures(self, media: Media) -> Pictures:
        """RGB uint8 pictures, shape (n, height, width, 3), n >= 1, the same n for media of the
        same length."""

    def weight_bytes(self) -> int | None:
        """Those of the wrapped scorer."""
        return self.inner.weight_bytes()

    def open(self, device: Device) -> None:
        """Open the wrapped scorer."""
        require("PIL", "image", str(self.address))
        self.inner.open(device)

    def close(self) -> None:
        """Close the wrapped scorer."""
        self.inner.close()

    def prepare(self, request: Request) -> list[Any]:
        """The wrapped scorer's prepared form of each picture."""
        shown = self.pictures(only(request.candidate(), self.kind))
        context = {name: self._split(parts) for name, parts in request.context.items()}
        prepared = []
        for number, picture in enumerate(shown):
            sample = replace(
                request.sample,
                candidates=(content(as_bitmap(picture)),),
                labels=(),
                systems=(),
                context={name: pick(parts, number) for name, parts in context.items()},
            )
            prepared.append(self.inner.prepare(Request(request.bench, sample, (0,))))
        return prepared

    def _split(self, parts: Content) -> list[Any]:
        """Parts, with each media part of this kind as the list of its pictures."""
        return [
            self.pictures(part) if isinstance(part, Media) and part.kind == self.kind else part
            for part in parts
        ]

    def cost(self, prepared: list[Any]) -> int:
        """The sum over pictures."""
        return sum(self.inner.cost(one) for one in prepared)

    def share_key(self, prepared: list[Any]) -> Hashable | None:
        """That of the wrapped scorer's first picture."""
        return self.inner.share_key(prepared[0])

    def score(self, batch: Sequence[list[Any]]) -> list[Outcome]:
        """The mean of each dimension over the pictures of each request."""
        outcomes = self._inner_outcomes([one for prepared in batch for one in prepared])
        return [mean_outcome([next(outcomes) for _ in prepared]) for prepared in batch]

    def _inner_outcomes(self, flat: list[Any]) -> Iterator[Outcome]:
        for start in range(0, len(flat), self.inner.batch_size):
            yield from self.inner.score(flat[start : start + self.inner.batch_size])


def pick(parts: Sequence[Any], number: int) -> Content:
    """Content with picture `number` in place of each list of pictures."""
    out = []
    for part in parts:
        if isinstance(part, np.ndarray):
            if number >= len(part):
                raise MediaError(
                    f"the reference gives {len(part)} pictures, the candidate more than that"
                )
            part = as_bitmap(part[number])
        out.append(part)
    return tuple(out)


def as_bitmap(picture: Pictures) -> Media:
    """A picture as uncompressed BMP bytes, which are quick to write and read back."""
    pil: Any = require("PIL.Image", "image", "Scoring pictures of a video or mesh")
    out = io.BytesIO()
    pil.fromarray(picture).save(out, "BMP")
    return Media("image", data=out.getvalue(), suffix=".bmp")


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each dimension; the first unusable outcome instead, if there is one."""
    total: dict[str, float] = {}
    for number, outcome in enumerate(outcomes):
        checked = outcome.checked("pointwise", 1)
        if checked.status != "ok":
            return replace(checked, reason=f"picture {number}: {checked.reason}")
        for name, value in checked.values.items():
            total[name] = total.get(name, 0.0) + value / len(outcomes)
    extra: Mapping[str, Any] = {"pictures": len(outcomes)}
    return Outcome.score(total, extra=extra)
