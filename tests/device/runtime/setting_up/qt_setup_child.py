"""The command ``setup`` with a real window and a hand that works it by real Qt events. Run by test_setup_command.

Arguments: the name of a hand, the folder for the pages as pictures, then those of the command.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
from tests.device.runtime.qt_hand import KeptWindow, QtHand

from barbotage_device import cli
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.targets import targets
from barbotage_device.bedside.text import Picture
from barbotage_device.bedside.view import BedsideView
from barbotage_device.bedside.window import Opening
from barbotage_device.runtime.setting_up import command, screen

Work = Callable[["Hand"], Iterator[None]]
MOST_PICTURES = 400


class Watched(Renderer):
    """Remembers what it drew last: the hand looks at it."""

    last: tuple["Watched", BedsideView] | None = None

    def draw(self, view: BedsideView) -> Picture:
        Watched.last = self, view
        return super().draw(view)


class Hand(QtHand):
    """Reads the page that is shown and touches what stands on it."""

    def __init__(self, pages: Path) -> None:
        super().__init__()
        self.window: KeptWindow | None = None
        self._pages = pages

    @property
    def view(self) -> BedsideView:
        assert Watched.last is not None
        return Watched.last[1]

    def touch(self, sign: str) -> Iterator[None]:
        """A finger on a target that is there and enabled."""
        assert Watched.last is not None
        renderer, view = Watched.last
        found = {target.sign: target for target in targets(renderer.layout(view), view) if target.enabled}
        assert sign in found, f"no {sign}: {sorted(found)}"
        rect = found[sign].rect
        self.tap(rect.left_px + rect.width_px / 2, rect.top_px + rect.height_px / 2)
        yield

    def type(self, *keys: str) -> Iterator[None]:
        for key in keys:
            self.key(key)
            yield

    def until_picture(self) -> Iterator[None]:
        while self.view.heartbeat == 0:
            yield

    def keep(self, name: str) -> None:
        assert self.window is not None
        assert self.window.picture is not None
        cv2.imwrite(str(self._pages / f"{name}.png"), self.window.picture)


def by_finger(hand: Hand) -> Iterator[None]:
    yield from hand.until_picture()
    yield
    hand.keep("begin")
    yield from hand.touch("setup:language:en")
    yield from hand.touch("setup:next")
    hand.keep("region")
    yield from hand.touch("setup:done")
    for digit in "50":
        yield from hand.touch(digit)
    hand.keep("scale")
    yield from hand.touch("setup:done")
    hand.keep("check")
    yield from hand.touch("setup:save")


def by_keys(hand: Hand) -> Iterator[None]:
    yield from hand.until_picture()
    yield from hand.type(
        "enter", "right", "right", "down", "tab", "left", "enter", *"50", "b", "b", "enter", "enter", "enter", "enter"
    )


def without_scale(hand: Hand) -> Iterator[None]:
    yield from hand.until_picture()
    for sign in ("setup:next", "setup:done", "setup:cancel", "setup:save"):
        yield from hand.touch(sign)


def up_to_the_last_page(hand: Hand) -> Iterator[None]:
    yield from hand.until_picture()
    yield from hand.type("l", "enter", "enter", *"50", "enter")


def cancelled(hand: Hand) -> Iterator[None]:
    yield from up_to_the_last_page(hand)
    yield from hand.touch("setup:leave")


def escaped(hand: Hand) -> Iterator[None]:
    yield from up_to_the_last_page(hand)
    yield from hand.type("escape")


def closed(hand: Hand) -> Iterator[None]:
    yield from up_to_the_last_page(hand)
    hand.surface.close()
    yield


def interrupted(hand: Hand) -> Iterator[None]:
    yield from up_to_the_last_page(hand)
    os.kill(os.getpid(), signal.SIGINT)
    yield


def own_scale(hand: Hand) -> Iterator[None]:
    yield from hand.until_picture()
    yield
    yield from hand.touch("setup:language:en")
    yield from hand.touch("setup:next")
    hand.keep("own-scale")
    yield from hand.touch("setup:save")


HANDS: dict[str, Work] = {
    work.__name__: work for work in (by_finger, by_keys, without_scale, cancelled, escaped, closed, interrupted, own_scale)
}


class WorkedWindow(KeptWindow):
    """The real window; the hand does one thing after each picture."""

    def __init__(self, title: str, work: Iterator[None]) -> None:
        super().__init__(title)
        self._work, self._left = work, MOST_PICTURES

    def show(self, picture: Picture) -> None:
        super().show(picture)
        self._left -= 1
        assert self._left, "the set-up never ended"
        next(self._work, None)


def main() -> int:
    name, pages, *arguments = sys.argv[1:]
    setattr(screen, "Renderer", Watched)  # noqa: B010 - a module's own name, for this process

    def opened(title: str) -> Opening:
        from PySide6.QtGui import QGuiApplication

        application = QGuiApplication([])
        hand = Hand(Path(pages))
        hand.window = WorkedWindow(title, HANDS[name](hand))
        del application
        return Opening(hand.window, "")

    setattr(command, "open_window", opened)  # noqa: B010
    return cli.run_command_line(arguments)


if __name__ == "__main__":
    sys.exit(main())
