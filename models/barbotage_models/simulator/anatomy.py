"""The shoulder in the coronal plane of the supraspinatus: layers, textures, surfaces, as maps on the scan grid.

Skin, subcutaneous fat, deltoid between two fasciae, bursa, supraspinatus tendon, cartilage, humeral head. Layers
follow the curvature of the head; the tendon tapers to its footprint on the greater tuberosity.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.simulator.settings import ProbeSettings

Float32 = npt.NDArray[np.float32]


DELTOID = 2
"""Its place among the layers."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Echo level (dB of full scale), texture contrast (dB), fibre length and thickness (mm), attenuation (dB/cm/MHz, one way)."""

    echo_db: float
    texture_db: float
    fibre_mm: float
    fibre_thickness_mm: float
    attenuation: float


@dataclass(frozen=True, slots=True)
class ShoulderSettings:
    """One person's shoulder. Depths and thicknesses in mm."""

    skin_mm: float = 1.6
    fat_mm: float = 4.0
    deltoid_mm: float = 8.0
    bursa_mm: float = 0.8
    tendon_mm: float = 6.0
    cartilage_mm: float = 0.9
    head_radius_mm: float = 26.0
    head_x_mm: float = 17.0
    """Where the head is shallowest."""
    tuberosity_side: int = 1
    """+1: the tendon tapers towards the right, -1: towards the left."""
    taper_x_mm: float = 31.0
    """Where the tendon ends, measured from the side opposite to the tuberosity."""
    undulation_mm: float = 0.5
    tilt: float = 0.0
    """Slope of all layers below the skin, positive downwards to the right: the probe is not parallel to them."""
    pennation: float = 0.0
    """Slope of the deltoid's fibres against its fascia."""
    spurs: tuple[tuple[float, float, float], ...] = ()
    """Bony spurs at the enthesis or elsewhere: position x, height and half width, in mm."""
    skin: Layer = Layer(-21.0, 2.0, 4.0, 0.3, 0.9)
    fat: Layer = Layer(-31.0, 7.5, 5.0, 0.35, 0.6)
    deltoid: Layer = Layer(-33.0, 9.5, 8.0, 0.28, 0.65)
    bursa: Layer = Layer(-47.0, 2.0, 3.0, 0.3, 0.4)
    tendon: Layer = Layer(-27.0, 8.0, 5.0, 0.28, 0.7)
    cartilage: Layer = Layer(-46.0, 2.0, 3.0, 0.3, 0.5)
    bone: Layer = Layer(-34.0, 2.0, 2.0, 0.5, 0.7)
    anisotropy_db: float = 7.0
    """Loss of the tendon's echo where its fibres are tilted by 15 degrees; grows with the square, to three times this."""
    bone_echo_db: float = -4.0
    bone_thickness_mm: float = 0.30
    bone_loss_db: float = 24.0
    """Two-way loss at the bone interface."""
    fascia_db: float = -12.0
    contact_loss_db: float = 2.0
    """Spread over the columns of the loss between probe and skin (gel, hair, pressure)."""


@dataclass(frozen=True, slots=True)
class BodyMaps:
    """Maps (samples, columns) on the scan grid, ``margin`` columns wider than the picture on both sides.

    ``echo_db`` diffuse level; ``loss_db`` cumulated two-way attenuation; ``specular`` amplitude of smooth surfaces
    before attenuation. ``bone_z_mm`` per column.
    """

    echo_db: Float32
    loss_db: Float32
    specular: Float32
    bone_z_mm: Float32
    margin: int
    x_mm: Float32


