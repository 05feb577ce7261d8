# Starting, failing, safe mode, watchdog, contacts, sensors that come and go.
import asyncio
import sys
import time

import machine
import startup
from machine import Pin, Reset, world
from pod.config import Config
from pod.drivers.abp2 import ABP2
from pod.drivers.contact import Contact
from pod.drivers.lsm6dsox import LSM6DSOX
from pod.drivers.ring import Ring
from pod.supervisor import Supervisor


class _Module:
    def __init__(self, action):
        self.run = action


def _start(application, safe=None):
    # Runs startup with a stand-in for the application; what happened.
    kept = {name: sys.modules.get(name) for name in ("pod.app", "pod.safe")}
    import pod

    def fail(*_arguments):
        raise application

    def well(*_arguments):
        events.append("app")

    events = []
    pod.app = _Module(fail if application else well)
    pod.safe = _Module(lambda: events.append("safe"))
    sys.modules["pod.app"], sys.modules["pod.safe"] = pod.app, pod.safe
    real = startup._safe
    startup._safe = pod.safe.run
    try:
        startup.run()
    except Reset:
        events.append("reset")
    finally:
        startup._safe = real
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return events


def test_three_failed_starts_lead_to_safe_mode():
    world.memory.clear()
    failure = ValueError("broken")
    assert [_start(failure) for _ in range(4)] == [["reset"], ["reset"], ["reset"], ["safe"]]


def test_a_start_that_lasts_forgives_the_failures_before():
    world.memory.clear()
    _start(ValueError())
    _start(ValueError())
    _start(None)
    startup.succeeded()
    assert _start(ValueError()) == ["reset"]
    assert _start(None) == ["app"]


def test_loss_of_power_forgives_the_failures_before():
    world.memory.clear()
    for _ in range(3):
        _start(ValueError())
    world.memory.clear()
    assert _start(None) == ["app"]


def test_the_prompt_is_reached_once():
    world.memory.clear()
    try:
        startup.restart_into_repl()
    except Reset:
        pass
    assert _start(None) == []
    assert _start(None) == ["app"]


class _Watchdog:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


def test_the_watchdog_is_fed_only_when_every_task_has_reported():
    watchdog = _Watchdog()
    supervisor = Supervisor(watchdog)
    bits = [supervisor.register() for _ in range(5)]
    for missing in bits:
        for bit in bits:
            if bit != missing:
                supervisor.report(bit)
        assert not supervisor.check()
        supervisor.report(missing)
        assert supervisor.check()
    assert watchdog.fed == len(bits)


async def _edges(pin, moves, wait_ms=80):
    # moves: (value, how long it stays in ms). The edges that the contact reports: (pressed, time in ms since the start).
    settings = dict(Config().values, settle_ms=20)  # longer than a busy PC holds this up
    contact, found = Contact(pin, settings), []

    async def follow():
        while True:
            at_us = await contact.edge()
            found.append((contact.pressed, time.ticks_diff(at_us, start_us) // 1000))

    task = asyncio.create_task(follow())
    await asyncio.sleep_ms(0)
    start_us = time.ticks_us()
    for value, stays_ms in moves:
        pin.drive(value)
        await asyncio.sleep_ms(stays_ms)
    await asyncio.sleep_ms(wait_ms)
    task.cancel()
    return found


async def test_a_bouncing_contact_gives_one_edge_with_the_time_of_the_first():
    found = await _edges(Pin(30), [(0, 0), (1, 0), (0, 0), (1, 0), (0, 80), (1, 0), (0, 0), (1, 80)])
    assert [pressed for pressed, _ in found] == [True, False]
    assert found[0][1] <= 1


async def test_a_spike_shorter_than_the_settling_time_is_nothing():
    assert await _edges(Pin(31), [(0, 0), (1, 80)]) == []


def test_sensors_are_checked_before_they_are_believed():
    bus = machine.I2C(0)
    imu = LSM6DSOX(bus, 0x6A)
    world.pitch_deg = 0.0
    assert imu.read()[3:] == (0, 0, 16384)
    for absent in (lambda: LSM6DSOX(bus, 0x6B), lambda: ABP2(bus, 0x18)):
        try:
            absent()
        except OSError:
            continue
        raise AssertionError


class _Bus:
    # A bus whose chips answer without measuring.
    def __init__(self, answer):
        self.answer = answer

    def readfrom_mem(self, _address, _register, _size):
        return b"\x6c"

    def readfrom_mem_into(self, _address, _register, buffer):
        buffer[:] = bytes(len(buffer))

    def writeto_mem(self, _address, _register, _data):
        pass

    def writeto(self, _address, _data):
        pass

    def readfrom_into(self, _address, buffer):
        buffer[:] = self.answer


def _reads_until_refused(read):
    for number in range(100):
        try:
            read()
        except OSError:
            return number
    raise AssertionError("never refused")


def test_a_chip_that_answers_but_does_not_measure_is_not_believed_for_long():
    imu, sensor = LSM6DSOX(_Bus(b""), 0x6A), ABP2(_Bus(b"\x60\x00\x00\x00"), 0x28)
    assert 1 < _reads_until_refused(imu.read) < 25
    assert 1 < _reads_until_refused(lambda: sensor.read(0, 6895)) < 25


def test_pressure_is_in_hpa_over_the_whole_range():
    sensor = ABP2(machine.I2C(0), 0x28)
    for hpa in (0, 1, 500, 1013, 3000, 6895):
        world.hpa = hpa
        assert abs(sensor.read(0, 6895) - hpa) <= 1, hpa
    world.hpa = 1013


def test_the_ring_is_written_only_when_it_changes():
    ring = Ring(Pin(16), 12, 40)
    ring.set(3, 255, 0, 127)
    shows = world.shows
    ring.show()
    ring.show()
    assert world.shows == shows + 1
    assert world.strip[9:12] == bytes((0, 40, 19))
