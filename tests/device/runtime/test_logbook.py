"""The device's log: bounded, one printable line each, and no trouble when the disk is."""

import logging
from pathlib import Path

import pytest
from tests.support.link import Screen

from barbotage_device.config_store import ConfigStore
from barbotage_device.link.errors import CallError
from barbotage_device.link.keys import PairedHosts
from barbotage_device.link.roles import Role
from barbotage_device.runtime import logbook as module
from barbotage_device.runtime.logbook import LOG_NAME, OLD_LOG_NAME, Logbook
from barbotage_device.runtime.logged import LoggedConfiguration, LoggedHosts, LoggedScreen


def texts(folder: Path) -> list[str]:
    return [line.split(maxsplit=2)[2] for line in (folder / LOG_NAME).read_text().splitlines()]


def test_two_files_are_never_larger_than_their_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2000)
    monkeypatch.setattr(module, "TAIL_BYTES", 3000)
    first, second = Logbook(tmp_path), Logbook(tmp_path)  # as two programs do
    for number in range(200):
        (first if number % 2 else second).logger.info("line %d", number)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {LOG_NAME, OLD_LOG_NAME}
    assert max(sizes.values()) <= 2000
    tail = first.tail().decode().splitlines()
    assert len("\n".join(tail)) <= 3000
    numbers = [int(line.split()[-1]) for line in tail]
    assert numbers == list(range(200 - len(numbers), 200))
    assert len(numbers) > 50


def test_what_a_host_sends_cannot_forge_a_line(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path)
    logbook.logger.info("setting %s", "x\n2026-01-01T00:00:00.000Z error forged\x1b[2J\x85\u2028")
    logbook.logger.info("long %s", "x" * 5000)
    lines = (tmp_path / LOG_NAME).read_text().splitlines()
    assert len(lines) == 2
    assert "\x1b" not in lines[0]
    assert len(lines[1]) < 700
    assert (tmp_path / LOG_NAME).stat().st_mode & 0o077 == 0


def test_a_disk_that_does_not_take_it_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logbook = Logbook(tmp_path / "file" / "folder")
    logbook.logger.error("lost")
    assert Logbook(tmp_path / "none").tail() == b""


def test_changes_are_noted_with_old_and_new_value_and_refusals_with_the_reason(tmp_path: Path) -> None:
    settings = LoggedConfiguration(ConfigStore(tmp_path / "device.toml"), Logbook(tmp_path).logger)
    settings.set({"screen.language": "en"})
    with pytest.raises(CallError):
        settings.set({"screen.width_px": 1})
    noted = texts(tmp_path)
    assert noted[0] == 'setting screen.language: "fr" -> "en"'
    assert noted[1].startswith("settings not changed: ")
    assert "screen.width_px" in noted[1]


def test_pairings_are_noted_and_codes_are_not(tmp_path: Path) -> None:
    logbook, shown = Logbook(tmp_path), Screen()
    screen = LoggedScreen(shown, logbook.logger)
    hosts = LoggedHosts(PairedHosts(tmp_path, lambda: 0), logbook.logger)
    screen.show_code("12345678", "anna", Role.VIEWER, 60.0)
    hosts.add(b"a" * 32, "anna", Role.VIEWER)
    screen.hide_code(True)
    screen.hide_code(False)
    assert hosts.remove(b"a" * 32)
    assert not hosts.remove(b"b" * 32)
    assert (shown.shown, shown.hidden) == (1, [True, False])
    assert texts(tmp_path) == [
        "'anna' asks to be paired as viewer",
        "paired with 'anna' as viewer, key 61616161",
        "pairing did not succeed: the code is void",
        "pairing of 'anna' (viewer) revoked, key 61616161",
    ]
    assert "12345678" not in (tmp_path / LOG_NAME).read_text()


def test_texts_that_are_said_are_noted_first(tmp_path: Path) -> None:
    said: list[str] = []
    Logbook(tmp_path).noting(said.append, logging.WARNING)("100 % lost")
    assert said == ["100 % lost"]
    assert " warning  100 % lost" in (tmp_path / LOG_NAME).read_text()
