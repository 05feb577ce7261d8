"""A scanner's screen: ultrasound in the middle of dark chrome, with letters, a grey bar and the ticks of a depth scale."""

import cv2
import numpy as np

from barbotage_device.capture.region import Region
from barbotage_models.contract.geometry import GreyImage

REGION = Region(220, 70, 520, 430)
"""Where the ultrasound lies."""
TICK_PX = 43
"""From one tick to the next: 5 mm."""
TICKS = 10
WIDTH_PX, HEIGHT_PX = 960, 600


def scanner_screen() -> GreyImage:
    """The picture, uint8 (600, 960)."""
    picture = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    speckle = np.random.default_rng(5).gamma(2.0, 22.0, (REGION.height_px, REGION.width_px))
    rows = slice(REGION.y_px, REGION.y_px + REGION.height_px)
    picture[rows, REGION.x_px : REGION.x_px + REGION.width_px] = np.clip(speckle, 8, 255).astype(np.uint8)
    for number in range(TICKS + 1):
        row = REGION.y_px + number * TICK_PX
        picture[row : row + 1, 752:762] = 220
    picture[540:560, 30:930] = 90
    cv2.putText(picture, "SHOULDER  12L  4.3 cm", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 200, 1, cv2.LINE_AA)
    cv2.putText(picture, "Gn 52", (20, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 180, 1, cv2.LINE_AA)
    return picture
