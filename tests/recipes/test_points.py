"""ULIP-2 and OpenShape with tiny random weights under their published names, against forward
passes written out with numpy, and the sampling of points against its definition."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from prefgauge.plugins.scorers.threed.cloud import farthest, normalised, sample_cloud
from prefgauge.plugins.scorers.threed.point_nets import ball, nearest
from prefgauge.plugins.scorers.threed.point_recipes import RECIPES
from prefgauge.plugins.scorers.threed.points import PointsScorer
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
from prefgauge.registry.media import Mesh
from prefgauge.registry.outcome import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trimesh = pytest.importorskip("trimesh")
WIDTH, OUT, RNG = 128, 24, np.random.default_rng(2)


def layer(name: str, *shape: int, bias: bool = True) -> dict[str, np.ndarray]:
    out = {f"{name}.weight": RNG.normal(size=shape) * 1.5 / np.sqrt(np.prod(shape[1:]) or 1)}
    if len(shape) == 1:
        out = {f"{name}.weight": 1 + 0.3 * RNG.normal(size=shape)}
    if bias:
        out[f"{name}.bias"] = 0.3 * RNG.normal(size=shape[:1])
    return out


def batch_norm(name: str, width: int) -> dict[str, np.ndarray]:
    spread = {"running_mean": RNG.normal(size=width), "running_var": 1 + RNG.random(width)}
    return {
        **layer(name, width),
        **{f"{name}.{k}": v for k, v in spread.items()},
        f"{name}.num_batches_tracked": np.array(7),
    }


def ulip_state() -> dict[str, np.ndarray]:
    p = "point_encoder"
    out = {
        **layer(f"{p}.encoder.first_conv.0", 16, 6, 1),
        **batch_norm(f"{p}.encoder.first_conv.1", 16),
        **layer(f"{p}.encoder.first_conv.3", 20, 16, 1),
        **layer(f"{p}.encoder.second_conv.0", 40, 40, 1),
        **batch_norm(f"{p}.encoder.second_conv.1", 40),
        **layer(f"{p}.encoder.second_conv.3", 32, 40, 1),
        **layer(f"{p}.reduce_dim", WIDTH, 32),
        f"{p}.cls_token": RNG.normal(size=(1, 1, WIDTH)),
        f"{p}.cls_pos": RNG.normal(size=(1, 1, WIDTH)),
        **layer(f"{p}.pos_embed.0", 16, 3),
        **layer(f"{p}.pos_embed.2", WIDTH, 16),
        **layer(f"{p}.norm", WIDTH),
        "pc_projection": RNG.normal(size=(2 * WIDTH, OUT)),
        "logit_scale": np.array(2.6),
    }
    for k in range(2):
        b = f"{p}.blocks.blocks.{k}"
        out |= {
            **layer(f"{b}.norm1", WIDTH),
            **layer(f"{b}.norm2", WIDTH),
            **layer(f"{b}.attn.qkv", 3 * WIDTH, WIDTH, bias=False),
            **layer(f"{b}.attn.proj", WIDTH, WIDTH),
            **layer(f"{b}.mlp.fc1", 96, WIDTH),
            **layer(f"{b}.mlp.fc2", WIDTH, 96),
        }
    return out


def openshape_state() -> dict[str, np.ndarray]:
    p = "ppat"
    out = {
        **layer(f"{p}.lift.0", WIDTH, 24 + 3, 1),
        **layer(f"{p}.lift.2", WIDTH),
        f"{p}.cls_token": RNG.normal(size=WIDTH),
        **layer("proj", OUT, WIDTH),
    }
    for k, (a, b) in enumerate(((9, 12), (12, 16), (16, 24))):
        out |= {
            **layer(f"{p}.sa.mlp_convs.{k}", b, a, 1, 1),
            **batch_norm(f"{p}.sa.mlp_bns.{k}", b),
        }
    for k in range(2):
        b = f"{p}.transformer.layers.{k}"
        out |= {
            **layer(f"{b}.0.norm", WIDTH),
            **layer(f"{b}.0.fn.to_qkv", 3 * WIDTH, WIDTH, bias=False),
            **layer(f"{b}.0.fn.to_out.0", WIDTH, WIDTH),
            **layer(f"{b}.1.norm", WIDTH),
            **layer(f"{b}.1.fn.net.0", 96, WIDTH),
            **layer(f"{b}.1.fn.net.3", WIDTH, 96),
        }
    return out


class Plain:
    """Layers of numpy on a state dict."""

    def __init__(self, state: dict[str, np.ndarray]) -> None:
        self.s = state

    def lin(self, name: str, x: np.ndarray) -> np.ndarray:
        weight = self.s[f"{name}.weight"].reshape(self.s[f"{name}.weight"].shape[0], -1)
        return x @ weight.T + self.s.get(f"{name}.bias", 0)

    def ln(self, name: str, x: np.ndarray) -> np.ndarray:
        unit = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return unit * self.s[f"{name}.weight"] + self.s[f"{name}.bias"]

    def bn(self, name: str, x: np.ndarray) -> np.ndarray:
        mean, var = self.s[f"{name}.running_mean"], self.s[f"{name}.running_var"]
        return (x - mean) / np.sqrt(var + 1e-5) * self.s[f"{name}.weight"] + self.s[f"{name}.bias"]

    def attend(self, inside: str, outside: str, x: np.ndarray) -> np.ndarray:
        both = self.lin(inside, x)
        heads = []
        for h in range(WIDTH // 64):
            q, k, v = (both[:, n * WIDTH + 64 * h :][:, :64] for n in range(3))
            e = np.exp((logits := q @ k.T / 8.0) - logits.max(1, keepdims=True))
            heads.append(e / e.sum(1, keepdims=True) @ v)
        return self.lin(outside, np.concatenate(heads, 1))


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def first(points: np.ndarray, count: int, core: float) -> list[int]:
    """Farthest points, one by one."""
    chosen = [0]
    while len(chosen) < count:
        away = np.min([((points - points[c]) ** 2).sum(1) for c in chosen], axis=0)
        away[(points**2).sum(1) <= core] = -1
        chosen.append(int(away.argmax()))
    return chosen


def ulip_by_hand(state: dict[str, np.ndarray], xyz: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    n, p, tokens = Plain(state), "point_encoder", []
    centres = xyz[farthest(xyz, 512, 1e-3)]
    for centre in centres:
        near = np.argpartition(((xyz - centre) ** 2).sum(1), 32)[:32]
        x = np.concatenate([xyz[near] - centre, rgb[near]], 1)
        x = np.maximum(n.bn(f"{p}.encoder.first_conv.1", n.lin(f"{p}.encoder.first_conv.0", x)), 0)
        x = n.lin(f"{p}.encoder.first_conv.3", x)
        x = np.concatenate([np.tile(x.max(0), (32, 1)), x], 1)
        hidden = n.bn(f"{p}.encoder.second_conv.1", n.lin(f"{p}.encoder.second_conv.0", x))
        tokens.append(n.lin(f"{p}.encoder.second_conv.3", np.maximum(hidden, 0)).max(0))
    x = n.lin(f"{p}.reduce_dim", np.array(tokens))
    place = n.lin(f"{p}.pos_embed.2", gelu(n.lin(f"{p}.pos_embed.0", centres)))
    x = np.concatenate([state[f"{p}.cls_token"][0], x])
    place = np.concatenate([state[f"{p}.cls_pos"][0], place])
    for k in range(2):
        b = f"{p}.blocks.blocks.{k}"
        x = x + place
        x = x + n.attend(f"{b}.attn.qkv", f"{b}.attn.proj", n.ln(f"{b}.norm1", x))
        x = x + n.lin(f"{b}.mlp.fc2", gelu(n.lin(f"{b}.mlp.fc1", n.ln(f"{b}.norm2", x))))
    x = n.ln(f"{p}.norm", x)
    return np.concatenate([x[0], x[1:].max(0)]) @ state["pc_projection"]


def openshape_by_hand(state: dict[str, np.ndarray], xyz: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    n, p, tokens = Plain(state), "ppat", []
    for centre in xyz[farthest(xyz, 384)]:
        near = np.flatnonzero(((xyz - centre) ** 2).sum(1) <= 0.2**2)[:64]
        x = np.concatenate([xyz[near] - centre, xyz[near], rgb[near]], 1)
        for k in range(3):
            x = np.maximum(n.bn(f"{p}.sa.mlp_bns.{k}", n.lin(f"{p}.sa.mlp_convs.{k}", x)), 0)
        tokens.append(np.concatenate([centre, x.max(0)]))
    x = n.ln(f"{p}.lift.2", n.lin(f"{p}.lift.0", np.array(tokens)))
    x = np.concatenate([state[f"{p}.cls_token"][None], x])
    for k in range(2):
        b = f"{p}.transformer.layers.{k}"
        x = x + n.attend(f"{b}.0.fn.to_qkv", f"{b}.0.fn.to_out.0", n.ln(f"{b}.0.norm", x))
        hidden = gelu(n.lin(f"{b}.1.fn.net.0", n.ln(f"{b}.1.norm", x)))
        x = x + n.lin(f"{b}.1.fn.net.3", hidden)
    return n.lin("proj", x[:1])[0]


def tensors(state: dict[str, np.ndarray], prefix: str) -> dict[str, Any]:
    return {
        prefix + k: torch.from_numpy(np.asarray(v, np.int64 if v.dtype.kind == "i" else np.float32))
        for k, v in state.items()
    }


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip(tmp_path_factory.mktemp("clip"))


def tiny_clip(path: Path) -> Path:
    """A tiny CLIP model in a folder; the scorers take its text tower."""
    letters = [chr(97 + k) for k in range(26)]
    vocab = {t: n for n, t in enumerate([*letters, *(f"{t}</w>" for t in letters)])}
    vocab |= {"<|startoftext|>": 52, "<|endoftext|>": 53}
    (path / "vocab.json").write_text(json.dumps(vocab))
    (path / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(str(path / "vocab.json"), str(path / "merges.txt")).save_pretrained(
        path
    )
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    text = {**tower, "num_attention_heads": 4, "vocab_size": 54, "max_position_embeddings": 12}
    torch.manual_seed(0)
    model = transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={**text, "bos_token_id": 52, "eos_token_id": 53, "projection_dim": OUT},
            vision_config={**tower, "num_attention_heads": 4, "image_size": 16, "patch_size": 8},
            projection_dim=OUT,
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.2)
    model.save_pretrained(path)
    return path


def coloured(seed: int) -> Media:
    """A bent, painted box as ply."""
    shape = trimesh.creation.icosphere(subdivisions=3)
    rng = np.random.default_rng(seed)
    shape.vertices *= rng.uniform(0.5, 2, 3)
    shape.vertices[:, 1] += 0.3 * np.sin(3 * shape.vertices[:, 0])
    shape.visual.vertex_colors = rng.integers(0, 256, (len(shape.vertices), 4), dtype=np.uint8)
    return Media("mesh", data=shape.export(file_type="ply"), suffix=".ply")


def request(prompt: str, media: Media) -> Request:
    sample = Sample(id="s", prompt=content(prompt), candidates=(content(media),), labels=())
    return Request("b", sample, (0,))


def opened(address: str) -> PointsScorer:
    made = PointsScorer(Address.parse(address))
    made.open(Device("cpu"))
    return made


@pytest.mark.parametrize("recipe", ["ulip-2", "openshape"])
def test_cosines_equal_the_forward_by_hand(recipe: str, clip: Path, tmp_path: Path) -> None:
    state = ulip_state() if recipe == "ulip-2" else openshape_state()
    torch.save({"state_dict": tensors(state, "module.")}, tmp_path / "w.pt")
    scorer = opened(f"points:{tmp_path / 'w.pt'}?recipe={recipe}&text={clip}&seed=3")
    pairs = [("a red chair", coloured(1)), ("owl", coloured(2)), ("a red chair", coloured(2))]
    prepared = [scorer.prepare(request(*pair)) for pair in pairs]
    got = [outcome.values["overall"] for outcome in scorer.score(prepared)]
    alone = [scorer.score([one])[0].values["overall"] for one in prepared]
    np.testing.assert_allclose(got, alone, atol=1e-6)
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    tokens = transformers.CLIPTokenizer.from_pretrained(clip)
    by_hand = ulip_by_hand if recipe == "ulip-2" else openshape_by_hand
    from prefgauge.registry.media import read_mesh

    for (prompt, media), value in zip(pairs, got):
        cloud = sample_cloud(read_mesh(media), 10_000, 3, "here")
        turned = cloud.points if recipe == "ulip-2" else cloud.points[:, [0, 2, 1]]
        seen = by_hand(state, normalised(turned, "here"), cloud.colors)
        with torch.inference_mode():
            out = model.get_text_features(**tokens([prompt], return_tensors="pt"))
        text = getattr(out, "pooler_output", out)[0].numpy()
        expected = seen @ text / np.linalg.norm(seen) / np.linalg.norm(text)
        assert value == pytest.approx(expected, abs=1e-4)
    assert len({round(value, 3) for value in got}) == 3


def test_farthest_points_are_the_farthest() -> None:
    points = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    assert farthest(points, 40).tolist() == first(points, 40, -1)
    small = points / 50
    assert farthest(small, 20, 1e-3).tolist() == first(small, 20, 1e-3)
    assert farthest(small, 20, 1e-3).tolist() != farthest(small, 20).tolist()


def test_patches_of_few_points_repeat_the_first() -> None:
    points = np.array([[0, 0, 0], [0.1, 0, 0], [1, 0, 0], [0.5, 0, 0]], np.float32)
    colors = np.arange(12, dtype=np.float32).reshape(4, 3)
    centres, patches = ball(points, colors, 2, 4, 0.2)
    assert centres.tolist() == [[0, 0, 0], [1, 0, 0]]
    assert patches[0, :, 3].tolist() == [0, 3, 0, 0]
    assert patches[1, :, 3].tolist() == [6, 6, 6, 6]
    _, close = nearest(points, colors, 2, 2)
    assert sorted(close[1, :, 3].tolist()) == [6, 9]


def test_points_lie_on_the_surface_by_area() -> None:
    """Two triangles, one of twice the area: a third and two thirds of the points."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [7, 0, 0], [5, 1, 0]], float)
    paint = np.array([[255, 0, 0]] * 3 + [[0, 0, 255]] * 3, np.uint8)
    mesh = Mesh(corners, np.array([[0, 1, 2], [3, 4, 5]]), paint)
    cloud = sample_cloud(mesh, 10_000, 0, "here")
    left = cloud.points[:, 0] < 2
    assert left.mean() == pytest.approx(1 / 3, abs=0.015)
    np.testing.assert_allclose(cloud.points[left].mean(0), [1 / 3, 1 / 3, 0], atol=0.02)
    assert (cloud.points[left][:, :2].sum(1) <= 1 + 1e-6).all()
    np.testing.assert_allclose(cloud.colors[left], [[1, 0, 0]] * int(left.sum()), atol=1e-6)
    again = sample_cloud(mesh, 10_000, 0, "here")
    np.testing.assert_array_equal(cloud.points, again.points)
    assert not np.array_equal(cloud.points, sample_cloud(mesh, 10_000, 1, "here").points)
    bare = Mesh(corners, np.zeros((0, 3), np.int64))
    few = sample_cloud(bare, 8, 0, "here")
    assert {tuple(p) for p in few.points} == {tuple(p) for p in corners.astype(np.float32)}
    np.testing.assert_allclose(few.colors, 0.4, atol=1e-7)


