"""The look that all kinds of samples share, and what looks like a deposit or a needle and is neither."""

import numpy as np
import pytest

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, Tissue
from barbotage_models.simulator.graphics import Graphics, draw_graphics, shown_part
from barbotage_models.simulator.look import Look, grey_map, random_look, shown
from barbotage_models.simulator.mimics import Mimic, MimicGrid, MimicKind, bone_surface, draw_mimics, random_mimics
from barbotage_models.simulator.motion import Motion, pose_before, random_motion, state_before
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import SceneState, SimulatedProbe, World

GRID = MimicGrid(256, 256, 0.15, 0.15)
NOISE = np.random.default_rng(0).integers(1, 255, (256, 256)).astype(np.uint8)


def test_the_plain_look_changes_nothing_and_black_padding_stays_black() -> None:
    padded = NOISE.copy()
    padded[200:], padded[:, 230:] = 0, 0
    pair = shown(padded, padded, (230, 200), Look(), np.random.default_rng(0))
    assert np.array_equal(pair.picture, padded)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pair = shown(padded, padded, (230, 200), random_look(rng), rng)
        assert not pair.picture[200:].any()
        assert not pair.before[:, 230:].any()
        assert not pair.tissue[200:].any()


def test_grey_maps_never_fall_and_differ() -> None:
    maps = {grey_map(random_look(np.random.default_rng(seed))).tobytes() for seed in range(40)}
    assert len(maps) > 20
    for table in maps:
        assert (np.diff(np.frombuffer(table, dtype=np.uint8).astype(int)) >= 0).all()


def test_persistence_leaves_a_trace_of_the_frame_before() -> None:
    dark, bright = np.full((256, 256), 20, dtype=np.uint8), np.full((256, 256), 220, dtype=np.uint8)
    pair = shown(bright, dark, (256, 256), Look(persistence=0.4), np.random.default_rng(0))
    assert pair.picture.mean() == pytest.approx(100, abs=2)


def test_graphics_lie_on_both_frames_alike_and_cut_corners_show_no_tissue() -> None:
    flat = np.full((256, 256), 60, dtype=np.uint8)
    look = Look(graphics=Graphics(seed=3, texts=3, ticks=True, focus=True, calipers=2, guide=True, sector=0.2))
    pair = shown(flat, flat, (256, 256), look, np.random.default_rng(0))
    assert np.array_equal(pair.before, pair.picture)
    assert (pair.picture > 100).sum() > 100
    assert not pair.tissue[255, 0]
    assert pair.tissue[0, 0]
    assert not shown_part(Graphics(sector=-0.2), (256, 256), (256, 256))[0, 0]
    empty = flat.copy()
    draw_graphics(empty, Graphics(seed=3), (256, 256))
    assert np.array_equal(empty, flat)


@pytest.mark.parametrize("kind", list(MimicKind))
def test_every_mimic_leaves_an_echo_where_it_lies(kind: MimicKind) -> None:
    long_mm = 2.0 if kind is MimicKind.SPECK else 8.0
    mimic = Mimic(kind, PointMm(19.0, 15.0), long_mm, 0.2 if kind is not MimicKind.VESSEL else 4.0, 0.0, -6.0, 0.0, 10.0, 1)
    mimic = mimic if kind is not MimicKind.PATCH else Mimic(kind, PointMm(19.0, 15.0), 8.0, 4.0, 0.0, 5.0)
    seen = draw_mimics((mimic,), GRID)
    effect = seen.specular + np.abs(seen.change_db)
    rows, columns = np.nonzero(effect > 0.3 * effect.max())
    assert abs(columns.mean() * 0.15 - 19.0) < 3.0
    assert abs(rows.mean() * 0.15 - 15.0) < 3.0


def test_random_mimics_cover_every_kind() -> None:
    found = {m.kind for seed in range(60) for m in random_mimics(np.random.default_rng(seed), 38.4, 38.4, 4)}
    assert found == set(MimicKind)


