"""Probabilities of choices: against independent forward passes, and from what endpoints tell."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
import tiny_models
from conftest import picture
from test_judge_local import asks, opened

from prefgauge.plugins.scorers.judges.backends.choosing import (
    Step,
    log_weights,
    shares_of_steps,
    starts,
)
from prefgauge.plugins.scorers.judges.talk import Ask, Reply, Turn
from prefgauge.registry import Text

#: no label begins another; one begins another; a chain of three
LABELS = [
    ("A", "B", "C"), ("A>>B", "A>B", "A=B=Good", "B>A"), ("1", "5", "10"),
    ("A=B", "A=B=Good", "A", "B>A"),
]  # fmt: skip


def by_hand(tails: list[list[int]], after) -> list[float]:  # type: ignore[no-untyped-def]
    """P(reply begins with the label and goes on to no longer one), normalised. `after` gives the
    next token's probabilities after the prompt and some tokens of a reply."""
    weights = []
    for tail in tails:
        weight = math.prod(float(after(tail[:n])[token]) for n, token in enumerate(tail))
        longer = {other[len(tail)] for other in tails if other[: len(tail)] == tail != other}
        if longer:
            weight *= 1 - sum(float(after(tail)[token]) for token in longer)
        weights.append(weight)
    return [weight / sum(weights) for weight in weights]


