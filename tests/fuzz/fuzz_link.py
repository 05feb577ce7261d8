"""Coverage-guided fuzzing of everything in the link that takes bytes from the line. Needs atheris (pip install atheris; not among our dependencies).

    python -m tests.fuzz.fuzz_link TARGET -runs=300000 -max_len=4096 -len_control=0 [CORPUS]

TARGET: framing (any stream, cut anywhere), messages (every payload parser), device, host (whole ends: frames with good CRCs built from the input
between raw bytes), sealed (frames under the right keys, so that the code behind the tag is reached), requests (every method of a device with its
whole service, with any parameters), handshake. Every target fails on an exception that is not MalformedError, on unbounded memory, and (device,
host, sealed, requests) when the link does not come up, or does not answer, after the input.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["barbotage_device.link"]):  # pyright: ignore[reportAttributeAccessIssue]
    from barbotage_device.link import cbor
    from barbotage_device.link.device_end import DeviceEnd
    from barbotage_device.link.errors import MalformedError
    from barbotage_device.link.framing import (
        MAX_ENCODED_BYTES,
        MAX_PAYLOAD_BYTES,
        Deframer,
        FrameType,
        associated_data,
        encode_frame,
    )
    from barbotage_device.link.host_end import HostEnd, State
    from barbotage_device.link.messages import (
        parse_cancel,
        parse_data,
        parse_event,
        parse_get,
        parse_gone,
        parse_hello,
        parse_log,
        parse_request,
        parse_response,
        parse_telemetry,
        request_id,
    )
    from barbotage_device.link.methods import Methods
    from barbotage_device.link.noise import Handshake
    from barbotage_device.link.part_file import PartFile
    from barbotage_device.link.peer import Peer
    from barbotage_device.link.serving import Document, FileInfo, Served, Service, SessionInfo
    from barbotage_device.link.updating import UpdateService

from tests.support.link import PINNED, VirtualLine, ask, connected, key, make_device, make_host, start_fetch

PARSERS = (
    cbor.decode, parse_cancel, parse_data, parse_event, parse_get, parse_gone, parse_hello, parse_log, parse_request, parse_response, parse_telemetry, request_id,
)  # fmt: skip
TYPES = tuple(FrameType)
FRAMES_KEPT = 600
"""More than that waiting at an end would mean that a bound is missing (512 control frames, 256 events are allowed)."""


def framing(data: bytes) -> None:
    """Any stream, cut anywhere."""
    for mends in (False, True):
        deframer = Deframer(mends)
        step = 1 + data[0] if data else 1
        for at in range(0, len(data), step):
            deframer.feed(data[at : at + step])
            assert deframer.held_bytes <= MAX_ENCODED_BYTES
        deframer.feed(b"\0")
        assert len(deframer.feed(encode_frame(associated_data(FrameType.DATA, False, 1), b"x"))) == 1


def messages(data: bytes) -> None:
    """Every parser of payloads."""
    for parse in PARSERS:
        try:
            parse(data)
        except MalformedError:
            continue


def pieces(data: bytes) -> list[tuple[FrameType | None, bool, bytes]]:
    """The input as raw pieces and frames: a byte says which, two how long it is."""
    found: list[tuple[FrameType | None, bool, bytes]] = []
    at = 0
    while at + 2 < len(data) and len(found) < 64:
        choice, length = data[at], data[at + 1] | data[at + 2] << 8
        body = data[at + 3 : at + 3 + min(length, MAX_PAYLOAD_BYTES)]
        at += 3 + len(body)
        kind = choice & 0x0F
        found.append((TYPES[kind] if kind < len(TYPES) else None, bool(choice & 0x10), body))
    return found


def feed(end: Peer, data: bytes, now_s: float) -> float:
    """Gives the pieces to an end, and lets it write and time pass."""
    for index, (kind, sealed, body) in enumerate(pieces(data)):
        end.receive(body if kind is None else encode_frame(associated_data(kind, sealed, index), body), now_s)
        end.output(now_s)
        now_s += 0.01
    assert len(end.outbox._control) < FRAMES_KEPT
    return now_s


def comes_up(host: HostEnd, wire: VirtualLine, pinned: bytes | None) -> None:
    """Whether a connection can be made and used after all that."""
    host.greet()
    wire.run(lambda: host.state is not State.GREETING)
    host.shake_hands(pinned, wire.now_s)
    wire.run(lambda: host.state is not State.SHAKING)
    assert host.state is State.UP
    assert ask(wire, host, "link.ping", t=1).result == {"t": 1}


def device(data: bytes) -> None:
    """A device that anybody may write to."""
    secured = not data or data[0] < 128
    end, host = make_device(secured=secured), make_host()
    wire = VirtualLine(host, end)
    wire.now_s = feed(end, data[1:], wire.now_s) + 1.0
    comes_up(host, wire, PINNED if secured else None)


def host(data: bytes) -> None:
    """A host at a port that is something else."""
    end = make_host()
    wire = VirtualLine(end, make_device())
    wire.now_s = feed(end, data, wire.now_s) + 1.0
    comes_up(end, wire, PINNED)


def sealed(data: bytes) -> None:
    """A peer with the right keys that behaves badly, in the middle of a fetch."""
    at_host = bool(data and data[0] & 1)
    end, serving = make_host(), make_device()
    wire = connected(end, serving)
    start_fetch(wire, end, serving, bytes(50_000))
    victim: HostEnd | DeviceEnd = end if at_host else serving
    bad = serving if at_host else end
    for kind, _, body in pieces(data[1:]):
        if kind not in (None, FrameType.HELLO, FrameType.NOISE):
            victim.receive(bad.stream.pack(kind, body, False, wire.now_s), wire.now_s)
            wire.now_s += 0.001
    assert len(victim.outbox._control) < FRAMES_KEPT
    # As after 30 s: the input may have used the id of the next request, which would rightly get the kept answer.
    wire.idle(1.0)
    serving.answerers[True].clear()
    assert ask(wire, end, "link.ping", t=1).result == {"t": 1}


class Store:
    """Sessions in memory: one of each state."""

    def sessions(self) -> list[SessionInfo]:
        """As in SessionStore."""
        return [SessionInfo(f"S{n}", n, None, n, state, False, None) for n, state in enumerate(("closed", "being recorded"))]

    def files(self, session: str) -> list[FileInfo]:
        """As in SessionStore."""
        return [FileInfo(f"video-{n:04}.mcap", "video", n, "0" * 64) for n in range(40)] if session == "S0" else []

    def open(self, session: str, name: str) -> Document:  # noqa: ARG002
        """As in SessionStore."""
        return Document(bytes(100_000))

    def mark(self, session: str, marked: bool) -> None:
        """As in SessionStore."""

    def set_synced(self, session: str, utc_ns: int) -> None:
        """As in SessionStore."""

    def delete(self, session: str, manifest_sha256: str, force: bool) -> None:
        """As in SessionStore."""


class Around:
    """Everything else that a device's service stands on, in memory."""

    def values(self) -> Mapping[str, Any]:
        """As in Configuration."""
        return {"screen.language": "fr"}

    def revision(self) -> str:
        """As in Configuration."""
        return "1"

    def set(self, values: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """As in Configuration."""
        return False

    def utc_ns(self) -> int:
        """As in WallClock."""
        return 1

    def monotonic_ns(self) -> int:
        """As in WallClock."""
        return 1

    def set_utc_ns(self, utc_ns: int) -> None:
        """As in WallClock."""

    def all(self) -> list[dict[str, Any]]:
        """As in KnownHosts."""
        return []

    def remove(self, key: bytes) -> bool:  # noqa: ARG002
        """As in KnownHosts."""
        return False

    def replace(self, old: bytes, new: bytes) -> None:
        """As in KnownHosts."""


class Desk:
    """Takes updates into a folder that is emptied each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def receive(self, size_bytes: int, sha256: str) -> PartFile:
        """As in UpdateDesk."""
        for leftover in self._folder.iterdir():
            leftover.unlink()
        return PartFile(self._folder, "update", min(size_bytes, 1 << 20), sha256, lambda: 0.0)

    def received(self, part: PartFile) -> None:
        """As in UpdateDesk."""
        part.close()

    def failed(self, why: str) -> None:
        """As in UpdateDesk."""

    def status(self) -> dict[str, Any]:
        """As in UpdateDesk."""
        return {"state": "none"}

    def roll_back(self, kind: str) -> None:
        """As in UpdateDesk."""

    def discard(self) -> None:
        """As in UpdateDesk."""


METHODS = (
    "link.ping", "link.stats", "dev.info", "dev.status", "clock.get", "clock.set", "sess.list", "sess.files", "sess.mark", "sess.synced",
    "sess.delete", "file.open", "file.hash", "file.close", "conf.get", "conf.set", "telem.sub", "event.sub", "event.ack", "log.sub", "pair.start",
    "pair.step", "pair.list", "pair.revoke", "pair.rotate", "upd.begin", "upd.status", "upd.rollback", "upd.cancel", "no.such",
)  # fmt: skip
FIRST_ID = 40_000
"""Above those that the host at the end of a case uses: an answer is kept for who asks twice."""
NAMES = (
    "id",
    "area",
    "name",
    "handle",
    "offset",
    "length",
    "after",
    "limit",
    "topics",
    "max_hz",
    "bytes",
    "sha256",
    "values",
    "revision",
)


def requests(data: bytes) -> None:
    """A paired host with every right that asks anything of a device with its whole service."""
    end, served = make_host(), make_device(methods=Methods())
    around = Around()
    service = Service(
        served,
        Served(Store(), around, around, around, lambda: {"state": "idle"}, lambda: False, {"log.txt": lambda: b"x" * 5000}),
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        updates = UpdateService(served, Desk(Path(folder)), lambda: False, lambda: 0.0)
        wire = connected(end, served)
        for kind, plain, body in pieces(data):
            if kind in (None, FrameType.REQUEST) and body:
                payload = _request(body, plain)
                served.receive(end.stream.pack(FrameType.REQUEST, payload, False, wire.now_s), wire.now_s)
            elif kind not in (None, FrameType.HELLO, FrameType.NOISE):
                served.receive(end.stream.pack(kind, body, False, wire.now_s), wire.now_s)
            served.output(wire.now_s)
            wire.now_s += 0.001
        assert len(served.outbox._control) < FRAMES_KEPT
        assert ask(wire, end, "link.ping", t=1).result == {"t": 1}
        service.files.close_all()
        updates.interrupt()


def _request(body: bytes, plain: bool) -> bytes:
    """A request of one of the methods: its parameters are the bytes themselves (``plain``), or known names with values from them."""
    method, rest = METHODS[body[0] % len(METHODS)], body[1:]
    head = cbor.encode([FIRST_ID + body[0] // len(METHODS), method])
    if plain:
        return b"\x83" + head[1:] + rest
    try:
        given = cbor.decode(rest)
    except MalformedError:
        given = {NAMES[value % len(NAMES)]: index for index, value in enumerate(rest[:8])}
    if not isinstance(given, dict):
        given = dict.fromkeys(NAMES, given)
    return b"\x83" + head[1:] + cbor.encode(given)


def handshake(data: bytes) -> None:
    """Handshake messages of a stranger, at each step of each side."""
    for psk in (None, bytes(32)):
        initiator, responder = Handshake(True, key(1), b"", psk), Handshake(False, key(2), b"", psk)
        first = initiator.write()
        for end, good in ((responder, first), (initiator, None)):
            try:
                end.read(data if good is None else (good + data)[: len(data) + 16])
                if end is responder:
                    end.write(data[:100])
            except MalformedError:
                continue


TARGETS = {each.__name__: each for each in (framing, messages, device, host, sealed, requests, handshake)}


def main() -> None:
    """Fuzzes one target until it has done its runs."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: fuzz_link.py {'|'.join(TARGETS)} [libFuzzer options] [CORPUS]")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
