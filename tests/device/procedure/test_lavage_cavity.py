"""The cavity's dilatation from drawn and from rendered pictures of known size."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.support.drawing import ellipse, speckle
from tests.support.guidance import needle_track, tracks_of

from barbotage_device.errors import InvalidInputError
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_device.procedure.cavity import Cavity, CavityGauge, Unknown
from barbotage_device.procedure.lavage import LavageCounter, LavageCounts
from barbotage_models.contract.canonical import to_canonical
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide
from barbotage_models.simulator.deposits import Lavage
from barbotage_models.simulator.probe import SceneState, SimulatedProbe
from barbotage_models.simulator.scenario.live import shoulder_start

MM_PER_PX = 0.1
SCALE = Scale.isotropic(MM_PER_PX)
TISSUE = speckle((384, 384), seed=5, deviation=6.0)
NO_NEEDLE = NeedleTrack(TrackState.SEARCHING, None, None, None, None, None, None, 0, False, 0.0, 0)
MIDDLE = PointMm(19.0, 15.0)
STILL = PointMm(0.0, 0.0)
PERIOD_NS = 50_000_000


def picture(diameter: float, shift: PointMm = STILL, inside: int = 170, gain: float = 1.0) -> npt.NDArray[np.uint8]:
    """A deposit of 10 x 5 mm, its diameter times ``diameter``, in tissue that does not dilate; all shifted and amplified."""
    outline = ellipse(MIDDLE.x_mm, MIDDLE.z_mm, 5.0 * diameter, 2.5 * diameter) / MM_PER_PX - 0.5
    region = TISSUE.copy()
    mask = np.zeros(region.shape, dtype=np.uint8)
    cv2.fillPoly(mask, [np.asarray(np.rint(outline * 16), dtype=np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    drawn = region * (1 - mask / 255.0) + (region.astype(float) + inside - 80) * (mask / 255.0)
    moved = cv2.warpAffine(
        drawn * gain,
        np.array([[1, 0, shift.x_mm / MM_PER_PX], [0, 1, shift.z_mm / MM_PER_PX]]),
        (384, 384),
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(np.clip(moved, 0, 255), dtype=np.uint8)


def gauged(*regions: npt.NDArray[np.uint8], scale: Scale | None = SCALE, needle: NeedleTrack = NO_NEEDLE) -> list[Cavity]:
    """What the gauge says of a sequence whose first frame shows the target as accepted."""
    gauge = CavityGauge()
    outline = ellipse(MIDDLE.x_mm, MIDDLE.z_mm, 5.0, 2.5)
    gauge.accept(outline if scale is not None else outline * (38.4 / 384) / MM_PER_PX)
    return [gauge.update(to_canonical(one, scale), at(number, needle)) for number, one in enumerate(regions)]


def at(number: int, needle: NeedleTrack = NO_NEEDLE) -> Tracks:
    return tracks_of(needle, capture_ns=number * PERIOD_NS)


@pytest.mark.parametrize("inside", [170, 20], ids=["bright", "dark"])
@pytest.mark.parametrize("diameter", [0.9, 0.96, 1.0, 1.04, 1.1])
def test_the_dilatation_is_measured_whatever_is_inside(diameter: float, inside: int) -> None:
    cavity = gauged(picture(1.0, inside=inside), picture(diameter, inside=inside))[1]
    assert cavity.unknown is None
    assert cavity.dilatation == pytest.approx(diameter - 1.0, abs=0.005)


@pytest.mark.parametrize("shift", [PointMm(0.4, 0.0), PointMm(-0.3, 0.3), PointMm(0.0, -0.4)])
def test_a_picture_that_shifts_or_brightens_does_not_dilate(shift: PointMm) -> None:
    first, second = gauged(picture(1.0), picture(1.0, shift, gain=1.15))
    assert second.dilatation == pytest.approx(0.0, abs=0.005)
    assert first.place is not None
    assert second.place is not None
    assert second.place.x_mm - first.place.x_mm == pytest.approx(shift.x_mm, abs=0.05)
    assert second.place.z_mm - first.place.z_mm == pytest.approx(shift.z_mm, abs=0.05)


def test_no_scale_is_needed() -> None:
    assert gauged(picture(1.0), picture(1.05), scale=None)[1].dilatation == pytest.approx(0.05, abs=0.012)


def test_the_needle_is_left_out() -> None:
    def with_needle(tip_mm: float) -> npt.NDArray[np.uint8]:
        region = picture(1.0)
        cv2.line(region, (0, 60), (round(tip_mm * 10), round(60 + tip_mm * 10 * 0.42)), 255, 4)
        return region

    blind = gauged(with_needle(13.0), with_needle(20.0))[1]
    told = gauged(with_needle(13.0), with_needle(20.0), needle=needle_track(PointMm(20.0, 14.4), 22.8))[1]
    assert blind.likeness < 0.96 < 0.99 < told.likeness
    assert told.dilatation == pytest.approx(0.0, abs=0.001)


def test_it_says_why_it_does_not_know() -> None:
    other = speckle((384, 384), seed=9, deviation=40.0)
    assert gauged(picture(1.0), other)[1].unknown is Unknown.LOST
    assert gauged(*[np.full((384, 384), 90, dtype=np.uint8)] * 2)[1].unknown is not None
    gauge = CavityGauge()
    nobody = gauge.update(to_canonical(picture(1.0), SCALE), at(0))
    assert (nobody.unknown, nobody.dilatation) == (Unknown.NO_TARGET, None)
    gauge.accept(ellipse(MIDDLE.x_mm, MIDDLE.z_mm, 5.0, 2.5))
    gauge.update(to_canonical(picture(1.0), SCALE), at(1))
    moving = gauge.update(to_canonical(picture(1.0), SCALE), replace(at(2), image_shift_mm=PointMm(0.8, 0.0)))
    assert (moving.unknown, moving.dilatation) == (Unknown.MOVING, None)


def test_what_is_lost_for_long_is_remembered_afresh_at_its_place() -> None:
    cavities = gauged(picture(1.0), *[speckle((384, 384), seed=9, deviation=40.0)] * 30)
    assert cavities[1].unknown is Unknown.LOST
    assert cavities[-1].unknown is None
    assert cavities[-1].dilatation == pytest.approx(0.0, abs=0.01)


def test_another_geometry_ends_the_following() -> None:
    gauge = CavityGauge()
    gauge.accept(ellipse(MIDDLE.x_mm, MIDDLE.z_mm, 5.0, 2.5))
    assert gauge.update(to_canonical(picture(1.0), SCALE), at(0)).unknown is None
    assert gauge.update(to_canonical(picture(1.0), Scale.isotropic(0.08)), at(1)).unknown is Unknown.NO_TARGET


def test_an_outline_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="outline"):
        CavityGauge().accept(np.zeros((2, 2)))


def test_cycles_of_a_rendered_lavage_are_counted_from_the_image() -> None:
    start = shoulder_start(seed=7)
    deposit = start.world.deposits[0]
    few_lines = replace(start.world, probe=replace(start.world.probe, lines=96))
    probe, gauge, counter = SimulatedProbe(few_lines), CavityGauge(), LavageCounter()
    gauge.accept(ellipse(deposit.centre.x_mm, deposit.centre.z_mm, deposit.long_mm / 2, deposit.thick_mm / 2, deposit.tilt_deg))
    scale = Scale.isotropic(start.world.image.mm_per_px)
    pose = replace(start.pose, side=EntrySide.LEFT, inserted_mm=30.0)

    def step(number: int) -> LavageCounts:
        pressure = 0.0 if not 8 <= number < 62 else 0.5 - 0.5 * float(np.cos(2 * np.pi * (number - 8) / 18))
        drift_mm = 0.3 * float(np.sin(number / 17))
        state = SceneState(drift_mm, 0.1 * float(np.sin(number / 12)), pose, Lavage(0.25, round(pressure, 2)))
        return counter.update(gauge.update(to_canonical(probe.render(state).pixels, scale), at(number)))

    last = [step(number) for number in range(66)][-1]
    assert last.image.cycles == 3
    assert last.fused.cycles == 3