def test_what_cannot_be_scored_is_said(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"state_dict": tensors(ulip_state(), "module.")}, path)
    scorer = opened(f"points:{path}?text={clip}")
    with pytest.raises(MediaError, match="no prompt"):
        scorer.prepare(request(" ", coloured(1)))
    flat = trimesh.Trimesh(np.zeros((3, 3)), [[0, 1, 2]], process=False)
    broken = Media("mesh", data=flat.export(file_type="ply"), suffix=".ply")
    with pytest.raises(MediaError, match="no area"):
        scorer.prepare(request("a chair", broken))
    heap = trimesh.PointCloud(np.ones((5, 3)))
    broken = Media("mesh", data=heap.export(file_type="ply"), suffix=".ply")
    with pytest.raises(MediaError, match="all points lie in one place"):
        scorer.prepare(request("a chair", broken))
    with pytest.raises(UsageError, match="recipe is one of ulip-2"):
        PointsScorer(Address.parse(f"points:{path}?recipe=uni3d&text={clip}"))
    (long,) = scorer.score([scorer.prepare(request("chair " * 20, coloured(1)))])
    assert long.extra["truncated"] > 0


def test_other_checkpoints_are_refused(clip: Path, tmp_path: Path) -> None:
    path, state = tmp_path / "w.pt", ulip_state()
    for change, reason in (
        ({"drop": "point_encoder.reduce_dim.bias"}, r"no tensor 'point_encoder\.reduce_dim\.bias'"),
        ({"add": "point_encoder.cls_head.weight"}, "no place for 1"),
        ({"pc_projection": RNG.normal(size=(2 * WIDTH, 5))}, "points have 5 dimensions"),
    ):
        changed = {**state, **{k: v for k, v in change.items() if k == "pc_projection"}}
        changed.pop(str(change.get("drop")), None)
        if "add" in change:
            changed[str(change["add"])] = np.zeros((2, 2))
        torch.save({"state_dict": tensors(changed, "module.")}, path)
        with pytest.raises(ScorerError, match=reason):
            opened(f"points:{path}?text={clip}")
    torch.save({"state_dict": tensors(openshape_state(), "module.")}, path)
    with pytest.raises(ScorerError, match="not the weights of Xue"):
        opened(f"points:{path}?recipe=ulip-2&text={clip}")


