"""Who gets in, who does not, and what an attacker on the cable can do; in virtual time."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cable import Line
from tests.support.link import (
    DEVICE_KEY,
    HOST_KEY,
    PINNED,
    Hosts,
    Screen,
    VirtualLine,
    ask,
    connect,
    connected,
    key,
    make_device,
    make_host,
)

from barbotage_device.errors import BarbotageError
from barbotage_device.link.device_end import DeviceEnd
from barbotage_device.link.errors import CallError, Code, MalformedError
from barbotage_device.link.framing import Deframer, FrameType, associated_data, encode_frame
from barbotage_device.link.host_end import HostEnd, State
from barbotage_device.link.messages import DeviceHello, HostHello, Request, Response, parse_hello, parse_response
from barbotage_device.link.methods import Caller, Method, Methods
from barbotage_device.link.noise import Handshake, public_key
from barbotage_device.link.pairing import CODE_VALID_S, REST_S, TRIES, HostPairing, PairingDesk
from barbotage_device.link.peer import SILENCE_S
from barbotage_device.link.roles import Role


def counting() -> tuple[Methods, list[object]]:
    """A method that must not be carried out twice."""
    calls: list[object] = []

    def count(_values: object, caller: Caller) -> dict[str, object]:
        calls.append(caller.role)
        return {"calls": len(calls)}

    def fail(_values: object, _caller: Caller) -> dict[str, object]:
        raise OSError(28, "No space left on device")

    def damaged(_values: object, _caller: object) -> dict[str, object]:
        raise BarbotageError("session.json: unreadable")

    return Methods(
        {
            "damaged": Method(Role.VIEWER, damaged),
            "count": Method(Role.OPERATOR, count),
            "service": Method(Role.SERVICE, count),
            "fail": Method(Role.VIEWER, fail),
            "long": Method(Role.VIEWER, lambda *_: {"a": "x" * 9000}),
        }
    ), calls


def test_a_known_host_is_let_in_and_everything_is_sealed() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    assert host.state is State.UP
    assert host.role == "service"
    assert device.caller is not None
    assert device.caller.name == "test host"
    answer = ask(wire, host, "dev.info")
    assert answer.result["serial"] == "SERIAL1"
    assert host.stream.secured
    assert device.stream.secured


def test_an_unknown_host_is_refused_and_told_why() -> None:
    host, device = make_host(), make_device(role=None)
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    host.shake_hands(PINNED, wire.now_s)
    wire.run(lambda: host.state is not State.SHAKING)
    assert host.state is State.REFUSED
    assert "barbotage pair" in host.refusal
    assert device.caller is None


def test_an_unpaired_host_may_ask_who_the_device_is_and_nothing_else() -> None:
    methods, calls = counting()
    host, device = make_host(), make_device(role=None, methods=methods)
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    assert ask(wire, host, "dev.info").code == 0
    for method in ("count", "service", "link.ping", "link.stats"):
        assert ask(wire, host, method).code == Code.NOT_PAIRED
    assert calls == []


def test_another_device_under_a_known_name_is_refused_before_it_learns_who_asks() -> None:
    host, device = make_host(), make_device()
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    host.shake_hands(public_key(key(99)), wire.now_s)
    wire.run(lambda: host.state is not State.SHAKING)
    assert host.state is State.REFUSED
    assert "another device" in host.refusal
    wire.idle(1.0)
    assert device.caller is None
    assert device._shaking is not None
    assert device._shaking.handshake.remote_static is None


@pytest.mark.parametrize(
    ("role", "method", "code"),
    [
        (Role.VIEWER, "count", Code.FORBIDDEN),
        (Role.OPERATOR, "count", 0),
        (Role.OPERATOR, "service", Code.FORBIDDEN),
        (Role.SERVICE, "service", 0),
        (Role.SERVICE, "nonsense", Code.UNKNOWN_METHOD),
        (Role.SERVICE, "fail", Code.NO_SPACE),
        (Role.SERVICE, "damaged", Code.INPUT_OUTPUT),
        (Role.SERVICE, "long", Code.BAD_REQUEST),
        (Role.SERVICE, "pair.start", Code.BAD_REQUEST),
    ],
)
def test_a_role_may_do_what_it_may(role: Role, method: str, code: int) -> None:
    host, device = make_host(), make_device(role=role, methods=counting()[0])
    wire = connected(host, device)
    assert ask(wire, host, method).code == code


@pytest.mark.parametrize("ber", [0.0, 1e-4, 1e-3])
def test_requests_are_carried_out_once_whatever_the_line_does(ber: float) -> None:
    methods, calls = counting()
    host, device = make_host(115_200), make_device(115_200, methods=methods)
    wire = connected(host, device, Line(baud=115_200, ber=ber))
    numbers = [ask(wire, host, "count").result["calls"] for _ in range(40)]
    assert numbers == list(range(1, 41))
    assert len(calls) == 40


def test_a_connection_comes_up_over_a_very_noisy_line() -> None:
    host, device = make_host(115_200), make_device(115_200)
    wire = connected(host, device, Line(baud=115_200, ber=5e-4, burst=1e-3, burst_len=40))
    assert ask(wire, host, "link.ping", t=5).result == {"t": 5}


class Tap:
    """Hears the host's bytes on their way to the device."""

    def __init__(self, device: DeviceEnd) -> None:
        self.heard: list[bytes] = []
        self._receive = device.receive
        device.receive = self.receive  # type: ignore[method-assign]

    def receive(self, data: bytes, now_s: float) -> None:
        self.heard.append(data)
        self._receive(data, now_s)


