"""Ids and layouts of the probe pod's link. Generated from device/pod/protocol.json by ``barbotage-pod protocol --write``; do not edit."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from typing import ClassVar, Final

PROTOCOL: Final = 1
FRAME_BYTES: Final = 32
PAYLOAD_MAX_BYTES: Final = 23
FEEDBACK_EVERY_MS: Final = 100
SILENCE_MS: Final = 300
HEARTBEAT_EVERY_MS: Final = 200
TILT_EVERY_MS: Final = 20
PRESSURE_EVERY_MS: Final = 10
ENTER_REPL_MAGIC: Final = 0x4C504552
RESTART_MAGIC: Final = 0x54455352
HANG_MAGIC: Final = 0x474E4148


class ResetCause(IntEnum):
    """Why the pod started."""

    POWER_ON = 1
    WATCHDOG = 3


class Contact(IntEnum):
    """What the operator touched."""

    PEDAL = 0
    BUTTON_A = 1
    BUTTON_B = 2


class Action(IntEnum):
    """What was done with it. Press and release are the debounced edges; tap, double and hold follow from them."""

    PRESS = 0
    RELEASE = 1
    TAP = 2
    DOUBLE = 3
    HOLD = 4


class Phase(IntEnum):
    """The lavage line."""

    REST = 0
    INJECT = 1
    ASPIRATE = 2


class Aim(IntEnum):
    """What the ring shows."""

    OFF = 0
    LEFT = 1
    RIGHT = 2
    ON_TARGET = 3
    UNCERTAIN = 4


class Sound(IntEnum):
    """What the buzzer plays, once for each change."""

    SILENT = 0
    TICK = 1
    CONFIRM = 2
    ATTENTION = 3


class Result(IntEnum):
    """What became of a command."""

    DONE = 0
    UNKNOWN_ID = 1
    BAD_LENGTH = 2
    BAD_VALUE = 3
    REFUSED = 4
    FAILED = 5


class FaultCode(IntEnum):
    """What went wrong."""

    EXCEPTION = 1
    IMU = 2
    PRESSURE = 3
    CONFIG = 4
    SAFE_MODE = 5
    WATCHDOG = 6


class Calibration(IntEnum):
    """What is being zeroed."""

    IMU = 1
    PRESSURE = 2


class Flags(IntFlag):
    """State of the pod, in hello and heartbeat."""

    SAFE_MODE = 1
    IMU_OK = 2
    PRESSURE_OK = 4
    STALE = 8
    UNPROVISIONED = 16


class TiltFlags(IntFlag):
    """What the pod concludes from its tilt."""

    MOVED = 1


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the pod is: after its start and in answer to a greeting. Its first two bytes never change between protocols."""

    ID: ClassVar[int] = 1
    LAYOUT: ClassVar[Struct] = Struct("<HBBBBB6s10s")

    protocol: int
    """Version of this table."""
    major: int
    """Firmware version."""
    minor: int
    """Firmware version."""
    patch: int
    """Firmware version."""
    reset_cause: int
    """A ResetCause."""
    flags: int
    """Flags."""
    firmware_hash: bytes
    """First bytes of the SHA-256 over the firmware's sources."""
    serial: bytes
    """Serial number, ASCII, padded with zero bytes."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Hello":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Five times a second."""

    ID: ClassVar[int] = 2
    LAYOUT: ClassVar[Struct] = Struct("<IIHBH")

    uptime_ms: int
    """Since the start."""
    dropped: int
    """Telemetry frames dropped because the device did not read."""
    bad_commands: int
    """Frames received that were damaged or refused."""
    flags: int
    """Flags."""
    loop_max_ms: int
    """The longest wait for the scheduler since the heartbeat before."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Heartbeat":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Input:
    """Pedal or button, as it happens."""

    ID: ClassVar[int] = 3
    LAYOUT: ClassVar[Struct] = Struct("<IBBH")

    time_us: int
    """Of the edge, on the pod's clock, wraps."""
    contact: int
    """A Contact."""
    action: int
    """An Action."""
    count: int
    """Presses of it since the start."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Input":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Tilt:
    """Fifty times a second."""

    ID: ClassVar[int] = 4
    LAYOUT: ClassVar[Struct] = Struct("<IHhhHBB")

    time_us: int
    """Of the sample, on the pod's clock, wraps."""
    index: int
    """Of the sample, wraps."""
    pitch_cdeg: int
    """Tilt about the probe's long axis, from its zero."""
    roll_cdeg: int
    """Tilt across it, from its zero."""
    rate_cdps: int
    """How fast the probe turns, centi-degrees a second."""
    flags: int
    """TiltFlags."""
    moves: int
    """How often the probe has moved, wraps."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Tilt":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Pressure:
    """Five samples of the lavage line, a hundred samples a second."""

    ID: ClassVar[int] = 5
    LAYOUT: ClassVar[Struct] = Struct("<IH5h")

    time_us: int
    """Of the first sample, on the pod's clock, wraps."""
    index: int
    """Of the first sample, wraps."""
    pressure_hpa: tuple[int, ...]
    """Against the zero, 10 ms apart."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Pressure":
        """The message in a payload. Raises struct.error when its length is wrong."""
        values = cls.LAYOUT.unpack(payload)
        return cls(values[0], values[1], values[2:7])


@dataclass(frozen=True, slots=True)
class Lavage:
    """When the lavage line changes phase, and after a greeting."""

    ID: ClassVar[int] = 6
    LAYOUT: ClassVar[Struct] = Struct("<IBHh")

    time_us: int
    """Of the change, on the pod's clock, wraps."""
    phase: int
    """A Phase."""
    cycles: int
    """Injections that were let out again."""
    peak_hpa: int
    """Extreme pressure of the phase before."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Lavage":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to every command but feedback that was accepted."""

    ID: ClassVar[int] = 7
    LAYOUT: ClassVar[Struct] = Struct("<BBB")

    command: int
    """Id of the command."""
    sequence: int
    """Sequence of the command."""
    result: int
    """A Result."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Reply":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something went wrong: instead of a traceback."""

    ID: ClassVar[int] = 8
    LAYOUT: ClassVar[Struct] = Struct("<BH20s")

    code: int
    """A FaultCode."""
    line: int
    """Line of the source, 0 when unknown."""
    text: bytes
    """ASCII, padded with zero bytes."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Fault":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of the configuration, in answer to get_setting and set_setting."""

    ID: ClassVar[int] = 9
    LAYOUT: ClassVar[Struct] = Struct("<BiB")

    key: int
    """Of the setting."""
    value: int
    """As it is in force."""
    saved: int
    """1 when it is so in flash too."""

    @classmethod
    def unpack(cls, payload: bytes) -> "Setting":
        """The message in a payload. Raises struct.error when its length is wrong."""
        return cls(*cls.LAYOUT.unpack(payload))


