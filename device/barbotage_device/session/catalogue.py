"""Where sessions are: a session is a directory that holds a manifest or a segment."""

from pathlib import Path

from barbotage_device.session.manifest import MANIFEST_NAME

SEGMENT_GLOB = "*-[0-9][0-9][0-9][0-9].mcap"
DEPTH = 2
"""How far below the given folder sessions are looked for: archive/device/session."""


def is_session(directory: Path) -> bool:
    """Whether ``directory`` is a session, whole or not."""
    return directory.is_dir() and ((directory / MANIFEST_NAME).is_file() or any(directory.glob(SEGMENT_GLOB)))


def find_sessions(root: Path) -> list[Path]:
    """The sessions at ``root``, among its children and grandchildren, by name (oldest first); none inside a session."""
    return sorted(_within(root, DEPTH), key=lambda path: path.name)


def _within(directory: Path, depth: int) -> list[Path]:
    if is_session(directory):
        return [directory]
    if depth == 0 or not directory.is_dir():
        return []
    try:
        children = [child for child in directory.iterdir() if child.is_dir() and not child.name.startswith(".")]
    except PermissionError:
        return []
    return [found for child in children for found in _within(child, depth - 1)]
