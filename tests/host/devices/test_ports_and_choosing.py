"""Ports are judged without opening them, and the device that a person means is found among them."""

import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import pytest

from barbotage_device.errors import BarbotageError, NotFoundError, UsageError
from barbotage_device.link.keys import KnownDevice, KnownDevices
from barbotage_host.devices.connecting import Target, find_port, serial_of
from barbotage_host.devices.ports import choose_port, list_candidates, stable_name
from barbotage_host.devices.remembered import list_remembered

KEY = "ab" * 32


@dataclass
class Port:
    """What pyserial says of a port."""

    device: str
    description: str | None = "n/a"
    manufacturer: str | None = None
    product: str | None = None
    serial_number: str | None = None
    vid: int | None = None
    pid: int | None = None


def gadget(device: str, serial: str) -> Port:
    return Port(device, "Barbotage device", "Barbotage", "Barbotage device", serial, 0x1209, 0x0001)


def adapter(device: str) -> Port:
    return Port(device, "FT232R USB UART", "FTDI", "FT232R USB UART", "A50285BI", 0x0403, 0x6001)


def test_a_port_is_ours_by_its_usb_name_or_because_a_device_was_there_last() -> None:
    known = [KnownDevice("D1", KEY, port="/dev/ttyUSB0", baud=921600)]
    found = list_candidates([adapter("/dev/ttyUSB0"), adapter("/dev/ttyUSB1"), gadget("/dev/ttyACM0", "D2")], known)
    assert [(each.port, each.ours, each.serial) for each in found] == [
        ("/dev/ttyACM0", True, "D2"),
        ("/dev/ttyUSB0", True, "D1"),
        ("/dev/ttyUSB1", False, "A50285BI"),
    ]
    assert found[0].certain
    assert not found[1].certain
    assert "--port" in found[2].why


def test_a_device_that_shows_itself_elsewhere_is_not_sought_at_its_last_port() -> None:
    known = [KnownDevice("D1", KEY, port="/dev/ttyUSB0", baud=921600)]
    found = list_candidates([adapter("/dev/ttyUSB0"), gadget("/dev/ttyACM3", "D1")], known)
    assert [(each.port, each.ours) for each in found] == [("/dev/ttyACM3", True), ("/dev/ttyUSB0", False)]
    assert choose_port(found, known, None) == "/dev/ttyACM3"


def test_names_that_stay_the_same_are_found_and_recognised(tmp_path: Path) -> None:
    port, by_id = tmp_path / "ttyACM0", tmp_path / "by-id"
    port.touch()
    by_id.mkdir()
    (by_id / "usb-Barbotage_D1-if00").symlink_to("../ttyACM0")
    assert stable_name(str(port), by_id) == str(by_id / "usb-Barbotage_D1-if00")
    assert stable_name(str(tmp_path / "ttyS0"), by_id) == str(tmp_path / "ttyS0")
    known = [KnownDevice("D1", KEY, port=str(by_id / "usb-Barbotage_D1-if00"))]
    (found,) = list_candidates([adapter(str(port))], known, by_id)
    assert (found.port, found.ours, found.serial, found.stable) == (str(port), True, "D1", known[0].port)


@pytest.mark.parametrize(
    ("serial", "ports", "kind", "words"),
    [
        (None, [], NotFoundError, ["charges", "--port", "barbotage ports"]),
        (None, ["D1", "D2"], UsageError, ["2 devices", "D1, D2", "--device"]),
        ("D3", ["D1"], NotFoundError, ["D3 is not connected", "charges", "D9 (ward)"]),
    ],
)
def test_what_cannot_be_chosen_is_said_with_what_to_do(
    serial: str | None, ports: list[str], kind: type[BarbotageError], words: list[str]
) -> None:
    known = [KnownDevice("D9", KEY, name="ward")]
    candidates = list_candidates([gadget(f"/dev/ttyACM{index}", each) for index, each in enumerate(ports)], known)
    with pytest.raises(kind) as caught:
        choose_port(candidates, known, serial)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_device_is_chosen_by_its_name_as_by_its_serial_number(tmp_path: Path) -> None:
    for serial, name in (("D1", "ward"), ("D2", "theatre 2")):
        (tmp_path / f"tty{serial}").touch()
        KnownDevices(tmp_path).remember(KnownDevice(serial, KEY, name=name, port=str(tmp_path / f"tty{serial}")))
    known = KnownDevices(tmp_path)
    assert serial_of("theatre 2", known) == serial_of("D2", known) == "D2"
    assert find_port(Target(serial="theatre 2"), known) == str(tmp_path / "ttyD2")
    assert find_port(Target(port="/dev/x", serial="theatre 2"), known) == "/dev/x"


def test_remembered_devices_say_whether_they_are_connected_and_why() -> None:
    known = [
        KnownDevice("D1", KEY, port="/dev/ttyUSB0", baud=921600),
        KnownDevice("D2", KEY, port="/dev/ttyUSB0"),
        KnownDevice("D3", KEY, port="/dev/nowhere"),
    ]
    found = list_remembered(known, list_candidates([adapter("/dev/ttyUSB0"), gadget("/dev/ttyACM0", "D2")], known))
    assert [(each.serial, each.connected, each.port) for each in found] == [
        ("D1", "perhaps", "/dev/ttyUSB0"),
        ("D2", "yes", "/dev/ttyACM0"),
        ("D3", "no", "/dev/nowhere"),
    ]
    assert "does not say" in found[0].why


def test_a_file_of_a_newer_version_is_read_and_one_of_an_older_has_no_baud(tmp_path: Path) -> None:
    (tmp_path / "known-devices.json").write_text(f'[{{"serial": "D1", "key": "{KEY}", "colour": "blue"}}]')
    assert KnownDevices(tmp_path).all() == [KnownDevice("D1", KEY)]


def _remember_many(folder: Path, first: int) -> None:
    known = KnownDevices(folder)
    for index in range(first, first + 10):
        known.remember(KnownDevice(f"D{index:02}", KEY))


def test_processes_that_remember_devices_at_once_lose_none(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_remember_many, args=(tmp_path, first)) for first in (0, 10, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=30)
    assert [each.serial for each in KnownDevices(tmp_path).all()] == [f"D{index:02}" for index in range(30)]
