"""vLLM's offline engine, for large runs on one's own GPUs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from prefgauge.plugins.scorers.judges.backends.base import BatchBackend
from prefgauge.plugins.scorers.judges.backends.choosing import Step, shares_of_steps
from prefgauge.plugins.scorers.judges.backends.encode import messages
from prefgauge.plugins.scorers.judges.talk import Ask, BackendError, Reply
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Modality, Option
from prefgauge.registry.errors import PrefgaugeError, ScorerError, UsageError, require
from prefgauge.registry.scorer import Device

__all__ = ["VllmBackend"]

_WHERE = "judge:vllm"


class VllmBackend(BatchBackend):
    """``judge:vllm#org/model``: one model, choices and JSON by vLLM's structured outputs.

    Needs a machine with vLLM 0.11 or newer, which is installed by itself. Its calls were checked
    against the classes of vLLM 0.11.0 and 0.33.0; the engine itself was never run by the authors.
    """

    options: ClassVar[Mapping[str, str]] = {
        "revision": "branch, tag or commit of a Hub model",
        "dtype": "auto (default), bfloat16, float16 or float32",
        "tensor_parallel": "number of GPUs that share the model (default 1)",
        "memory": "share of GPU memory to use (default 0.9)",
        "max_model_len": "longest prompt and reply (default: the model's)",
        "frames": "frames shown of a video (default 8)",
        "side": "longest side of pictures in pixels (default: as they are)",
    }
    batch_size = 1024
    batch_cost = 1 << 40

    def __init__(self, model: str, address: Address, base: str) -> None:
        super().__init__(model, address, base)
        if not model:
            raise UsageError("A judge needs a model after '#': judge:vllm#org/model.")
        self.frames, self.side = address.get("frames", 8), address.get("side", 0)
        self.source = identify(model, address.get("revision", ""), _WHERE)
        self._vllm: Any = None
        self._engine: Any = None

    @property
    def modalities(self) -> frozenset[Modality]:
        """vLLM is trusted to know what the model takes."""
        return frozenset({"text", "image", "video", "audio", "mesh"})

    def identity(self, models: Sequence[str]) -> dict[str, Option]:
        """The weights' digest or commit, and the number format."""
        return {
            "backend": "vllm",
            "model": self.source.identity,
            "dtype": self.address.get("dtype", "auto"),
            "frames": self.frames,
            "side": self.side,
        }

    def open(self, device: Device, models: Sequence[str]) -> None:
        """Start the engine.

        Raises
        ------
        ScorerError: if further models are asked for (one engine holds one model).
        """
        if any(name and name != self.model for name in models):
            raise ScorerError("The vllm backend holds one model; use an endpoint per model.")
        self._vllm = require("vllm", "vllm", f"The judge {self.model}")
        more: dict[str, Any] = {}
        if length := self.address.get("max_model_len", 0):
            more["max_model_len"] = length
        self._engine = self._vllm.LLM(
            model=self.source.path, revision=self.source.revision,
            dtype=self.address.get("dtype", "auto"),
            tensor_parallel_size=self.address.get("tensor_parallel", 1),
            gpu_memory_utilization=self.address.get("memory", 0.9), **more,
        )  # fmt: skip

    def close(self) -> None:
        """Drop the engine."""
        self._engine = None

    def ask_all(self, asks: Sequence[Ask]) -> list[Reply | BackendError]:
        """All questions in one call; the engine batches them by itself. If it refuses the call
        (one prompt is too long), each is put by itself, so that one alone fails."""
        found: list[Reply | BackendError] = [BackendError("not asked")] * len(asks)
        shown: dict[int, list[dict[str, Any]]] = {}
        for i, ask in enumerate(asks):
            try:
                shown[i] = messages(ask.turns, self.frames, self.side)
            except PrefgaugeError as error:
                found[i] = BackendError(str(error))
        try:
            self._chat(asks, shown, found)
        except ValueError:
            for i, conversation in shown.items():
                try:
                    self._chat(asks, {i: conversation}, found)
                except ValueError as error:
                    found[i] = BackendError(
                        f"vLLM refuses it: {' '.join(str(error).split())[:300]}"
                    )
        return found

    def _chat(
        self,
        asks: Sequence[Ask],
        shown: Mapping[int, list[dict[str, Any]]],
        found: list[Reply | BackendError],
    ) -> None:
        if not shown:
            return
        start = time.perf_counter()
        outputs = self._engine.chat(
            list(shown.values()), [self._sampling(asks[i]) for i in shown], use_tqdm=False
        )
        share = (time.perf_counter() - start) / len(shown)
        for i, output in zip(shown, outputs, strict=True):
            found[i] = _reply(asks[i], output, share)

    def _sampling(self, ask: Ask) -> Any:
        from vllm.sampling_params import StructuredOutputsParams

        rest: dict[str, Any] = {"max_tokens": ask.max_tokens}
        if ask.choices:
            form = StructuredOutputsParams(choice=list(ask.choices))
            rest = {"structured_outputs": form, "logprobs": 20, "max_tokens": 16}
        elif ask.schema is not None:
            rest["structured_outputs"] = StructuredOutputsParams(json=dict(ask.schema))
        return self._vllm.SamplingParams(temperature=ask.temperature, seed=ask.seed, **rest)


def _reply(ask: Ask, output: Any, seconds: float) -> Reply:
    said = output.outputs[0]
    probabilities: tuple[float, ...] = ()
    if ask.choices and said.logprobs:
        probabilities = shares_of_steps(_steps(said), ask.choices)
    return Reply(
        text=said.text, probabilities=probabilities, finish=str(said.finish_reason or ""),
        tokens_in=len(output.prompt_token_ids or ()), tokens_out=len(said.token_ids),
        seconds=seconds,
    )  # fmt: skip


def _steps(said: Any) -> list[Step]:
    """The reply's tokens with the likeliest ones at each place (token number -> Logprob)."""
    steps = []
    for token, place in zip(said.token_ids, said.logprobs):
        own = place[token]  # vLLM always tells of the token that was taken
        tops = [(item.decoded_token or "", float(item.logprob)) for item in place.values()]
        steps.append(Step(own.decoded_token or "", float(own.logprob), tops))
    return steps
