"""``panel:NAME``: a real scorer for each modality under one name, as a plugin of its own.

No single built-in scorer but ``random`` judges every modality; a panel hands each request to the
scorer of its modality, so that one row of a leaderboard has a value on every bench.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefgauge.registry import (
    Device,
    Media,
    Outcome,
    PointwiseScorer,
    Request,
    Scorer,
    ScorerCard,
    hookimpl,
)
from prefgauge.registry.address import Address
from prefgauge.registry.discovery import default

PANELS = {
    "detail": {
        "text": "lexical", "image": "sharpness", "video": "frames:sharpness?count=4", "audio": "snr",
        "mesh": "geometry",
    },
    "energy": {
        "text": "length", "image": "contrast", "video": "flicker", "audio": "loudness",
        "mesh": "views:contrast?count=2&size=96",
    },
    "nature": {
        "text": "length?unit=words", "image": "mscn-naturalness", "video": "pixel-motion-smoothness",
        "audio": "bandwidth", "mesh": "views:sharpness?count=2&size=96",
    },
}  # fmt: skip


class PanelScorer(PointwiseScorer[tuple[str, Any]]):
    """See the module."""

    padded = False

    def __init__(self, address: Address) -> None:
        self.inner: dict[str, Scorer[Any]] = {
            kind: default().scorer(name) for kind, name in PANELS[address.target].items()
        }
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset(self.inner),  # type: ignore[arg-type]
            fingerprint={kind: dict(one.card.fingerprint) for kind, one in self.inner.items()},
            summary=", ".join(one.card.name for one in self.inner.values()),
            licence="Apache-2.0",
        )

    def open(self, device: Device) -> None:
        for scorer in self.inner.values():
            scorer.open(device)

    def weight_bytes(self) -> int:
        return 0

    def prepare(self, request: Request) -> tuple[str, Any]:
        kinds = [part.kind for part in request.candidate() if isinstance(part, Media)]
        kind = kinds[0] if kinds else "text"
        return kind, self.inner[kind].prepare(request)

    def score(self, batch: Sequence[tuple[str, Any]]) -> list[Outcome]:
        """The main value of each, as everything it measures would have other dimensions."""
        found = [self.inner[kind].score([prepared])[0] for kind, prepared in batch]
        return [
            one if one.status != "ok" else Outcome.score(float(next(iter(one.values.values()))))
            for one in found
        ]


@hookimpl
def prefgauge_scorers() -> dict[str, Any]:
    return {"panel": PanelScorer}
