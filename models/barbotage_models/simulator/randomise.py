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
from barbotage_models.simulator.mimics import random_mimics
from barbotage_models.simulator.motion import random_motion, state_before
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import MARGIN_MM, SceneState, SimulatedFrame, SimulatedProbe, World
from barbotage_models.simulator.settings import ImageSettings, ProbeSettings

SHADOW_SHARES = {ShadowType.CLEAR: 0.42, ShadowType.FAINT: 0.25, ShadowType.NONE: 0.33}
"""Soft deposits are rarer in patients (79 / 14 / 7 %, Farin 1995) but are the ones that are missed: shown more often."""
LOSS_DB_PER_MM = {ShadowType.CLEAR: (7.0, 14.0), ShadowType.FAINT: (1.5, 4.0), ShadowType.NONE: (0.1, 0.8)}
STEEPEST_SLOPE = 0.6
"""Deposits are placed where the tendon runs within about 30 degrees of the probe's face: there the probe is held."""
NEEDLE_SHARE = 0.7
SECOND_NEEDLE_SHARE = 0.03
"""Of frames with a needle (two-needle lavage)."""
DEPOSIT_COUNTS = (0.25, 0.56, 0.14, 0.05)
"""Shares of worlds with none to three deposits; several in 15 % of patients (facts of the literature)."""
LAVAGE_SHARE = 0.15
TOP_ENTRY_SHARE = 0.12
"""Needles that come in through the upper edge: a cropped picture, a stand-off pad, a steep approach."""
DEEP_ENTRY_SHARE = 0.45
"""Needles that come in through the side at any depth; the others from a puncture near the probe's end."""
LEAVING_SHARE = 0.1
"""Needles whose tip lies beyond the picture."""
MIMICS_MOST = 4


def random_frames(seed: int, count: int) -> Iterator[SimulatedFrame]:
    """``count`` labelled frames of one random world in unrelated states; the same for the same seed."""
    rng = np.random.default_rng([seed, 11])
    world = random_world(seed)
    probe = SimulatedProbe(world)
    for _ in range(count):
        yield probe.render(random_state(world, rng))


def random_pairs(seed: int, count: int) -> Iterator[tuple[SimulatedFrame, SimulatedFrame]]:
    """``count`` pairs (the frame before, the frame) of one random world; the same for the same seed."""
    rng = np.random.default_rng([seed, 11])
    world = random_world(seed)
    probe = SimulatedProbe(world)
    for _ in range(count):
        state, motion = random_state(world, rng), random_motion(rng)
        before = probe.render(state_before(state, motion))
        yield before, probe.render(state)


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
        mimics=random_mimics(rng, probe.width_mm, probe.depth_mm, MIMICS_MOST) if rng.random() < 0.75 else (),
    )


def random_state(world: World, rng: np.random.Generator) -> SceneState:
    """One instant: probe somewhere, perhaps a needle, perhaps a lavage under way."""
    drift, press = float(rng.normal(0, 1.5)), float(rng.normal(0, 0.3))
    drift, press = float(np.clip(drift, -MARGIN_MM * 0.8, MARGIN_MM * 0.8)), float(np.clip(press, -1, 1))
    needle = stopped_at_bone(world, random_pose(world, rng)) if rng.random() < NEEDLE_SHARE else None
    second = None if needle is None or rng.random() >= SECOND_NEEDLE_SHARE else second_pose(world, needle, rng)
    lavage = None
    if world.deposits and rng.random() < LAVAGE_SHARE:
        lavage = Lavage(washed=float(rng.uniform(0, 0.9)), pressure=float(rng.uniform(0, 1)))
    return SceneState(drift, press, needle, lavage, second)


