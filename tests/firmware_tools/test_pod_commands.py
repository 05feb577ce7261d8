"""The command barbotage-pod: exit codes and what it says, without a pod."""

import json
import os
from pathlib import Path

import pytest

from barbotage_firmware_tools.cli import run_command_line


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("flash", 3, "no probe pod is plugged in"),
        ("monitor --port /dev/not-there", 3, "/dev/not-there: it is not there"),
        ("monitor --plot nowhere/x.png", 3, "nowhere/x.png: the folder"),
        ("monitor --every 0", 2, "--every"),
        ("provision", 2, "--serial"),
        ("provision --serial BP-1 --skip nothing", 2, "imu and pressure"),
        ("provision --serial BP-1 --set inject_hpa=1", 2, "10 to 5000"),
        ("provision --serial BP-1 --record nowhere/x.json", 3, "nowhere/x.json: the folder"),
        ("emulate --quick --flash x", 2, "--quick"),
        ("build --out file/dist", 1, "file/dist"),
        ("explode", 2, "explode"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    line: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("barbotage_device.probe_pod.port.find_pods", list)
    (tmp_path / "file").touch()
    assert run_command_line(line.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ("--image nowhere.uf2", 3, "nowhere.uf2"),
        ("--image image.uf2", 1, "not a UF2 image"),
        ("--image image.uf2 --flash small", 1, "small: 5 bytes"),
        ("--image image.uf2 --flash nowhere/flash", 3, "nowhere/flash: the folder"),
        ("--image image.uf2 --script nowhere.txt", 3, "nowhere.txt"),
        ("--image image.uf2 --script script.txt", 1, "script.txt:1"),
    ],
)
def test_what_cannot_be_emulated_is_said_in_one_line(
    options: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rp2040py", reason="the emulator is not installed: pip install 'barbotage[pod]'")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image.uf2").write_bytes(bytes(512))
    (tmp_path / "small").write_bytes(b"12345")
    (tmp_path / "script.txt").write_text("1 explode\n", encoding="utf-8")
    assert run_command_line(["emulate", *options.split()]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_without_compilers_the_image_names_all_that_is_to_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_command_line(["image", "--cache", str(tmp_path / "cache")]) == 3
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "sudo apt install" in err
    assert all(package in err for package in ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "cmake", "ninja-build"))


def test_a_file_that_bears_the_name_of_a_link_is_not_deleted(tmp_path: Path) -> None:
    from barbotage_device.errors import RefusedError
    from barbotage_firmware_tools.board.pseudoterminal import PseudoTerminal

    file, link = tmp_path / "precious", tmp_path / "pod"
    file.write_text("kept", encoding="utf-8")
    with pytest.raises(RefusedError, match="precious"):
        PseudoTerminal(file)
    assert file.read_text(encoding="utf-8") == "kept"
    link.symlink_to("/left/by/an/earlier/run")
    terminal = PseudoTerminal(link)
    assert os.path.realpath(link) == terminal.slave
    terminal.close()
    assert not os.path.lexists(link)


def test_the_doctor_looks_at_everything_without_a_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("barbotage_firmware_tools.doctor.find_pods", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    run_command_line(["doctor", "--cache", str(tmp_path / "cache"), "--json"])
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["arm-none-eabi-gcc"]["ok"] is None
    assert "gcc-arm-none-eabi" in findings["arm-none-eabi-gcc"]["advice"]
    assert findings["image"]["advice"] == "barbotage-pod image"
    assert "barbotage-pod emulate" in findings["port"]["advice"]


@pytest.mark.parametrize("command", ["build", "image", "flash", "provision", "monitor", "emulate", "doctor", "protocol"])
def test_every_command_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line([command, "--help"]) == 0
    assert f"Examples:\n    barbotage-pod {command}" in capsys.readouterr().out
