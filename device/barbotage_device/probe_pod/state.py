"""What the device knows of the pod: messages in, state and events out. Pure: no I/O, no clock, no thread."""

from dataclasses import dataclass, replace

from barbotage_device.errors import RefusedError
from barbotage_device.probe_pod.clock import PodClock
from barbotage_device.probe_pod.protocol import (
    PROTOCOL,
    Action,
    Contact,
    Fault,
    FaultCode,
    Flags,
    Heartbeat,
    Hello,
    Input,
    Lavage,
    Phase,
    PodMessage,
    Pressure,
    ResetCause,
    Tilt,
    TiltFlags,
)

_SAMPLE_EVERY_NS = 10_000_000
_NO_FLAGS = Flags(0)
UPDATE_COMMAND = "barbotage-pod flash"


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """Who answers at the port. ``serial`` is empty before provisioning."""

    serial: str
    version: str
    firmware_hash: str
    reset_cause: int
    protocol: int


@dataclass(frozen=True, slots=True)
class Touched:
    """Pedal or button. ``at_ns`` is the edge on the device's monotonic clock, ``arrived_ns`` when the device learnt of it."""

    contact: Contact
    action: Action
    at_ns: int
    arrived_ns: int
    count: int


@dataclass(frozen=True, slots=True)
class ProbeMoved:
    """The probe has moved."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Tilted:
    """A sample of the probe's tilt from its zero. ``rate_dps`` is how fast it turns; ``moved`` whether the pod holds it to be moving."""

    at_ns: int
    pitch_deg: float
    roll_deg: float
    rate_dps: float
    moved: bool


@dataclass(frozen=True, slots=True)
class LavageChanged:
    """The lavage line is in another phase. ``cycles`` counts injections that were let out again; ``peak_hpa`` is of the phase before."""

    at_ns: int
    phase: Phase
    cycles: int
    peak_hpa: int


@dataclass(frozen=True, slots=True)
class PressureSeries:
    """Samples of the lavage line against its zero, 10 ms apart, the first at ``at_ns``."""

    at_ns: int
    pressure_hpa: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PodFault:
    """The pod says that something went wrong."""

    code: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class PodStarted:
    """The pod has said who it is: after its start, or because it was asked."""

    identity: PodIdentity


PodEvent = Touched | ProbeMoved | Tilted | LavageChanged | PressureSeries | PodFault | PodStarted


@dataclass(frozen=True, slots=True)
class PodState:
    """The pod as last heard. Values are None before their first message and where the pod's sensor does not work."""

    identity: PodIdentity | None = None
    flags: Flags = _NO_FLAGS
    heard_ns: int | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    rate_dps: float | None = None
    moved: bool = False
    pressure_hpa: int | None = None
    phase: Phase = Phase.REST
    cycles: int = 0
    uptime_ms: int = 0
    dropped: int = 0
    bad_commands: int = 0
    loop_max_ms: int = 0


