"""Copies between host and device, beside the computation where the device can.

To a CUDA device tensors go from pinned memory on a stream of their own; the stream that computes
waits for them by an event, the host does not. On a CPU the same calls copy nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from prefgauge.registry.meter import part

__all__ = ["Sent", "Transfer", "fetch"]


@dataclass(slots=True)
class Sent:
    """Tensors on their way to a device."""

    tensors: tuple[torch.Tensor, ...]
    event: Any = None

    def here(self) -> tuple[torch.Tensor, ...]:
        """The tensors, for use on the current stream, which waits until they have come."""
        if self.event is not None:
            stream = torch.cuda.current_stream(self.tensors[0].device)
            stream.wait_event(self.event)
            for tensor in self.tensors:
                tensor.record_stream(stream)  # not to be overwritten while it is read there
            self.event = None
        return self.tensors


@dataclass
class Transfer:
    """Sends tensors to one device. Safe to use from a thread beside the one that computes."""

    device: torch.device
    stream: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.device.type == "cuda":
            self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def send(self, *tensors: torch.Tensor) -> Sent:
        """Begin to copy; does not wait for the device."""
        with part("copying"):
            if self.stream is None:
                return Sent(tuple(tensor.to(self.device) for tensor in tensors))
            with torch.cuda.stream(self.stream):
                moved = tuple(
                    tensor.pin_memory().to(self.device, non_blocking=True) for tensor in tensors
                )
                event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record(self.stream)
            return Sent(moved, event)


def fetch(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor on the CPU. The device is waited for first, so that its computing is not
    charged as copying."""
    if tensor.device.type == "cuda":
        torch.cuda.current_stream(tensor.device).synchronize()
    with part("copying"):
        return tensor.cpu()
