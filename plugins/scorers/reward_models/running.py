"""How a model is run: options that change speed and memory, and never an answer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Running"]


@dataclass(frozen=True, slots=True)
class Running:
    """How to run a model.

    Parameters
    ----------
    way: ``auto``, or ``packed``, ``padded`` or ``single`` to insist on it; see
        :mod:`prefgauge.plugins.scorers.reward_models.backbone`.
    compiled: compile the model's layers with ``torch.compile``, for rows of a few sizes.
    tokens: most tokens of one batch; 0: found by a probe of the device's memory.
    """

    way: str = "auto"
    compiled: bool = False
    tokens: int = 0
