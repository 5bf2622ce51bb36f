"""One transformers model: prompts, choices by probability, and text."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.judges.backends.choosing import log_weights, starts
from prefgauge.plugins.scorers.judges.backends.encode import pictures
from prefgauge.plugins.scorers.judges.backends.sampling import Draw, Sampler
from prefgauge.plugins.scorers.judges.talk import Ask, Reply, Turn
from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.plugins.scorers.reward_models.loading import load_model, load_tokenizer, quiet
from prefgauge.plugins.scorers.reward_models.torch_device import (
    pick_device,
    pick_dtype,
    torch_module,
)
from prefgauge.registry.content import Text
from prefgauge.registry.errors import ScorerError, require
from prefgauge.registry.scorer import Device

__all__ = ["LocalModel", "Prompt"]

_BREAK = "\u2060"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A tokenised prompt: the model's inputs, one row each; `length` in tokens."""

    inputs: dict[str, Any]
    length: int


class LocalModel:
    """A model with its tokenizer, or its processor if it sees.

    Parameters
    ----------
    source: which model.
    sees: it has a vision part.
    frames, side: how videos and pictures are shown.
    """

    def __init__(
        self,
        source: ModelSource,
        device: Device,
        dtype: str,
        *,
        sees: bool,
        trust: bool = False,
        frames: int = 8,
        side: int = 0,
    ) -> None:
        self.source, self.sees, self.frames, self.side = source, sees, frames, side
        self.torch = torch_module("A local judge")
        where = pick_device(device, "A local judge")
        kind = "AutoModelForImageTextToText" if sees else "AutoModelForCausalLM"
        self.model = load_model(source, kind, pick_dtype(dtype, device, where), where, trust=trust)
        self.processor = self._load_processor(trust) if sees else None
        self.tokenizer = (
            self.processor.tokenizer if self.processor else load_tokenizer(source, trust)
        )
        added = self.tokenizer.get_added_vocab()
        self._marks = sorted({*added, *self.tokenizer.all_special_tokens}, key=len, reverse=True)
        self._limit = self._positions()
        self._takes = frozenset(inspect.signature(self.model.forward).parameters)

    def _load_processor(self, trust: bool) -> Any:
        transformers: Any = require("transformers", "local", "A local judge")
        try:
            with quiet():
                return transformers.AutoProcessor.from_pretrained(
                    self.source.path,
                    revision=self.source.revision or "main",
                    trust_remote_code=trust,
                )
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise ScorerError(
                f"{self.source.path}: the processor cannot be loaded: {text}"
            ) from None

    def _positions(self) -> int | None:
        config = self.model.config.get_text_config()
        most = getattr(config, "max_position_embeddings", None)
        return int(most) if isinstance(most, int) and most > 0 else None

    def prompt(self, ask: Ask) -> Prompt:
        """The ask's conversation as model inputs, ready for the reply.

        Raises
        ------
        ScorerError: if the template refuses it, or prompt and reply exceed the model's positions.
        MediaError: if media cannot be read.
        """
        text, images = self._render(ask.turns)
        text += ask.prefill
        if self.processor is not None:
            inputs = dict(
                self.processor(
                    text=[text],
                    images=images or None,
                    return_tensors="pt",
                    add_special_tokens=False,
                )
            )
        else:
            inputs = dict(self.tokenizer(text, return_tensors="pt", add_special_tokens=False))
            inputs.pop("token_type_ids", None)
        length = int(inputs["input_ids"].shape[1])
        reply = 16 if ask.choices else ask.max_tokens
        if self._limit is not None and length + reply > self._limit:
            raise ScorerError(
                f"the prompt has {length} tokens and the reply may have {reply}; the model has "
                f"{self._limit} positions. Lower max_tokens, or choose a model with a longer context."
            )
        return Prompt(inputs, length)

    def choose(self, asks: Sequence[Ask], prompts: Sequence[Prompt]) -> list[Reply]:
        """The likeliest choice of each ask, with the probabilities of all.

        A choice's weight is the product of its tokens' probabilities right after the prompt, and
        that of not going on where it begins another (see :mod:`.choosing`); the weights are
        normalised over the choices.
        """
        torch = self.torch
        rows = [[self._choice_ids(choice) for choice in ask.choices] for ask in asks]
        begun = [starts(ids) for ids in rows]
        if all(len(nodes) == 1 for nodes in begun):
            logits = self._logits(prompts, [[] for _ in prompts], 1)[:, -1]
            found = [logits[n : n + 1] for n in range(len(asks))]
        else:
            found = [
                self._logits([prompt] * len(nodes), [list(node) for node in nodes], 1)[:, -1]
                for prompt, nodes in zip(prompts, begun)
            ]
        replies = []
        for ask, prompt, ids, logits in zip(asks, prompts, rows, found):
            weights = log_weights(torch, ids, torch.log_softmax(logits.double(), -1))
            known = torch.softmax(weights, 0).tolist()
            best = max(range(len(known)), key=known.__getitem__)
            replies.append(
                Reply(
                    text=ask.choices[best], probabilities=tuple(known), finish="stop",
                    tokens_in=prompt.length, tokens_out=len(ids[best]),
                )
            )  # fmt: skip
        return replies

    def generate(self, asks: Sequence[Ask], prompts: Sequence[Prompt]) -> list[Reply]:
        """Free text: greedy at temperature 0, else sampled with each ask's own random stream."""
        transformers: Any = require("transformers", "local", "A local judge")
        torch = self.torch
        own = self.model.generation_config
        stop = own.eos_token_id if own.eos_token_id is not None else self.tokenizer.eos_token_id
        stops = set(stop if isinstance(stop, list) else [] if stop is None else [stop])
        config = transformers.GenerationConfig(
            do_sample=False, max_new_tokens=asks[0].max_tokens, eos_token_id=list(stops) or None,
            pad_token_id=self._pad(),
        )  # fmt: skip
        batch = self._collate(prompts, [[] for _ in prompts])
        draws = [Draw(torch, ask) if ask.temperature > 0 else None for ask in asks]
        with torch.inference_mode(), quiet():
            out = self.model.generate(
                **batch, generation_config=config,
                logits_processor=transformers.LogitsProcessorList([Sampler(draws)]),
            )  # fmt: skip
        width = batch["input_ids"].shape[1]
        replies = []
        for prompt, row in zip(prompts, out[:, width:].tolist(), strict=True):
            end = next((n for n, token in enumerate(row) if token in stops), None)
            said = row if end is None else row[:end]
            replies.append(
                Reply(
                    text=self.tokenizer.decode(said, skip_special_tokens=True),
                    finish="length" if end is None else "stop", tokens_in=prompt.length,
                    tokens_out=len(said) + (end is not None),
                )
            )  # fmt: skip
        return replies

    def _logits(self, prompts: Sequence[Prompt], tails: Sequence[list[int]], keep: int) -> Any:
        """Logits of the last `keep` positions, shape (rows, keep, vocabulary)."""
        batch = self._collate(prompts, tails)
        if "position_ids" in self._takes and not self.sees:
            # models with learned positions must not count the padding
            batch["position_ids"] = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
        if "logits_to_keep" in self._takes:
            batch["logits_to_keep"] = keep
        with self.torch.inference_mode():
            return self.model(**batch, use_cache=False).logits[:, -keep:]

    def _collate(self, prompts: Sequence[Prompt], tails: Sequence[list[int]]) -> dict[str, Any]:
        """Rows padded on the left; whatever is not per token (pixels, grids) is concatenated."""
        torch = self.torch
        width = max(prompt.length + len(tail) for prompt, tail in zip(prompts, tails))
        fills = {"input_ids": self._pad(), "attention_mask": 0}
        columns: dict[str, list[Any]] = {}
        for prompt, tail in zip(prompts, tails):
            for name, value in prompt.inputs.items():
                if tuple(value.shape[:2]) == (1, prompt.length) and value.dim() == 2:
                    ends = {"input_ids": tail, "attention_mask": [1] * len(tail)}
                    end = torch.tensor([ends.get(name, [0] * len(tail))], dtype=value.dtype)
                    lead = width - prompt.length - len(tail)
                    start = torch.full((1, lead), fills.get(name, 0), dtype=value.dtype)
                    value = torch.cat([start, value, end], 1)
                columns.setdefault(name, []).append(value)
        batch = {name: torch.cat(values).to(self.model.device) for name, values in columns.items()}
        return {
            name: value.to(self.model.dtype) if value.is_floating_point() else value
            for name, value in batch.items()
        }

    def _choice_ids(self, choice: str) -> list[int]:
        ids = self.tokenizer(choice, add_special_tokens=False)["input_ids"]
        if not ids:
            raise ScorerError(f"the tokenizer makes nothing of the choice {choice!r}")
        return [int(token) for token in ids]

    def _pad(self) -> int:
        for token in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        return 0

    def _render(self, turns: Sequence[Turn]) -> tuple[str, list[Any]]:
        images: list[Any] = []
        shown = [self._message(turn, images) for turn in turns]
        engine = self.processor if self.processor is not None else self.tokenizer
        if getattr(engine, "chat_template", None) is None:
            if images:
                raise ScorerError("the model has no chat template, so it cannot be shown pictures")
            return _plain(shown), images
        try:
            return self._template(engine, shown), images
        except Exception as error:
            try:
                return self._template(engine, _folded(shown)), images
            except Exception:
                text = " ".join(str(error).split())[:200]
                raise ScorerError(f"the chat template refuses the conversation: {text}") from None

    @staticmethod
    def _template(engine: Any, shown: list[dict[str, Any]]) -> str:
        return str(engine.apply_chat_template(shown, tokenize=False, add_generation_prompt=True))

    def _message(self, turn: Turn, images: list[Any]) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        for part in turn.parts:
            if isinstance(part, Text):
                content.append({"type": "text", "text": self._harmless(part.text)})
            elif not self.sees or part.kind == "audio":
                raise ScorerError(f"the model cannot be shown: {part.kind}")
            else:
                for image in pictures(part, self.frames, self.side):
                    images.append(image)
                    content.append({"type": "image"})
        if not self.sees:
            return {"role": turn.speaker, "content": "".join(c["text"] for c in content)}
        return {"role": turn.speaker, "content": content}

    def _harmless(self, text: str) -> str:
        """Text in which none of this tokenizer's own marks stands whole."""
        for mark in self._marks:
            if len(mark) > 1 and mark in text:
                text = text.replace(mark, mark[0] + _BREAK + mark[1:])
        return text


def _plain(shown: Sequence[dict[str, Any]]) -> str:
    """For models without a chat template: speakers as headings."""
    lines = []
    for message in shown:
        content = message["content"]
        if not isinstance(content, str):
            content = "".join(part.get("text", "") for part in content)
        lines.append(f"{message['role'].capitalize()}: {content}")
    return "\n\n".join(lines) + "\n\nAssistant: "


def _folded(shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The system message put in front of the first user message."""
    system, first, *rest = shown
    if isinstance(first["content"], str):
        content: Any = f"{system['content']}\n\n{first['content']}"
    else:
        content = [*system["content"], {"type": "text", "text": "\n\n"}, *first["content"]]
    return [{"role": "user", "content": content}, *rest]
