"""A short simulated approach of a needle to a deposit, with known truth: what check and bench look at."""

import math
from collections.abc import Iterator, Sequence

from barbotage_device.capture.frame import Frame
from barbotage_models.contract.geometry import PointMm, Scale
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.simulator.deposits import DepositSettings, DepositShape
from barbotage_models.simulator.needle import NeedlePose, NeedleSettings, NeedleType
from barbotage_models.simulator.probe import SceneState, SimulatedFrame, SimulatedProbe, World

SOURCE_NAME = "sim:approach"
PERIOD_NS = 40_000_000
"""25 frames a second."""
SPEED_MM_PER_FRAME = 0.12
"""3 mm/s, a usual speed of advance."""
FIRST_INSERTED_MM = 16.0
_ENTRY = PointMm(-4.0, 0.0)
_DEPOSIT = PointMm(21.0, 17.0)
_SEED = 41


def approach(count: int) -> Iterator[SimulatedFrame]:
    """``count`` labelled frames in which the needle advances to the deposit. The same each time."""
    probe = SimulatedProbe(World(seed=_SEED, deposits=(_deposit(),), needle=NeedleSettings(kind=NeedleType.ETCHED)))
    for index in range(count):
        yield probe.render(SceneState(needle=_pose(FIRST_INSERTED_MM + index * SPEED_MM_PER_FRAME)))


def to_and_fro(rendered: Sequence[SimulatedFrame], count: int) -> Iterator[Frame]:
    """``count`` frames at 25 Hz from few rendered ones: forwards, backwards, forwards, so that nothing jumps."""
    turn = max(1, 2 * len(rendered) - 2)
    for sequence in range(count):
        place = sequence % turn
        yield as_frame(rendered[min(place, turn - place)], sequence)


def as_frame(simulated: SimulatedFrame, sequence: int) -> Frame:
    """The frame as a source would hand it out, captured at 25 Hz from time 0."""
    return Frame(simulated.pixels, sequence * PERIOD_NS, sequence, Scale.isotropic(simulated.mm_per_px), SOURCE_NAME)


def _deposit() -> DepositSettings:
    return DepositSettings(
        centre=_DEPOSIT,
        long_mm=11.0,
        thick_mm=5.5,
        tilt_deg=0.0,
        shape=DepositShape.ARC,
        shadow=ShadowType.CLEAR,
        contrast_db=18.0,
        loss_db_per_mm=10.0,
    )


def _pose(inserted_mm: float) -> NeedlePose:
    angle_deg = math.degrees(math.atan2(_DEPOSIT.z_mm - _ENTRY.z_mm, _DEPOSIT.x_mm - _ENTRY.x_mm))
    return NeedlePose(_ENTRY, EntrySide.LEFT, angle_deg, inserted_mm)
