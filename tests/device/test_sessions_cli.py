"""The commands that care for recorded sessions, and a run that is recorded, as a person types them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from barbotage_device.cli import run_command_line
from barbotage_device.session.flags import read_flags, set_synced
from barbotage_device.session.manifest import read_manifest
from barbotage_device.session.recovery import needs_recovery

STORED = Path(__file__).parents[1] / "data" / "session-small"


@pytest.fixture(autouse=True)
def _no_user_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(STORED, tmp_path / "sessions" / "one")
    return tmp_path / "sessions"


def test_the_list_says_what_there_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sessions", "list", str(root)]) == 0
    line = capsys.readouterr().out
    size = f"{sum(file.stat().st_size for file in (root / 'one').iterdir()) / 1e6:.1f} MB"
    for words in (read_manifest(root / "one").id, "closed", "2026-01-01 00:00 UTC", "32 frames", size):
        assert words in line
    assert run_command_line(["sessions", "list", "--json", str(root / "one")]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["frames"], record["marked"], record["problem"]) == (32, False, None)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40_000])


def test_verify_names_what_is_wrong_and_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sessions", "verify", str(root)]) == 0
    assert "intact" in capsys.readouterr().out
    _flip(root / "one" / "video-0000.mcap")
    assert run_command_line(["sessions", "verify", str(root)]) == 1
    assert "video-0000.mcap" in capsys.readouterr().out
    assert run_command_line(["sessions", "verify", "--json", str(root)]) == 1
    record = json.loads(capsys.readouterr().out)
    assert not record["intact"]
    assert "video-0000.mcap" in record["problems"][0]


def test_recover_makes_a_cut_session_whole_and_says_what_is_lost(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _cut(root / "one" / "video-0000.mcap")
    assert run_command_line(["sessions", "list", str(root)]) == 0
    assert "sessions recover" in capsys.readouterr().out
    assert run_command_line(["sessions", "recover", str(root)]) == 0
    assert "recovered" in capsys.readouterr().out
    assert not needs_recovery(root / "one")
    assert run_command_line(["sessions", "recover", str(root)]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_marked_sessions_stay_and_synced_ones_go(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = root / "one"
    prune = ["sessions", "prune", "--budget-gb", "0.0001", str(root)]
    assert run_command_line(prune) == 4, "not synced"
    set_synced(one, 1)
    assert run_command_line(["sessions", "mark", str(one)]) == 0
    assert read_flags(one).marked
    assert run_command_line(prune) == 4, "marked"
    assert "1 marked" in capsys.readouterr().err
    assert run_command_line(["sessions", "unmark", str(one)]) == 0
    assert run_command_line(prune) == 0
    assert not one.exists()


def test_proxies_are_made_where_there_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["sessions", "proxy", str(root)]) == 0
    assert "small video" in capsys.readouterr().out
    assert (root / "one" / "proxy-0000.mcap").is_file()
    assert run_command_line(["sessions", "proxy", str(root)]) == 0
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "verify", "recover", "mark", "unmark", "prune", "proxy"])
def test_a_place_without_sessions_is_told(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        assert run_command_line(["sessions", command, str(path)]) == 3
        assert capsys.readouterr().err.count("\n") == 1


def _config(tmp_path: Path, text: str) -> str:
    path = tmp_path / "device.toml"
    path.write_text(f"[recording]\n{text}\n")
    return str(path)


def test_a_recorded_run_leaves_a_session_with_its_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = _config(tmp_path, "expected_minutes = 0.1")
    made = ["run", "--headless", "--source", f"session:{STORED}", "--record", str(tmp_path / "s"), "--config", config]
    assert run_command_line([*made, "--side", "right", "--image-format", "lossless", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    session = next(line for line in lines if line["event"] == "session")
    manifest = read_manifest(Path(session["path"]))
    assert (session["state"], session["frames"], manifest.header.side, manifest.header.image_format) == (
        "closed",
        32,
        "right",
        "png",
    )
    assert len(manifest.of_kind("proxy")) == 1


def test_a_run_is_refused_before_it_begins_when_there_is_no_room(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(tmp_path, "disk_budget_gb = 0.1")
    assert run_command_line(["run", "--headless", "--source", "sim", "--record", str(root), "--config", config]) == 4
    assert "no room to record" in capsys.readouterr().err
    assert [path.name for path in root.iterdir()] == ["one"]


@pytest.mark.parametrize(
    "options",
    [["--side", "left"], ["--record", "x", "--side", "up"], ["--record", "x", "--image-format", "gif"]],
    ids=["without --record", "side", "format"],
)
def test_options_that_make_no_sense_are_refused(options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["run", "--headless", "--source", "sim", *options]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_run_leaves_a_closed_session(tmp_path: Path, how: signal.Signals) -> None:
    root = tmp_path / "s"
    config = _config(tmp_path, "expected_minutes = 0.1")
    command = [
        sys.executable,
        "-c",
        "from barbotage_device.cli import main; main()",
        "run",
        "--headless",
        "--source",
        "sim",
        "--record",
        str(root),
    ]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    process = subprocess.Popen([*command, "--config", config], stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("frame "):
                break
        process.send_signal(how)
        process.stderr.read()
        assert process.wait(30.0) == 130
    finally:
        process.kill()
        process.stderr.close()
    manifest = read_manifest(next(root.iterdir()))
    assert manifest.state == "closed"
    assert manifest.summary is not None
    assert manifest.summary.frames > 0
    assert bool(manifest.of_kind("proxy")) is (how is signal.SIGINT), "a computer that shuts down has no time for it"
