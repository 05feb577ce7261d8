"""The doctor finds each thing that is wrong, says what to do about it, and fails only for what keeps the work from being done."""

import io
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.devices.test_ports_and_choosing import KEY, Port, adapter, gadget
from tests.host.live.conftest import make_server
from tests.support.cable import Cable
from tests.support.link_device import SERIAL, introduce

from barbotage_device.console import Console
from barbotage_device.errors import BarbotageError
from barbotage_device.link.keys import KnownDevice, KnownDevices
from barbotage_device.link.methods import Method
from barbotage_device.link.roles import Role
from barbotage_device.link.server import LinkServer
from barbotage_host.devices.connecting import Connection, Target, connect
from barbotage_host.devices.context import Context
from barbotage_host.devices.home import Home
from barbotage_host.devices.udev import RULE_FILE, rule_text
from barbotage_host.doctor import computer as computer_checks
from barbotage_host.doctor import device as device_checks
from barbotage_host.doctor.commands import examine
from barbotage_host.doctor.computer import Computer
from barbotage_host.doctor.device import Pings, Subject, measure
from barbotage_host.doctor.findings import Check, Finding, Verdict, ask_all, ok
from barbotage_host.sync.catalogue import CATALOGUE_NAME, rebuild


def make_computer(folder: Path, *ports: Port) -> Computer:
    (folder / "proc").mkdir(exist_ok=True)
    return Computer(Home(folder / "state", folder / "archive"), ports, None, folder)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def modem_manager(folder: Path) -> None:
    write(folder / "proc/5/comm", "ModemManager\n")


def rule(folder: Path) -> None:
    write(folder / RULE_FILE, rule_text())


def old_rule(folder: Path) -> None:
    write(folder / RULE_FILE, "# old\n")


def slow_timer(folder: Path) -> None:
    write(folder / "sys/bus/usb-serial/devices/ttyUSB0/latency_timer", "40\n")


def usual_timer(folder: Path) -> None:
    write(folder / "sys/bus/usb-serial/devices/ttyUSB0/latency_timer", "16\n")


def damaged_catalogue(folder: Path) -> None:
    write(folder / "archive" / CATALOGUE_NAME, "no database" * 100)


def sound_catalogue(folder: Path) -> None:
    (folder / "archive").mkdir()
    rebuild(folder / "archive")


def old_catalogue(folder: Path) -> None:
    sound_catalogue(folder)
    with sqlite3.connect(folder / "archive" / CATALOGUE_NAME) as database:
        database.execute("PRAGMA user_version = 77")
    database.close()


def blocked_archive(folder: Path) -> None:
    write(folder / "archive", "a file")


def nothing(folder: Path) -> None:
    """All is as it is."""


USB, UART = gadget("/dev/ttyACM0", "D1"), adapter("/dev/ttyUSB0")
FINDINGS: list[tuple[str, Callable[[Path], None], tuple[Port, ...], Verdict, str]] = [
    ("python", nothing, (), Verdict.OK, "Python 3."),
    ("packages", nothing, (), Verdict.OK, "pyserial"),
    ("serial ports", nothing, (UART,), Verdict.WARN, "not only power"),
    ("serial ports", nothing, (UART, USB), Verdict.OK, "/dev/ttyACM0 of 2"),
    ("permission", nothing, (UART,), Verdict.SKIPPED, "no port"),
    ("udev rule", nothing, (UART,), Verdict.OK, "not installed"),
    ("udev rule", nothing, (USB,), Verdict.WARN, "udev install"),
    ("udev rule", old_rule, (), Verdict.WARN, "another version"),
    ("udev rule", rule, (USB,), Verdict.OK, "installed"),
    ("modem manager", nothing, (), Verdict.OK, "does not run"),
    ("modem manager", modem_manager, (), Verdict.WARN, "udev install"),
    ("latency timer", nothing, (), Verdict.SKIPPED, "no FTDI"),
    ("latency timer", usual_timer, (), Verdict.OK, "ttyUSB0 16 ms"),
    ("latency timer", slow_timer, (), Verdict.WARN, "echo 1"),
    ("known devices", nothing, (), Verdict.WARN, "barbotage pair"),
    ("archive", nothing, (), Verdict.OK, "first sync"),
    ("archive", blocked_archive, (), Verdict.FAIL, "--archive"),
    ("catalogue", nothing, (), Verdict.SKIPPED, "none yet"),
    ("catalogue", sound_catalogue, (), Verdict.OK, "is sound"),
    ("catalogue", old_catalogue, (), Verdict.OK, "version 77"),
    ("catalogue", damaged_catalogue, (), Verdict.WARN, "archive rebuild"),
]


@pytest.mark.parametrize(("name", "prepare", "ports", "verdict", "words"), FINDINGS)
def test_each_thing_wrong_with_the_computer_is_found(
    name: str, prepare: Callable[[Path], None], ports: tuple[Port, ...], verdict: Verdict, words: str, tmp_path: Path
) -> None:
    prepare(tmp_path)
    (check,) = [each for each in computer_checks.CHECKS if each.name == name]
    finding = check.ask(make_computer(tmp_path, *ports))
    assert finding.verdict is verdict, finding
    assert words in f"{finding.text} {finding.advice}"
    assert bool(finding.advice) is (verdict in (Verdict.WARN, Verdict.FAIL))


def test_modem_manager_with_the_rule_and_known_devices_are_well(tmp_path: Path) -> None:
    modem_manager(tmp_path)
    rule(tmp_path)
    computer = make_computer(tmp_path, USB)
    KnownDevices(tmp_path / "state").remember(KnownDevice("D1", KEY, name="ward"))
    assert computer_checks.check_modem_manager(computer).verdict is Verdict.OK
    assert computer_checks.check_known(computer) == ok("D1 (ward): connected yes")


