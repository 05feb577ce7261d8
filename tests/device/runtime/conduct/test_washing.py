"""What is known of a lavage after each cycle, and that a gap breaks the row."""

from dataclasses import dataclass

import pytest
from tests.device.runtime.conduct.stage import MM_PER_PX, MS, PERIOD_NS, PRESS_KPA, TIP_IN, Stage, StageNetwork, picture_of
from tests.support.drawing import CARD

from barbotage_device.capture.frame import Frame
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.conduct.seen import unsaved_frames
from barbotage_device.runtime.conduct.washing import Washing
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.recording.recording import CALM_QUEUE
from barbotage_models.contract.geometry import Scale


class Table:
    """A target accepted, the needle in it, the plunger moved as told."""

    def __init__(self) -> None:
        self.stage, self.washing = Stage(), Washing()
        self.pipeline = Pipeline(StageNetwork(self.stage), CARD)
        self.cycles = 0
        self.guidance = self._frame(0)
        for number in range(1, 10):
            self._frame(number)
        assert self.pipeline.accept_target() is not None
        self.washing.accept(self._frame(10).tracks.deposits[0].deposit)
        self.stage.tip = TIP_IN
        self.sequence = 11

    def _frame(self, sequence: int) -> Guidance:
        self.stage.now_ns += PERIOD_NS
        frame = Frame(picture_of(self.stage), self.stage.now_ns, sequence, Scale.isotropic(MM_PER_PX), "table")
        self.guidance = self.pipeline.step(frame)
        return self.guidance

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e9 / PERIOD_NS)):
            for step in range(4):
                at_ns = self.stage.now_ns + step * 10 * MS
                self.washing.line(LineSample(at_ns, PRESS_KPA * self.stage.pressure(at_ns)))
            self.cycles += len(self.washing.update(self._frame(self.sequence)))
            self.sequence += 1

    def press(self, seconds: float) -> None:
        self.stage.pressing, self.stage.pressed_ns = True, self.stage.now_ns
        self.run(seconds)
        self.stage.pressing = False


@pytest.fixture
def table() -> Table:
    return Table()


def test_nothing_is_known_before_the_lavage_and_its_cycles_count_from_there(table: Table) -> None:
    table.press(3.0)
    assert (table.washing.count, table.cycles) == (None, 0)
    table.washing.begin()
    table.press(5.0)
    count = table.washing.count
    assert count is not None
    assert table.cycles >= 2
    assert len(count.cavities) == table.cycles
    assert count.without_return == 0
    assert min(size.area for size in count.cavities) > 10.0
    assert 100.0 < count.cavities[0].echogenicity < 256.0


def test_what_pulsates_before_the_lavage_is_counted_on_trial_and_not_as_its_cycles(table: Table) -> None:
    table.washing.expect()
    table.press(5.0)
    seen = table.washing.pulsations
    assert seen is not None
    assert (seen.count >= 2, seen.counted_from, table.cycles, table.washing.count) == (True, "both", 0, None)
    assert table.stage.now_ns - seen.last_ns < 3e9
    table.washing.begin()
    assert table.washing.pulsations is None
    table.washing.expect()
    table.press(5.0)
    assert (table.cycles >= 2, table.washing.pulsations) == (True, None)


def test_a_lavage_that_goes_on_is_not_begun_again(table: Table) -> None:
    table.washing.begin()
    table.press(4.0)
    known = table.washing.count
    table.washing.begin()
    assert table.washing.count == known


def test_a_cycle_in_which_the_target_was_not_followed_breaks_the_row(table: Table) -> None:
    table.washing.begin()
    table.press(4.0)
    before = table.cycles
    table.pipeline.release_target()
    table.press(4.0)
    assert table.cycles > before, "the cavity is still followed"
    count = table.washing.count
    assert count is not None
    assert count.cavities == ()


def test_the_same_frame_again_counts_nothing_and_without_a_line_no_press_is_judged(table: Table) -> None:
    table.washing.begin()
    assert table.washing.update(table._frame(table.sequence)) == ()
    silent = table.washing.count
    assert silent is not None
    assert silent.without_return is None
    assert table.washing.update(table.guidance) == ()
    assert table.washing.update(None) == ()


@dataclass
class Waiting:
    waiting: int


@pytest.mark.parametrize(("waiting", "unsaved"), [(None, 0), (0, 0), (3, 0), (CALM_QUEUE, CALM_QUEUE), (55, 55)])
def test_only_a_disk_that_lags_leaves_frames_unsaved(waiting: int | None, unsaved: int) -> None:
    assert unsaved_frames(None if waiting is None else Waiting(waiting)) == unsaved
