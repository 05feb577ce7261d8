"""What a run says of its computer: the first picture once, troubles when they change, and signs of life."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.capture.encoding import Encoding, encoder_of
from barbotage_device.runtime.attending import Attendant
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.recording.recording import Clocks, SessionRecording
from barbotage_device.runtime.service_manager import ServiceManager
from barbotage_device.runtime.status import Condition
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Header
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recorder import Recorder

S = 1_000_000_000
WELL = Health(200.0, 250.0, 55.0, False, 20_000.0, False)
CONDITION = Condition(0, 0, 0, None, None, 0, None)


@dataclass
class Bench:
    """An attendant of a run that is recorded; the readings are the test's."""

    root: Path
    health: Health = WELL
    age_ns: int | None = 2_345_678_901
    said: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        header = Header(id=new_ulid(S), started_utc_ns=S)
        recorder = Recorder(self.root, header, encoder_of(Encoding()))
        self.recording = SessionRecording(recorder, header, Clocks(lambda: 9 * S, lambda: S))
        outlets = Outlets(lambda level, text: self.said.append((level, text)), self.recording)
        self.attendant = Attendant(ServiceManager(None), outlets, lambda: self.health, lambda: self.age_ns)

    def turn(self, at_s: float, frames: int = 0, **changes: Any) -> None:
        self.attendant.turn(replace(CONDITION, frames=frames, **changes), round(at_s * S), on_screen=True)

    def events(self) -> list[tuple[str, Mapping[str, Any]]]:
        self.recording.close()
        with SessionReader.open(self.recording.path) as reader:
            return [(event.kind, event.value) for event in reader.events() if event.kind != "session-ended"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_picture_is_told_once_with_the_time_since_the_process_began(bench: Bench) -> None:
    for at_s, frames in ((0.0, 0), (0.1, 1), (0.2, 2)):
        bench.turn(at_s, frames)
    assert bench.events() == [("first-picture", {"after_s": 2.35, "on_screen": True})]
    assert bench.said == [("info", "first picture 2.35 s after the start of the process")]


def test_a_frame_that_the_network_failed_on_is_no_picture(bench: Bench) -> None:
    bench.turn(0.0, 1, model_error="failed to invoke")
    assert bench.said == []
    bench.turn(0.1, 2)
    assert len(bench.said) == 1


def test_where_the_kernel_does_not_say_when_it_began_the_time_is_unknown(bench: Bench) -> None:
    bench.age_ns = None
    bench.turn(0.0, 1)
    assert bench.events() == [("first-picture", {"after_s": None, "on_screen": True})]


def test_a_trouble_is_told_when_it_begins_and_when_it_ends_and_shown_meanwhile(bench: Bench) -> None:
    bench.turn(0.0)
    assert not bench.attendant.said
    bench.health = replace(WELL, cpu_celsius=83.4)
    for at_s in (1.0, 2.0, 3.0):
        bench.turn(at_s)
    assert [one.key for one in bench.attendant.said] == ["board-hot"]
    bench.health = WELL
    bench.turn(4.0)
    assert not bench.attendant.said
    told = bench.events()
    assert [(kind, value["troubles"], value["temperature_c"]) for kind, value in told] == [
        ("board", ["hot"], 83.4),
        ("board", [], 55.0),
    ]
    assert bench.said == [("warning", "board: the processor is hot"), ("info", "board: all is well again")]


def test_the_board_is_read_once_a_second(bench: Bench) -> None:
    bench.turn(0.0)
    bench.health = replace(WELL, disk_free_mb=10.0)
    bench.turn(0.9)
    assert not bench.attendant.said
    bench.turn(1.0)
    assert [one.key for one in bench.attendant.said] == ["board-disk"]


def test_frames_that_could_not_be_recorded_are_a_trouble(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.turn(0.0)
    monkeypatch.setattr(SessionRecording, "recorder_drops", property(lambda _: 3))
    bench.turn(1.0)
    assert [one.key for one in bench.attendant.said] == ["board-drops"]
