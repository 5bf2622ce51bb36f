"""Ridge probes: the regression against scikit-learn, the splits by content, and the whole protocol
on pictures against the same written with scikit-learn, scipy and transformers alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image, ImageFilter
from scipy import stats
from sklearn.linear_model import Ridge
from typer.testing import CliRunner

from prefgauge.registry import DataError, Device, ScorerError, Source, UsageError, default
from prefgauge.runners.cli.app import app
from prefgauge.runners.compare import answers_of
from prefgauge.runners.fitted import fitted_bundle
from prefgauge.runners.ridge import ALPHAS, fit_ridges
from prefgauge.runners.ridge_bundle import fit_of
from prefgauge.runners.ridge_probe import Seen, evaluate, probe, ridge_probe, views
from prefgauge.runners.run import Options
from prefgauge.runners.splits import Split, published_splits, seeded_splits

CPU = Device("cpu", "float32")
CONTENTS, LEVELS = 12, 4


@pytest.mark.parametrize("n,d", [(40, 7), (7, 40)])
def test_ridges_equal_sklearn(n: int, d: int) -> None:
    draw = np.random.default_rng(n)
    x = (draw.normal(size=(n, d)) * draw.uniform(0.1, 9, d) + 4).astype(np.float32)
    y = x[:, 0] * 2.0 + draw.normal(size=n) - 7
    alphas = ALPHAS[[0, 40, 99]]
    said = fit_ridges(x, y, alphas).predict(x)
    for column, alpha in enumerate(alphas):
        theirs = Ridge(alpha=alpha, solver="svd").fit(x.astype(np.float64), y)
        np.testing.assert_allclose(said[:, column], theirs.predict(x), atol=1e-6)


def test_seeded_splits_part_contents() -> None:
    groups = [f"ref{i % 20}" for i in range(100)]
    splits = seeded_splits(groups, 10, seed=3)
    assert len(splits) == 10
    for split in splits:
        sides = [{groups[i] for i in side} for side in (split.train, split.val, split.test)]
        assert [len(side) for side in sides] == [14, 2, 4]  # 70, 10 and 20 %
        assert len(set().union(*sides)) == 20
        assert sorted(np.concatenate([split.train, split.val, split.test])) == list(range(100))
    assert len({tuple(split.test) for split in splits}) > 1
    again = seeded_splits(groups, 10, seed=3)
    assert all(np.array_equal(a.test, b.test) for a, b in zip(splits, again))
    with pytest.raises(DataError, match="4 different contents"):
        seeded_splits(list("abcd"))


def save(folder: Path, **sides: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in sides.items():
        np.save(folder / f"{name}.npy", np.array(rows))
    return folder


def test_published_splits_are_checked(tmp_path: Path) -> None:
    groups = ["a", "a", "b", "c", "d"]
    good = save(tmp_path / "good", train=[[0, 1], [2, 3]], val=[[2], [4]], test=[[3, 4], [0, 1]])
    splits = published_splits(good, groups)
    assert [list(split.test) for split in splits] == [[3, 4], [0, 1]]
    parts = save(tmp_path / "parts", train=[[0, 2]], val=[[3]], test=[[1, 4]])
    with pytest.raises(DataError, match="split 0 has the content 'a' on two sides"):
        published_splits(parts, groups)
    beyond = save(tmp_path / "beyond", train=[[0, 1]], val=[[2]], test=[[5]])
    with pytest.raises(DataError, match="names sample 5; the bench has 5"):
        published_splits(beyond, groups)
    with pytest.raises(DataError, match=r"train\.npy"):
        published_splits(tmp_path / "none", groups)
    np.save(tmp_path / "good" / "val.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DataError, match="no array of sample numbers"):
        published_splits(good, groups)


def test_views_are_centre_and_corners_at_two_scales() -> None:
    picture = np.arange(6 * 10 * 3, dtype=np.uint8).reshape(6, 10, 3)
    got = views(picture, 5, size=4)
    assert [view.shape for view in got] == [(4, 4, 3)] * 10
    np.testing.assert_array_equal(got[0], picture[1:5, 3:7])
    np.testing.assert_array_equal(got[1], picture[:4, :4])
    np.testing.assert_array_equal(got[2], picture[2:, :4])
    np.testing.assert_array_equal(got[3], picture[:4, 6:])
    np.testing.assert_array_equal(got[4], picture[2:, 6:])
    half = np.asarray(Image.fromarray(picture).resize((5, 3), Image.Resampling.BICUBIC))
    # half scale is 3 pixels high: the crops begin above it, with zeros
    np.testing.assert_array_equal(got[6][:3], half[:, :4])
    assert not got[6][3:].any()
    assert not got[7][:1].any()
    np.testing.assert_array_equal(got[7][1:], half[:, :4])
    whole, small = views(picture, 1)
    np.testing.assert_array_equal(whole, picture)
    np.testing.assert_array_equal(small, half)


def test_the_penalty_is_the_best_median_on_the_validation_sides() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(60, 30)).astype(np.float32)
    y = x[:, 0] + draw.normal(size=60)
    groups = [str(i // 3) for i in range(60)]
    splits = seeded_splits(groups, 5)
    found = evaluate(Seen(x, y, groups, ["all"] * 60, 1), splits)
    table = [
        [
            stats.spearmanr(
                Ridge(alpha=alpha).fit(x[s.train], y[s.train]).predict(x[s.val]), y[s.val]
            )[0]
            for alpha in ALPHAS
        ]
        for s in splits
    ]
    best = np.median(table, axis=0)
    assert best[np.searchsorted(ALPHAS, found["alpha"] * 0.999)] == pytest.approx(best.max())
    theirs = [
        stats.spearmanr(
            Ridge(alpha=found["alpha"]).fit(x[s.train], y[s.train]).predict(x[s.test]), y[s.test]
        )[0]
        for s in splits
    ]
    assert found["srcc"] == pytest.approx(np.median(theirs), abs=1e-9)


def test_a_subset_of_equal_labels_has_no_correlation() -> None:
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    seen = Seen(x, np.arange(10.0), [str(i) for i in range(10)], ["a"] * 8 + ["b"] * 2, 1)
    split = Split(*(np.array(side) for side in ([0, 1, 2], [3, 4, 5], [6, 7, 8, 9])))
    found = evaluate(seen, [split], alpha=1.0)
    assert found["subsets"]["b"] == {"srcc": None, "plcc": None}  # two pictures
    assert found["srcc"] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror in KADID-10k's shape: photographs' stand-ins, blurred by rising radii."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "iqa_dataset" / "KADID-10k" / "images"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(8)
    rows = []
    for number in range(CONTENTS):
        coarse = draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        reference = Image.fromarray(coarse).resize((256, 240), Image.Resampling.NEAREST)
        reference.save(folder / f"I{number:02}.png")
        for level in range(LEVELS):
            name = f"I{number:02}_01_{level:02}.png"
            reference.filter(ImageFilter.GaussianBlur(2 * level)).save(folder / name)
            mos = 5.0 - level + draw.normal(0, 0.1)
            paths = [f"KADID-10k/images/{name}", f"KADID-10k/images/I{number:02}.png"]
            rows.append([paths[0], "blur", paths[1], f"{mos:.3f}"])
    with (root / "iqa_dataset" / "KADID-10k.txt").open("w", newline="") as file:
        csv.writer(file).writerows([["dis_img_path", "dis_type", "ref_img_path", "score"], *rows])
    return root


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random CLIP model."""
    path = tmp_path_factory.mktemp("clip")
    vocab = {chr(33 + i): i for i in range(90)} | {chr(33 + i) + "</w>": 90 + i for i in range(90)}
    vocab |= {"<|startoftext|>": 180, "<|endoftext|>": 181}
    transformers.CLIPTokenizer(vocab=vocab, merges=[]).save_pretrained(path)
    transformers.CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(path)
    shared = {
        "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }  # fmt: skip
    text = {**shared, "vocab_size": 182, "eos_token_id": 181, "max_position_embeddings": 16}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config=text,
        vision_config={**shared, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    transformers.CLIPModel(config).eval().save_pretrained(path)
    return path


def address(encoder: Path) -> str:
    return f"clip:{encoder}?recipe=antonym&dtype=float32"


def source(mirror: Path, tmp_path: Path) -> Source:
    return Source(mirror, tmp_path, offline=True, verify=False)


def features(mirror: Path, encoder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Independent: crops by Pillow, embeddings by transformers' own processor and model."""
    model = transformers.CLIPModel.from_pretrained(encoder).eval()
    processor = transformers.CLIPImageProcessor.from_pretrained(encoder)

    def embed(pictures: list[Image.Image]) -> np.ndarray:
        with torch.no_grad():
            out = model.get_image_features(**processor(pictures, return_tensors="pt"))
        vectors = getattr(out, "pooler_output", out)
        return (vectors / vectors.norm(dim=1, keepdim=True)).numpy()

    x, y = [], []
    with (mirror / "iqa_dataset" / "KADID-10k.txt").open() as file:
        for row in csv.DictReader(file):
            shown = Image.open(mirror / "iqa_dataset" / row["dis_img_path"]).convert("RGB")
            both = []
            for picture in (shown, shown.resize((shown.width // 2, shown.height // 2))):
                w, h = picture.size
                left, top = w // 2 - 112, h // 2 - 112
                corners = [(left, top), (0, 0), (0, h - 224), (w - 224, 0), (w - 224, h - 224)]
                both.append(embed([picture.crop((a, b, a + 224, b + 224)) for a, b in corners]))
            x.append(np.hstack(both))
            y.append(float(row["score"]))
    return np.stack(x), np.array(y)


def test_the_protocol_equals_sklearn_on_the_same_pictures(
    mirror: Path, encoder: Path, tmp_path: Path
) -> None:
    registry = default()
    result = ridge_probe(
        registry.bench("kadid-10k"), registry.scorer(address(encoder)), source(mirror, tmp_path),
        alpha=0.01, device=CPU,
    )  # fmt: skip
    assert (result["pictures"], result["coverage"], result["features"]) == (
        CONTENTS * LEVELS,
        1.0,
        24,
    )
    x, y = features(mirror, encoder)
    groups = [f"KADID-10k/images/I{i // LEVELS:02}.png" for i in range(len(y))]
    expected = []
    for split in seeded_splits(groups, 10, 0):
        fit = Ridge(alpha=0.01).fit(x[split.train].reshape(-1, 24), np.repeat(y[split.train], 5))
        said = fit.predict(x[split.test].reshape(-1, 24)).reshape(-1, 5).mean(axis=1)
        expected.append(
            (stats.spearmanr(said, y[split.test])[0], stats.pearsonr(said, y[split.test])[0])
        )
    got = [(row["srcc"], row["plcc"]) for row in result["splits"]]
    np.testing.assert_allclose(got, expected, atol=0.03)  # transformers resizes a hair differently
    assert result["srcc"] == pytest.approx(np.median([row[0] for row in got]))
    assert result["subsets"]["blur"]["plcc"] == pytest.approx(result["plcc"])
    assert result["value"] > 0.5  # blur can be told even by random features


def test_a_ridge_probe_is_a_bundle(
    mirror: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    registry, given = default(), source(mirror, tmp_path)
    bench, scorer = registry.bench("kadid-10k"), registry.scorer(address(encoder))
    ridged = probe(bench, scorer, given, alpha=0.01, crops=1, splits=3, device=CPU)
    options = Options(resamples=100)
    bundle = fitted_bundle(registry, bench, fit_of(bench, scorer, ridged), given, options)
    result, rows = bundle.result, ridged.result["splits"]
    assert bundle.bench == "kadid-10k.ridge-probe"
    # the run's own metric finds each split's correlation, and their mean
    for number, row in enumerate(rows):
        entry = result["subsets"][f"split {number}"]
        assert (entry["value"], entry["n"]) == (pytest.approx(row["srcc"]), row["n"])
    assert result["value"] == pytest.approx(np.mean([row["srcc"] for row in rows]))
    assert result["samples"] == sum(row["n"] for row in rows)
    assert result["fitted"]["srcc"] == ridged.result["srcc"]
    assert f"{ridged.result['srcc']:.4f}" in " ".join(result["notes"])
    assert answers_of(bundle).value == pytest.approx(result["value"])


def test_command_and_refusals(mirror: Path, encoder: Path, tmp_path: Path) -> None:
    words = ["ridge-probe", "kadid-10k", "-s", address(encoder), "--data", str(mirror)]
    (tmp_path / "short").mkdir()
    run = CliRunner().invoke(app, [*words, "--json", "--splits", "3", "--crops", "1"])
    # the bench's own table has another checksum: the mirror of this test is told apart
    assert run.exit_code != 0
    assert "sha256" in str(run.exception) + run.output
    registry, given = default(), source(mirror, tmp_path)
    bench = registry.bench("kadid-10k")
    with pytest.raises(ScorerError, match="gives no representations"):
        ridge_probe(bench, registry.scorer("sharpness"), given)
    with pytest.raises(UsageError, match="1 or 5 crops"):
        ridge_probe(bench, registry.scorer(address(encoder)), given, crops=3)
    with pytest.raises(UsageError, match="looks at pictures"):
        ridge_probe(registry.bench("pandalm"), registry.scorer(address(encoder)), given)


def test_a_broken_picture_is_counted_and_labels_may_be_rescaled(
    mirror: Path, encoder: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(mirror, tmp_path / "copy")
    broken = tmp_path / "copy" / "iqa_dataset" / "KADID-10k" / "images" / "I03_01_02.png"
    broken.write_bytes(broken.read_bytes()[:300])
    registry = default()
    given = (registry.bench("kadid-10k"), registry.scorer(address(encoder)))
    how: dict[str, Any] = {"alpha": 1.0, "crops": 1, "splits": 3, "device": CPU}
    plain = ridge_probe(*given, source(tmp_path / "copy", tmp_path), **how)
    assert plain["pictures"] == CONTENTS * LEVELS - 1
    assert plain["coverage"] == pytest.approx(1 - 1 / (CONTENTS * LEVELS))
    assert any("cannot be decoded" in reason for reason in plain["reasons"])
    scaled = ridge_probe(*given, source(tmp_path / "copy", tmp_path), min_max=True, **how)
    assert scaled["srcc"] == pytest.approx(plain["srcc"])
    assert scaled["plcc"] == pytest.approx(plain["plcc"])
    json.dumps(scaled, allow_nan=False)
    folder = save(tmp_path / "splits", train=[[0]], val=[[4]], test=[[8]])
    with pytest.raises(DataError, match="could not be represented"):
        ridge_probe(*given, source(tmp_path / "copy", tmp_path), **{**how, "splits": folder})
