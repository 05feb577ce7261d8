"""The check itself, run in the virtual machine: this tree's gadget script, device and host over the kernel's own USB serial drivers.

The machine is device and PC at once: dummy_hcd is a USB controller whose two ends are both here. Each step is a function that returns what it
measured and raises AssertionError; they run in order, and the first that fails ends the check.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE))

from tests.drivers.forked import Command, preload  # noqa: E402

OUT = Path("/tmp/out")  # noqa: S108
GADGET = TREE / "device" / "setup" / "usb-gadget"
GADGET_TTY = Path("/dev/ttyGS0")
UDEVD = Path("/lib/systemd/systemd-udevd")
HOST_TTYS = "ttyACM*"
NOT_COPIED = "flags.json"
"""What a device notes about a session; every other file must arrive unchanged."""
ANSWERS_WITHIN_S = 60.0
"""For what takes a second or two on a computer that is not emulated."""
CLOSES_WITHIN_S = 12.0
"""A program that ends must not wait for a peer that does not read: with bytes unsent, kernels wait 15 s (u_serial) or 30 s (cdc-acm)."""
INFO_WITHIN_S = 2.0
UNPLUGGED_S = 2.0
INTERRUPT_AT = 0.2
"""Share of a session that has arrived when it is interrupted."""

MOST_PLUGS = 3
LINK_WITHIN_S = 20.0

Facts = dict[str, Any]


@dataclass
class Bench:
    """Folders, and the serving device."""

    root: Path = Path("/tmp/bench")  # noqa: S108
    device: Command | None = None
    serial: str = ""
    read: int = 0
    """How much of what the device has said is read."""
    sessions: Path = field(init=False)
    archive: Path = field(init=False)

    def __post_init__(self) -> None:
        self.sessions, self.archive = self.root / "sessions", self.root / "archive"
        self.sessions.mkdir(parents=True)
        (OUT / "said").mkdir(exist_ok=True)
        os.environ |= {"BARBOTAGE_DEVICE": str(OUT / "say-serial"), "BARBOTAGE_ARCHIVE": str(self.archive)}

    def gadget(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the gadget script."""
        return run(str(GADGET), *arguments)

    def host(self, *arguments: str) -> Command:
        """Starts a command of the host."""
        return Command(OUT / "said", "barbotage", *arguments)

    def ask(self, *arguments: str) -> Any:
        """What a command of the host says in JSON."""
        command = self.host(*arguments, "--json")
        code = command.wait(ANSWERS_WITHIN_S)
        assert code == 0, f"barbotage {' '.join(arguments)} ended with {code}: {command.stderr().strip()}"
        return json.loads(command.stdout())

    def start_device(self) -> Command:
        """Starts ``serve``; returns at once."""
        options = ("--serial", str(GADGET_TTY), "--sessions", str(self.sessions))
        self.device, self.read = Command(OUT / "said", "barbotage-device", "serve", *options), 0
        return self.device

    def stop_device(self) -> float:
        """Ends ``serve``; the seconds that it took."""
        assert self.device is not None
        start_s = time.monotonic()
        self.device.signal(signal.SIGTERM)
        code = self.device.wait(ANSWERS_WITHIN_S)
        assert code == 0, f"serve ended with {code}: {self.device.stderr()}"
        took_s = since(start_s)
        assert took_s < CLOSES_WITHIN_S, f"serve took {took_s} s to end"
        return took_s

    def said(self, pattern: str) -> re.Match[str]:
        """Waits until the device has said something, after what was found before."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            match = re.compile(pattern).search(self.device.stderr() if self.device else "", self.read)
            found[:] = [match] if match else []
            return bool(match)

        wait(look, ANSWERS_WITHIN_S, f"the device did not say '{pattern}'")
        self.read = found[0].end()
        return found[0]

    def add_session(self) -> tuple[str, int]:
        """Puts the next prepared session into the device; its name and its size in bytes."""
        there = {path.name for path in self.sessions.iterdir()}
        source = next(path for path in sorted((OUT / "prepared").iterdir()) if path.name not in there)
        shutil.copytree(source, self.sessions / source.name)
        return source.name, sum(path.stat().st_size for path in source.iterdir())

    def half_sync(self) -> tuple[Command, str, int]:
        """Starts to sync a new session and waits until a part of it has arrived; command, session and its bytes."""
        session, count_bytes = self.add_session()
        before = arrived_bytes(self.archive)
        sync = self.host("sync", "--json")

        def enough() -> bool:
            assert sync.code() is None, f"sync ended: {sync.stderr()} {sync.stdout()}"
            return arrived_bytes(self.archive) - before > INTERRUPT_AT * count_bytes

        wait(enough, ANSWERS_WITHIN_S, "the transfer did not begin")
        return sync, session, count_bytes

    def check_resumed(self, sync: Command, session: str) -> Facts:
        """Waits for an interrupted sync to end by itself, with the whole session."""
        start_s = time.monotonic()
        code = sync.wait(ANSWERS_WITHIN_S)
        assert code == 0, f"sync ended with {code}: {sync.stderr()}"
        outcome = json.loads(sync.stdout())
        assert outcome["fetched"] == [session], outcome
        assert outcome["interruptions"] >= 1, outcome
        assert outcome["resumed_bytes"] > 0, outcome
        assert self.same(session)
        return {"resumed_bytes": outcome["resumed_bytes"], "whole_after_s": since(start_s)}

    def same(self, session: str) -> bool:
        """Whether the archive holds the session as the device does, by SHA-256."""
        kept = list(self.archive.glob(f"[!.]*/{session}"))
        return len(kept) == 1 and digests(kept[0]) == digests(self.sessions / session)


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWERS_WITHIN_S, check=False)


def wait(condition: Callable[[], bool], within_s: float, failure: str) -> float:
    """Waits for a condition; the seconds that it took."""
    start_s = time.monotonic()
    while not condition():
        assert since(start_s) < within_s, f"{failure} within {within_s:.0f} s"
        time.sleep(0.02)
    return since(start_s)


def since(start_s: float) -> float:
    """Seconds since then."""
    return round(time.monotonic() - start_s, 2)


def digests(folder: Path) -> dict[str, str]:
    """Of each file that is copied, its SHA-256."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != NOT_COPIED}