def test_what_was_heard_on_the_cable_can_not_be_played_again() -> None:
    methods, calls = counting()
    host, device = make_host(), make_device(methods=methods)
    wire = connected(host, device)
    tap = Tap(device)
    ask(wire, host, "count")
    for piece in list(tap.heard):
        device.receive(piece, wire.now_s)
    assert len(calls) == 1
    assert device.counts()["refused"] >= 1

    everything = b"".join(tap.heard)
    other = make_device(methods=counting()[0])
    other.receive(everything, 0.0)
    assert other.caller is None


def test_a_recorded_connection_does_not_work_a_second_time() -> None:
    methods, calls = counting()
    host, device = make_host(), make_device(methods=methods)
    tap = Tap(device)
    wire = connected(host, device)
    ask(wire, host, "count")
    recorded = list(tap.heard)
    device.disconnect()
    for piece in recorded:
        device.receive(piece, wire.now_s)
        device.output(wire.now_s)
    assert device.caller is None
    assert len(calls) == 1


def test_plain_requests_do_not_use_a_sealed_connection() -> None:
    methods, calls = counting()
    host, device = make_host(), make_device(methods=methods)
    wire = connected(host, device)
    ask(wire, host, "count")
    device.output(wire.now_s)
    for identity in range(1, 5):  # also under the id of the request that was just answered
        payload = Request(identity, "count", {}).encode()
        device.receive(encode_frame(associated_data(FrameType.REQUEST, False, identity), payload), wire.now_s)
    frames = Deframer().feed(device.output(wire.now_s))
    assert [parse_response(frame.body).code for frame in frames if not frame.sealed] == [Code.NOT_PAIRED] * 4
    assert len(calls) == 1
    for kind, body in (
        (FrameType.GET, bytes.fromhex("01004400 4400".replace(" ", ""))),
        (FrameType.CANCEL, b"\1"),
        (FrameType.DATA, b"\1\0x"),
    ):
        device.receive(encode_frame(associated_data(kind, False, 9), body), wire.now_s)
    assert not device.sender.waiting


