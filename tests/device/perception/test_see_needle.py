"""The needle: axis first, then the tip where two cues agree."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.drawing import CARD, Drawing, ellipse, speckle

from barbotage_device.perception.scene import NeedleLine, Scene
from barbotage_device.perception.see import see
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide, Tissue

SHAPE = (384, 384)


def needle_ends(
    angle_deg: float, side: EntrySide, width_mm: float, entry_z_mm: float = 4.0, length_mm: float = 20.0
) -> tuple[PointMm, PointMm]:
    sign = 1.0 if side is EntrySide.LEFT else -1.0
    x0 = 0.0 if side is EntrySide.LEFT else width_mm
    a = math.radians(angle_deg)
    return PointMm(x0, entry_z_mm), PointMm(x0 + sign * length_mm * math.cos(a), entry_z_mm + length_mm * math.sin(a))


def scene_of(drawing: Drawing) -> Scene:
    return see(drawing.output(), drawing.canonical, CARD, 0)


def with_needle(drawing: Drawing, start: PointMm, end: PointMm) -> Drawing:
    return drawing.line(Tissue.NEEDLE, [(start.x_mm, start.z_mm), (end.x_mm, end.z_mm)], width_mm=0.9)


def needle_of(scene: Scene) -> NeedleLine:
    assert scene.needle is not None
    return scene.needle


@pytest.mark.parametrize("side", list(EntrySide))
@pytest.mark.parametrize("angle_deg", [0.0, 3.0, 20.0, 35.0, 55.0])
@pytest.mark.parametrize("scale", [Scale.isotropic(0.1), Scale(0.1, 0.08), None])
def test_axis_side_entry_and_tip_are_those_drawn(side: EntrySide, angle_deg: float, scale: Scale | None) -> None:
    drawing = Drawing(speckle(SHAPE), scale)
    start, end = needle_ends(angle_deg, side, drawing.canonical.view.width_mm)
    scene = scene_of(with_needle(drawing, start, end).tip(end))
    needle = needle_of(scene)
    assert needle.side is side
    assert needle.angle_deg == pytest.approx(angle_deg, abs=1.5)
    assert needle.entry.distance_mm(start) < 0.6
    assert needle.end.distance_mm(end) < 0.9
    assert needle.visible_mm == pytest.approx(20.0, abs=1.5)
    assert scene.tip is not None
    assert scene.tip.position.distance_mm(end) < 0.4


def test_in_a_region_wider_than_the_canonical_frame_the_entry_is_at_the_regions_edge() -> None:
    drawing = Drawing(speckle((400, 600)), Scale.isotropic(0.1))
    needle = needle_of(scene_of(with_needle(drawing, PointMm(0, 2), PointMm(30, 17))))
    assert needle.entry.x_mm == pytest.approx(0.0, abs=1e-6)
    assert needle.entry.z_mm == pytest.approx(2.0, abs=0.5)


def test_a_steep_needle_enters_through_the_top() -> None:
    needle = needle_of(scene_of(with_needle(Drawing(), PointMm(10, 0), PointMm(22, 16))))
    assert needle.entry.z_mm == pytest.approx(0.0, abs=1e-6)
    assert needle.entry.x_mm == pytest.approx(10.0, abs=0.6)


@pytest.mark.parametrize("blob", [True, False], ids=["blob", "second line"])
def test_clutter_beside_the_shaft_does_not_turn_the_axis(blob: bool) -> None:
    drawing = with_needle(Drawing(), PointMm(0, 4), PointMm(24, 16))
    if blob:
        drawing.polygon(Tissue.NEEDLE, ellipse(32, 6, 2.0, 1.5))
    else:
        drawing.line(Tissue.NEEDLE, [(20, 30), (30, 30)], width_mm=0.9)
    needle = needle_of(scene_of(drawing))
    assert needle.angle_deg == pytest.approx(math.degrees(math.atan2(12, 24)), abs=1.5)
    assert needle.end.distance_mm(PointMm(24, 16)) < 1.0


def test_a_shaft_with_invisible_pieces_is_one_shaft_and_its_visible_length_excludes_them() -> None:
    drawing = Drawing()
    for a, b in ((0, 8), (12, 16), (20, 24)):
        with_needle(drawing, PointMm(a, 4 + a / 2), PointMm(b, 4 + b / 2))
    needle = needle_of(scene_of(drawing))
    assert needle.end.distance_mm(PointMm(24, 16)) < 1.0
    assert needle.visible_mm == pytest.approx(16 * math.sqrt(1.25), abs=2.5)


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param(Drawing(), id="nothing"),
        pytest.param(with_needle(Drawing(), PointMm(10, 10), PointMm(13, 11.5)), id="too short"),
        pytest.param(Drawing().polygon(Tissue.NEEDLE, ellipse(19, 15, 6, 4)), id="too wide"),
        pytest.param(with_needle(Drawing(), PointMm(18, 2), PointMm(19, 25)), id="too steep"),
        pytest.param(Drawing().line(Tissue.NEEDLE, [(0, 4), (24, 16)], probability=0.4), id="too unsure"),
    ],
)
def test_what_is_no_shaft_gives_no_needle_and_no_tip(drawing: Drawing) -> None:
    scene = scene_of(drawing.tip(PointMm(19, 15)))
    assert scene.needle is None
    assert scene.tip is None


@pytest.mark.parametrize(
    ("along_mm", "across_mm", "height", "shown"),
    [
        (0.0, 0.0, 0.9, True),
        (3.0, 0.0, 0.9, True),
        (-3.0, 0.0, 0.9, True),
        (0.0, 1.0, 0.9, True),
        (6.0, 0.0, 0.9, False),
        (-6.0, 0.0, 0.9, False),
        (0.0, 2.5, 0.9, False),
        (0.0, -2.5, 0.9, False),
        (0.0, 0.0, 0.4, False),
    ],
)
def test_the_tip_is_shown_only_when_peak_and_axis_agree(along_mm: float, across_mm: float, height: float, shown: bool) -> None:
    start, end = PointMm(0, 4), PointMm(20, 14)
    dx, dz = 20 / math.hypot(20, 10), 10 / math.hypot(20, 10)
    peak = PointMm(end.x_mm + along_mm * dx - across_mm * dz, end.z_mm + along_mm * dz + across_mm * dx)
    scene = scene_of(with_needle(Drawing(), start, end).tip(peak, height))
    assert scene.needle is not None
    assert (scene.tip is not None) is shown
    if scene.tip is not None:
        foot = PointMm(end.x_mm + along_mm * dx, end.z_mm + along_mm * dz)
        assert scene.tip.position.distance_mm(foot) < 0.5
        assert scene.tip.confidence == pytest.approx(height, abs=0.15)


def test_the_needles_floor_on_the_card_hides_it() -> None:
    drawing = with_needle(Drawing(), PointMm(0, 4), PointMm(20, 14))
    strict = replace(CARD, thresholds=replace(CARD.thresholds, needle_shown=0.97))
    assert see(drawing.output(), drawing.canonical, CARD, 0).needle is not None
    assert see(drawing.output(), drawing.canonical, strict, 0).needle is None


@settings(max_examples=25, deadline=None)
@given(angle_deg=st.floats(6, 50), entry_z_mm=st.floats(2, 10))
def test_mirroring_the_maps_mirrors_the_needle(angle_deg: float, entry_z_mm: float) -> None:
    drawing = Drawing(np.full((256, 256), 80, np.uint8), Scale.isotropic(0.15))
    start, end = needle_ends(angle_deg, EntrySide.LEFT, 38.4, entry_z_mm)
    output = with_needle(drawing, start, end).tip(end).output()
    mirrored = replace(
        output, classes=np.ascontiguousarray(output.classes[:, ::-1]), tip=np.ascontiguousarray(output.tip[:, ::-1])
    )
    one, other = (needle_of(see(o, drawing.canonical, CARD, 0)) for o in (output, mirrored))
    assert (one.side, other.side) == (EntrySide.LEFT, EntrySide.RIGHT)
    assert other.angle_deg == pytest.approx(one.angle_deg, abs=0.5)
    assert other.end.x_mm == pytest.approx(38.4 - one.end.x_mm, abs=0.3)
    assert other.entry.z_mm == pytest.approx(one.entry.z_mm, abs=0.3)
