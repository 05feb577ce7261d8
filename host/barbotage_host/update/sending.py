"""Sending a bundle: the device fetches it from here; after a lost line it goes on where it stopped, until it is staged or refused."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.errors import RefusedError
from barbotage_device.link.errors import AnswerError, LinkLostError
from barbotage_device.link.values import Values
from barbotage_device.session.files import read_at
from barbotage_device.update.manifest import BundleManifest
from barbotage_host.devices.connecting import Connection

HANDLE = 1
"""The host offers one file at a time."""
LOOK_EVERY_S = 0.3
RETRY_EVERY_S = 0.5
RATE_SPAN_S = 1.0
UNDER_WAY = ("fetching", "verifying")


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is. ``rate_bytes_per_s`` is 0 until measured."""

    state: str
    fetched_bytes: int
    total_bytes: int
    rate_bytes_per_s: float


@dataclass(slots=True)
class Sent:
    """How it went."""

    bytes: int = 0
    resumed_bytes: int = 0
    interruptions: int = 0


class BundleFile:
    """A bundle's bytes for the link. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size_bytes = os.fstat(self._descriptor).st_size
        with path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def read_at(self, offset: int, length: int) -> bytes:
        """As in ByteSource."""
        return read_at(self._descriptor, length, offset)

    def close(self) -> None:
        """Gives it free."""
        os.close(self._descriptor)


class Sending:
    """One bundle on its way to a device. ``connect`` opens a connection; ``note`` gets a line for people, ``show`` each step."""

    def __init__(
        self, connect: Callable[[], Connection], note: Callable[[str], None], show: Callable[[Step], None], retry_for_s: float
    ) -> None:
        self._connect = connect
        self._note = note
        self._show = show
        self._retry_for_s = retry_for_s
        self._clock_s = time.monotonic
        self._moved_s = 0.0
        """When a byte came last: patience counts from there."""
        self._most_bytes = 0

    def run(self, path: Path, manifest: BundleManifest, first: Connection) -> Sent:
        """Sends the bundle until the device has staged it. Raises RefusedError with the device's reason, LinkLostError when it stays away."""
        sent = Sent()
        file = BundleFile(path)
        self._moved_s = self._clock_s()
        connection: Connection | None = first
        try:
            while True:
                try:
                    connection = connection or self._connect()
                    self._send(connection, file, manifest, sent)
                except LinkLostError as error:
                    if connection is not None:
                        sent.interruptions += 1
                        self._note(f"{error}; trying again for {self._retry_for_s:.0f} s")
                        connection.close()
                        connection = None
                    if self._clock_s() - self._moved_s >= self._retry_for_s:
                        raise
                    time.sleep(RETRY_EVERY_S)
                else:
                    return sent
        finally:
            file.close()
            if connection is not None:
                connection.close()

    def _send(self, connection: Connection, file: BundleFile, manifest: BundleManifest, sent: Sent) -> None:
        client = connection.client
        client.end.sender.offer(HANDLE, file)
        try:
            begun = client.call(
                "upd.begin", {"handle": HANDLE, "name": manifest.title, "bytes": file.size_bytes, "sha256": file.sha256}
            )
        except AnswerError as error:
            raise RefusedError(f"the device refuses the update: {error.text}") from error
        resumed_bytes = begun.whole("fetched_bytes")
        sent.resumed_bytes = max(sent.resumed_bytes, resumed_bytes)
        self._watch(connection, file, manifest, resumed_bytes)
        sent.bytes = file.size_bytes

    def _watch(self, connection: Connection, file: BundleFile, manifest: BundleManifest, resumed_bytes: int) -> None:
        since_s, since_bytes, rate = self._clock_s(), resumed_bytes, 0.0
        while True:
            status = connection.client.call("upd.status")
            state, now_s = status.text("state"), self._clock_s()
            if state not in UNDER_WAY:
                _check_staged(status, manifest)
                return
            fetched_bytes = status.whole("fetched_bytes") if state == "fetching" else file.size_bytes
            if fetched_bytes > self._most_bytes:
                self._most_bytes, self._moved_s = fetched_bytes, now_s
            if now_s - since_s >= RATE_SPAN_S:
                rate = max(0.0, (fetched_bytes - since_bytes) / (now_s - since_s))
                since_s, since_bytes = now_s, fetched_bytes
            self._show(Step(state, fetched_bytes, file.size_bytes, rate))
            connection.client.listen(LOOK_EVERY_S)


def _check_staged(status: Values, manifest: BundleManifest) -> None:
    state, why = status.text("state"), status.text("why", "")
    same = (status.text("kind"), status.text("name"), status.text("version")) == (manifest.kind, manifest.name, manifest.version)
    if state != "staged" or not same:
        raise RefusedError(f"the device refuses the update: {why or state}")
