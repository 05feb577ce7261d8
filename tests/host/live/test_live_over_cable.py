"""Telemetry, events and log lines arrive as lines and as JSON; a cut line comes back by itself; the display leaves the terminal as it was."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.host.live.conftest import Talker
from tests.host.live.test_live_display import GUIDANCE, HEALTH, STATUS

from barbotage_device.errors import UsageError
from barbotage_host.live.commands import LiveRequest, show_live, show_until

COMMAND = "from barbotage_host.cli import main; main()"


class Watching:
    """``barbotage live`` in a thread, until a test has seen enough."""

    def __init__(self, talker: Talker, as_json: bool) -> None:
        self.talker = talker
        self._failure: BaseException | None = None
        self._done = threading.Event()
        context = talker.context(as_json)

        def run() -> None:
            try:
                show_until(context, LiveRequest(None, 20.0, None), self._done.is_set)
            except BaseException as error:  # noqa: BLE001
                self._failure = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def until(self, seen: Callable[[], bool], each: Callable[[], None] = lambda: None, within_s: float = 20.0) -> None:
        """Waits until the test has seen something; ``each`` is done meanwhile, ten times a second."""
        ends_s = time.monotonic() + within_s
        while not seen():
            assert time.monotonic() < ends_s, (self.talker.out.getvalue(), self.talker.err.getvalue())
            each()
            time.sleep(0.1)

    def end(self) -> None:
        self._done.set()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()
        assert self._failure is None


def objects(talker: Talker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in talker.out.getvalue().splitlines()]


def tell(talker: Talker) -> None:
    talker.publish("status", STATUS)
    talker.publish("guidance", GUIDANCE)
    talker.publish("health", HEALTH | {"cpu_celsius": float("nan")})


def test_every_message_becomes_one_json_object(talker: Talker) -> None:
    watching = Watching(talker, as_json=True)
    watching.until(lambda: len(objects(talker)) > 0)

    def speak() -> None:
        tell(talker)
        talker.server.event("bookmark", 5, {"text": "x"})
        talker.server.log(40, 6, "too hot")

    watching.until(lambda: {"telemetry", "event", "log"} <= {each["type"] for each in objects(talker)}, speak)
    watching.end()
    said = objects(talker)
    assert said[0] == {"type": "connection", "state": "connected", "serial": "TEST0001", "why": None}
    newest = {each["topic"]: each["value"] for each in said if each["type"] == "telemetry"}
    assert newest["guidance"] == GUIDANCE
    assert newest["health"]["cpu_celsius"] is None
    assert {"type": "log", "level": 40, "t_ns": 6, "text": "too hot"} in said
    assert any(each["type"] == "event" and (each["topic"], each["t_ns"]) == ("bookmark", 5) for each in said)
    assert not talker.server.end._topics  # it has taken its leave


def test_a_cut_line_is_said_and_comes_back_by_itself(talker: Talker) -> None:
    watching = Watching(talker, as_json=False)
    watching.until(lambda: "tip to target 12.3 mm" in talker.out.getvalue(), lambda: tell(talker))
    talker.cable.cut("hangup")
    watching.until(lambda: "trying again" in talker.err.getvalue())
    assert talker.err.getvalue().count("connected to TEST0001") == 1
    talker.cable.restore()
    count = talker.out.getvalue().count("12.3 mm")
    watching.until(lambda: talker.out.getvalue().count("12.3 mm") > count, lambda: tell(talker))
    assert talker.err.getvalue().count("connected to TEST0001") == 2
    assert talker.err.getvalue().count("lost: ") == 1
    watching.end()


@pytest.mark.parametrize("topics", ["", " , ", ",".join(f"t{index}" for index in range(40))])
def test_topics_that_make_no_sense_are_refused(talker: Talker, topics: str) -> None:
    with pytest.raises(UsageError, match="--topics"):
        show_live(talker.context(), LiveRequest(topics, 10.0, 1.0))


def test_in_a_terminal_it_fills_the_screen_and_leaves_it_clean_after_ctrl_c(talker: Talker) -> None:
    master, slave = pty.openpty()
    argv = [sys.executable, "-c", COMMAND, "live", "--state", str(talker.folder / "host"), "--port", talker.cable.a]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment)
    os.close(slave)
    try:
        shown = b""
        ends_s = time.monotonic() + 20
        while b"tip to target, mm" not in shown and time.monotonic() < ends_s:
            tell(talker)
            if select.select([master], [], [], 0.1)[0]:
                shown += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        shown += os.read(master, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert process.returncode == 130
    assert said.decode().strip().splitlines()[-1] == "interrupted"
    assert b"\x1b[?1049h" in shown
    assert b"recording 01JZXW5S3M3Q5C8R1T9V7N2K4P" in shown
    assert shown.rindex(b"\x1b[?1049l") > shown.rindex(b"\x1b[?1049h")
    assert not any(f"\x1b[{colour}m".encode() in shown for colour in (31, 32, 33))