class _Grid:
    def __init__(self, probe: ProbeSettings, margin_mm: float) -> None:
        self.probe = probe
        self.margin = round(margin_mm / probe.pitch_mm)
        columns = probe.lines + 2 * self.margin
        self.x = ((np.arange(columns) - self.margin + 0.5) * probe.pitch_mm).astype(np.float32)
        self.z = ((np.arange(probe.samples) + 0.5) * probe.sample_mm).astype(np.float32)
        self.shape = (probe.samples, columns)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Depth in mm of the tops of the seven layers, each (columns,), and the columns' ``x_mm``."""

    x_mm: Float32
    tops: tuple[Float32, ...]

    @property
    def tendon_top(self) -> Float32:
        """Bursal surface of the tendon."""
        return self.tops[4]

    @property
    def bone(self) -> Float32:
        """Surface of the humeral head."""
        return self.tops[6]


def boundaries(settings: ShoulderSettings, probe: ProbeSettings, margin_mm: float, seed: int) -> Boundaries:
    """Where the layers of a shoulder lie; the same for the same seed."""
    grid = _Grid(probe, margin_mm)
    return Boundaries(grid.x, tuple(_layer_tops(settings, grid, np.random.default_rng([seed, 2]))))


def shoulder_maps(settings: ShoulderSettings, probe: ProbeSettings, margin_mm: float, seed: int) -> BodyMaps:
    """The maps of one shoulder."""
    grid = _Grid(probe, margin_mm)
    rng = np.random.default_rng([seed, 3])
    tops = boundaries(settings, probe, margin_mm, seed).tops
    layers = (
        settings.skin,
        settings.fat,
        settings.deltoid,
        settings.bursa,
        settings.tendon,
        settings.cartilage,
        settings.bone,
    )
    echo, attenuation = _paint_layers(layers, tops, settings.pennation, grid, rng)
    bone_z = tops[6]
    loss = np.cumsum(attenuation, axis=0, dtype=np.float32) * np.float32(2 * probe.frequency_mhz * probe.sample_mm / 10)
    below = 1 / (1 + np.exp(-np.clip((grid.z[:, None] - bone_z - 0.25) / 0.12, -30, 30)))
    loss += np.float32(settings.bone_loss_db) * below.astype(np.float32)
    loss += np.abs(_smooth_noise(rng, grid.shape[1], 4.0 / probe.pitch_mm)) * np.float32(settings.contact_loss_db)
    specular = _surfaces(settings, tops, grid, rng)
    tendon = (grid.z[:, None] >= tops[4]) & (grid.z[:, None] < tops[5])
    tilt_deg = np.rad2deg(np.arctan(np.gradient(tops[4], probe.pitch_mm)))
    echo -= tendon * np.float32(settings.anisotropy_db) * np.minimum((tilt_deg / 15) ** 2, 3).astype(np.float32)
    echo = _add_bone_ridge(settings, echo, bone_z, grid, rng)
    return BodyMaps(echo, loss.astype(np.float32), specular, bone_z, grid.margin, grid.x)


def phantom_maps(probe: ProbeSettings, margin_mm: float, echo_db: float = -25.0, attenuation: float = 0.6) -> BodyMaps:
    """A homogeneous phantom: for the speckle gates and for tests."""
    grid = _Grid(probe, margin_mm)
    echo = np.full(grid.shape, echo_db, dtype=np.float32)
    loss = np.cumsum(np.full(grid.shape, attenuation, dtype=np.float32), axis=0) * np.float32(
        2 * probe.frequency_mhz * probe.sample_mm / 10
    )
    deep = np.full(grid.shape[1], 1e3, dtype=np.float32)
    return BodyMaps(echo, loss.astype(np.float32), np.zeros(grid.shape, np.float32), deep, grid.margin, grid.x)


