"""Coverage-guided fuzzing of everything in the link that takes bytes from the line. Needs atheris (pip install atheris; not among our dependencies).

    python tests/fuzz/fuzz_link.py TARGET -runs=300000 -max_len=4096 [CORPUS]

TARGET: framing (any stream, cut anywhere), messages (every payload parser), device, host (whole ends: frames with good CRCs built from the input between
raw bytes), sealed (frames under the right keys, so that the code behind the tag is reached), handshake. Every target fails on an exception that is
not MalformedError, on unbounded memory, and (device, host, sealed) when the link does not come up, or does not answer, after the input.
"""

import sys

import atheris

with atheris.instrument_imports(include=["barbotage_device.link"]):
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
    from barbotage_device.link.noise import Handshake
    from barbotage_device.link.peer import Peer

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
    assert ask(wire, end, "link.ping", t=1).result == {"t": 1}


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


TARGETS = {each.__name__: each for each in (framing, messages, device, host, sealed, handshake)}


def main() -> None:
    """Fuzzes one target until it has done its runs."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: fuzz_link.py {'|'.join(TARGETS)} [libFuzzer options] [CORPUS]")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