def host_ports() -> list[Path]:
    """The ports that the host's driver has made."""
    return sorted(Path("/dev").glob(HOST_TTYS))


def arrived_bytes(archive: Path) -> int:
    """What the archive occupies; a file that waits for its bytes is sparse."""
    count = 0
    for path in archive.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            count += path.stat().st_blocks * 512
    return count


def kernel_lines(pattern: str) -> list[str]:
    """What the kernel has said of something."""
    return [line for line in run("dmesg").stdout.splitlines() if re.search(pattern, line)][-10:]


def programs_are_loaded(_bench: Bench) -> Facts:
    """All imports, once."""
    preload()
    return {}


def gadget_makes_ports_on_both_sides(bench: Bench) -> Facts:
    """start; the port of each side; a second start changes nothing."""
    assert bench.gadget("status").returncode == 3
    start_s = time.monotonic()
    done = bench.gadget("start")
    assert done.returncode == 0, done.stderr
    seen_s = wait(lambda: bool(host_ports()), 10, "no port appeared on the host")
    status = json.loads(bench.gadget("status", "--json").stdout)
    bench.serial = status["serial"]
    assert (status["state"], status["usb_state"], status["held_by"]) == ("plugged-in", "configured", [])
    assert Path(status["tty"]) == GADGET_TTY
    assert GADGET_TTY.exists()
    assert "already" in bench.gadget("start").stdout
    return {"started_s": since(start_s), "host_port_after_s": seen_s, "serial": bench.serial}


def nobody_has_the_gadget_open(bench: Bench) -> Facts:
    """The port is recognised without opening it; a command on it ends soon, with advice."""
    ports = bench.ask("ports")["ports"]
    assert [(each["port"], each["serial"]) for each in ports if each["ours"]] == [(str(host_ports()[0]), bench.serial)]
    start_s = time.monotonic()
    info = bench.host("info", "--within", str(INFO_WITHIN_S))
    code = info.wait(ANSWERS_WITHIN_S)
    took_s = since(start_s)
    assert code == 3, info.stderr()
    assert took_s < INFO_WITHIN_S + CLOSES_WITHIN_S, f"'info' took {took_s} s"
    return {"info_ended_after_s": took_s, "said": info.stderr().strip(), "kernel": kernel_lines("ttyACM|cdc_acm|ttyGS")}


