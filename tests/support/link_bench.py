"""A device process that serves one session with one large file at one end of a cable, and clients for it at the other."""

import hashlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.cable import Cable
from tests.support.link_device import SERIAL, DeviceProcess, introduce

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import LinkError
from barbotage_device.link.host_end import HostEnd, HostIdentity
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.keys import KnownDevices, static_key
from barbotage_device.link.transport import TtyTransport
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Drops, EventsDigest, Header, Manifest, Segment, write_manifest

SIZE_BYTES = 600_000


class LinkBench:
    """A device that serves one session with one large file, and clients for it."""

    def __init__(self, folder: Path, size_bytes: int = SIZE_BYTES, **line: float | str) -> None:
        self.folder, self.baud = folder, int(line.get("baud", 0))
        self.session = new_ulid(1_790_000_000_000_000_000)
        self.data = random.Random(5).randbytes(size_bytes)
        path = folder / "sessions" / self.session
        path.mkdir(parents=True)
        (path / "video-0000.mcap").write_bytes(self.data)
        segment = Segment("video-0000.mcap", "video", size_bytes, hashlib.sha256(self.data).hexdigest(), None, None, 0)
        write_manifest(path, Manifest(Header(self.session), "closed", (segment,), EventsDigest(0, ""), Drops()))
        self.cable = Cable(**line)
        introduce(folder / "host", folder / "device", self.cable.a)
        self.device = DeviceProcess(self.cable.b, self.baud, folder / "sessions", folder / "device")
        self.arrived = bytearray(size_bytes)
        self.received_bytes = 0

    def client(self) -> LinkClient:
        """Connected."""
        end = HostEnd(HostIdentity(static_key(self.folder / "host"), "test"), LineRate.of_baud(self.baud), os.urandom)
        client = LinkClient(end, TtyTransport(self.cable.a), time.monotonic)
        try:
            client.connect(KnownDevices(self.folder / "host").pinned(SERIAL))
        except LinkError:
            client.close()
            raise
        return client

    def sink(self, offset: int, piece: bytes) -> None:
        self.received_bytes += len(piece)
        self.arrived[offset : offset + len(piece)] = piece

    def fetch(self, client: LinkClient, missing: Intervals) -> Iterator[int]:
        """The missing bytes, now and then."""
        file = client.open_file({"area": "session", "id": self.session, "name": "video-0000.mcap"})
        for progress in client.fetch(file, missing, self.sink):
            yield progress.missing_bytes

    def close(self) -> None:
        self.device.kill()
        self.cable.close()


def everything(size_bytes: int = SIZE_BYTES) -> Intervals:
    return Intervals([(0, size_bytes)])