def test_a_checkpoint_with_more_than_tensors_needs_leave(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    extra = {"state_dict": tensors(ulip_state(), "module."), "args": Namespace(lr=0.1)}
    torch.save(extra, path)
    with pytest.raises(ScorerError, match="pickle=true"):
        opened(f"points:{path}?text={clip}")
    assert opened(f"points:{path}?text={clip}&pickle=true").width == OUT


def test_openshapes_other_files_and_pins(clip: Path, tmp_path: Path) -> None:
    """The smaller ones keep the encoder below pc_encoder, one of them without a projection."""
    state = openshape_state()
    bare = {k.removeprefix("ppat."): v for k, v in state.items() if k.startswith("ppat.")}
    torch.save(tensors(state, "pc_encoder.") | {"logit_scale": torch.zeros(())}, tmp_path / "l.pt")
    made = opened(f"points:{tmp_path / 'l.pt'}?recipe=openshape-l14&text={clip}")
    assert len(made.prepare(request("a chair", coloured(1))).centres) == 64
    torch.save(tensors(bare, "pc_encoder."), tmp_path / "b.pt")
    with pytest.raises(ScorerError, match=f"points have {WIDTH} dimensions"):
        opened(f"points:{tmp_path / 'b.pt'}?recipe=openshape-b32&text={clip}")
    pinned = [r.published for name, r in RECIPES.items() if name.startswith("openshape")]
    assert all(one.sha256 and "/resolve/main/" not in one.url for one in pinned)
