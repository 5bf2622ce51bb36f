"""``vqa:MODEL?recipe=NAME``: a picture's score from the probability of an answer.

VQAScore, Q-Align and kin, on any chat model that transformers loads as
``AutoModelForImageTextToText`` (Qwen-VL, LLaVA, InternVL, SmolVLM...).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefgauge.plugins.scorers.image.vqa_recipes import VqaRecipe
from prefgauge.plugins.scorers.reward_models.identity import identify
from prefgauge.plugins.scorers.reward_models.loading import load_model, load_processor
from prefgauge.plugins.scorers.reward_models.torch_device import pick_device, pick_dtype
from prefgauge.registry import (
    Address,
    Device,
    Dimension,
    MediaError,
    Outcome,
    PointwiseScorer,
    Request,
    ScorerCard,
    ScorerError,
    default,
    require,
    text_of,
)
from prefgauge.registry.media import only, read_image
from prefgauge.registry.meter import count, part

__all__ = ["Asked", "VqaScorer", "collate"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question about one picture, as the model takes it.

    Parameters
    ----------
    inputs: the processor's tensors for this request, the forced answer tokens at the end.
    """

    inputs: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        """Length in tokens, those of the picture among them."""
        return int(self.inputs["input_ids"].shape[1])


class VqaScorer(PointwiseScorer[Asked]):
    """Asks about the candidate picture and reads the probabilities of the recipe's answers.

    Address: ``vqa:FOLDER-or-ID?recipe=NAME``. Options:

    recipe: see :mod:`prefgauge.plugins.scorers.image.vqa_recipes`; ``vqascore`` by default.
    dtype, revision, trust_remote_code, pickle: as for ``hf:``.
    """

    batch_cost = 1 << 13
    batch_size = 16

    def __init__(self, address: Address) -> None:
        address.expect("recipe", "dtype", "revision", "trust_remote_code", "pickle")
        self.address = address
        self.recipe: VqaRecipe = default().part(f"vqa-recipe.{address.get('recipe', 'vqascore')}")
        self.source = identify(address.target, address.get("revision", ""), address.scheme)
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"image"}),
            dimensions=(Dimension(scale=self.recipe.scale),),
            fingerprint={
                "model": self.source.identity,
                "recipe": self.recipe.name,
                "question": self.recipe.question,
                "begin": self.recipe.begin,
                "dtype": address.get("dtype", "auto"),
                "version": 1,
            },
            needs=frozenset({"prompt"} if "{}" in self.recipe.question else ()),
            summary=f"{self.recipe.card()} Model: {self.source.identity}.",
            licence=self.recipe.licence,
        )

    def open(self, device: Device) -> None:
        """Load model and processor.

        Raises
        ------
        ScorerError: if they cannot be loaded, or the model's tokens do not tell the recipe's
            answers apart.
        """
        require("PIL", "image", str(self.address))
        self.torch: Any = require("torch", "local", str(self.address))
        self.where = pick_device(device, str(self.address))
        self.dtype = pick_dtype(self.address.get("dtype", ""), device, self.where)
        trust = self.address.get("trust_remote_code", False)
        self.processor = load_processor(self.source, trust)
        self.model = load_model(
            self.source,
            "AutoModelForImageTextToText",
            self.dtype,
            self.where,
            trust=trust,
            pickle=self.address.get("pickle", False),
        )
        self.pad = self.processor.tokenizer.pad_token_id or 0
        self.answers = self._answer_tokens()
        self.short = "logits_to_keep" in inspect.signature(self.model.forward).parameters

    def _answer_tokens(self) -> list[list[int]]:
        """Token numbers of each answer as they follow the words before it."""
        tokenize, begin = self.processor.tokenizer, self.recipe.begin
        before = tokenize(begin, add_special_tokens=False)["input_ids"] if begin else []
        found = []
        for answer in self.recipe.answers:
            whole = tokenize(begin + answer, add_special_tokens=False)["input_ids"]
            if whole[: len(before)] != before or len(whole) == len(before):
                raise ScorerError(
                    f"{self.source.path}: its tokenizer joins {begin!r} and {answer!r}, so the "
                    f"recipe {self.recipe.name} cannot be used with it."
                )
            found.append(list(whole[len(before) :]))
        if len({tokens[0] for tokens in found}) < len(found):
            raise ScorerError(
                f"{self.source.path}: some of the answers {self.recipe.answers} begin with the "
                f"same token, so the recipe {self.recipe.name} cannot tell them apart."
            )
        return found

    def close(self) -> None:
        """Release the weights."""
        self.__dict__.pop("model", None)

    def prepare(self, request: Request) -> Asked:
        """Decode the picture and build the model's inputs."""
        picture = only(request.candidate(), "image")
        text = text_of(request.prompt)
        if "{}" in self.recipe.question and not text.strip():
            raise MediaError("there is no prompt to ask about")
        question = self.recipe.question.replace("{}", text)
        turn = {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": question}],
        }
        shown = self.processor.apply_chat_template(
            [turn], add_generation_prompt=True, tokenize=False
        )
        pil: Any = require("PIL.Image", "image", str(self.address))
        inputs = dict(
            self.processor(
                text=[shown + self.recipe.begin],
                images=[pil.fromarray(read_image(picture))],
                return_tensors="pt",
            )
        )
        forced = self.answers[0][:-1] if self.recipe.worth is None else []
        return Asked(self._extended(inputs, forced))

    def _extended(self, inputs: dict[str, Any], tokens: list[int]) -> dict[str, Any]:
        """The inputs with answer tokens behind, so that one pass gives all their probabilities."""
        shape = inputs["input_ids"].shape
        for name, tensor in inputs.items():
            if tokens and getattr(tensor, "shape", None) == shape:
                fill = {"input_ids": tokens, "attention_mask": [1] * len(tokens)}
                new = self.torch.tensor([fill.get(name, [0] * len(tokens))], dtype=tensor.dtype)
                inputs[name] = self.torch.cat([tensor, new], dim=1)
        return inputs

    def cost(self, prepared: Asked) -> int:
        """Tokens, those of the picture among them."""
        return prepared.tokens

    def score(self, batch: Sequence[Asked]) -> list[Outcome]:
        """One forward pass for the batch; the value of each question."""
        keep = len(self.answers[0]) if self.recipe.worth is None else 1
        with self.torch.inference_mode():
            inputs = collate(self.torch, [asked.inputs for asked in batch], self.pad)
            with part("copying"):
                moved = {name: self._moved(tensor) for name, tensor in inputs.items()}
            tokens = sum(asked.tokens for asked in batch)
            count("tokens", tokens, tokens, inputs["input_ids"].numel())
            extra = {"logits_to_keep": keep} if self.short else {}
            logits = self.model(**moved, **extra).logits[:, -keep:].double()
            return [
                Outcome.score(self._value(row), extra={"tokens": asked.tokens})
                for row, asked in zip(logits, batch)
            ]

    def _moved(self, tensor: Any) -> Any:
        if not hasattr(tensor, "to"):
            return tensor
        if tensor.is_floating_point():
            return tensor.to(self.where, self.dtype)
        return tensor.to(self.where)

    def _value(self, logits: Any) -> float:
        """The recipe's formula on the logits (kept positions, vocabulary)."""
        if self.recipe.worth is None:
            chances = logits.log_softmax(-1)
            steps = [chances[i, token] for i, token in enumerate(self.answers[0])]
            return float(self.torch.stack(steps).mean().exp())
        firsts = logits[-1, [tokens[0] for tokens in self.answers]].softmax(-1)
        worth = self.torch.tensor(self.recipe.worth, dtype=firsts.dtype, device=firsts.device)
        return float(firsts @ worth)


def collate(
    torch: Any, rows: Sequence[Mapping[str, Any]], pad: int, behind: bool = False
) -> dict[str, Any]:
    """One batch from the inputs of single requests: what runs along the tokens is padded in
    front (so that answers end together) or, where nothing is said, `behind`; pictures follow one
    another.

    Raises
    ------
    ScorerError: if pictures have shapes that cannot lie in one batch; the engine then scores
        the requests apart.
    """
    longest = max(row["input_ids"].shape[1] for row in rows)
    out: dict[str, Any] = {}
    for name in rows[0]:
        tensors = [row[name] for row in rows]
        if all(t.shape == row["input_ids"].shape for t, row in zip(tensors, rows)):
            fill = pad if name == "input_ids" else 0
            tensors = [
                torch.nn.functional.pad(
                    t,
                    (0, longest - t.shape[1]) if behind else (longest - t.shape[1], 0),
                    value=fill,
                )
                for t in tensors
            ]
        try:
            out[name] = torch.cat(tensors)
        except RuntimeError as error:
            raise ScorerError(f"pictures of unequal shape in one batch ({error})") from None
    return out
