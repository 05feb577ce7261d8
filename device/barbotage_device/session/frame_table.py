"""The table at the end of a video segment: for each frame its time, number, place in the file and checksum."""

import numpy as np
import numpy.typing as npt

from barbotage_device.session.errors import SessionError

TABLE_NAME = "frames"
TABLE_MEDIA_TYPE = "application/x-barbotage-frames"
ROW = np.dtype([("capture_ns", "<i8"), ("sequence", "<i8"), ("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4")])
"""``offset`` and ``length`` are those of the encoded picture in the file, so that one read gives one frame; ``crc32`` is the picture's."""

FrameTable = npt.NDArray[np.void]


def unpack_table(data: bytes) -> FrameTable:
    """The table of an attachment's bytes. Raises SessionError when it is not a whole number of rows."""
    if len(data) % ROW.itemsize:
        raise SessionError(
            f"a frame table of {len(data)} bytes is no whole number of {ROW.itemsize}-byte rows; recover the session"
        )
    return np.frombuffer(data, ROW)
