"""``barbotage logs``: what the device noted, and new lines as they come."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.support.served import Bench, served

from barbotage_device.link.messages import LogLine
from barbotage_device.link.roles import Role
from barbotage_device.runtime.logbook import LOG_NAME, Logbook
from barbotage_host.logs.commands import line_of, parse_log

COMMAND = "from barbotage_host.cli import main; main()"


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with served(tmp_path, capsys, monkeypatch) as made:
        yield made


def test_the_log_tells_what_a_host_did(bench: Bench) -> None:
    bench.json("config", "set", "screen.language=en")
    bench.run("config", "set", "link.security=none")
    said = bench.run("logs").out
    assert "started: version" in said
    assert "connected: 'test host' as service" in said
    assert 'setting screen.language: "fr" -> "en"' in said


def test_only_graver_lines_and_so_many_of_them(bench: Bench) -> None:
    logbook = Logbook(bench.folder / "device")
    for number in range(5):
        logbook.logger.info("info %d", number)
        logbook.logger.error("error %d", number)
    said = bench.run("logs", "--level", "error", "--lines", "2", "--json")
    assert [json.loads(line)["text"] for line in said.out.splitlines()] == ["error 3", "error 4"]
    assert bench.run("logs", "-n", "0").out == ""
    assert "not one of" in bench.run("logs", "--level", "loud").err
    assert bench.run("logs", "--level", "loud").code == 2


def test_a_viewer_does_not_follow_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, capsys, monkeypatch, Role.VIEWER) as bench:
        assert bench.run("logs", "--follow").code == 4


def next_line(stream: IO[str], wanted: str) -> str:
    """The next line that holds ``wanted``."""
    while wanted not in (line := stream.readline()):
        assert line, f"the end came before {wanted!r}"
    return line


def test_new_lines_come_once_each_and_over_a_lost_line(bench: Bench) -> None:
    options = ["--state", str(bench.folder / "host"), "--port", bench.cable.a, "--follow", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "logs", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = [next_line(process.stdout, "connected: ")]
        logbook = Logbook(bench.folder / "device")
        logbook.follow(bench.server.log)
        logbook.logger.warning("first")
        lines.append(next_line(process.stdout, "first"))
        bench.cable.cut("hangup")
        next_line(process.stderr, "waiting for the device")
        logbook.logger.warning("second")
        bench.cable.restore()
        while "second" not in lines[-1]:
            lines.append(process.stdout.readline())
        logbook.logger.warning("third")
        while "third" not in lines[-1]:
            lines.append(process.stdout.readline())
        time.sleep(0.1)
    finally:
        process.send_signal(2)
        rest, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    texts = [json.loads(line)["text"] for line in [*lines, *rest.splitlines()]]
    assert [text for text in texts if text in ("first", "second", "third")] == ["first", "second", "third"]
    assert any("waiting for it" in text for text in texts)


def test_a_pushed_line_is_the_one_of_the_document(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path)
    pushed: list[LogLine] = []
    logbook.follow(lambda level, utc_ns, text: pushed.append(LogLine(level, utc_ns, text)))
    for _ in range(200):
        logbook.logger.warning("something  with  blanks")
    assert [line_of(each) for each in pushed] == parse_log((tmp_path / LOG_NAME).read_bytes())
