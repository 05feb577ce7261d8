"""Recorded frames drawn with their overlay as the bedside screen draws it, and pictures as PNG."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.capture.session_source import recorded_frame
from barbotage_device.errors import InvalidInputError
from barbotage_device.runtime.recording.recalled import recorded_view
from barbotage_device.session.reader import SessionReader
from barbotage_host.review.frames import FrameIndex
from barbotage_host.review.overlay import overlay
from barbotage_models.contract.geometry import GreyImage

Picture = npt.NDArray[np.uint8]

SCREEN = ScreenSize(1280, 800)
"""Of a picture with overlay: the larger of the bedside's usual screens, so that 640x480 frames keep their detail."""


class Artist:
    """Draws recorded frames with their overlay: BGR uint8, as large as the bedside screen."""

    def __init__(self, language: Language, size: ScreenSize = SCREEN) -> None:
        self.size = size
        self._language = language
        self._renderer = Renderer(size)

    def draw(self, frame: Frame, known: dict[str, Any]) -> Picture:
        """The picture of ``frame`` with what was ``known`` of it (a row of the overlay); valid until the second next call.

        Of a frame that was not processed live nothing is known: the overlay is off, nothing claims that "none" was seen.
        """
        view = recorded_view(frame, known["detections"], known["guidance"], self._language)
        return self._renderer.draw(replace(view, overlay_on=known["guidance"] is not None))


def overlay_png(reader: SessionReader, index: FrameIndex, number: int, language: Language) -> bytes:
    """A recorded frame with its overlay as PNG. Raises InvalidInputError out of range, and when the frame was not processed live."""
    known = overlay(reader, index, number, 1)[0]
    if known["guidance"] is None:
        raise InvalidInputError(f"frame {number} was recorded but not processed live: it has no overlay; export it without")
    return png(Artist(language).draw(recorded_frame(reader, number), known))


def png(picture: Picture | GreyImage) -> bytes:
    """A picture as PNG."""
    return cv2.imencode(".png", picture)[1].tobytes()
