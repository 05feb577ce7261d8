"""The gadget script answers without a USB controller. What it does with one is checked in a virtual machine (tests/drivers)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "device" / "setup" / "usb-gadget"
NOBODY = 65534


def call(*arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-s", "--", *arguments], input=SCRIPT.read_text(), user=user, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "start, stop, status or remove?"),
        (["begin"], "'begin' is unknown"),
        (["start", "stop"], "'start' and 'stop' at once"),
        (["status", "--udc"], "--udc needs a value"),
    ],
)
def test_a_wrong_command_line_is_said_in_one_line(arguments: list[str], said: str) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_help_names_every_command_and_exit_code() -> None:
    done = call("--help")
    assert done.returncode == 0
    for word in ("start", "stop", "status", "remove", "--udc", "--serial", "--json", "Exit codes", "Examples"):
        assert word in done.stdout


@pytest.mark.skipif(Path("/sys/kernel/config/usb_gadget/barbotage").exists(), reason="this computer is a device")
def test_status_without_a_gadget_says_so_in_words_and_in_json() -> None:
    words, told = call("status"), call("status", "--json")
    assert (words.returncode, told.returncode) == (3, 3)
    assert "absent" in words.stdout
    assert json.loads(told.stdout) == {"state": "absent", "udc": "", "usb_state": "", "serial": "", "tty": "", "held_by": []}


@pytest.mark.parametrize("action", ["start", "stop", "remove"])
def test_without_the_right_to_it_nothing_is_changed(action: str) -> None:
    done = call(action, user=NOBODY if os.geteuid() == 0 else None)
    assert done.returncode == 4
    assert "run it with sudo" in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