def plain_probabilities(folder: Path, ask: Ask) -> list[float]:
    """One forward pass per start of a label, without padding or cache."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompt = ""
    for turn in ask.turns:
        (part,) = turn.parts
        assert isinstance(part, Text)
        if words.chat_template is None:
            prompt += f"{turn.speaker.capitalize()}: {part.text}\n\n"
        else:
            prompt += f"<|im_start|>{turn.speaker}\n{part.text}<|im_end|>\n"
    prompt += "Assistant: " if words.chat_template is None else "<|im_start|>assistant\n"
    start = words.encode(prompt, add_special_tokens=False)

    def after(reply: list[int]):  # type: ignore[no-untyped-def]
        with torch.no_grad():
            return model(torch.tensor([start + reply])).logits[0, -1].double().softmax(-1)

    return by_hand([words.encode(c, add_special_tokens=False) for c in ask.choices], after)


@pytest.mark.parametrize("choices", LABELS)
def test_llama_choices_equal_an_independent_computation(
    llama: Path, choices: tuple[str, ...]
) -> None:
    questions = asks(choices)
    replies = opened(llama).ask_all(questions)
    for ask, reply in zip(questions, replies):
        assert isinstance(reply, Reply)
        expected = plain_probabilities(llama, ask)
        assert reply.probabilities == pytest.approx(expected, abs=1e-5)
        assert reply.text == choices[max(range(len(choices)), key=expected.__getitem__)]


def test_the_labels_begin_each_other_as_said() -> None:
    """Without that the tests of prefixes would test nothing."""
    words = tiny_models.tokenizer()

    def ids(choice: str) -> list[int]:
        return list(words.encode(choice, add_special_tokens=False))

    assert ids("10")[:1] == ids("1")
    assert ids("A=B=Good")[:3] == ids("A=B")
    assert ids("A=B")[:1] == ids("A")
    assert starts([ids("1"), ids("5"), ids("10")]) == [(), tuple(ids("1"))]


def test_a_prefix_does_not_take_the_whole_mass() -> None:
    """P(1) = .8 of which 9 in 10 go on to 10; P(5) = .1. The chain rule alone would find .8 : .1 :
    .72 and prefer 1; the replies that are just 1 are .08."""
    import torch

    rows = [[1], [5], [1, 0]]
    shares = torch.full((2, 6), 1e-9, dtype=torch.float64)
    shares[0, 1], shares[0, 5], shares[1, 0] = 0.8, 0.1, 0.9
    weights = log_weights(torch, rows, shares.log())
    assert weights.exp().tolist() == pytest.approx([0.08, 0.1, 0.72])
    shares[1, 0] = 1.0  # nothing but 10 is left
    weights = log_weights(torch, rows, shares.log())
    assert weights.softmax(0).tolist() == pytest.approx([0, 0.1 / 0.9, 0.8 / 0.9], abs=1e-9)


def test_learned_positions_do_not_count_padding(tmp_path: Path) -> None:
    folder = tiny_models.gpt2(tmp_path)
    questions = asks(("A", "A=B=Good"))
    for ask, reply in zip(questions, opened(folder).ask_all(questions)):
        assert isinstance(reply, Reply)
        assert reply.probabilities == pytest.approx(plain_probabilities(folder, ask), abs=1e-5)


@pytest.mark.parametrize("choices", LABELS)
def test_qwen_vl_choices_equal_an_independent_computation(
    qwen_vl: Path, choices: tuple[str, ...]
) -> None:
    """Pictures of different sizes in one batch, against the model's own processor and forward,
    one question and one start of a label at a time."""
    import PIL.Image
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    media = [picture(0), picture(1, 140, 28), picture(2, 112, 112)]
    questions = [
        Ask(
            turns=(Turn("user", (Text("Look: "), shown, Text(" Good? " * (7 * n + 1)))),),
            choices=choices,
        )
        for n, shown in enumerate(media)
    ]
    replies = opened(qwen_vl).ask_all(questions)

    processor = AutoProcessor.from_pretrained(qwen_vl)
    model = AutoModelForImageTextToText.from_pretrained(qwen_vl, dtype=torch.float32).eval()
    tails = [processor.tokenizer.encode(c, add_special_tokens=False) for c in choices]
    for n, (shown, reply) in enumerate(zip(media, replies)):
        text = (
            "<|im_start|>user\nLook: <|vision_start|><|image_pad|><|vision_end|>"
            + " Good? " * (7 * n + 1)
            + "<|im_end|>\n<|im_start|>assistant\n"
        )
        image = PIL.Image.open(io.BytesIO(shown.data or b"")).convert("RGB")
        whole = processor(text=[text], images=[image], return_tensors="pt")

        def after(said: list[int], whole=whole):  # type: ignore[no-untyped-def]
            inputs = dict(whole)
            for name, value in whole.items():
                if value.shape == whole["input_ids"].shape:
                    fill = {"input_ids": said, "attention_mask": [1] * len(said)}
                    more = torch.tensor([fill.get(name, [0] * len(said))], dtype=value.dtype)
                    inputs[name] = torch.cat([value, more], 1)
            with torch.no_grad():
                return model(**inputs).logits[0, -1].double().softmax(-1)

        assert isinstance(reply, Reply)
        assert reply.probabilities == pytest.approx(by_hand(tails, after), abs=1e-5)


def step(token: str, *tops: tuple[str, float]) -> Step:
    """A place where `token` was taken; tops with their probabilities."""
    logs = [(text, math.log(p)) for text, p in tops]
    return Step(token, dict(logs)[token], logs)


def test_first_tokens_give_probabilities_of_choices() -> None:
    """0.6 for A and 0.3 for " B"; after the line feed either could follow."""
    told = [step("A", ("A", 0.6), (" B", 0.3), ("\n", 0.1))]
    assert shares_of_steps(told, ("A", "B")) == pytest.approx((2 / 3, 1 / 3))
    # the model would rather say something else
    assert shares_of_steps([step("Well", ("Well", 0.9), ("A", 0.1))], ("A", "B")) == ()
    assert shares_of_steps([], ("A", "B")) == ()


def test_the_reply_is_followed_to_where_labels_part() -> None:
    """A .9, then > .5, >> .3, = .2; B .02 could be either of two. Shares of .9: .45 : .27 : .18."""
    choices = ("A>B", "A>>B", "A=B", "B>A", "B>>A")
    told = [
        step("A", ("A", 0.9), ("B", 0.02)),
        step(">", (">", 0.5), (">>", 0.3), ("=", 0.2)),
        step("B", ("B", 0.999), (">", 0.001)),
    ]
    shares = shares_of_steps(told, choices)
    # after ">" a second ">" leads to A>>B as well
    expected = [0.45 * 0.999, 0.27 + 0.45 * 0.001, 0.18, 0.0, 0.0]
    assert shares == pytest.approx([value / 0.9 for value in expected])
    # with B .3 nobody can tell B>A from B>>A
    assert shares_of_steps([step("A", ("A", 0.6), ("B", 0.3)), *told[1:]], choices) == ()


def test_a_label_that_begins_another_ends_where_the_reply_does() -> None:
    """1 .8; then 0 .25, an end of turn .7, a full stop .05: P(10) = .2, P(1) = .6, P(5) = .1."""
    first = step("1", ("1", 0.8), ("5", 0.1))
    for end in ("", "<|im_end|>", "."):
        told = [first, step(end, (end, 0.75), ("0", 0.25))]
        shares = shares_of_steps(told, ("1", "5", "10"))
        assert shares == pytest.approx((0.6 / 0.9, 0.1 / 0.9, 0.2 / 0.9))
    told = [first, step("0", ("0", 0.25), ("", 0.7), (".", 0.05))]
    assert shares_of_steps(told, ("1", "5", "10")) == pytest.approx(
        (0.6 / 0.9, 0.1 / 0.9, 0.2 / 0.9)
    )
    # the endpoint stopped telling after the 1: it may have been on its way to 10
    assert shares_of_steps([first], ("1", "5", "10")) == ()
    assert shares_of_steps([step("5", ("5", 0.97), ("1", 0.02))], ("1", "5", "10")) == (
        0.0,
        1.0,
        0.0,
    )


def test_no_number_is_no_probability() -> None:
    told = [Step("A", -0.1, [("A", -0.1), ("B", -math.inf), ("A", math.nan)])]
    assert shares_of_steps(told, ("A", "B")) == (1.0, 0.0)
