"""DOVER's and FAST-VQA's networks against the DOVER code that PyPI's vebench 1.0.0 carries, run
apart from prefgauge (timm 1.0.31) on the seeded weights of :func:`state`; their views on videos
whose pixels tell their place; the fusion on the authors' published predictions."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from prefgauge.plugins.scorers.tensors import Tensors
from prefgauge.plugins.scorers.video.fragment_vqa import MODELS, FragmentVqa, dover_fusion
from prefgauge.plugins.scorers.video.vqa_nets import convnext, head, swin
from prefgauge.plugins.scorers.video.vqa_views import (
    clip_frames,
    fragment_frames,
    fragments,
    normal,
    resized,
)
from prefgauge.registry import (
    Address,
    Device,
    Media,
    MediaError,
    Sample,
    ScorerError,
    content,
)
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")


def swin_shapes() -> dict[str, tuple[int, ...]]:
    """Two stages of 32 and 64 channels, fragment biases in the first."""
    out: dict[str, tuple[int, ...]] = {"patch_embed.proj.weight": (32, 3, 2, 4, 4)}
    out |= {"patch_embed.proj.bias": (32,), "layers.0.downsample.reduction.weight": (64, 128)}
    for name, size in (("patch_embed.norm", 32), ("layers.0.downsample.norm", 128), ("norm", 64)):
        out |= {f"{name}.weight": (size,), f"{name}.bias": (size,)}
    for k, width in enumerate((32, 64)):
        for j in range(2):
            b = f"layers.{k}.blocks.{j}"
            out[f"{b}.attn.relative_position_bias_table"] = (15 * 13 * 13, k + 1)
            if k == 0:
                out[f"{b}.attn.fragment_position_bias_table"] = (15 * 13 * 13, 1)
            for name, rows, columns in (
                ("attn.qkv", 3 * width, width), ("attn.proj", width, width),
                ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width),
            ):  # fmt: skip
                out |= {f"{b}.{name}.weight": (rows, columns), f"{b}.{name}.bias": (rows,)}
            for name in ("norm1", "norm2"):
                out |= {f"{b}.{name}.weight": (width,), f"{b}.{name}.bias": (width,)}
    return out


def convnext_shapes() -> dict[str, tuple[int, ...]]:
    """Stages of 2, 1, 3 and 1 blocks, inflated 1-3-1 as published."""
    out: dict[str, tuple[int, ...]] = {"norm.weight": (32,), "norm.bias": (32,)}
    before = 3
    for k, (width, blocks) in enumerate(((12, 2), (16, 1), (24, 3), (32, 1))):
        d, kernel = f"downsample_layers.{k}", (1, 2, 2) if k else (2, 4, 4)
        conv, norm = (1, 0) if k else (0, 1)
        out |= {f"{d}.{conv}.weight": (width, before, *kernel), f"{d}.{conv}.bias": (width,)}
        size = before if k else width
        out |= {f"{d}.{norm}.weight": (size,), f"{d}.{norm}.bias": (size,)}
        for j in range(blocks):
            b, long = f"stages.{k}.{j}", int("131"[j])
            out |= {f"{b}.dwconv.weight": (width, 1, long, 7, 7), f"{b}.gamma": (width,)}
            out |= {f"{b}.pwconv1.weight": (4 * width, width), f"{b}.pwconv1.bias": (4 * width,)}
            out |= {f"{b}.pwconv2.weight": (width, 4 * width), f"{b}.norm.weight": (width,)}
            out |= {f"{b}.{name}.bias": (width,) for name in ("dwconv", "pwconv2", "norm")}
        before = width
    return out


def state(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Any]:
    """Seeded weights, drawn in the order of the names."""
    rng, out = np.random.default_rng(seed), {}
    for name, shape in sorted(shapes.items()):
        draw = rng.normal(size=shape)
        if "table" not in name and len(shape) > 1:
            draw = draw * (1.2 / np.sqrt(np.prod(shape[1:])))
        elif name.endswith("gamma"):
            draw = 0.5 * draw
        elif "table" not in name:
            draw = draw * 0.3 + float("norm" in name and name.endswith("weight"))
        out[name] = torch.from_numpy(np.asarray(draw, np.float32))
    return out


def swin_state(seed: int = 3) -> dict[str, Any]:
    """With the buffers of relative places, for windows of 8 x 7 x 7."""
    place = np.stack(np.meshgrid(range(8), range(7), range(7), indexing="ij"), -1).reshape(-1, 3)
    apart = place[:, None] - place[None] + (7, 6, 6)
    index = torch.from_numpy((apart * (169, 13, 1)).sum(-1))
    out = state(swin_shapes(), seed)
    names = [n for n in out if n.endswith("relative_position_bias_table")]
    return out | {n.replace("bias_table", "index"): index for n in names}


def noise(*shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng(1).normal(size=shape).astype(np.float32))


def test_swin_equals_the_authors() -> None:
    tensors = Tensors(swin_state(), "here", "swin")
    with torch.inference_mode():
        got = swin(tensors, noise(1, 3, 32, 64, 60)).numpy()
    assert got.shape == (1, 16, 8, 8, 64)
    np.testing.assert_allclose(got.flat[:3], [1.5312920, -1.5167279, -1.0872244], atol=2e-5)
    np.testing.assert_allclose(got.flat[-3:], [-0.5956226, 1.0041888, -2.3098588], atol=2e-5)
    assert np.abs(got).mean() == pytest.approx(0.8736790, abs=1e-5)
    assert tensors.used == set(tensors.state)


def test_convnext_equals_the_authors() -> None:
    tensors = Tensors(state(convnext_shapes(), 4), "here", "convnext")
    with torch.inference_mode():
        got = convnext(tensors, noise(1, 3, 8, 64, 96)).numpy()
    assert got.shape == (1, 4, 2, 3, 32)
    np.testing.assert_allclose(got.flat[:3], [-0.4085478, 0.5399521, 1.2930825], atol=2e-5)
    np.testing.assert_allclose(got.flat[-3:], [0.3169329, 0.4517918, 0.0022418], atol=2e-5)
    assert tensors.used == set(tensors.state)


def placed(count: int, height: int, width: int) -> np.ndarray:
    """Frames whose red and green tell row and column, whose blue tells the frame."""
    out = np.zeros((count, height, width, 3), np.uint8)
    out[..., 0], out[..., 1] = np.arange(height)[:, None] % 256, np.arange(width) % 256
    out[..., 2] = np.arange(count)[:, None, None]
    return out


def test_fragments_are_whole_pieces_of_their_cells() -> None:
    frames = placed(8, 240, 250)  # cells of 34 x 35: a piece of 32 can shift by 0..1 and 0..2
    out = fragments(frames, 4, np.random.default_rng(0))
    assert out.shape == (8, 224, 224, 3)
    seen = set()
    for i in range(7):
        for j in range(7):
            piece = out[:, 32 * i : 32 * i + 32, 32 * j : 32 * j + 32]
            places = [(int(first[0]), int(first[1])) for first in piece[:, 0, 0]]
            # drawn anew every fourth frame only
            assert places == [places[0]] * 4 + [places[4]] * 4
            for t, (top, left) in enumerate(places):
                np.testing.assert_array_equal(piece[t], frames[t, top : top + 32, left : left + 32])
                assert 34 * i <= top < 34 * i + 2
                assert 35 * j <= left < 35 * j + 3
                seen.add((top - 34 * i, left - 35 * j))
    assert seen == {(a, b) for a in (0, 1) for b in (0, 1, 2)}
    again = fragments(frames, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(out, again)


def test_a_grid_that_fits_is_the_frame_and_small_frames_are_enlarged() -> None:
    frames = placed(2, 224, 224)
    np.testing.assert_array_equal(fragments(frames, 2, np.random.default_rng(0)), frames)
    small = placed(2, 112, 168)
    out = fragments(small, 2, np.random.default_rng(0))
    planes = torch.from_numpy(small).permute(3, 0, 1, 2) / 255.0
    big = torch.nn.functional.interpolate(planes, size=(224, 336), mode="bilinear") * 255
    big = big.byte().permute(1, 2, 3, 0).numpy()
    for i, top in enumerate([0, 16, 32, 48, 64, 80, 80]):  # laid out by the old 112 rows
        for j, left in enumerate([0, 24, 48, 72, 96, 120, 136]):
            piece = out[:, 32 * i : 32 * i + 32, 32 * j : 32 * j + 32]
            np.testing.assert_array_equal(piece, big[:, top : top + 32, left : left + 32])


def test_frames_of_the_clips() -> None:
    """By hand: 300 frames, 4 clips of 32 frames two apart: stretches of (300 - 63) / 4 = 59.25,
    starts at 29.6, 88.9, 148.1, 207.4; a short video begins at 0 and again."""
    got = clip_frames(300, 32, 2, 4)
    assert [got[32 * k] for k in range(4)] == [29, 88, 148, 207]
    assert got[:3] == [29, 31, 33]
    assert len(got) == 128
    assert clip_frames(10, 4, 3, 1) == [0, 3, 6, 9]
    assert clip_frames(5, 4, 2, 1) == [0, 2, 4, 1]
    rng = np.random.default_rng(0)
    drawn = [fragment_frames(300, 32, 3, 2, rng) for _ in range(50)]
    for one in drawn:
        starts = [one[32 * k] for k in range(3)]
        assert all(100 * k <= start < 100 * k + 36 for k, start in enumerate(starts))
        assert np.diff(one).reshape(-1)[0] == 2
    assert len({tuple(one) for one in drawn}) > 40
    assert fragment_frames(40, 1, 32, 2, rng) == [k % 40 for k in range(32)]


def test_the_networks_input() -> None:
    got = normal(placed(6, 224, 224))
    assert got.shape == (3, 6, 224, 224)
    assert got[0, 3, 7, 9] == pytest.approx((7 - 123.675) / 58.395, abs=1e-6)
    assert got[2, 4, 7, 9] == pytest.approx((4 - 103.53) / 57.375, abs=1e-6)
    stretched = resized(placed(1, 448, 112))
    assert stretched.shape == (1, 224, 224, 3)
    assert stretched[0, 50, 0, 0] in {100, 101}  # the mean of rows 100 and 101


class OnlyArrays(pickle.Unpickler):
    """Nothing but numpy arrays of numbers."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in {"_reconstruct", "ndarray", "dtype", "scalar"}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "labels", "plcc"), [("livevqc", "LIVE_VQC", 0.854), ("kv1k", "KoNViD", 0.883)]
)
def test_the_fusion_gives_the_published_correlations(
    data_root: Path, name: str, labels: str, plcc: float
) -> None:
    """README of DOVER (PLCC before the sigmoid); its predictions hold the raw branches, the
    aesthetic one as ``resize``, in the order of the label file. Swapped, they correlate less."""
    path = data_root / f"vqa_labels/dover_predictions/val-{name}.pkl"
    if not path.exists():
        pytest.skip("DOVER's predictions are not in PREFGAUGE_DATA")
    with path.open("rb") as file:
        found = OnlyArrays(file).load()
    lines = (data_root / f"vqa_labels/{labels}_labels.txt").read_text("utf-8").split("\n")
    opinions = [float(line.split(",")[-1]) for line in lines if line.strip()]
    technical, aesthetic = found["fragments"], found["resize"]
    fused = [dover_fusion(t, a) for t, a in zip(technical, aesthetic)]
    logits = [np.log(p / (1 - p)) for p in fused]
    assert pearsonr(logits, opinions)[0] == pytest.approx(plcc, abs=6e-4)
    swapped = [dover_fusion(a, t) for t, a in zip(technical, aesthetic)]
    assert spearmanr(swapped, opinions)[0] < spearmanr(fused, opinions)[0]


