"""The gate between the float and the int8 model: on the same frames they must say the same."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.geometry import FloatArray
from barbotage_models.contract.output import ModelOutput, tip_peak
from barbotage_models.contract.taxonomy import Tissue
from barbotage_models.errors import BarbotageError
from barbotage_models.evaluation.runner import Runner
from barbotage_models.training.shards import FRAME_PLANE, PREVIOUS_PLANE, Samples

AGREEMENT_MIN = 0.99
"""Share of cells with the same class; the measured loss of such networks is near 0.1 %."""
IOU_DROP_MAX = 0.02
TIP_MOVE_MAX_MM = 0.3
"""Half a cell, median over frames with a visible tip."""


class ParityError(BarbotageError):
    """The int8 model says something else than the float model; it is not written."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How near two models are. ``iou_drop`` is the largest drop of any class (negative: none); ``tip_move_mm`` a median, NaN without tips."""

    frames: int
    agreement: float
    iou_drop: float
    tip_move_mm: float

    def document(self) -> dict[str, Any]:
        """For the card, with the limits."""
        values = {k: None if v != v else round(v, 5) for k, v in asdict(self).items()}
        return values | {"limits": {"agreement": AGREEMENT_MIN, "iou_drop": IOU_DROP_MAX, "tip_move_mm": TIP_MOVE_MAX_MM}}


def compare(reference: Runner, candidate: Runner, samples: Samples) -> Parity:
    """Runs both on every sample."""
    agreed, moves = [], []
    counts = np.zeros((2, len(Tissue), 2))
    for planes, classes, tip in zip(samples.frames, samples.classes, samples.tips_cells, strict=True):
        frame, previous = (planes, None) if planes.ndim == 2 else (planes[:, :, FRAME_PLANE], planes[:, :, PREVIOUS_PLANE])
        outputs = (reference.run(frame, previous), candidate.run(frame, previous))
        maps = [o.classes.argmax(axis=-1) for o in outputs]
        agreed.append(float((maps[0] == maps[1]).mean()))
        for row, found in zip(counts, maps, strict=True):
            for tissue in Tissue:
                row[tissue] += (np.sum((found == tissue) & (classes == tissue)), np.sum((found == tissue) | (classes == tissue)))
        if not np.isnan(tip[0]):
            moves.append(_tip_move_mm(*outputs))
    iou = counts[..., 0] / np.maximum(counts[..., 1], 1)
    return Parity(
        len(agreed), float(np.mean(agreed)), float((iou[0] - iou[1]).max()), float(np.median(moves)) if moves else float("nan")
    )


def check(parity: Parity) -> None:
    """Raises ParityError when a limit is broken; says which."""
    broken = []
    if parity.agreement < AGREEMENT_MIN:
        broken.append(f"only {parity.agreement:.2%} of the cells have the same class (at least {AGREEMENT_MIN:.0%})")
    if parity.iou_drop > IOU_DROP_MAX:
        broken.append(f"a class loses {parity.iou_drop:.3f} of IoU (at most {IOU_DROP_MAX})")
    if parity.tip_move_mm > TIP_MOVE_MAX_MM:
        broken.append(f"tips move by {parity.tip_move_mm:.2f} mm (at most {TIP_MOVE_MAX_MM})")
    if broken:
        raise ParityError(
            f"int8 and float differ on {parity.frames} frames: {'; '.join(broken)}. Train longer or change the representative set."
        )


def _tip_move_mm(first: ModelOutput, second: ModelOutput) -> float:
    points: list[FloatArray] = [np.array([p.x_px, p.y_px]) for p in (tip_peak(first.tip).position, tip_peak(second.tip).position)]
    return float(np.hypot(*(points[0] - points[1])) * CANONICAL_MM_PER_PX)
