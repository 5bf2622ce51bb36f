"""BRISQUE and NIQE with the user's own model files: natural-scene statistics against a regressor
or against a Gaussian of pristine pictures. Neither model comes with prefgauge."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from prefgauge.plugins.scorers.image import niqe
from prefgauge.plugins.scorers.image.luma import luma
from prefgauge.plugins.scorers.image.mscn import brisque_features
from prefgauge.plugins.scorers.image.svm import Ranges, Regressor
from prefgauge.registry import (
    Address,
    Dimension,
    Media,
    MediaError,
    ScorerCard,
    ScorerError,
    UsageError,
)
from prefgauge.registry.cards import Option
from prefgauge.registry.media import MeasureScorer, read_image

__all__ = ["Brisque", "Niqe"]

Floats = NDArray[np.float64]
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


class NaturalScene(MeasureScorer):
    """A measurement of grey pixels with a model file: a subclass reads it and gives the value."""

    kind = "image"
    packages = (("PIL", "image"),)
    scheme: ClassVar[str]
    summary: ClassVar[str]
    smallest: ClassVar[int]
    options: ClassVar[tuple[str, ...]] = ()
    wants: ClassVar[str]

    def __init__(self, address: Address) -> None:
        address.expect(*self.options)
        if not address.target:  # an empty path would be the current folder
            raise UsageError(f"Scorer {address}: give {self.wants}.")
        self.address = address
        identity = self.load(Path(address.target).expanduser())
        self.card = ScorerCard(
            name=str(address),
            form="pointwise",
            modalities=frozenset({"image"}),
            dimensions=(Dimension(higher_is_better=False),),
            fingerprint={"formula": self.scheme, "version": 1, **identity},
            summary=self.summary,
            licence="Apache-2.0; the model file has its owner's terms",
        )

    @abstractmethod
    def load(self, path: Path) -> Mapping[str, Option]:
        """Read the model at `path`; what identifies it enters the fingerprint."""

    @abstractmethod
    def value(self, grey: Floats) -> float:
        """The value of grey pixels 0..255, whole numbers."""

    def measure(self, media: Media) -> Mapping[str, float]:
        """The value, as ``overall``; lower is better."""
        pixels = read_image(media)
        if min(pixels.shape[:2]) < self.smallest:
            raise MediaError(
                f"{media.where()}: {pixels.shape[1]}x{pixels.shape[0]} pixels; {self.scheme} needs "
                f"at least {self.smallest} on each side."
            )
        value = self.value(np.round(luma(pixels)))
        if not math.isfinite(value):
            raise MediaError(f"{media.where()}: too flat for natural-scene statistics.")
        return {"overall": value}


class Brisque(NaturalScene):
    """``brisque:allmodel?range=allrange``: the libsvm files of the authors' release.

    Mittal, Moorthy & Bovik, IEEE TIP 21(12), 2012. 36 features, scaled to the ranges, through
    the epsilon-SVR: about 0 (good) to 100 (bad), below 0 for very clean pictures.
    """

    scheme = "brisque"
    summary = "BRISQUE with your libsvm model and range files (Mittal 2012), lower is better."
    smallest = 16
    options = ("range",)
    wants = "the authors' libsvm files, brisque:allmodel?range=allrange"

    def load(self, path: Path) -> Mapping[str, Option]:
        """Both libsvm files."""
        if not self.address.get("range", ""):
            raise ScorerError(f"Scorer {self.address}: needs range=PATH of svm-scale's file too.")
        ranges = Path(self.address.get("range", "")).expanduser()
        for file, what in ((path, "a libsvm model file"), (ranges, "range=PATH of svm-scale")):
            if not file.is_file():
                raise ScorerError(f"Scorer {self.address}: needs {what}; {str(file)!r} is no file.")
        self.regressor, self.ranges = Regressor.read(path), Ranges.read(ranges)
        return {"model": _digest(path), "range": _digest(ranges)}

    def value(self, grey: Floats) -> float:
        """See the class."""
        return self.regressor(self.ranges(brisque_features(grey / 255.0)))


class Niqe(NaturalScene):
    """``niqe:FOLDER`` or ``niqe:FILE``: distance from the statistics of pristine pictures.

    Mittal, Soundararajan & Bovik, "Making a completely blind image quality analyzer", IEEE SPL
    20(3), 2013. The pristine Gaussian is fitted to the pictures in FOLDER (their sharpest
    patches), or read from FILE, a ``.mat`` or ``.npz`` with ``mu_prisparam`` and
    ``cov_prisparam`` (the authors' ``modelparameters.mat``). Values are comparable between equal
    pristine models alone.
    """

    scheme = "niqe"
    summary = "NIQE against your pristine pictures or model file (Mittal 2013), lower is better."
    smallest = niqe.BLOCK
    wants = "a folder of pristine pictures or a model file, niqe:FOLDER or niqe:FILE"

    def load(self, path: Path) -> Mapping[str, Option]:
        """A pristine model from pictures or from a file."""
        if path.is_dir():
            files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not files:
                raise ScorerError(f"Scorer {self.address}: no pictures lie in {path}.")
            self.pristine, self.folder = None, files
            return {"pristine": hashlib.sha256("".join(map(_digest, files)).encode()).hexdigest()}
        if not path.is_file():
            raise ScorerError(f"Scorer {self.address}: {str(path)!r} is neither folder nor file.")
        self.pristine, self.folder = niqe.read_model(path), []
        return {"pristine": _digest(path)}

    def open(self, device: Any) -> None:
        """Fit the pristine model, if it is to come from pictures."""
        super().open(device)
        if self.pristine is None:
            self.pristine = niqe.fit(
                np.round(luma(read_image(Media("image", file)))) for file in self.folder
            )

    def value(self, grey: Floats) -> float:
        """See the class; 0 and more."""
        assert self.pristine is not None
        return niqe.distance(self.pristine, niqe.gaussian(niqe.patch_features(grey)[0]))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
