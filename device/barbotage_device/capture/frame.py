"""The one form in which every source hands out its pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from barbotage_models.contract.geometry import GreyImage, Scale


class Delivery(StrEnum):
    """What a source does when its reader is slow."""

    NEWEST_ONLY = "newest-only"
    """Live: a queue of one; what the reader misses is dropped and counted."""
    EVERY_FRAME = "every-frame"
    """Replay and tests: the source waits."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the region (never of the scanner's chrome).

    ``pixels`` is uint8 (h, w) and is not written to after it is handed out. ``capture_ns`` is the monotonic clock at capture
    (for files: the position in the recording). ``sequence`` counts from 0 without gaps in what the source captured, so
    a gap seen by the reader is a drop. ``scale`` is None when the pixel size is unknown. ``source`` is the SRC text or, for files, the path.
    ``x0_px``, ``y0_px`` say where the region's top left pixel lies in the whole picture, so that ``x_px + x0_px`` is a column of the input.
    """

    pixels: GreyImage
    capture_ns: int
    sequence: int
    scale: Scale | None
    source: str
    x0_px: int = 0
    y0_px: int = 0


class Source(Protocol):
    """Where frames come from. Iterate to read, close when done; usable as a context manager."""

    @property
    def name(self) -> str:
        """What a person would call it, for messages."""
        ...

    @property
    def delivery(self) -> Delivery:
        """What happens when the reader is slow."""
        ...

    def frames(self) -> Iterator[Frame]:
        """The frames in order. Raises SourceError or SourceLostError, one clear line each."""
        ...

    def close(self) -> None:
        """Releases what the source holds; may be called more than once."""
        ...
