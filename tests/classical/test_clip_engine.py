"""The CLIP engine on a tiny random model, against computations written apart from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prefgauge.plugins.scorers.image.clip import ClipScorer
from prefgauge.plugins.scorers.image.clip_pixels import PixelSettings, pixels
from prefgauge.plugins.scorers.image.clip_weights import from_open_clip, linear_head
from prefgauge.registry import (
    Address,
    Device,
    Media,
    MediaError,
    Sample,
    ScorerError,
    UnknownName,
    UsageError,
    content,
)
from prefgauge.registry.outcome import Request
from prefgauge.runners.engine import Engine, Pending

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WIDTH, LAYERS, HEADS, OUT = 32, 2, 4, 24


def byte_symbols() -> list[str]:
    """The printable stand-ins for the 256 bytes that byte-level vocabularies use."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    symbols = {byte: chr(byte) for byte in shown}
    symbols |= {byte: chr(256 + number) for number, byte in enumerate(hidden)}
    return [symbols[byte] for byte in [*shown, *hidden]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIPModel with random weights, saved as a Hub model is."""
    path = tmp_path_factory.mktemp("clip")
    symbols = byte_symbols()
    vocab = {s: i for i, s in enumerate([*symbols, *(s + "</w>" for s in symbols)])}
    vocab |= {"<|startoftext|>": 512, "<|endoftext|>": 513}
    transformers.CLIPTokenizer(vocab=vocab, merges=[]).save_pretrained(path)
    transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(path)
    shared = {
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    }
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config={
            **shared,
            "vocab_size": 514,
            "max_position_embeddings": 40,
            "bos_token_id": 512,
            "eos_token_id": 513,
            "pad_token_id": 513,
        },
        vision_config={**shared, "image_size": 32, "patch_size": 8},
        projection_dim=OUT,
    )
    model = transformers.CLIPModel(config)
    with torch.no_grad():  # weights as large as trained ones, so that scores differ
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.25)
    model.save_pretrained(path)
    return path


def picture(seed: int, size: tuple[int, int] = (50, 41)) -> Media:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
    out = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
    return Media("image", data=out.getvalue())


def request(prompt: Any, candidate: Any) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(candidate),), labels=())
    return Request("bench", sample, (0,))


def opened(folder: Path, query: str = "") -> ClipScorer:
    scorer = ClipScorer(Address.parse(f"clip:{folder}?dtype=float32{query}"))
    scorer.open(Device("cpu"))
    return scorer


def run(scorer: ClipScorer, *pairs: tuple[Any, Any]) -> list[float]:
    prepared = [scorer.prepare(request(*pair)) for pair in pairs]
    return [outcome.values["overall"] for outcome in scorer.score(prepared)]


def plain(folder: Path, prompt: str, media: Media) -> tuple[float, float]:
    """Cosine and logit of one pair by transformers alone, with its own processor (Pillow's
    bicubic, where it has that backend) and its own forward."""
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)([prompt], return_tensors="pt")
    image = Image.open(io.BytesIO(media.read()))
    settings = PixelSettings(32, 32, tuple(CLIP_MEAN), tuple(CLIP_STD))
    batch = torch.from_numpy(pixels(np.asarray(image.convert("RGB")), settings))[None]
    with torch.inference_mode():
        out = model(**tokens, pixel_values=batch)
    return float((out.image_embeds * out.text_embeds).sum()), float(out.logits_per_image[0, 0])


CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def test_pixels_are_those_of_transformers(folder: Path) -> None:
    """CLIPImageProcessor with Pillow; torchvision's own, on tensors, for the tensor resize."""
    import torchvision.transforms.v2.functional as functional

    image = Image.open(io.BytesIO(picture(1, (90, 60)).read()))
    rgb = np.asarray(image)
    ours = pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD))
    theirs = transformers.CLIPImageProcessor.from_pretrained(folder)(image, return_tensors="np")
    # its backend may be torchvision on 8 bits: within two grey levels of Pillow
    assert np.abs(ours - theirs["pixel_values"][0]).max() < 2.1 / 255 / min(CLIP_STD)
    tensor = functional.to_dtype(functional.pil_to_tensor(image), torch.float32, scale=True)
    resized = functional.resize(
        tensor, [32], interpolation=functional.InterpolationMode.BICUBIC, antialias=True
    )
    left = (resized.shape[2] - 32) // 2
    expected = functional.normalize(resized[:, :, left : left + 32], CLIP_MEAN, CLIP_STD)
    got = pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD, "tensor"))
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)


