"""What the bedside program does with what a probe pod tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from barbotage_device.bedside.procedure_signs import Notice, ProcedureSigns, Said
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import PodSigns
from barbotage_device.capture.frame import Frame
from barbotage_device.guidance.prompt import Priority
from barbotage_device.probe_pod.client import NOT_STARTED, Connection, PodView
from barbotage_device.probe_pod.protocol import Action, Aim, Contact, Phase, Sound
from barbotage_device.probe_pod.state import (
    LavageChanged,
    PodEvent,
    PodFault,
    PodIdentity,
    PodStarted,
    PodState,
    PressureSeries,
    Tilted,
    Touched,
)
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.bedside_pod import BedsidePod
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.operator import Operator, Presentation
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.card import ModelCard

IDENTITY = PodIdentity("BP-0007", "0.1.0", "00ff", 1, 1)
FINE = Condition(frames=1, drops=0, bad_frames=0, lost=None, model_error=None, frame_age_ns=0, latency_ns=None)


@dataclass
class ScriptedClient:
    """Stands where the PodClient stands: says what the test puts down."""

    view: PodView = field(default_factory=lambda: PodView(Connection.ABSENT, NOT_STARTED, PodState()))
    waiting: list[PodEvent] = field(default_factory=list)
    shown: list[tuple[Aim, int, Sound]] = field(default_factory=list)

    def events(self) -> list[PodEvent]:
        events, self.waiting = self.waiting, []
        return events

    def show(self, aim: Aim, level: int = 0, sound: Sound = Sound.SILENT) -> None:
        self.shown.append((aim, level, sound))


@dataclass(frozen=True)
class Kept(Outlets):
    """Outlets that keep what they are told."""

    lines: list[str] = field(default_factory=list)
    events: list[tuple[Happening, int | None]] = field(default_factory=list)
    samples: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)

    def say(self, level: str, text: str) -> None:
        self.lines.append(f"{level}: {text}")

    def happened(self, happening: Happening, at_ns: int | None = None) -> None:
        self.events.append((happening, at_ns))

    def sample(self, values: Mapping[str, Any], at_ns: int) -> None:
        self.samples.append((values, at_ns))


class Bedside:
    """A pod joined to a pipeline that has seen one deposit."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.client, self.outlets = ScriptedClient(), Kept(lambda _level, _text: None)
        self.heard: list[str] = []
        self.operator = Operator(pipeline, Presentation(Language.FR), lambda kind, _value: self.heard.append(kind))
        self.pod = BedsidePod(self.client, self.operator, self.outlets)

    def tell(self, *events: PodEvent) -> None:
        self.client.waiting = list(events)
        self.pod.heed()

    def stands(self, connection: Connection, reason: str | None = None, state: PodState | None = None) -> None:
        self.client.view = PodView(connection, reason, state or PodState())
        self.pod.heed()

    def cycles_told(self) -> list[int]:
        return [one.value["count"] for one, _ in self.outlets.events if one.kind == "lavage-cycle"]


@pytest.fixture
def bedside(drawn: Interpreter, card: ModelCard, picture: Callable[..., Frame]) -> Bedside:
    pipeline = Pipeline(drawn, card)
    for sequence in range(6):
        pipeline.step(picture(sequence, (100, 120)))
    return Bedside(pipeline)


def touched(contact: Contact, action: Action) -> Touched:
    return Touched(contact, action, 5, 9, 1)


@pytest.mark.parametrize(
    ("contact", "action", "heard"),
    [
        (Contact.PEDAL, Action.TAP, ["target-accepted"]),
        (Contact.PEDAL, Action.DOUBLE, ["overlay"]),
        (Contact.PEDAL, Action.HOLD, ["patient-event"]),
        (Contact.BUTTON_A, Action.TAP, ["frozen"]),
        (Contact.BUTTON_B, Action.TAP, ["bookmark"]),
        (Contact.PEDAL, Action.PRESS, []),
        (Contact.BUTTON_B, Action.HOLD, []),
    ],
)
def test_pedal_and_buttons_reach_the_procedure(bedside: Bedside, contact: Contact, action: Action, heard: list[str]) -> None:
    bedside.tell(touched(contact, action))
    assert bedside.heard == heard
    assert (bedside.pipeline.accepted is not None) == (heard == ["target-accepted"])


def test_cycles_are_those_of_this_run_whatever_the_pod_had_counted_before(bedside: Bedside) -> None:
    bedside.tell(PodStarted(IDENTITY), LavageChanged(0, Phase.REST, 40, 0))
    bedside.tell(LavageChanged(10, Phase.INJECT, 40, 0), LavageChanged(20, Phase.ASPIRATE, 41, 400))
    bedside.tell(PodStarted(IDENTITY), LavageChanged(30, Phase.REST, 0, 0), LavageChanged(40, Phase.REST, 2, 300))
    assert bedside.cycles_told() == [1, 3]
    assert bedside.pod.signs.cycles == 3
    assert bedside.outlets.events[1] == (Happening("lavage-cycle", {"count": 1, "from": "pressure"}), 20)