def head_state(width: int, seed: int) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {"fc_hid.weight": (8, width, 1, 1, 1), "fc_hid.bias": (8,)}
    return state(shapes | {"fc_last.weight": (1, 8, 1, 1, 1), "fc_last.bias": (1,)}, seed)


def below(prefix: str, part: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in part.items()}


def dover_state() -> dict[str, Any]:
    return (
        below("technical_backbone", swin_state())
        | below("technical_head", head_state(64, 5))
        | below("aesthetic_backbone", state(convnext_shapes(), 4))
        | below("aesthetic_head", head_state(32, 6))
    )


def opened(address: str) -> FragmentVqa:
    made = FragmentVqa(Address.parse(address))
    made.open(Device("cpu"))
    return made


def video(count: int = 70) -> Media:
    out, rng = io.BytesIO(), np.random.default_rng(0)
    ends = rng.integers(0, 256, (2, 15, 16, 3)).repeat(16, 1).repeat(16, 2)
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 256, 240, "yuv420p"
        for k in range(count):
            share = k / max(1, count - 1)
            frame = (ends[0] * (1 - share) + ends[1] * share).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return Media("video", data=out.getvalue(), suffix=".mp4")


def request(media: Media) -> Request:
    return Request("b", Sample(id="s", candidates=(content(media),), labels=()), (0,))


