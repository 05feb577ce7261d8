"""The simulated probe: a world and its state at an instant, to a labelled B-mode frame."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.simulator.anatomy import BodyMaps, ShoulderSettings, shoulder_maps
from barbotage_models.simulator.deposits import DepositPainter, DepositSettings, Lavage
from barbotage_models.simulator.deposits import truth as deposit_truth
from barbotage_models.simulator.imaging import Echoes, ImageChain
from barbotage_models.simulator.mimics import Mimic, MimicGrid, MimicKind, bone_surface, draw_mimics
from barbotage_models.simulator.needle import NeedleEcho, NeedlePose, NeedleSettings, needle_truth
from barbotage_models.simulator.settings import ImageSettings, ProbeSettings
from barbotage_models.simulator.speckle import Complex64, ScattererField
from barbotage_models.simulator.truth import Truth

Float32 = npt.NDArray[np.float32]

MARGIN_MM = 6.0
"""Tissue kept beyond the picture, so that the probe may drift this far."""
PENUMBRA = 0.06
"""Blur of a shadow's edge per distance below what casts it: the aperture (F-number 2 to 4) looks around the edge."""
PENUMBRA_STEP_MM = 2.4


@dataclass(frozen=True, slots=True)
class World:
    """Everything that does not change while one patient is scanned."""

    seed: int
    probe: ProbeSettings = field(default_factory=ProbeSettings)
    image: ImageSettings = field(default_factory=ImageSettings)
    shoulder: ShoulderSettings = field(default_factory=ShoulderSettings)
    deposits: tuple[DepositSettings, ...] = ()
    needle: NeedleSettings = field(default_factory=NeedleSettings)
    mimics: tuple[Mimic, ...] = ()
    """What is neither deposit nor needle but looks like one."""


@dataclass(frozen=True, slots=True)
class SceneState:
    """Everything that moves. ``drift_mm`` and ``press_mm`` move the tissue in the picture to the right and down."""

    drift_mm: float = 0.0
    press_mm: float = 0.0
    needle: NeedlePose | None = None
    lavage: Lavage | None = None
    """Of the first deposit."""
    second_needle: NeedlePose | None = None
    """A second needle of the same make whose tip is not in view."""


@dataclass(frozen=True, slots=True)
class SimulatedFrame:
    """A picture uint8 (h, w) with square pixels of ``mm_per_px``, and what it shows."""

    pixels: GreyImage
    mm_per_px: float
    truth: Truth


