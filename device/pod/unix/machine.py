# The RP2040's machine module on a PC: what the pod's firmware uses of it, with simulated sensors on the bus.
# Used by MicroPython's unix port (MICROPYPATH=device/pod/unix:device/pod:.frozen).
import math
import struct

PWRON_RESET = 1
WDT_RESET = 3

_POWERED = 0x40
_HPA_SPAN = 6895


class World:
    # What the sensors see and what the pod did; tests and scripts set and read it.
    def __init__(self):
        self.pitch_deg = 0.0
        self.roll_deg = 0.0
        self.turning_cdps = (0, 0, 0)
        self.hpa = 1013.0
        self.imu_present = True
        self.pressure_present = True
        self.reset_cause = PWRON_RESET
        self.memory = {}
        self.fed = 0
        self.watchdog_ms = None
        self.strip = b""
        self.shows = 0
        self.pins = {}
        self.tone_hz = 0


world = World()


class Reset(SystemExit):
    pass


class _Memory:
    def __getitem__(self, address):
        word = world.memory.get(address, 0)
        return word - (1 << 32) if word >> 31 else word  # signed, as on the RP2040

    def __setitem__(self, address, value):
        world.memory[address] = value


mem32 = _Memory()


def reset():
    raise Reset()


def reset_cause():
    return world.reset_cause


def unique_id():
    return b"\x00" * 8


def bitstream(_pin, _encoding, _timing, data):
    world.strip = bytes(data)
    world.shows += 1


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __new__(cls, number, *_args):
        if number not in world.pins:
            world.pins[number] = super().__new__(cls)
            world.pins[number]._start(number)
        return world.pins[number]

    def __init__(self, number, *_args):
        pass

    def _start(self, number):
        self.number = number
        self._value = 1
        self._handler = None

    def init(self, *_args, value=None):
        if value is not None:
            self._value = value

    def irq(self, handler, _trigger):
        self._handler = handler

    def value(self):
        return self._value

    def drive(self, value):
        # From outside: an edge with its interrupt.
        if value != self._value:
            self._value = value
            if self._handler:
                self._handler(self)


class PWM:
    def __init__(self, pin):
        self._hz = 0

    def freq(self, hz):
        self._hz = hz

    def duty_u16(self, duty):
        world.tone_hz = self._hz if duty else 0

    def deinit(self):
        world.tone_hz = 0


class WDT:
    def __init__(self, timeout):
        world.watchdog_ms = timeout

    def feed(self):
        world.fed += 1


class I2C:
    def __init__(self, _number, sda=None, scl=None, freq=0):
        self._written = {}

    def readfrom_mem(self, address, register, size):
        buffer = bytearray(size)
        self.readfrom_mem_into(address, register, buffer)
        return bytes(buffer)

    def readfrom_mem_into(self, address, register, buffer):
        if address != 0x6A or not world.imu_present:
            raise OSError(5)
        data = b"\x6c" if register == 0x0F else _imu_sample()
        buffer[:] = data[: len(buffer)]

    def writeto_mem(self, address, register, data):
        if address != 0x6A or not world.imu_present:
            raise OSError(5)
        self._written[register] = bytes(data)

    def writeto(self, address, data):
        if address != 0x28 or not world.pressure_present:
            raise OSError(5)

    def readfrom_into(self, address, buffer):
        if address != 0x28 or not world.pressure_present:
            raise OSError(5)
        counts = int(0x1000000 * (0.1 + 0.8 * world.hpa / _HPA_SPAN))
        buffer[:] = struct.pack(">I", _POWERED << 24 | counts)


def _imu_sample():
    pitch, roll = math.radians(world.pitch_deg), math.radians(world.roll_deg)
    one_g = 16384
    x, y, z = -math.sin(pitch), math.cos(pitch) * math.sin(roll), math.cos(pitch) * math.cos(roll)
    turning = [int(cdps / 1.75) for cdps in world.turning_cdps]
    return struct.pack("<6h", *turning, int(x * one_g), int(y * one_g), int(z * one_g))
