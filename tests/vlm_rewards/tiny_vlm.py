"""Tiny random Qwen2-VL and Idefics2 models in transformers' own classes, saved as authors publish
them, with pictures and films to show them."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prefgauge.registry import Media, Sample, content
from prefgauge.registry.outcome import Request

av = pytest.importorskip("av")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WIDTH = 32
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{m['role']}}\n{% for c in m['content'] %}"
    "{% if c['type']=='image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif c['type']=='video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{c['text']}}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]


def byte_vocabulary() -> dict[str, int]:
    """The printable stand-ins for the 256 bytes."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    vocab = {chr(byte): number for number, byte in enumerate(shown)}
    return vocab | {chr(256 + n): len(shown) + n for n in range(256 - len(shown))}


def random_weights(model: Any, seed: int) -> Any:
    """Weights as large as trained ones, so that scores differ."""
    make = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=make))
    return model.eval()


def qwen2_vl(folder: Path) -> Any:
    """A Qwen2-VL with its processor, saved in `folder` as the base model."""
    tokens = transformers.Qwen2Tokenizer(
        vocab=byte_vocabulary(), merges=[], unk_token="<|endoftext|>", eos_token="<|im_end|>",
        pad_token="<|endoftext|>", extra_special_tokens=SPECIAL,
    )  # fmt: skip
    transformers.Qwen2VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(patch_size=14, merge_size=2),
        tokenizer=tokens,
        video_processor=transformers.Qwen2VLVideoProcessor(patch_size=14, merge_size=2),
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    ids = {name: tokens.convert_tokens_to_ids(name) for name in SPECIAL}
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = transformers.Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokens), "hidden_size": WIDTH, "intermediate_size": 48,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "rope_parameters": rope,
        },
        vision_config={
            "depth": 2, "embed_dim": WIDTH, "hidden_size": WIDTH, "num_heads": 2, "mlp_ratio": 2,
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )  # fmt: skip
    model = random_weights(transformers.Qwen2VLForConditionalGeneration(config), 1)
    model.save_pretrained(folder)
    return model


def idefics2(folder: Path) -> Any:
    """An Idefics2Model with its processor, saved in `folder` (without a head)."""
    base = transformers.Qwen2Tokenizer(
        vocab=byte_vocabulary(), merges=[], unk_token="<unk>", eos_token="</s>", pad_token="<pad>",
        extra_special_tokens=["<image>", "<fake_token_around_image>", "<end_of_utterance>"],
    )  # fmt: skip
    processor = transformers.Idefics2Processor(
        transformers.Idefics2ImageProcessor(
            size={"shortest_edge": 20, "longest_edge": 28}, do_image_splitting=False
        ),
        base,
        image_seq_len=3,
    )
    processor.save_pretrained(folder)
    config = transformers.Idefics2Config(
        text_config={
            "model_type": "mistral", "vocab_size": len(base), "hidden_size": WIDTH,
            "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "pad_token_id": base.pad_token_id,
        },
        vision_config={
            "hidden_size": WIDTH, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 56, "patch_size": 7,
        },
        perceiver_config={
            "hidden_size": WIDTH, "resampler_n_latents": 3, "resampler_depth": 1,
            "resampler_n_heads": 4, "resampler_head_dim": 8, "num_key_value_heads": 2,
        },
        image_token_id=processor.image_token_id,
    )  # fmt: skip
    config.save_pretrained(folder)
    return random_weights(transformers.Idefics2Model(config), 2)


def pixels(seed: int, size: tuple[int, int]) -> np.ndarray:
    """Smooth random colours, RGB, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(small.resize((size[1], size[0]), Image.Resampling.BICUBIC))


def picture(seed: int, size: tuple[int, int] = (60, 90)) -> Media:
    """A PNG of `size` (height, width)."""
    out = io.BytesIO()
    Image.fromarray(pixels(seed, size)).save(out, "PNG")
    return Media("image", data=out.getvalue(), suffix=".png")


@functools.cache
def film(seed: int, frames: int = 20, rate: int = 8) -> Media:
    """An mp4 of 64 x 48."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1  # with threads no two files are alike
        for number in range(frames):
            shown = av.VideoFrame.from_ndarray(pixels(100 * seed + number, (48, 64)))
            file.mux(stream.encode(shown))
        file.mux(stream.encode())
    return Media("video", data=out.getvalue(), suffix=".mp4")


def request(prompt: str, media: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("bench", sample, (0,))
