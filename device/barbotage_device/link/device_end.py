"""The device's end: answers HELLO, handshakes and pairing, then serves; pushes telemetry, events and log lines. No I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from barbotage_device.link.bulk_receiver import LineRate
from barbotage_device.link.errors import Code, MalformedError
from barbotage_device.link.framing import FrameType
from barbotage_device.link.messages import (
    DeviceHello,
    Event,
    HostHello,
    LogLine,
    Response,
    Telemetry,
    parse_hello,
)
from barbotage_device.link.methods import Caller, Method, Methods
from barbotage_device.link.noise import Handshake
from barbotage_device.link.pairing import PairingDesk
from barbotage_device.link.peer import SILENCE_S, Peer
from barbotage_device.link.roles import PAIRABLE, Role
from barbotage_device.link.shaking import KIND_PAIRING, parse_noise, prologue, shake
from barbotage_device.link.stream import Incoming
from barbotage_device.link.values import Values

HELLO_EVERY_S = 1.0
"""A HELLO that nobody asked for goes out at most so often."""
MAX_NAME = 60
SUBSCRIPTION_SLACK = 0.9
"""Of the interval: a source at just the rate that was asked for must not lose every other value to jitter."""


class HostList(Protocol):
    """The hosts that this device knows."""

    def find(self, key: bytes) -> Caller | None:
        """Role and name of the host with this static key."""
        ...

    def add(self, key: bytes, name: str, role: Role) -> None:
        """Remembers a host. Raises OSError when that cannot be kept."""
        ...

    def __len__(self) -> int:
        """How many."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Who the device is. ``boot`` is new at each start of the program; ``secured`` False is the laboratory setting."""

    static: X25519PrivateKey
    model: str
    serial: str
    software: str
    boot: bytes
    secured: bool = True


@dataclass(slots=True)
class _Shaking:
    """A handshake under way, or done: messages are kept to answer repeated ones alike."""

    handshake: Handshake
    kind: int
    first: bytes
    second: bytes
    third: bytes = b""