def random_pose(world: World, rng: np.random.Generator) -> NeedlePose:
    """A needle somewhere on its way: often towards the first deposit, sometimes anywhere; in through any edge but the lower."""
    probe = world.probe
    side = EntrySide.LEFT if rng.random() < 0.5 else EntrySide.RIGHT
    angle = float(np.clip(rng.normal(23, 12), 0.5, 60))
    draw = rng.random()
    if draw < TOP_ENTRY_SHARE:
        # Measured from the side the needle comes from; negative: outside the picture.
        inwards, angle = float(rng.uniform(0.0, 0.7) * probe.width_mm), float(np.clip(rng.normal(42, 16), 12, 80))
    elif draw < TOP_ENTRY_SHARE + DEEP_ENTRY_SHARE:
        edge_z = float(rng.uniform(0.5, 0.6 * probe.depth_mm))
        inwards = -min(edge_z / np.tan(np.deg2rad(max(angle, 3.0))), 60.0)
    else:
        inwards = -float(rng.uniform(-2, 14))
    entry_x = inwards if side is EntrySide.LEFT else probe.width_mm - inwards
    if world.deposits and rng.random() < 0.6:
        aim = world.deposits[0].centre
        reach = abs(aim.x_mm - entry_x) + rng.normal(0, 2)
        angle = float(np.clip(np.rad2deg(np.arctan2(aim.z_mm + rng.normal(0, 2), max(reach, 3.0))), 1, 78))
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    edge = max(-inwards, 0.0) / cosine
    last = min((probe.width_mm - inwards) / cosine, 0.97 * probe.depth_mm / max(sine, 0.02))
    inserted = float(rng.uniform(edge + 2.0, max(last, edge + 3.0)))
    if rng.random() < LEAVING_SHARE:
        inserted = float(last + rng.uniform(1, 10))
    tilt = float(rng.normal(0, 1.0)) if rng.random() < 0.75 else float(rng.normal(0, 6))
    # The plane is met where the needle enters the picture, wherever its puncture is.
    offset = float(rng.normal(0, 0.35)) - float(np.sin(np.deg2rad(tilt))) * edge
    return NeedlePose(PointMm(float(entry_x), 0.0), side, angle, min(inserted, 115.0), tilt, offset)


def second_pose(world: World, first: NeedlePose, rng: np.random.Generator) -> NeedlePose:
    """A needle roughly parallel to the first or from the other side, that runs out of the picture."""
    other = random_pose(world, rng)
    if rng.random() < 0.6:
        shift = float(rng.choice([-1, 1]) * rng.uniform(3, 10))
        entry = PointMm(first.entry.x_mm + shift, 0.0)
        other = replace(first, entry=entry, angle_deg=float(np.clip(first.angle_deg + rng.normal(0, 5), 2, 75)))
    return replace(other, inserted_mm=115.0)


def stopped_at_bone(world: World, pose: NeedlePose) -> NeedlePose:
    """The pose, pulled back so that the tip does not lie below the bone surface."""
    return stopped_at(boundaries(world.shoulder, world.probe, MARGIN_MM, world.seed), pose)


def stopped_at(where: Boundaries, pose: NeedlePose) -> NeedlePose:
    """The same, for boundaries already at hand."""
    along = np.arange(0.0, pose.inserted_mm, 0.2)
    dx, dz = pose.direction
    x, z = pose.entry.x_mm + along * dx, pose.entry.z_mm + along * dz
    inside = (x > where.x_mm[0]) & (x < where.x_mm[-1])
    hits = np.flatnonzero(inside & (z > np.interp(x, where.x_mm, where.bone) - 0.3))
    return replace(pose, inserted_mm=float(along[hits[0]])) if hits.size else pose


