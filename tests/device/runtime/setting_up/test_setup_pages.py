"""The pages of a set-up without a window: what fingers and keys make of them, whole words in both languages, and a source that fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.device.runtime.setting_up.scanner import REGION, scanner_screen

from barbotage_device.bedside.procedure_signs import ENTER
from barbotage_device.bedside.text import ELLIPSIS, Picture
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.bedside.window import Key, Touch
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.region import Region
from barbotage_device.errors import SourceError
from barbotage_device.runtime.feed import FeedEnded
from barbotage_device.runtime.setting_up.command import _Frames
from barbotage_device.runtime.setting_up.screen import Configured, SetupScreen
from barbotage_device.runtime.setting_up.steps import Step, settings_of
from barbotage_models.contract.geometry import Scale

SMALL = ScreenSize(800, 480)
FRAME = Frame(scanner_screen(), 0, 0, None, "screen")
OWN = Frame(scanner_screen(), 0, 0, Scale.isotropic(0.1), "simulated")


@dataclass
class KeyedWindow:
    """A window without a screen, whose keys the test presses."""

    closed: bool = False
    pressed: list[Key] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    picture: Picture | None = None

    def show(self, picture: Picture) -> None:
        self.picture = picture.copy()

    def keys(self) -> tuple[Key, ...]:
        pressed, self.pressed = tuple(self.pressed), []
        return pressed

    def touches(self) -> tuple[Touch, ...]:
        return ()

    def typed(self) -> tuple[str, ...]:
        signs, self.signs = tuple(self.signs), []
        return signs

    def close(self) -> None:
        self.closed = True


def begun(
    language: Language = Language.FR, size: ScreenSize = SMALL, before: Configured | None = None
) -> tuple[KeyedWindow, SetupScreen]:
    window = KeyedWindow()
    return window, SetupScreen(window, size, "v4l2:/dev/video0", before or Configured(), language)


def typed(window: KeyedWindow, screen: SetupScreen, *signs: str) -> Step:
    for sign in signs:
        window.signs = [sign]
        screen.show(None, None)
    return screen.state.step


def test_nothing_is_taken_before_a_picture_came() -> None:
    window, screen = begun()
    assert typed(window, screen, ENTER) is Step.BEGIN
    screen.show(FRAME, None)
    assert typed(window, screen, ENTER) is Step.REGION


def test_back_leads_through_the_pages_and_keeps_what_was_chosen() -> None:
    window, screen = begun()
    screen.show(FRAME, None)
    assert typed(window, screen, ENTER, "right", "right", ENTER, "5", "0") is Step.SCALE
    assert typed(window, screen, "b") is Step.CHECK
    assert screen.state.mm_per_px is None, "the page of the scale was left without one"
    assert typed(window, screen, "b") is Step.REGION
    assert screen.state.chosen_region == Region(REGION.x_px + 2, REGION.y_px, REGION.width_px - 2, REGION.height_px)
    assert typed(window, screen, ENTER) is Step.SCALE
    assert screen.state.scale is not None
    assert screen.state.scale.typed.text == "50"
    assert typed(window, screen, ENTER) is Step.CHECK
    assert screen.state.mm_per_px == pytest.approx(50 / 430, rel=0.01)
    assert typed(window, screen, "b", "b") is Step.BEGIN
    window.pressed = [Key.LANGUAGE]
    screen.show(None, None)
    assert screen.state.language is Language.EN


def test_a_picture_of_another_size_begins_anew() -> None:
    window, screen = begun()
    screen.show(FRAME, None)
    typed(window, screen, ENTER, ENTER, "5", "0", "b", "b", "b")
    screen.show(Frame(np.zeros((480, 640), np.uint8), 1, 1, None, "screen"), None)
    assert typed(window, screen, ENTER) is Step.REGION
    state = screen.state
    assert state.region is not None
    assert (state.region.width_px, state.region.height_px, state.scale, state.mm_per_px) == (640, 480, None, None)


def test_a_frame_grabber_is_saved_with_its_device_and_the_size_that_it_gave() -> None:
    window, screen = begun()
    screen.show(FRAME, None)
    assert typed(window, screen, ENTER, ENTER, "5", "0", ENTER, ENTER) is Step.SAVED
    values = settings_of(screen.state, "/dev/video7")
    assert (values["capture.device"], values["capture.width_px"], values["capture.height_px"]) == ("/dev/video7", 960, 600)


@pytest.mark.parametrize("size", [SMALL, ScreenSize(1280, 800)])
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("frame", [FRAME, OWN], ids=["grabber", "own scale"])
def test_no_word_of_the_pages_is_cut_short(frame: Frame, language: Language, size: ScreenSize) -> None:
    window, screen = begun(language, size, Configured(Region(220, 70, 1520, 1430), 0.1163))
    screen.show(None, None)
    screen.show(frame, None)
    typed(window, screen, ENTER, *(() if frame is OWN else (ENTER, "5", "0", ENTER)))
    screen.show(None, None)
    assert screen.state.step is Step.CHECK
    assert {text for text in screen._renderer.painter.drawn if text.endswith(ELLIPSIS)} == set()


class Ending:
    """A feed of so many frames."""

    live, dropped, lost = True, 0, None

    def __init__(self, count: int) -> None:
        self._frames: Iterator[Frame] = iter([FRAME] * count)

    def next(self, timeout_s: float) -> Frame | None:  # noqa: ARG002
        frame = next(self._frames, None)
        if frame is None:
            raise FeedEnded
        return frame

    def close(self) -> None:
        pass


def test_the_last_picture_of_a_recording_stays_and_a_source_without_any_is_an_error() -> None:
    slept: list[float] = []
    frames = _Frames(Ending(1), slept.append)
    assert [frames.next() is FRAME, frames.next(), frames.next()] == [True, None, None]
    assert len(slept) == 1
    with pytest.raises(SourceError, match="without a picture"):
        _Frames(Ending(0)).next()
