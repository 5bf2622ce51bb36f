"""Video-text models with tiny random weights under their published names: the text tower and one
frame against transformers' CLIP, eight frames against torch's own attention, MTScore against
scipy, and the frames and pixels against OpenCV's and VBench's."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from scipy.special import softmax

from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.plugins.scorers.video.viclip_net import see
from prefgauge.plugins.scorers.video.video_text import VideoTextScorer, pixels
from prefgauge.plugins.scorers.video.video_text_recipes import (
    MT_SENTENCES,
    RECIPES,
    middle_frames,
    mtscore,
    strided_frames,
)
from prefgauge.registry import (
    Address,
    Device,
    Media,
    MediaError,
    Sample,
    ScorerError,
    UsageError,
    content,
)
from prefgauge.registry.media import read_frames
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WIDTH, TEXT, OUT, SIDE, FRAMES, WORDS = 128, 64, 24, 32, 8, 26


def shake(model: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            fan = parameter[0].numel() if parameter.ndim > 1 else 10
            parameter.normal_(float("norm" in name and name.endswith("weight")), fan**-0.5)
    return model.eval()


@pytest.fixture(scope="module")
def clip() -> Any:
    """CLIP of transformers, whose towers ViCLIP's are made of."""
    towers = {"num_hidden_layers": 2, "hidden_act": "quick_gelu", "projection_dim": OUT}
    vision = {"hidden_size": WIDTH, "intermediate_size": 96, "num_attention_heads": WIDTH // 64}
    text = {"hidden_size": TEXT, "intermediate_size": 48, "num_attention_heads": TEXT // 64}
    config = transformers.CLIPConfig(
        vision_config={**towers, **vision, "image_size": SIDE, "patch_size": 8},
        text_config={
            **towers, **text, "vocab_size": 54, "max_position_embeddings": WORDS,
            "bos_token_id": 52, "eos_token_id": 53,
        },
        projection_dim=OUT,
    )  # fmt: skip
    return shake(transformers.CLIPModel(config), 1)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    letters = [chr(97 + k) for k in range(26)]
    vocab = {t: n for n, t in enumerate([*letters, *(f"{t}</w>" for t in letters)])}
    vocab |= {"<|startoftext|>": 52, "<|endoftext|>": 53}
    (path / "vocab.json").write_text(json.dumps(vocab))
    (path / "merges.txt").write_text("#version: 0.2\n")
    files = str(path / "vocab.json"), str(path / "merges.txt")
    transformers.CLIPTokenizer(*files).save_pretrained(path)
    (path / "config.json").write_text('{"model_type": "clip"}')
    return path


def tower(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A tower's blocks under OpenAI's names."""
    out: dict[str, Any] = {}
    for k in range(2):
        here, there = f"{prefix}.encoder.layers.{k}", f"transformer.resblocks.{k}"
        for end in ("weight", "bias"):
            qkv = [state[f"{here}.self_attn.{n}_proj.{end}"] for n in "qkv"]
            out[f"{there}.attn.in_proj_{end}"] = torch.cat(qkv)
            for mine, theirs in (
                ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
            ):  # fmt: skip
                out[f"{there}.{theirs}.{end}"] = state[f"{here}.{mine}.{end}"]
    return out


def vision_state(clip: Any, temporal: Any) -> dict[str, Any]:
    s, v = clip.state_dict(), "vision_model"
    out = tower(s, v) | {
        "class_embedding": s[f"{v}.embeddings.class_embedding"],
        "positional_embedding": s[f"{v}.embeddings.position_embedding.weight"],
        "temporal_positional_embedding": temporal,
        "conv1.weight": s[f"{v}.embeddings.patch_embedding.weight"][:, :, None],
        "proj": s["visual_projection.weight"].T.contiguous(),
    }
    for end in ("weight", "bias"):
        out[f"ln_pre.{end}"] = s[f"{v}.pre_layrnorm.{end}"]
        out[f"ln_post.{end}"] = s[f"{v}.post_layernorm.{end}"]
    return out


def text_state(clip: Any) -> dict[str, Any]:
    s, t = clip.state_dict(), "text_model"
    out = tower(s, t) | {
        "positional_embedding": s[f"{t}.embeddings.position_embedding.weight"],
        "token_embedding.weight": s[f"{t}.embeddings.token_embedding.weight"],
        "text_projection": s["text_projection.weight"].T.contiguous(),
    }
    for end in ("weight", "bias"):
        out[f"ln_final.{end}"] = s[f"{t}.final_layer_norm.{end}"]
    return out


def temporal(seed: int) -> Any:
    return (
        0.5 * torch.from_numpy(np.random.default_rng(seed).normal(size=(1, FRAMES, WIDTH))).float()
    )


def viclip_state(clip: Any) -> dict[str, Any]:
    vision = {f"vision_encoder.{k}": v for k, v in vision_state(clip, temporal(3)).items()}
    text = {f"text_encoder.{k}": v for k, v in text_state(clip).items()}
    return vision | text | {"temp": torch.tensor(0.01)}


def opened(address: str) -> VideoTextScorer:
    made = VideoTextScorer(Address.parse(address))
    made.open(Device("cpu"))
    return made


@pytest.fixture(scope="module")
def viclip(clip: Any, tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> VideoTextScorer:
    path = tmp_path_factory.mktemp("viclip") / "viclip.pth"
    torch.save({"model": viclip_state(clip)}, path)
    return opened(f"videotext:{path}?tokenizer={tokenizer}")


def video(seed: int, count: int = 19) -> Media:
    """Frames that fade from one random picture to another, 40 x 56."""
    ends = np.random.default_rng(seed).integers(0, 256, (2, 5, 7, 3)).repeat(8, 1).repeat(8, 2)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 56, 40, "yuv420p"
        for k in range(count):
            share = k / max(1, count - 1)
            frame = (ends[0] * (1 - share) + ends[1] * share).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return Media("video", data=out.getvalue(), suffix=".mp4")


def request(prompt: str, media: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("b", sample, (0,))


def by_attention(state: dict[str, Any], frames: Any) -> Any:
    """The published picture tower with torch's own convolution, attention and norms."""
    f = torch.nn.functional
    x = f.conv3d(frames.transpose(0, 1)[None], state["conv1.weight"], stride=(1, 8, 8))
    x = x[0].flatten(2).permute(1, 2, 0)  # frames, patches, width
    x = x + state["positional_embedding"][1:] + state["temporal_positional_embedding"][0][:, None]
    lead = state["class_embedding"] + state["positional_embedding"][0]
    x = torch.cat([lead[None], x.flatten(0, 1)])
    x = f.layer_norm(x, (WIDTH,), state["ln_pre.weight"], state["ln_pre.bias"])
    for k in range(2):
        b = {n.split(f"resblocks.{k}.")[1]: v for n, v in state.items() if f"resblocks.{k}." in n}
        attention = torch.nn.MultiheadAttention(WIDTH, WIDTH // 64)
        names = {n.removeprefix("attn."): v for n, v in b.items() if n.startswith("attn.")}
        attention.load_state_dict(names)
        y = f.layer_norm(x, (WIDTH,), b["ln_1.weight"], b["ln_1.bias"])
        x = x + attention(y, y, y)[0]
        y = f.layer_norm(x, (WIDTH,), b["ln_2.weight"], b["ln_2.bias"])
        y = y @ b["mlp.c_fc.weight"].T + b["mlp.c_fc.bias"]
        x = x + (y * torch.sigmoid(1.702 * y)) @ b["mlp.c_proj.weight"].T + b["mlp.c_proj.bias"]
    x = f.layer_norm(x[0], (WIDTH,), state["ln_post.weight"], state["ln_post.bias"])
    return x @ state["proj"]


def text_of_clip(clip: Any, tokenizer: Path, text: str) -> Any:
    ids = transformers.CLIPTokenizer.from_pretrained(tokenizer)([text], return_tensors="pt")
    out = clip.get_text_features(**ids)
    return getattr(out, "pooler_output", out)[0].detach()


def test_cosines_equal_torch_and_transformers(
    viclip: VideoTextScorer, clip: Any, tokenizer: Path
) -> None:
    pairs = [("a cat runs", video(1)), ("snow", video(2)), ("snow", video(1, 8))]
    prepared = [viclip.prepare(request(*pair)) for pair in pairs]
    got = [outcome.values["overall"] for outcome in viclip.score(prepared)]
    alone = [viclip.score([one])[0].values["overall"] for one in prepared]
    np.testing.assert_allclose(got, alone, atol=1e-6)
    for (prompt, media), value in zip(pairs, got):
        frames = read_frames(media)
        picked = frames[:: len(frames) // 8][:8]
        with torch.inference_mode():
            sight = torch.from_numpy(pixels(picked, SIDE, RECIPES["viclip"]))
            seen = by_attention(vision_state(clip, temporal(3)), sight)
            read = text_of_clip(clip, tokenizer, prompt)
        expected = float(torch.nn.functional.cosine_similarity(seen, read, dim=0))
        assert value == pytest.approx(expected, abs=1e-4)
    assert len({round(value, 3) for value in got}) == 3


def test_one_frame_without_places_in_time_is_clip(clip: Any) -> None:
    state = vision_state(clip, torch.zeros(1, FRAMES, WIDTH))
    frame = torch.randn(2, 1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        got = see(Tensors(state, "here", "ViCLIP"), frame)
        out = clip.get_image_features(pixel_values=frame[:, 0])
    torch.testing.assert_close(got, getattr(out, "pooler_output", out), atol=1e-4, rtol=1e-4)


def test_videoclip_xl_has_two_tables_of_places(clip: Any, tokenizer: Path, tmp_path: Path) -> None:
    """With the second table equal to the first it is CLIP's text tower; its first 20 rows and the
    first table's others are never read."""
    text = text_state(clip)
    table = text["positional_embedding"]
    text["positional_embedding_res"] = torch.cat([torch.full_like(table[:20], 9.0), table[20:]])
    text["positional_embedding"] = torch.cat([table[:20], torch.full_like(table[20:], 9.0)])
    state = {f"text_model.{k}": v for k, v in (text | {"logit_scale": torch.tensor(4.6)}).items()}
    vision = vision_state(clip, temporal(3)).items()
    state |= {f"vision_model.vision_encoder.{k}": v for k, v in vision}
    torch.save(state | {"vision_model.temp": torch.tensor(0.01)}, tmp_path / "xl.bin")
    scorer = opened(f"videotext:{tmp_path / 'xl.bin'}?recipe=videoclip-xl&tokenizer={tokenizer}")
    for prompt in ("cat", "a long text of many letters"):
        prepared = scorer.prepare(request(prompt, video(1)))
        (outcome,) = scorer.score([prepared])
        with torch.inference_mode():
            sight = torch.from_numpy(prepared.frames)
            seen = by_attention(vision_state(clip, temporal(3)), sight)
            read = text_of_clip(clip, tokenizer, prompt)
        expected = float(torch.nn.functional.cosine_similarity(seen, read, dim=0))
        assert outcome.values["overall"] == pytest.approx(expected, abs=1e-4)
    long = scorer.prepare(request("many more letters than that tower can ever read", video(1)))
    assert len(long.ids[0]) == WORDS
    assert long.cut > 0


def test_a_clip_model_takes_the_mean_of_frames(clip: Any, tokenizer: Path, tmp_path: Path) -> None:
    clip.save_pretrained(tmp_path)
    transformers.CLIPTokenizer.from_pretrained(tokenizer).save_pretrained(tmp_path)
    scorer = opened(f"videotext:{tmp_path}?recipe=clip")
    media = video(2)
    (outcome,) = scorer.score([scorer.prepare(request("a cat", media))])
    frames = read_frames(media)[middle_frames(19, 8)]
    with torch.inference_mode():
        sight = torch.from_numpy(pixels(frames, SIDE, RECIPES["clip"]))
        out = clip.get_image_features(pixel_values=sight)
        seen = torch.nn.functional.normalize(getattr(out, "pooler_output", out), dim=1).mean(0)
        read = text_of_clip(clip, tokenizer, "a cat")
    expected = float(torch.nn.functional.cosine_similarity(seen, read, dim=0))
    assert outcome.values["overall"] == pytest.approx(expected, abs=1e-4)


def test_mtscore_is_the_share_of_time_lapse_among_the_five_likeliest() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        cosines = 0.2 + 0.02 * rng.normal(size=10)
        p = softmax(100 * cosines)
        expected = sum(p[k] for k in np.argsort(-p)[:5] if k >= 5)
        assert mtscore(tuple(cosines)) == pytest.approx(expected, abs=1e-12)
    assert mtscore((0.1,) * 5 + (0.3,) * 5) == pytest.approx(1.0)
    assert mtscore((0.9,) + (0.1,) * 9) == pytest.approx(0.0)


def test_mtscore_needs_no_prompt(viclip: VideoTextScorer, tokenizer: Path) -> None:
    scorer = opened(f"videotext:{viclip.weights.path}?formula=mtscore&tokenizer={tokenizer}")
    assert scorer.card.needs == frozenset()
    (outcome,) = scorer.score([scorer.prepare(request("", video(1)))])
    assert 0.0 <= outcome.values["overall"] <= 1.0
    assert len(scorer._known) == len(MT_SENTENCES) == 10


def test_frames_are_those_of_the_authors() -> None:
    """Both written out: ViCLIP's ``[::step][:8]`` and VBench's middles, which pad short videos."""
    for frames in (8, 9, 15, 16, 100):
        assert strided_frames(frames, 8) == list(range(frames))[:: frames // 8][:8]
    with pytest.raises(MediaError, match="7 frames; the model needs 8"):
        strided_frames(7, 8)
    assert middle_frames(16, 8) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert middle_frames(100, 8) == [5, 18, 30, 43, 55, 68, 80, 93]
    assert middle_frames(3, 8) == [0, 1, 2, 2, 2, 2, 2, 2]


def test_stretching_is_opencvs_to_a_grey_level() -> None:
    """cv2.resize (4.x, its default bilinear mode, which rounds coefficients to 11 bits) of a
    6 x 9 picture to 4 x 4; first row and last row of its result."""
    picture = np.random.default_rng(4)
    picture.integers(0, 256, (45, 70, 3), dtype=np.uint8)
    frame = picture.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    got = pixels(frame[None], 4, RECIPES["viclip"])[0]
    mean, std = (
        np.array(v)[:, None, None] for v in (RECIPES["viclip"].mean, RECIPES["viclip"].std)
    )
    levels = ((got * std + mean) * 255).transpose(1, 2, 0)
    first = [[114, 97, 141], [195, 43, 199], [50, 114, 98], [178, 101, 165]]
    last = [[45, 116, 130], [125, 165, 153], [114, 227, 150], [102, 123, 168]]
    np.testing.assert_allclose(levels[0], first, atol=1.01)
    np.testing.assert_allclose(levels[3], last, atol=1.01)


def test_cropping_is_torchvisions(viclip: VideoTextScorer) -> None:
    """VBench's clip_transform on 8-bit frames; no antialiasing, as torchvision had it then."""
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize

    recipe = RECIPES["viclip-vbench"]
    steps = Compose(
        [
            Resize(32, InterpolationMode.BICUBIC, antialias=False),
            CenterCrop(32),
            lambda x: x.float().div(255.0),
            Normalize(recipe.mean, recipe.std),
        ]
    )
    for shape in ((40, 56, 3), (61, 45, 3)):
        frames = np.random.default_rng(1).integers(0, 256, (2, *shape), dtype=np.uint8)
        expected = steps(torch.from_numpy(frames).permute(0, 3, 1, 2)).numpy()
        np.testing.assert_allclose(pixels(frames, 32, recipe), expected, atol=1e-5)


def test_what_cannot_be_scored_is_said(
    viclip: VideoTextScorer, clip: Any, tokenizer: Path, tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="no prompt"):
        viclip.prepare(request(" ", video(1)))
    with pytest.raises(MediaError, match="has 5 frames; the model needs 8"):
        viclip.prepare(request("a cat", video(1, 5)))
    with pytest.raises(MediaError):
        viclip.prepare(request("a cat", Media("video", data=b"\0" * 64, suffix=".mp4")))
    with pytest.raises(UsageError, match="recipe is one of viclip"):
        VideoTextScorer(Address.parse(f"videotext:{viclip.weights.path}?recipe=internvideo2"))
    state, path = viclip_state(clip), tmp_path / "other.pth"
    for drop, add, reason in (
        ("text_encoder.ln_final.bias", {}, r"no tensor 'text_encoder\.ln_final\.bias'"),
        ("temp", {"vision_encoder.head.weight": torch.zeros(2, 2)}, "no place for 1"),
        (
            "temp",
            {"vision_encoder.temporal_positional_embedding": torch.zeros(1, 4, WIDTH)},
            "made for 4 frames",
        ),
    ):
        changed = {k: v for k, v in state.items() if k != drop} | add
        torch.save({"model": changed}, path)
        with pytest.raises(ScorerError, match=reason):
            opened(f"videotext:{path}?tokenizer={tokenizer}")
