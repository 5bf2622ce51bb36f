"""Networks written as plain functions of published tensors, by the tensors' own names.

A published state dict is the contract: a layer that is missing, of another shape or left over
means another network, and its scores would be wrong without anybody noticing. :func:`check` runs
the network once and refuses all three.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from prefgauge.registry import ScorerError, require

__all__ = ["Tensors", "check"]


class Tensors:
    """Named tensors of one network, with the layers that read them.

    Parameters
    ----------
    state: tensor by published name.
    where: the file, for messages; `what`: the network.
    """

    def __init__(self, state: Mapping[str, Any], where: str, what: str) -> None:
        torch: Any = require("torch", "local", what)
        self.f: Any = torch.nn.functional
        self.where, self.what, self.prefix = where, what, ""
        self.state = {name: value for name, value in state.items() if hasattr(value, "shape")}
        self.used: set[str] = set()

    def to(self, device: Any, dtype: Any) -> Tensors:
        """The floating-point tensors on a device, in a number format."""
        self.state = {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in self.state.items()
        }
        return self

    def below(self, prefix: str) -> Tensors:
        """The tensors whose names begin with ``prefix.``; a view."""
        out: Tensors = object.__new__(Tensors)
        out.__dict__.update(self.__dict__)
        out.prefix = f"{self.prefix}{prefix}."
        return out

    def __getitem__(self, name: str) -> Any:
        full = self.prefix + name
        try:
            value = self.state[full]
        except KeyError:
            raise ScorerError(
                f"{self.where}: not the weights of {self.what}: there is no tensor {full!r}."
            ) from None
        self.used.add(full)
        return value

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.state

    def count(self, name: str) -> int:
        """How many layers ``name.0``, ``name.1``... there are."""
        pattern = re.compile(rf"{re.escape(self.prefix + name)}\.(\d+)\.")
        found = {int(match[1]) for key in self.state if (match := pattern.match(key))}
        return max(found) + 1 if found else 0

    def linear(self, name: str, x: Any, bias: bool = True) -> Any:
        """x W^T + b; `bias`: whether there is a b."""
        return self.f.linear(x, self[f"{name}.weight"], self[f"{name}.bias"] if bias else None)

    def layer_norm(self, name: str, x: Any, eps: float = 1e-5) -> Any:
        """Layer normalisation over the last axis."""
        return self.f.layer_norm(x, x.shape[-1:], self[f"{name}.weight"], self[f"{name}.bias"], eps)

    def batch_norm(self, name: str, x: Any, eps: float = 1e-5) -> Any:
        """Batch normalisation with the published running statistics."""
        self.used.add(f"{self.prefix}{name}.num_batches_tracked")
        mean, var = self[f"{name}.running_mean"], self[f"{name}.running_var"]
        return self.f.batch_norm(
            x, mean, var, self[f"{name}.weight"], self[f"{name}.bias"], False, 0.0, eps
        )


def check(tensors: Tensors, run: Callable[[], object], spare: str = r"\Z.") -> None:
    """Run a network once on a small input.

    Parameters
    ----------
    spare: pattern of names that may be left over.

    Raises
    ------
    ScorerError: if tensors are missing, of another shape, or left over.
    """
    try:
        run()
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        text = " ".join(str(error).split())[:200]
        raise ScorerError(
            f"{tensors.where}: not the weights of {tensors.what}: their shapes do not fit ({text})."
        ) from None
    left = sorted(tensors.state.keys() - tensors.used)
    left = [name for name in left if not re.fullmatch(spare, name)]
    if left:
        raise ScorerError(
            f"{tensors.where}: not the weights of {tensors.what}: it has no place for "
            f"{len(left)} tensors ({', '.join(left[:3])}...)."
        )
