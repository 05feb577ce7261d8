"""Random worlds and states: the simulator's share of domain randomisation.

Ranges are wide on purpose: frequency, depth, gain, grey map, looks, smoothing, anatomy, needle type and number of lines all
vary beyond what one scanner shows, so that a network cannot learn the simulator (realism.md section 5).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.anatomy import Boundaries, Layer, ShoulderSettings, boundaries
from barbotage_models.simulator.deposits import DepositSettings, DepositShape, Lavage
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, SceneState, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.settings import ImageSettings, ProbeSettings

SHADOW_SHARES = {ShadowType.CLEAR: 0.45, ShadowType.FAINT: 0.25, ShadowType.NONE: 0.30}
"""Soft deposits are rarer in patients (79 / 14 / 7 %, Farin 1995) but are the ones that are missed: shown more often."""
LOSS_DB_PER_MM = {ShadowType.CLEAR: (8.0, 14.0), ShadowType.FAINT: (1.8, 3.5), ShadowType.NONE: (0.2, 0.7)}
STEEPEST_SLOPE = 0.6
"""Deposits are placed where the tendon runs within about 30 degrees of the probe's face: there the probe is held."""
NEEDLE_SHARE = 0.65
DEPOSIT_SHARE = 0.78
SECOND_DEPOSIT_SHARE = 0.2
LAVAGE_SHARE = 0.15


def random_frames(seed: int, count: int) -> Iterator[SimulatedFrame]:
    """``count`` labelled frames of one random world in unrelated states; the same for the same seed."""
    rng = np.random.default_rng([seed, 11])
    world = random_world(seed)
    probe = SimulatedProbe(world)
    for _ in range(count):
        yield probe.render(random_state(world, rng))


def random_world(seed: int) -> World:
    """One patient on one scanner."""
    rng = np.random.default_rng([seed, 7])
    probe = _random_probe(rng)
    shoulder = _random_shoulder(rng, probe)
    return World(
        seed=seed,
        probe=probe,
        image=random_image(rng),
        shoulder=shoulder,
        deposits=_random_deposits(rng, shoulder, probe, seed),
        needle=random_needle(rng),
    )


def random_state(world: World, rng: np.random.Generator) -> SceneState:
    """One instant: probe somewhere, perhaps a needle, perhaps a lavage under way."""
    drift, press = float(rng.normal(0, 1.5)), float(rng.normal(0, 0.3))
    drift, press = float(np.clip(drift, -MARGIN_MM * 0.8, MARGIN_MM * 0.8)), float(np.clip(press, -1, 1))
    needle = stopped_at_bone(world, random_pose(world, rng)) if rng.random() < NEEDLE_SHARE else None
    lavage = None
    if world.deposits and rng.random() < LAVAGE_SHARE:
        lavage = Lavage(washed=float(rng.uniform(0, 0.9)), pressure=float(rng.uniform(0, 1)))
    return SceneState(drift, press, needle, lavage)


def random_pose(world: World, rng: np.random.Generator) -> NeedlePose:
    """A needle somewhere on its way: often towards the first deposit, sometimes anywhere."""
    probe = world.probe
    side = EntrySide.LEFT if rng.random() < 0.5 else EntrySide.RIGHT
    angle = float(np.clip(rng.normal(23, 10), 4, 58))
    outside = float(rng.uniform(-2, 14))
    entry_x = -outside if side is EntrySide.LEFT else probe.width_mm + outside
    if world.deposits and rng.random() < 0.7:
        aim = world.deposits[0].centre
        reach = abs(aim.x_mm - entry_x) + rng.normal(0, 2)
        angle = float(np.clip(np.rad2deg(np.arctan2(aim.z_mm + rng.normal(0, 2), max(reach, 3.0))), 4, 62))
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    first = max(outside / cosine, 0.0) + 3.0
    last = min((outside + probe.width_mm) / cosine, 0.95 * probe.depth_mm / max(sine, 0.05))
    inserted = float(rng.uniform(first, max(last, first + 1)))
    tilt = float(rng.normal(0, 1.2)) if rng.random() < 0.75 else float(rng.normal(0, 5))
    return NeedlePose(PointMm(float(entry_x), 0.0), side, angle, inserted, tilt, float(rng.normal(0, 0.4)))


