"""A review server in this process, and a client that behaves like the page."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.sessions import Script, write_session

from barbotage_host.review.security import Launch
from barbotage_host.review.serve import ReviewServer, ServeRequest

SMALL = Script(frames=60, width_px=320, height_px=320, backgrounds=2, unsure=(20, 26))


@dataclass(frozen=True)
class Answer:
    """A response, read whole."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks as the page does: with the cookie of the launch, and with the Origin for anything but GET."""

    def __init__(self, launch: Launch, library_root: Path) -> None:
        self.launch = launch
        self.root = library_root

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] | None = None) -> Answer:
        """One request on a connection of its own; a header of None is left out."""
        usual: dict[str, str | None] = {"Cookie": f"{self.launch.cookie}={self.launch.token}"}
        if method not in ("GET", "HEAD"):
            usual["Origin"] = f"http://127.0.0.1:{self.launch.port}"
        sent = {name: value for name, value in {**usual, **(headers or {})}.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.launch.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in sent)
            content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            for name, value in {**sent, **({} if content is None else {"Content-Length": str(len(content))})}.items():
                connection.putheader(name, value)
            connection.endheaders(content)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def ended(self, job: str, patience_s: float = 60.0) -> Any:
        """The record of a job once it runs no more."""
        end_s = time.monotonic() + patience_s
        while True:
            record = self.get(f"/api/jobs/{job}").json
            if record["state"] != "running":
                return record
            assert time.monotonic() < end_s, f"job {job} still runs after {patience_s} s: {record}"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def small_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed session of 60 frames; not to be changed."""
    return write_session(tmp_path_factory.mktemp("sessions"), SMALL)


@pytest.fixture(scope="session")
def _servers() -> Iterator[Callable[[Path], Client]]:
    running: list[tuple[ReviewServer, threading.Thread]] = []

    def start(root: Path) -> Client:
        server = ReviewServer(ServeRequest(root))
        ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        running.append((server, thread))
        assert ready.wait(10), "the server did not start"
        return Client(server.launch, root)

    yield start
    for server, _ in running:
        server.stop()
    for _, thread in running:
        thread.join(10)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture(scope="session")
def serve(_servers: Callable[[Path], Client]) -> Callable[[Path], Client]:
    """Serves a folder until the tests end."""
    return _servers


@pytest.fixture(scope="session")
def client(small_session: Path, serve: Callable[[Path], Client]) -> Client:
    """Asks a server of ``small_session``; for tests that change nothing."""
    return serve(small_session.parent)


@pytest.fixture(scope="session")
def small_session_id(small_session: Path) -> str:
    """Its id."""
    return small_session.name
