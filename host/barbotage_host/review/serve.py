"""Starts the review server on this machine alone, says its address, opens the browser, and ends at once when asked."""

import errno
import shutil
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from barbotage_device.bedside.texts import Language
from barbotage_device.errors import BarbotageError, NotFoundError
from barbotage_host.review.app import Review, make_app
from barbotage_host.review.library import Library
from barbotage_host.review.security import LOOPBACK, Launch

BACKLOG = 64
KEEP_ALIVE_S = 60
"""A reviewer looks at a frame for some time; the next seek then needs no new connection."""
GRACE_S = 1
"""Requests under way at Ctrl-C get this long."""
SWITCH_INTERVAL_S = 0.0005
"""Between Python's threads: with the usual 5 ms a frame asked for while curves are computed would wait several times 5 ms."""


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What to serve. ``port`` 0 takes a free one. ``language`` None leaves the choice to the browser."""

    root: Path
    port: int = 0
    language: Language | None = None


class ReviewServer:
    """A review server that is bound, and answers once it runs.

    Raises BarbotageError when the port is in use, NotFoundError when there is nothing at the path.
    """

    def __init__(self, request: ServeRequest) -> None:
        if not request.root.exists():
            raise NotFoundError(f"there is nothing at {request.root}; give a session or a folder that holds sessions")
        self._socket = _bound(request.port)
        self.launch = Launch.on(self._socket.getsockname()[1])
        self._scratch = Path(tempfile.mkdtemp(prefix="barbotage-review-"))
        self.review = Review(Library(request.root), self._scratch, request.language)
        config = uvicorn.Config(
            make_app(self.review, self.launch),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)

    @property
    def url(self) -> str:
        """The address to open, with the token: the list, or the session when there is only one to show."""
        only = self.review.library.only()
        return self.launch.url("/" if only is None else f"/session/{only}")

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until Ctrl-C, SIGTERM or ``stop``; ``ready`` is called once when requests are answered."""
        self._server.ready = ready
        try:
            with _ending_signals(), _responsive():
                self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:
            pass  # uvicorn has closed everything and raises the signal once more
        finally:
            self._close()

    def stop(self) -> None:
        """Asks ``run`` to end; from any thread."""
        self._server.should_exit = True

    def _close(self) -> None:
        self.review.close()
        self._socket.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


class _Server(uvicorn.Server):
    """uvicorn's server that tells when it answers."""

    ready: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready()


def open_browser(url: str) -> None:
    """Opens ``url`` in the person's browser, beside the server: some browsers return only when they end."""
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


@contextmanager
def _responsive() -> Iterator[None]:
    """Python switches between threads more often within."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _bound(port: int) -> socket.socket:
    # asyncio turns Nagle's delay (40 ms on small answers) off only for sockets that say that they are TCP.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise BarbotageError(f"port {port} is in use; give another with --port, or none to take a free one") from error
        raise BarbotageError(f"port {port} cannot be used ({error.strerror}); give another with --port") from error
    bound.listen(BACKLOG)
    return bound


@contextmanager
def _ending_signals() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> Any:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