def stopped_at_bone(world: World, pose: NeedlePose) -> NeedlePose:
    """The pose, pulled back so that the tip does not lie below the bone surface."""
    where = boundaries(world.shoulder, world.probe, MARGIN_MM, world.seed)
    along = np.arange(0.0, pose.inserted_mm, 0.2)
    dx, dz = pose.direction
    x, z = pose.entry.x_mm + along * dx, pose.entry.z_mm + along * dz
    inside = (x > where.x_mm[0]) & (x < where.x_mm[-1])
    hits = np.flatnonzero(inside & (z > np.interp(x, where.x_mm, where.bone) - 0.3))
    return replace(pose, inserted_mm=float(along[hits[0]])) if hits.size else pose


def random_needle(rng: np.random.Generator) -> NeedleSettings:
    """One needle; one line most often, as real pictures show, up to five."""
    return NeedleSettings(
        kind=NeedleType(rng.choice([t.value for t in NeedleType], p=[0.4, 0.3, 0.3])),
        diameter_mm=float(rng.choice([1.27, 0.91, 0.72, 0.51], p=[0.4, 0.25, 0.2, 0.15])),
        echo_db=float(rng.uniform(-13, 5)),
        lines=int(rng.choice([1, 2, 3, 4, 5], p=[0.58, 0.24, 0.1, 0.05, 0.03])),
        line_decay_db=float(rng.uniform(4, 14)),
        width_mm=float(rng.uniform(0.08, 0.24)),
        gap_fraction=float(rng.choice([0.0, rng.uniform(0.05, 0.45)], p=[0.4, 0.6])),
        tip_gain_db=float(rng.uniform(-1, 7)),
        bend_mm=float(rng.choice([0.0, rng.normal(0, 0.9)], p=[0.6, 0.4])),
        loss_db=float(rng.uniform(0, 9)),
        seed=int(rng.integers(2**31)),
    )


def random_image(rng: np.random.Generator) -> ImageSettings:
    """One scanner setting."""
    return ImageSettings(
        dynamic_range_db=float(rng.uniform(52, 74)),
        gain_db=float(rng.normal(-5.6, 3.5)),
        looks=int(rng.choice([1, 2, 3, 5, 7, 9], p=[0.2, 0.22, 0.22, 0.16, 0.12, 0.08])),
        noise_db=float(rng.uniform(-105, -84)),
        clutter_db=float(rng.uniform(-45, -32)),
        clutter_length_mm=float(rng.uniform(1.5, 6.0)),
        tgc_db_per_cm_mhz=float(rng.normal(0.63, 0.05)),
        smoothing_mm=float(rng.choice([0.0, rng.uniform(0.05, 0.16)])),
        edge=float(rng.choice([0.0, rng.uniform(0.1, 0.5)])),
        gamma=float(np.exp(rng.normal(0.05, 0.18))),
        mm_per_px=float(rng.uniform(0.06, 0.15)),
    )


def _random_probe(rng: np.random.Generator) -> ProbeSettings:
    depth = float(rng.uniform(26, 44))
    width = float(rng.uniform(28, 44))
    return ProbeSettings(
        lines=int(rng.choice([128, 160, 192])),
        samples=round(depth / 0.075),
        width_mm=width,
        depth_mm=depth,
        frequency_mhz=float(rng.uniform(6.5, 13.0)),
        fractional_bandwidth=float(rng.uniform(0.45, 0.7)),
        f_number=float(rng.uniform(1.6, 3.2)),
        focus_mm=float(rng.uniform(9, 25)),
        focal_depth_mm=float(rng.uniform(9, 20)),
        scatterers_per_mm2=80.0,
    )


