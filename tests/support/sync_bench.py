"""A device with sessions at one end of a cable, the commands of the host at the other, and an archive in between."""

import filecmp
import hashlib
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.cable import Cable
from tests.support.link_device import SERIAL, DeviceProcess, introduce
from tests.support.sessions import Script, write_session

from barbotage_device.session.audit import verify
from barbotage_device.session.catalogue import find_sessions
from barbotage_device.session.flags import FLAGS_NAME
from barbotage_device.session.manifest import Segment, read_manifest, write_manifest

COMMAND = "from barbotage_host.cli import main; main()"
"""The commands as the command line mounts them."""
PROXY = "proxy-0000.mcap"


@dataclass
class SyncBench:
    """A device with sessions at one end of a cable, a host's folders at the other. ``enter`` stands before each command."""

    cable: Cable
    device: DeviceProcess
    folder: Path
    baud: int
    serial: str = SERIAL
    enter: list[str] = field(default_factory=list)
    seen: Path | None = None
    """Where the archive is seen from here, when it lies on a disk of its own."""

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions"

    @property
    def archive(self) -> Path:
        return self.seen or self.folder / "archive"

    def argv(self, command: str, *options: str) -> list[str]:
        argv = [*self.enter, sys.executable, "-c", COMMAND, command, *options, "--state", str(self.folder / "host")]
        argv += [] if "--all" in options else ["--port", self.cable.a]
        argv += ["--baud", str(self.baud)] if self.baud else []
        return argv + (["--archive", str(self.folder / "archive")] if command in ("sync", "sessions") else [])

    def start(self, command: str, *options: str) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen(self.argv(command, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(
        self, command: str, *options: str, answer: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """The command, ended."""
        return subprocess.run(
            self.argv(command, *options), input=answer, capture_output=True, text=True, timeout=timeout, check=False
        )

    def json(self, command: str, *options: str) -> dict[str, Any]:
        """What the command says, once it has done it."""
        done = self.run(command, *options, "--json")
        assert done.returncode == 0, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def line_bytes(self) -> int:
        """What has come to the host over the cable."""
        return self.cable.stats()["b_to_a"]["bytes_out"]

    def same(self) -> bool:
        """Whether the archive holds what the device holds, and nothing half-written is in sight."""
        theirs = {path.name: path for path in find_sessions(self.sessions)}
        ours = {path.name: path for path in find_sessions(self.archive)}
        return theirs.keys() == ours.keys() and all(same_session(theirs[name], ours[name]) for name in theirs)

    def close(self) -> None:
        self.device.kill()
        self.cable.close()


def make_bench(
    folder: Path,
    count: int,
    ballast_bytes: int,
    paired: bool = True,
    serial: str = SERIAL,
    host: Path | None = None,
    **line: float,
) -> SyncBench:
    """``count`` sessions, each with so much ballast, on the device ``serial``; ``host``: the state folder of the host."""
    for index in range(count):
        add_ballast(write_session(folder / "sessions", Script(frames=6 + index)), ballast_bytes)
    cable = Cable(**line)
    if paired:
        introduce(host or folder / "host", folder / "device", cable.a, serial=serial)
    baud = int(line.get("baud", 0))
    return SyncBench(cable, DeviceProcess(cable.b, baud, folder / "sessions", folder / "device", serial), folder, baud, serial)


def same_session(theirs: Path, ours: Path) -> bool:
    """Whether two folders hold the same session, and it is whole."""
    names = sorted(path.name for path in theirs.iterdir() if path.name != FLAGS_NAME)
    if names != sorted(path.name for path in ours.iterdir() if path.name != FLAGS_NAME):
        return False
    return all(filecmp.cmp(theirs / name, ours / name, shallow=False) for name in names) and verify(ours).intact


def add_ballast(session: Path, count_bytes: int) -> None:
    """A proxy segment of random bytes: nobody looks into it, and it cannot be compressed away."""
    data = random.Random(session.name).randbytes(count_bytes)
    (session / PROXY).write_bytes(data)
    manifest = read_manifest(session)
    segment = Segment(PROXY, "proxy", len(data), hashlib.sha256(data).hexdigest(), None, None, 0)
    write_manifest(session, replace(manifest, segments=(*manifest.segments, segment)))


def digests(root: Path) -> dict[str, str]:
    """Every file of the sessions under a folder but the flags."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != FLAGS_NAME
    }


class Watcher:
    """Looks into an archive all the time while it is synced: everything that is visible must be whole and as on the device."""

    def __init__(self, archive: Path, sessions: Path) -> None:
        self._archive, self._sessions = archive, sessions
        self._known: set[tuple[str, int, int]] = set()
        self._over = threading.Event()
        self._quiet = threading.Lock()
        self.looks = 0
        self.wrong: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """While the test itself removes what is there."""
        with self._quiet:
            yield

    def _run(self) -> None:
        while not self._over.wait(0.003):
            with self._quiet:
                self.looks += 1
                for path in find_sessions(self._archive) if self._archive.is_dir() else []:
                    self._check_session(path)
                for file in self._archive.glob("*/.incoming/*/*"):
                    if ".part" not in file.name and not file.name.endswith(".tmp") and file.name != FLAGS_NAME:
                        self._check_file(file)

    def _check_session(self, path: Path) -> None:
        try:
            names = {each.name for each in path.iterdir() if each.name != FLAGS_NAME}
        except OSError:
            return
        theirs = {each.name for each in (self._sessions / path.name).iterdir() if not each.name.startswith(FLAGS_NAME)}
        if names != theirs:
            self.wrong.append(f"{path.name}: {sorted(names ^ theirs)}")
        for name in names & theirs:
            self._check_file(path / name)

    def _check_file(self, file: Path) -> None:
        """The content when the file is new or changed, else its size alone."""
        try:
            found = file.stat()
            stamp = (file.name, found.st_ino, found.st_mtime_ns)
            if stamp in self._known:
                return
            data = file.read_bytes()
        except OSError:
            return  # moved to its place meanwhile
        if data != (self._sessions / file.parent.name / file.name).read_bytes():
            self.wrong.append(f"{file}: {len(data)} bytes, not as on the device")
        self._known.add(stamp)
