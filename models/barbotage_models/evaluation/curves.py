"""How far a confidence can be believed (reliability), and what a threshold on it lets through (operating curve)."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_models.contract.geometry import FloatArray
from barbotage_models.training.labels import SampleKind

BINS = 10
OPERATING_THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)
GROUPS: dict[str, tuple[SampleKind, ...]] = {
    "simulated": (SampleKind.SIMULATED,),
    "composite": (SampleKind.COMPOSITE,),
    "real": (SampleKind.REAL,),
}


def reliability(confidence: FloatArray, right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Reliability curve in ten equal bins and the expected calibration error (Naeini 2015; Guo 2017, section 2), ready for JSON.

    ``ece`` is the mean over claims of |confidence - share right| of their bin; null without claims.
    """
    bins = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    rows, error = [], 0.0
    for index in range(BINS):
        inside = bins == index
        n = int(inside.sum())
        if n == 0:
            continue
        mean, share = float(confidence[inside].mean()), float(right[inside].mean())
        error += n * abs(mean - share)
        rows.append({"from": index / BINS, "n": n, "confidence": round(mean, 4), "right": round(share, 4)})
    total = len(confidence)
    return {"n": total, "ece": round(error / total, 4) if total else None, "bins": rows}


def operating(
    confidence: FloatArray, right: npt.NDArray[np.bool_], groups: dict[str, npt.NDArray[np.bool_]], frames: dict[str, int]
) -> list[dict[str, Any]]:
    """Per threshold: the share of right claims that stay shown, and the wrong ones per frame of each group, ready for JSON.

    ``groups`` says which claims belong to a group, ``frames`` how many frames it has.
    """
    rows = []
    for threshold in OPERATING_THRESHOLDS:
        kept = confidence >= threshold
        right_kept = float((kept & right).sum() / right.sum()) if right.any() else math.nan
        row: dict[str, Any] = {"threshold": threshold, "right_kept": None if math.isnan(right_kept) else round(right_kept, 4)}
        for name, inside in groups.items():
            if frames[name]:
                row[f"false_per_frame_{name}"] = round(float((kept & ~right & inside).sum() / frames[name]), 5)
        rows.append(row)
    return rows
