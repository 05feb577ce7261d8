"""The udev rule names the device's USB port as the gadget script makes it, and is written as a whole or not at all."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from barbotage_device.console import Console, guarded
from barbotage_device.errors import BarbotageError, RefusedError
from barbotage_host.cli import run_command_line
from barbotage_host.devices import udev
from barbotage_host.devices.udev import RULE_FILE, Ran, install_rule, rule_installed, rule_text

GADGET = Path(__file__).parents[3] / "device" / "setup" / "usb-gadget"


def quiet() -> tuple[Console, io.StringIO]:
    chatter = io.StringIO()
    return Console(io.StringIO(), chatter), chatter


def test_the_rule_matches_what_the_gadget_says_of_itself() -> None:
    script = GADGET.read_text()
    assert f"VENDOR_ID=0x{udev.VENDOR_ID}" in script
    assert f"PRODUCT_ID=0x{udev.PRODUCT_ID}" in script
    assert f'MANUFACTURER="{udev.MANUFACTURER}"' in script


def test_the_rule_gives_access_a_stable_name_and_peace_from_modem_manager() -> None:
    (tty,) = [line for line in rule_text().splitlines() if line.startswith('SUBSYSTEM=="tty"')]
    for part in ('TAG+="uaccess"', 'SYMLINK+="barbotage-$attr{serial}"', 'ENV{ID_MM_PORT_IGNORE}="1"'):
        assert part in tty
    (usb,) = [line for line in rule_text().splitlines() if line.startswith('SUBSYSTEM=="usb"')]
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in usb
    assert RULE_FILE.name < "73-seat-late.rules"


def test_print_and_install_give_the_same_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["udev", "print"]) == 0
    printed = capsys.readouterr().out
    assert rule_installed(tmp_path) is False
    assert run_command_line(["udev", "install", "--root", str(tmp_path)]) == 0
    assert (tmp_path / RULE_FILE).read_text() == printed == rule_text()
    assert rule_installed(tmp_path) is True
    (tmp_path / RULE_FILE).write_text("old")
    assert rule_installed(tmp_path) is None
    assert sorted(path.name for path in (tmp_path / RULE_FILE).parent.iterdir()) == [RULE_FILE.name]


def test_a_rule_that_udev_does_not_take_is_not_installed(tmp_path: Path) -> None:
    def refuse(argv: Sequence[str]) -> Ran:
        return Ran(0, "") if "--help" in argv else Ran(1, "Invalid key")

    console, _ = quiet()
    with pytest.raises(BarbotageError, match="Invalid key"):
        install_rule(tmp_path, console, refuse)
    assert not list((tmp_path / RULE_FILE).parent.iterdir())


def test_without_the_right_to_write_the_command_for_root_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(_path: Path, *_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", forbid)
    console, chatter = quiet()
    assert guarded(lambda: install_rule(tmp_path, console, lambda _: Ran(None, "")), console) == RefusedError.exit_code
    assert "sudo" in chatter.getvalue()
    assert "udev install" in chatter.getvalue()


@pytest.mark.parametrize(("codes", "words"), [([None], "no udevadm"), ([1], "failed"), ([0, 0], "has read it")])
def test_udev_is_told_and_its_absence_is_said(codes: list[int | None], words: str) -> None:
    console, chatter = quiet()
    answers = iter(codes)
    udev._reload(console, lambda _: Ran(next(answers), "x"))
    assert words in chatter.getvalue()
