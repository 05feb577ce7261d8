"""A small disk of its own that can really be full: a tmpfs in a mount namespace, without privileges where user namespaces are allowed."""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest

MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo ready && exec sleep 1000000'
WAYS = (("-U", "-r", "-m"), ("-m",))
"""Of unshare: as anybody in a user namespace, or as root."""
BALLAST = "ballast"


class SmallDisk:
    """Mounted at ``at`` for programs started behind ``enter``; everybody else sees it at ``seen``."""

    def __init__(self, at: Path, size_bytes: int) -> None:
        """Fails the test in CI and skips it elsewhere, saying why, when this machine allows neither way."""
        at.mkdir(parents=True, exist_ok=True)
        said = []
        for way in WAYS:
            holder = subprocess.Popen(
                ["unshare", *way, "sh", "-c", MOUNT, "sh", str(size_bytes), str(at)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert holder.stdout is not None
            if holder.stdout.readline().strip() == "ready":
                self._holder = holder
                user = ["-U", "--preserve-credentials"] if "-U" in way else []
                self.enter = ["nsenter", "-t", str(holder.pid), *user, "-m", "--"]
                self.seen = Path(f"/proc/{holder.pid}/root{at}")
                return
            said.append(" ".join(holder.communicate()[1].split()))
        _give_up(f"a full disk cannot be made here: {'; '.join(said)}; allow unprivileged user namespaces or run as root")

    def fill(self) -> None:
        """Takes all that is free."""
        with (self.seen / BALLAST).open("ab") as file, contextlib.suppress(OSError):
            for piece_bytes in (65536, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        os.write(file.fileno(), bytes(piece_bytes))

    def free(self) -> None:
        """Gives it back."""
        (self.seen / BALLAST).unlink(missing_ok=True)

    def is_full(self) -> bool:
        """Whether not a page is left."""
        with (self.seen / BALLAST).open("ab") as file:
            try:
                os.write(file.fileno(), bytes(4096))
            except OSError as error:
                return error.errno == errno.ENOSPC
        return False

    def close(self) -> None:
        """The disk is gone with the last who uses it."""
        self._holder.kill()
        self._holder.communicate()


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
