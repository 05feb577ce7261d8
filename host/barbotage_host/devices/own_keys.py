"""The host's own keys: one for all devices, until a device was given another; then that device has its own.

A change goes through a second file, so that a cut at any moment leaves a key that the device knows:
the new key is on the disk before the device hears of it, and takes the place of the old one only after the device let it in.
"""

import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from barbotage_device.link.keys import KEY_NAME, new_static_key, static_key
from barbotage_device.link.noise import public_key
from barbotage_device.session.files import sync_directory

KEYS_NAME = "keys"
NEXT_NAME = "next"


class OwnKeys:
    """The keys that this host shows to the device ``serial``; ``state`` is the folder of this host's state."""

    def __init__(self, state: Path, serial: str) -> None:
        self._state = state
        self._folder = state / KEYS_NAME / serial.encode().hex()
        """Hexadecimal: a serial number may hold anything."""

    def current(self) -> X25519PrivateKey:
        """The key in use, made on first use. Raises LinkError when its file is damaged or others may read it, OSError."""
        return static_key(self._folder if (self._folder / KEY_NAME).exists() else self._state)

    def candidates(self) -> list[X25519PrivateKey]:
        """The keys that the device may know: one, or two after a change that was cut off, the newer first. Raises as ``current``."""
        pending = self._folder / NEXT_NAME
        return [*([static_key(pending)] if (pending / KEY_NAME).exists() else []), self.current()]

    def begin(self) -> X25519PrivateKey:
        """A new key, on the disk beside the one in use. Raises OSError."""
        return new_static_key(self._folder / NEXT_NAME)

    def settle(self, key: X25519PrivateKey) -> None:
        """The device has let this key in: it is the one in use from now on, another is void. Raises OSError."""
        pending = self._folder / NEXT_NAME
        if not (pending / KEY_NAME).exists():
            return
        if public_key(static_key(pending)) == public_key(key):
            (pending / KEY_NAME).replace(self._folder / KEY_NAME)
            sync_directory(self._folder)
        shutil.rmtree(pending, ignore_errors=True)

    def forget(self) -> None:
        """The device was forgotten: its own keys are of no use any more."""
        shutil.rmtree(self._folder, ignore_errors=True)