@dataclass(frozen=True, slots=True)
class Greet:
    """Asks for hello. Never refused, whatever the protocol."""

    ID: ClassVar[int] = 64
    LAYOUT: ClassVar[Struct] = Struct("<H")

    protocol: int
    """Version of this table."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.protocol)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What ring and buzzer show. Ten times a second: the pod takes 300 ms of silence for a dead device."""

    ID: ClassVar[int] = 65
    LAYOUT: ClassVar[Struct] = Struct("<BBB")

    aim: int
    """An Aim."""
    level: int
    """How far off, 0 (close) to 255."""
    sound: int
    """A Sound."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.aim, self.level, self.sound)


@dataclass(frozen=True, slots=True)
class GetSetting:
    """Asks for a value of the configuration."""

    ID: ClassVar[int] = 66
    LAYOUT: ClassVar[Struct] = Struct("<B")

    key: int
    """Of the setting."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.key)


@dataclass(frozen=True, slots=True)
class SetSetting:
    """Puts a value in force, without writing it to flash."""

    ID: ClassVar[int] = 67
    LAYOUT: ClassVar[Struct] = Struct("<Bi")

    key: int
    """Of the setting."""
    value: int
    """Within its bounds."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.key, self.value)


@dataclass(frozen=True, slots=True)
class SetSerial:
    """Gives the pod its serial number, without writing it to flash."""

    ID: ClassVar[int] = 68
    LAYOUT: ClassVar[Struct] = Struct("<10s")

    serial: bytes
    """ASCII, padded with zero bytes."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.serial)


@dataclass(frozen=True, slots=True)
class Save:
    """Writes the configuration to flash."""

    ID: ClassVar[int] = 69
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack()


