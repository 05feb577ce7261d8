"""The command's run: with a screen it follows the procedure and offers an unfinished one; without, or told so, it only watches."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.bedside.window import Key, Opening, Touch
from barbotage_device.capture.opening import parse_src
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.console import Console
from barbotage_device.runtime.conduct.settings import ConductSettings
from barbotage_device.runtime.interpreter import Interpreter, LoadedModel
from barbotage_device.runtime.pipeline import PipelineSettings
from barbotage_device.runtime.recording.starting import RecordingRequest
from barbotage_device.runtime.running import RunRequest, run
from barbotage_device.session.events import Event
from barbotage_device.session.reader import SessionReader
from barbotage_models.contract.card import ModelCard

FRAMES = 12
pytestmark = pytest.mark.slow


@dataclass
class KeyWindow:
    """A window that presses keys at given pictures."""

    keys_at: dict[int, Key]
    typed_at: dict[int, str] = field(default_factory=dict)
    closed: bool = False
    shown: int = 0

    def show(self, picture: Picture) -> None:
        del picture
        self.shown += 1

    def keys(self) -> tuple[Key, ...]:
        return (self.keys_at[self.shown],) if self.shown in self.keys_at else ()

    def touches(self) -> tuple[Touch, ...]:
        return ()

    def typed(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.closed = True


Play = Callable[..., tuple[list[Event], dict[str, Any]]]


@pytest.fixture
def play(drawn: Interpreter, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    numbers = itertools.count()

    def once(*, conduct: bool, screen: bool = True, folder: str | None = None) -> tuple[list[Event], dict[str, Any]]:
        window = KeyWindow({10: Key.PEDAL, 11: Key.PATIENT_EVENT})
        monkeypatch.setattr("barbotage_device.runtime.screen.open_window", lambda _title: Opening(window, ""))
        root = tmp_path / (folder or f"run-{next(numbers)}")
        request = RunRequest(
            spec=parse_src("sim"),
            capture=CaptureSettings(),
            pipeline=PipelineSettings(),
            language=Language.FR,
            screen_size=ScreenSize(800, 480) if screen else None,
            frames=FRAMES,
            as_json=False,
            recording=RecordingRequest(root),
            conduct=ConductSettings() if conduct else None,
        )
        assert run(request, LoadedModel(drawn, card), Console()) == 0
        with SessionReader.open(max(root.iterdir(), key=lambda path: path.name)) as reader:
            return reader.events(), next(reader.messages("/config")).value

    return once


def told(events: list[Event]) -> set[str]:
    return {event.kind for event in events} - {"session-started", "session-ended", "prompt", "first-picture", "board"}


def test_with_a_screen_the_keys_go_through_the_procedure(play: Play) -> None:
    events, config = play(conduct=True)
    assert {"refused", "patient-event"} <= told(events)
    assert next(event.value for event in events if event.kind == "patient-event")["count"] == 1
    assert config["procedure"]["accept_after_s"] == 0.3
    assert config["probe"]["marker"] == "left"


def test_told_to_watch_only_a_run_is_as_it_was(play: Play) -> None:
    events, config = play(conduct=False)
    assert told(events) <= {"patient-event", "target-accepted", "needle-in-target"}
    assert next(event for event in events if event.kind == "patient-event").value == {}
    assert "procedure" not in config


def test_without_a_screen_no_procedure_is_followed(play: Play) -> None:
    events, _ = play(conduct=True, screen=False)
    assert told(events) <= {"target-accepted", "needle-in-target"}
