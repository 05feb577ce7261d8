"""Tier 3: the whole board in emulated time. No clock of the machine has a say: what is measured here repeats exactly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.device.pod.boards import Bench

from barbotage_device.probe_pod import protocol as p
from barbotage_device.probe_pod.framing import encode, encode_command
from barbotage_firmware_tools.board.prompt import BoardPrompt

pytestmark = pytest.mark.slow
SETTLE_MS = 120.0
AMBER, GREEN, BLUE, WHITE = (40, 17, 0), (0, 40, 9), (0, 12, 40), (18, 18, 18)
PEDAL = 10


@pytest.fixture
def bench(image: Path) -> Bench:
    one = Bench(image)
    one.boot()
    return one


@pytest.fixture(scope="module")
def second_of_telemetry(image: Path) -> Bench:
    bench = Bench(image)
    bench.boot()
    bench.board.run(SETTLE_MS)
    bench.said.clear()
    bench.board.run(1000)
    return bench


def lit(bench: Bench) -> dict[int, tuple[int, ...]]:
    leds = bench.board.shown[-1].leds
    return {number: colour for number, colour in enumerate(leds) if any(colour)}


def keep_alive(bench: Bench, duration_ms: float) -> None:
    for _ in range(int(duration_ms // p.FEEDBACK_EVERY_MS)):
        bench.send(p.Feedback(p.Aim.OFF, 0, 0))
        bench.board.run(p.FEEDBACK_EVERY_MS)


def test_from_power_on_to_the_handshake_in_a_quarter_of_a_second(image: Path) -> None:
    bench = Bench(image)
    hello = bench.boot()
    assert hello.protocol == p.PROTOCOL
    assert hello.reset_cause == p.ResetCause.POWER_ON
    assert hello.firmware_hash != bytes(6)
    assert bench.now_ms < 250


def test_frames_that_arrive_during_the_start_do_not_lead_to_the_prompt(image: Path) -> None:
    """A greeting may contain 0x03, which MicroPython takes for Ctrl-C until it is told otherwise."""
    bench = Bench(image)
    wire = encode(p.Greet.ID, 3, b"\x01\x03")
    assert b"\x03" in wire
    for _ in range(20):
        bench.board.run(8)
        bench.board.send(wire)
    assert bench.next(p.Heartbeat, 1000)
    assert bench.board.resets == 0


def test_telemetry_comes_at_its_rates_without_a_gap(second_of_telemetry: Bench) -> None:
    tilts = [message.index for _, message in second_of_telemetry.heard(p.Tilt)]
    samples = [message.index for _, message in second_of_telemetry.heard(p.Pressure)]
    assert len(tilts) in (49, 50, 51)
    assert len(samples) in (19, 20, 21)
    assert np.all(np.diff(tilts) == 1)
    assert np.all(np.diff(samples) == 5)
    assert (second_of_telemetry.receiver.lost, second_of_telemetry.receiver.damaged) == (0, 0)


def test_samples_are_taken_on_time(second_of_telemetry: Bench) -> None:
    taken_us = np.array([message.time_us for _, message in second_of_telemetry.heard(p.Tilt)])
    periods_ms = np.diff(taken_us) / 1000
    assert abs(periods_ms.mean() - 20) < 0.2
    assert np.all(np.abs(periods_ms - 20) < 6)


def test_sensors_show_what_surrounds_them(bench: Bench) -> None:
    bench.board.world.pitch_deg, bench.board.world.roll_deg, bench.board.world.pressure_hpa = 20.0, -35.0, 321.0
    start = len(bench.said)
    bench.board.run(600)
    tilts, series = bench.heard(p.Tilt, start), bench.heard(p.Pressure, start)
    assert abs(tilts[-1][1].pitch_cdeg - 2000) < 60
    assert abs(tilts[-1][1].roll_cdeg + 3500) < 60
    assert abs(series[-1][1].pressure_hpa[-1] - 321) <= 2
    assert tilts[-1][1].moves > tilts[0][1].moves - 1
    assert any(message.flags & p.TiltFlags.MOVED for _, message in tilts)


def test_lavage_cycles_are_counted_on_the_pod(bench: Bench) -> None:
    for hpa in (0, 400, -120, 0, 400, 0):
        bench.board.world.pressure_hpa = hpa
        bench.board.run(250)
    phases = [(message.phase, message.cycles) for _, message in bench.heard(p.Lavage)][-5:]
    assert phases == [(p.Phase.INJECT, 0), (p.Phase.ASPIRATE, 1), (p.Phase.REST, 1), (p.Phase.INJECT, 1), (p.Phase.REST, 2)]
    assert bench.result(p.ResetCycles()) == p.Result.DONE
    assert bench.heard(p.Lavage)[-1][1].cycles == 0


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        pytest.param(p.Feedback(p.Aim.ON_TARGET, 0, 0), dict.fromkeys(range(12), GREEN), id="on target"),
        pytest.param(p.Feedback(p.Aim.LEFT, 255, 0), dict.fromkeys((7, 8, 9, 10, 11), BLUE), id="far to the left"),
        pytest.param(p.Feedback(p.Aim.RIGHT, 0, 0), {3: BLUE}, id="a little to the right"),
        pytest.param(p.Feedback(p.Aim.UNCERTAIN, 0, 0), dict.fromkeys((0, 3, 6, 9), WHITE), id="uncertain"),
        pytest.param(p.Feedback(p.Aim.OFF, 0, 0), {}, id="off"),
    ],
)
def test_the_ring_shows_the_aim(bench: Bench, feedback: p.Feedback, expected: dict[int, tuple[int, ...]]) -> None:
    shown = len(bench.board.shown)
    bench.send(feedback)
    assert bench.board.run(50, lambda: len(bench.board.shown) > shown)
    assert lit(bench) == expected


def test_a_silent_device_shows_as_stale_within_300_ms_and_speech_ends_it(bench: Bench) -> None:
    bench.send(p.Feedback(p.Aim.ON_TARGET, 0, 0))
    bench.board.run(50)
    sent_ms, shown = bench.now_ms - 50, len(bench.board.shown)
    assert bench.board.run(400, lambda: len(bench.board.shown) > shown)
    assert 250 < bench.now_ms - sent_ms <= 300
    assert lit(bench) in (dict.fromkeys(range(0, 12, 2), AMBER), dict.fromkeys(range(1, 12, 2), AMBER))
    assert bench.board.run(100, lambda: bench.board.tone_hz > 0)
    assert bench.next(p.Heartbeat, 500).flags & p.Flags.STALE
    bench.send(p.Feedback(p.Aim.ON_TARGET, 0, 0))
    bench.board.run(50)
    assert lit(bench) == dict.fromkeys(range(12), GREEN)


def test_a_device_that_speaks_is_never_stale(bench: Bench) -> None:
    shown = len(bench.board.shown)
    keep_alive(bench, 1000)
    assert all(not any(picture.leds[0] + picture.leds[1]) for picture in bench.board.shown[shown:])
    assert not bench.heard(p.Heartbeat)[-1][1].flags & p.Flags.STALE


def test_pedal_edges_become_actions(bench: Bench) -> None:
    start = len(bench.said)
    for held_ms, open_ms in ((80, 600), (80, 120), (80, 600), (900, 200)):
        bench.board.press(PEDAL)
        bench.board.run(held_ms)
        bench.board.release(PEDAL)
        bench.board.run(open_ms)
    actions = [message.action for _, message in bench.heard(p.Input, start)]
    gestures = [p.Action(action) for action in actions if action >= p.Action.TAP]
    assert gestures == [p.Action.TAP, p.Action.DOUBLE, p.Action.HOLD]
    assert actions.count(p.Action.PRESS) == actions.count(p.Action.RELEASE) == 4


@pytest.mark.parametrize(("pin", "contact"), [(10, p.Contact.PEDAL), (11, p.Contact.BUTTON_A), (12, p.Contact.BUTTON_B)])
def test_each_contact_has_its_name(bench: Bench, pin: int, contact: p.Contact) -> None:
    bench.board.press(pin)
    pressed = bench.next(p.Input, 100)
    assert (pressed.contact, pressed.action, pressed.count) == (contact, p.Action.PRESS, 1)


def test_a_sensor_that_goes_is_told_and_found_again(bench: Bench) -> None:
    bench.board.run(SETTLE_MS)
    bench.board.world.imu_present = False
    assert bench.next(p.Fault, 200).code == p.FaultCode.IMU
    bench.board.world.imu_present = True
    bench.board.run(2500)
    assert bench.next(p.Heartbeat, 300).flags & p.Flags.IMU_OK
    assert bench.next(p.Tilt, 100) is not None
    assert bench.board.resets == 0


def test_what_the_pod_does_not_know_is_refused_aloud(bench: Bench) -> None:
    for wire, result in (
        (encode(99, 5, b"\x01\x02"), p.Result.UNKNOWN_ID),
        (encode(p.Feedback.ID, 6, b"\x01"), p.Result.BAD_LENGTH),
        (encode_command(p.Feedback(77, 0, 0), 7), p.Result.BAD_VALUE),
        (encode_command(p.SetSetting(5, 10**9), 8), p.Result.BAD_VALUE),
        (encode_command(p.GetSetting(200), 9), p.Result.BAD_VALUE),
        (encode_command(p.Restart(1), 10), p.Result.BAD_VALUE),
    ):
        start = len(bench.said)
        bench.board.send(wire)
        reply = bench.next(p.Reply, 300, start)
        assert (reply.result, reply.sequence) == (result, {99: 5}.get(reply.command, reply.sequence))
    assert bench.board.resets == 0


def test_a_flood_of_garbage_is_survived(bench: Bench) -> None:
    noise = np.random.default_rng(3).integers(0, 256, 6_000, dtype=np.uint8).tobytes()
    start = len(bench.said)
    for at in range(0, len(noise), 500):
        bench.board.send(noise[at : at + 500])
        bench.board.run(50)
    bench.board.send(b"\0")
    bench.board.run(500)
    assert bench.board.resets == 0
    assert len(bench.heard(p.Pressure, start)) >= 0.9 * 20 * 1.1
    assert bench.boot().protocol == p.PROTOCOL
    assert bench.heard(p.Heartbeat)[-1][1].bad_commands > 0


def test_a_host_that_stops_reading_blocks_nothing_and_whole_frames_follow(bench: Bench) -> None:
    bench.board.run(SETTLE_MS)
    bench.board.host_reads = False
    bench.send(p.Feedback(p.Aim.ON_TARGET, 0, 0))
    bench.board.run(100)
    shown = len(bench.board.shown)
    assert bench.board.run(400, lambda: len(bench.board.shown) > shown), "not even the stale picture"
    bench.board.run(2500)
    assert bench.board.resets == 0
    bench.board.host_reads = True
    bench.board.run(500)
    beat = bench.next(p.Heartbeat, 400)
    assert beat.dropped > 150
    assert bench.receiver.damaged == 0
    assert bench.receiver.lost == beat.dropped % 256 or bench.receiver.lost > 0


def test_a_hung_task_is_ended_by_the_watchdog_and_told(bench: Bench) -> None:
    bench.send(p.Hang(p.HANG_MAGIC))
    start, hung_ms = len(bench.said), bench.now_ms
    fault = bench.next(p.Fault, 4000, start)
    assert fault.code == p.FaultCode.WATCHDOG
    assert bench.now_ms - hung_ms < 2600
    assert bench.board.resets == 1
    assert bench.boot().reset_cause == p.ResetCause.WATCHDOG


def test_settings_and_serial_survive_watchdog_and_loss_of_power(bench: Bench) -> None:
    assert bench.result(p.SetSerial(b"BP-0042\0\0\0")) == p.Result.DONE
    setting = bench.ask(p.SetSetting(p.SETTINGS["inject_hpa"].key, 222), p.Setting)
    assert (setting.value, setting.saved) == (222, 0)
    assert bench.result(p.Save(), 2000) == p.Result.DONE
    assert bench.ask(p.GetSetting(p.SETTINGS["inject_hpa"].key), p.Setting).saved == 1
    restarts: tuple[Callable[[], None], ...] = (lambda: bench.send(p.Restart(p.RESTART_MAGIC)), bench.board.power_cycle)
    for restart in restarts:
        restart()
        bench.board.run(300)
        assert bench.boot().serial == b"BP-0042\0\0\0"
        assert bench.ask(p.GetSetting(p.SETTINGS["inject_hpa"].key), p.Setting).value == 222


def test_three_failed_starts_lead_to_safe_mode_from_the_frozen_firmware(bench: Bench) -> None:
    prompt = BoardPrompt(bench.board)
    prompt.execute("import os\nos.mkdir('/pod')\nwith open('/pod/__init__.py', 'w') as f: f.write('raise ValueError')")
    bench.listen()
    start, resets = len(bench.said), bench.board.resets
    bench.board.power_cycle()
    hello = bench.next(p.Hello, 4000, start)
    assert hello.flags == p.Flags.SAFE_MODE
    assert bench.board.resets == resets + 3
    assert bench.next(p.Heartbeat, 1000).flags & p.Flags.SAFE_MODE
    assert bench.result(p.SetSetting(5, 100)) == p.Result.REFUSED
    bench.send(p.Feedback(p.Aim.LEFT, 0, 0))
    assert bench.result(p.EnterRepl(p.ENTER_REPL_MAGIC)) == p.Result.DONE


def test_a_bus_reset_by_the_host_is_survived(bench: Bench) -> None:
    keep_alive(bench, 200)
    bench.board.replug()
    bench.board.run(300)
    assert bench.boot().protocol == p.PROTOCOL
    assert bench.board.resets == 0


def test_calibration_asked_right_after_the_start_waits_for_the_first_sample(bench: Bench) -> None:
    assert bench.result(p.Calibrate(p.Calibration.IMU), 2000) == p.Result.DONE


def test_calibration_zeroes_the_sensors_and_refuses_while_they_move(bench: Bench) -> None:
    world = bench.board.world
    world.pitch_deg, world.pressure_hpa = 5.0, 12.0
    bench.board.run(700)
    assert bench.result(p.Calibrate(p.Calibration.PRESSURE), 2000) == p.Result.DONE
    assert bench.result(p.Calibrate(p.Calibration.IMU), 2000) == p.Result.DONE
    bench.board.run(100)
    assert abs(bench.heard(p.Pressure)[-1][1].pressure_hpa[-1]) <= 1
    assert abs(bench.heard(p.Tilt)[-1][1].pitch_cdeg) < 30
    bench.board.every(30, lambda: setattr(world, "pressure_hpa", -world.pressure_hpa))
    world.pressure_hpa = 40.0
    assert bench.result(p.Calibrate(p.Calibration.PRESSURE), 2000) == p.Result.FAILED


def states_of_flash(bench: Bench, every_ms: float, action: Callable[[], object]) -> list[bytes]:
    """The whole flash in each state that it has during an action, in order."""
    states: dict[bytes, bytes] = {}

    def look() -> None:
        states.setdefault(bench.board.file_system, bench.board.flash)

    bench.board.every(every_ms, look)
    action()
    return list(states.values())


def test_power_lost_at_any_moment_of_the_first_start_is_survived(image: Path) -> None:
    """The first start formats the flash: what it holds at any moment of that is enough for another start."""
    bench = Bench(image)
    states = states_of_flash(bench, 0.5, bench.boot)
    assert len(states) >= 3
    for flash in states:
        assert Bench(image, flash).boot().reset_cause == p.ResetCause.POWER_ON


def test_power_that_comes_and_goes_is_survived(bench: Bench) -> None:
    assert bench.result(p.SetSerial(b"BP-0042\0\0\0")) == p.Result.DONE
    assert bench.result(p.Save(), 2000) == p.Result.DONE
    for on_ms in (1, 5, 10, 20, 30, 45, 60, 80, 100):
        bench.board.power_cycle()
        bench.board.run(on_ms)
    bench.board.power_cycle()
    bench.board.run(300)
    hello = bench.boot()
    assert (hello.reset_cause, hello.serial) == (p.ResetCause.POWER_ON, b"BP-0042\0\0\0")


def test_power_lost_while_saving_leaves_the_old_or_the_new(image: Path) -> None:
    """Cuts the power at moments all through a save, and starts a new board on what the flash then holds."""
    bench = Bench(image)
    bench.boot()
    key = p.SETTINGS["inject_hpa"].key
    bench.ask(p.SetSetting(key, 111), p.Setting)
    assert bench.result(p.Save(), 2000) == p.Result.DONE
    bench.ask(p.SetSetting(key, 222), p.Setting)
    states = states_of_flash(bench, 0.1, lambda: bench.result(p.Save(), 2000))
    assert len(states) >= 3
    found = []
    for flash in states:
        after = Bench(image, flash)
        after.boot()
        found.append(after.ask(p.GetSetting(key), p.Setting).value)
    assert found[0] == 111
    assert found[-1] == 222
    assert found == sorted(found)
    assert set(found) == {111, 222}