def test_plain_answers_and_telemetry_are_not_believed_by_a_connected_host() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    pending = host.request("link.ping", {"t": 1}, wire.now_s)
    forged = Response(pending.request.id, 0, {"t": 666}).encode()
    host.receive(encode_frame(associated_data(FrameType.RESPONSE, False, 1), forged), wire.now_s)
    host.receive(encode_frame(associated_data(FrameType.TELEMETRY, False, 2), bytes.fromhex("83616101f6")), wire.now_s)
    assert host.live.telemetry == []
    assert pending.response is None


def test_a_hello_alone_cannot_end_a_connection() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    hello = HostHello(b"n" * 16, "stranger").encode()
    device.receive(encode_frame(associated_data(FrameType.HELLO, False, 1), hello), wire.now_s)
    assert ask(wire, host, "link.ping", t=1).code == 0


def test_the_laboratory_setting_works_in_plain_and_says_so() -> None:
    methods, _ = counting()
    host, device = make_host(), make_device(role=None, secured=False, methods=methods)
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    assert host.device is not None
    assert not host.device.secured
    host.shake_hands(None, wire.now_s)
    assert host.state is State.UP
    assert ask(wire, host, "service").code == 0
    assert ask(wire, host, "dev.info").result["auth"] == "none"


def test_an_altered_hello_spoils_the_handshake() -> None:
    """A man in the middle who rewrites the device's HELLO (other software, other versions) gets no connection."""
    host, device = make_host(), make_device()
    receive = host.receive

    def altered(data: bytes, now_s: float) -> None:
        for frame in Deframer().feed(data):
            body = frame.body
            if frame.type is FrameType.HELLO:
                hello = parse_hello(body)
                assert isinstance(hello, DeviceHello)
                body = body.replace(b"emulated", b"EMULATED")
            receive(encode_frame(associated_data(frame.type, frame.sealed, frame.counter), body), now_s)

    host.receive = altered  # type: ignore[method-assign]
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    host.shake_hands(PINNED, wire.now_s)
    wire.idle(3.0)
    assert host.state is not State.UP
    assert device.caller is None


def test_a_device_that_restarts_makes_the_host_begin_again_at_once() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    reborn = make_device()
    wire.device = wire.to_host.source = wire.to_device.sink = reborn
    host.request("link.ping", {"t": 1}, wire.now_s)
    took_s = wire.run(lambda: host.state is not State.UP)
    assert took_s < 1.0
    assert host.restarts == 1
    connect(wire, host)
    assert ask(wire, host, "link.ping", t=2).code == 0


def test_a_host_program_that_restarts_gets_in_again() -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    again = make_host(seed=77)
    wire.host = wire.to_device.source = wire.to_host.sink = again
    connect(wire, again)
    assert ask(wire, again, "link.ping", t=2).code == 0


def test_the_line_is_kept_alive_and_a_silent_one_is_noticed_at_both_ends() -> None:
    host, device = make_host(921_600), make_device(921_600)
    wire = connected(host, device, Line(baud=921_600))

    def alive() -> tuple[bool, bool]:
        return not host.lost(wire.now_s), device.listening

    wire.idle(20.0)
    assert alive() == (True, True)
    wire.cut(True)
    wire.idle(SILENCE_S + 0.5)
    assert alive() == (False, False)
    wire.cut(False)
    wire.idle(2.5)
    assert alive() == (True, True)


def test_versions_that_do_not_meet_say_which_end_to_update() -> None:
    for versions, named in (((2, 3), "this computer"), ((0, 0), "the device")):
        host = make_host()
        hello = DeviceHello(b"n" * 16, b"b" * 8, "9", "m", "s", True, True, parse_hello(host._own_hello).nonce, versions)
        host.receive(encode_frame(associated_data(FrameType.HELLO, False, 0), hello.encode()), 1.0)
        assert host.state is State.REFUSED
        assert named in host.refusal


# -- pairing -------------------------------------------------------------------------------------------------------------------------------