def random_needle(rng: np.random.Generator) -> NeedleSettings:
    """One needle; one line most often, as real pictures show, up to five."""

    def sometimes(share: float, value: float, otherwise: float = 0.0) -> float:
        return value if rng.random() < share else otherwise

    return NeedleSettings(
        kind=NeedleType(rng.choice([t.value for t in NeedleType], p=[0.34, 0.33, 0.33])),
        diameter_mm=float(rng.choice([1.65, 1.27, 1.07, 0.91, 0.82, 0.72, 0.51], p=[0.08, 0.3, 0.1, 0.17, 0.1, 0.15, 0.1])),
        echo_db=float(rng.uniform(-15, 9)),
        lines=int(rng.choice([1, 2, 3, 4, 5], p=[0.6, 0.23, 0.09, 0.05, 0.03])),
        line_decay_db=float(rng.uniform(3, 16)),
        width_mm=float(np.exp(rng.uniform(np.log(0.07), np.log(0.3)))),
        gap_fraction=sometimes(0.6, float(rng.uniform(0.05, 0.6))),
        tip_gain_db=float(rng.uniform(-4, 8)),
        bend_mm=sometimes(0.4, float(rng.normal(0, 1.0))),
        loss_db=sometimes(0.8, float(rng.uniform(0, 9))),
        steer_deg=sometimes(0.25, float(rng.uniform(8, 30))),
        bevel_mm=sometimes(0.6, float(rng.choice([-1, 1]) * rng.uniform(1.0, 3.2))),
        groove_mm=sometimes(0.18, float(rng.uniform(0.5, 2.0))),
        grooved_mm=float(rng.uniform(4, 25)),
        comet_db=sometimes(0.3, float(rng.uniform(-38, -17)), -90.0),
        comet_mm=float(rng.uniform(1, 6)),
        ghost_db=sometimes(0.06, float(rng.uniform(-20, -8)), -90.0),
        seed=int(rng.integers(2**31)),
    )


def random_image(rng: np.random.Generator) -> ImageSettings:
    """One scanner setting."""
    return ImageSettings(
        dynamic_range_db=float(rng.uniform(48, 78)),
        gain_db=float(rng.normal(-5.6, 3.5)),
        looks=int(rng.choice([1, 2, 3, 5, 7, 9], p=[0.2, 0.22, 0.22, 0.16, 0.12, 0.08])),
        noise_db=float(rng.uniform(-105, -84)),
        clutter_db=float(rng.uniform(-48, -30)),
        clutter_length_mm=float(rng.uniform(1.5, 6.0)),
        tgc_db_per_cm_mhz=float(rng.normal(0.63, 0.06)),
        tgc_sliders_db=tuple(float(v) for v in rng.normal(0, 2.5, 8)) if rng.random() < 0.4 else (),
        smoothing_mm=float(rng.choice([0.0, rng.uniform(0.05, 0.16)])),
        edge=float(rng.choice([0.0, rng.uniform(0.1, 0.5)])),
        gamma=float(np.exp(rng.normal(0.05, 0.18))),
        mm_per_px=float(rng.uniform(0.06, 0.15)),
    )


def _random_probe(rng: np.random.Generator) -> ProbeSettings:
    depth = float(rng.uniform(24, 48))
    width = float(rng.uniform(28, 50))
    return ProbeSettings(
        lines=int(rng.choice([96, 128, 160, 192, 224], p=[0.1, 0.3, 0.25, 0.25, 0.1])),
        samples=round(depth / 0.075),
        width_mm=width,
        depth_mm=depth,
        frequency_mhz=float(rng.uniform(5.5, 14.5)),
        fractional_bandwidth=float(rng.uniform(0.45, 0.7)),
        f_number=float(rng.uniform(1.6, 3.2)),
        focus_mm=float(rng.uniform(9, 25)),
        focal_depth_mm=float(rng.uniform(9, 20)),
        scatterers_per_mm2=80.0,
    )


def _random_shoulder(rng: np.random.Generator, probe: ProbeSettings) -> ShoulderSettings:
    room = probe.depth_mm - 8.0
    view = rng.choice(["head", "flat", "deep"], p=[0.62, 0.24, 0.14])
    tendon = float(rng.uniform(4.0, 8.0))
    fat = float(rng.uniform(1.0, 8.0))
    deltoid = float(np.clip(rng.normal(8.5, 3.0), 2.5, max(3.0, room - fat - tendon)))
    fat = min(fat, max(1.0, room - tendon - deltoid))
    if view == "deep":  # no bone in the picture: another approach, another joint, a phantom
        tendon, deltoid = tendon + float(rng.uniform(0, 8)), float(rng.uniform(0.5, 1.2) * probe.depth_mm)
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
        head_radius_mm=float(rng.uniform(20, 60) if view == "head" else np.exp(rng.uniform(np.log(60), np.log(600)))),
        head_x_mm=float(rng.uniform(0.2, 0.8) * probe.width_mm),
        tuberosity_side=int(rng.choice([-1, 1])),
        taper_x_mm=float(rng.uniform(0.65, 1.2) * probe.width_mm),
        undulation_mm=float(rng.uniform(0.1, 1.2)),
        tilt=float(rng.normal(0, 0.08)),
        pennation=float(rng.normal(0, 0.25)) if rng.random() < 0.4 else 0.0,
        spurs=_random_spurs(rng, probe.width_mm) if rng.random() < 0.3 else (),
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


