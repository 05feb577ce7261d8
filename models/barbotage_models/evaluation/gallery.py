"""Pictures of what a model finds and of where it fails: the worst misses, and hits drawn by lot, with truth and claim drawn on."""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIZE_PX
from barbotage_models.contract.geometry import GreyImage, PointMm
from barbotage_models.contract.output import STRIDE_PX
from barbotage_models.evaluation.claims import TIP_FAR_MM
from barbotage_models.evaluation.curve_plot import reliability_plot
from barbotage_models.evaluation.detections import Detections
from barbotage_models.evaluation.metrics import LARGE_DEPOSIT_MM, NEEDLE_VISIBLE_MIN_MM, OVERLAP_MIN, TIP_GOOD_MM
from barbotage_models.training.labels import Sample, SampleKind

COLUMNS = 4
ZOOM = 2
TILE_PX, GAP_PX, HEAD_PX = CANONICAL_SIZE_PX * ZOOM, 6, 30
TRUTH_BGR, CLAIM_BGR, PAPER, INK = (90, 230, 90), (40, 140, 255), 24, (235, 235, 235)
FONT, TITLE_SIZE, NOTE_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0.5


class Sort(StrEnum):
    """What a picture shows; the text is its title."""

    DEPOSIT_FOUND = "deposits found (by lot)"
    TIP_FOUND = "tips shown within 2 mm (by lot)"
    SPARED = "real pictures on which nothing is shown (by lot)"
    DEPOSIT_MISSED = "deposits from 5 mm missed, the largest"
    FALSE_DEPOSIT = "deposits shown where none is, the largest"
    NEEDLE_MISSED = "needles not shown, the longest"
    FALSE_NEEDLE = "needles shown where none is, the longest"
    FAR_TIP = "tips shown more than 5 mm off, the furthest"


HITS = (Sort.DEPOSIT_FOUND, Sort.TIP_FOUND, Sort.SPARED)
MISSES = (Sort.DEPOSIT_MISSED, Sort.FALSE_DEPOSIT, Sort.NEEDLE_MISSED, Sort.FALSE_NEEDLE, Sort.FAR_TIP)


@dataclass(order=True, slots=True)
class _Case:
    weight: float
    number: int
    note: str = field(compare=False)
    picture: GreyImage = field(compare=False)


class Gallery:
    """Looks at frames as they are measured and keeps a few of each sort. Hits are drawn by lot from ``seed``, so that none is chosen."""

    def __init__(self, seed: int = 0) -> None:
        self._lot = np.random.default_rng(seed)
        self._kept: dict[Sort, list[_Case]] = {sort: [] for sort in Sort}
        self.counts: dict[Sort, int] = dict.fromkeys(Sort, 0)
        """How many of each sort there were."""
        self._number = 0

    def look(self, sample: Sample, found: Detections) -> None:
        """Takes in a frame and what is shown on it."""
        self._number += 1
        for sort, weight, note in _cases(sample, found):
            self.counts[sort] += 1
            lot = float(self._lot.random()) if sort in HITS else weight
            kept = self._kept[sort]
            if len(kept) < COLUMNS or lot > kept[0].weight:
                case = _Case(lot, self._number, f"{sample.kind.name.lower()} {note}".strip(), drawn(sample, found))
                (heapq.heappush if len(kept) < COLUMNS else heapq.heapreplace)(kept, case)

    def notes(self, sort: Sort) -> list[str]:
        """What is written under the pictures that are kept of a sort, the first one first."""
        return [case.note for case in sorted(self._kept[sort], reverse=True)]

    def sheet(self, sorts: tuple[Sort, ...]) -> GreyImage:
        """One row per sort, BGR uint8; the title says how many there are in all. Truth is green, what is shown orange."""
        step = TILE_PX + GAP_PX
        heights = [HEAD_PX + (step if self._kept[sort] else 0) for sort in sorts]
        sheet = np.full((sum(heights), COLUMNS * step, 3), PAPER, dtype=np.uint8)
        for index, sort in enumerate(sorts):
            top = sum(heights[:index])
            title = f"{sort.value}: {self.counts[sort]} in {self._number} frames"
            cv2.putText(sheet, title, (6, top + HEAD_PX - 9), FONT, TITLE_SIZE, INK, 1, cv2.LINE_AA)
            for column, case in enumerate(sorted(self._kept[sort], reverse=True)):
                y, x = top + HEAD_PX, column * step
                sheet[y : y + TILE_PX, x : x + TILE_PX] = case.picture
                cv2.putText(sheet, case.note, (x + 8, y + TILE_PX - 10), FONT, NOTE_SIZE, INK, 1, cv2.LINE_AA)
        return sheet


