"""BRISQUE through libsvm files, against scikit-learn's libsvm; NIQE on fitted Gaussians."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from prefgauge.benches.controls.image import draw
from prefgauge.plugins.scorers.image import niqe
from prefgauge.plugins.scorers.image.mscn import brisque_features, half_bicubic
from prefgauge.plugins.scorers.image.natural import Brisque, Niqe
from prefgauge.plugins.scorers.image.svm import Ranges, Regressor
from prefgauge.registry import Address, Device, Media, MediaError, ScorerError, UsageError

RNG = np.random.default_rng(9)


def grey(name: str) -> np.ndarray:
    """A drawn scene, in whole grey levels."""
    return np.round(draw(name) @ [0.299, 0.587, 0.114])


def media(plane: np.ndarray) -> Media:
    out = io.BytesIO()
    Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8)).save(out, "PNG")
    return Media("image", data=out.getvalue())


def libsvm_text(model: object, gamma: float) -> str:
    """A fitted scikit-learn SVR in libsvm's file format."""
    lines = [
        "svm_type epsilon_svr",
        "kernel_type rbf",
        f"gamma {gamma}",
        "nr_class 2",
        f"total_sv {len(model.support_)}",  # type: ignore[attr-defined]
        f"rho {-float(model.intercept_[0])}",  # type: ignore[attr-defined]
        "SV",
    ]
    for weight, row in zip(model.dual_coef_[0], model.support_vectors_):  # type: ignore[attr-defined]
        cells = " ".join(f"{i + 1}:{value:.17g}" for i, value in enumerate(row) if value)
        lines.append(f"{weight:.17g} {cells}")
    return "\n".join(lines) + "\n"


def test_brisque_is_the_regressor_on_scaled_features(tmp_path: Path) -> None:
    svm = pytest.importorskip("sklearn.svm")
    scenes = [grey(f"scene-{k}") for k in range(6)]
    noisy = [scene + RNG.normal(0, sigma, scene.shape) for scene in scenes for sigma in (0, 8, 25)]
    noisy = [np.clip(np.round(plane), 0, 255) for plane in noisy]
    features = np.array([brisque_features(plane / 255.0) for plane in noisy])
    low, high = features.min(axis=0), features.max(axis=0)
    scaled = -1 + 2 * (features - low) / (high - low)
    target = np.tile([0.0, 30.0, 80.0], 6)
    model = svm.SVR(kernel="rbf", gamma=0.05, C=1024, epsilon=0.1).fit(scaled, target)
    (tmp_path / "allmodel").write_text(libsvm_text(model, 0.05))
    table = "\n".join(f"{i + 1} {a:.17g} {b:.17g}" for i, (a, b) in enumerate(zip(low, high)))
    (tmp_path / "allrange").write_text(f"x\n-1 1\n{table}\n")
    scorer = Brisque(
        Address.parse(f"brisque:{tmp_path / 'allmodel'}?range={tmp_path / 'allrange'}")
    )
    scorer.open(Device("cpu"))
    got = [scorer.measure(media(plane))["overall"] for plane in noisy]
    np.testing.assert_allclose(got, model.predict(scaled), atol=1e-6)
    assert not scorer.card.dimensions[0].higher_is_better


def test_broken_libsvm_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("svm_type c_svc\nkernel_type rbf\nSV\n")
    with pytest.raises(ScorerError, match="c_svc"):
        Regressor.read(path)
    path.write_text(
        "svm_type epsilon_svr\nkernel_type rbf\ngamma 1\nrho 0\ntotal_sv 2\nSV\n1 1:1\n"
    )
    with pytest.raises(ScorerError, match="1 support vectors of 2"):
        Regressor.read(path)
    path.write_text("y\n")
    with pytest.raises(ScorerError, match="svm-scale"):
        Ranges.read(path)
    with pytest.raises(ScorerError, match="range=PATH"):
        Brisque(Address.parse(f"brisque:{path}"))


