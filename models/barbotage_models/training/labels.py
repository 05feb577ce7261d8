"""What a training frame is labelled with: class map, deposit instances, tip and a summary of the truth, in canonical cells."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX, CANONICAL_SIZE_PX, CanonicalView
from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm
from barbotage_models.contract.output import OUTPUT_SIZE_PX, STRIDE_PX
from barbotage_models.contract.taxonomy import ShadowType, Tissue
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth

CELL_MM = CANONICAL_MM_PER_PX * STRIDE_PX
"""Side of an output cell, in mm of the canonical frame."""
MAP_SHAPE = (OUTPUT_SIZE_PX, OUTPUT_SIZE_PX)
_SHAFT_STEP_MM = 0.25
"""Spacing of the points by which the visible length inside the picture is counted; well below a cell."""


DOUBTFUL = 255
"""In ``Sample.instances``: a deposit that is there, but hardly or not seen by the rule of ``training.seen``."""


class SampleKind(IntEnum):
    """Where a sample's pixels come from; accuracy is always reported apart for each."""

    SIMULATED = 0
    COMPOSITE = 1
    """Simulated needle and/or deposit on a real picture."""
    REAL = 2
    """A real picture without needle or deposit: a hard negative."""
    REVIEWED = 3
    """A recorded frame with what a reviewer says of it."""


class Known(IntEnum):
    """What a frame's labels say something of; the value is the column of ``Samples.known``.

    Of what is not known, the labelled cells are right, and what is claimed beyond them is neither right nor wrong.
    """

    DEPOSIT = 0
    BONE = 1
    NEEDLE = 2
    TIP = 3


@dataclass(frozen=True, slots=True)
class DepositLabel:
    """One deposit of a sample; its cells carry its position in the list plus one in ``Sample.instances``."""

    longest_mm: float
    shadow: ShadowType