def _random_shoulder(rng: np.random.Generator, probe: ProbeSettings) -> ShoulderSettings:
    room = probe.depth_mm - 8.0
    tendon = float(rng.uniform(4.0, 8.0))
    fat = float(rng.uniform(1.0, 8.0))
    deltoid = float(np.clip(rng.normal(8.5, 3.0), 2.5, max(3.0, room - fat - tendon)))
    fat = min(fat, max(1.0, room - tendon - deltoid))
    base = ShoulderSettings()

    def vary(layer: Layer, spread_db: float = 5.5) -> Layer:
        return replace(
            layer,
            echo_db=layer.echo_db + float(rng.normal(0, spread_db)),
            texture_db=layer.texture_db * float(np.exp(rng.normal(0.1, 0.3))),
            fibre_mm=layer.fibre_mm * float(np.exp(rng.normal(0, 0.35))),
            fibre_thickness_mm=layer.fibre_thickness_mm * float(np.exp(rng.normal(0, 0.3))),
            attenuation=float(np.clip(layer.attenuation * np.exp(rng.normal(0, 0.12)), 0.3, 1.0)),
        )

    return ShoulderSettings(
        skin_mm=float(rng.uniform(0.8, 2.6)),
        fat_mm=fat,
        deltoid_mm=deltoid,
        bursa_mm=float(rng.uniform(0.3, 1.8)),
        tendon_mm=tendon,
        cartilage_mm=float(rng.uniform(0.4, 1.4)),
        head_radius_mm=float(rng.uniform(20, 42)),
        head_x_mm=float(rng.uniform(0.2, 0.8) * probe.width_mm),
        tuberosity_side=int(rng.choice([-1, 1])),
        taper_x_mm=float(rng.uniform(0.65, 1.2) * probe.width_mm),
        undulation_mm=float(rng.uniform(0.2, 1.0)),
        skin=vary(base.skin),
        fat=vary(base.fat),
        deltoid=vary(base.deltoid),
        bursa=vary(base.bursa),
        tendon=vary(base.tendon),
        cartilage=vary(base.cartilage),
        bone=vary(base.bone),
        anisotropy_db=float(rng.uniform(2, 11)),
        bone_echo_db=float(rng.uniform(-11, -1)),
        bone_thickness_mm=float(rng.uniform(0.2, 0.5)),
        bone_loss_db=float(rng.uniform(16, 28)),
        fascia_db=float(rng.uniform(-20, -9)),
        contact_loss_db=float(rng.uniform(0, 8)),
    )


def _random_deposits(
    rng: np.random.Generator, shoulder: ShoulderSettings, probe: ProbeSettings, seed: int
) -> tuple[DepositSettings, ...]:
    if rng.random() >= DEPOSIT_SHARE:
        return ()
    where = boundaries(shoulder, probe, MARGIN_MM, seed)
    first = random_deposit(rng, where, probe)
    if rng.random() >= SECOND_DEPOSIT_SHARE:
        return (first,)
    second = random_deposit(rng, where, probe)
    apart = abs(second.centre.x_mm - first.centre.x_mm) > (first.long_mm + second.long_mm) / 2 + 1.5
    return (first, second) if apart else (first,)


def random_deposit(rng: np.random.Generator, where: Boundaries, probe: ProbeSettings) -> DepositSettings:
    """A deposit that lies in the tendon, at a place where it fits."""
    shadow = ShadowType(rng.choice([s.value for s in SHADOW_SHARES], p=list(SHADOW_SHARES.values())))
    shape = DepositShape(rng.choice([s.value for s in DepositShape], p=[0.35, 0.25, 0.3, 0.1]))
    thickness = where.bone - where.tendon_top
    inside = (where.x_mm > 4) & (where.x_mm < probe.width_mm - 4) & (thickness > 2.5) & (where.bone < probe.depth_mm - 2)
    inside &= np.abs(np.gradient(where.tendon_top, where.x_mm)) < STEEPEST_SLOPE
    columns = np.flatnonzero(inside)
    if columns.size == 0:
        columns = np.array([len(where.x_mm) // 2])
    column = int(rng.choice(columns))
    room = float(max(thickness[column], 2.5))
    thick = float(np.clip(rng.uniform(0.3, 0.85) * room, 1.4, 7.0))
    if shadow is ShadowType.CLEAR:
        thick = min(thick, float(rng.uniform(1.5, 3.2)))
    long = float(np.clip(np.exp(rng.normal(np.log(9.0), 0.45)), max(2.5, thick * 0.9), 22.0))
    low, high = thick / 2 + 0.2, max(room - thick / 2 - 0.4, thick / 2 + 0.3)
    depth = float(where.tendon_top[column] + rng.uniform(low, max(high, low + 0.1)))
    lower, upper = max(0, column - 8), min(len(where.x_mm) - 1, column + 8)
    run = float(where.x_mm[upper] - where.x_mm[lower])
    slope = float(np.rad2deg(np.arctan2(where.tendon_top[upper] - where.tendon_top[lower], run)))
    return DepositSettings(
        centre=PointMm(float(where.x_mm[column]), depth),
        long_mm=long,
        thick_mm=thick,
        tilt_deg=slope + float(rng.normal(0, 6)),
        shape=shape,
        shadow=shadow,
        contrast_db=float(rng.uniform(12, 20) if shadow is ShadowType.CLEAR else rng.uniform(7, 16)),
        loss_db_per_mm=float(rng.uniform(*LOSS_DB_PER_MM[shadow])),
        rim_db=float(rng.uniform(3, 9) if shadow is ShadowType.CLEAR else rng.uniform(0, 4)),
        seed=int(rng.integers(2**31)),
    )
