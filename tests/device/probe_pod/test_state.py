"""What the device concludes from the pod's messages."""

import pytest

from barbotage_device.errors import RefusedError
from barbotage_device.probe_pod import protocol as p
from barbotage_device.probe_pod.clock import TICKS, PodClock
from barbotage_device.probe_pod.state import (
    LavageChanged,
    PodFault,
    PodStarted,
    PodTracker,
    PressureSeries,
    ProbeMoved,
    Tilted,
    Touched,
    fault_name,
)

MS = 1_000_000


def hello(protocol: int = p.PROTOCOL) -> p.Hello:
    return p.Hello(protocol, 0, 1, 2, p.ResetCause.WATCHDOG, p.Flags.IMU_OK, b"\x00\x01\x02\x03\x04\xff", b"BP-0001\0\0\0")


def tilt(moves: int, flags: int = 0, time_us: int = 0) -> p.Tilt:
    return p.Tilt(time_us, 0, -1234, 250, 1500, flags, moves)


def test_hello_is_who_the_pod_is() -> None:
    tracker = PodTracker()
    (event,) = tracker.take(hello(), 5 * MS)
    assert isinstance(event, PodStarted)
    assert tracker.state.identity == event.identity
    assert (event.identity.serial, event.identity.version, event.identity.firmware_hash) == ("BP-0001", "0.1.2", "0001020304ff")
    assert tracker.state.heard_ns == 5 * MS


@pytest.mark.parametrize(("protocol", "advice"), [(0, "barbotage-pod flash"), (2, "update this device")])
def test_another_protocol_is_refused_with_what_helps(protocol: int, advice: str) -> None:
    with pytest.raises(RefusedError, match=advice):
        PodTracker().take(hello(protocol), 0)


def test_tilt_is_in_degrees_and_a_move_is_told_once() -> None:
    tracker = PodTracker()
    assert tracker.take(tilt(moves=7), 0) == [Tilted(0, -12.34, 2.5, 15.0, False)]
    assert (tracker.state.pitch_deg, tracker.state.roll_deg, tracker.state.rate_dps) == (-12.34, 2.5, 15.0)
    events = tracker.take(tilt(moves=8, flags=p.TiltFlags.MOVED, time_us=20_000), 20 * MS)
    assert events == [Tilted(20 * MS, -12.34, 2.5, 15.0, True), ProbeMoved(20 * MS)]
    assert tracker.state.moved
    assert tracker.take(tilt(moves=8, time_us=40_000), 40 * MS) == [Tilted(40 * MS, -12.34, 2.5, 15.0, False)]


def test_an_input_carries_the_time_of_its_edge() -> None:
    tracker = PodTracker()
    tracker.take(tilt(0, time_us=1_000_000), 500 * MS)
    (event,) = tracker.take(p.Input(1_010_000, p.Contact.PEDAL, p.Action.PRESS, 3), 514 * MS)
    assert isinstance(event, Touched)
    assert (event.contact, event.action, event.arrived_ns, event.count) == (p.Contact.PEDAL, p.Action.PRESS, 514 * MS, 3)
    assert abs(event.at_ns - 510 * MS) < MS // 10


def test_an_unknown_contact_is_ignored() -> None:
    assert PodTracker().take(p.Input(0, 9, 0, 0), 0) == []


def test_pressure_is_a_series_that_ends_with_its_arrival() -> None:
    tracker = PodTracker()
    (event,) = tracker.take(p.Pressure(0, 0, (1, 2, 3, 4, -5)), 100 * MS)
    assert event == PressureSeries(60 * MS, (1, 2, 3, 4, -5))
    assert tracker.state.pressure_hpa == -5


def test_cycles_are_told_when_they_change_and_once_at_the_start() -> None:
    tracker = PodTracker()
    first = tracker.take(p.Lavage(0, p.Phase.REST, 4, 0), 0)
    assert first == [LavageChanged(0, p.Phase.REST, 4, 0)]
    assert tracker.take(p.Lavage(0, p.Phase.REST, 4, 0), 0) == []
    assert tracker.take(p.Lavage(0, p.Phase.INJECT, 4, 0), 0) != []
    assert (tracker.state.cycles, tracker.state.phase) == (4, p.Phase.INJECT)


def test_a_sensor_that_fails_takes_its_values_away() -> None:
    tracker = PodTracker()
    tracker.take(tilt(0), 0)
    tracker.take(p.Pressure(0, 0, (9, 9, 9, 9, 9)), 0)
    tracker.take(p.Heartbeat(200, 0, 0, 0, 1), 0)
    assert (tracker.state.pitch_deg, tracker.state.pressure_hpa) == (None, None)


def test_a_fault_has_words() -> None:
    (fault,) = PodTracker().take(p.Fault(p.FaultCode.EXCEPTION, 74, b"link TypeError".ljust(20, b"\0")), 0)
    assert isinstance(fault, PodFault)
    assert fault_name(fault) == "exception: link TypeError line 74"
    assert fault_name(PodFault(99, "", 0)) == "fault 99"


def test_the_pods_clock_is_followed_across_its_wrap() -> None:
    clock = PodClock()
    start_us = TICKS - 30_000
    times_ns = [clock.device_ns((start_us + step * 20_000) % TICKS, 1_000 * MS + step * 20 * MS) for step in range(5)]
    assert times_ns == [1_000 * MS + step * 20 * MS for step in range(5)]


def test_late_messages_do_not_move_the_clock() -> None:
    clock = PodClock()
    clock.device_ns(0, 10 * MS)
    late = clock.device_ns(20_000, 10 * MS + 95 * MS)
    assert late - (10 + 20) * MS < MS


def test_a_drifting_clock_is_followed() -> None:
    clock = PodClock()
    error_ns = 0
    for second in range(600):
        arrived_ns = round(second * 1e9 * (1 + 50e-6))
        error_ns = arrived_ns - clock.device_ns(second * 1_000_000 % TICKS, arrived_ns)
    assert 0 <= error_ns < MS