def _layer_tops(s: ShoulderSettings, grid: _Grid, rng: np.random.Generator) -> list[Float32]:
    """Depth of the top of each of the seven layers at each column (the first is the skin's, 0)."""
    x = grid.x

    def wave() -> Float32:
        return _smooth_noise(rng, len(x), 9.0 / grid.probe.pitch_mm) * np.float32(s.undulation_mm)

    skin = np.zeros_like(x)
    fat = s.skin_mm + 0.3 * wave()
    fascia = s.skin_mm + s.fat_mm + wave()
    distance = x - s.head_x_mm
    arc = s.head_radius_mm - np.sqrt(np.maximum(s.head_radius_mm**2 - distance**2, (0.25 * s.head_radius_mm) ** 2))
    along = x if s.tuberosity_side > 0 else grid.probe.width_mm - x
    tendon = s.tendon_mm / (1 + np.exp((along - s.taper_x_mm) / 2.2)) + 0.4
    # The tuberosity is flatter and lower than the sphere: a step of about 1.5 mm at the footprint.
    step = 1.5 / (1 + np.exp(-(along - s.taper_x_mm + 2.0) / 0.8))
    head_top = s.skin_mm + s.fat_mm + s.deltoid_mm + s.bursa_mm + s.tendon_mm + s.cartilage_mm
    lean = np.float32(s.tilt) * (x - grid.probe.width_mm / 2)
    bone = head_top + arc + step + 0.15 * wave() + lean
    fascia, fat = fascia + lean, fat + 0.3 * lean
    cartilage = bone - s.cartilage_mm / (1 + np.exp((along - s.taper_x_mm + 4.0) / 1.5))
    tendon_top = cartilage - tendon
    bursa_top = tendon_top - s.bursa_mm * (1 + 0.3 * wave())
    deltoid_top = np.minimum(fascia, bursa_top - 0.6)
    # Spurs grow from the bone into the tendon; the layers above are not moved by them.
    for at, height, half_width in s.spurs:
        bone = bone - np.float32(height) * np.exp(-(np.abs((x - np.float32(at)) / np.float32(half_width)) ** 1.5))
    cartilage = np.minimum(cartilage, bone)
    tops = (skin, np.minimum(fat, deltoid_top - 0.3), deltoid_top, bursa_top, tendon_top, cartilage, bone)
    return [np.asarray(t, dtype=np.float32) for t in tops]


def _paint_layers(
    layers: tuple[Layer, ...], tops: tuple[Float32, ...], pennation: float, grid: _Grid, rng: np.random.Generator
) -> tuple[Float32, Float32]:
    echo = np.empty(grid.shape, dtype=np.float32)
    attenuation = np.empty(grid.shape, dtype=np.float32)
    z = grid.z[:, None]
    bottoms = [*tops[1:], np.full_like(tops[0], 1e3)]
    for number, (layer, top, bottom) in enumerate(zip(layers, tops, bottoms, strict=True)):
        inside = (z >= top) & (z < bottom)
        texture = _fibres(layer, top if number != DELTOID else top + np.float32(pennation) * (grid.x - grid.x.mean()), grid, rng)
        echo[inside] = layer.echo_db + layer.texture_db * texture[inside]
        attenuation[inside] = layer.attenuation
    return np.asarray(cv2.GaussianBlur(echo, (3, 5), 0.8), dtype=np.float32), attenuation


def _fibres(layer: Layer, top: Float32, grid: _Grid, rng: np.random.Generator) -> Float32:
    """Unit-variance texture with fibres that run along the layer's upper surface."""
    sigma_x = layer.fibre_mm / 2.355 / grid.probe.pitch_mm
    sigma_z = layer.fibre_thickness_mm / 2.355 / grid.probe.sample_mm
    white = rng.standard_normal(grid.shape).astype(np.float32)
    noise = cv2.GaussianBlur(white, (0, 0), sigmaX=max(sigma_x, 0.4), sigmaY=max(sigma_z, 0.4))
    noise = noise / np.float32(noise.std())
    columns = np.broadcast_to(np.arange(grid.shape[1], dtype=np.float32), grid.shape)
    rows = np.arange(grid.shape[0], dtype=np.float32)[:, None] - (top - top.min()) / np.float32(grid.probe.sample_mm)
    return np.asarray(
        cv2.remap(noise, np.ascontiguousarray(columns), rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT),
        dtype=np.float32,
    )


