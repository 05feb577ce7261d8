"""What systemd hears, over a real socket, and what of the process's age the kernel says."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from barbotage_device.runtime.service_manager import ServiceManager, process_age_ns, service_manager

S = 1_000_000_000


class Ear:
    """The service manager's end."""

    def __init__(self, address: str) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(address)
        self.line.setblocking(False)

    def heard(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                found.append(self.line.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    it = Ear(str(tmp_path / "notify"))
    yield it
    it.line.close()


def manager_of(tmp_path: Path, **environ: str) -> ServiceManager:
    return service_manager({"NOTIFY_SOCKET": str(tmp_path / "notify"), **environ}, pid=77)


def test_ready_is_said_once_and_alive_at_most_once_a_second(tmp_path: Path, ear: Ear) -> None:
    manager = manager_of(tmp_path, WATCHDOG_USEC="20000000", WATCHDOG_PID="77")
    for now_ns in (5 * S, 5 * S + 40_000_000, 6 * S, 6 * S + 1, 7 * S):
        manager.alive(now_ns)
    assert ear.heard() == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]


def test_a_short_watchdog_hears_four_times_within_its_time(tmp_path: Path, ear: Ear) -> None:
    manager = manager_of(tmp_path, WATCHDOG_USEC="400000")
    for step in range(9):
        manager.alive(S + step * 50_000_000)
    assert ear.heard().count("WATCHDOG=1") == 5


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "78"}])
def test_without_a_watchdog_of_its_own_only_ready_is_said(tmp_path: Path, ear: Ear, environ: dict[str, str]) -> None:
    manager = manager_of(tmp_path, **environ)
    for second in range(3):
        manager.alive(second * S)
    manager.ending()
    assert ear.heard() == ["READY=1"]


def test_what_follows_the_last_picture_is_given_an_hour(tmp_path: Path, ear: Ear) -> None:
    manager_of(tmp_path, WATCHDOG_USEC="20000000").ending()
    assert ear.heard() == ["WATCHDOG_USEC=3600000000"]


def test_a_status_is_one_line(tmp_path: Path, ear: Ear) -> None:
    manager_of(tmp_path).tell("first picture\nafter 3 s")
    assert ear.heard() == ["STATUS=first picture after 3 s"]


def test_an_abstract_address_works() -> None:
    name = f"barbotage-test-{time.monotonic_ns()}"
    ear = Ear(f"\0{name}")
    ServiceManager(f"@{name}").alive(0)
    assert ear.heard() == ["READY=1"]
    ear.line.close()


@pytest.mark.parametrize("address", [None, "/nowhere/at/all"])
def test_nobody_who_hears_is_no_error(address: str | None) -> None:
    manager = ServiceManager(address, S)
    manager.alive(0)
    manager.tell("x")
    manager.ending()


def test_the_age_of_this_process_is_real() -> None:
    first_ns = process_age_ns()
    time.sleep(0.05)
    later_ns = process_age_ns()
    assert first_ns is not None
    assert later_ns is not None
    assert 0.03 * S <= later_ns - first_ns < 60 * S


def test_a_name_with_spaces_and_brackets_does_not_shift_the_fields(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    fields = " ".join(["S", *(str(n) for n in range(4, 22)), "1000", "0"])
    (tmp_path / "self" / "stat").write_text(f"12 (a) b) {fields}")
    assert process_age_ns(tmp_path, lambda: 12 * S, ticks_per_s=100) == 2 * S


@pytest.mark.parametrize("text", ["", "12 (python) S 1", "12 (python) S " + "x " * 30])
def test_an_age_that_cannot_be_read_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "stat").write_text(text)
    assert process_age_ns(tmp_path, lambda: 12 * S) is None
    assert process_age_ns(tmp_path / "gone", lambda: 12 * S) is None
