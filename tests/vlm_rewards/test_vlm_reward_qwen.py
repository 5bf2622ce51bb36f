"""HPSv3 and VideoReward recipes on a tiny random Qwen2-VL, against forwards written out here."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_vlm import WIDTH, film, picture, pixels, qwen2_vl, request, torch, transformers

from prefgauge.plugins.scorers.vlm_rewards.scorer import VlmRewardScorer
from prefgauge.registry import Address, Device, Media, MediaError, ScorerError, UsageError

save_file = pytest.importorskip("safetensors.torch").save_file
functional = pytest.importorskip("torchvision.transforms.functional")
BICUBIC = functional.InterpolationMode.BICUBIC
ASK_PICTURE = "Look at it.\nPrompt - {text_prompt}\n"
ASK_FILM = "See: <|VQ_reward|> Then: <|MQ_reward|> Of {text_prompt}: <|TA_reward|>\n"
REWARDS = ["<|VQ_reward|>", "<|MQ_reward|>", "<|TA_reward|>"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen2-vl")
    qwen2_vl(folder)
    return folder


def grown(base: Path, added: int) -> Any:
    """The base model with `added` more tokens, as the authors' training begins."""
    model = transformers.Qwen2VLForConditionalGeneration.from_pretrained(base)
    rows = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(rows + added, mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight[rows:] = draw(7, added, WIDTH)
    return model.eval()


def old_names(model: Any) -> dict[str, Any]:
    """Its state dict as transformers before 4.52 names it, which both releases were saved by."""
    out = {}
    for name, value in model.state_dict().items():
        name = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        out[name] = value.clone()
    return out


def draw(seed: int, *shape: int) -> Any:
    return 0.4 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


HEAD = {
    "rm_head.0.weight": draw(1, 16, WIDTH), "rm_head.0.bias": draw(2, 16),
    "rm_head.3.weight": draw(3, 8, 16), "rm_head.3.bias": draw(4, 8),
    "rm_head.5.weight": draw(5, 2, 8), "rm_head.5.bias": draw(6, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def hpsv3(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One safetensors without a configuration, as MizzenAI/HPSv3 is; and the prompt beside it."""
    folder = tmp_path_factory.mktemp("hpsv3")
    save_file({**old_names(grown(base, 1)), **HEAD}, folder / "HPSv3.safetensors")
    (folder / "collator.py").write_text(
        f"import never_run\nINSTRUCTION = {ASK_PICTURE!r}\n"
        'prompt_with_special_token = "Rate: <|Reward|>\\n"\nprompt_without = None\n'
    )
    return folder


def opened(folder: Path, base: Path, recipe: str, prompt: Path, more: str = "") -> VlmRewardScorer:
    address = f"vlm-reward:{folder}?recipe={recipe}&base={base}&prompt={prompt}&dtype=float32{more}"
    scorer = VlmRewardScorer(Address.parse(address))
    scorer.open(Device("cpu"))
    return scorer


def states(model: Any, base: Path, tokens: list[str], text: str, **shown: Any) -> Any:
    """Last hidden states at the tokens, by transformers' own processor and full model, with
    positions that count up."""
    processor = transformers.AutoProcessor.from_pretrained(base)
    processor.tokenizer.add_tokens(tokens, special_tokens=True)
    inputs = processor(text=[text], return_tensors="pt", **shown)
    ids = inputs["input_ids"][0]
    inputs.pop("mm_token_type_ids", None)
    counted = torch.arange(len(ids)).view(1, 1, -1).expand(3, 1, -1)
    with torch.inference_mode():
        out = model(**inputs, position_ids=counted, output_hidden_states=True)
    at = [
        int((ids == processor.tokenizer.convert_tokens_to_ids(token)).nonzero()) for token in tokens
    ]
    return out.hidden_states[-1][0, at]


def by_hand_hpsv3(base: Path, prompt: str, media: Media) -> tuple[float, float]:
    image = Image.open(io.BytesIO(media.read())).convert("RGB")
    # 200,704 pixels: both sides times sqrt(200704 / (h w)), up to the next multiple of 28
    grow = math.sqrt(200704 / (image.height * image.width))
    size = [math.ceil(side * grow / 28) * 28 for side in image.size]
    text = (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Look at it.\n"
        f"Prompt - {prompt}\nRate: <|Reward|>\n<|im_end|>\n<|im_start|>assistant\n"
    )
    shown = {"images": [image.resize(tuple(size))], "images_kwargs": {"do_resize": False}}
    (h,) = states(grown(base, 1), base, ["<|Reward|>"], text, **shown)
    h = torch.relu(HEAD["rm_head.0.weight"] @ h + HEAD["rm_head.0.bias"])
    h = torch.relu(HEAD["rm_head.3.weight"] @ h + HEAD["rm_head.3.bias"])
    mu, log_sigma = (HEAD["rm_head.5.weight"] @ h + HEAD["rm_head.5.bias"]).tolist()
    return mu, log_sigma


PAIRS = [("a cat", picture(1)), ("two dogs on a red sofa, drawn", picture(2, (80, 50)))]


def test_hpsv3_is_the_head_on_the_state_of_the_reward_token(base: Path, hpsv3: Path) -> None:
    scorer = opened(hpsv3, base, "hpsv3", hpsv3 / "collator.py")
    together = scorer.score([scorer.prepare(request(*pair)) for pair in PAIRS])
    for pair, outcome in zip(PAIRS, together):
        mu, log_sigma = by_hand_hpsv3(base, *pair)
        assert outcome.values == {"overall": pytest.approx(mu, abs=2e-4)}
        assert outcome.extra["sigma"] == pytest.approx(math.exp(log_sigma), rel=1e-3)
        (alone,) = scorer.score([scorer.prepare(request(*pair))])
        assert alone.values["overall"] == pytest.approx(outcome.values["overall"], abs=1e-4)
    assert abs(together[0].values["overall"] - together[1].values["overall"]) > 1e-2


@pytest.fixture(scope="module")
def videoreward(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole state dict with unmerged adapters in a numbered folder, as KwaiVGI/VideoReward is."""
    folder = tmp_path_factory.mktemp("videoreward")
    state = {}
    for name, value in old_names(grown(base, 3)).items():
        adapted = name.startswith("model.layers") and "proj.weight" in name
        state[
            "base_model.model."
            + (name.replace(".weight", ".base_layer.weight") if adapted else name)
        ] = value
        if adapted:
            layer = "base_model.model." + name.removesuffix(".weight")
            state[f"{layer}.lora_A.default.weight"] = draw(len(state), 2, value.shape[1])
            state[f"{layer}.lora_B.default.weight"] = draw(len(state), value.shape[0], 2)
    state["base_model.model.rm_head.original_module.weight"] = draw(0, 1, WIDTH)
    state["base_model.model.rm_head.modules_to_save.default.weight"] = draw(9, 1, WIDTH)
    for number in (9, 10):  # the newest counts, by number
        (folder / f"checkpoint-{number}").mkdir()
    torch.save(state, folder / "checkpoint-10" / "model.pth")
    (folder / "checkpoint-9" / "model.pth").write_bytes(b"older")
    (folder / "ask.txt").write_text(ASK_FILM)
    settings = {
        "data_config": {"fps": 2.0, "max_frame_pixels": 200704, "sample_type": "uniform"},
        "peft_lora_config": {"lora_r": 2, "lora_alpha": 6, "use_rslora": False},
        "inference_config": {f"{name}_{what}": value for name, mean, deviation in
            (("VQ", 0.5, 2.0), ("MQ", -1.0, 0.5), ("TA", 0.25, 4.0))
            for what, value in (("mean", mean), ("std", deviation))},
    }  # fmt: skip
    (folder / "model_config.json").write_text(json.dumps(settings))
    return folder


def by_hand_videoreward(base: Path, folder: Path, prompt: str, seed: int) -> dict[str, float]:
    model = grown(base, 3)
    state = torch.load(folder / "checkpoint-10" / "model.pth", weights_only=True)
    with torch.no_grad():
        for name, module in model.model.language_model.named_modules():
            key = f"base_model.model.model.{name}"
            if f"{key}.lora_A.default.weight" in state:
                up = state[f"{key}.lora_B.default.weight"]
                module.weight += 6 / 2 * up @ state[f"{key}.lora_A.default.weight"]
    from prefgauge.registry.media import read_frames

    decoded = torch.from_numpy(read_frames(film(seed)).copy()).permute(0, 3, 1, 2)
    # 20 frames at 8 a second are 2.5 s: 5 frames at 2 a second, rounded to 4
    chosen = decoded[torch.linspace(0, 19, 4).round().long()]
    # 48 x 64 grows to at least 100,352 pixels: 48 s = 274.4 -> 280, 64 s = 365.8 -> 392
    chosen = functional.resize(chosen, [280, 392], BICUBIC, antialias=True).float()
    text = (
        "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>"
        f"{ASK_FILM.format(text_prompt=prompt)}<|im_end|>\n<|im_start|>assistant\n"
    )
    kwargs = {"do_resize": False, "do_sample_frames": False}
    found = states(model, base, REWARDS, text, videos=[chosen], videos_kwargs=kwargs)
    raw = (found @ draw(9, 1, WIDTH)[0]).tolist()
    norms = ((0.5, 2.0), (-1.0, 0.5), (0.25, 4.0))
    values = [(value - mean) / deviation for value, (mean, deviation) in zip(raw, norms)]
    return {"overall": sum(values), **dict(zip(("VQ", "MQ", "TA"), values))}


def test_videoreward_reads_three_tokens_and_normalises(base: Path, videoreward: Path) -> None:
    scorer = opened(videoreward, base, "videoreward", videoreward / "ask.txt")
    prompts = ["a ball", "waves on a long and windy beach"]
    shown = [scorer.prepare(request(prompt, film(n))) for n, prompt in enumerate(prompts)]
    assert [one.frames for one in shown] == [4, 4]
    for number, (prompt, outcome) in enumerate(zip(prompts, scorer.score(shown))):
        expected = by_hand_videoreward(base, videoreward, prompt, number)
        assert outcome.values == {k: pytest.approx(v, abs=1e-3) for k, v in expected.items()}
        (alone,) = scorer.score([shown[number]])
        assert alone.values == {k: pytest.approx(v, abs=1e-3) for k, v in outcome.values.items()}
    assert [d.name for d in scorer.card.dimensions] == ["overall", "VQ", "MQ", "TA"]


def test_representations_are_what_the_head_reads(base: Path, videoreward: Path) -> None:
    """Three states side by side; the head's weights on them give the answers back."""
    scorer = opened(videoreward, base, "videoreward", videoreward / "ask.txt")
    shown = [scorer.prepare(request(prompt, film(0))) for prompt in ("a ball", "a longer prompt")]
    vectors = scorer.represent(shown)
    assert vectors.shape == (2, 3 * WIDTH)
    for vector, outcome in zip(vectors, scorer.score(shown)):
        raw = vector.reshape(3, WIDTH) @ draw(9, 1, WIDTH)[0].numpy()
        expected = (raw - [0.5, -1.0, 0.25]) / [2.0, 0.5, 4.0]
        got = [outcome.values[name] for name in ("VQ", "MQ", "TA")]
        assert got == pytest.approx(expected.tolist(), abs=1e-4)


def test_an_adapter_published_alone_lies_over_the_base(
    base: Path, videoreward: Path, tmp_path: Path
) -> None:
    """The same model as adapter_model.safetensors and non_lora_state_dict.pth."""
    whole = torch.load(videoreward / "checkpoint-10" / "model.pth", weights_only=True)
    low = {k.replace(".default", ""): v for k, v in whole.items() if "lora_" in k}
    rest = {k: v for k, v in whole.items() if "lora_" not in k and "base_layer" not in k}
    grown(base, 3).save_pretrained(tmp_path / "base")
    for file in base.iterdir():
        if file.name not in {"model.safetensors", "config.json"}:
            (tmp_path / "base" / file.name).write_bytes(file.read_bytes())
    folder = tmp_path / "adapter"
    folder.mkdir()
    # the names of the adapter and of what lies beside it follow transformers' newer layout here
    newer = {
        k.replace(
            "base_model.model.model.", "base_model.model.model.language_model."
        ): v.contiguous()
        for k, v in low.items()
    }
    save_file(newer, folder / "adapter_model.safetensors")
    head = {k: v for k, v in rest.items() if "rm_head" in k}
    torch.save(head, folder / "non_lora_state_dict.pth")
    (folder / "model_config.json").write_text((videoreward / "model_config.json").read_text())
    one = opened(folder, tmp_path / "base", "videoreward", videoreward / "ask.txt")
    other = opened(videoreward, base, "videoreward", videoreward / "ask.txt")
    asked = request("a ball", film(3))
    (got,), (expected,) = (s.score([s.prepare(asked)]) for s in (one, other))
    assert got.values == {k: pytest.approx(v, abs=1e-4) for k, v in expected.values.items()}


def test_what_does_not_fit_is_refused(
    base: Path, hpsv3: Path, videoreward: Path, tmp_path: Path
) -> None:
    whole = {**old_names(grown(base, 1)), **HEAD}

    def refused(state: dict[str, Any], words: str, recipe: str = "hpsv3") -> None:
        folder = tmp_path / words[:8].replace(" ", "")
        folder.mkdir()
        save_file(state, folder / "model.safetensors")
        with pytest.raises(ScorerError, match=words):
            opened(folder, base, recipe, hpsv3 / "collator.py")

    refused(
        {k: v for k, v in whole.items() if k != "rm_head.3.weight"}, "no tensor rm_head.3.weight"
    )
    refused({**whole, "rm_head.5.weight": draw(1, 3, 8), "rm_head.5.bias": draw(1, 3)}, "gives 3")
    refused({**whole, "rm_head.0.weight": draw(1, 16, 9)}, "takes 9 values")
    refused({**whole, "rm_head.3.weight": draw(1, 8, 17)}, "takes 17 values and is given 16")
    refused({k: v for k, v in whole.items() if "norm.weight" not in k}, "do not fit.*norm")
    refused({**whole, "model.extra": draw(1, 2)}, "fit .*extra")
    refused({**old_names(grown(base, 0)), **HEAD}, "is number")
    refused(HEAD, "no token embeddings")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScorerError, match="there are no weights"):
        opened(tmp_path / "empty", base, "hpsv3", hpsv3 / "collator.py")


def test_settings_of_another_kind_of_checkpoint_are_refused(
    base: Path, videoreward: Path, tmp_path: Path
) -> None:
    place = tmp_path / "checkpoint-1"
    place.mkdir()
    (place / "model.pth").write_bytes((videoreward / "checkpoint-10" / "model.pth").read_bytes())
    with pytest.raises(ScorerError, match="lora_alpha"):
        opened(tmp_path, base, "videoreward", videoreward / "ask.txt")
    (tmp_path / "model_config.json").write_text('{"data_config": {"sample_type": "multi_pts"}}')
    with pytest.raises(ScorerError, match="sample_type='multi_pts'"):
        opened(tmp_path, base, "videoreward", videoreward / "ask.txt")


def test_a_pickle_is_not_opened(base: Path, videoreward: Path, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(ScorerError, match="cannot be read"):
        opened(tmp_path, base, "videoreward", videoreward / "ask.txt")


def test_samples_that_cannot_be_scored_say_why(base: Path, hpsv3: Path, videoreward: Path) -> None:
    pictures = opened(hpsv3, base, "hpsv3", hpsv3 / "collator.py")
    with pytest.raises(MediaError, match="no prompt"):
        pictures.prepare(request(" ", picture(1)))
    with pytest.raises(MediaError, match=r"holds '<\|Reward\|>'"):
        pictures.prepare(request("a cat <|Reward|>", picture(1)))
    with pytest.raises(MediaError, match="no image parts"):
        pictures.prepare(request("a cat", film(1)))
    with pytest.raises(MediaError, match="too slim"):
        pictures.prepare(request("a line", picture(1, (1, 300))))
    films = opened(videoreward, base, "videoreward", videoreward / "ask.txt")
    with pytest.raises(MediaError, match="one frame"):
        films.prepare(request("a ball", film(1, frames=1)))


def test_prompts_are_read_without_running_them(base: Path, hpsv3: Path, tmp_path: Path) -> None:
    def refused(text: str, words: str, name: str = "ask.txt", recipe: str = "hpsv3") -> None:
        file = tmp_path / name
        file.write_text(text)
        with pytest.raises(UsageError, match=words):
            VlmRewardScorer(Address.parse(f"vlm-reward:{hpsv3}?recipe={recipe}&prompt={file}"))

    refused("{text_prompt}", r"must hold <\|Reward\|> once")
    refused("<|Reward|> {text_prompt} <|Reward|>", "once each")
    refused("<|Reward|>", r"must hold \{text_prompt\} once")
    refused("<|Reward|> {text_prompt} {other}", "no other braces")
    refused("<|Reward|> {text_prompt", "no other braces")
    refused("<|TA_reward|> {text_prompt} <|MQ_reward|> <|VQ_reward|>", "in this order",
            recipe="videoreward")  # fmt: skip
    refused("INSTRUCTION = 'x'", "no text named prompt_with_special_token", "a.py")
    refused("INSTRUCTION = = 1", "no Python file", "a.py")
    with pytest.raises(UsageError, match="cannot be read"):
        VlmRewardScorer(Address.parse(f"vlm-reward:{hpsv3}?recipe=hpsv3&prompt={tmp_path}/gone"))
    with pytest.raises(UsageError, match="hpsv3, videoreward, videoscore"):
        VlmRewardScorer(Address.parse("vlm-reward:x"))


def test_offline_it_says_how_to_give_the_prompt(hpsv3: Path) -> None:
    """tests/conftest.py sets HF_HUB_OFFLINE, which prefgauge obeys."""
    with pytest.raises(ScorerError, match=r"offline.*data_collator_qwen\.py.*prompt=PATH"):
        VlmRewardScorer(Address.parse(f"vlm-reward:{hpsv3}?recipe=hpsv3"))


def test_the_fingerprint_names_weights_base_and_prompt(
    base: Path, hpsv3: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("<|Reward|> {text_prompt}")
    one, two = (
        VlmRewardScorer(Address.parse(f"vlm-reward:{hpsv3}?recipe=hpsv3&base={base}&prompt={p}"))
        for p in (hpsv3 / "collator.py", other)
    )
    assert one.card.fingerprint["prompt"] != two.card.fingerprint["prompt"]
    assert one.card.fingerprint["model"] == two.card.fingerprint["model"]
    assert one.card.fingerprint["base"] != one.card.fingerprint["model"]


def test_frames_are_resized_as_torchvision_does() -> None:
    from prefgauge.plugins.scorers.vlm_rewards.inputs import resized_frames

    frames = np.stack([pixels(seed, (48, 64)) for seed in range(3)])
    ours = resized_frames(frames, 100352, 200704)
    tensor = torch.from_numpy(frames).permute(0, 3, 1, 2)
    theirs = functional.resize(tensor, list(ours.shape[2:]), BICUBIC, antialias=True)
    assert ours.dtype == torch.uint8
    assert torch.equal(ours, theirs)