def _surfaces(s: ShoulderSettings, tops: tuple[Float32, ...], grid: _Grid, rng: np.random.Generator) -> Float32:
    specular = np.zeros(grid.shape, dtype=np.float32)
    for z, level_db, sigma_mm, limit_deg in (
        (tops[1], s.fascia_db - 6, 0.10, 25.0),
        (tops[2], s.fascia_db, 0.12, 25.0),
        (tops[3], s.fascia_db, 0.12, 25.0),
        (tops[4], s.fascia_db - 4, 0.10, 25.0),
        (tops[6], s.bone_echo_db - 4, s.bone_thickness_mm * 0.6, 45.0),
    ):
        specular += surface_echo(z, level_db, sigma_mm, limit_deg, grid, rng)
    for _ in range(int(rng.integers(2, 7))):
        specular += _septum(s, tops, grid, rng)
    return specular


def _septum(s: ShoulderSettings, tops: tuple[Float32, ...], grid: _Grid, rng: np.random.Generator) -> Float32:
    """A short bright line within fat or deltoid: what a needle must not be confused with."""
    upper, lower = (tops[1], tops[2]) if rng.random() < 0.3 else (tops[2], tops[3])
    position = rng.uniform(0.15, 0.85)
    slope = np.tan(np.deg2rad(rng.normal(0, 7)))
    centre = rng.uniform(grid.x[0], grid.x[-1])
    z = upper + position * (lower - upper) + slope * (grid.x - centre)
    window = np.exp(-0.5 * ((grid.x - centre) / rng.uniform(2, 7)) ** 2)
    line = surface_echo(z.astype(np.float32), s.fascia_db - rng.uniform(0, 9), 0.1, 25.0, grid, rng)
    return np.asarray(line * window, dtype=np.float32)


def surface_echo(
    z_mm: Float32, level_db: float, sigma_mm: float, limit_deg: float, grid: _Grid, rng: np.random.Generator
) -> Float32:
    """Amplitude map of a smooth surface at depth ``z_mm`` per column; it fades where steeper than about ``limit_deg``."""
    slope_deg = np.rad2deg(np.arctan(np.gradient(z_mm, grid.probe.pitch_mm)))
    fall_off = np.exp(-((slope_deg / limit_deg) ** 2))
    wander = 10 ** (_smooth_noise(rng, len(z_mm), 1.2 / grid.probe.pitch_mm) * 5.0 / 20)
    amplitude = (10 ** (level_db / 20) * fall_off * wander).astype(np.float32)
    profile = np.exp(-0.5 * ((grid.z[:, None] - z_mm) / np.float32(sigma_mm)) ** 2)
    return np.asarray(amplitude * profile, dtype=np.float32)


def _add_bone_ridge(s: ShoulderSettings, echo: Float32, bone_z: Float32, grid: _Grid, rng: np.random.Generator) -> Float32:
    """The rough part of the bone's echo: a bright speckled band, thicker than the pulse since the slice is thick."""
    slope_deg = np.rad2deg(np.arctan(np.gradient(bone_z, grid.probe.pitch_mm)))
    level = s.bone_echo_db - 12 * (1 - np.exp(-((slope_deg / 40) ** 2))) + 4 * _smooth_noise(rng, len(bone_z), 6)
    distance = (grid.z[:, None] - bone_z - 0.1) / np.float32(s.bone_thickness_mm)
    ridge = level - 8.7 * 0.5 * distance**2
    return np.asarray(np.maximum(echo, ridge), dtype=np.float32)


def _smooth_noise(rng: np.random.Generator, count: int, sigma: float) -> Float32:
    """Unit-variance random curve of ``count`` points, correlation length ``sigma`` points."""
    raw = rng.standard_normal(count + int(8 * sigma)).astype(np.float32)[None, :]
    smooth = cv2.GaussianBlur(raw, (0, 0), sigmaX=max(sigma, 0.5), sigmaY=0.01)[0]
    smooth = smooth[int(4 * sigma) : int(4 * sigma) + count]
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), dtype=np.float32)
