"""A video segment being written: a segment writer that also keeps the table of its frames."""

import zlib
from pathlib import Path

import numpy as np

from barbotage_device.session.frame_table import ROW, TABLE_MEDIA_TYPE, TABLE_NAME
from barbotage_device.session.images import data_span
from barbotage_device.session.manifest import Header, Segment
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.topics import IMAGES, plan_of


class VideoWriter:
    """Writes one video segment. Raises OSError as SegmentWriter does."""

    def __init__(self, path: Path, header: Header) -> None:
        """Creates ``path``, which must not exist."""
        self.file = SegmentWriter(path, plan_of("video"), header)
        self._attached = False
        self._rows: list[tuple[int, int, int, int, int]] = []

    def write(self, capture_ns: int, sequence: int, message: bytes) -> None:
        """Adds a frame; ``message`` is a foxglove.CompressedImage. Raises SessionError when it holds no picture."""
        offset, length = data_span(message)
        crc32 = zlib.crc32(memoryview(message)[offset : offset + length])
        position = self.file.write(IMAGES, capture_ns, message, sequence)
        self._rows.append((capture_ns, sequence, position + offset, length, crc32))

    def finish(self) -> Segment:
        """Closes the file with its table and summary, and returns what the manifest says of it."""
        if not self._attached:
            self.file.attach(TABLE_NAME, TABLE_MEDIA_TYPE, np.array(self._rows, ROW).tobytes())
            self._attached = True
        return self.file.finish()
