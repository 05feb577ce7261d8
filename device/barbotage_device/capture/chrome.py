"""What can be read off a scanner's screen without being told: where its ultrasound lies, and the ticks of its depth scale. Proposals, to be checked.

Ultrasound is speckle: hardly two neighbouring pixels are equal. What a scanner draws around it is flat, but for thin signs and grey bars. Where the
ground is grey, what is not ground is ultrasound, however dark; where it is black, dark tissue and ground look alike, and speckle is looked for.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_device.capture.region import Region
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import GreyImage

STIR = 2
"""Grey levels by which neighbours must differ to count as speckle: grabbers and lossy files leave noise of one level on flat ground."""
WINDOW_SHARE = 1 / 40
"""Side of the window in which speckle is counted, of the picture's shorter side: wider than a letter's stroke, narrower than a margin."""
SPECKLE_SHARE = 0.35
"""Share of stirring pixels in a window above which it is speckle; text and bars reach it in narrow places only, which the opening removes."""
OPENING_SHARE = 1 / 8
"""Side of the largest thing that is taken for a sign, a grey bar or a curve of the scanner, of the picture's shorter side."""
GREY_GROUND = 12
"""Grey level from which a flat ground is told from tissue without echoes."""
FLAT_PX, FLAT_RANGE = 7, 2
"""A window of this side with no larger range of grey levels is flat."""
RIM_SHARE, LEVEL_SHARE = 0.02, 0.08
"""The border that is looked at, of the shorter side; the share of it that one grey level must fill to be ground: tissue that touches it is of many."""
GROUND_SHARE = 0.12
"""Share of the picture that must be grey ground for it to be trusted to surround the region."""
LEAST_AREA_SHARE = 0.08
"""A region below this share of the picture is no ultrasound picture but an inset."""
EDGE_SHARE = 0.4
"""A row or column belongs to the region when it stirs at least this share of what the region's inside does."""
QUIET_SHARE, QUIET_PX = 0.05, 6
"""A band of so many rows in which hardly anything stirs ends the region: ground between it and a line of text."""
WHOLE_SHARE = 0.98
"""A region that takes this share of both sides is the whole picture: there is nothing to choose."""

TICK_RISE = 18
"""Grey levels by which a tick stands out from what is above and below it."""
TICK_HEIGHT_PX = 5
LEAST_TICKS = 4
"""Three marks at equal distances happen by chance among letters."""
LEAST_SPACING_PX = 8.0
OFF_PX = 1.6
"""A tick may lie so far from its place: half a pixel of drawing, and a picture that was scaled."""
DRIFT_PX = 0.1
"""By which a spacing may be wrong as long as it is the median of differences of whole rows."""
FITTING_SHARE, FOUND_SHARE = 0.8, 0.7
"""Of the marks of a column that must fit one spacing; of the places of that spacing that must hold a mark."""
LEAST_SPAN_SHARE = 0.4
"""Of the region's height that the ticks must span."""
MAX_ASIDE_SHARE = 0.35
"""Ticks are looked for beside the region up to this share of the picture's width from it."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Marks of a depth scale, in pixels of the picture: their column, their rows from the top, and their mean spacing."""

    column_px: int
    rows_px: tuple[float, ...]
    spacing_px: float


def propose_region(picture: GreyImage) -> Region | None:
    """The part of a scanner's screen that is ultrasound.

    ``picture`` is uint8 (h, w). None where nothing is speckle, and where all of it is: then there is nothing to choose.
    """
    height, width = picture.shape
    if min(height, width) < 2 * MIN_REGION_PX:
        return None
    ground = _grey_ground(picture)
    if ground.mean() >= GROUND_SHARE:
        box = _largest(~ground)
    else:
        stirs = _stirring(picture)
        box = _largest_speckle(stirs)
        box = None if box is None else _edges(stirs, box)
    if box is None:
        return None
    left, top, right, bottom = box
    if min(right - left, bottom - top) < MIN_REGION_PX or (right - left) * (bottom - top) < LEAST_AREA_SHARE * height * width:
        return None
    if right - left >= WHOLE_SHARE * width and bottom - top >= WHOLE_SHARE * height:
        return None
    return Region(left, top, right - left, bottom - top)


def propose_ticks(picture: GreyImage, region: Region) -> Ticks | None:
    """The ticks of a depth scale beside ``region``: the column with the most marks at equal distances; None without one.

    What a spacing is in mm stands nowhere in the picture that could be trusted: a person says it.
    """
    width = picture.shape[1]
    reach = round(MAX_ASIDE_SHARE * width)
    right = region.x_px + region.width_px
    columns = [*range(max(0, region.x_px - reach), region.x_px), *range(right, min(width, right + reach))]
    marks = _marks(picture)
    best: Ticks | None = None
    for column in columns:
        found = _regular(_centres(marks[:, column]), column, region)
        if found is not None and (best is None or len(found.rows_px) > len(best.rows_px)):
            best = found
    return best


def _grey_ground(picture: GreyImage) -> Mask:
    """Pixels of flat windows whose grey level fills much of the picture's border, and is not black."""
    window = np.ones((FLAT_PX, FLAT_PX), np.uint8)
    low, high = cv2.erode(picture, window), cv2.dilate(picture, window)
    flat = cv2.dilate((high.astype(np.int16) - low <= FLAT_RANGE).astype(np.uint8), window).astype(bool)
    rim = max(2, round(RIM_SHARE * min(picture.shape)))
    border = np.ones(picture.shape, bool)
    border[rim:-rim, rim:-rim] = False
    counts = np.bincount(picture[border & flat], minlength=256)
    levels = [level for level in range(GREY_GROUND, 256) if counts[level] >= LEVEL_SHARE * np.count_nonzero(border)]
    near = np.zeros(256, bool)
    for level in levels:
        near[max(0, level - FLAT_RANGE) : level + FLAT_RANGE + 1] = True
    return np.asarray(flat & near[picture])


