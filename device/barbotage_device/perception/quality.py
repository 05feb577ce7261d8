"""Whether a picture can be used: too dark, saturated, or without contact to the skin.

Measured on every fourth pixel of the canonical frame. The levels are unpublished defaults set wide around real pictures: their mean grey is 69,
1.5 % of their pixels are above 200 and homogeneous tissue has a grey deviation of 6.6 or more.
"""

import cv2
import numpy as np

from barbotage_device.perception.plane import Plane
from barbotage_device.perception.scene import Quality
from barbotage_models.contract.geometry import GreyImage

TOO_DARK = "too-dark"
SATURATED = "saturated"
NO_CONTACT = "no-contact"
LOW_SCORE = 0.5
"""Below this score a reason is given."""
DARK_GREY = (4.0, 24.0)
"""Mean grey at which the score for brightness is 0 and 1."""
SATURATED_FRACTION = (0.35, 0.05)
"""Fraction of pixels at 250 or more at which the score is 0 and 1."""
LATERAL_GREY = (1.0, 4.0)
"""Mean grey difference of samples 0.6 mm apart sideways at which the score is 0 and 1: a probe in air shows level bands, or nothing,
which hardly differ sideways; speckle does."""
SATURATED_GREY = 250
SAMPLE_PX = 4


def picture_quality(pixels: GreyImage, plane: Plane) -> Quality:
    """The quality of a canonical picture (256, 256); the lowest of the three scores, with its reason when it is low."""
    half = SAMPLE_PX // 2
    sample = np.ascontiguousarray(pixels[half : plane.used_h_px : SAMPLE_PX, half : plane.used_w_px : SAMPLE_PX])
    bright = cv2.threshold(sample, SATURATED_GREY - 1, 1, cv2.THRESH_BINARY)[1]
    lateral = cv2.absdiff(sample[:, 1:], sample[:, :-1])
    scores = (
        (_ramp(float(cv2.mean(sample)[0]), *DARK_GREY), TOO_DARK),
        (_ramp(cv2.countNonZero(bright) / sample.size, *SATURATED_FRACTION), SATURATED),
        (_ramp(float(cv2.mean(lateral)[0]), *LATERAL_GREY), NO_CONTACT),
    )
    score, reason = min(scores, key=lambda pair: pair[0])
    return Quality(score, reason if score < LOW_SCORE else "")


def _ramp(value: float, zero: float, one: float) -> float:
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
