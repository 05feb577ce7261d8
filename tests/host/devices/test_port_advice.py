"""Every way in which a port fails is said with what to do about it."""

import errno
import os
import re
import tty
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.link import VirtualLine, make_device, make_host

from barbotage_device.link.client import NO_ANSWER
from barbotage_device.link.errors import LinkError, LinkLostError, PeerRefusedError
from barbotage_device.link.host_end import State
from barbotage_device.link.transport import TtyTransport
from barbotage_host.devices.advice import advised, holder_of
from barbotage_host.devices.connecting import open_client
from barbotage_host.devices.home import Home


def failed(number: int) -> LinkError:
    """The error of a port that the system does not open."""
    error = LinkError("/dev/x cannot be opened")
    error.__cause__ = OSError(number, os.strerror(number))
    return error


def make_proc(folder: Path, comm: str, holds: Path | None) -> Path:
    """A /proc with one process."""
    process = folder / "proc" / "321"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text(comm + "\n")
    if holds is not None:
        (process / "fd" / "7").symlink_to(holds)
    return folder / "proc"


@pytest.mark.parametrize(
    ("comm", "holds", "number", "code", "words"),
    [
        ("", False, errno.EACCES, 4, ["permission denied", "usermod -aG", "udev install"]),
        ("minicom", True, errno.EBUSY, 1, ["in use by minicom (process 321)", "end that program"]),
        ("ModemManager", True, errno.EBUSY, 1, ["by ModemManager (process 321)", "30 s", "udev install"]),
        ("ModemManager", False, errno.EBUSY, 1, ["perhaps by ModemManager", "udev install"]),
        ("bash", False, errno.EBUSY, 1, ["in use by a program of another user"]),
    ],
)
def test_a_port_that_does_not_open_is_explained(
    comm: str, holds: bool, number: int, code: int, words: list[str], tmp_path: Path
) -> None:
    port = tmp_path / "ttyX"
    port.touch()
    error = advised(str(port), failed(number), proc=make_proc(tmp_path, comm, port if holds else None))
    assert error.exit_code == code
    assert all(word in str(error) for word in words), error


@pytest.mark.parametrize(
    ("baud", "words"), [(None, ["--baud", "ModemManager"]), (115200, ["both ends must have the rate 115200"])]
)
def test_a_silent_port_is_explained(baud: int | None, words: list[str], tmp_path: Path) -> None:
    error = advised("/dev/x", LinkLostError(NO_ANSWER), baud, make_proc(tmp_path, "ModemManager", None))
    assert error.exit_code == 3
    assert all(word in str(error) for word in ["/dev/x", "is it on", *words]), error


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("absent", 3, ["there is no port", "not only power"]),
        ("file", 1, ["is not a serial port", "barbotage ports"]),
        ("", 1, ["not a serial"]),
    ],
)
def test_what_is_no_port_is_explained(name: str, code: int, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Exception, match=re.escape(words[0])) as caught:
        open_client(str(tmp_path / name), None, Home(tmp_path / "state", tmp_path))
    assert all(word in str(caught.value) for word in words), caught.value
    assert getattr(caught.value, "exit_code", None) == code


def test_a_port_in_use_names_its_holder() -> None:
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        first = TtyTransport(os.ttyname(slave))
        assert holder_of(os.ttyname(slave)) is not None
        first.close()
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_with_another_key_is_refused_loudly_before_it_is_told_anything() -> None:
    host, device = make_host(), make_device()
    line = VirtualLine(host, device)
    line.run(lambda: host.state is not State.GREETING)
    host.shake_hands(bytes(32), line.now_s)
    line.run(lambda: host.state is not State.SHAKING)
    assert host.state is State.REFUSED
    assert all(word in host.refusal for word in ("KEY", "SERIAL1", "CHANGED", "pretends", "barbotage pair"))
    assert device.caller is None


@pytest.mark.parametrize(("versions", "words"), [((2, 3), "this computer's barbotage"), ((0, 0), "the device")])
def test_versions_that_do_not_fit_say_which_end_to_update(
    versions: tuple[int, int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, device = make_host(), make_device()
    own = device._own_hello
    monkeypatch.setattr(device, "_own_hello", lambda answers: replace(own(answers), versions=versions))
    line = VirtualLine(host, device)
    line.run(lambda: host.state is not State.GREETING)
    assert host.state is State.REFUSED
    assert f"update {words}" in host.refusal
    assert PeerRefusedError(host.refusal).exit_code == 4
