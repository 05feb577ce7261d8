"""A small picture of a session for the list."""

import cv2
import numpy as np

from barbotage_device.errors import NotFoundError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex

WIDTH_PX = 240
QUALITY = 80
"""Of a thumbnail's JPEG: about 6 kB."""


def thumbnail(reader: SessionReader, index: FrameIndex) -> bytes:
    """A JPEG of the frame at which the target was accepted, else of the middle. Raises NotFoundError without frames."""
    if len(index) == 0:
        raise NotFoundError("this session holds no picture")
    accepted = next((event for event in reader.events() if event.kind == "target-accepted"), None)
    number = len(index) // 2 if accepted is None else index.at_time(accepted.at_ns)
    return shrunk(reader.frame(number).data)


def shrunk(encoded: bytes) -> bytes:
    """An encoded picture as a JPEG of the thumbnail's width. Raises SessionError when it cannot be decoded."""
    # IMREAD_REDUCED_* lets the JPEG decoder itself skip detail.
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    if picture is None:
        raise SessionError("a recorded picture cannot be decoded; the session is damaged")
    height = max(1, round(picture.shape[0] * WIDTH_PX / picture.shape[1]))
    small = cv2.resize(picture, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
