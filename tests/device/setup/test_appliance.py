"""The service and the script that installs it. A real installation is tried in an overlay of this computer (marked slow)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "device" / "setup"
SCRIPT = SETUP / "install"
UNITS = ("barbotage.service", "barbotage-usb.service")
NOBODY = 65534


def needed(tool: str) -> str:
    """A tool, or the test is skipped; on the landing machine (CI=true) it fails instead."""
    found = shutil.which(tool)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{tool} is not installed, and must be here")
        pytest.skip(f"{tool} is not installed: NOT TESTED")
    return found


def call(*arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), *arguments], user=user, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line_of_the_unit(unit: str, tmp_path: Path) -> None:
    analyze = needed("systemd-analyze")
    text = (SETUP / unit).read_text()
    # What it starts is not installed here: a program that is takes its place, so that only the unit itself is judged.
    copy = tmp_path / unit
    copy.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run([analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_restarts_is_watched_and_keeps_the_session() -> None:
    lines = (SETUP / "barbotage.service").read_text().splitlines()
    for line in (
        "Type=notify",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "User=barbotage",
        "StateDirectory=barbotage",
        "ExecStart=/opt/barbotage/bin/barbotage-device run $BARBOTAGE_OPTIONS",
    ):
        assert line in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert any("--record /var/lib/barbotage/" in line for line in lines)


def test_nothing_in_the_service_shuts_out_devices_that_come_later() -> None:
    keys = {line.partition("=")[0] for line in (SETUP / "barbotage.service").read_text().splitlines() if not line.startswith("#")}
    assert not keys & {
        "PrivateDevices",
        "DevicePolicy",
        "DeviceAllow",
        "ProtectClock",
        "PrivateNetwork",
        "MemoryDenyWriteExecute",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--frm", "x"], 2, "'--frm' is unknown"),
        (["--from"], 2, "--from needs a value"),
        (["--screen", "x11"], 2, "--screen 'x11' is not known"),
        (["--source", "v4l2:a b"], 2, "characters that the options file cannot hold"),
        (["--dry-run", "--from", "/nowhere/x.whl"], 3, "there is no /nowhere/x.whl"),
        (["--dry-run", "--wheels", "/nowhere"], 3, "there is no folder /nowhere"),
    ],
)
def test_a_wrong_command_line_is_said_in_one_line_and_nothing_is_done(arguments: list[str], code: int, said: str) -> None:
    done = call(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_without_the_right_to_it_nothing_is_changed(tmp_path: Path) -> None:
    copy = tmp_path / "device" / "setup" / "install"
    copy.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, copy)
    done = subprocess.run(
        ["/bin/sh", "-s", "--", "--from", "x"],
        input=SCRIPT.read_text(),
        user=NOBODY if os.geteuid() == 0 else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "run it with sudo" in done.stderr


def test_help_names_every_option_and_exit_code() -> None:
    done = call("--help")
    assert done.returncode == 0
    options = set(re.findall(r"^ +(--[a-z-]+)(?: \|.*)?\)", SCRIPT.read_text(), re.MULTILINE))
    for word in {*options, "--from", "--wheels", "--source", "--screen", "Exit codes", "Examples"}:
        assert word in done.stdout


@pytest.mark.skipif(Path("/opt/barbotage").exists(), reason="this computer is a device")
def test_a_dry_run_names_every_step_and_changes_nothing() -> None:
    for tool in ("apt-get", "systemctl", "useradd"):
        needed(tool)
    done = call("--dry-run", "--any-machine", "--usb")
    assert done.returncode == 0, done.stderr
    for word in ("useradd", "usermod", "venv", "pip install", "/etc/default/barbotage", *UNITS, "nothing was changed"):
        assert word in done.stdout
    for path in ("/opt/barbotage", "/etc/default/barbotage", "/etc/systemd/system/barbotage.service"):
        assert not Path(path).exists()


def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run([needed("shellcheck"), SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


IN_AN_OVERLAY = """
set -e
mkdir "$1/upper" "$1/new"
mount -t tmpfs upper "$1/upper"
mkdir "$1/upper/data" "$1/upper/work"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper/data,workdir=$1/upper/work" overlay "$1/new"
for each in proc sys dev; do mount --rbind "/$each" "$1/new/$each"; done
shift
chroot "$NEW" "$@"
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: NOT TESTED")
@pytest.mark.skipif(Path("/opt/barbotage").exists(), reason="this computer is a device")
def test_a_real_installation_can_be_repeated_and_leaves_a_service_that_systemd_accepts(tmp_path: Path) -> None:
    """In an overlay, with real users, units and Debian packages; of the program only itself, as the rest is the work of pip."""
    for tool in ("apt-get", "systemctl", "useradd", "unshare", "systemd-analyze"):
        needed(tool)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path / "wheels", SCRIPT.parents[2]], check=True)
    (wheel,) = (tmp_path / "wheels").glob("barbotage-*.whl")
    config = "/boot/firmware/config.txt"
    script = f"""
      mkdir -p /boot/firmware; : > {config}
      "{SCRIPT}" --from "{wheel}" --any-machine --no-start --usb --source v4l2:/dev/video2 --screen eglfs
      echo SECOND; echo '# mine' >> /etc/default/barbotage
      "{SCRIPT}" --from "{wheel}" --any-machine --no-start --usb --source sim
      echo FILES
      id -nG barbotage; cat /etc/default/barbotage {config}
      readlink /etc/systemd/system/multi-user.target.wants/barbotage.service
      readlink /usr/local/bin/barbotage-device
      test -x /opt/barbotage/bin/barbotage-device && test -x /opt/barbotage/setup/usb-gadget
      stat -c '%U %n' /var/lib/barbotage
      systemd-analyze verify --man=no barbotage.service barbotage-usb.service && echo VERIFIED
    """
    environ = os.environ | {"NEW": str(tmp_path / "new"), "PIP_NO_DEPS": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    argv = ["unshare", "--mount", "sh", "-c", IN_AN_OVERLAY, "sh", str(tmp_path), "sh", "-ec", script]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr + done.stdout
    first, _, rest = done.stdout.partition("SECOND")
    second, _, files = rest.partition("FILES")
    assert "doing   user barbotage" in first
    assert re.findall(r"^doing   (.*)", second, re.MULTILINE) == [f"the program from {wheel}"]
    groups, *_ = files.split("\n")[1:]
    assert {"video", "input", "dialout"} <= set(groups.split())
    for line in (
        "BARBOTAGE_OPTIONS=--source v4l2:/dev/video2 --record /var/lib/barbotage/sessions --serial /dev/ttyGS0",
        "QT_QPA_PLATFORM=eglfs",
        "# mine",
        "/etc/systemd/system/barbotage.service",
        "/opt/barbotage/bin/barbotage-device",
        "barbotage /var/lib/barbotage",
        "VERIFIED",
    ):
        assert line in files.splitlines()
    assert files.count("dtoverlay=dwc2,dr_mode=peripheral") == 1