def test_dover_is_the_fusion_of_its_branches(tmp_path: Path) -> None:
    weights = dover_state()
    torch.save(weights, tmp_path / "DOVER.pth")
    scorer = opened(f"dover:{tmp_path / 'DOVER.pth'}")
    views = scorer.prepare(request(video()))
    assert views["technical"].shape == (3, 32, 224, 224, 3)
    assert views["aesthetic"].shape == (1, 32, 224, 224, 3)
    small = {name: view[:, :8, :64, :64] for name, view in views.items()}  # seconds, not minutes
    (outcome,) = scorer.score([small])
    expected = {}
    for name, net in (("technical", swin), ("aesthetic", convnext)):
        net_state = {
            k.removeprefix(f"{name}_backbone."): v for k, v in weights.items() if k.startswith(name)
        }
        top = {
            k.removeprefix(f"{name}_head."): v for k, v in weights.items() if f"{name}_head" in k
        }
        with torch.inference_mode():
            x = net(
                Tensors(net_state, "x", "x"),
                torch.from_numpy(np.stack([normal(clip) for clip in small[name]])),
            )
            hidden = torch.nn.functional.conv3d(
                x.movedim(-1, 1), top["fc_hid.weight"], top["fc_hid.bias"]
            )
            hidden = torch.nn.functional.gelu(hidden)
            places = torch.nn.functional.conv3d(hidden, top["fc_last.weight"], top["fc_last.bias"])
            torch.testing.assert_close(
                head(Tensors(top, "x", "x"), x), places[:, 0], atol=1e-5, rtol=1e-4
            )
        expected[name] = float(places.double().mean())
    assert {k: outcome.values[k] for k in expected} == pytest.approx(expected, abs=1e-4)
    fused = dover_fusion(expected["technical"], expected["aesthetic"])
    assert outcome.values["overall"] == pytest.approx(fused, abs=1e-4)