class SimulatedProbe:
    """Renders states of one world. Same world and same sequence of states: same frames, byte for byte."""

    def __init__(self, world: World) -> None:
        self.world = world
        probe = world.probe
        rng = np.random.default_rng(world.seed)
        self._scatterers = ScattererField(probe, MARGIN_MM, rng)
        self._maps = _with_mimics(shoulder_maps(world.shoulder, probe, MARGIN_MM, world.seed), world)
        self._noise_rng = np.random.default_rng([world.seed, 1])
        self._chain = ImageChain(probe, world.image)
        grid = (self._maps.echo_db.shape[0], self._maps.echo_db.shape[1])
        steps = (probe.sample_mm, probe.pitch_mm)
        self._painters = [DepositPainter(d, grid, steps, self._maps.margin) for d in world.deposits]
        self._needle = NeedleEcho(world.needle, probe)
        self._body: _Cached[tuple[Float32, Float32]] = _Cached()
        self._tissue: _Cached[tuple[Complex64, Float32]] = _Cached()

    @property
    def maps(self) -> BodyMaps:
        """The world's anatomy."""
        return self._maps

    def render(self, state: SceneState) -> SimulatedFrame:
        """The frame of a state."""
        diffuse, specular = self._tissue.get((state.drift_mm, state.press_mm, state.lavage), lambda: self._tissue_echoes(state))
        truth = self._truth(state, np.abs(diffuse) + specular)
        for pose in (state.second_needle, state.needle):
            if pose is not None:
                image, loss = self._needle.draw(pose, PointMm(state.drift_mm, state.press_mm))
                below = amplitude_of_loss(loss, self.world.probe.sample_mm, self.world.probe.pitch_mm)
                specular = specular * below + image
                diffuse = diffuse * below
        pixels = self._chain.picture(Echoes(diffuse, specular), self._noise_rng)
        return SimulatedFrame(pixels, self.world.image.mm_per_px, truth)

    def _truth(self, state: SceneState, background: Float32) -> Truth:
        probe, shift = self.world.probe, PointMm(state.drift_mm, state.press_mm)
        deposits = tuple(
            deposit_truth(d, state.lavage if number == 0 else None, shift) for number, d in enumerate(self.world.deposits)
        )
        needle = None if state.needle is None else needle_truth(self._needle, state.needle, shift, probe, background)
        edges = tuple(
            bone_surface(m) + np.array([shift.x_mm, shift.z_mm]) for m in self.world.mimics if m.kind is MimicKind.BONE_EDGE
        )
        truth = Truth(probe.width_mm, probe.depth_mm, deposits, self._bone(shift), needle, edges)
        if state.second_needle is None:
            return truth
        second = needle_truth(self._needle, state.second_needle, shift, probe, background)
        return truth if second is None else replace(truth, more_shafts=second.visible_segments)

    def _bone(self, shift: PointMm) -> npt.NDArray[np.float64]:
        x = self._maps.x_mm.astype(np.float64) + shift.x_mm
        z = self._maps.bone_z_mm.astype(np.float64) + shift.z_mm
        slope = np.abs(np.gradient(z, x))
        keep = (x >= 0) & (x <= self.world.probe.width_mm) & (z > 0) & (z < self.world.probe.depth_mm - 0.5) & (slope < 1.2)
        return np.stack([x[keep], z[keep]], axis=1)

    def _tissue_echoes(self, state: SceneState) -> tuple[Complex64, Float32]:
        amplitude, specular = self._body.get(state.lavage, lambda: self._body_amplitudes(state.lavage))
        probe = self.world.probe
        dx, dz = state.drift_mm / probe.pitch_mm, state.press_mm / probe.sample_mm
        matrix = np.array([[1, 0, dx - self._maps.margin], [0, 1, dz]], dtype=np.float64)
        size = (probe.lines, probe.samples)

        def moved(body: Float32) -> Float32:
            return np.asarray(cv2.warpAffine(body, matrix, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)

        gain = self._chain.tgc
        speckle = self._scatterers.splat(state.drift_mm, state.press_mm)
        return speckle * (moved(amplitude) * gain), moved(specular) * gain

    def _body_amplitudes(self, lavage: Lavage | None) -> tuple[Float32, Float32]:
        maps = self._maps
        echo, transmitted = maps.echo_db, (10 ** (-maps.loss_db / 20)).astype(np.float32)
        for number, painter in enumerate(self._painters):
            seen = painter.appearance(self.world.shoulder.tendon.echo_db, lavage if number == 0 else None)
            echo = echo * (1 - seen.mask) + seen.level_db * seen.mask
            transmitted = transmitted * amplitude_of_loss(seen.loss_db, self.world.probe.sample_mm, self.world.probe.pitch_mm)
        return (10 ** (echo / 20)).astype(np.float32) * transmitted, maps.specular * transmitted


def _with_mimics(maps: BodyMaps, world: World) -> BodyMaps:
    if not world.mimics:
        return maps
    probe = world.probe
    samples, columns = maps.echo_db.shape
    seen = draw_mimics(world.mimics, MimicGrid(samples, columns, probe.sample_mm, probe.pitch_mm, maps.margin))
    lost_db = -20 * np.log10(np.maximum(amplitude_of_loss(seen.loss_db, probe.sample_mm, probe.pitch_mm), 1e-6))
    return replace(
        maps,
        echo_db=maps.echo_db + seen.change_db,
        loss_db=np.asarray(maps.loss_db + lost_db, dtype=np.float32),
        specular=maps.specular + seen.specular,
    )


def amplitude_of_loss(loss_db_per_sample: Float32, sample_mm: float = 0.075, pitch_mm: float = 0.2) -> Float32:
    """Transmitted amplitude below local losses; the shadow's edge blurs with the distance below what casts it."""
    cumulated = np.cumsum(loss_db_per_sample, axis=0, dtype=np.float32)
    rows = np.flatnonzero(loss_db_per_sample.any(axis=1))
    if not rows.size:
        return np.ones_like(cumulated)
    first = int(rows[0])
    step = max(8, round(PENUMBRA_STEP_MM / sample_mm))
    for top in range(first, cumulated.shape[0], step):
        sigma_mm = 0.1 + PENUMBRA * (top + step / 2 - first) * sample_mm
        block = cumulated[top : top + step]
        cumulated[top : top + step] = cv2.GaussianBlur(block, (0, 0), sigmaX=sigma_mm / pitch_mm, sigmaY=0.01)
    return np.asarray(np.exp(cumulated * np.float32(-np.log(10) / 20)), dtype=np.float32)


T = TypeVar("T")


class _Cached(Generic[T]):
    """The last computed value and what it was computed for."""

    def __init__(self) -> None:
        self._entry: tuple[object, T] | None = None

    def get(self, key: object, compute: Callable[[], T]) -> T:
        if self._entry is None or key != self._entry[0]:
            self._entry = (key, compute())
        return self._entry[1]
