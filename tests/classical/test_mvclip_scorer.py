"""3DGen-Score on a tiny random model, against transformers' CLIP with its tower exchanged; and the
ways in which four sides of an object come to it."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from test_clip_engine import (  # noqa: F401 - folder is a fixture
    CLIP_MEAN,
    CLIP_STD,
    OUT,
    folder,
    picture,
    torch,
    transformers,
)

from prefgauge.plugins.scorers.image.clip_pixels import PixelSettings, pixels
from prefgauge.plugins.scorers.threed.mvclip import MvClipScorer
from prefgauge.plugins.scorers.threed.render import Camera, render
from prefgauge.plugins.scorers.threed.sides import grids
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
from prefgauge.registry.media import Mesh, read_image
from prefgauge.registry.outcome import Request

NAMES = ("alignment", "geometry", "geo_detail", "texture", "geo_texture")


def towers(folder: Path) -> dict[str, Any]:  # noqa: F811
    """The official class's state dict: a whole CLIP, two more picture towers, scales and heads."""
    make = torch.Generator().manual_seed(11)
    clip = transformers.CLIPModel.from_pretrained(folder).state_dict()
    state = {f"clip.{name}": value for name, value in clip.items()}
    for kind in ("normal", "rgb"):
        for name, value in clip.items():
            if name.startswith(("vision_model.", "visual_projection.")):
                noise = 0.1 * torch.randn(value.shape, generator=make)
                state[f"{kind}_{name}"] = value + (noise if value.is_floating_point() else 0)
    for number, name in enumerate(("geo", "geo_texture", "align")):
        state[f"{name}_logit_scale"] = torch.tensor(0.5 + 0.25 * number)
    for name in ("geo_detail", "texture"):
        state[f"{name}_logit_proj.weight"] = torch.randn(1, OUT, generator=make)
        state[f"{name}_logit_proj.bias"] = torch.randn(1, generator=make)
    return state


@pytest.fixture(scope="module")
def weights(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    path = tmp_path_factory.mktemp("mvclip") / "model.pkl"
    torch.save(towers(folder), path)
    return path


def opened(folder: Path, weights: Path) -> MvClipScorer:  # noqa: F811
    scorer = MvClipScorer(Address.parse(f"mvclip:{weights}?base={folder}&dtype=float32"))
    scorer.open(Device("cpu"))
    return scorer


def asked(prompt: Any, *parts: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(*parts),), labels=())
    return Request("bench", sample, (0,))


def squared(media: Media) -> Any:
    rgb = np.asarray(Image.open(io.BytesIO(media.read())).convert("RGB"))
    return torch.from_numpy(pixels(rgb, PixelSettings(32, 32, CLIP_MEAN, CLIP_STD)))[None]


def by_hand(folder: Path, prompt: Any, colour: Media, normal: Media) -> dict[str, float]:  # noqa: F811
    state = towers(folder)

    def embedded(kind: str, media: Media) -> Any:
        model = transformers.CLIPModel.from_pretrained(folder).eval()
        swapped = {
            k.removeprefix(f"{kind}_"): v for k, v in state.items() if k.startswith(f"{kind}_")
        }
        model.load_state_dict(swapped, strict=False)
        seen = model.vision_model(pixel_values=squared(media)).pooler_output
        return (seen @ model.visual_projection.weight.T)[0]

    with torch.inference_mode():
        c, n = embedded("rgb", colour), embedded("normal", normal)
        model = transformers.CLIPModel.from_pretrained(folder).eval()
        if isinstance(prompt, Media):
            seen = model.vision_model(pixel_values=squared(prompt)).pooler_output
            t = (seen @ model.visual_projection.weight.T)[0]
        else:
            ids = transformers.AutoTokenizer.from_pretrained(folder)([prompt], return_tensors="pt")
            t = (model.text_model(**ids).pooler_output @ model.text_projection.weight.T)[0]
        detail = state["geo_detail_logit_proj.weight"] @ n + state["geo_detail_logit_proj.bias"]
        texture = state["texture_logit_proj.weight"] @ c + state["texture_logit_proj.bias"]
        scores = (
            math.exp(1.0) * t @ c,
            math.exp(0.5) * t @ n,
            detail,
            texture,
            math.exp(0.75) * n @ c,
        )
    return {name: float(score) for name, score in zip(NAMES, scores)}


def test_five_values_follow_the_demo(folder: Path, weights: Path) -> None:  # noqa: F811
    scorer = opened(folder, weights)
    asks = [
        ("a pair of glasses", picture(1, (40, 40)), picture(2, (40, 40))),
        (picture(5), picture(3, (40, 40)), picture(4, (40, 40))),
        ("a pair of glasses", picture(3, (40, 40)), picture(2, (40, 40))),
    ]
    prepared = [scorer.prepare(asked(*ask)) for ask in asks]
    for ask, one, outcome in zip(asks, prepared, scorer.score(prepared)):
        expected = by_hand(folder, *ask)
        assert list(outcome.values) == list(NAMES)
        assert outcome.values == {
            k: pytest.approx(v, abs=2e-3, rel=1e-4) for k, v in expected.items()
        }
        (alone,) = scorer.score([one])
        assert alone.values == {k: pytest.approx(v, abs=1e-3) for k, v in outcome.values.items()}