def test_formulas_follow_the_recipes(folder: Path) -> None:
    media, prompt = picture(2), "a red fox"
    cosine, logit = plain(folder, prompt, media)
    assert run(opened(folder), (prompt, media)) == pytest.approx([cosine], abs=1e-5)
    assert run(opened(folder, "&recipe=pickscore"), (prompt, media)) == pytest.approx(
        [logit], abs=1e-4
    )
    photo, _ = plain(folder, f"A photo depicts {prompt}", media)
    assert run(opened(folder, "&recipe=clipscore"), (prompt, media)) == pytest.approx(
        [2.5 * max(photo, 0.0)], abs=1e-5
    )
    good, bad = (plain(folder, text, media)[1] for text in ("Good photo.", "Bad photo."))
    expected = np.exp(good) / (np.exp(good) + np.exp(bad))
    assert run(opened(folder, "&recipe=antonym"), (prompt, media)) == pytest.approx(
        [expected], abs=1e-4
    )


def test_scores_do_not_depend_on_the_batch(folder: Path) -> None:
    pairs = [
        (prompt, picture(seed))
        for prompt in ("a", "a longer prompt, with words", "Ünïcode 猫")
        for seed in (3, 4)
    ]
    scorer = opened(folder)
    together = run(scorer, *pairs)
    alone = [run(opened(folder), pair)[0] for pair in pairs]
    assert len({round(value, 6) for value in together}) == 6
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(run(scorer, *reversed(pairs)), together[::-1], atol=1e-6)


def test_each_text_and_picture_is_encoded_once(folder: Path) -> None:
    scorer, seen = opened(folder), []
    for name in ("_encode_images", "_encode_texts"):
        method = getattr(scorer, name)

        def counting(items: list[Any], method: Any = method, name: str = name) -> Any:
            seen.append((name, len(items)))
            return method(items)

        counting.__name__ = name
        setattr(scorer, name, counting)
    one, two = picture(5), picture(6)
    run(scorer, ("same", one), ("same", two), ("other", one))
    run(scorer, ("same", two))
    assert seen == [("_encode_images", 2), ("_encode_texts", 2)]


