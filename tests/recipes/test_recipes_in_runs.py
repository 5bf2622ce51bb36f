"""Recipes in whole runs: the engine's own check that a request alone scores as in its batch, and
a broken file among good ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from test_nisqa import state, write

import prefgauge

pytest.importorskip("torch")


def test_a_sound_recipe_over_a_control_bench(tmp_path: Path) -> None:
    path = write(tmp_path / "nisqa.tar", state())
    results = prefgauge.run(
        ["control-audio"], [f"nisqa:{path}"], limit=3, resamples=0, device="cpu", floors=False
    )
    (row,) = results.to_pandas().to_dict("records")
    assert row["coverage"] == 1.0
    assert row["status"] == "complete"


def test_points_over_meshes_of_which_one_is_broken(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    import torch
    from test_points import openshape_state, tensors, tiny_clip

    root = tmp_path / "mate_3d"
    (root / "csvfiles").mkdir(parents=True)
    (root / "meshes/magic3d").mkdir(parents=True)
    shapes = {
        "a ball": trimesh.creation.icosphere(2), "a box": trimesh.creation.box(),
        "a tube": trimesh.creation.cylinder(0.2, 3), "a cone": trimesh.creation.cone(1, 2),
    }  # fmt: skip
    with (root / "csvfiles/all.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["model", "prompt", "Alignment", "Geometry", "Texture", "Overall"])
        for number, (prompt, shape) in enumerate(shapes.items()):
            shape.export(root / f"meshes/magic3d/{prompt}.obj")
            rows.writerow(["magic3d", prompt, *np.arange(4) + number])
    (root / "meshes/magic3d/a cone.obj").write_text("v 0 0 0\n")
    torch.save(tensors(openshape_state(), "pc_encoder."), tmp_path / "model.pt")
    (tmp_path / "clip").mkdir()
    words = tiny_clip(tmp_path / "clip")
    address = f"points:{tmp_path / 'model.pt'}?recipe=openshape-l14&text={words}"
    results = prefgauge.run(
        ["mate-3d"], [address], data=tmp_path, resamples=0, device="cpu", floors=False
    )
    (row,) = results.to_pandas().to_dict("records")
    assert row["coverage"] == pytest.approx(0.75)