def turning(path: Path, shade: int) -> Media:
    """A GIF of 40 frames; each quarter of the turn has its own colour."""
    frames = [Image.new("RGB", (32, 24), (6 * number, shade, 0)) for number in range(40)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    return Media("video", path=path)


def test_turning_renders_are_read_at_four_quarters(tmp_path: Path) -> None:
    rgb, normal = turning(tmp_path / "rgb.gif", 40), turning(tmp_path / "normal.gif", 200)
    for candidate in (content(rgb), content(rgb, normal)):  # the sister is found by its name
        colour, directions = grids(candidate)
        assert colour.shape == directions.shape == (48, 64, 3)
        for side, (row, column) in enumerate([(12, 16), (12, 48), (36, 16), (36, 48)]):
            for grid, shade in ((colour, 40), (directions, 200)):
                expected = np.array([60 * side, shade, 0])
                assert np.abs(grid[row, column].astype(int) - expected).max() <= 8


def test_pictures_with_a_sister_and_meshes(tmp_path: Path) -> None:
    for name, seed in (("1_rgb.png", 1), ("1_normal.png", 2)):
        (tmp_path / name).write_bytes(picture(seed).read())
    colour, normal = grids(content(Media("image", path=tmp_path / "1_rgb.png")))
    assert np.array_equal(colour, read_image(picture(1)))
    assert np.array_equal(normal, read_image(picture(2)))
    box = Media("mesh", data=trimesh.creation.box().export(file_type="ply"), suffix=".ply")
    colour, normal = grids(content(box), elevation=0.0)
    assert colour.shape == normal.shape == (512, 512, 3)
    # a box seen from the front shows one face, which looks at the camera: (0, 0, 1) -> 128, 128, 255
    for row, column in ((128, 128), (128, 384), (384, 128), (384, 384)):
        assert normal[row, column].tolist() == [128, 128, 255]
    assert normal[0, 0].tolist() == [255, 255, 255]


def test_normals_are_in_camera_axes() -> None:
    """A slope that rises away from the camera looks up and towards it, at 45 degrees."""
    vertices = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, -1], [-1, 1, -1]], float)
    for order in ([0, 1, 2], [0, 2, 1]):  # whichever way the face is wound
        faces = np.array([order, [order[0], 2, 3]])
        shown = render(Mesh(vertices, faces[:1]), Camera(0.0, 0.0), 64, normals=True)
        seen = shown[(shown < 255).any(axis=2)]
        expected = 127.5 * (1 + np.array([0, np.sqrt(0.5), np.sqrt(0.5)]))
        assert np.median(seen, axis=0) == pytest.approx(expected, abs=1.0)
    cloud = Mesh(vertices, np.zeros((0, 3), np.int64))
    with pytest.raises(MediaError, match="no normals"):
        render(cloud, Camera(0.0), 32, normals=True)


def test_what_shows_no_object_says_so(folder: Path, weights: Path, tmp_path: Path) -> None:  # noqa: F811
    scorer = opened(folder, weights)
    with pytest.raises(MediaError, match="colours and no normals"):
        scorer.prepare(asked("a cup", picture(1)))
    with pytest.raises(MediaError, match="neither a mesh nor two pictures"):
        scorer.prepare(asked("a cup", picture(1), picture(2), picture(3)))
    with pytest.raises(MediaError, match="no prompt"):
        scorer.prepare(asked(" ", picture(1), picture(2)))
    frames = [Image.new("RGB", (32, 24), (n, n, n)) for n in (0, 90, 200)]
    frames[0].save(tmp_path / "rgb.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "normal.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(MediaError, match="3 frames do not show four sides"):
        grids(content(Media("video", path=tmp_path / "rgb.gif")))


def test_other_weights_are_refused(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    whole = towers(folder)

    def refused(state: dict[str, Any], words: str) -> None:
        torch.save(state, tmp_path / "bad.pkl")
        with pytest.raises(ScorerError, match=words):
            opened(folder, tmp_path / "bad.pkl")

    refused(
        {k: v for k, v in whole.items() if k != "texture_logit_proj.bias"},
        "texture_logit_proj.bias",
    )
    refused({**whole, "geo_detail_logit_proj.weight": torch.zeros(1, OUT + 1)}, "another shape")
    refused({k: v for k, v in whole.items() if "rgb_visual" not in k}, "rgb_.*visual_projection")
    refused({**whole, "normal_vision_model.more": torch.zeros(1)}, "normal_.*more")
    with pytest.raises(UsageError, match="mvclip:PATH"):
        MvClipScorer(Address.parse("mvclip:"))
    with pytest.raises(UsageError, match="up is y or z"):
        MvClipScorer(Address.parse(f"mvclip:{tmp_path}/bad.pkl?up=x"))
