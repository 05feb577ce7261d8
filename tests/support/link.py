"""Both ends of the link in one process, joined by a line with a clock of its own: minutes of traffic in a moment, the same each time."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.support.cable import SEGMENT_S, Damage, Line

from barbotage_device.link.bulk_receiver import BulkReceiver, LineRate
from barbotage_device.link.device_end import DeviceEnd, DeviceIdentity
from barbotage_device.link.host_end import HostEnd, HostIdentity, State
from barbotage_device.link.intervals import Intervals
from barbotage_device.link.methods import Caller, Methods
from barbotage_device.link.noise import public_key
from barbotage_device.link.pairing import PairingDesk
from barbotage_device.link.peer import Peer, Transfer
from barbotage_device.link.roles import Role

USB_BYTES_PER_S = 40e6
"""Stands for "as fast as the machine goes" where time is not real."""


def key(seed: int) -> X25519PrivateKey:
    """A static key, the same for the same seed."""
    return X25519PrivateKey.from_private_bytes(random.Random(seed).randbytes(32))


class Hosts(dict[bytes, Caller]):
    """The hosts that a device knows, in memory."""

    def find(self, key: bytes) -> Caller | None:
        """As in HostList."""
        return self.get(key)

    def add(self, key: bytes, name: str, role: Role) -> None:
        """As in HostList."""
        self[key] = Caller(role, key, name)


@dataclass
class Screen:
    """A device's screen that remembers."""

    code: str = ""
    shown: int = 0
    hidden: list[bool] = field(default_factory=list)

    def show_code(self, code: str, name: str, role: Role, valid_s: float) -> None:  # noqa: ARG002
        """As in PairingScreen."""
        self.code, self.shown = code, self.shown + 1

    def hide_code(self, paired: bool) -> None:
        """As in PairingScreen."""
        self.hidden.append(paired)


