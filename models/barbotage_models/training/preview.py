"""A contact sheet of samples with their labels drawn on, for people to look at."""

from collections.abc import Sequence

import cv2
import numpy as np

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import STRIDE_PX, canonical_from_cell
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.training.labels import Sample

COLOURS_BGR = {Tissue.DEPOSIT: (0, 200, 255), Tissue.BONE: (255, 160, 60), Tissue.NEEDLE: (80, 230, 80)}
TIP_BGR = (60, 60, 255)
GAP_PX = 4


def labelled_picture(sample: Sample) -> GreyImage:
    """One sample in colour, BGR uint8 (256, 256, 3): class outlines and a cross at the visible tip."""
    picture = cv2.cvtColor(sample.frame, cv2.COLOR_GRAY2BGR)
    for tissue, colour in COLOURS_BGR.items():
        mask = (sample.classes == tissue).astype(np.uint8).repeat(STRIDE_PX, axis=0).repeat(STRIDE_PX, axis=1)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, colour, 1)
    if not np.isnan(sample.tip_cells[0]):
        x, y = (round(float(v)) for v in canonical_from_cell(sample.tip_cells.astype(np.float64)))
        cv2.drawMarker(picture, (x, y), TIP_BGR, cv2.MARKER_TILTED_CROSS, 11, 1)
    cv2.putText(picture, sample.kind.name.lower(), (4, 250), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(picture, dtype=np.uint8)


def contact_sheet(samples: Sequence[Sample], columns: int = 8) -> GreyImage:
    """Samples side by side, BGR uint8; each twice: as it is above, labelled below."""
    rows = -(-len(samples) // columns)
    step = CANONICAL_SIZE_PX + GAP_PX
    sheet = np.full((rows * 2 * step, columns * step, 3), 40, dtype=np.uint8)
    for index, sample in enumerate(samples):
        row, column = divmod(index, columns)
        y, x = row * 2 * step, column * step
        sheet[y : y + CANONICAL_SIZE_PX, x : x + CANONICAL_SIZE_PX] = sample.frame[..., None]
        sheet[y + step - GAP_PX : y + step - GAP_PX + CANONICAL_SIZE_PX, x : x + CANONICAL_SIZE_PX] = labelled_picture(sample)
    return sheet