def test_little_room_and_absent_packages_and_barred_ports_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computer = replace(make_computer(tmp_path), port=str(tmp_path))
    monkeypatch.setattr(computer_checks, "LOW_ARCHIVE_BYTES", 1e18)
    assert computer_checks.check_archive(computer).verdict is Verdict.WARN
    monkeypatch.setattr(computer_checks, "PACKAGES", ("barbotage", "no-such-package"))
    finding = computer_checks.check_packages(computer)
    assert (finding.verdict, finding.text) == (Verdict.FAIL, "not installed: no-such-package")
    assert computer_checks.check_permission(computer).verdict is Verdict.OK
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = computer_checks.check_permission(computer)
    assert (finding.verdict, "usermod" in finding.advice) == (Verdict.FAIL, True)


def test_a_check_that_goes_wrong_itself_hinders_no_other() -> None:
    def broken(_subject: int) -> Finding:
        raise BarbotageError("oh")

    answers = list(ask_all([Check("a", broken), Check("b", lambda subject: ok(str(subject)))], 7))
    assert [(each.name, each.finding.verdict) for each in answers] == [("a", Verdict.FAIL), ("b", Verdict.OK)]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[tuple[Cable, LinkServer]]:
    with Cable() as cable:
        introduce(tmp_path / "host", tmp_path / "device", cable.a, Role.SERVICE)
        server = make_server(cable, tmp_path, {"state": "idle", "disk_free_mb": 100.0, "cpu_celsius": 85.0, "throttled": False})
        server.start()
        yield cable, server
        server.stop()


def make_context(folder: Path, target: Target, as_json: bool, within_s: float = 10.0) -> tuple[Context, io.StringIO]:
    out = io.StringIO()
    return Context(Home(folder / "host", folder / "archive"), target, Console(out, io.StringIO()), as_json, within_s), out


def test_a_connected_device_is_examined_whole(device: tuple[Cable, LinkServer], tmp_path: Path) -> None:
    context, out = make_context(tmp_path, Target(device[0].a), as_json=True)
    assert examine(context) == 0
    found = {each["name"]: each for each in json.loads(out.getvalue())["checks"]}
    assert found["connection"]["text"].startswith(f"device {SERIAL} (emulated)")
    verdicts = {name: each["verdict"] for name, each in found.items()}
    for name in ("connection", "versions", "security", "clock", "line", "counters"):
        assert verdicts[name] == ("ok" if name != "versions" else "warn"), found[name]
    assert (verdicts["board"], verdicts["updates"]) == ("warn", "skipped")
    assert "85 °C" in found["board"]["advice"]
    assert "100 MB" in found["board"]["advice"]
    assert found["line"]["text"].startswith("200 pings of 1024 B")


def test_without_a_device_the_rest_is_skipped_and_it_ends_with_1(tmp_path: Path) -> None:
    context, out = make_context(tmp_path, Target(str(tmp_path / "absent")), as_json=False, within_s=0.2)
    assert examine(context) == 1
    lines = out.getvalue().splitlines()
    assert any(line.startswith("FAIL  connection      there is no port") for line in lines)
    assert any(line.startswith("-     line            not connected") for line in lines)
    assert any("do: is the device on" in line for line in lines)


@pytest.fixture
def subject(device: tuple[Cable, LinkServer], tmp_path: Path) -> Iterator[Subject]:
    connection: Connection = connect(Target(device[0].a), Home(tmp_path / "host", tmp_path / "archive"), 10)
    yield Subject(connection, bytes(device_checks.PING_BYTES))
    connection.close()


def test_pings_measure_the_line_and_stop_when_their_time_is_over(subject: Subject) -> None:
    ticks = iter(range(10**6))
    assert measure(replace(subject, clock_s=lambda: float(next(ticks))), within_s=10.0).count < 10
    pings = measure(subject, count=20)
    assert (pings.count, pings.lost, pings.mended) == (20, 0, 0)
    assert 0 < pings.median_ms <= pings.worst_ms


@pytest.mark.parametrize(
    ("lost", "baud", "verdict", "words"), [(2, None, "ok", ""), (9, None, "warn", "hub"), (9, 115200, "warn", "below 115200")]
)
def test_a_line_that_loses_frames_is_found(
    subject: Subject, lost: int, baud: int | None, verdict: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_checks, "measure", lambda _: Pings(200, 1.0, 2.0, 9.0, lost, 0))
    subject.connection.baud = baud
    finding = device_checks.check_line(subject)
    assert (finding.verdict, words in finding.advice) == (verdict, True)


@pytest.mark.parametrize(
    ("state", "verdict"), [("none", Verdict.OK), ("active", Verdict.OK), ("failed", Verdict.WARN), ("rolled-back", Verdict.WARN)]
)
def test_updates_that_came_to_nothing_are_found(
    device: tuple[Cable, LinkServer], subject: Subject, state: str, verdict: Verdict
) -> None:
    answer = {"state": state, "kind": "model", "name": "m.bundle", "version": "2", "why": "self-test"}
    device[1].end.methods.add({"upd.status": Method(Role.VIEWER, lambda *_: answer)})
    finding = device_checks.check_updates(subject)
    assert finding.verdict is verdict
    assert finding.text == f"{state}: model m.bundle 2 (self-test)"


def test_a_clock_that_is_off_is_found(subject: Subject) -> None:
    subject.client.call("clock.set", {"utc_ns": time.time_ns() + 3_000_000_000})
    finding = device_checks.check_clock(subject)
    assert finding.verdict is Verdict.WARN
    assert "ahead" in finding.text
    assert "time set" in finding.advice
