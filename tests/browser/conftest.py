"""A running review server over sessions with known content, and Chromium to look at it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.support.barcode import Grey, read_barcode
from tests.support.sessions import STARTED_UTC_NS, Script, write_session

PATIENCE_MS = 60_000
"""A busy machine is no fault of the page."""
expect.set_options(timeout=PATIENCE_MS)
VIEW = {"width": 1280, "height": 720}
DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium; as root it needs its sandbox off."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is missing; install it with: sudo apt install chromium")
    return {**browser_type_launch_args, "executable_path": chromium, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The smallest screen that the page promises to serve."""
    return {**browser_context_args, "viewport": VIEW, "locale": "en-GB", "timezone_id": "UTC", "color_scheme": "dark"}


@pytest.fixture(autouse=True)
def patience(page: Page) -> None:
    """Waits as long for an action as for an expectation."""
    page.set_default_timeout(PATIENCE_MS)


@dataclass(frozen=True)
class Review:
    """A running ``barbotage review``: where it answers, and the sessions that it serves."""

    url: str
    """With the token: the first address to open."""
    complete: Path
    without_scale: Path
    unrecovered: Path

    def page_of(self, session: Path) -> str:
        """The address of a session's player, without the token."""
        return f"{self.url.split('?')[0].rstrip('/')}/session/{session.name}"


@dataclass(frozen=True)
class Server:
    """The process that answers, over a folder that is empty between tests."""

    url: str
    root: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests, started as a reviewer starts it."""
    root = tmp_path_factory.mktemp("sessions")
    command = [str(Path(sys.executable).with_name("barbotage")), "review", str(root), "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+/\S*", line)
            if found:
                break
        else:
            pytest.fail(f"the server did not start: {''.join(said)}")
        try:
            yield Server(found.group(0), root)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_MS / 1000)


@pytest.fixture
def review(server: Server) -> Iterator[Review]:
    """Three sessions of its own for each test: tests write side-cars and recover sessions."""
    complete = write_session(server.root, Script())
    without_scale = write_session(
        server.root, Script(frames=40, scale_mm_per_px=None, side=None, started_utc_ns=STARTED_UTC_NS + DAY_NS, unsure=(20, 24))
    )
    unrecovered = write_session(
        server.root, Script(frames=30, close=False, started_utc_ns=STARTED_UTC_NS + 2 * DAY_NS, unsure=(12, 16))
    )
    yield Review(server.url, complete, without_scale, unrecovered)
    for session in server.root.iterdir():
        shutil.rmtree(session)


@pytest.fixture
def player(page: Page, review: Review) -> Page:
    """The player of the complete session, its first frame drawn."""
    page.goto(review.url)
    page.goto(review.page_of(review.complete))
    wait_for_frame(page, 0)
    return page


@pytest.fixture
def seen_frame(page: Page) -> Callable[[], int | None]:
    """Reads the number of the frame that is really on the screen off a screenshot."""
    return lambda: read_frame_number(page)


def wait_for_frame(page: Page, index: int) -> None:
    """Waits until the page says that it has drawn frame ``index``."""
    page.wait_for_function("index => window.barbotage?.counters.last?.frame === index", arg=index)


def read_frame_number(page: Page) -> int | None:
    """The barcode of the frame on the screen; None when none can be read."""
    corner, size = page.evaluate(
        """() => {
          const view = window.barbotage.app.view;
          const box = view.stage.getBoundingClientRect();
          const [x, y] = view.toScreen([0, 0]);
          const [x1, y1] = view.toScreen([1, 1]);
          return [[box.x + x, box.y + y], [x1 - x, y1 - y]];
        }"""
    )
    return read_barcode(screenshot(page), lambda x, y: (corner[0] + x * size[0], corner[1] + y * size[1]))


def screenshot(page: Page) -> Grey:
    """The page as grey pixels."""
    return np.asarray(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
