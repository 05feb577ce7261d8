"""Real terminals between two processes: what the virtual line cannot show. The figures are the benchmark's; here nothing is timed but for stalls."""

import contextlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cable import Cable
from tests.support.link_device import SERIAL, DeviceProcess, introduce

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.client import LinkClient
from barbotage_device.link.errors import AnswerError, Code, LinkError, LinkLostError
from barbotage_device.link.host_end import HostEnd, HostIdentity
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.keys import KnownDevices, static_key
from barbotage_device.link.transport import TtyTransport
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Drops, EventsDigest, Header, Manifest, Segment, write_manifest

SIZE_BYTES = 600_000


class Bench:
    """A device that serves one session with one large file, and clients for it."""

    def __init__(self, folder: Path, size_bytes: int = SIZE_BYTES, **line: float | str) -> None:
        import hashlib

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


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(tmp_path, **getattr(request, "param", {}))
    try:
        yield made
    finally:
        made.close()


def everything(size_bytes: int = SIZE_BYTES) -> Intervals:
    return Intervals([(0, size_bytes)])


def test_methods_answer_over_a_real_terminal(bench: Bench) -> None:
    client = bench.client()
    assert client.call("dev.info").text("serial") == SERIAL
    assert client.call("dev.status").text("state") == "idle"
    before = client.call("conf.get")
    changed = client.call("conf.set", {"values": {"screen.language": "en"}, "revision": before.text("revision")})
    assert client.call("conf.get").map("values")["screen.language"] == "en"
    assert client.call("conf.get").text("revision") == changed.text("revision")
    with pytest.raises(AnswerError) as caught:
        client.call("conf.set", {"values": {}, "revision": before.text("revision")})
    assert caught.value.code == Code.REVISION_CONFLICT
    client.call("clock.set", {"utc_ns": 1_800_000_000_000_000_000})
    assert abs(client.call("clock.get").whole("utc_ns") - 1_800_000_000_000_000_000) < 10_000_000_000
    document = client.open_file({"area": "document", "name": "hello.txt"})
    text = bytearray(document.size_bytes)

    def sink(offset: int, piece: bytes) -> None:
        text[offset : offset + len(piece)] = piece

    for _ in client.fetch(document, everything(document.size_bytes), sink):
        pass
    assert text == b"hello"
    for params, code in (
        ({"area": "document", "name": "nothing"}, Code.NOT_FOUND),
        ({"area": "attic", "name": "x"}, Code.BAD_REQUEST),
        ({"area": "session", "id": bench.session, "name": "../../host/link-key"}, Code.NOT_FOUND),
        ({"area": "session", "id": "..", "name": "x"}, Code.NOT_FOUND),
    ):
        with pytest.raises(AnswerError) as caught:
            client.open_file(params)
        assert caught.value.code == code
    client.close()


def test_a_session_is_deleted_only_when_the_host_has_it(bench: Bench) -> None:
    import hashlib

    client = bench.client()
    path = bench.folder / "sessions" / bench.session
    digest = hashlib.sha256((path / "session.json").read_bytes()).hexdigest()
    for params, code in (
        ({"id": bench.session, "manifest_sha256": digest}, Code.FORBIDDEN),
        ({"id": bench.session, "manifest_sha256": "0" * 64, "force": True}, Code.REVISION_CONFLICT),
        ({"id": new_ulid(0), "manifest_sha256": digest}, Code.NOT_FOUND),
    ):
        with pytest.raises(AnswerError) as caught:
            client.call("sess.delete", params)
        assert caught.value.code == code
        assert path.is_dir()
    client.call("sess.mark", {"id": bench.session, "marked": True})
    client.call("sess.synced", {"id": bench.session, "utc_ns": 5})
    with pytest.raises(AnswerError, match="marked"):
        client.call("sess.delete", {"id": bench.session, "manifest_sha256": digest})
    client.call("sess.mark", {"id": bench.session, "marked": False})
    client.call("sess.delete", {"id": bench.session, "manifest_sha256": digest})
    assert not path.exists()
    client.close()


def test_a_revoked_host_is_out_at_once(bench: Bench) -> None:
    client = bench.client()
    (host,) = client.call("pair.list").maps("hosts")
    with contextlib.suppress(LinkLostError):  # the answer may or may not come before the end
        client.call("pair.revoke", {"key": bytes.fromhex(host.text("key"))}, within_s=3.0)
    with pytest.raises(LinkLostError):
        client.call("dev.status", within_s=3.0)
    client.close()
    with pytest.raises(LinkError, match="does not know this host"):
        bench.client()


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"baud": 921_600}], indirect=True)
def test_a_silent_cut_of_two_seconds_is_survived(bench: Bench) -> None:
    client = bench.client()
    missing = everything()
    cut_s = 0.0
    for left in bench.fetch(client, missing):
        if left < SIZE_BYTES // 2 and not cut_s:
            bench.cable.cut("silent")
            time.sleep(2.0)
            bench.cable.restore()
            cut_s = time.monotonic()
    assert bench.arrived == bench.data
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"baud": 921_600}], indirect=True)
def test_after_a_hang_up_and_a_restart_of_both_only_the_rest_is_sent(bench: Bench) -> None:
    client = bench.client()
    missing = everything()
    fetching = bench.fetch(client, missing)
    while next(fetching) > SIZE_BYTES // 2:
        pass
    bench.cable.cut("hangup")
    with pytest.raises(LinkLostError):
        list(fetching)
    client.close()
    bench.device.kill()
    bench.cable.restore()
    bench.device.start()
    client = bench.client()
    for _ in bench.fetch(client, missing):
        pass
    assert bench.arrived == bench.data
    assert bench.received_bytes == SIZE_BYTES
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("bench", [{"baud": 921_600, "overrun": "drop"}], indirect=True)
def test_a_reader_that_stops_on_a_line_without_flow_control_gets_everything_in_the_end(bench: Bench) -> None:
    client = bench.client()
    missing = everything()
    for left in bench.fetch(client, missing):
        if left > SIZE_BYTES // 3:
            time.sleep(0.2)
    assert bench.arrived == bench.data
    client.close()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["device", "host"])
def test_ten_megabytes_of_noise_do_not_keep_the_link_from_coming_up(bench: Bench, end: str) -> None:
    noise = random.Random(9).randbytes(10_000_000)
    if end == "device":
        transport = TtyTransport(bench.cable.a)
        left = memoryview(noise)
        while left:
            left = left[transport.write(left[:65536]) :]
            transport.wait(0.05, want_write=True)
            transport.read()
        transport.close()
    else:
        host = HostEnd(HostIdentity(static_key(bench.folder / "host"), "test"), LineRate(), os.urandom)
        for index in range(0, len(noise), 4096):
            host.receive(noise[index : index + 4096], 1.0 + index * 1e-6)
        assert host.stream.deframer.held_bytes < 9000
    client = bench.client()
    assert client.call("link.ping", {"t": 1}).whole("t") == 1
    client.close()


def test_a_port_that_is_not_there_and_one_that_is_no_terminal_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(LinkLostError, match="no port"):
        TtyTransport(str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(LinkError, match="not a serial port"):
        TtyTransport(str(tmp_path / "file"))
