"""Model outputs drawn with known geometry, and a card without surprises."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CanonicalFrame, to_canonical
from barbotage_models.contract.card import Calibration, ModelCard, Thresholds
from barbotage_models.contract.geometry import FloatArray, PointMm, Scale
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import Tissue

IDENTITY = Calibration(slope=1.0, offset=0.0)
CARD = ModelCard(
    name="drawn",
    version="1",
    sha256="",
    number_format="int8",
    thresholds=Thresholds(
        deposit_pixel=0.5, deposit_shown=0.5, bone_pixel=0.5, needle_pixel=0.5, needle_shown=0.5, tip_shown=0.5
    ),
    deposit_calibration=IDENTITY,
    needle_calibration=IDENTITY,
    tip_calibration=IDENTITY,
    raw={},
)
FINE = 4
"""The maps are drawn this much finer than the canonical frame, then averaged to cells."""


def speckle(shape: tuple[int, int], seed: int = 0, mean: float = 80.0, deviation: float = 20.0) -> npt.NDArray[np.uint8]:
    """A picture of blurred noise, grey as tissue is."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(shape), (0, 0), 2.0)
    return np.asarray(np.clip(mean + deviation * noise / noise.std(), 0, 255), dtype=np.uint8)


@dataclass
class Drawing:
    """A region with things drawn in plane mm; ``output`` is what a perfect network would say."""

    region: npt.NDArray[np.uint8] = field(default_factory=lambda: speckle((384, 384)))
    scale: Scale | None = field(default_factory=lambda: Scale.isotropic(0.1))

    def __post_init__(self) -> None:
        self.canonical: CanonicalFrame = to_canonical(self.region, self.scale)
        side = 256 * FINE
        self._maps = {t: np.zeros((side, side), dtype=np.uint8) for t in Tissue}
        self._tip = np.zeros((64, 64))

    def _fine(self, points_mm: FloatArray) -> npt.NDArray[np.int32]:
        canonical = self.canonical.view.canonical_from_plane(points_mm)
        return np.asarray(np.rint((canonical + 0.5) * FINE - 0.5), dtype=np.int32)

    def polygon(self, tissue: Tissue, points_mm: FloatArray, probability: float = 0.95) -> "Drawing":
        cv2.fillPoly(self._maps[tissue], [self._fine(points_mm)], round(probability * 255))
        return self

    def line(
        self, tissue: Tissue, points_mm: Sequence[tuple[float, float]], width_mm: float = 1.2, probability: float = 0.95
    ) -> "Drawing":
        pixels = self._fine(np.asarray(points_mm, dtype=np.float64))
        cv2.polylines(self._maps[tissue], [pixels], False, round(probability * 255), round(width_mm / 0.15 * FINE))
        return self

    def tip(self, point: PointMm, height: float = 0.9) -> "Drawing":
        x, y = (self.canonical.view.canonical_from_plane(np.array([[point.x_mm, point.z_mm]]))[0] - 1.5) / 4
        rows, columns = np.mgrid[0:64, 0:64]
        self._tip = np.maximum(self._tip, height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2))
        return self

    def output(self) -> ModelOutput:
        cells = [cv2.resize(self._maps[t], (64, 64), interpolation=cv2.INTER_AREA) for t in Tissue]
        return ModelOutput(np.stack(cells, axis=2).astype(np.uint8), np.rint(self._tip * 255).astype(np.uint8))


def ellipse(x_mm: float, z_mm: float, a_mm: float, b_mm: float, tilt_deg: float = 0.0) -> FloatArray:
    """The outline (n, 2) of an ellipse with semi-axes a and b."""
    t = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    return np.stack(
        [x_mm + a_mm * np.cos(t) * c - b_mm * np.sin(t) * s, z_mm + a_mm * np.cos(t) * s + b_mm * np.sin(t) * c], axis=1
    )
