"""The pseudo-terminal behind which an emulated pod stands: what a USB serial port is to a program on this machine."""

import contextlib
import os
import pty
import tty
from pathlib import Path

from barbotage_device.errors import RefusedError


class PseudoTerminal:
    """``master`` is the pod's end, ``port`` the path that programs open: ``slave``, or ``link``, a symbolic link to it.

    Raises RefusedError when ``link`` is the name of something else.
    """

    def __init__(self, link: Path | None = None) -> None:
        if link is not None and os.path.lexists(link) and not link.is_symlink():
            raise RefusedError(f"--link {link}: there is a file of this name; choose another")
        self.master, self._other_end = pty.openpty()
        for end in (self.master, self._other_end):
            tty.setraw(end)
        self._link = link
        self.slave = self.port = os.ttyname(self._other_end)
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.port)
            self.port = str(link)

    def close(self) -> None:
        """Takes the port away. May be called twice."""
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link = None
        for end in (self.master, self._other_end):
            with contextlib.suppress(OSError):
                os.close(end)