@dataclass(frozen=True, slots=True)
class Calibrate:
    """Zeroes a sensor while the probe lies still and the line is open; takes about a second."""

    ID: ClassVar[int] = 70
    LAYOUT: ClassVar[Struct] = Struct("<B")

    what: int
    """A Calibration."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.what)


@dataclass(frozen=True, slots=True)
class ResetCycles:
    """Counts lavage cycles from 0 again."""

    ID: ClassVar[int] = 71
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack()


@dataclass(frozen=True, slots=True)
class EnterRepl:
    """Restarts into MicroPython's prompt, for mpremote."""

    ID: ClassVar[int] = 72
    LAYOUT: ClassVar[Struct] = Struct("<I")

    magic: int
    """0x4C504552."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.magic)


@dataclass(frozen=True, slots=True)
class Restart:
    """Restarts."""

    ID: ClassVar[int] = 73
    LAYOUT: ClassVar[Struct] = Struct("<I")

    magic: int
    """0x54455352."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.magic)


@dataclass(frozen=True, slots=True)
class Hang:
    """Stops answering until the watchdog restarts the pod: a test of the watchdog."""

    ID: ClassVar[int] = 74
    LAYOUT: ClassVar[Struct] = Struct("<I")

    magic: int
    """0x474E4148."""

    def pack(self) -> bytes:
        """The payload."""
        return self.LAYOUT.pack(self.magic)


PodMessage = Hello | Heartbeat | Input | Tilt | Pressure | Lavage | Reply | Fault | Setting


Command = Greet | Feedback | GetSetting | SetSetting | SetSerial | Save | Calibrate | ResetCycles | EnterRepl | Restart | Hang

MESSAGES: Final[dict[int, type[PodMessage]]] = {
    1: Hello,
    2: Heartbeat,
    3: Input,
    4: Tilt,
    5: Pressure,
    6: Lavage,
    7: Reply,
    8: Fault,
    9: Setting,
}
"""Everything that the pod sends, by its id."""


@dataclass(frozen=True, slots=True)
class SettingBounds:
    """A value of the pod's configuration."""

    key: int
    default: int
    low: int
    high: int
    help: str


SETTINGS_VERSION: Final = 1
SETTINGS: Final[dict[str, SettingBounds]] = {
    "pressure_address": SettingBounds(1, 40, 8, 119, "I2C address of the pressure sensor: 40 for ABP2, 24 for MPR"),
    "pressure_low_hpa": SettingBounds(2, 0, -20000, 20000, "pressure at the lower end of the range"),
    "pressure_high_hpa": SettingBounds(3, 6895, -20000, 20000, "pressure at the upper end of the range; 6895 is 100 psi"),
    "pressure_zero_hpa": SettingBounds(4, 1013, -20000, 20000, "reading with the line open, from calibration"),
    "inject_hpa": SettingBounds(5, 150, 10, 5000, "above this the line is being injected"),
    "release_hpa": SettingBounds(6, 40, 0, 4000, "below this an injection has been let out"),
    "suction_hpa": SettingBounds(7, 50, 5, 1000, "this far below zero the line is being aspirated"),
    "phase_min_ms": SettingBounds(8, 150, 20, 2000, "a phase counts when it lasts this long"),
    "imu_address": SettingBounds(9, 106, 8, 119, "I2C address of the LSM6DSOX: 106 or 107"),
    "pitch_zero_cdeg": SettingBounds(10, 0, -18000, 18000, "pitch at rest, from calibration"),
    "roll_zero_cdeg": SettingBounds(11, 0, -18000, 18000, "roll at rest, from calibration"),
    "gyro_zero_x": SettingBounds(12, 0, -2000, 2000, "gyroscope counts at rest, from calibration"),
    "gyro_zero_y": SettingBounds(13, 0, -2000, 2000, "gyroscope counts at rest, from calibration"),
    "gyro_zero_z": SettingBounds(14, 0, -2000, 2000, "gyroscope counts at rest, from calibration"),
    "moved_cdeg": SettingBounds(15, 300, 50, 4500, "the probe has moved when its tilt changed by this much"),
    "moved_cdps": SettingBounds(16, 1500, 100, 30000, "or when it turns this fast"),
    "still_ms": SettingBounds(17, 500, 100, 5000, "and has come to rest after turning slowly for this long"),
    "ring_brightness": SettingBounds(18, 40, 1, 255, "brightest value of an LED"),
    "buzzer_on": SettingBounds(19, 1, 0, 1, "0 silences the buzzer"),
    "settle_ms": SettingBounds(20, 3, 1, 20, "an edge counts when the contact is still closed (or open) after this"),
    "double_ms": SettingBounds(21, 350, 100, 1000, "a second press within this makes a double"),
    "hold_ms": SettingBounds(22, 700, 300, 5000, "a press of this length is a hold"),
}
