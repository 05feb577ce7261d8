"""The udev rule for devices on USB, and its installation."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.console import EXIT_DONE, Console
from barbotage_device.errors import BarbotageError, RefusedError

VENDOR_ID = "1209"
PRODUCT_ID = "0001"
MANUFACTURER = "Barbotage"
"""As device/setup/usb-gadget makes the device's USB port."""
RULE_FILE = Path("etc/udev/rules.d/70-barbotage.rules")
"""Before 73-seat-late.rules, which acts on the tag uaccess."""
COMMAND_WITHIN_S = 30.0

_RULE = f"""# Barbotage devices on USB: made by 'barbotage udev install', which also replaces this file.
#
# {VENDOR_ID}:{PRODUCT_ID} is pid.codes' id for private tests, which anybody may use: the manufacturer's name is therefore asked for as well.
# Before devices are distributed it must be replaced by an assigned one, here and in device/setup/usb-gadget.

ACTION=="remove", GOTO="barbotage_end"

# ModemManager would send AT commands for up to 30 s to whatever looks like a modem: it leaves the device and its port alone.
SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{VENDOR_ID}", ATTR{{idProduct}}=="{PRODUCT_ID}", ATTR{{manufacturer}}=="{MANUFACTURER}", ENV{{ID_MM_DEVICE_IGNORE}}="1"

# Who sits at the computer may open the port, without being in a group (uaccess). /dev/barbotage-SERIAL is always the same device.
SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{VENDOR_ID}", ATTRS{{idProduct}}=="{PRODUCT_ID}", ATTRS{{manufacturer}}=="{MANUFACTURER}", ENV{{ID_MM_DEVICE_IGNORE}}="1", ENV{{ID_MM_PORT_IGNORE}}="1", TAG+="uaccess", SYMLINK+="barbotage-$attr{{serial}}"

LABEL="barbotage_end"
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command gave. ``code`` None: there is no such command here."""

    code: int | None
    said: str


def run(argv: Sequence[str]) -> Ran:
    """Runs a command of the system."""
    path = shutil.which(argv[0])
    if path is None:
        return Ran(None, "")
    try:
        done = subprocess.run(  # noqa: S603
            [path, *argv[1:]], capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Ran(1, str(error))
    return Ran(done.returncode, " ".join((done.stdout + done.stderr).split()))


def rule_text() -> str:
    """The rule file."""
    return _RULE


def rule_installed(root: Path = Path("/")) -> bool | None:
    """Whether the rule file is there as this software writes it; None when another version of it is."""
    try:
        return True if (root / RULE_FILE).read_text(encoding="utf-8") == _RULE else None
    except OSError:
        return False


def print_rule(console: Console) -> int:
    """The rule file on stdout."""
    console.result(_RULE.rstrip("\n"))
    return EXIT_DONE


def install_rule(root: Path, console: Console, run: Callable[[Sequence[str]], Ran] = run) -> int:
    """Writes the rule file under ``root`` and, on the running system, makes udev read it. Raises RefusedError without the right to, BarbotageError."""
    path = root / RULE_FILE
    draft = path.with_name(f".{path.name}.tmp")  # not *.rules: udev reads only whole files
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(_RULE, encoding="utf-8")
        draft.chmod(0o644)
        _verify(console, run)
        draft.replace(path)
    except PermissionError as error:
        raise RefusedError(
            f"{path} cannot be written: {error.strerror}; run it as root: 'sudo {_own_path()} udev install'"
        ) from error
    except OSError as error:
        raise BarbotageError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    console.result(f"{path} is written")
    if root == Path("/"):
        _reload(console, run)
    return EXIT_DONE


def _verify(console: Console, run: Callable[[Sequence[str]], Ran]) -> None:
    """Asks udev whether the file is sound, where it can tell (systemd 254 and newer)."""
    if run(["udevadm", "verify", "--help"]).code != 0:
        console.note("this udev cannot verify rule files; skipped")
        return
    with tempfile.TemporaryDirectory(prefix="barbotage-udev-") as folder:
        copy = Path(folder, RULE_FILE.name)  # udev looks only at files that are called *.rules
        copy.write_text(_RULE, encoding="utf-8")
        ran = run(["udevadm", "verify", "--resolve-names=never", str(copy)])
    if ran.code != 0:
        raise BarbotageError(f"udev does not take the rule file: {ran.said}")
    console.note("udev has verified the rule file")


def _reload(console: Console, run: Callable[[Sequence[str]], Ran]) -> None:
    commands = (
        ("udevadm", "control", "--reload"),
        ("udevadm", "trigger", "--action=change", "--subsystem-match=usb", "--subsystem-match=tty"),
    )
    for argv in commands:
        ran = run(argv)
        if ran.code is None:
            console.note("there is no udevadm here; the rule counts from the next start on")
            return
        if ran.code:
            console.warning(f"'{' '.join(argv)}' failed: {ran.said}; the rule counts from the next start on")
            return
    console.note("udev has read it; if a device is plugged in, unplug it and plug it in again")


def _own_path() -> str:
    """The path of this command: root's search path hardly has it."""
    return shutil.which("barbotage") or "barbotage"