def _stirring(picture: GreyImage) -> Mask:
    """Where a pixel differs from its left and from its upper neighbour, or the next ones: edges of signs do in one direction only."""
    grey = picture.astype(np.int16)
    across, down = np.zeros(picture.shape, bool), np.zeros(picture.shape, bool)
    across[:, 1:] = np.abs(np.diff(grey, axis=1)) >= STIR
    down[1:] = np.abs(np.diff(grey, axis=0)) >= STIR
    return across & down


def _largest_speckle(stirs: Mask) -> tuple[int, int, int, int] | None:
    """The bounding box (left, top, right, bottom) of the largest piece of speckle."""
    shorter = min(stirs.shape)
    window = max(5, round(WINDOW_SHARE * shorter)) | 1
    share = cv2.blur(stirs.astype(np.float32), (window, window), borderType=cv2.BORDER_REFLECT)
    speckle = (share >= SPECKLE_SHARE).astype(np.uint8)
    closed = cv2.morphologyEx(speckle, cv2.MORPH_CLOSE, np.ones((2 * window + 1, 2 * window + 1), np.uint8))
    return _largest(closed.astype(bool))


def _largest(mask: Mask) -> tuple[int, int, int, int] | None:
    """The bounding box of the largest piece that is left when signs and bars are taken away."""
    side = max(9, round(OPENING_SHARE * min(mask.shape))) | 1
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, _, about, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return None
    left, top, width, height = (int(about[1 + int(np.argmax(about[1:, cv2.CC_STAT_AREA])), i]) for i in range(4))
    return left, top, left + width, top + height


def _edges(stirs: Mask, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The box with each side moved to where the stirring really begins."""
    left, top, right, bottom = box
    slack = max(6, round(2 * WINDOW_SHARE * min(stirs.shape)))
    rows = stirs[:, left:right].mean(axis=1)
    top, bottom = _ends(rows, top, bottom, slack)
    columns = stirs[top:bottom].mean(axis=0)
    left, right = _ends(columns, left, right, slack)
    return left, top, right, bottom


def _ends(profile: npt.NDArray[np.float64], begin: int, end: int, slack: int) -> tuple[int, int]:
    """The first and the first-outside index of what stirs: around the middle of ``begin`` to ``end``, up to a quiet band or to where it fades."""
    first, last = max(0, begin - slack), min(len(profile), end + slack)
    middle, third = (begin + end) // 2, (end - begin) // 3
    head = EDGE_SHARE * float(np.median(profile[begin : begin + third]))
    tail = EDGE_SHARE * float(np.median(profile[end - third : end]))
    for start, stop in _runs(profile < QUIET_SHARE * float(np.median(profile[begin:end]))):
        if stop - start >= QUIET_PX and stop <= middle:
            first = max(first, stop)
        elif stop - start >= QUIET_PX and start >= middle:
            last = min(last, start)
    heads = np.flatnonzero(profile[first:middle] >= head)
    tails = np.flatnonzero(profile[middle:last] >= tail)
    return first + int(heads[0]) if len(heads) else first, middle + int(tails[-1]) + 1 if len(tails) else last


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """First and first-outside index of every run of True."""
    steps = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(start), int(stop)) for start, stop in zip(steps[::2], steps[1::2], strict=True)]


def _marks(picture: GreyImage) -> Mask:
    """Where something as high as a tick stands out from what is above and below it."""
    kernel = np.ones((TICK_HEIGHT_PX + 2, 1), np.uint8)
    ground = cv2.morphologyEx(picture, cv2.MORPH_OPEN, kernel)
    return np.asarray(picture.astype(np.int16) - ground >= TICK_RISE)


def _centres(column: Mask) -> npt.NDArray[np.float64]:
    """The middle row of every run of marked pixels."""
    return np.array([(start + stop - 1) / 2.0 for start, stop in _runs(column)], dtype=np.float64)


def _regular(rows: npt.NDArray[np.float64], column: int, region: Region) -> Ticks | None:
    """The marks of a column as ticks, when most of them lie at equal distances along most of the region."""
    slack = region.height_px / 8
    rows = rows[(rows >= region.y_px - slack) & (rows <= region.y_px + region.height_px + slack)]
    if len(rows) < LEAST_TICKS:
        return None
    spacing = float(np.median(np.diff(rows)))
    if spacing < LEAST_SPACING_PX:
        return None
    near = max((_fitting(rows, start, spacing, DRIFT_PX) for start in rows), key=len)
    exact, origin = np.polyfit(np.rint((near - near[0]) / spacing), near, 1) if len(near) > 1 else (spacing, rows[0])
    fits = _fitting(rows, float(origin), float(exact), 0.0)
    if len(fits) < max(LEAST_TICKS, FITTING_SHARE * len(rows)):
        return None
    places = float(np.rint((fits[-1] - fits[0]) / exact)) + 1
    if len(fits) < FOUND_SHARE * places or fits[-1] - fits[0] < LEAST_SPAN_SHARE * region.height_px:
        return None
    return Ticks(column, tuple(float(row) for row in fits), float(exact))


def _fitting(rows: npt.NDArray[np.float64], start: float, spacing: float, drift_px: float) -> npt.NDArray[np.float64]:
    """The rows that lie at whole spacings from ``start``; ``drift_px`` is allowed more for each spacing, up to a quarter of one."""
    places = np.rint((rows - start) / spacing)
    off = np.abs(rows - start - places * spacing)
    return rows[off <= np.minimum(OFF_PX + drift_px * np.abs(places), max(OFF_PX, spacing / 4))]
