"""A session with what a real run has: frames that were dropped, frames that were not processed, guidance repeated while stale."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Drops, Header
from barbotage_device.session.writing import RecordedFrame, SessionWriter

START_NS = 7_000_000_000
STEP_NS = 40_000_000
RECORDED = (0, 1, 2, 5, 6, 9, 10)
"""Sequences: 3, 4, 7, 8 never reached the recorder."""
PROCESSED = (0, 2, 3, 6, 9)
"""1, 5 and 10 were recorded only; 3 was processed although the recorder had dropped it."""
SWITCHES_SCALE_AT = 6


def at_ns(sequence: int) -> int:
    return START_NS + sequence * STEP_NS


def write_gappy(root: Path) -> Path:
    """Writes the session below ``root``; the distance that guidance says is 100 + sequence."""
    header = Header(id=new_ulid(1_790_000_000_000_000_000), started_utc_ns=1_790_000_000_000_000_000, started_capture_ns=START_NS)
    directory = root / header.id
    directory.mkdir(parents=True)
    writer = SessionWriter(directory, header, encode, 60_000_000_000)
    for sequence in range(11):
        if sequence in RECORDED:
            scale = (0.1, 0.1) if sequence < SWITCHES_SCALE_AT else (0.2, 0.1)
            writer.frame(RecordedFrame(np.full((24, 32), sequence, np.uint8), at_ns(sequence), sequence, 0, 0, scale))
        if sequence in PROCESSED:
            writer.message("/detections", at_ns(sequence), {"sequence": sequence, "deposits": []})
            writer.message("/guidance", at_ns(sequence), guidance(sequence))
        if sequence == 6:
            writer.message("/guidance", at_ns(6) + STEP_NS * 2, {**guidance(6), "stale": True, "aim": {"distance_mm": -1.0}})
    writer.event("bookmark", at_ns(7), "operator", {})
    writer.close(Drops())
    return directory


def guidance(sequence: int) -> dict[str, Any]:
    aim = {"distance_mm": 100.0 + sequence, "angle_error_deg": None, "confidence": 0.9}
    stages = {"inference": 4.0} if sequence == 0 else {"inference": 4.0, "draw": 2.0}
    return {
        "sequence": sequence,
        "stale": False,
        "needle": {"state": "tracking"},
        "aim": aim,
        "stages_ms": stages,
        "latency_ms": 10.0 + sequence,
    }


def encode(pixels: Any) -> bytes:
    return cv2.imencode(".jpg", pixels)[1].tobytes()
