"""Names of cached things, by the content that goes into them, and one builder at a time."""

import contextlib
import fcntl
import hashlib
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from barbotage_device.errors import NotFoundError


def key_of(parts: Iterable[str | bytes | Path]) -> str:
    """A short hash over texts, bytes and the files of folders."""
    digest = hashlib.sha256()
    for part in parts:
        for name, content in _contents(part):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def tool_version(command: str, package: str) -> str:
    """What a compiler says it is. Raises NotFoundError naming the Debian package to install."""
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise NotFoundError(f"{command} is not installed; sudo apt install {package}") from error
    return done.stdout.splitlines()[0] if done.stdout else command


@contextlib.contextmanager
def one_builder(folder: Path) -> Iterator[None]:
    """Lets one process at a time build in a cache folder; others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _contents(part: str | bytes | Path) -> Iterable[tuple[str, bytes]]:
    if isinstance(part, Path):
        files = sorted(path for path in part.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return [(path.relative_to(part).as_posix(), path.read_bytes()) for path in files]
    return [("", part.encode() if isinstance(part, str) else part)]