def write_pictures(folder: Path, gallery: Gallery, curves: dict[str, Any]) -> list[Path]:
    """Leaves hits.png, misses.png and reliability.png (of ``curves``) in a folder, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"hits": gallery.sheet(HITS), "misses": gallery.sheet(MISSES), "reliability": reliability_plot(curves)}
    written = []
    for name, picture in pictures.items():
        encoded, content = cv2.imencode(".png", picture)
        if not encoded:
            raise OSError(f"{name}.png could not be encoded")
        written.append(folder / f"{name}.png")
        written[-1].write_bytes(content.tobytes())
    return written


def drawn(sample: Sample, found: Detections) -> GreyImage:
    """A frame, twice enlarged, BGR uint8: the truth in green, what is shown in orange."""
    large = cv2.resize(sample.frame, (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR)
    picture = np.asarray(np.repeat(large[..., None], 3, axis=2), dtype=np.uint8)
    for index in range(1, len(sample.deposits) + 1):
        _outline(picture, sample.instances == index, TRUTH_BGR)
    for deposit in found.deposits:
        _outline(picture, deposit.cells, CLAIM_BGR)
    if sample.needle is not None:
        if sample.needle.visible_mm > 0:
            _cross(picture, sample.needle.middle, TRUTH_BGR, cv2.MARKER_SQUARE)
        if sample.needle.tip_visible:
            _cross(picture, sample.needle.tip, TRUTH_BGR, cv2.MARKER_TILTED_CROSS)
    if found.shaft is not None:
        cv2.line(picture, _px(found.shaft.ends[0]), _px(found.shaft.ends[1]), CLAIM_BGR, 1, cv2.LINE_AA)
    if found.tip.score > 0:
        cv2.circle(picture, _px(found.tip.position), 9, CLAIM_BGR, 2, cv2.LINE_AA)
    return picture


def _cases(sample: Sample, found: Detections) -> Iterator[tuple[Sort, float, str]]:
    yield from _deposit_cases(sample, found)
    yield from _needle_cases(sample, found)
    if sample.kind is SampleKind.REAL and not found.deposits and found.shaft is None:
        yield Sort.SPARED, 0.0, ""


def _deposit_cases(sample: Sample, found: Detections) -> Iterator[tuple[Sort, float, str]]:
    claimed = np.zeros(sample.instances.shape, dtype=np.bool_)
    for deposit in found.deposits:
        claimed |= deposit.cells
        if (sample.instances[deposit.cells] > 0).mean() < OVERLAP_MIN:
            yield Sort.FALSE_DEPOSIT, float(deposit.cells.sum()), ""
    for index, label in enumerate(sample.deposits, start=1):
        if label.longest_mm >= LARGE_DEPOSIT_MM:
            hit = claimed[sample.instances == index].mean() >= OVERLAP_MIN
            sort = Sort.DEPOSIT_FOUND if hit else Sort.DEPOSIT_MISSED
            yield sort, label.longest_mm, f"{label.longest_mm:.1f} mm, shadow {label.shadow.name.lower()}"


def _needle_cases(sample: Sample, found: Detections) -> Iterator[tuple[Sort, float, str]]:
    truth, shaft = sample.needle, found.shaft
    if truth is None and shaft is not None:
        yield Sort.FALSE_NEEDLE, shaft.visible_mm, f"{shaft.visible_mm:.0f} mm"
    if truth is not None and shaft is None and truth.visible_mm >= NEEDLE_VISIBLE_MIN_MM:
        yield Sort.NEEDLE_MISSED, truth.visible_mm, f"{truth.visible_mm:.0f} mm visible"
    if found.tip.score > 0:
        away_mm = math.inf if truth is None else found.tip.position.distance_mm(truth.tip)
        if away_mm > TIP_FAR_MM:
            yield Sort.FAR_TIP, away_mm, "no needle" if truth is None else f"{away_mm:.1f} mm"
        elif away_mm <= TIP_GOOD_MM:
            yield Sort.TIP_FOUND, 0.0, f"{away_mm:.1f} mm"


def _px(point: PointMm) -> tuple[int, int]:
    per_mm = ZOOM / CANONICAL_MM_PER_PX
    return round(point.x_mm * per_mm), round(point.z_mm * per_mm)


def _cross(picture: GreyImage, point: PointMm, colour: tuple[int, int, int], marker: int) -> None:
    cv2.drawMarker(picture, _px(point), colour, marker, 14, 1, cv2.LINE_AA)


def _outline(picture: GreyImage, cells: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], colour: tuple[int, int, int]) -> None:
    mask = cells.astype(np.uint8).repeat(STRIDE_PX * ZOOM, axis=0).repeat(STRIDE_PX * ZOOM, axis=1)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, 1)