def _random_spurs(rng: np.random.Generator, width_mm: float) -> tuple[tuple[float, float, float], ...]:
    """Bony spurs (enthesophytes, uneven cortex): bone, never a deposit."""
    count = int(rng.integers(1, 4))
    return tuple(
        (float(rng.uniform(0, width_mm)), float(rng.uniform(0.5, 3.0)), float(rng.uniform(0.8, 3.0))) for _ in range(count)
    )


def _random_deposits(
    rng: np.random.Generator, shoulder: ShoulderSettings, probe: ProbeSettings, seed: int
) -> tuple[DepositSettings, ...]:
    where = boundaries(shoulder, probe, MARGIN_MM, seed)
    kept: list[DepositSettings] = []
    for _ in range(int(rng.choice(len(DEPOSIT_COUNTS), p=DEPOSIT_COUNTS))):
        new = random_deposit(rng, where, probe)
        if all(abs(new.centre.x_mm - old.centre.x_mm) > (new.long_mm + old.long_mm) / 2 + 1.0 for old in kept):
            kept.append(new)
    return tuple(kept)


def random_deposit(rng: np.random.Generator, where: Boundaries, probe: ProbeSettings) -> DepositSettings:
    """A deposit that lies in the tendon, at a place where it fits."""
    shadow = ShadowType(rng.choice([s.value for s in SHADOW_SHARES], p=list(SHADOW_SHARES.values())))
    shape = DepositShape(rng.choice([s.value for s in DepositShape], p=[0.35, 0.25, 0.3, 0.1]))
    floor = np.minimum(where.bone, np.float32(probe.depth_mm - 2))
    tendon_top = np.minimum(where.tendon_top, floor * np.float32(rng.uniform(0.3, 0.75)) if rng.random() < 0.2 else floor - 3)
    thickness = floor - tendon_top
    inside = (where.x_mm > 3) & (where.x_mm < probe.width_mm - 3) & (thickness > 2.5)
    inside &= np.abs(np.gradient(tendon_top, where.x_mm)) < STEEPEST_SLOPE
    columns = np.flatnonzero(inside)
    if columns.size == 0:
        columns = np.array([len(where.x_mm) // 2])
    column = int(rng.choice(columns))
    room = float(max(thickness[column], 2.5))
    thick = float(np.clip(rng.uniform(0.25, 0.85) * room, 1.2, 9.0))
    if shadow is ShadowType.CLEAR:
        thick = min(thick, float(rng.uniform(1.5, 3.2)))
    long = float(np.clip(np.exp(rng.normal(np.log(9.0), 0.55)), max(2.0, thick * 0.9), 30.0))
    low, high = thick / 2 + 0.2, max(room - thick / 2 - 0.4, thick / 2 + 0.3)
    depth = float(tendon_top[column] + rng.uniform(low, max(high, low + 0.1)))
    lower, upper = max(0, column - 8), min(len(where.x_mm) - 1, column + 8)
    run = float(where.x_mm[upper] - where.x_mm[lower])
    slope = float(np.rad2deg(np.arctan2(tendon_top[upper] - tendon_top[lower], run)))
    return DepositSettings(
        centre=PointMm(float(where.x_mm[column]), depth),
        long_mm=long,
        thick_mm=thick,
        tilt_deg=slope + float(rng.normal(0, 6)),
        shape=shape,
        shadow=shadow,
        contrast_db=float(rng.uniform(10, 20) if shadow is ShadowType.CLEAR else rng.uniform(5, 16)),
        loss_db_per_mm=float(rng.uniform(*LOSS_DB_PER_MM[shadow])),
        rim_db=float(rng.uniform(3, 9) if shadow is ShadowType.CLEAR else rng.uniform(0, 4)),
        seed=int(rng.integers(2**31)),
    )
