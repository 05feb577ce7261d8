"""The archive: one folder for each device, one for each session in it, as on the device. What is under way is out of sight."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.session.files import sync_directory
from barbotage_device.session.manifest import MANIFEST_NAME

INCOMING = ".incoming"
"""Folders whose names begin with a dot are no sessions (session/catalogue.py)."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The sessions of all devices under ``root``."""

    root: Path

    def session(self, device: str, session: str) -> Path:
        """Where a session is once it is whole."""
        return self.root / _folder_name(device) / session

    def incoming(self, device: str, session: str) -> Path:
        """Where it is put together."""
        return self.root / _folder_name(device) / INCOMING / session

    def has(self, device: str, session: str) -> bool:
        """Whether the session is there, whole."""
        return (self.session(device, session) / MANIFEST_NAME).is_file()

    def publish(self, device: str, session: str) -> Path:
        """Moves a session that is whole to its place, in one step. Raises OSError."""
        final = self.session(device, session)
        self.incoming(device, session).rename(final)
        sync_directory(final.parent)
        return final

    def discard(self, device: str, session: str) -> None:
        """Throws away what was fetched of a session that is not whole."""
        shutil.rmtree(self.incoming(device, session), ignore_errors=True)


def _folder_name(device: str) -> str:
    """A serial number as the name of a folder, whatever the device calls itself."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in device) or "unknown"