def test_a_run_encodes_each_text_and_picture_once(folder: Path) -> None:
    """Rows that pass the towers, by hooks on the towers, over many batches and windows."""
    scorer, rows = opened(folder), {"images": 0, "texts": 0}

    def counting(kind: str) -> Any:
        def hook(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
            given = next(iter([*args, *kwargs.values()]))
            rows[kind] += len(given)

        return hook

    for kind, tower in (
        ("images", scorer.model.vision_model),
        ("texts", scorer.model.text_model),
    ):
        tower.register_forward_pre_hook(counting(kind), with_kwargs=True)
    scorer.batch_size = 3
    pictures = [picture(20), picture(21), picture(22)]
    pairs = [(f"prompt {n % 4}", pictures[n % 3]) for n in range(12)] * 2
    items = [Pending(request(*pair), bytes([n])) for n, pair in enumerate(pairs)]
    engine = Engine(scorer, Device("cpu"))
    engine.open = lambda: setattr(engine, "_budget", 1000)  # type: ignore[method-assign]
    answers = [a for part in engine.answer([items[:10], items[10:]]) for a in part]
    assert all(answer.outcome.status == "ok" for answer in answers)
    assert len(answers) == 24
    assert engine.batches >= 8
    assert rows == {"images": 3, "texts": 4}
    counts = engine.meter.counts
    assert (counts["images"].nominal, counts["images"].unique) == (24, 3)
    assert (counts["texts"].nominal, counts["texts"].unique) == (24, 4)
    # by hand: two layers of four 32 x 32 and two 32 x 48; 4 x 4 patches of 3 x 8 x 8 and a class
    layers = 2 * (4 * WIDTH**2 + 2 * WIDTH * 48)
    look = 2 * (layers + WIDTH * 3 * 8 * 8) * 17 + 4 * LAYERS * WIDTH * 17**2
    lengths = [len(scorer.prepare(item.request).ids[0]) for item in items[:4]]
    read = sum(2 * layers * n + 4 * LAYERS * WIDTH * n * n / 2 for n in lengths)
    assert engine.meter.flops == 3 * look + read
    scorer.close()


def test_a_caption_may_be_the_candidate(folder: Path) -> None:
    media = picture(7)
    turned = opened(folder, "&captions=true")
    assert run(turned, (media, "a boat")) == run(opened(folder), ("a boat", media))
    assert turned.card.modalities == {"text"}


def test_long_texts_are_cut_and_say_so(folder: Path) -> None:
    scorer = opened(folder)
    prepared = scorer.prepare(request("x" * 60, picture(8)))
    (outcome,) = scorer.score([prepared])
    assert len(prepared.ids[0]) == 40
    assert prepared.ids[0][-1] == 513
    assert outcome.extra == {"truncated": 22}  # 60 letters and two marks, less 40


def test_the_aesthetic_head_is_a_stack_of_linear_layers(folder: Path, tmp_path: Path) -> None:
    layers = torch.nn.Sequential(
        torch.nn.Linear(OUT, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 3), torch.nn.Linear(3, 1)
    )
    path = tmp_path / "head.pth"
    torch.save({f"layers.{k}": v for k, v in layers.state_dict().items()}, path)
    (got,) = run(opened(folder, f"&recipe=aesthetic&head={path}"), ("", picture(9)))
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    settings = PixelSettings(32, 32, CLIP_MEAN, CLIP_STD)
    rgb = np.asarray(Image.open(io.BytesIO(picture(9).read())))
    with torch.inference_mode():
        out = model.get_image_features(torch.from_numpy(pixels(rgb, settings))[None])
        out = getattr(out, "pooler_output", out)
        expected = float(layers.eval()(out / out.norm()))
    assert got == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ScorerError, match="no stack of linear layers"):
        linear_head({"a.weight": torch.zeros(2, 3)})


