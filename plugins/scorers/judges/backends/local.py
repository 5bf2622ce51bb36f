"""Models in this process, through transformers."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from prefgauge.plugins.scorers.judges.backends.base import BatchBackend
from prefgauge.plugins.scorers.judges.backends.skeleton import fill
from prefgauge.plugins.scorers.judges.talk import Ask, BackendError, Reply, together
from prefgauge.plugins.scorers.reward_models.identity import ModelSource, identify
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Modality, Option
from prefgauge.registry.errors import PrefgaugeError, ScorerError, UsageError, require
from prefgauge.registry.scorer import Device

__all__ = ["TransformersBackend"]

_WHERE = "judge:transformers"


class TransformersBackend(BatchBackend):
    """A causal or vision-language model: ``judge:transformers#org/model`` or ``#./folder``.

    Replies do not depend on what else is in the batch: greedy decoding, or sampling with a
    random stream of each question's own. Choices are scored by the model's probabilities, JSON
    is filled in under its schema.
    """

    options: ClassVar[Mapping[str, str]] = {
        "revision": "branch, tag or commit of a Hub model",
        "dtype": "float32, bfloat16 or float16 (default: the run's)",
        "batch_tokens": "most tokens of one forward pass, padding included (default 16384)",
        "frames": "frames shown of a video (default 8)",
        "side": "longest side of pictures in pixels (default: as they are)",
        "trust_remote_code": "run the model repository's own code (default false)",
    }

    def __init__(self, model: str, address: Address, base: str) -> None:
        super().__init__(model, address, base)
        if not model:
            raise UsageError("A judge needs a model after '#': judge:transformers#org/model.")
        self.batch_tokens = address.get("batch_tokens", 1 << 14)
        self.frames, self.side = address.get("frames", 8), address.get("side", 0)
        if self.batch_tokens < 1 or self.frames < 1 or self.side < 0:
            raise UsageError("batch_tokens and frames must be at least 1, side at least 0.")
        self.batch_cost = 1 << 20
        self.source = identify(model, address.get("revision", ""), _WHERE)
        self.sees = _has_vision(self.source)
        self._models: dict[str, Any] = {}

    @property
    def modalities(self) -> frozenset[Modality]:
        """Text, and whatever can be shown by pictures if the model has eyes."""
        if self.sees:
            return frozenset({"text", "image", "video", "mesh"})
        return frozenset({"text"})

    def identity(self, models: Sequence[str]) -> dict[str, Option]:
        """Digests of the weights, or commits."""
        others = [identify(name, "", _WHERE).identity for name in models]
        return {
            "backend": "transformers",
            "model": self.source.identity,
            "models": ",".join(others),
            "dtype": self.address.get("dtype", "auto"),
            "frames": self.frames,
            "side": self.side,
        }

    def open(self, device: Device, models: Sequence[str]) -> None:
        """Load all models.

        Raises
        ------
        ScorerError: if one cannot be loaded.
        """
        from prefgauge.plugins.scorers.judges.backends.local_model import LocalModel

        trust = self.address.get("trust_remote_code", False)
        for name in ("", *models):
            source = self.source if not name else identify(name, "", _WHERE)
            if name and source == self.source:
                self._models[name] = self._models[""]
                continue
            self._models[name] = LocalModel(
                source, device, self.address.get("dtype", ""), sees=_has_vision(source),
                trust=trust, frames=self.frames, side=self.side,
            )  # fmt: skip

    def close(self) -> None:
        """Drop the models and give their device memory back."""
        self._models.clear()
        torch: Any = require("torch", "local", "A local judge")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def ask_all(self, asks: Sequence[Ask]) -> list[Reply | BackendError]:
        """Questions with a schema are filled in side by side; the others go straight."""
        found: list[Reply | BackendError] = [BackendError("not asked")] * len(asks)
        plain = [i for i, ask in enumerate(asks) if ask.schema is None or ask.choices]
        for i, reply in zip(plain, self._answer([asks[i] for i in plain])):
            found[i] = reply
        formed = [i for i in range(len(asks)) if i not in set(plain)]
        for i, reply in zip(formed, self._fill([asks[i] for i in formed])):
            found[i] = reply
        return found

    def _fill(self, asks: Sequence[Ask]) -> list[Reply | BackendError]:
        if not asks:
            return []
        talk = together([fill(ask) for ask in asks])
        try:
            wanted = next(talk)
            while True:
                replies = self._answer(wanted)
                errors = [reply for reply in replies if isinstance(reply, BackendError)]
                if errors:
                    talk.close()
                    # one broken question must not take the others with it
                    return [errors[0]] if len(asks) == 1 else [self._fill([a])[0] for a in asks]
                wanted = talk.send([reply for reply in replies if isinstance(reply, Reply)])
        except StopIteration as stop:
            return list(stop.value)

    def _answer(self, asks: Sequence[Ask]) -> list[Reply | BackendError]:
        found: list[Reply | BackendError] = [BackendError("not asked")] * len(asks)
        kinds: dict[tuple[str, bool, int], list[int]] = defaultdict(list)
        for i, ask in enumerate(asks):
            kinds[ask.model, bool(ask.choices), 0 if ask.choices else ask.max_tokens].append(i)
        for (name, choices, _), members in kinds.items():
            model = self._models.get(name)
            if model is None:
                raise ScorerError(f"The judge is not open, or has no model {name!r}.")
            prompts: dict[int, Any] = {}
            for i in members:
                try:
                    prompts[i] = model.prompt(asks[i])
                except PrefgaugeError as error:
                    found[i] = BackendError(str(error))
            for batch in self._batches(prompts, asks):
                start = time.perf_counter()
                work = model.choose if choices else model.generate
                replies = work([asks[i] for i in batch], [prompts[i] for i in batch])
                share = (time.perf_counter() - start) / len(batch)
                for i, reply in zip(batch, replies, strict=True):
                    found[i] = Reply(
                        text=reply.text, probabilities=reply.probabilities, finish=reply.finish,
                        tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, seconds=share,
                        model=model.source.identity,
                    )  # fmt: skip
        return found

    def _batches(self, prompts: dict[int, Any], asks: Sequence[Ask]) -> Iterator[list[int]]:
        """Longest first; a batch costs its longest prompt and reply times its size."""
        sizes = {
            i: prompt.length + (8 * len(asks[i].choices) if asks[i].choices else asks[i].max_tokens)
            for i, prompt in prompts.items()
        }
        batch: list[int] = []
        for i in sorted(sizes, key=lambda i: -sizes[i]):
            if batch and sizes[batch[0]] * (len(batch) + 1) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch


def _has_vision(source: ModelSource) -> bool:
    """Whether the model's configuration has a vision part."""
    path = Path(source.path) / "config.json"
    if source.digest is None:
        hub: Any = require("huggingface_hub", "local", f"{_WHERE}#{source.path}")
        try:
            path = Path(hub.hf_hub_download(source.path, "config.json", revision=source.revision))
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ScorerError(f"{_WHERE}#{source.path}: cannot read its config ({text}).") from None
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ScorerError(f"{path} is no readable configuration ({error}).") from None
    return isinstance(config, dict) and "vision_config" in config
