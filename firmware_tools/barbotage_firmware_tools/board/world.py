"""What surrounds the emulated pod (tilt, pressure, touch), and the sensors that see it, as chips on an I2C bus."""

import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

ATMOSPHERE_HPA = 1013.0
_ONE_G = 16384
"""LSM6DSOX at 2 g full scale, counts."""
_COUNTS_PER_DPS = 1 / 0.0175
"""LSM6DSOX at 500 degrees/s full scale (datasheet table 2)."""
_I16_MAX = 32767
_SENSOR_HPA = 6895.0
"""Full scale of the pressure sensor: 0 to 100 psi absolute."""
_CONVERSION_NS = 5_000_000
"""ABP2 datasheet: a measurement takes 5 ms."""
_NOISE_COUNTS = 4.0


@dataclass(slots=True)
class World:
    """What the pod can feel. Change it at any time. Pressure is against the atmosphere."""

    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    pressure_hpa: float = 0.0
    imu_present: bool = True
    pressure_present: bool = True


class I2cPart(Protocol):
    """A chip on the bus."""

    address: int

    def selected(self, reading: bool) -> bool:
        """The master addresses the chip; False is no acknowledgement."""
        ...

    def written(self, value: int) -> bool:
        """A byte from the master; False is no acknowledgement."""
        ...

    def read(self) -> int:
        """The next byte for the master."""
        ...


class Lsm6dsoxPart:
    """The IMU: registers of an LSM6DSOX, gyroscope from how the world's tilt changes between two samples."""

    address = 0x6A
    _WHO_AM_I = 0x0F
    _OUTPUT = 0x22

    def __init__(self, world: World, now_ns: Callable[[], float], seed: int = 7) -> None:
        self._world = world
        self._now_ns = now_ns
        self._noise = random.Random(seed)
        self._registers = bytearray(0x80)
        self._registers[self._WHO_AM_I] = 0x6C
        self._pointer: int | None = None
        self._last = (world.pitch_deg, world.roll_deg, 0.0)

    def selected(self, reading: bool) -> bool:
        """Acknowledges while it is there."""
        if not reading:
            self._pointer = None
        elif self._pointer == self._OUTPUT:
            self._sample()
        return self._world.imu_present

    def written(self, value: int) -> bool:
        """The register's number first, then values from there on."""
        if self._pointer is None:
            self._pointer = value & 0x7F
        else:
            self._registers[self._pointer] = value
            self._pointer = self._pointer + 1 & 0x7F
        return True

    def read(self) -> int:
        """The next register."""
        pointer = self._pointer or 0
        self._pointer = pointer + 1 & 0x7F
        return self._registers[pointer]

    def _sample(self) -> None:
        world, now_ns = self._world, self._now_ns()
        pitch_deg, roll_deg, last_ns = self._last
        elapsed_s = max((now_ns - last_ns) / 1e9, 1e-3)
        turning_dps = ((world.roll_deg - roll_deg) / elapsed_s, (world.pitch_deg - pitch_deg) / elapsed_s, 0.0)
        self._last = (world.pitch_deg, world.roll_deg, now_ns)
        pitch, roll = math.radians(world.pitch_deg), math.radians(world.roll_deg)
        gravity = (-math.sin(pitch), math.cos(pitch) * math.sin(roll), math.cos(pitch) * math.cos(roll))
        counts = [dps * _COUNTS_PER_DPS for dps in turning_dps] + [part * _ONE_G for part in gravity]
        noisy = [round(one + self._noise.gauss(0, _NOISE_COUNTS)) for one in counts]
        self._registers[self._OUTPUT : self._OUTPUT + 12] = struct.pack(
            "<6h", *(max(-_I16_MAX, min(_I16_MAX, one)) for one in noisy)
        )


class Abp2Part:
    """The pressure sensor: measures on command, busy for 5 ms, answers with status and 24 bits."""

    address = 0x28
    _POWERED, _BUSY = 0x40, 0x20

    def __init__(self, world: World, now_ns: Callable[[], float]) -> None:
        self._world = world
        self._now_ns = now_ns
        self._ready_ns = 0.0
        self._counts = 0
        self._command = bytearray()
        self._answer = b""

    def selected(self, reading: bool) -> bool:
        """Acknowledges while it is there; a read freezes the answer."""
        if reading:
            busy = self._now_ns() < self._ready_ns
            self._answer = struct.pack(">I", (self._POWERED | (self._BUSY if busy else 0)) << 24 | self._counts)
        else:
            self._command.clear()
        return self._world.pressure_present

    def written(self, value: int) -> bool:
        """Three bytes start a measurement."""
        self._command.append(value)
        if bytes(self._command) == b"\xaa\x00\x00":
            share = 0.1 + 0.8 * (ATMOSPHERE_HPA + self._world.pressure_hpa) / _SENSOR_HPA
            self._counts = max(0, min(0xFFFFFF, round(share * (1 << 24))))
            self._ready_ns = self._now_ns() + _CONVERSION_NS
        return True

    def read(self) -> int:
        """The next byte of the answer."""
        first, self._answer = self._answer[:1], self._answer[1:]
        return first[0] if first else 0xFF