class Memory:
    """Bytes to be fetched."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """As in ByteSource."""
        return self.data[offset : offset + length]


HOST_KEY, DEVICE_KEY = key(1), key(2)
PINNED = public_key(DEVICE_KEY)


def make_device(
    baud: int = 0,
    role: Role | None = Role.SERVICE,
    secured: bool = True,
    methods: Methods | None = None,
    screen: Screen | None = None,
) -> DeviceEnd:
    """A device that knows the host in ``role``, or does not know it (None)."""
    hosts = Hosts()
    if role is not None:
        hosts.add(public_key(HOST_KEY), "test host", role)
    identity = DeviceIdentity(DEVICE_KEY, "emulated", "SERIAL1", "0.1", b"bootboot", secured)
    desk = PairingDesk(screen or Screen(), itertools.cycle(["12345678", "87654321"]).__next__)
    return DeviceEnd(identity, hosts, desk, methods or Methods(), LineRate.of_baud(baud), random.Random(3).randbytes)


def make_host(baud: int = 0, seed: int = 4) -> HostEnd:
    """A host that has not greeted yet."""
    return HostEnd(HostIdentity(HOST_KEY, "0.1"), LineRate.of_baud(baud), random.Random(seed).randbytes)


class _Way:
    """One direction of a line."""

    def __init__(self, source: Peer, sink: Peer, line: Line, salt: int) -> None:
        self.source, self.sink, self.line = source, sink, line
        self.rate = line.baud / 10 if line.baud else USB_BYTES_PER_S
        self.damage = Damage(line, salt)
        self.free_s = 0.0
        self.cut = False
        self.sent_bytes = 0

    def room(self, now_s: float) -> bool:
        """Whether the driver takes more."""
        return (self.free_s - now_s) * self.rate < self.line.fifo

    def send(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """When which bytes arrive."""
        arrivals = []
        self.sent_bytes += len(data)
        step = max(64, int(SEGMENT_S * self.rate))
        at_s = max(now_s, self.free_s)
        for index in range(0, len(data), step):
            piece = data[index : index + step]
            at_s += len(piece) / self.rate
            arrived = self.damage.apply(piece)
            if arrived and not self.cut:
                arrivals.append((at_s + self.line.latency_ms / 1000, arrived))
        self.free_s = at_s
        return arrivals


class VirtualLine:
    """A line between two ends. ``now_s`` is its clock."""

    def __init__(self, host: Peer, device: Peer, line: Line | None = None) -> None:
        line = line or Line()
        self.now_s = 100.0
        self.host, self.device = host, device
        self.to_device, self.to_host = _Way(host, device, line, 1), _Way(device, host, line, 2)
        self._arrivals: list[tuple[float, int, _Way, bytes]] = []
        self._order = itertools.count()
        self.each_step: Callable[[float], None] = lambda _: None
        """Called at least once each virtual millisecond when ``fine`` is set."""
        self.fine = False

    def cut(self, is_cut: bool) -> None:
        """Bytes vanish while it is cut."""
        self.to_device.cut = self.to_host.cut = is_cut
        if is_cut:
            self._arrivals.clear()

    def run(self, until: Callable[[], bool], within_s: float = 60.0) -> float:
        """Runs until ``until``; the virtual seconds that it took. Fails when it takes longer than ``within_s``."""
        start_s = self.now_s
        while not until():
            assert self.now_s - start_s < within_s, f"not done within {within_s} virtual seconds"
            self._step(start_s + within_s)
        return self.now_s - start_s

    def idle(self, for_s: float) -> None:
        """Lets time pass."""
        ends_s = self.now_s + for_s
        while self.now_s < ends_s:
            self._step(ends_s)

    def _step(self, until_s: float) -> None:
        self.each_step(self.now_s)
        next_s = [until_s]
        for way in (self.to_device, self.to_host):
            if way.room(self.now_s):
                data = way.source.output(self.now_s)
                for arrive_s, piece in way.send(data, self.now_s):
                    heapq.heappush(self._arrivals, (arrive_s, next(self._order), way, piece))
                next_s.append(max(way.source.next_s(self.now_s), self.now_s + 1e-5))
            else:
                next_s.append(way.free_s - way.line.fifo / way.rate + 1e-5)
        if self._arrivals:
            next_s.append(self._arrivals[0][0])
        if self.fine:
            next_s.append(self.now_s + 0.001)
        self.now_s = max(self.now_s, min(next_s))
        while self._arrivals and self._arrivals[0][0] <= self.now_s:
            _, _, way, piece = heapq.heappop(self._arrivals)
            way.sink.receive(piece, self.now_s)


def connected(host: HostEnd, device: DeviceEnd, line: Line | None = None) -> VirtualLine:
    """A line whose ends have shaken hands."""
    wire = VirtualLine(host, device, line)
    connect(wire, host)
    return wire


def connect(wire: VirtualLine, host: HostEnd, pinned: bytes = PINNED) -> None:
    """Shakes hands, again and again when the line spoils it."""
    while host.state is not State.UP:
        wire.run(lambda: host.state is not State.GREETING)
        if host.state is State.GREETED:
            host.shake_hands(pinned, wire.now_s)
        wire.run(lambda: host.state is not State.SHAKING)
        assert host.state is not State.REFUSED, host.refusal


def ask(wire: VirtualLine, host: HostEnd, method: str, **params: object) -> "Answer":
    """The answer to a request."""
    pending = host.request(method, params, wire.now_s)
    wire.run(lambda: pending.response is not None)
    assert pending.response is not None
    return Answer(pending.response.code, pending.response.text, pending.response.result)


@dataclass
class Answer:
    """An answer's code, text and result."""

    code: int
    text: str
    result: dict[str, object]


def start_fetch(
    wire: VirtualLine, host: HostEnd, device: DeviceEnd, data: bytes, missing: Intervals | None = None
) -> tuple[Transfer, bytearray]:
    """Begins to fetch ``data`` as handle 1; the bytes appear in the array."""
    device.sender.offer(1, Memory(data))
    arrived = bytearray(len(data))

    def sink(offset: int, piece: bytes) -> None:
        arrived[offset : offset + len(piece)] = piece

    receiver = BulkReceiver(1, len(data), Intervals([(0, len(data))]) if missing is None else missing, host.line)
    return host.fetch(receiver, sink, wire.now_s), arrived
