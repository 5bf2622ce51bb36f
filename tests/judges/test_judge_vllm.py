"""The calls of the vllm backend against the installed vLLM's own signatures and classes.

vLLM's engine needs a GPU. What stands in for it here binds every call to the signatures of the
real ``LLM`` and answers with the real output classes, filled in by a tiny model; sampling
parameters are the real ones and check themselves.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import picture, request, text_sample

from prefgauge.plugins.scorers.judges.deciding import say
from prefgauge.plugins.scorers.judges.talk import Ask, BackendError, Reply, Turn
from prefgauge.registry import Address, Device, Text
from prefgauge.registry.discovery import default

vllm = pytest.importorskip("vllm", reason="vLLM is not installed here")


def engine_class() -> type:
    """A stand-in for the engine, bound to the real one's signatures."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from vllm.entrypoints.llm import LLM
    from vllm.logprobs import Logprob
    from vllm.outputs import CompletionOutput, RequestOutput
    from vllm.sampling_params import SamplingParams

    class Engine:
        calls: ClassVar[list[int]] = []

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            bound = inspect.signature(LLM.__init__).bind(self, *args, **kwargs)
            extra = bound.arguments.get("kwargs", {})
            assert set(extra) <= {"max_model_len"}  # EngineArgs' own
            folder = bound.arguments["model"]
            assert bound.arguments.get("revision") is None  # a folder
            self.words = AutoTokenizer.from_pretrained(folder)
            self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
            self.limit = extra.get("max_model_len", 4096)

        def chat(self, *args: Any, **kwargs: Any) -> list[Any]:
            bound = inspect.signature(LLM.chat).bind(self, *args, **kwargs).arguments
            many = list(zip(bound["messages"], bound["sampling_params"], strict=True))
            Engine.calls.append(len(many))
            more = bound.get("add_generation_prompt", True)  # the real default
            prompts = [
                self.words.apply_chat_template(
                    _plain(m), tokenize=False, add_generation_prompt=more
                )
                for m, _ in many
            ]
            ids = [self.words(prompt)["input_ids"] for prompt in prompts]
            if any(len(one) > self.limit for one in ids):
                raise ValueError(f"The decoder prompt is longer than the maximum of {self.limit}.")
            return [self._answer(one, params) for one, (_, params) in zip(ids, many)]

        def _answer(self, ids: list[int], params: Any) -> Any:
            assert isinstance(params, SamplingParams)
            form = params.structured_outputs
            choices = form.choice if form is not None else None
            said: list[int] = []
            places: list[dict[int, Any]] = []
            left = [self.words.encode(c, add_special_tokens=False) for c in choices or ()]
            while len(said) < params.max_tokens:
                with torch.no_grad():
                    logits = self.model(torch.tensor([ids + said])).logits[0, -1]
                shares = logits.float().log_softmax(-1)
                allowed = None
                if choices:
                    left = [c for c in left if c[: len(said)] == said]
                    nexts = {c[len(said)] if len(c) > len(said) else self.end for c in left}
                    allowed = sorted(nexts)
                best = int(shares.argmax()) if allowed is None else max(
                    allowed, key=lambda token: float(shares[token])
                )  # fmt: skip
                tops = [*shares.topk(params.logprobs or 1).indices.tolist(), best]
                if choices:  # a random model spreads itself too thin for twenty tokens; a
                    # label with a space before it counts for the label, in process it does not
                    whole = range(len(shares))
                    tops = [t for t in whole if (w := self.words.decode([t])) == w.strip()]
                places.append(
                    {
                        t: Logprob(float(shares[t]), None, self.words.decode([t]))
                        for t in dict.fromkeys(tops)
                    }
                )
                said.append(best)
                if best == self.end:
                    break
            text = self.words.decode(said, skip_special_tokens=True)
            reason = "stop" if said[-1] == self.end else "length"
            logprobs = places if params.logprobs is not None else None
            output = CompletionOutput(0, text, said, None, logprobs, finish_reason=reason)
            return RequestOutput("1", None, ids, None, [output], True)

        @property
        def end(self) -> int:
            return int(self.words.eos_token_id)

    return Engine


def _plain(conversation: list[dict[str, Any]]) -> list[dict[str, str]]:
    out = []
    for message in conversation:
        content = message["content"]
        if not isinstance(content, str):
            kinds = {"text": lambda p: p["text"], "image_url": lambda p: p["image_url"]["url"][:20]}
            content = "".join(kinds[part["type"]](part) for part in content)
        out.append({"role": message["role"], "content": content})
    return out


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = engine_class()
    monkeypatch.setattr(vllm, "LLM", made, raising=False)
    return made


def opened(folder: Path, options: str = "") -> Any:
    address = Address.parse(f"judge:vllm#{folder}{options}")
    backend = default().part("judge-backend.vllm")(str(folder), address, "vllm")
    backend.open(Device("cpu"), ())
    return backend


def test_choices_json_and_text(engine: Any, llama: Path) -> None:
    schema = {"type": "object", "properties": {"v": {"type": "string"}}, "required": ["v"]}
    turns = (say("system", "You judge."), say("user", "Which is better?"))
    backend = opened(llama, "?max_model_len=500&dtype=float32&memory=0.5&tensor_parallel=1")
    asks = [
        Ask(turns=turns, choices=("A>B", "B>A", "A=B=Good")),
        Ask(turns=turns, max_tokens=5, temperature=0.7, seed=3),
        Ask(turns=turns, schema=schema, max_tokens=5),
        Ask(turns=(Turn("user", (Text("Look:"), picture(0))),), max_tokens=5),
    ]
    replies = backend.ask_all(asks)
    assert all(isinstance(reply, Reply) for reply in replies)
    assert replies[0].text in asks[0].choices
    assert replies[0].finish == "stop"
    assert replies[1].finish in {"stop", "length"}
    assert replies[0].tokens_in > 10
    assert engine.calls == [4]


def test_choice_probabilities_equal_the_model_in_process(
    engine: Any, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that part at their first token."""
    place = "prefgauge.plugins.scorers.judges.backends.choosing._LEAST_MASS"
    monkeypatch.setattr(place, 0.0)  # a random model puts little on any choice
    near = default().part("judge-backend.transformers")(
        str(llama), Address.parse(f"judge:transformers#{llama}"), "transformers"
    )
    near.open(Device("cpu"), ())
    ask = Ask(turns=(say("user", "Which is better?"),), choices=("A", "B", "C"))
    (far,), (here,) = opened(llama).ask_all([ask]), near.ask_all([ask])
    assert far.probabilities == pytest.approx(here.probabilities, abs=1e-5)


def test_one_prompt_too_long_fails_alone(engine: Any, llama: Path) -> None:
    asks = [Ask(turns=(say("user", "word " * n),), max_tokens=3) for n in (3, 3000, 4)]
    replies = opened(llama, "?max_model_len=500").ask_all(asks)
    assert [isinstance(reply, Reply) for reply in replies] == [True, False, True]
    assert isinstance(replies[1], BackendError)
    assert "vLLM refuses it" in str(replies[1])


def test_a_whole_judge(engine: Any, llama: Path) -> None:
    judge: Any = default().scorer(f"judge:vllm#{llama}?answer=choice&protocol=pairwise-tie")
    judge.open(Device("cpu"))
    (outcome,) = judge.score([judge.prepare(request("pairwise", text_sample()))])
    judge.close()
    assert outcome.status == "ok"
