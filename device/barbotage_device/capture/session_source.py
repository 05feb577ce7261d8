"""``session:PATH``: the frames of a recorded session as a source."""

from collections.abc import Iterator
from pathlib import Path

from barbotage_device.capture.encoding import decode
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.session.reader import Geometry, SessionReader
from barbotage_models.contract.geometry import Scale


class SessionSource:
    """Every recorded frame as it was captured: its time, number, scale and place in the whole picture.

    ``settings.scale`` overrides the recorded scale; a region has no meaning, only the region was recorded. Opening raises NotFoundError, and
    SessionError when the session must be recovered first.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, path: Path, settings: CaptureSettings) -> None:
        self._reader = SessionReader.open(path)
        self._scale = settings.scale
        self._name = f"session:{path}"

    @property
    def name(self) -> str:
        """The SRC text."""
        return self._name

    @property
    def notes(self) -> tuple[str, ...]:
        """What was lost of the session, and what was skipped because it is damaged."""
        recovery = self._reader.manifest.recovery
        return (*(() if recovery is None else recovery.lost), *self._reader.damage)

    @property
    def started_capture_ns(self) -> int:
        """The capture clock when the session began."""
        return self._reader.manifest.header.started_capture_ns

    def frames(self) -> Iterator[Frame]:
        """The frames in order. Raises SessionError at a damaged frame, SourceError at a picture that cannot be read."""
        for index in range(self._reader.frame_count):
            yield recorded_frame(self._reader, index, self._name, self._scale)

    def close(self) -> None:
        """Closes the session's files."""
        self._reader.close()


def recorded_frame(reader: SessionReader, index: int, source: str = "", scale: Scale | None = None) -> Frame:
    """A recorded frame as it was captured; ``scale`` overrides the recorded one.

    Raises InvalidInputError out of range, SessionError when it is damaged, SourceError when the picture cannot be read.
    """
    encoded = reader.frame(index)
    name = source or reader.manifest.header.source
    pixels = decode(encoded.data, f"{reader.path}: frame {index}")
    geometry = reader.geometry_at(encoded.sequence)
    return Frame(
        pixels=pixels,
        capture_ns=encoded.capture_ns,
        sequence=encoded.sequence,
        scale=scale or _scale(geometry),
        source=name,
        x0_px=0 if geometry is None else geometry.x0_px,
        y0_px=0 if geometry is None else geometry.y0_px,
    )


def _scale(geometry: Geometry | None) -> Scale | None:
    if geometry is None or geometry.scale_mm_per_px is None:
        return None
    return Scale(*geometry.scale_mm_per_px)
