"""The commands that watch and emulate a pod, in processes of their own, on MicroPython's unix port: Ctrl-C, scripts, another protocol."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.pod import POD_COMMAND

from barbotage_firmware_tools.board.pseudoterminal import PseudoTerminal
from barbotage_firmware_tools.board.quick import QuickPod
from barbotage_firmware_tools.cli import run_command_line

PATIENCE_S = 60.0


@contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*POD_COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_monitor_ended_by_ctrl_c_still_draws_its_picture(unix_port: Path, pod_sources: Path, tmp_path: Path) -> None:
    port, picture = tmp_path / "pod", tmp_path / "plot.png"
    with (
        QuickPod(unix_port, pod_sources, port),
        started("monitor", "--port", str(port), "--every", "0.2", "--plot", str(picture)) as monitor,
    ):
        assert monitor.stdout is not None
        assert "frames/s" in next(line for line in monitor.stdout if "pressure " in line and "pressure -" not in line)
        monitor.send_signal(signal.SIGINT)
        _, said = monitor.communicate(timeout=PATIENCE_S)
        assert (monitor.returncode, said.splitlines()[-1]) == (130, "interrupted")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("unix_port")
def test_an_emulated_pod_plays_its_script_and_ctrl_c_takes_its_port_away(tmp_path: Path) -> None:
    port, script = tmp_path / "pod", tmp_path / "script.txt"
    script.write_text("0.5 pitch 20\n1 cycle\n3 pedal double\n", encoding="utf-8")
    with started("emulate", "--quick", "--link", str(port), "--script", str(script)) as emulated:
        assert emulated.stdout is not None
        assert emulated.stdin is not None
        assert emulated.stdout.readline().strip() == str(port)
        with started("monitor", "--port", str(port), "--seconds", "8", "--json") as monitor:
            out, _ = monitor.communicate(timeout=PATIENCE_S)
        records = [json.loads(line) for line in out.splitlines()]
        assert abs(records[-1]["pitch_deg"] - 20) < 1
        assert records[-1]["cycles"] == 1
        assert "pedal: double" in [event for record in records for event in record["events"]]
        emulated.stdin.write("help\nshow\nnonsense\n")
        emulated.stdin.flush()
        time.sleep(1)
        emulated.send_signal(signal.SIGINT)
        _, said = emulated.communicate(timeout=PATIENCE_S)
    assert emulated.returncode == 130
    assert not os.path.lexists(port)
    lines = said.splitlines()
    assert lines[-4].startswith("pitch DEG | roll DEG")
    assert lines[-3].startswith("ring ")
    assert lines[-2].startswith("'nonsense' is not known")


@pytest.mark.parametrize("command", [["monitor"], ["provision", "--serial", "BP-1", "--yes"]])
def test_a_pod_of_another_protocol_is_refused_with_what_helps(
    unix_port: Path, pod_sources: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    port = tmp_path / "pod"
    with QuickPod(unix_port, pod_sources, port, protocol=0):
        assert run_command_line([*command, "--port", str(port)]) == 4
    err = capsys.readouterr().err
    assert "barbotage-pod flash" in err
    assert len(err.splitlines()) == 1


def test_a_port_at_which_no_pod_answers_is_told_from_one_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = PseudoTerminal()
    try:
        assert run_command_line(["doctor", "--port", terminal.port, "--json"]) == 1
    finally:
        terminal.close()
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert findings[terminal.port]["text"] == "opens, but no pod answers"
    run_command_line(["doctor", "--port", "/dev/not-there", "--json"])
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert "not there" in findings["/dev/not-there"]["text"]
