"""A procedure on a stage: drawn pictures, a network that says what was drawn, a lavage line, and a hand that reads the screen and works it."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from tests.support.drawing import CARD, Drawing, ellipse, speckle

from barbotage_device.bedside.procedure_signs import ENTER, ProcedureSigns
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.window import Key
from barbotage_device.capture.encoding import LOSSLESS, encoder_of
from barbotage_device.capture.frame import Frame
from barbotage_device.procedure.events import By
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.conduct.checks import Board
from barbotage_device.runtime.conduct.conductor import Conductor, Surroundings
from barbotage_device.runtime.conduct.continuing import Unfinished
from barbotage_device.runtime.conduct.settings import ConductSettings
from barbotage_device.runtime.feed import FeedEnded
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.recording.recording import Clocks, SessionRecording
from barbotage_device.runtime.status import Condition, Summary
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Header
from barbotage_device.session.recorder import Recorder
from barbotage_models.contract.geometry import GreyImage, PointMm, Scale
from barbotage_models.contract.output import ModelOutput
from barbotage_models.contract.taxonomy import Tissue

MS = 1_000_000
PERIOD_NS = 40 * MS
STARTED_NS = 5_000 * 1_000 * MS
UTC_NS = 1_790_000_000 * 1_000 * MS
"""September 2026."""
MM_PER_PX = 0.15
"""As the network sees it: nothing is to be resampled."""
DEPOSIT = PointMm(20.0, 18.0)
ENTRY = PointMm(0.0, 10.0)
TIP_IN, TIP_OUT = PointMm(19.0, 17.6), PointMm(10.0, 14.0)
LEVELS = 6
PRESS_PERIOD_S = 1.6
PRESS_KPA = 30.0
MOST_WAITING = 20
"""Frames: the stage plays faster than life and must not outrun the recorder."""
CALM = Health(rss_mb=100.0, peak_rss_mb=120.0, cpu_celsius=50.0, throttled=False, disk_free_mb=9_000.0)


@dataclass
class Stage:
    """What is to be seen now. ``pressing``: the plunger goes up and down."""

    now_ns: int = STARTED_NS
    tip: PointMm | None = None
    deposit: bool = True
    pressing: bool = False
    pressed_ns: int = 0

    def clock(self) -> int:
        return self.now_ns

    def pressure(self, at_ns: int) -> float:
        """Of the line, 0 to 1."""
        if not self.pressing:
            return 0.0
        turn = (at_ns - self.pressed_ns) / 1e9 / PRESS_PERIOD_S
        return float(0.5 - 0.5 * np.cos(2 * np.pi * turn))


@cache
def _picture(level: int) -> GreyImage:
    """Tissue with the cavity dilated by up to 6 % of its diameter."""
    plain = speckle((384, 384), 3)
    cv2.ellipse(plain, (200, 180), (40, 25), 0, 0, 360, 215, -1)
    plain = np.asarray(cv2.add(plain, speckle((384, 384), 4, 10.0, 12.0)), dtype=np.uint8)
    rows, columns = np.mgrid[0:384, 0:384].astype(np.float32)
    far = np.hypot((columns - 200) / 40, (rows - 180) / 25)
    wider = 1 + 0.06 * level / (LEVELS - 1) * np.clip(2.0 - far, 0, 1)
    moved = cv2.remap(plain, 200 + (columns - 200) / wider, 180 + (rows - 180) / wider, cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(moved, (256, 256), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def picture_of(stage: Stage) -> GreyImage:
    """What the probe would give now."""
    return _picture(round(stage.pressure(stage.now_ns) * (LEVELS - 1)))


@cache
def _output(tip: PointMm | None, deposit: bool) -> ModelOutput:
    drawing = Drawing()
    if deposit:
        drawing.polygon(Tissue.DEPOSIT, ellipse(DEPOSIT.x_mm, DEPOSIT.z_mm, 4.0, 2.5))
    if tip is not None:
        drawing.line(Tissue.NEEDLE, [(ENTRY.x_mm, ENTRY.z_mm), (tip.x_mm, tip.z_mm)]).tip(tip)
    return drawing.output()


class StageFeed:
    """A frame each 40 ms until ``end``; the lavage line sends its samples before each."""

    live = True
    dropped = 0
    lost = None

    def __init__(self, stage: Stage, recording: SessionRecording, most_frames: int) -> None:
        self._stage, self._recording, self._left = stage, recording, most_frames
        self._sequence = itertools.count()
        self.line: Callable[[LineSample], None] = lambda _sample: None

    def next(self, timeout_s: float) -> Frame | None:  # noqa: ARG002
        if self._left == 0:
            raise FeedEnded
        self._left -= 1
        while self._recording.waiting > MOST_WAITING:
            time.sleep(0.002)
        stage = self._stage
        for step in range(4):
            at_ns = stage.now_ns + step * 10 * MS
            self.line(LineSample(at_ns, PRESS_KPA * stage.pressure(at_ns)))
        stage.now_ns += PERIOD_NS
        frame = Frame(picture_of(stage), stage.now_ns - 5 * MS, next(self._sequence), Scale.isotropic(MM_PER_PX), "stage")
        self._recording.frame(frame)
        return frame

    def close(self) -> None:
        pass


class StageNetwork:
    """Says what stands on the stage."""

    name = "stage"
    number_format = "int8"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.said: list[ModelOutput] = []

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:  # noqa: ARG002
        self.said.append(_output(self._stage.tip, self._stage.deposit))
        return self.said[-1]


class Hand:
    """A screen whose reader works it: reads the signs, presses buttons that are there, types, taps the pedal."""

    def __init__(self, stage: Stage, operator: Operator) -> None:
        self.stage, self.operator = stage, operator
        self.work: Iterator[None] = iter(())
        self.signs: list[ProcedureSigns] = []
        self._goes_on = True

    @property
    def now(self) -> ProcedureSigns:
        return self.signs[-1]

    def show(self, guidance: Guidance | None, condition: Condition) -> bool:  # noqa: ARG002
        assert condition.procedure is not None
        self.signs.append(condition.procedure)
        if next(self.work, StopIteration) is StopIteration:
            return False
        return self._goes_on

    def until(self, reached: Callable[[ProcedureSigns], bool], turns: int = 200) -> Iterator[None]:
        """Waits; fails with what is shown."""
        for _ in range(turns):
            if reached(self.now):
                return
            yield
        raise AssertionError(f"never came; now {self.now}")

    def press(self, wish: str) -> Iterator[None]:
        """Touches a button, after as many touches on 'more' as it takes."""
        for _ in range(8):
            button = next((one for one in self.now.buttons if one.wish == wish), None)
            if button is not None:
                assert button.enabled, f"{wish} is disabled: {self.now}"
                self._goes_on = self.operator.touch(wish) and self._goes_on
                yield
                return
            assert any(one.wish == "more" for one in self.now.buttons), f"no {wish}: {[one.wish for one in self.now.buttons]}"
            self.operator.touch("more")
            yield
        raise AssertionError(f"no button {wish}")

    def type(self, text: str) -> Iterator[None]:
        """Types on the keypad and enters."""
        assert self.now.question is not None
        assert self.now.question.typing is not None, f"nothing is typed here: {self.now.question}"
        for sign in (*text, ENTER):
            self.operator.touch(sign)
        yield

    def tap(self, proposal: str | None = None) -> Iterator[None]:
        """Waits until something (of this text) stands proposed and was read, then taps the pedal."""
        yield from self.until(lambda now: now.proposal is not None and proposal in (None, now.proposal.key))
        for _ in range(10):
            yield
        self.operator.obey(Key.PEDAL, By.PEDAL)
        yield

    def go(self, *wishes: str) -> Iterator[None]:
        """Touches one after the other."""
        for wish in wishes:
            yield from self.press(wish)


@dataclass
class Theatre:
    """One run of the program on the stage."""

    root: Path
    stage: Stage = field(default_factory=Stage)
    offer: Unfinished | None = None
    side: str | None = None
    utc_ns: int = UTC_NS
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        header = Header(
            id=new_ulid(self.utc_ns), source="stage", started_utc_ns=self.utc_ns, started_capture_ns=self.stage.now_ns
        )
        recorder = Recorder(self.root, header, encoder_of(LOSSLESS))
        clocks = Clocks(self.stage.clock, lambda: self.utc_ns + self.stage.now_ns - STARTED_NS)
        self.recording = SessionRecording(recorder, header, clocks)
        self.recording.begin({})
        self.network = StageNetwork(self.stage)
        self.pipeline = Pipeline(self.network, CARD)
        self.operator = Operator(self.pipeline, Presentation(Language.FR), self.recording.operator)
        self.outlets = Outlets(lambda level, text: self.lines.append(f"{level}: {text}"), self.recording)
        board = Board(lambda: CALM, lambda: self.utc_ns)
        around = Surroundings(self.pipeline, self.outlets, self.stage.clock, board, lambda: self.operator.presentation.language)
        self.conductor = self.operator.procedure = Conductor(around, ConductSettings(side=self.side), self.offer)
        self.hand = Hand(self.stage, self.operator)

    @property
    def path(self) -> Path:
        return self.recording.path

    def play(self, work: Callable[[Hand], Iterator[None]], most_frames: int = 3000, close: bool = True) -> Summary:
        """Runs the loop until the work is done."""
        feed = StageFeed(self.stage, self.recording, most_frames)
        feed.line = self.conductor.line
        self.hand.work = work(self.hand)
        reports = Reports(lambda _status: None, self.lines.append)
        loop = LiveLoop(
            feed, self.pipeline, reports, LoopSettings(), self.stage.clock, self.hand, self.outlets, procedure=self.conductor
        )
        summary = loop.run()
        if close:
            self.recording.close()
        return summary
