"""The link inside the bedside program: its server, pairing codes for the screen, and what is told to a host while the loop runs.

The loop only leaves values in the server's mailbox; everything else happens in the link's own threads. A port that is not there, goes or
comes back costs one line on the console. The link lives until the program ends, also while copies of a session are made.
"""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from types import TracebackType

from barbotage_device.bedside.view import LinkSigns, PairingNotice
from barbotage_device.console import Console
from barbotage_device.link.pairing import PairingScreen
from barbotage_device.link.roles import Role
from barbotage_device.runtime.health import read_health
from barbotage_device.runtime.link_request import LinkRequest
from barbotage_device.runtime.linking import (
    HEALTH_EVERY_S,
    LABORATORY_WARNING,
    ConsoleScreen,
    is_recording_into,
    make_server,
)
from barbotage_device.runtime.logbook import Logbook
from barbotage_device.runtime.telemetry import About, Teller

LAST_WORDS_S = 0.5
"""How long the end waits for a host to acknowledge the last events; a round trip at 9600 baud takes a tenth."""
LAST_WORDS_STEP_S = 0.01
REST = 2.0
"""A transfer over USB would take a whole core, and with it the interpreter's lock from the live loop; so it takes a third."""


@dataclass(frozen=True, slots=True)
class _Offer:
    code: str
    name: str
    role: Role
    ends_s: float


class PairingBoard:
    """Keeps the code that the bedside screen shows; where there is no window it goes to ``elsewhere``. Written by the link's thread."""

    def __init__(self, elsewhere: PairingScreen, clock_s: Callable[[], float]) -> None:
        self._elsewhere = elsewhere
        self._clock_s = clock_s
        self._offer: _Offer | None = None
        self.has_window = False

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:
        """As in PairingScreen."""
        self._offer = _Offer(code, name, role, self._clock_s() + valid_s)
        if not self.has_window:
            self._elsewhere.show_code(code, name, role, valid_s)

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""
        self._offer = None
        if not self.has_window:
            self._elsewhere.hide_code(paired)

    def notice(self) -> PairingNotice | None:
        """What the screen shows now."""
        offer = self._offer
        left_s = 0.0 if offer is None else offer.ends_s - self._clock_s()
        return None if offer is None or left_s <= 0 else PairingNotice(offer.code, offer.name, offer.role.word, math.ceil(left_s))


class BedsideLink:
    """The link of one run; a context that ends it. Raises LinkError, before anything begins, when keys or pairings are damaged."""

    def __init__(self, request: LinkRequest, about: About, console: Console) -> None:
        self.request = request
        self.procedure = False
        """Whether this program records a session: hosts then may not pair, set the clock or change the configuration."""
        self._board = PairingBoard(ConsoleScreen(console), time.monotonic)
        self._server = make_server(
            request,
            self._board,
            lambda text: console.note(f"{request.port}: {text}"),
            lambda: self.procedure or is_recording_into(request.sessions),
            REST,
        )
        self._logbook = Logbook(request.state)
        self._logbook.follow(self._server.log)
        self._lines: SimpleQueue[tuple[int, str] | None] = SimpleQueue()
        self.teller = Teller(self._server, about, time.monotonic_ns, lambda level, text: self._lines.put((level, text)))
        self._aside = threading.Thread(target=self._work_aside, name="link-aside", daemon=True)
        if not request.secured:
            console.warning(LABORATORY_WARNING)

    def start(self, has_window: bool) -> None:
        """Begins to serve; pairing codes go to the window when there is one."""
        self._board.has_window = has_window
        self._server.start()
        self._aside.start()

    def signs(self) -> LinkSigns:
        """What the bedside screen says about the link now."""
        return LinkSigns(unsecured=not self.request.secured, pairing=self._board.notice())

    def close(self) -> None:
        """Ends the link, after a moment for the last events when a host listens; may be called before ``start``."""
        self._lines.put(None)
        ends_s = time.monotonic() + LAST_WORDS_S
        with suppress(KeyboardInterrupt):
            while self._server.events_waiting and time.monotonic() < ends_s:
                time.sleep(LAST_WORDS_STEP_S)
        self._server.stop()
        if self._aside.is_alive():
            self._aside.join(LAST_WORDS_S)  # its last lines; a disk that hangs does not keep the program

    def __enter__(self) -> "BedsideLink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _work_aside(self) -> None:
        """Tells the health and keeps the log, in a thread of its own: a disk that hangs must not hold up the loop."""
        due_s = time.monotonic() + HEALTH_EVERY_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, due_s - time.monotonic()))
            except Empty:
                due_s = time.monotonic() + HEALTH_EVERY_S
                self._tell_health()
                continue
            if line is None:
                return
            self._logbook.logger.log(line[0], "%s", line[1])

    def _tell_health(self) -> None:
        if self._server.listening:
            self._server.publish("health", time.monotonic_ns(), asdict(read_health(self.request.sessions)))