@pytest.mark.parametrize(("scheme", "clips"), [("fast-vqa", 4), ("faster-vqa", 1)])
def test_fast_vqa_is_a_sigmoid_of_its_branch(scheme: str, clips: int, tmp_path: Path) -> None:
    weights = below("fragments_backbone", swin_state()) | below("vqa_head", head_state(64, 5))
    torch.save({"state_dict": weights}, tmp_path / "w.pth")
    scorer = opened(f"{scheme}:{tmp_path / 'w.pth'}")
    views = scorer.prepare(request(video()))
    assert views["fragments"].shape == (clips, 32, 224, 224, 3)
    small = {"fragments": views["fragments"][:, :8, :32, :32]}
    raw = scorer._means(small)["fragments"]
    final = MODELS[scheme].final({"fragments": raw})["overall"]
    mean, std = (-0.110198185, 0.04178565) if clips == 4 else (0.14759505, 0.03613452)
    expected = np.exp(-np.logaddexp(0, -(raw - mean) / std))
    assert final == pytest.approx(float(expected), rel=1e-9)
    assert scorer.score([small])[0].values == {"overall": final}


def test_what_cannot_be_scored_is_said(tmp_path: Path) -> None:
    path = tmp_path / "DOVER.pth"
    torch.save(dover_state(), path)
    scorer = opened(f"dover:{path}")
    with pytest.raises(MediaError, match="single frame"):
        scorer.prepare(request(video(1)))
    with pytest.raises(MediaError):
        scorer.prepare(request(Media("video", data=b"\0" * 99, suffix=".mp4")))
    weights = dover_state()
    del weights["aesthetic_head.fc_last.bias"]
    torch.save(weights, path)
    with pytest.raises(ScorerError, match=r"no tensor 'aesthetic_head\.fc_last\.bias'"):
        opened(f"dover:{path}")
    torch.save(dover_state() | {"vqa_head.fc_hid.bias": torch.zeros(8)}, path)
    with pytest.raises(ScorerError, match="no place for 1 tensors"):
        opened(f"dover:{path}")
