"""A small picture of a session for the list."""

import threading
from collections import OrderedDict

import cv2
import numpy as np

from barbotage_device.errors import NotFoundError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.library import Library, Stamp, stamp_of

MOST_KEPT = 300
"""About 3 MB."""
WIDTH_PX = 240
QUALITY = 80
"""Of a thumbnail's JPEG: about 10 kB."""


class Thumbnails:
    """Small pictures of the library's sessions, the latest kept in memory. Safe to use from several threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Stamp], bytes] = OrderedDict()

    def of(self, identity: str) -> bytes:
        """The session's thumbnail. Raises NotFoundError, SessionError."""
        key = (identity, stamp_of(self._library.path(identity)))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with self._library.opened(identity) as opened:
            made = thumbnail(opened.reader, opened.index)
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made


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
