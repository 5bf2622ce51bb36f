"""What every scorer over a local transformers model has in common: its options, its identity,
and how tokenizer and weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prefgauge.plugins.scorers.reward_models.chat import template_identity
from prefgauge.plugins.scorers.reward_models.encode import Encoder
from prefgauge.plugins.scorers.reward_models.identity import ModelSource, identify
from prefgauge.plugins.scorers.reward_models.loading import (
    length_limit,
    load_model,
    load_tokenizer,
)
from prefgauge.plugins.scorers.reward_models.running import Running
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.registry import Address, Device, UsageError

__all__ = ["COMMON", "LocalModel"]

#: Options that all scorers over a local model take.
COMMON = (
    "dtype",
    "revision",
    "max_length",
    "template",
    "context",
    "trust_remote_code",
    "pickle",
    "way",
    "compile",
    "batch_tokens",
)


@dataclass
class LocalModel:
    """One model of a scorer's address.

    Parameters
    ----------
    address: the scorer's address, whose common options apply.
    target: the model's folder or Hub id; by default the address's target.
    revision: of that model; by default the address's option.
    template: chat template to use where the address names none.
    """

    address: Address
    target: str = ""
    revision: str | None = None
    template: str = "auto"
    source: ModelSource = field(init=False)
    context: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        get = self.address.get
        revision = get("revision", "") if self.revision is None else self.revision
        self.source = identify(self.target or self.address.target, revision, self.address.scheme)
        self.context = tuple(name for name in get("context", "").split(",") if name)
        self.template = get("template", self.template)
        self.running = Running(get("way", "auto"), get("compile", False), get("batch_tokens", 0))
        if self.running.tokens < 0:
            raise UsageError(f"{self.address}: batch_tokens must be above 0.")

    def fingerprint(self) -> dict[str, str | int]:
        """All common facts that change an answer."""
        return {
            "model": self.source.identity,
            "dtype": self.address.get("dtype", "auto"),
            "template": template_identity(self.template),
            "max_length": self.address.get("max_length", 0),
            "context": ",".join(self.context),
        }

    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return load_tokenizer(self.source, self.address.get("trust_remote_code", False))

    def load(self, kind: str, device: Device, **rest: Any) -> Any:
        """The model by the transformers auto class `kind`, on its device."""
        get = self.address.get
        where = pick_device(device, str(self.address))
        return load_model(
            self.source,
            kind,
            pick_dtype(get("dtype", ""), device, where),
            where,
            trust=get("trust_remote_code", False),
            pickle=get("pickle", False),
            **rest,
        )

    def encoder(self, tokenizer: Any, config: Any, **rest: Any) -> Encoder:
        """The encoder for this model's conversations."""
        limit = length_limit(config, tokenizer, self.address.get("max_length", 0))
        return Encoder(tokenizer, self.template, limit, self.context, **rest)
