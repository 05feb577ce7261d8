"""The key pair that signs bundles: made here, kept by whoever makes releases, never on a device."""

import os
import secrets
from pathlib import Path

from barbotage_device.errors import NotFoundError, UsageError
from barbotage_device.session.files import write_whole
from barbotage_device.update.minisign import KEY_ID_BYTES, SEED_BYTES, SecretKey, parse_secret_key

SECRET_NAME = "barbotage-update.key"  # noqa: S105 - the name of a file
PUBLIC_NAME = "barbotage-update.pub"


def make_keys(folder: Path) -> tuple[SecretKey, Path, Path]:
    """A new pair in ``folder``: the key, the file of the secret half (readable by its owner alone) and of the public one.

    Raises UsageError when one of the files is there already, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = SecretKey(secrets.token_bytes(KEY_ID_BYTES), secrets.token_bytes(SEED_BYTES))
    secret, public = folder / SECRET_NAME, folder / PUBLIC_NAME
    for path in (secret, public):
        if path.exists():
            raise UsageError(f"{path} is there already; a key is never overwritten, name another folder with --out")
    _write_new(secret, key.encode(), 0o600)
    _write_new(public, key.public.encode(), 0o644)
    return key, secret, public


def read_secret_key(path: Path) -> SecretKey:
    """The secret key in a file. Raises NotFoundError, SignatureError."""
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise NotFoundError(f"no key at {path}: {error.strerror}") from error
    return parse_secret_key(text)


def _write_new(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_whole(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