def a_full_port_closes_soon(_bench: Bench) -> Facts:
    """A program on the device fills the gadget's port, which nobody reads, closes it and ends."""
    script = (
        "from barbotage_device.link.transport import TtyTransport\n"
        f"port = TtyTransport('{GADGET_TTY}')\n"
        "while port.write(bytes(4096)): pass\n"
        "print('full', flush=True)\n"
        "port.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "full\n"
        start_s = time.monotonic()
        assert program.wait(ANSWERS_WITHIN_S) == 0
        took_s = since(start_s)
    assert took_s < CLOSES_WITHIN_S, f"the program took {took_s} s to end"
    return {"ended_after_s": took_s}


def device_serves_and_pairs(bench: Bench) -> Facts:
    """serve on the gadget, pair by the code that it shows."""
    bench.start_device()
    bench.said("serving")
    pairing = bench.host("pair")
    pairing.type(bench.said(r"code (\d{4} \d{4})")[1] + "\n")
    code = pairing.wait(ANSWERS_WITHIN_S)
    assert code == 0, pairing.stderr()
    assert bench.serial in pairing.stdout()
    info = bench.ask("info")
    assert (info["serial"], info["security"], info["paired"]) == (bench.serial, "required", True)
    return {"port": info["port"], "role": info["role"]}


def session_arrives_whole(bench: Bench) -> Facts:
    """sync, without naming a port."""
    session, count_bytes = bench.add_session()
    start_s = time.monotonic()
    outcome = bench.ask("sync")
    took_s = since(start_s)
    assert outcome["fetched"] == [session]
    assert bench.same(session)
    return {"bytes": count_bytes, "command_s": took_s}


def sync_outlives_a_pulled_plug(bench: Bench) -> Facts:
    """Unplug when a part has arrived, plug in again; nobody touches the two programs."""
    sync, session, count_bytes = bench.half_sync()
    assert bench.gadget("stop").returncode == 0
    bench.said("unplugged")
    assert bench.gadget("status").returncode == 3
    time.sleep(UNPLUGGED_S)
    assert not host_ports(), f"{host_ports()} are still there"
    assert bench.gadget("start").returncode == 0
    facts = bench.check_resumed(sync, session)
    assert bench.device is not None
    assert bench.device.code() is None
    return {"bytes": count_bytes} | facts


def device_restarts_while_the_host_does_not_read(bench: Bench) -> Facts:
    """The host stands still in mid-transfer, so that all buffers are full; serve ends in good time all the same, and a new one goes on."""
    sync, session, count_bytes = bench.half_sync()
    sync.signal(signal.SIGSTOP)
    time.sleep(1)
    ended_s = bench.stop_device()
    sync.signal(signal.SIGCONT)
    bench.start_device()
    return {"bytes": count_bytes, "serve_ended_after_s": ended_s} | bench.check_resumed(sync, session)


def gadget_goes_away_and_comes_back(bench: Bench) -> Facts:
    """remove is refused while the port is held, works after; a serve that was there first finds the port when it comes."""
    assert bench.device is not None
    assert bench.gadget("stop").returncode == 0
    bench.said("unplugged")
    bench.said("serving")
    refused = bench.gadget("remove")
    assert refused.returncode == 4, refused.stderr
    assert str(bench.device.pid) in refused.stderr
    unplugged_s = bench.stop_device()
    removed = bench.gadget("remove")
    assert removed.returncode == 0, removed.stderr
    assert not GADGET_TTY.exists()
    bench.start_device()
    bench.said("there is no port /dev/ttyGS0; waiting")
    assert bench.gadget("start").returncode == 0
    bench.said("serving")
    wait(lambda: bool(host_ports()), 10, "no port appeared on the host")
    outcome = bench.ask("sync")
    assert (outcome["fetched"], outcome["interruptions"]) == ([], 0)
    return {"unplugged_serve_ended_after_s": unplugged_s, "serve_ended_after_s": bench.stop_device()}


def udev_gives_access_and_a_stable_name(bench: Bench) -> Facts:
    """The host's rule, read by the real udev, where there is one."""
    if not UDEVD.exists() or shutil.which("udevadm") is None:
        return {"skipped": "there is no udev here"}
    assert run(str(UDEVD), "--daemon").returncode == 0
    install = bench.host("udev", "install")
    code = install.wait(ANSWERS_WITHIN_S)
    assert code == 0, install.stderr()
    link = Path(f"/dev/barbotage-{bench.serial}")
    plugs, start_s = 0, time.monotonic()
    while not link.exists():  # an emulated udev may still be reading its rules when the plug comes
        assert plugs < MOST_PLUGS, f"{link} did not appear after {plugs} plugs"
        plugs += 1
        assert bench.gadget("stop").returncode == 0
        assert bench.gadget("start").returncode == 0
        start_s = time.monotonic()
        while not link.exists() and since(start_s) < LINK_WITHIN_S:
            time.sleep(0.02)
    assert link.resolve() == host_ports()[0]
    said = run("udevadm", "info", "--query=property", str(link)).stdout.splitlines()
    assert "ID_MM_PORT_IGNORE=1" in said, said
    assert any(each.startswith("TAGS=") and ":uaccess:" in each for each in said), said
    (ours,) = [each for each in bench.ask("ports")["ports"] if each["ours"]]
    return {"plugs": plugs, "link_after_s": since(start_s), "port": ours, "verified": install.stderr().strip()}


STEPS: tuple[Callable[[Bench], Facts], ...] = (
    programs_are_loaded,
    gadget_makes_ports_on_both_sides,
    nobody_has_the_gadget_open,
    a_full_port_closes_soon,
    device_serves_and_pairs,
    session_arrives_whole,
    sync_outlives_a_pulled_plug,
    device_restarts_while_the_host_does_not_read,
    gadget_goes_away_and_comes_back,
    udev_gives_access_and_a_stable_name,
)


def main() -> None:
    """Runs the steps and writes what came of them to results.json, after each, so that a hang shows where."""
    bench = Bench()
    results: list[Facts] = []
    for step in STEPS:
        start_s = time.monotonic()
        result: Facts = {"step": step.__name__.replace("_", " "), "ok": False}
        results.append(result)
        write(results)
        try:
            result["facts"] = step(bench)
            result["ok"] = True
        except (AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            result["error"] = f"{type(error).__name__}: {error}"
        result["took_s"] = since(start_s)
        write(results)
        if not result["ok"]:
            break
    if bench.device is not None:
        bench.device.signal(signal.SIGKILL)


def write(results: list[Facts]) -> None:
    """Says how far the check is."""
    done = {"steps": len(STEPS), "results": results, "kernel_complaints": kernel_lines(r"\b(BUG|Oops|WARNING|hung|Call Trace)\b")}
    (OUT / "results.json").write_text(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