def begin_pairing(code: str, host: HostEnd, wire: VirtualLine) -> Response | None:
    """Pairs with ``code``; the device's refusal of a step, None when the handshake was made."""
    wire.run(lambda: host.state is not State.GREETING)
    answer = ask(wire, host, "pair.start", name="laptop", role="operator")
    if answer.code:
        return Response(0, answer.code, text=answer.text)
    half = HostPairing(code)
    answer = ask(wire, host, "pair.step", spake=half.message)
    if answer.code:
        return Response(0, answer.code, text=answer.text)
    spake = answer.result["spake"]
    assert isinstance(spake, bytes)
    host.pair(half.finish(spake), wire.now_s)
    wire.run(lambda: host.state is not State.SHAKING)
    return None


@pytest.mark.parametrize("ber", [0.0, 2e-4])
def test_pairing_with_the_code_on_the_screen_pins_both_keys(ber: float) -> None:
    screen = Screen()
    host, device = make_host(115_200), make_device(115_200, role=None, screen=screen)
    wire = VirtualLine(host, device, Line(baud=115_200, ber=ber))
    assert begin_pairing("12345678", host, wire) is None
    assert host.state is State.UP
    assert host.peer_key == public_key(DEVICE_KEY)
    assert host.role == "operator"
    found = device.hosts.find(public_key(HOST_KEY))
    assert found is not None
    assert (found.name, found.role) == ("laptop", Role.OPERATOR)
    assert screen.hidden == [True]

    later = make_host(115_200, seed=8)
    wire.host = wire.to_device.source = wire.to_host.sink = later
    connect(wire, later)
    assert later.state is State.UP


def test_a_wrong_code_pairs_nobody_and_three_of_them_make_the_device_rest() -> None:
    screen = Screen()
    device = make_device(role=None, screen=screen)
    wire = VirtualLine(make_host(), device)
    for attempt in range(TRIES):
        host = make_host(seed=attempt)
        wire.host = wire.to_device.source = wire.to_host.sink = host
        assert begin_pairing("00000000", host, wire) is None
        assert host.state is State.REFUSED
        assert "code was wrong" in host.refusal
    assert len(device.hosts) == 0
    assert screen.hidden == [False]
    host = make_host(seed=50)
    wire.host = wire.to_device.source = wire.to_host.sink = host
    refused = begin_pairing("12345678", host, wire)
    assert refused is not None
    assert refused.code == Code.BUSY
    wire.idle(REST_S)
    host = make_host(seed=51)
    wire.host = wire.to_device.source = wire.to_host.sink = host
    wire.run(lambda: host.state is not State.GREETING)
    ask(wire, host, "pair.start", name="laptop", role="operator")
    assert begin_pairing(screen.code, host, wire) is None
    assert host.state is State.UP