def test_a_bone_edge_is_labelled_as_bone_and_other_mimics_as_nothing() -> None:
    edge = Mimic(MimicKind.BONE_EDGE, PointMm(0.0, 10.0), 16.0, 0.22, 0.0, -4.0, 0.0, 24.0, 2)
    line = Mimic(MimicKind.LINEAR, PointMm(25.0, 8.0), 8.0, 0.15, 0.0, -4.0, 0.0, 2.0, 3)
    labels = [
        SimulatedProbe(World(seed=3, mimics=mimics)).render(SceneState()).truth.class_map((256, 256), 0.15)
        for mimics in ((), (line,), (edge,))
    ]
    assert np.array_equal(labels[0], labels[1])
    points = bone_surface(edge)
    inside = points[points[:, 0] > 0.5]
    columns, rows = (inside / 0.15).astype(int).T
    assert (labels[2][rows, columns] == Tissue.BONE).all()


def test_the_frame_before_has_the_needle_further_back_on_its_own_axis() -> None:
    pose = NeedlePose(PointMm(-2.0, 0.0), EntrySide.LEFT, 25.0, 18.0)
    motion = Motion(1.0, 0.2, 2.0, 0.0, 0.0)
    earlier = pose_before(pose, motion)
    assert earlier.tip.distance_mm(pose.tip) == pytest.approx(2.0)
    assert earlier.direction == pose.direction
    state = state_before(SceneState(drift_mm=0.5, needle=pose), motion)
    assert state.drift_mm == pytest.approx(-0.5)
    assert state.needle == earlier


def test_motions_are_mostly_small_and_sometimes_none() -> None:
    motions = [random_motion(np.random.default_rng(seed)) for seed in range(300)]
    still = np.mean([m.advance_mm == 0 for m in motions])
    assert 0.25 < still < 0.45
    assert 0.1 < np.median([abs(m.advance_mm) for m in motions if m.advance_mm]) < 1.0
    assert max(abs(m.tissue_x_mm) for m in motions) < 12


@pytest.mark.parametrize("bevel_mm", [-2.5, 2.5])
@pytest.mark.parametrize("lines", [1, 2])
def test_the_labelled_tip_of_a_bevelled_needle_is_bright(bevel_mm: float, lines: int) -> None:
    needle = NeedleSettings(kind=NeedleType.ETCHED, gap_fraction=0.0, lines=lines, echo_db=3.0, bevel_mm=bevel_mm)
    pose = NeedlePose(PointMm(-2.0, 0.0), EntrySide.LEFT, 25.0, 18.0)
    probe = SimulatedProbe(World(seed=3, needle=needle))
    with_needle, without = probe.render(SceneState(needle=pose)), probe.render(SceneState())
    truth = with_needle.truth.needle
    assert truth is not None
    assert truth.tip_visible
    row, column = (round(v / with_needle.mm_per_px - 0.5) for v in (truth.tip.z_mm, truth.tip.x_mm))
    around = np.s_[row - 3 : row + 4, column - 6 : column + 1]
    assert with_needle.pixels[around].mean() > without.pixels[around].mean() + 40


def test_a_second_needle_is_labelled_without_a_tip() -> None:
    first = NeedlePose(PointMm(-2.0, 0.0), EntrySide.LEFT, 25.0, 12.0)
    second = NeedlePose(PointMm(40.0, 0.0), EntrySide.RIGHT, 20.0, 90.0)
    needle = NeedleSettings(kind=NeedleType.ETCHED, gap_fraction=0.0, lines=1)
    frame = SimulatedProbe(World(seed=3, needle=needle)).render(SceneState(needle=first, second_needle=second))
    assert frame.truth.needle is not None
    assert frame.truth.needle.tip.x_mm < 15
    assert len(frame.truth.more_shafts) > 2
    assert (frame.truth.class_map((256, 256), 0.15)[:, 180:] == Tissue.NEEDLE).any()