class DeviceEnd(Peer):
    """Serves one host at a time. ``random_bytes`` makes nonces; ``on_connection`` is called when a host has been let in and when it is gone."""

    def __init__(
        self,
        identity: DeviceIdentity,
        hosts: HostList,
        desk: PairingDesk,
        methods: Methods,
        line: LineRate,
        random_bytes: Callable[[int], bytes],
        on_connection: Callable[[Caller | None], None] = lambda _: None,
    ) -> None:
        super().__init__(line, methods)
        self.identity = identity
        self.hosts = hosts
        self.desk = desk
        self._random = random_bytes
        self._on_connection = on_connection
        self.caller: Caller | None = None
        """The host that is connected."""
        self._hello: tuple[bytes, bytes] | None = None
        self._shaking: _Shaking | None = None
        self._hello_sent_s = float("-inf")
        self._quiet = False
        self._now_s = 0.0
        self._topics: dict[str, float] = {}
        self._interval_s = 0.0
        self.wants_events = False
        self.log_level: int | None = None
        """Lines of this level and above go to the host; None: none."""
        self._handlers[FrameType.HELLO] = self._on_hello
        self._handlers[FrameType.NOISE] = self._on_noise
        methods.add(
            {
                "dev.info": Method(Role.NOBODY, self._info),
                "pair.start": Method(Role.NOBODY, self._pair_start),
                "pair.step": Method(Role.NOBODY, self._pair_step),
                "link.ping": Method(Role.VIEWER, lambda values, _: _pong(values)),
                "link.stats": Method(Role.VIEWER, lambda _values, _caller: self.counts()),
            }
        )

    @property
    def listening(self) -> bool:
        """Whether a host is connected and was heard lately."""
        return self.caller is not None and not self._quiet

    def subscribe(self, topics: tuple[str, ...], max_hz: float) -> None:
        """From now on the host gets these topics, each at most so often; none of them ends it."""
        self._topics = dict.fromkeys(topics, float("-inf"))
        self._interval_s = SUBSCRIPTION_SLACK / max_hz

    def telemetry(self, message: Telemetry, now_s: float) -> None:
        """Sends the newest value of a topic; nothing happens while nobody listens or it was not asked for."""
        sent_s = self._topics.get(message.topic)
        if self.listening and sent_s is not None and now_s - sent_s >= self._interval_s:
            self._topics[message.topic] = now_s
            self.outbox.telemetry(message, now_s)

    def event(self, event: Event, now_s: float) -> None:
        """Sends an event until it is acknowledged; nothing happens while nobody listens or wants events."""
        if self.listening and self.wants_events:
            self.outbox.event(event, now_s)

    def log(self, line: LogLine) -> None:
        """Sends a line of the log; nothing happens while nobody listens or asked for lines of its level."""
        if self.listening and self.log_level is not None and line.level >= self.log_level:
            self.outbox.log(line.encode())

    def receive(self, data: bytes, now_s: float) -> None:
        """As in Peer; sealed frames that there are no keys for are answered with a HELLO, so that the host begins again."""
        self._now_s = now_s
        keyless = self.stream.counts.keyless
        super().receive(data, now_s)
        if self.stream.counts.keyless > keyless and now_s - self._hello_sent_s >= HELLO_EVERY_S:
            self._hello_sent_s = now_s
            self.outbox.control(FrameType.HELLO, self._own_hello(None).encode(), plain=True)

    def tick(self, now_s: float) -> None:
        """As in Peer; stops sending into a silent line."""
        self._now_s = now_s
        self.desk.tick(now_s)
        if self.caller is not None and self.caller.key and self.hosts.find(self.caller.key) is None:
            self.disconnect()  # revoked
        self._quiet = self.caller is not None and now_s - self.last_valid_s >= SILENCE_S
        if self._quiet:
            self.outbox.forget_live()
            self.sender.forget()
            return
        super().tick(now_s)

    def disconnect(self) -> None:
        """Ends the connection: the port is gone, or the host was revoked."""
        was = self.caller
        self.caller = None
        self._shaking = None
        self._hello = None
        self.stream.clear()
        self._new_connection()
        if was is not None:
            self._on_connection(None)

    def _next_s(self) -> float | None:
        return None

    def _accepts(self, frame: Incoming) -> bool:
        """Without keys, or in plain, a host may greet, shake hands and ask; the laboratory setting allows all."""
        return frame.sealed or not self.identity.secured or frame.type in (FrameType.HELLO, FrameType.NOISE, FrameType.REQUEST)

    def _caller(self, frame: Incoming) -> Caller:
        if self.caller is not None and (frame.sealed or not self.identity.secured):
            return self.caller
        return Caller(Role.NOBODY)

    def _own_hello(self, answers: bytes | None) -> DeviceHello:
        who = self.identity
        return DeviceHello(
            nonce=self._random(16),
            boot=who.boot,
            software=who.software,
            model=who.model,
            serial=who.serial,
            secured=who.secured,
            paired=len(self.hosts) > 0,
            answers=answers,
        )

    def _on_hello(self, frame: Incoming, now_s: float) -> None:
        hello = parse_hello(frame.payload)
        if not isinstance(hello, HostHello):
            return
        if self._hello is None or self._hello[0] != frame.payload:
            self._hello = (frame.payload, self._own_hello(hello.nonce).encode())
            self.answerers[False].clear()
            if not self.identity.secured:
                self._let_in(Caller(Role.SERVICE, name="laboratory setting"), now_s)
        self.outbox.control(FrameType.HELLO, self._hello[1], plain=True)

    def _on_noise(self, frame: Incoming, now_s: float) -> None:
        kind, step, message = parse_noise(frame.payload)
        shaking = self._shaking
        if step == 1:
            if shaking is None or (shaking.kind, shaking.first) != (kind, message):
                shaking = self._first_step(kind, message, now_s)
            self.outbox.control(FrameType.NOISE, shake(kind, 2, shaking.second), plain=True)
        elif step == 3 and shaking is not None and shaking.kind == kind:
            if not shaking.third:
                self._third_step(shaking, message, now_s)
            elif shaking.third == message:
                self._welcome()

    def _first_step(self, kind: int, message: bytes, now_s: float) -> _Shaking:
        if self._hello is None:
            raise MalformedError("a handshake before HELLO")
        psk = None
        if kind == KIND_PAIRING:
            psk = self.desk.take_psk(now_s)
            if psk is None:
                raise MalformedError("a pairing handshake without a try")
        handshake = Handshake(False, self.identity.static, prologue(*self._hello), psk)
        handshake.read(message)
        self._shaking = _Shaking(handshake, kind, message, handshake.write())
        return self._shaking

    def _third_step(self, shaking: _Shaking, message: bytes, now_s: float) -> None:
        self._shaking = None  # a handshake that fails is void
        try:
            shaking.handshake.read(message)
        except MalformedError:
            if shaking.kind == KIND_PAIRING:
                self.desk.failed(now_s)
                self._turn_away("the code was wrong")
            raise
        key = shaking.handshake.remote_static or b""
        if shaking.kind == KIND_PAIRING and not self._pair(key):
            return
        caller = self.hosts.find(key)
        if caller is None:
            self._turn_away("this device does not know this host; run 'barbotage pair'")
            return
        shaking.third = message
        self._shaking = shaking
        keys = shaking.handshake.split()
        self._let_in(caller, now_s)
        self.stream.secure(keys.device_to_host, keys.host_to_device)
        self._welcome()

    def _pair(self, key: bytes) -> bool:
        paired = self.desk.succeeded()
        if paired is None:
            self._turn_away("the code has run out; start pairing again")
            return False
        try:
            self.hosts.add(key, *paired)
        except OSError as error:
            self._turn_away(f"the device cannot keep the pairing: {error.strerror}")
            return False
        return True

    def _turn_away(self, text: str) -> None:
        self.outbox.control(FrameType.RESPONSE, Response(0, Code.NOT_PAIRED, text=text).encode(), plain=True)

    def _let_in(self, caller: Caller, now_s: float) -> None:
        self._new_connection()
        self._topics = {}
        self.wants_events = False
        self.log_level = None
        self.caller = caller
        self.last_valid_s = now_s
        self._on_connection(caller)

    def _welcome(self) -> None:
        caller = self.caller
        if caller is not None:
            self.outbox.control(FrameType.RESPONSE, Response(0, 0, {"role": caller.role.word, "name": caller.name}).encode())

    def _info(self, _values: Values, _caller: Caller) -> dict[str, object]:
        who = self.identity
        return {
            "model": who.model,
            "serial": who.serial,
            "software": who.software,
            "boot": who.boot,
            "auth": "required" if who.secured else "none",
            "paired": len(self.hosts) > 0,
        }

    def _pair_start(self, values: Values, _caller: Caller) -> dict[str, object]:
        role = PAIRABLE.get(values.text("role", Role.SERVICE.word))
        if role is None:
            raise values.wrong("role", f"one of {', '.join(PAIRABLE)}")
        name = values.text("name", longest=MAX_NAME)
        if not name.isprintable() or not name.strip():
            raise values.wrong("name", "one line of printable characters")  # it stands on screens and terminals
        return self.desk.start(name, role, self._now_s)

    def _pair_step(self, values: Values, _caller: Caller) -> dict[str, object]:
        return self.desk.step(values.octets("spake"), self._now_s)


def _pong(values: Values) -> dict[str, object]:
    """The ping's own values, back."""
    return values.known(("t", "pad"))