def test_pressure_tilt_and_phase_are_recorded_with_their_times(bedside: Bedside) -> None:
    bedside.tell(
        PressureSeries(1_000, (0, 415)), Tilted(2_000, 1.5, -2.0, 30.0, True), LavageChanged(3_000, Phase.INJECT, 0, -15)
    )
    assert bedside.outlets.samples == [
        ({"pressure_kpa": 0.0}, 1_000),
        ({"pressure_kpa": 41.5}, 10_001_000),
        ({"pitch_deg": 1.5, "roll_deg": -2.0, "rate_dps": 30.0, "moved": True}, 2_000),
        ({"phase": "inject", "peak_kpa": -1.5}, 3_000),
    ]


def test_an_absent_pod_is_said_once_and_a_lost_one_is_an_event(bedside: Bedside) -> None:
    bedside.pod.heed()
    assert bedside.outlets.lines == []
    for _ in range(3):
        bedside.stands(Connection.ABSENT, "no probe pod is plugged in")
        bedside.stands(Connection.GREETING, "waiting")
    assert bedside.outlets.lines == ["warning: no probe pod: no probe pod is plugged in; everything else goes on"]
    assert bedside.outlets.events == []
    bedside.client.waiting = [PodStarted(IDENTITY)]
    bedside.stands(Connection.CONNECTED)
    bedside.stands(Connection.ABSENT, "the pod is gone")
    assert [one.kind for one, _ in bedside.outlets.events] == ["pod-connected", "pod-lost"]
    assert "BP-0007" in bedside.outlets.lines[1]
    assert "the pod is gone" in bedside.outlets.lines[2]
    assert bedside.pod.signs == PodSigns(connected=False, reason="the pod is gone", cycles=0)


def test_a_fault_of_the_pod_is_said(bedside: Bedside) -> None:
    bedside.tell(PodFault(2, "ENODEV", 0))
    assert bedside.outlets.lines == ["warning: the probe pod reports: imu: ENODEV"]


def test_the_tilt_sensor_counts_only_while_it_works(bedside: Bedside) -> None:
    felt = [bedside.pod.probe_moved]
    for pitch_deg in (3.0, None):
        bedside.stands(Connection.CONNECTED, state=PodState(pitch_deg=pitch_deg, moved=True))
        felt.append(bedside.pod.probe_moved)
    assert felt == [None, True, None]


def test_the_ring_follows_the_screen(bedside: Bedside) -> None:
    before = bedside.pipeline.last
    assert before is not None
    bedside.pod.show(before, FINE)
    bedside.pipeline.accept_target()
    guidance = bedside.pipeline.step(replace(before.frame, sequence=6, capture_ns=before.frame.capture_ns + 40_000_000))
    bedside.pod.show(guidance, FINE)
    bedside.operator.presentation = replace(bedside.operator.presentation, overlay_on=False)
    bedside.pod.show(guidance, replace(FINE, lost="unplugged"))
    assert [aim for aim, _, _ in bedside.client.shown] == [Aim.OFF, Aim.UNCERTAIN, Aim.OFF], (
        "no target, a target without a needle, off"
    )
    assert [sound for _, _, sound in bedside.client.shown] == [Sound.SILENT, Sound.SILENT, Sound.ATTENTION]


class Line:
    """Stands where the procedure stands: hears the lavage line and counts by itself."""

    cycles = 4

    def __init__(self) -> None:
        self.samples: list[tuple[int, float]] = []

    def line(self, sample: LineSample) -> None:
        self.samples.append((sample.at_ns, sample.pressure_kpa))


def test_with_a_procedure_the_line_feeds_it_and_the_pods_own_count_is_not_recorded(bedside: Bedside) -> None:
    line = Line()
    bedside.pod = BedsidePod(bedside.client, bedside.operator, bedside.outlets, line)
    bedside.tell(PodStarted(IDENTITY), LavageChanged(0, Phase.REST, 0, 0), PressureSeries(1_000, (0, 415)))
    bedside.tell(LavageChanged(20, Phase.ASPIRATE, 1, 400))
    assert line.samples == [(1_000, 0.0), (10_001_000, 41.5)]
    assert bedside.cycles_told() == []
    assert bedside.pod.signs.cycles == 4


def test_the_buzzer_follows_the_prompt_that_the_procedure_shows(bedside: Bedside) -> None:
    before = bedside.pipeline.last
    assert before is not None
    for notice in (None, Notice(Said("left-target"), Priority.MEDIUM), Notice(Said("stop-fop"), Priority.HIGH)):
        bedside.pod.show(before, replace(FINE, procedure=ProcedureSigns("lavage", notice=notice)))
    assert [sound for _, _, sound in bedside.client.shown] == [Sound.SILENT, Sound.SILENT, Sound.ATTENTION]
