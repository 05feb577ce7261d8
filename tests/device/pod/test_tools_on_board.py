"""Tier 4: the whole board on a pseudo-terminal, with the device's client and with flash, provision, monitor and doctor.

The board runs in step with the clock where the machine is fast enough; nothing here depends on that.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pod import POD_COMMAND

from barbotage_device.errors import RefusedError
from barbotage_device.probe_pod.client import Connection, PodClient, PodSettings
from barbotage_device.probe_pod.protocol import Calibration
from barbotage_device.probe_pod.state import Touched
from barbotage_firmware_tools.build.mpy import Compiled, compile_firmware
from barbotage_firmware_tools.build.sources import Firmware, read_firmware
from barbotage_firmware_tools.cli import run_command_line
from barbotage_firmware_tools.flash import flash
from barbotage_firmware_tools.greeting import send_to_prompt, wait_for_pod
from barbotage_firmware_tools.provision import checked_request, provision

pytestmark = pytest.mark.slow
PATIENCE_S = 300.0


@pytest.fixture
def port(image: Path, tmp_path: Path) -> Iterator[str]:
    """An emulated pod in a process of its own, as a person would start it."""
    link = tmp_path / "pod"
    command = [
        *POD_COMMAND,
        "emulate",
        "--image",
        str(image),
        "--link",
        str(link),
        "--flash",
        str(tmp_path / "flash"),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline().strip() == str(link)
        wait_for_pod(str(link), PATIENCE_S)
        yield str(link)
        process.stdin.write("quit\n")
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def nothing(_text: str) -> None:
    """For who asks and who tells."""


@pytest.fixture(scope="module")
def other_firmware(pod_sources: Path) -> Compiled:
    """The firmware with a change, so that there is something to flash."""
    firmware = read_firmware(pod_sources)
    changed = Firmware({**firmware.files, "pod/identity.py": firmware.files["pod/identity.py"] + b"# changed\n"}, "ab" * 32)
    return compile_firmware(changed, 1)


def give_up(text: str) -> None:
    """Somebody who presses Ctrl-C at the third file."""
    if text.startswith("3/"):
        raise KeyboardInterrupt


def test_flash_writes_what_changed_and_the_pod_runs_it(port: str, other_firmware: Compiled) -> None:
    with pytest.raises(KeyboardInterrupt):
        flash(port, other_firmware, lambda _question: False, give_up)
    assert wait_for_pod(port, PATIENCE_S).firmware_hash != "ab" * 6, "half a firmware was put in place"
    report = flash(port, other_firmware, lambda _question: False, nothing)
    assert report.before is not None
    assert report.after.firmware_hash == "ab" * 6
    assert set(report.written) == {*other_firmware.files, "manifest.json"}
    again = flash(port, other_firmware, lambda _question: False, nothing)
    assert again.written == []
    assert again.after == report.after


def test_provision_writes_reads_back_and_leaves_a_record(port: str) -> None:
    request = checked_request("BP-0042", ["inject_hpa=222"], (Calibration.IMU, Calibration.PRESSURE))
    record = provision(port, request, nothing, nothing)
    assert record["serial"] == "BP-0042"
    assert record["settings"]["inject_hpa"] == 222
    assert record["calibrated"] == ["imu", "pressure"]
    assert abs(record["settings"]["pressure_zero_hpa"] - 1013) <= 1
    assert json.loads(json.dumps(record)) == record


def test_flash_leaves_a_pod_that_runs_this_build_alone(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["flash", "--port", port, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["written"] == []
    assert report["before"] == report["after"]


def test_monitor_and_doctor_find_a_healthy_pod(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "plot.png"
    assert run_command_line(["monitor", "--port", port, "--seconds", "10", "--every", "1", "--json", "--plot", str(picture)]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(record["pressure_hpa"] is not None for record in records)
    assert all(record["damaged"] == 0 for record in records)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run_command_line(["doctor", "--port", port, "--json"]) == 0
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert all(findings[name]["ok"] for name in (port, "firmware", "protocol", "heartbeat", "IMU", "pressure sensor"))
    assert findings["serial number"]["advice"].startswith("barbotage-pod provision")


def test_the_devices_client_meets_the_whole_board(port: str) -> None:
    with PodClient(PodSettings(port=port, silence_s=20.0)) as client:
        deadline_s = time.monotonic() + PATIENCE_S
        while client.view.state.pitch_deg is None and time.monotonic() < deadline_s:
            time.sleep(0.05)
        view = client.view
    assert view.connection is Connection.CONNECTED, view.reason
    assert view.damaged_frames == 0
    assert not any(isinstance(event, Touched) for event in client.events())


def test_a_board_that_is_no_pod_is_not_overwritten_unasked(
    port: str, other_firmware: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = []

    def decline(question: str) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr("barbotage_firmware_tools.flash._POD_MACHINE", "some other board")
    monkeypatch.setattr("barbotage_firmware_tools.flash.who_is_at", lambda _port: None)
    monkeypatch.setattr("barbotage_firmware_tools.flash._LOOK_S", PATIENCE_S)
    send_to_prompt(port)
    with pytest.raises(RefusedError, match="not flashed"):
        flash(port, other_firmware, decline, nothing)
    assert "Barbotage probe pod" in questions[0]
