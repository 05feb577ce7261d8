"""The simulated probe: reproducible, coherent in time, and labelled with what is really in the picture."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from barbotage_models.contract.geometry import PointMm
from barbotage_models.contract.taxonomy import EntrySide, ShadowType, Tissue
from barbotage_models.simulator.deposits import DepositSettings, DepositShape, Lavage, diameters, outline
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import SceneState, SimulatedProbe, World
from barbotage_models.simulator.randomise import random_frames, random_state, random_world, stopped_at_bone
from barbotage_models.simulator.truth import NeedleTruth, Truth

ETCHED = NeedleSettings(kind=NeedleType.ETCHED, gap_fraction=0.0, lines=1, echo_db=2.0)


def deposit(shadow: ShadowType = ShadowType.FAINT, shape: DepositShape = DepositShape.NODULAR) -> DepositSettings:
    return DepositSettings(PointMm(19.0, 19.5), 12.0, 3.6, 0.0, shape, shadow, 16.0, 3.0, seed=2)


def pose(side: EntrySide = EntrySide.LEFT, tilt_deg: float = 0.0, inserted_mm: float = 18.0) -> NeedlePose:
    entry = PointMm(-2.0 if side is EntrySide.LEFT else 40.4, 0.0)
    return NeedlePose(entry, side, 25.0, inserted_mm, tilt_deg)


def mean_grey_along(pixels: np.ndarray, mm: float, segment: np.ndarray) -> float:
    points = np.linspace(segment[0], segment[1], 40)
    columns, rows = np.rint(points[:, 0] / mm - 0.5).astype(int), np.rint(points[:, 1] / mm - 0.5).astype(int)
    inside = (columns >= 0) & (columns < pixels.shape[1]) & (rows >= 0) & (rows < pixels.shape[0])
    return float(pixels[rows[inside], columns[inside]].mean())


def test_the_same_world_and_states_give_the_same_bytes_and_another_seed_does_not() -> None:
    states = [SceneState(), SceneState(drift_mm=0.3, needle=pose())]
    first, second, other = (SimulatedProbe(World(seed=seed, deposits=(deposit(),))) for seed in (5, 5, 6))
    for state in states:
        expected = first.render(state).pixels
        assert np.array_equal(expected, second.render(state).pixels)
        assert not np.array_equal(expected, other.render(state).pixels)


def test_random_frames_are_reproducible() -> None:
    for one, two in zip(random_frames(17, 2), random_frames(17, 2), strict=True):
        assert np.array_equal(one.pixels, two.pixels)
        assert repr(one.truth) == repr(two.truth)


@pytest.mark.parametrize("side", list(EntrySide))
def test_the_labelled_shaft_and_tip_are_where_the_picture_is_bright(side: EntrySide) -> None:
    probe = SimulatedProbe(World(seed=3, needle=ETCHED))
    frame = probe.render(SceneState(needle=pose(side)))
    without = probe.render(SceneState())
    needle = frame.truth.needle
    assert needle is not None
    assert needle.tip_visible
    assert needle.side is side
    for segment in needle.visible_segments:
        assert mean_grey_along(frame.pixels, frame.mm_per_px, segment) > 60 + mean_grey_along(
            without.pixels, frame.mm_per_px, segment
        )
    direction = 1 if side is EntrySide.LEFT else -1
    beyond = np.array([[needle.tip.x_mm, needle.tip.z_mm]] * 2) + direction * np.array([[2.0, 0.93], [5.0, 2.3]]) * np.array(
        [1, direction]
    )
    difference = mean_grey_along(frame.pixels, frame.mm_per_px, beyond) - mean_grey_along(without.pixels, frame.mm_per_px, beyond)
    assert abs(difference) < 25, "no needle beyond its tip"


@pytest.mark.parametrize("bend_mm", [-3.0, 3.0])
def test_the_label_of_a_bent_needle_follows_the_bend(bend_mm: float) -> None:
    needle = replace(ETCHED, bend_mm=bend_mm)
    probe = SimulatedProbe(World(seed=3, needle=needle))
    bent = NeedlePose(PointMm(-1.0, 0.0), EntrySide.LEFT, 20.0, 36.0)
    frame = probe.render(SceneState(needle=bent))
    truth = frame.truth.needle
    assert truth is not None
    drawn = frame.truth.class_map((384, 384), 0.1) == Tissue.NEEDLE
    chord = NeedleTruth(
        truth.tip, truth.entry, 20.0, EntrySide.LEFT, True, 1.0, np.array([[[0, 0.36], [truth.tip.x_mm, truth.tip.z_mm]]])
    )
    straight = Truth(38.4, 38.4, (), np.zeros((0, 2)), chord).class_map((384, 384), 0.1) == Tissue.NEEDLE
    assert frame.pixels[drawn].mean() > frame.pixels[straight].mean() + 30


def test_a_needle_that_slips_out_of_the_plane_loses_its_tip_in_picture_and_label() -> None:
    probe = SimulatedProbe(World(seed=3, needle=ETCHED))
    inside, outside = (probe.render(SceneState(needle=pose(tilt_deg=t))) for t in (0.0, 9.0))
    assert inside.truth.needle is not None
    assert inside.truth.needle.tip_visible
    assert outside.truth.needle is not None
    assert not outside.truth.needle.tip_visible
    assert outside.truth.needle.shaft_visible_fraction < inside.truth.needle.shaft_visible_fraction
    tip = inside.truth.needle.tip
    around = np.array([[tip.x_mm - 1.5, tip.z_mm - 0.7], [tip.x_mm, tip.z_mm]])
    assert mean_grey_along(inside.pixels, 0.1, around) > 50 + mean_grey_along(outside.pixels, 0.1, around)


def test_drift_moves_picture_and_labels_together() -> None:
    probe = SimulatedProbe(World(seed=4, deposits=(deposit(),)))
    still, moved = probe.render(SceneState()), probe.render(SceneState(drift_mm=2.0))
    assert moved.truth.deposits[0].centre.x_mm == pytest.approx(still.truth.deposits[0].centre.x_mm + 2.0, abs=1e-6)
    shift_px = round(2.0 / still.mm_per_px)
    shifted = np.corrcoef(still.pixels[80:330, 40:300].ravel(), moved.pixels[80:330, 40 + shift_px : 300 + shift_px].ravel())[
        0, 1
    ]
    unshifted = np.corrcoef(still.pixels[80:330, 40:300].ravel(), moved.pixels[80:330, 40:300].ravel())[0, 1]
    assert shifted > 0.9
    assert shifted > unshifted + 0.1


@pytest.mark.parametrize(
    ("shadow", "loss", "least", "most"), [("clear", 11.0, 25.0, 200.0), ("faint", 2.6, 8.0, 60.0), ("none", 0.3, -8.0, 8.0)]
)
def test_the_three_shadow_types_darken_what_lies_below(shadow: str, loss: float, least: float, most: float) -> None:
    base = World(seed=6)
    hard = DepositSettings(PointMm(19.0, 12.0), 12.0, 2.6, 0.0, DepositShape.NODULAR, ShadowType(shadow), 16.0, loss, seed=1)
    without = SimulatedProbe(base).render(SceneState()).pixels.astype(float)
    cast = SimulatedProbe(World(seed=6, deposits=(hard,))).render(SceneState()).pixels.astype(float)
    below = (slice(145, 175), slice(160, 220))
    darker = without[below].mean() - cast[below].mean()
    assert least <= darker <= most
    assert cast[115:125, 165:215].mean() > without[115:125, 165:215].mean() + 15, "the deposit itself is bright"


@pytest.mark.parametrize("shape", list(DepositShape))
def test_deposit_axes_are_those_of_the_drawn_outline(shape: DepositShape) -> None:
    world = World(seed=1, deposits=(deposit(shape=shape),))
    truth = SimulatedProbe(world).render(SceneState()).truth
    label = truth.deposits[0]
    mm = 0.05
    drawn = truth.class_map((760, 760), mm) == Tissue.DEPOSIT
    assert label.area_mm2 == pytest.approx(drawn.sum() * mm * mm, rel=0.03)
    points = np.argwhere(drawn)[:, ::-1] * mm
    hull = points[np.unique(np.concatenate([(points @ d).argsort()[[0, -1]] for d in _directions()]))]
    longest = max(float(np.hypot(*(a - b))) for a, b in itertools.combinations(hull, 2))
    assert label.longest_mm == pytest.approx(longest, abs=0.15)
    assert 0 < label.perpendicular_mm <= label.longest_mm


def _directions() -> list[np.ndarray]:
    return [np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, np.pi, 36, endpoint=False)]


def test_diameters_of_a_rotated_rectangle_match_geometry() -> None:
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-4, -1.5], [4, -1.5], [4, 1.5], [-4, 1.5]]) @ turn.T
    longest, across = diameters(corners)
    assert longest == pytest.approx(np.hypot(8, 3))
    assert across == pytest.approx(2 * 8 * 3 / np.hypot(8, 3))


def test_lavage_swells_with_pressure_shrinks_as_it_empties_and_turns_the_middle_dark() -> None:
    one = deposit()

    def area(lavage: Lavage | None) -> float:
        points = outline(one, lavage)
        return float(0.5 * abs(np.dot(points[:, 0], np.roll(points[:, 1], 1)) - np.dot(points[:, 1], np.roll(points[:, 0], 1))))

    assert area(Lavage(0.5, 1.0)) > 1.05 * area(Lavage(0.5, 0.0))
    assert area(Lavage(0.9, 0.0)) < 0.8 * area(None)
    probe = SimulatedProbe(World(seed=2, deposits=(one,)))
    whole, washed = probe.render(SceneState()), probe.render(SceneState(lavage=Lavage(0.9, 0.0)))
    centre = (slice(190, 200), slice(180, 200))
    assert washed.pixels[centre].mean() < whole.pixels[centre].mean() - 40


def test_random_needles_do_not_go_through_bone() -> None:
    for seed in range(25):
        world = random_world(seed)
        rng = np.random.default_rng(seed)
        for _ in range(4):
            state = random_state(world, rng)
            if state.needle is None:
                continue
            assert stopped_at_bone(world, state.needle).inserted_mm == pytest.approx(state.needle.inserted_mm, abs=0.21)


def test_random_worlds_cover_every_kind() -> None:
    worlds = [random_world(seed) for seed in range(120)]
    deposits = [d for w in worlds for d in w.deposits]
    assert {d.shadow for d in deposits} == {ShadowType.CLEAR, ShadowType.FAINT, ShadowType.NONE}
    assert {d.shape for d in deposits} == set(DepositShape)
    assert {w.needle.kind for w in worlds} == set(NeedleType)
    assert {w.needle.lines for w in worlds} == {1, 2, 3, 4, 5}
    assert min(d.long_mm for d in deposits) < 5 < 15 < max(d.long_mm for d in deposits)
    assert any(not w.deposits for w in worlds)