class Clockless(PairingDesk):
    """A desk with one known code."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen, lambda: "11112222")


def test_a_code_is_void_after_its_time_and_rests_grow() -> None:
    screen = Screen()
    desk = Clockless(screen)
    assert desk.start("a", Role.VIEWER, 0.0)["valid_s"] == 60
    assert desk.start("a", Role.VIEWER, 20.0)["valid_s"] == 40
    assert screen.shown == 1
    with pytest.raises(CallError, match="no code"):
        desk.step(HostPairing("11112222").message, CODE_VALID_S)
    now_s = 100.0
    rests = []
    for _ in range(8):
        desk.start("a", Role.VIEWER, now_s)
        for _ in range(TRIES):
            desk.step(HostPairing("33334444").message, now_s)
        desk.failed(now_s)
        with pytest.raises(CallError, match="rests") as caught:
            desk.start("a", Role.VIEWER, now_s)
        rests.append(int(str(caught.value).split()[-2]))
        now_s += rests[-1]
    assert rests == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_changing_the_name_does_not_give_more_tries() -> None:
    desk = Clockless(Screen())
    for index in range(TRIES):
        desk.start(f"host {index}", Role.VIEWER, 1.0)
        desk.step(HostPairing("00000000").message, 1.0)
    desk.start("another", Role.VIEWER, 1.0)
    with pytest.raises(CallError, match="rests"):
        desk.step(HostPairing("11112222").message, 1.0)


def test_a_pairing_handshake_without_a_try_is_ignored() -> None:
    host, device = make_host(), make_device(role=None)
    wire = VirtualLine(host, device)
    wire.run(lambda: host.state is State.GREETED)
    host.pair(bytes(32), wire.now_s)
    wire.idle(1.0)
    assert host.state is State.SHAKING
    assert len(device.hosts) == 0


@pytest.mark.parametrize("message", [b"", b"B", b"A" + bytes(32), b"B" + bytes(32), b"A" + b"\xff" * 32, bytes(100)])
def test_senseless_pairing_messages_are_refused(message: bytes) -> None:
    desk = Clockless(Screen())
    desk.start("a", Role.VIEWER, 1.0)
    with pytest.raises(CallError):
        desk.step(message, 1.0)


def test_a_pairing_that_cannot_be_kept_is_not_made() -> None:
    class FullDisk(Hosts):
        def add(self, key: bytes, name: str, role: Role) -> None:  # noqa: ARG002
            raise OSError(28, "No space left on device")

    host, device = make_host(), make_device(role=None)
    device.hosts = FullDisk()
    wire = VirtualLine(host, device)
    begin_pairing("12345678", host, wire)
    assert host.state is State.REFUSED
    assert "No space left" in host.refusal


# -- any bytes -----------------------------------------------------------------------------------------------------------------------------

chunks = st.lists(
    st.binary(max_size=2000)
    | st.builds(
        lambda kind, sealed, counter, body: encode_frame(associated_data(kind, sealed, counter), body),
        st.sampled_from(list(FrameType)),
        st.booleans(),
        st.integers(0, 65535),
        st.binary(max_size=200),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(chunks, st.booleans(), st.booleans())
def test_no_bytes_make_either_end_fail_and_the_link_comes_up_after_them(
    pieces: list[bytes], at_host: bool, secured: bool
) -> None:
    host, device = make_host(), make_device(secured=secured)
    wire = VirtualLine(host, device)
    for piece in pieces:
        (host if at_host else device).receive(piece, wire.now_s)
        device.output(wire.now_s)
        host.output(wire.now_s)
    host.greet()
    wire.run(lambda: host.state is not State.GREETING)
    host.shake_hands(PINNED if secured else None, wire.now_s)
    wire.run(lambda: host.state is not State.SHAKING)
    assert host.state is State.UP
    assert ask(wire, host, "link.ping", t=1).code == 0


@settings(max_examples=25, deadline=None)
@given(chunks, st.booleans())
def test_no_bytes_end_a_connection(pieces: list[bytes], at_host: bool) -> None:
    host, device = make_host(), make_device()
    wire = connected(host, device)
    for piece in pieces:
        if not (at_host and any(frame.type is FrameType.HELLO for frame in Deframer().feed(piece))):
            (host if at_host else device).receive(piece + b"\0", wire.now_s)
    assert ask(wire, host, "link.ping", t=1).code == 0


@given(st.binary(max_size=200), st.integers(0, 2), st.sampled_from([None, bytes(32)]))
def test_a_strangers_handshake_message_is_refused_cleanly(message: bytes, step: int, psk: bytes | None) -> None:
    """The first message is only a key and may be anything; the others cannot be guessed."""
    host, device = Handshake(True, key(1), b"", psk), Handshake(False, key(2), b"", psk)
    first = host.write()
    if step == 0:
        with contextlib.suppress(MalformedError):
            device.read(message)
        return
    device.read(first)
    second = device.write()
    if step == 2:
        host.read(second)
    with pytest.raises(MalformedError):
        (host if step == 1 else device).read(message)


def test_a_key_of_small_order_is_refused() -> None:
    host, device = Handshake(True, key(1), b""), Handshake(False, key(2), b"")
    device.read(host.write())
    with pytest.raises(MalformedError, match="worthless"):
        host.read(bytes(32) + device.write()[32:])
