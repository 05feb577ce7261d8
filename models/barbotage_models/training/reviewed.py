"""Reviewed frames as training samples, alone or beside simulated data; what the reviewer did not judge stays unknown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from barbotage_models.contract.canonical import CANONICAL_SIZE_PX, CanonicalView, to_canonical
from barbotage_models.contract.geometry import FloatArray, GreyImage, PointMm, PointPx
from barbotage_models.contract.reviewed import ReviewedFrame, ShaftPx, is_reviewed, read_frames, read_manifest
from barbotage_models.contract.taxonomy import EntrySide, ShadowType
from barbotage_models.errors import InvalidInputError, NotFoundError
from barbotage_models.simulator.truth import DepositTruth, NeedleTruth, Truth
from barbotage_models.training.labels import Sample, SampleKind, labelled, truth_in_canonical, used_extent_px
from barbotage_models.training.shards import Samples, Split, gather, joined, load_split


def load_data(directories: Sequence[Path], split: Split, limit: int | None = None, planes: int = 1) -> Samples:
    """One split of several data directories, simulated or reviewed, as one; ``limit`` is of each directory, ``planes`` as ``load_split``.

    A reviewed folder without a session in the split adds nothing. Raises NotFoundError when nothing is left, and what
    ``load_split`` and ``read_frames`` raise.
    """
    parts = []
    for directory in directories:
        if not is_reviewed(directory):
            parts.append(load_split(directory, split, limit, planes))
            continue
        samples = list(reviewed_samples(directory, split))
        if samples:
            parts.append(gather(samples, planes).spread(limit))
    if not parts:
        raise NotFoundError(
            f"no samples for '{split.value}' in {', '.join(map(str, directories))}; add simulated data with another --data, "
            "or export more reviewed sessions (sets are split by session)"
        )
    return joined(parts)


def reviewed_samples(folder: Path, split: Split) -> Iterator[Sample]:
    """The samples of the sessions that belong to a split, in the folder's order. Raises NotFoundError or InvalidInputError."""
    chosen = {s.id for s in read_manifest(folder).sessions if s.split.value == split.value}
    for frame in read_frames(folder):
        if frame.session in chosen:
            yield reviewed_sample(frame, _picture(folder, frame))


def reviewed_sample(frame: ReviewedFrame, pixels: GreyImage) -> Sample:
    """The sample of one reviewed frame, resampled by the function that the device uses; without a scale as the device fits it.

    Single frames are reviewed, so the frame before it is itself: that is what the device feeds at the start of a stream.
    """
    canonical = to_canonical(pixels, frame.scale)
    truth = truth_in_canonical(_truth(frame, canonical.view), canonical.view)
    sample = labelled(canonical.pixels, canonical.pixels, truth, SampleKind.REVIEWED, _tissue(canonical.view))
    return Sample(
        frame=sample.frame,
        previous=sample.previous,
        classes=sample.classes,
        instances=sample.instances,
        tip_cells=sample.tip_cells,
        bone_known=False,
        kind=sample.kind,
        deposits=sample.deposits,
        needle=sample.needle,
        deposits_known=frame.deposits_known,
        needle_known=frame.needle_known,
        tip_known=frame.tip_known,
    )


def _tissue(view: CanonicalView) -> npt.NDArray[np.bool_]:
    """Where the canonical frame shows the region; the rest is padding."""
    width_px, height_px = used_extent_px(view)
    tissue = np.zeros((CANONICAL_SIZE_PX, CANONICAL_SIZE_PX), dtype=np.bool_)
    tissue[:height_px, :width_px] = True
    return tissue


def _picture(folder: Path, frame: ReviewedFrame) -> GreyImage:
    path = folder / frame.file
    if not path.is_file():
        raise NotFoundError(f"the frame {path} is missing; export the labels again")
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None or pixels.shape != (frame.height_px, frame.width_px):
        found = "no picture" if pixels is None else f"{pixels.shape[1]}x{pixels.shape[0]} pixels"
        raise InvalidInputError(f"{path} is {found}, its label says {frame.width_px}x{frame.height_px}; export the labels again")
    return np.asarray(pixels, dtype=np.uint8)


def _truth(frame: ReviewedFrame, view: CanonicalView) -> Truth:
    """What the labels say, in mm of the region (true or nominal)."""
    deposits = tuple(_deposit(_plane(outline, view)) for outline in frame.deposits)
    return Truth(view.width_mm, view.depth_mm, deposits, np.zeros((0, 2)), _needle(frame, view))


def _deposit(outline: FloatArray) -> DepositTruth:
    moments = cv2.moments(outline.astype(np.float32)[:, None, :])
    corners = outline[:, 0] + 1j * outline[:, 1]
    chords = np.abs(corners[:, None] - corners)
    first, second = divmod(int(chords.argmax()), len(outline))
    longest_mm = float(chords[first, second])
    across = (corners * np.conj(corners[second] - corners[first])).imag
    x_mm, z_mm = (float(v) for v in outline.mean(axis=0))
    return DepositTruth(
        outline=outline,
        centre=PointMm(x_mm, z_mm),
        longest_mm=longest_mm,
        perpendicular_mm=float(np.ptp(across)) / longest_mm if longest_mm > 0 else 0.0,
        area_mm2=abs(float(moments["m00"])),
        shadow=ShadowType.INDETERMINATE,
    )


def _needle(frame: ReviewedFrame, view: CanonicalView) -> NeedleTruth | None:
    """The needle of the labels; of a frame where only the tip was judged it has no visible shaft, and that stays unknown."""
    shaft, tip = frame.shaft, frame.tip
    if shaft is None and tip is None:
        return None
    ends = _plane((shaft.entry, shaft.end), view) if shaft is not None else np.zeros((0, 2))
    point = _plane((tip,), view)[0] if tip is not None else ends[1]
    return NeedleTruth(
        tip=PointMm(float(point[0]), float(point[1])),
        entry=PointMm(float(ends[0][0]), float(ends[0][1])) if len(ends) else PointMm(float(point[0]), float(point[1])),
        angle_deg=_angle_deg(ends),
        side=_side(shaft),
        tip_visible=tip is not None,
        shaft_visible_fraction=1.0 if len(ends) else 0.0,
        visible_segments=ends[None] if len(ends) else np.zeros((0, 2, 2)),
    )


def _angle_deg(ends: FloatArray) -> float:
    """From the horizontal, 0 to 90; 0 without a shaft."""
    if not len(ends):
        return 0.0
    dx_mm, dz_mm = np.abs(ends[1] - ends[0])
    return float(np.degrees(np.arctan2(dz_mm, dx_mm)))


def _side(shaft: ShaftPx | None) -> EntrySide:
    return EntrySide.RIGHT if shaft is not None and shaft.entry.x_px > shaft.end.x_px else EntrySide.LEFT


def _plane(points: Sequence[PointPx], view: CanonicalView) -> FloatArray:
    """Pixel centres in mm of the region: the reverse of ``CanonicalView.px_from_plane``."""
    px = np.array([[p.x_px, p.y_px] for p in points], dtype=np.float64)
    return np.asarray((px + 0.5) * np.array([view.mm_per_px_x, view.mm_per_px_z]), dtype=np.float64)
