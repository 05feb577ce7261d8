"""How much a re-run differs from the record: what it says otherwise, and how far the tip lies apart. Without this a session stored as
JPEG differs in every frame by some thousandths of a pixel, and what matters would drown.
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

Record = Mapping[str, Any]

STATEMENTS: tuple[str, ...] = ("certainty", "needle", "deposits", "target", "prompt")
"""What the operator acts on: each is the same or it is not."""


class Differences:
    """Collects over frames what the operator would have seen otherwise, and the distance of the tips."""

    def __init__(self) -> None:
        self.changed: Counter[str] = Counter()
        self.frames_changed: list[int] = []
        self._apart_px = array("d")
        self._apart_mm = array("d")

    def add(self, frame: int, recorded: Record, again: Record, scale: tuple[float, float] | None) -> None:
        """One frame: two objects of ``{"guidance": …}``; ``scale`` is (x, z) mm per pixel."""
        one, other = recorded.get("guidance"), again.get("guidance")
        if one is None or other is None:
            return
        kinds = [kind for kind in STATEMENTS if said(kind, one) != said(kind, other)]
        self.changed.update(kinds)
        if kinds:
            self.frames_changed.append(frame)
        tips = one["aim"]["tip_px"], other["aim"]["tip_px"]
        if tips[0] is not None and tips[1] is not None:
            dx, dy = tips[0][0] - tips[1][0], tips[0][1] - tips[1][1]
            self._apart_px.append(math.hypot(dx, dy))
            if scale is not None:
                self._apart_mm.append(math.hypot(dx * scale[0], dy * scale[1]))

    def tip_apart(self) -> dict[str, Any] | None:
        """Median, 95th percentile and worst distance of the tips that both know, in mm where all frames have a scale, else in pixels."""
        if not self._apart_px:
            return None
        unit, values = ("mm", self._apart_mm) if len(self._apart_mm) == len(self._apart_px) else ("px", self._apart_px)
        apart = np.array(values)
        return {
            "unit": unit,
            "frames": len(apart),
            "median": round(float(np.median(apart)), 3),
            "p95": round(float(np.percentile(apart, 95)), 3),
            "worst": round(float(apart.max()), 3),
        }


def said(kind: str, guidance: Record) -> object:
    """What a guidance record says of one of ``STATEMENTS``."""
    if kind == "certainty":
        return guidance["aim"]["certainty"]
    if kind == "needle":
        return guidance["needle"]["state"]
    if kind == "deposits":
        return len(guidance["deposits"])
    if kind == "target":
        return guidance["target"] is not None
    shown = guidance["prompts"]["shown"]
    return None if shown is None else shown["kind"]
