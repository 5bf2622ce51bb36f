"""Question scorers on a tiny random Qwen2.5-VL, against a plain forward written out here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prefgauge.plugins.scorers.image.vqa import VqaScorer
from prefgauge.registry import Address, Device, Media, MediaError, Sample, ScorerError, content
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{m['role']}}\n{% for c in m['content'] %}"
    "{% if c['type']=='image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{c['text']}}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]


def tokenizer(words: tuple[str, ...]) -> Any:
    """Byte-level, with the given words as single tokens."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    vocab = {chr(byte): i for i, byte in enumerate(shown)}
    vocab |= {chr(256 + n): len(shown) + n for n in range(len(hidden))}
    merges: list[tuple[str, str]] = []
    for word in words:
        made = word[0].replace(" ", "Ġ")
        for letter in word[1:]:
            merges += [(made, letter)] * ((made, letter) not in merges)
            made += letter
            vocab.setdefault(made, len(vocab))
    return transformers.Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        unk_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=SPECIAL,
    )


def save(path: Path, words: tuple[str, ...]) -> Path:
    tokens = tokenizer(words)
    transformers.Qwen2_5_VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(
            min_pixels=28 * 28, max_pixels=28 * 28 * 16, patch_size=14, merge_size=2
        ),
        tokenizer=tokens,
        video_processor=transformers.Qwen2VLVideoProcessor(),
        chat_template=TEMPLATE,
    ).save_pretrained(path)
    ids = {name: tokens.convert_tokens_to_ids(name) for name in [*SPECIAL, "<|im_end|>"]}
    torch.manual_seed(1)
    model = transformers.Qwen2_5_VLForConditionalGeneration(
        transformers.Qwen2_5_VLConfig(
            text_config={
                "vocab_size": len(tokens),
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "rope_parameters": {
                    "rope_type": "default",
                    "mrope_section": [1, 1, 2],
                    "rope_theta": 10000.0,
                },
                "bos_token_id": ids["<|im_end|>"],
                "eos_token_id": ids["<|im_end|>"],
            },
            vision_config={
                "depth": 2,
                "hidden_size": 32,
                "intermediate_size": 48,
                "num_heads": 2,
                "out_hidden_size": 32,
                "fullatt_block_indexes": [1],
                "window_size": 56,
            },
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ("Yes", "No", " excellent", " good", " fair", " poor", " bad")
    return save(tmp_path_factory.mktemp("vl"), words)


def opened(folder: Path, recipe: str) -> VqaScorer:
    scorer = VqaScorer(Address.parse(f"vqa:{folder}?recipe={recipe}&dtype=float32"))
    scorer.open(Device("cpu"))
    return scorer


def picture(seed: int, size: tuple[int, int]) -> Media:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return Media("image", data=out.getvalue())


def request(prompt: str, media: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("bench", sample, (0,))


PAIRS = [
    ("a cat", picture(1, (60, 90))),
    ("two dogs on a red sofa", picture(2, (40, 40))),
    ("sky", picture(3, (120, 50))),
]


def logits(folder: Path, question: str, begin: str, media: Media) -> Any:
    """Log-probabilities of the next token, and the tokenizer, by transformers alone."""
    processor = transformers.AutoProcessor.from_pretrained(folder)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    text = (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
        f"{question}<|im_end|>\n<|im_start|>assistant\n{begin}"
    )
    image = Image.open(io.BytesIO(media.read()))
    with torch.inference_mode():
        inputs = processor(text=[text], images=[image], return_tensors="pt")
        return model(**inputs).logits[0, -1].double(), processor.tokenizer


def test_vqascore_is_the_probability_of_yes(folder: Path) -> None:
    scorer = opened(folder, "vqascore")
    outcomes = scorer.score([scorer.prepare(request(*pair)) for pair in PAIRS])
    for (prompt, media), outcome in zip(PAIRS, outcomes):
        question = f'Does this figure show "{prompt}"? Please answer yes or no.'
        raw, tokens = logits(folder, question, "", media)
        expected = float(raw.softmax(-1)[tokens.convert_tokens_to_ids("Yes")])
        assert outcome.values["overall"] == pytest.approx(expected, rel=1e-3)


def test_yes_no_is_a_softmax_of_two(folder: Path) -> None:
    scorer = opened(folder, "yes-no")
    (outcome,) = scorer.score([scorer.prepare(request(*PAIRS[0]))])
    question = 'Does this figure show "a cat"? Please answer yes or no.'
    raw, tokens = logits(folder, question, "", PAIRS[0][1])
    yes, no = (float(raw[tokens.convert_tokens_to_ids(word)]) for word in ("Yes", "No"))
    assert outcome.values["overall"] == pytest.approx(1 / (1 + np.exp(no - yes)), rel=1e-4)


def test_qalign_is_the_mean_level(folder: Path) -> None:
    scorer = opened(folder, "qalign")
    (outcome,) = scorer.score([scorer.prepare(request("", PAIRS[1][1]))])
    raw, tokens = logits(
        folder,
        "How would you rate the quality of this image?",
        "The quality of the image is",
        PAIRS[1][1],
    )
    words = ("Ġexcellent", "Ġgood", "Ġfair", "Ġpoor", "Ġbad")
    weights = np.exp([float(raw[tokens.convert_tokens_to_ids(word)]) for word in words])
    expected = (weights / weights.sum()) @ [5, 4, 3, 2, 1]
    assert outcome.values["overall"] == pytest.approx(expected, rel=1e-4)
    assert 1.0 < expected < 5.0


def test_the_batch_does_not_matter(folder: Path) -> None:
    scorer = opened(folder, "qalign")
    prepared = [scorer.prepare(request(*pair)) for pair in PAIRS]
    together = [outcome.values["overall"] for outcome in scorer.score(prepared)]
    alone = [scorer.score([one])[0].values["overall"] for one in prepared]
    assert len({round(value, 6) for value in alone}) == 3
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_an_answer_of_several_tokens_is_a_geometric_mean(tmp_path: Path) -> None:
    folder = save(tmp_path, (" excellent",))  # Y, e and s are tokens of their own here
    scorer = opened(folder, "vqascore")
    assert [len(tokens) for tokens in scorer.answers] == [3]
    (outcome,) = scorer.score([scorer.prepare(request(*PAIRS[0]))])
    question = 'Does this figure show "a cat"? Please answer yes or no.'
    steps = []
    for before, letter in (("", "Y"), ("Y", "e"), ("Ye", "s")):
        raw, tokens = logits(folder, question, before, PAIRS[0][1])
        steps.append(float(raw.log_softmax(-1)[tokens.convert_tokens_to_ids(letter)]))
    assert outcome.values["overall"] == pytest.approx(np.exp(np.mean(steps)), rel=1e-3)
    with pytest.raises(ScorerError, match="same token"):
        opened(folder, "qalign")  # " good", " fair"... all begin with the token of the space


def test_cards_tell_question_formula_and_model(folder: Path) -> None:
    card = opened(folder, "qalign").card
    assert "Question: 'How would you rate the quality of this image?'" in card.summary
    assert "mean of [5.0, 4.0, 3.0, 2.0, 1.0] under a softmax" in card.summary
    assert str(card.fingerprint["model"]) in card.summary
    assert "geometric mean" in opened(folder, "vqascore").card.summary


def test_what_cannot_be_asked_is_refused(folder: Path) -> None:
    with pytest.raises(MediaError, match="no prompt"):
        opened(folder, "vqascore").prepare(request("", PAIRS[0][1]))
    assert opened(folder, "qalign").card.needs == frozenset()
    with pytest.raises(ScorerError, match="no such folder"):
        VqaScorer(Address.parse("vqa:./gone"))