def test_ranges_scale_as_svm_scale_does(tmp_path: Path) -> None:
    path = tmp_path / "range"
    path.write_text("x\n-1 1\n1 10 30\n2 5 5\n")
    scaled = Ranges.read(path, features=3)(np.array([15.0, 7.0, 1.0]))
    assert scaled.tolist() == [-0.5, 0.0, 0.0]


def test_the_distance_by_hand() -> None:
    """Diagonal covariances 2 and 4 give 3: difference 6 in one direction is 6 / sqrt 3."""
    zero, step = np.zeros(36), np.zeros(36)
    step[0] = 6.0
    value = niqe.distance((zero, 2.0 * np.eye(36)), (step, 4.0 * np.eye(36)))
    assert value == pytest.approx(6.0 / np.sqrt(3.0))


def test_patches_and_their_features() -> None:
    plane = RNG.normal(128, 30, (200, 300)).round()
    features, sharpness = niqe.patch_features(plane)
    assert features.shape == (2 * 3, 36)
    assert sharpness.shape == (6,)
    # white noise: the normalised values are nearly normal at both scales
    assert features[:, 0] == pytest.approx(np.full(6, 2.6), abs=0.8)
    assert half_bicubic(plane).shape == (100, 150)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    for k in range(40):
        (folder / f"{k:02}.png").write_bytes(media(grey(f"pristine-{k}")).read())
    return folder


def test_niqe_rises_with_distortion(pristine: Path) -> None:
    scorer = Niqe(Address.parse(f"niqe:{pristine}"))
    scorer.open(Device("cpu"))

    def mean(change: object) -> float:
        planes = [change(grey(f"scene-{k}")) for k in range(4)]  # type: ignore[operator]
        return float(np.mean([scorer.measure(media(plane))["overall"] for plane in planes]))

    clean = mean(lambda plane: plane)
    assert mean(lambda plane: ndimage.gaussian_filter(plane, 2.0)) > clean
    assert mean(lambda plane: plane + RNG.normal(0, 30, plane.shape)) > clean
    with pytest.raises(MediaError, match="at least 96"):
        scorer.measure(media(np.zeros((95, 200))))


def test_a_model_file_stands_for_its_pictures(pristine: Path, tmp_path: Path) -> None:
    planes = [np.asarray(Image.open(path), float) for path in sorted(pristine.iterdir())]
    mean, covariance = niqe.fit(planes)
    np.savez(tmp_path / "model.npz", mu_prisparam=mean, cov_prisparam=covariance)
    from scipy.io import savemat

    savemat(tmp_path / "model.mat", {"mu_prisparam": mean[None], "cov_prisparam": covariance})
    values = []
    for target in (pristine, tmp_path / "model.npz", tmp_path / "model.mat"):
        scorer = Niqe(Address.parse(f"niqe:{target}"))
        scorer.open(Device("cpu"))
        values.append(scorer.measure(media(grey("scene-0")))["overall"])
    assert values[1:] == pytest.approx(values[:1] * 2, rel=1e-9)


def test_too_little_to_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(media(grey("scene-0")).read())
    scorer = Niqe(Address.parse(f"niqe:{tmp_path}"))
    with pytest.raises(ScorerError, match="72 are needed"):
        scorer.open(Device("cpu"))
    with pytest.raises(ScorerError, match="neither folder nor file"):
        Niqe(Address.parse(f"niqe:{tmp_path / 'gone'}"))
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(ScorerError, match="not a NIQE model"):
        Niqe(Address.parse(f"niqe:{tmp_path / 'bad.npz'}"))


@pytest.mark.parametrize("scheme", ["niqe", "brisque"])
def test_without_a_model_the_current_folder_is_not_taken(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (200, 200)).save(tmp_path / "any.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"give .*{scheme}:"):
        {"niqe": Niqe, "brisque": Brisque}[scheme](Address.parse(scheme))
