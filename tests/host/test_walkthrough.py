"""The lines of docs/host.md, run word for word: a device on one end of the emulated cable, every command of the host on the other."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```\n(python tests/support/cable\.py .*?)```", re.S)
CODE = re.compile(r"code (\d{4}) (\d{4})")
LONGEST_S = 120.0


class Terminal:
    """A shell's worth of commands in one folder; what was put into the background ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.background: list[subprocess.Popen[str]] = []
        home = {name: str(folder / "home" / name) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        self.environment = os.environ | home | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def start(self, line: str) -> Path:
        """Runs a line in the background; the file that gets what it says."""
        said = self.folder / f"said-{len(self.background)}"
        with said.open("w") as file:
            self.background.append(
                subprocess.Popen(
                    shlex.split(line), cwd=self.folder, env=self.environment, stdout=file, stderr=subprocess.STDOUT, text=True
                )
            )
        return said

    def run(self, line: str, typed: str = "") -> str:
        """Runs a line to its end; its result. Fails when the line does."""
        done = subprocess.run(
            shlex.split(line),
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """Ends the background, the last first."""
        for process in reversed(self.background):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "demo" / "sessions").mkdir(parents=True)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    made = ROOT / "tests" / "data" / "session-small"
    shutil.copytree(made, tmp_path / "demo" / "sessions" / _session_id(made))
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def _session_id(folder: Path) -> str:
    name: str = json.loads((folder / "session.json").read_text())["id"]
    return name


def _wait_for(said: Path, pattern: re.Pattern[str]) -> re.Match[str]:
    ends_s = time.monotonic() + LONGEST_S
    while time.monotonic() < ends_s:
        found = pattern.search(said.read_text())
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{pattern.pattern} was never said:\n{said.read_text()}")


def _pair(terminal: Terminal, line: str, serving: Path) -> None:
    """Pairs as a person does: looks at the device's screen, types what it shows."""
    pairing = subprocess.Popen(
        shlex.split(line), cwd=terminal.folder, env=terminal.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    code = "".join(_wait_for(serving, CODE).groups())
    _, said = pairing.communicate(f"{code}\n", timeout=LONGEST_S)
    assert pairing.returncode == 0, said


@pytest.mark.slow
def test_the_lines_of_the_guide_do_what_they_say(terminal: Terminal) -> None:
    match = BLOCK.search((ROOT / "docs" / "host.md").read_text())
    assert match
    device = terminal.folder / "demo" / "sessions"
    session = next(device.iterdir()).name
    said: dict[str, str] = {}
    serving = Path()
    for line in (line.split("#")[0].strip() for line in match.group(1).splitlines()):
        if line.endswith("&"):
            serving = terminal.start(line.removesuffix("&"))
            _wait_for(serving, re.compile("tty"))
        elif line.startswith("barbotage pair"):
            _pair(terminal, line, serving)
        elif line.startswith("barbotage review"):
            _wait_for(terminal.start(f"{line} --no-browser --json"), re.compile('"url"'))
        elif line:
            said[line] = terminal.run(line.replace("01K...", session))
    assert session in said["barbotage sessions"]
    assert session in said["barbotage archive list --archive archive"]
    assert "recording.jpeg_quality = 93" in said["barbotage config diff --factory"]
    assert "jpeg_quality = 93" in (terminal.folder / "device-settings.toml").read_text()
    assert "health" in said["barbotage live --for 5"]
    assert "setting recording.jpeg_quality: 90 -> 93" in said["barbotage logs"]
    assert not any(device.iterdir())
    assert len(list((terminal.folder / "archive").rglob(f"{session}/session.json"))) == 1