@dataclass(frozen=True, slots=True)
class NeedleLabel:
    """The needle of a sample, in mm of the canonical frame. ``visible_mm`` counts what is seen inside the picture.

    ``middle`` is the mean of the visible points (of the axis when nothing is visible).
    """

    tip: PointMm
    middle: PointMm
    angle_deg: float
    tip_visible: bool
    visible_mm: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled canonical frame.

    ``frame`` uint8 (256, 256); ``previous`` the frame before it (equal to it where there is none); ``classes`` uint8 (64, 64) of ``Tissue``; ``instances`` uint8 (64, 64), 0 or index of the deposit + 1, or
    ``DOUBTFUL``: a claim there is not false, a miss there is none;
    ``tip_cells`` float32 (2,) as (x, y) in cells, NaN when no tip is visible; ``bone_known`` is False on real pictures, whose
    bone is not labelled; deposits are not wholly known where one is doubtful; the other objects may be unknown on reviewed frames only.
    """

    frame: GreyImage
    previous: GreyImage
    classes: GreyImage
    instances: GreyImage
    tip_cells: npt.NDArray[np.float32]
    bone_known: bool
    kind: SampleKind
    deposits: tuple[DepositLabel, ...]
    needle: NeedleLabel | None
    deposits_known: bool = True
    needle_known: bool = True
    tip_known: bool = True

    @property
    def known(self) -> tuple[bool, ...]:
        """In the order of ``Known``."""
        return self.deposits_known, self.bone_known, self.needle_known, self.tip_known


def labelled(
    frame: GreyImage,
    previous: GreyImage,
    truth: Truth,
    kind: SampleKind,
    tissue: npt.NDArray[np.bool_],
    doubtful: Sequence[DepositTruth] = (),
) -> Sample:
    """The sample of a canonical frame whose ``truth`` is in canonical mm; ``tissue`` (256, 256) is where the frame shows tissue.

    Cells without tissue are background, whatever the truth says. ``doubtful`` deposits are not in ``truth``: nobody can say whether
    the picture shows them, so with one of them the frame's deposits are not wholly known.
    """
    inside = tissue.reshape(OUTPUT_SIZE_PX, STRIDE_PX, OUTPUT_SIZE_PX, STRIDE_PX).any(axis=(1, 3))
    classes = np.where(inside, truth.class_map(MAP_SHAPE, CELL_MM), np.uint8(Tissue.BACKGROUND)).astype(np.uint8)
    instances = np.zeros(MAP_SHAPE, dtype=np.uint8)
    deposits: list[DepositLabel] = []
    for deposit in doubtful:
        instances[_cells_of(deposit, truth) & inside] = DOUBTFUL
    for deposit in truth.deposits:
        cells = _cells_of(deposit, truth) & inside
        if cells.any():
            deposits.append(DepositLabel(deposit.longest_mm, deposit.shadow))
            instances[cells] = len(deposits)
    needle = None if truth.needle is None else _needle_label(truth.needle, tissue)
    tip = np.full(2, np.nan, dtype=np.float32)
    if needle is not None and needle.tip_visible:
        tip[:] = (needle.tip.x_mm / CELL_MM - 0.5, needle.tip.z_mm / CELL_MM - 0.5)
    known = not (instances == DOUBTFUL).any()
    return Sample(
        frame,
        previous,
        classes,
        instances,
        tip,
        kind is SampleKind.SIMULATED,
        kind,
        tuple(deposits),
        needle,
        deposits_known=known,
    )


def _cells_of(deposit: DepositTruth, truth: Truth) -> npt.NDArray[np.bool_]:
    alone = Truth(truth.width_mm, truth.depth_mm, (deposit,), np.zeros((0, 2)), None)
    return np.asarray(alone.class_map(MAP_SHAPE, CELL_MM) == Tissue.DEPOSIT)


def truth_in_canonical(truth: Truth, view: CanonicalView) -> Truth:
    """The same truth in mm of the canonical frame (origin at its top left corner) instead of mm of the region."""

    def move(points: FloatArray) -> FloatArray:
        if points.size == 0:
            return points
        flat = view.canonical_from_plane(points.reshape(-1, 2))
        return ((flat + 0.5) * CANONICAL_MM_PER_PX).reshape(points.shape)

    def move_point(point: PointMm) -> PointMm:
        x_mm, z_mm = move(np.array([[point.x_mm, point.z_mm]]))[0]
        return PointMm(float(x_mm), float(z_mm))

    def move_deposit(deposit: DepositTruth) -> DepositTruth:
        return replace(deposit, outline=move(deposit.outline), centre=move_point(deposit.centre))

    needle = truth.needle
    if needle is not None:
        segments = move(needle.visible_segments)
        needle = replace(needle, tip=move_point(needle.tip), entry=move_point(needle.entry), visible_segments=segments)
    return replace(
        truth,
        deposits=tuple(map(move_deposit, truth.deposits)),
        bone=move(truth.bone),
        needle=needle,
        more_bone=tuple(map(move, truth.more_bone)),
        more_shafts=move(truth.more_shafts),
    )


def used_extent_px(view: CanonicalView) -> tuple[int, int]:
    """Width and height in canonical pixels of the part of the canonical frame that the region fills."""
    corner = view.canonical_from_plane(np.array([[view.width_mm, view.depth_mm]]))[0] + 0.5
    width, height = (int(np.clip(np.rint(v), 1, CANONICAL_SIZE_PX)) for v in corner)
    return width, height


def labels_to_json(sample: Sample) -> bytes:
    """The deposits and the needle of a sample as compact JSON."""
    needle = None if sample.needle is None else asdict(sample.needle)
    return json.dumps({"deposits": [asdict(d) for d in sample.deposits], "needle": needle}, separators=(",", ":")).encode()


def labels_from_json(text: bytes) -> tuple[tuple[DepositLabel, ...], NeedleLabel | None]:
    """What ``labels_to_json`` wrote. Raises ValueError or KeyError when it is something else."""
    raw = json.loads(text)
    deposits = tuple(DepositLabel(float(d["longest_mm"]), ShadowType(d["shadow"])) for d in raw["deposits"])
    needle = raw["needle"]
    if needle is None:
        return deposits, None
    return deposits, NeedleLabel(
        tip=PointMm(**needle["tip"]),
        middle=PointMm(**needle["middle"]),
        angle_deg=float(needle["angle_deg"]),
        tip_visible=bool(needle["tip_visible"]),
        visible_mm=float(needle["visible_mm"]),
    )


def _needle_label(needle: NeedleTruth, tissue: npt.NDArray[np.bool_]) -> NeedleLabel:
    points = _visible_points(needle)
    seen = points[_on(tissue, points)]
    middle = seen.mean(axis=0) if len(seen) else np.array([needle.tip.x_mm, needle.tip.z_mm])
    tip_inside = bool(_on(tissue, np.array([[needle.tip.x_mm, needle.tip.z_mm]]))[0])
    return NeedleLabel(
        tip=needle.tip,
        middle=PointMm(float(middle[0]), float(middle[1])),
        angle_deg=needle.angle_deg,
        tip_visible=bool(needle.tip_visible and tip_inside),
        visible_mm=len(seen) * _SHAFT_STEP_MM,
    )


def _on(tissue: npt.NDArray[np.bool_], points_mm: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of the points (n, 2) in mm lie on pixels that show tissue."""
    pixels = np.floor(points_mm / CANONICAL_MM_PER_PX).astype(int)
    inside = ((pixels >= 0) & (pixels < CANONICAL_SIZE_PX)).all(axis=1)
    column, row = np.clip(pixels, 0, CANONICAL_SIZE_PX - 1).T
    return np.asarray(inside & tissue[row, column], dtype=np.bool_)


def _visible_points(needle: NeedleTruth) -> FloatArray:
    pieces = [np.zeros((0, 2))]
    for start, end in needle.visible_segments:
        count = round(float(np.hypot(*(end - start))) / _SHAFT_STEP_MM)
        along = (np.arange(count) + 0.5) / max(count, 1)
        pieces.append(start + along[:, None] * (end - start))
    return np.concatenate(pieces)