class OpenClipTower(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A transformer as OpenCLIP writes it: torch's own attention, GELU of the exact kind."""

    def __init__(self, state: dict[str, Any], prefix: str) -> None:
        super().__init__()
        self.state, self.prefix = state, prefix

    def forward(self, x: Any, mask: Any = None) -> Any:
        for layer in range(LAYERS):
            p = {
                k.removeprefix(f"{self.prefix}transformer.resblocks.{layer}."): v
                for k, v in self.state.items()
            }
            attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
            attention.load_state_dict(
                {k.removeprefix("attn."): v for k, v in p.items() if k.startswith("attn.")}
            )
            norm = torch.nn.functional.layer_norm
            y = norm(x, (WIDTH,), p["ln_1.weight"], p["ln_1.bias"])
            x = x + attention(y, y, y, attn_mask=mask, need_weights=False)[0]
            y = norm(x, (WIDTH,), p["ln_2.weight"], p["ln_2.bias"])
            y = torch.nn.functional.linear(y, p["mlp.c_fc.weight"], p["mlp.c_fc.bias"])
            y = y * torch.sigmoid(1.702 * y)  # QuickGELU, as this model's configuration says
            x = x + torch.nn.functional.linear(y, p["mlp.c_proj.weight"], p["mlp.c_proj.bias"])
        return x


def open_clip_state() -> dict[str, Any]:
    """A random state dict with OpenCLIP's names and shapes."""
    make = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> Any:
        return 0.25 * torch.randn(*shape, generator=make)

    state = {
        "positional_embedding": draw(40, WIDTH),
        "token_embedding.weight": draw(514, WIDTH),
        "text_projection": draw(WIDTH, OUT),
        "visual.class_embedding": draw(WIDTH),
        "visual.positional_embedding": draw(17, WIDTH),
        "visual.conv1.weight": draw(WIDTH, 3, 8, 8),
        "visual.proj": draw(WIDTH, OUT),
        "logit_scale": torch.tensor(2.0),
    }
    for name in ("ln_final", "visual.ln_pre", "visual.ln_post"):
        state |= {f"{name}.weight": 1 + draw(WIDTH), f"{name}.bias": draw(WIDTH)}
    for prefix in ("", "visual."):
        for layer in range(LAYERS):
            p = f"{prefix}transformer.resblocks.{layer}."
            for name, *shape in (
                ("attn.in_proj_weight", 3 * WIDTH, WIDTH),
                ("attn.in_proj_bias", 3 * WIDTH),
                ("attn.out_proj.weight", WIDTH, WIDTH),
                ("attn.out_proj.bias", WIDTH),
                ("ln_1.weight", WIDTH),
                ("ln_1.bias", WIDTH),
                ("ln_2.weight", WIDTH),
                ("ln_2.bias", WIDTH),
                ("mlp.c_fc.weight", 48, WIDTH),
                ("mlp.c_fc.bias", 48),
                ("mlp.c_proj.weight", WIDTH, 48),
                ("mlp.c_proj.bias", WIDTH),
            ):
                state[p + name] = draw(*shape)
    return state


def test_an_open_clip_checkpoint_scores_as_open_clip_does(folder: Path, tmp_path: Path) -> None:
    """HPS v2 is published so; its forward is written out here with torch's own attention."""
    state = open_clip_state()
    path = tmp_path / "HPS.pt"
    torch.save({"state_dict": state}, path)
    media, prompt = picture(10, (64, 48)), "two cats"
    scorer = opened(folder, f"&recipe=hpsv2&checkpoint={path}")
    (got,) = run(scorer, (prompt, media))

    def norm(x: Any, name: str) -> Any:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return torch.nn.functional.layer_norm(x, (WIDTH,), weight, bias)

    rgb = np.asarray(Image.open(io.BytesIO(media.read())))
    image = torch.from_numpy(pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD, "tensor")))
    ids = torch.tensor(transformers.AutoTokenizer.from_pretrained(folder)(prompt)["input_ids"])
    with torch.inference_mode():
        patches = torch.nn.functional.conv2d(image[None], state["visual.conv1.weight"], stride=8)
        tokens = patches.flatten(2).permute(0, 2, 1)
        x = torch.cat([state["visual.class_embedding"].expand(1, 1, -1), tokens], dim=1)
        x = norm(x + state["visual.positional_embedding"], "visual.ln_pre")
        x = OpenClipTower(state, "visual.")(x)
        seen = norm(x[:, 0], "visual.ln_post") @ state["visual.proj"]
        y = state["token_embedding.weight"][ids][None] + state["positional_embedding"][: len(ids)]
        y = OpenClipTower(state, "")(y, torch.full((len(ids),) * 2, -torch.inf).triu(1))
        read = norm(y, "ln_final")[:, -1] @ state["text_projection"]
        expected = float(torch.nn.functional.cosine_similarity(seen, read)[0])
    assert got == pytest.approx(expected, abs=1e-5)
    assert scorer.scale == pytest.approx(np.exp(2.0), rel=1e-6)


def test_a_checkpoint_that_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    state = open_clip_state()
    del state["visual.proj"]
    path = tmp_path / "cut.pt"
    torch.save(state, path)
    with pytest.raises(ScorerError, match=r"does not fit.*visual_projection"):
        opened(folder, f"&recipe=hpsv2&checkpoint={path}")
    assert len(from_open_clip(open_clip_state())) > len(open_clip_state())


def test_what_is_missing_is_said(folder: Path, tmp_path: Path) -> None:
    for address, error, words in (
        ("clip:?recipe=cosine", UsageError, "name a model"),
        ("clip:?recipe=hpsv2", UsageError, "checkpoint=PATH"),
        (f"clip:{folder}?recipe=aesthetic", UsageError, "needs head=PATH"),
        (f"clip:{folder}?recipe=pikscore", UnknownName, "pickscore"),
        (f"clip:{folder}?head={tmp_path / 'gone'}", UsageError, "cannot be read"),
        (f"clip:{folder}?heads=1", UsageError, "unknown option"),
    ):
        with pytest.raises(error, match=words):
            ClipScorer(Address.parse(address))
    with pytest.raises(MediaError, match="no text"):
        opened(folder).prepare(request("", picture(1)))
    with pytest.raises(MediaError, match="no image parts"):
        opened(folder).prepare(request("prompt", "text"))
