"""What an ultrasound DICOM header says about place, scale and time of its pictures."""

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from barbotage_device.capture.region import Region
from barbotage_device.errors import InvalidInputError
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import Scale

SPATIAL_FORMAT_2D = 1
"""(0018,6012), PS3.3 C.8.5.5.1.1."""
DATA_TYPE_TISSUE = 1
"""(0018,6014), PS3.3 C.8.5.5.1.2."""
UNITS_CM = 3
"""(0018,6024) and (0018,6026), PS3.3 C.8.5.5.1.15."""
MM_PER_CM = 10.0
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
EDGE_TOLERANCE_PX = 1
"""Some scanners give the right and bottom edge as the first pixel beyond the picture (800 in a picture of 800 columns)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where the B-mode lies in the picture and how large its pixels are. ``region`` None: the whole picture."""

    region: Region | None
    scale: Scale | None
    notes: tuple[str, ...] = ()


def calibration_of(header: Any, width_px: int, height_px: int) -> Calibration:
    """The largest 2D tissue region of a header (pydicom Dataset), preferring those with a usable scale.

    Regions come from (0018,6011) Sequence of Ultrasound Regions; only units of cm count, PhysicalDelta may be negative (an
    axis that runs the other way) and its magnitude is taken. A region that reaches beyond the picture tells that the picture was
    resized or cut after the calibration was written: then neither region nor scale is used. Notes say why something is absent.
    """
    notes: list[str] = []
    found: list[tuple[Region, Scale | None]] = []
    for item in header.get("SequenceOfUltrasoundRegions", None) or ():
        if (_number(item, "RegionSpatialFormat"), _number(item, "RegionDataType")) != (SPATIAL_FORMAT_2D, DATA_TYPE_TISSUE):
            continue
        region = _region_of(item, width_px, height_px, notes)
        if region is not None:
            found.append((region, _scale_of(item, notes)))
    if not found:
        return Calibration(None, None, (*notes, "no calibrated 2D tissue region: the whole picture is used, without a scale"))
    region, scale = max(found, key=lambda pair: (pair[1] is not None, pair[0].area_px))
    if len(found) > 1:
        notes.append(f"{len(found)} 2D tissue regions; the largest is used: {region}")
    return Calibration(region, scale, tuple(notes))


def frame_times_ns(header: Any, frames: int, default_period_ns: int) -> tuple[list[int], tuple[str, ...]]:
    """The time of each frame from the first, and a note when the header does not say.

    Frame Time Vector (0018,1065) counts where it is complete, else Frame Time (0018,1063), Cine Rate (0018,0040), Recommended Display
    Frame Rate (0008,2144), else the default.
    """
    vector = header.get("FrameTimeVector", None)
    if vector is not None and not isinstance(vector, (str, float)) and len(vector) == frames:
        steps = [float(step) for step in vector]
        if all(math.isfinite(step) and step >= 0 for step in steps):
            return [round(time_ms * NS_PER_MS) for time_ms in accumulate([0.0, *steps[1:]])], ()
    period_ns = _period_ns(header)
    if period_ns is not None:
        return [index * period_ns for index in range(frames)], ()
    times = [index * default_period_ns for index in range(frames)]
    if frames == 1:
        return times, ()
    return times, (f"no frame time in the file: {NS_PER_S / default_period_ns:g} frames a second are assumed",)


def _period_ns(header: Any) -> int | None:
    frame_time_ms = _number(header, "FrameTime")
    if frame_time_ms is not None and frame_time_ms > 0:
        return round(frame_time_ms * NS_PER_MS)
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate_hz = _number(header, keyword)
        if rate_hz is not None and rate_hz > 0:
            return round(NS_PER_S / rate_hz)
    return None


def _region_of(item: Any, width_px: int, height_px: int, notes: list[str]) -> Region | None:
    keywords = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    corners = [_number(item, keyword) for keyword in keywords]
    if None in corners:
        notes.append("a region without a location is not used")
        return None
    x0, y0, x1, y1 = (int(corner) for corner in corners if corner is not None)
    place = f"region ({x0}, {y0}) to ({x1}, {y1})"
    if min(x0, y0) < 0 or x1 >= width_px + EDGE_TOLERANCE_PX or y1 >= height_px + EDGE_TOLERANCE_PX:
        notes.append(
            f"{place} reaches beyond the picture of {width_px}x{height_px}: the picture was resized or cut, so its scale is not used"
        )
        return None
    right, bottom = min(x1, width_px - 1), min(y1, height_px - 1)
    try:
        return Region(x0, y0, right - x0 + 1, bottom - y0 + 1)
    except InvalidInputError:
        notes.append(f"{place} is smaller than {MIN_REGION_PX} pixels and is not used")
        return None


def _scale_of(item: Any, notes: list[str]) -> Scale | None:
    units = [_number(item, f"PhysicalUnits{axis}Direction") for axis in "XY"]
    x_cm, y_cm = _number(item, "PhysicalDeltaX"), _number(item, "PhysicalDeltaY")
    if any(unit != UNITS_CM for unit in units) or x_cm is None or y_cm is None:
        notes.append("a 2D region is not calibrated in cm: no scale")
        return None
    try:
        return Scale(abs(x_cm) * MM_PER_CM, abs(y_cm) * MM_PER_CM)
    except InvalidInputError as error:
        notes.append(f"calibration not used: {error}")
        return None


def _number(item: Any, keyword: str) -> float | None:
    """A header value as a finite number, or None when it is absent or malformed."""
    value = item.get(keyword, None)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
