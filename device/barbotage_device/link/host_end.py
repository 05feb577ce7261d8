"""The host's end: greets, shakes hands or pairs, then asks. No I/O, no clock."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.errors import MalformedError
from barbotage_device.link.framing import FrameType
from barbotage_device.link.messages import (
    NONCE_BYTES,
    PROTOCOL_VERSIONS,
    DeviceHello,
    Event,
    HostHello,
    LogLine,
    Telemetry,
    parse_event,
    parse_hello,
    parse_log,
    parse_response,
    parse_telemetry,
)
from barbotage_device.link.methods import Caller, Methods
from barbotage_device.link.noise import Handshake
from barbotage_device.link.peer import SILENCE_S, Peer
from barbotage_device.link.roles import Role
from barbotage_device.link.shaking import KIND_PAIRING, KIND_SESSION, parse_noise, prologue, shake
from barbotage_device.link.stream import Incoming

T = TypeVar("T")
REPEAT_S = 0.5
SHAKE_FOR_S = 4.0
"""A handshake that is not done by then begins again with a new HELLO."""
PING_EVERY_S = 1.0


class State(Enum):
    """Where the connection stands."""

    GREETING = "no answer yet"
    GREETED = "the device has answered"
    SHAKING = "shaking hands"
    UP = "connected"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """Who the host is."""

    static: X25519PrivateKey
    software: str


@dataclass(slots=True)
class _Shaking:
    handshake: Handshake
    kind: int
    sending: bytes
    """The NOISE payload that is repeated until it is answered."""
    pinned: bytes | None
    due_s: float
    ends_s: float


@dataclass(slots=True)
class Live:
    """What the device pushed; whoever drives the end takes it out."""

    telemetry: list[Telemetry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    seen_events: OrderedDict[int, None] = field(default_factory=OrderedDict)
    """Sequences of events that have come: an event is repeated until its acknowledgement has arrived."""


MAX_LIVE = 4096
"""Pushed messages kept of each kind until they are taken; the oldest go."""


class HostEnd(Peer):
    """Greets at once; after GREETED call ``shake_hands`` (or ``pair``); UP when the device has let it in.

    ``random_bytes`` makes nonces. ``refusal`` says why after REFUSED. ``peer_key`` is the device's static key once UP.
    """

    def __init__(
        self, identity: HostIdentity, line: LineRate, random_bytes: Callable[[int], bytes], methods: Methods | None = None
    ) -> None:
        super().__init__(line, methods or Methods())
        self.identity = identity
        self._random = random_bytes
        self.state = State.GREETING
        self.device: DeviceHello | None = None
        self.peer_key: bytes = b""
        self.role = ""
        self.refusal = ""
        self.live = Live()
        self.on_telemetry: Callable[[Telemetry], None] = lambda message: _keep(self.live.telemetry, message)
        """What becomes of telemetry: kept in ``live`` unless this is replaced."""
        self.restarts = 0
        """How often the device said unasked that it has begun anew."""
        self._own_hello = b""
        self._device_hello = b""
        self._hello_due_s = float("-inf")
        self._shaking: _Shaking | None = None
        self._handlers |= {
            FrameType.HELLO: self._on_hello,
            FrameType.NOISE: self._on_noise,
            FrameType.TELEMETRY: self._on_telemetry,
            FrameType.EVENT: self._on_event,
            FrameType.LOG: self._on_log,
        }
        self.greet()

    def greet(self) -> None:
        """Begins anew: everything under way is void."""
        self._own_hello = HostHello(self._random(NONCE_BYTES), self.identity.software).encode()
        self._hello_due_s = float("-inf")
        self._shaking = None
        self.state = State.GREETING
        self.live.seen_events.clear()
        self.stream.clear()
        self._new_connection()

    def shake_hands(self, pinned: bytes | None, now_s: float) -> None:
        """Begins the handshake with a device that should have the static key ``pinned``; without a secured device there is none."""
        self._shake(KIND_SESSION, None, pinned, now_s)

    def pair(self, psk: bytes, now_s: float) -> None:
        """Begins the handshake of a pairing, with the key that the code gave."""
        self._shake(KIND_PAIRING, psk, None, now_s)

    def lost(self, now_s: float) -> bool:
        """Whether nothing has come for so long that the line counts as cut."""
        return now_s - self.last_valid_s >= SILENCE_S

    def tick(self, now_s: float) -> None:
        """As in Peer; repeats HELLO and NOISE, keeps the connection alive."""
        if self.state is State.GREETING:
            if now_s >= self._hello_due_s:
                self._hello_due_s = now_s + REPEAT_S
                self.outbox.control(FrameType.HELLO, self._own_hello, plain=True)
            return
        shaking = self._shaking
        if self.state is State.SHAKING and shaking is not None:
            if now_s >= shaking.ends_s:
                self.greet()
            elif now_s >= shaking.due_s:
                shaking.due_s = now_s + REPEAT_S
                self.outbox.control(FrameType.NOISE, shaking.sending, plain=True)
            return
        if self.state is State.UP and now_s - self.last_sent_s >= PING_EVERY_S:
            self.request("link.ping", {"t": int(now_s * 1e9)}, now_s)
        super().tick(now_s)

    def _next_s(self) -> float | None:
        if self.state is State.GREETING:
            return self._hello_due_s
        if self.state is State.SHAKING and self._shaking is not None:
            return min(self._shaking.due_s, self._shaking.ends_s)
        return self.last_sent_s + PING_EVERY_S if self.state is State.UP else None

    def _accepts(self, frame: Incoming) -> bool:
        """Once secured, plain frames say nothing but HELLO; before, telemetry and data of nobody in particular do not count."""
        if frame.sealed or (self.device is not None and not self.device.secured and self.state is State.UP):
            return True
        return frame.type in (FrameType.HELLO, FrameType.NOISE) or (
            frame.type is FrameType.RESPONSE and self.state is not State.UP
        )

    def _caller(self, frame: Incoming) -> Caller:  # noqa: ARG002
        """The device may fetch what the host offers it (updates), once connected."""
        return Caller(Role.SERVICE if self.state is State.UP else Role.NOBODY, self.peer_key, "device")

    def _shake(self, kind: int, psk: bytes | None, pinned: bytes | None, now_s: float) -> None:
        if self.device is None or not self._device_hello:
            raise MalformedError("a handshake before the device has answered")
        if not self.device.secured:
            self._up("service")
            return
        handshake = Handshake(True, self.identity.static, prologue(self._own_hello, self._device_hello), psk)
        first = shake(kind, 1, handshake.write())
        self._shaking = _Shaking(handshake, kind, first, pinned, now_s, now_s + SHAKE_FOR_S)
        self.state = State.SHAKING

    def _up(self, role: str) -> None:
        self.state = State.UP
        self.role = role
        self._shaking = None

    def _refuse(self, why: str) -> None:
        self.state = State.REFUSED
        self.refusal = why
        self._shaking = None

    def _on_hello(self, frame: Incoming, now_s: float) -> None:
        hello = parse_hello(frame.payload)
        if not isinstance(hello, DeviceHello):
            raise MalformedError("an echo of our own HELLO")
        if hello.answers is None:
            if self.state is State.UP:  # it has no keys for us: it has restarted
                self.restarts += 1
                self.greet()
            return
        if self.state is not State.GREETING or hello.answers not in self._own_hello:
            return
        self.device, self._device_hello = hello, frame.payload
        low, high = PROTOCOL_VERSIONS
        if hello.versions[0] > high or hello.versions[1] < low:
            older = "this computer's barbotage" if hello.versions[0] > high else "the device"
            self._refuse(
                f"the device speaks versions {hello.versions[0]} to {hello.versions[1]} of the link, this host {low} to {high}; update {older}"
            )
            return
        self.state = State.GREETED
        self.last_valid_s = now_s

    def _on_noise(self, frame: Incoming, now_s: float) -> None:
        kind, step, message = parse_noise(frame.payload)
        shaking = self._shaking
        if self.state is not State.SHAKING or shaking is None or step != 2 or kind != shaking.kind or shaking.handshake.step != 1:
            return
        try:
            shaking.handshake.read(message)
        except MalformedError:
            self.greet()  # a step 2 of another handshake, or a forged one: begin anew
            raise
        key = shaking.handshake.remote_static or b""
        if shaking.pinned is not None and key != shaking.pinned:
            serial = self.device.serial if self.device else "?"
            self._refuse(
                f"THE KEY OF DEVICE {serial} HAS CHANGED: it was reset, or another device pretends to be it; nothing was asked of it. "
                "Only if you know why: run 'barbotage pair' again, in front of its screen"
            )
            return
        shaking.sending = shake(kind, 3, shaking.handshake.write())
        shaking.due_s = now_s
        self.peer_key = key
        keys = shaking.handshake.split()
        self.stream.secure(keys.host_to_device, keys.device_to_host)

    def _on_response(self, frame: Incoming, now_s: float) -> None:
        if self.state is not State.SHAKING:
            super()._on_response(frame, now_s)
            return
        response = parse_response(frame.payload)
        if response.id != 0:
            return
        if frame.sealed and response.code == 0:
            self._up(str(response.result.get("role", "")))
        elif not frame.sealed and response.code:
            self.stream.clear()
            self._refuse(response.text)

    def _on_telemetry(self, frame: Incoming, now_s: float) -> None:
        self.outbox.pacer.live(now_s)
        self.on_telemetry(parse_telemetry(frame.payload))

    def _on_event(self, frame: Incoming, now_s: float) -> None:
        event = parse_event(frame.payload)
        if event.sequence not in self.live.seen_events:
            self.live.seen_events[event.sequence] = None
            _keep(self.live.events, event)
            if len(self.live.seen_events) > MAX_LIVE:
                self.live.seen_events.popitem(last=False)
        self.request("event.ack", {"sequence": event.sequence}, now_s)

    def _on_log(self, frame: Incoming, now_s: float) -> None:  # noqa: ARG002
        _keep(self.live.log, parse_log(frame.payload))


def _keep(messages: list[T], message: T) -> None:
    messages.append(message)
    del messages[:-MAX_LIVE]
