"""What the demo leaves: the overlay video, the key moments and the summary."""

import json
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from barbotage_device.bedside.view import BedsideView, DisplayState, ScreenSize, display_state
from barbotage_device.runtime.budget import BUDGET, Stage
from barbotage_device.runtime.timing import Percentiles
from barbotage_models.contract.geometry import PointMm
from barbotage_models.simulator.truth import Truth

Picture = npt.NDArray[np.uint8]

HARM_MM = 5.0
"""A tip shown this far from the true one misleads; its share is reported by itself."""


class Video:
    """An H.264 video (MP4) of BGR pictures of ``size`` (an odd last row or column is cut off); written under another name until it is complete."""

    def __init__(self, path: Path, size: ScreenSize, rate_hz: float) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._container = av.open(str(self._partial), "w", format="mp4", options={"movflags": "faststart"})
        self._stream = self._container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000))
        self._stream.width, self._stream.height = size.width_px // 2 * 2, size.height_px // 2 * 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "veryfast", "crf": "21"}

    def __enter__(self) -> "Video":
        """Itself."""
        return self

    def add(self, picture: Picture) -> None:
        """One more picture."""
        even = np.ascontiguousarray(picture[: self._stream.height, : self._stream.width])
        for packet in self._stream.encode(av.VideoFrame.from_ndarray(even, format="bgr24")):
            self._container.mux(packet)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Completes the file, also when the run was interrupted: what was seen so far plays."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        self._partial.replace(self._path)


@dataclass
class Tally:
    """Compares what was shown with the simulator's truth, frame by frame."""

    tip_errors_mm: list[float] = field(default_factory=list)
    tip_visible_frames: int = 0
    tip_shown_while_visible: int = 0
    states: Counter[str] = field(default_factory=Counter)
    prompts: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    _prompt_before: str | None = None

    def add(self, view: BedsideView, truth: Truth) -> None:
        """Counts one frame."""
        self.frames += 1
        state = display_state(view)
        self.states[state.value] += 1
        visible = truth.needle is not None and truth.needle.tip_visible
        shown = view.aim.tip if state is DisplayState.CONFIRMED else None
        self.tip_visible_frames += visible
        self.tip_shown_while_visible += visible and shown is not None
        if shown is not None and truth.needle is not None:
            self.tip_errors_mm.append(shown.distance_mm(PointMm(truth.needle.tip.x_mm, truth.needle.tip.z_mm)))
        prompt = view.prompts.shown.kind.value if view.prompts.shown is not None else None
        if prompt is not None and prompt != self._prompt_before:
            self.prompts[prompt] += 1
        self._prompt_before = prompt

    def summary(self) -> dict[str, Any]:
        """The tip's error against truth and what was shown how long."""
        errors = np.array(self.tip_errors_mm)
        return {
            "tip_error_mm": None
            if errors.size == 0
            else {
                "frames": int(errors.size),
                "median": round(float(np.median(errors)), 3),
                "p95": round(float(np.percentile(errors, 95)), 3),
                "worst": round(float(errors.max()), 3),
                f"share_over_{HARM_MM:.0f}_mm": round(float((errors > HARM_MM).mean()), 4),
            },
            "tip_shown_while_visible": round(self.tip_shown_while_visible / self.tip_visible_frames, 4)
            if self.tip_visible_frames
            else None,
            "frames_by_state": dict(self.states),
            "prompts_shown": dict(self.prompts),
        }


def stage_summary(table: dict[Stage, Percentiles], total: Percentiles | None) -> dict[str, Any]:
    """Time per stage in ms."""
    rows = {stage.value: _percentiles(p) | {"budget_p95_ms": BUDGET[stage].p95_ms} for stage, p in table.items()}
    return rows | ({"total": _percentiles(total)} if total is not None else {})


def write_json(path: Path, value: dict[str, Any]) -> None:
    """A JSON file, replaced in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _percentiles(p: Percentiles) -> dict[str, float]:
    return {"p50_ms": round(p.p50_ms, 3), "p95_ms": round(p.p95_ms, 3)}
