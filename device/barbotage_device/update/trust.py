"""The keys whose bundles this device takes: ``update-keys/*.pub`` in the state folder, put there by somebody at the device."""

from pathlib import Path

from barbotage_device.errors import NotFoundError
from barbotage_device.session.files import replace_atomically, sync_directory
from barbotage_device.update.errors import SignatureError
from barbotage_device.update.minisign import PublicKey, parse_public_key

FOLDER = "update-keys"
HOW_TO_TRUST = "install the maker's key at the device with 'barbotage-device update trust FILE.pub'"
MAX_KEY_FILE_BYTES = 4096


class TrustedKeys:
    """The trusted keys under ``state``."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def all(self) -> dict[bytes, PublicKey]:
        """Every key by its id. Raises SignatureError naming a file that holds no key, OSError."""
        keys: dict[bytes, PublicKey] = {}
        for path in sorted(self._folder.glob("*.pub")):
            key = read_public_key(path)
            keys[key.id] = key
        return keys

    def add(self, key: PublicKey) -> None:
        """Trusts a key from now on. Raises SignatureError when another key has its id, OSError."""
        known = self.all().get(key.id)
        if known is not None and known != key:
            raise SignatureError(
                f"another key with the id {key.name} is trusted already; 'barbotage-device update untrust' it first"
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_atomically(self._folder / f"{key.name}.pub", key.encode().encode())

    def remove(self, name: str) -> None:
        """Trusts the key with this id (16 hexadecimal digits) no more. Raises NotFoundError, OSError."""
        found = [path for path in self._folder.glob("*.pub") if read_public_key(path).name == name.upper()]
        if not found:
            raise NotFoundError(f"no key {name[:40]} is trusted here; 'barbotage-device update status' lists them")
        for path in found:
            path.unlink()
        sync_directory(self._folder)


def read_public_key(path: Path) -> PublicKey:
    """The key in a file. Raises NotFoundError, SignatureError naming the file."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_KEY_FILE_BYTES).decode(errors="replace")
    except OSError as error:
        raise NotFoundError(f"no key at {path}: {error.strerror}") from error
    try:
        return parse_public_key(text)
    except SignatureError as error:
        raise SignatureError(f"{path.name}: {error}") from error
