"""Room on the disk for one more session: how much it will take, and what may go for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from barbotage_device.capture.encoding import Encoding
from barbotage_device.session.errors import SessionError
from barbotage_device.session.retention import RetentionSettings, make_room

BYTES_PER_GB = 1e9
BYTES_PER_PX = {"jpeg": 71.3e3 / (640 * 480), "png": 136.0e3 / (640 * 480)}
"""Of speckle at 640x480, JPEG of quality 90 and PNG, the larger of what was measured; see docs/session.md."""
REFERENCE_PX_PER_S = 640 * 480 * 30.0
"""Assumed of a source whose size is not known before it is opened."""
TELEMETRY_BYTES_PER_S = 31e3
"""At 30 Hz, compressed; measured, see docs/session.md."""


@dataclass(frozen=True, slots=True)
class Room:
    """The disk that sessions may take. ``expected_s`` is how long a session is taken to be before it starts."""

    retention: RetentionSettings
    expected_s: float
    px_per_s: float = REFERENCE_PX_PER_S

    def needed_bytes(self, encoding: Encoding) -> int:
        """What a session of the expected length will take."""
        return round(self.expected_s * (self.px_per_s * BYTES_PER_PX[encoding.image_format] + TELEMETRY_BYTES_PER_S))


def make_room_for(root: Path, room: Room, encoding: Encoding, disk_free: Callable[[], int] | None = None) -> list[Path]:
    """Makes the folder of sessions and room in it for one more; the sessions that were removed for it.

    Raises RefusedError, before anything begins, when the room cannot be made; SessionError when the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(f"{root}: sessions cannot be stored there ({error.strerror}); choose another folder") from error
    return make_room(root, room.retention, room.needed_bytes(encoding), disk_free)


def retention(budget_gb: float, keep_free_gb: float) -> RetentionSettings:
    """Settings of the retention in bytes."""
    return RetentionSettings(budget_bytes=round(budget_gb * BYTES_PER_GB), keep_free_bytes=round(keep_free_gb * BYTES_PER_GB))