class PodTracker:
    """Follows a pod over one connection."""

    def __init__(self) -> None:
        self.state = PodState()
        self._clock = PodClock()
        self._moves: int | None = None
        self._cycles_told = False

    def take(self, message: PodMessage, arrived_ns: int) -> list[PodEvent]:
        """The events in a message. Raises RefusedError when the pod speaks another protocol; the message names the command that helps."""
        self.state = replace(self.state, heard_ns=arrived_ns)
        match message:
            case Hello():
                return self._hello(message)
            case Heartbeat():
                self._heartbeat(message)
                return []
            case Input():
                return self._input(message, arrived_ns)
            case Tilt():
                return self._tilt(message, arrived_ns)
            case Pressure():
                return self._pressure(message, arrived_ns)
            case Lavage():
                return self._lavage(message, arrived_ns)
            case Fault():
                return [PodFault(message.code, text_of(message.text), message.line)]
            case _:
                return []

    def _hello(self, hello: Hello) -> list[PodEvent]:
        identity = identity_of(hello)
        check_protocol(identity)
        self.state = replace(self.state, identity=identity, flags=Flags(hello.flags))
        return [PodStarted(identity)]

    def _heartbeat(self, beat: Heartbeat) -> None:
        flags = Flags(beat.flags)
        if beat.uptime_ms < self.state.uptime_ms:
            self._clock = PodClock()
        self.state = replace(
            self.state,
            flags=flags,
            uptime_ms=beat.uptime_ms,
            dropped=beat.dropped,
            bad_commands=beat.bad_commands,
            loop_max_ms=beat.loop_max_ms,
        )
        if Flags.IMU_OK not in flags:
            self.state = replace(self.state, pitch_deg=None, roll_deg=None, rate_dps=None, moved=False)
        if Flags.PRESSURE_OK not in flags:
            self.state = replace(self.state, pressure_hpa=None)

    def _input(self, message: Input, arrived_ns: int) -> list[PodEvent]:
        try:
            contact, action = Contact(message.contact), Action(message.action)
        except ValueError:
            return []
        return [Touched(contact, action, self._clock.device_ns(message.time_us, arrived_ns), arrived_ns, message.count)]

    def _tilt(self, message: Tilt, arrived_ns: int) -> list[PodEvent]:
        at_ns = self._clock.device_ns(message.time_us, arrived_ns)
        moved = TiltFlags.MOVED in TiltFlags(message.flags)
        tilt = Tilted(at_ns, message.pitch_cdeg / 100, message.roll_cdeg / 100, message.rate_cdps / 100, moved)
        self.state = replace(self.state, pitch_deg=tilt.pitch_deg, roll_deg=tilt.roll_deg, rate_dps=tilt.rate_dps, moved=moved)
        before, self._moves = self._moves, message.moves
        return [tilt, ProbeMoved(at_ns)] if before is not None and before != message.moves else [tilt]

    def _pressure(self, message: Pressure, arrived_ns: int) -> list[PodEvent]:
        # The frame leaves when its last sample is taken.
        last_ns = (len(message.pressure_hpa) - 1) * _SAMPLE_EVERY_NS
        at_ns = self._clock.device_ns(message.time_us, arrived_ns - last_ns)
        self.state = replace(self.state, pressure_hpa=message.pressure_hpa[-1])
        return [PressureSeries(at_ns, message.pressure_hpa)]

    def _lavage(self, message: Lavage, arrived_ns: int) -> list[PodEvent]:
        try:
            phase = Phase(message.phase)
        except ValueError:
            return []
        changed = (phase, message.cycles) != (self.state.phase, self.state.cycles) or not self._cycles_told
        self._cycles_told = True
        self.state = replace(self.state, phase=phase, cycles=message.cycles)
        at_ns = self._clock.device_ns(message.time_us, arrived_ns)
        return [LavageChanged(at_ns, phase, message.cycles, message.peak_hpa)] if changed else []


def identity_of(hello: Hello) -> PodIdentity:
    """The pod's identity in readable form."""
    return PodIdentity(
        serial=text_of(hello.serial),
        version=f"{hello.major}.{hello.minor}.{hello.patch}",
        firmware_hash=hello.firmware_hash.hex(),
        reset_cause=hello.reset_cause,
        protocol=hello.protocol,
    )


def check_protocol(identity: PodIdentity) -> None:
    """Raises RefusedError when the pod speaks another protocol than this device."""
    if identity.protocol == PROTOCOL:
        return
    newer = "the pod's is newer: update this device" if identity.protocol > PROTOCOL else f"update the pod: {UPDATE_COMMAND}"
    raise RefusedError(
        f"pod {identity.serial or 'without serial number'} speaks protocol {identity.protocol}, this device {PROTOCOL}; {newer}"
    )


def text_of(padded: bytes) -> str:
    """ASCII padded with zero bytes as text; what is not ASCII becomes a question mark."""
    return padded.rstrip(b"\0").decode("ascii", errors="replace").replace("\ufffd", "?")


def cause_of(identity: PodIdentity) -> str:
    """Why the pod started, in words."""
    try:
        return ResetCause(identity.reset_cause).name.lower().replace("_", " ")
    except ValueError:
        return f"cause {identity.reset_cause}"


def fault_name(fault: PodFault) -> str:
    """What went wrong, in words."""
    try:
        name = FaultCode(fault.code).name.lower().replace("_", " ")
    except ValueError:
        name = f"fault {fault.code}"
    place = f" line {fault.line}" if fault.line else ""
    return f"{name}: {fault.text}{place}" if fault.text else name
