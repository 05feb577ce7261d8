"""The command ``setup``: a source, the pages of the set-up in a window, and what was chosen into the configuration."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.bedside.window import Window, open_window
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.opening import SourceKind, SourceSpec, open_source
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.config_store import ConfigStore
from barbotage_device.console import EXIT_DONE, EXIT_INTERRUPTED, Console
from barbotage_device.errors import NotFoundError, SourceError
from barbotage_device.runtime.feed import Feed, FeedEnded, SourceWatch, feed_of
from barbotage_device.runtime.setting_up.screen import Configured, SetupScreen
from barbotage_device.runtime.setting_up.steps import SettingUp, Step, settings_of

WINDOW_TITLE = "Barbotage: set-up"
TICK_S = 0.04
"""How long a frame is waited for before fingers are looked at again: a page must follow a finger, also when no frame comes."""
KEYS = "screen.language, capture.region.{x_px,y_px,width_px,height_px}, capture.scale.{x_mm_per_px,z_mm_per_px}"


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """What is set up. ``capture`` is without region and scale; ``config`` is the file that is written, whether it exists or not."""

    spec: SourceSpec
    capture: CaptureSettings
    before: Configured
    language: Language
    screen_size: ScreenSize
    config: Path
    as_json: bool


def set_up(request: SetupRequest, console: Console) -> int:
    """Shows the set-up until it is saved or left; 130 when it was left, with the configuration as it was.

    Raises NotFoundError without a display, SourceError for a source that gives no picture, and what the configuration refuses.
    """
    window, reason = open_window(WINDOW_TITLE)
    if window is None:
        raise NotFoundError(f"{reason}; without a window set these keys in {request.config} by hand: {KEYS}")
    try:
        ended = _worked(request, window, console)
    finally:
        window.close()
    if ended.step is not Step.SAVED:
        console.note(f"nothing was saved; {request.config} is as it was")
        return EXIT_INTERRUPTED
    _save(request, ended, console)
    return EXIT_DONE


def _worked(request: SetupRequest, window: Window, console: Console) -> SettingUp:
    """The set-up as it ended, by hands at the window."""
    watch = SourceWatch()
    source = open_source(request.spec, request.capture, on_event=watch.on_event)
    feed = feed_of(source, watch)
    console.note(f"{source.name}: set-up on the screen; nothing is written before it is saved")
    screen = SetupScreen(window, request.screen_size, str(request.spec), request.before, request.language)
    try:
        frames = _Frames(feed)
        while screen.show(frames.next(), watch.lost):
            pass
    finally:
        feed.close()
    return screen.state


class _Frames:
    """The newest frame, or none in time; after the last one of a recording none comes any more. ``sleep`` waits in its place."""

    def __init__(self, feed: Feed, sleep: Callable[[float], None] = time.sleep) -> None:
        self._feed, self._sleep = feed, sleep
        self._seen = self._ended = False

    def next(self) -> Frame | None:
        """Raises SourceError when the source ended without a picture, and what the source raises."""
        if self._ended:
            self._sleep(TICK_S)
            return None
        try:
            frame = self._feed.next(TICK_S)
        except FeedEnded:
            if not self._seen:
                raise SourceError("the source ended without a picture; choose another") from None
            self._ended = True
            return None
        self._seen = self._seen or frame is not None
        return frame


def _save(request: SetupRequest, ended: SettingUp, console: Console) -> None:
    grabber = request.spec.target if request.spec.kind is SourceKind.V4L2 else None
    values = settings_of(ended, grabber)
    ConfigStore(request.config).set(values)
    for line in _remarks(request, ended):
        console.note(line)
    if request.as_json:
        told: dict[str, Any] = {"config": str(request.config), "own_scale": ended.own_scale, "saved": values}
        console.result_json(told)
        return
    console.result(f"saved in {request.config}")
    for key, value in values.items():
        console.result(f"{key} = {'(not set)' if value is None else value}")


def _remarks(request: SetupRequest, ended: SettingUp) -> list[str]:
    """What a person should know about what was saved."""
    if ended.own_scale:
        return [
            f"{request.spec} brings its own region and scale: only the language was saved; set up a frame grabber for the rest"
        ]
    found = [] if ended.mm_per_px is not None else ["the scale is unknown: nothing will be shown in mm"]
    if request.spec.kind is not SourceKind.V4L2:
        found.append("region and scale apply to the frame grabber (v4l2:), and only to pictures of this size and depth setting")
    return found
