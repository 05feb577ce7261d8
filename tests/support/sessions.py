"""Sessions with known content: numbered frames, a needle that goes to a deposit, phases, prompts, pressure. Written by the real writer."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tests.support.barcode import Grey, draw_barcode
from tests.support.drawing import speckle

from barbotage_device.capture.encoding import LOSSLESS, Encoding, encoder_of
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Device, Drops, Header, Manifest, ModelIdentity, Software
from barbotage_device.session.writing import RecordedFrame, SessionWriter

NS_PER_S = 1_000_000_000
STARTED_UTC_NS = 1_790_000_000 * NS_PER_S
STARTED_CAPTURE_NS = 5_000 * NS_PER_S
DEPOSIT_PX = (380.0, 260.0)
PHASES = ((0.0, "scan"), (0.2, "advance"), (0.6, "lavage"), (0.9, "post-scan"))
"""Share of the session at which a phase begins."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the session holds. Frame ``i`` shows barcode ``i``; every ``unprocessed_every``-th frame was recorded and not processed."""

    frames: int = 90
    rate_hz: float = 30.0
    width_px: int = 640
    height_px: int = 480
    scale_mm_per_px: tuple[float, float] | None = (0.06, 0.06)
    image_format: str = "jpeg"
    unprocessed_every: int = 17
    unsure: tuple[int, int] = (40, 46)
    """Frames (from, to) in which the needle's confidence is low and its tip not seen."""
    backgrounds: int = 8
    side: str | None = "right"
    started_utc_ns: int = STARTED_UTC_NS
    close: bool = True
    phases: tuple[tuple[float, str], ...] = field(default=PHASES)


def write_session(root: Path, script: Script | None = None) -> Path:
    """Writes one session into ``root/<id>`` and returns that directory."""
    script = script or Script()
    header = _header(script)
    directory = root / header.id
    directory.mkdir(parents=True)
    writer = SessionWriter(
        directory, header, encoder_of(Encoding() if script.image_format == "jpeg" else LOSSLESS), 60 * NS_PER_S
    )
    pictures = [speckle((script.height_px, script.width_px), seed) for seed in range(script.backgrounds)]
    writer.event("session-started", STARTED_CAPTURE_NS, "device", {})
    for index in range(script.frames):
        _frame(writer, script, index, pictures)
    if not script.close:
        writer.flush()
        writer.abandon()
        return directory
    writer.event("session-ended", _at_ns(script, script.frames - 1), "operator", {})
    manifest: Manifest = writer.close(Drops())
    assert manifest.state == "closed"
    return directory


def frame_of(script: Script, index: int, pictures: list[Grey]) -> Grey:
    """The picture of one frame: tissue, deposit, needle, barcode."""
    pixels = pictures[index % len(pictures)].copy()
    x, y = DEPOSIT_PX
    cv2.ellipse(pixels, (round(x), round(y)), (90, 28), 0, 0, 360, 235, -1)
    entry, tip = _needle(script, index)
    cv2.line(pixels, (round(entry[0]), round(entry[1])), (round(tip[0]), round(tip[1])), 250, 5)
    draw_barcode(pixels, index)
    return pixels


def _frame(writer: SessionWriter, script: Script, index: int, pictures: list[Grey]) -> None:
    at_ns = _at_ns(script, index)
    _events(writer, script, index, at_ns)
    pixels = frame_of(script, index, pictures)
    writer.frame(RecordedFrame(pixels, at_ns, index, 0, 0, script.scale_mm_per_px))
    if script.unprocessed_every == 0 or index % script.unprocessed_every != script.unprocessed_every - 1:
        writer.message("/detections", at_ns, _detections(script, index))
        writer.message("/guidance", at_ns, _guidance(script, index, at_ns))
    for part in range(3):
        pressure = 20.0 * (1 - math.cos((index + part / 3) / 8)) if index > 0.6 * script.frames else 0.0
        writer.message("/pod", at_ns + part * 10_000_000, {"pressure_kpa": round(pressure, 3), "tilt_deg": None})


def _events(writer: SessionWriter, script: Script, index: int, at_ns: int) -> None:
    before = None
    for share, phase in script.phases:
        if index == math.ceil(share * script.frames):
            writer.event("phase", at_ns, "operator", {"from": before, "to": phase})
        before = phase
    sizes: dict[int, tuple[str, float]] = {
        round(0.2 * script.frames): ("before", 1.0),
        script.frames - 2: ("after", 0.4),
    }
    if index in sizes:
        when, share = sizes[index]
        writer.event("measurement", at_ns, "device", _measurement(script, when, share))
    if index == round(0.2 * script.frames):
        writer.event("target-accepted", at_ns, "operator", {"identity": 1})
    if index in (script.unsure[0] + 2, script.unsure[0] + 4):
        shown = index == script.unsure[0] + 2
        kind, priority = ("tip-not-seen", "high") if shown else ("steep-angle", "low")
        writer.event("prompt", at_ns, "device", {"kind": kind, "priority": priority, "shown": shown})
    if index == round(0.7 * script.frames):
        writer.event("bookmark", at_ns, "operator", {})


def _measurement(script: Script, when: str, share: float) -> dict[str, Any]:
    known = script.scale_mm_per_px is not None
    return {
        "when": when,
        "plane": "long",
        "longest_mm": round(10.8 * share, 2) if known else None,
        "perpendicular_mm": round(3.4 * share, 2) if known else None,
        "area_mm2": round(28.5 * share * share, 2) if known else None,
        "shadow": "faint",
    }


def _needle(script: Script, index: int) -> tuple[list[float], list[float]]:
    share = min(1.0, index / (0.6 * script.frames))
    entry = [0.0, 120.0]
    return entry, [entry[0] + share * DEPOSIT_PX[0], round(entry[1] + share * (DEPOSIT_PX[1] - entry[1]), 3)]


def _deposit(script: Script) -> dict[str, Any]:
    x, y = DEPOSIT_PX
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    known = script.scale_mm_per_px is not None
    return {
        "outline_px": [[round(float(x + 90 * np.cos(a)), 3), round(float(y + 28 * np.sin(a)), 3)] for a in angles],
        "centre_px": [x, y],
        "longest_mm": 10.8 if known else None,
        "perpendicular_mm": 3.36 if known else None,
        "area_mm2": 28.5 if known else None,
        "depth_mm": 13.9 if known else None,
        "shadow": "faint",
        "confidence": 0.93,
    }


def _detections(script: Script, index: int) -> dict[str, Any]:
    entry, tip = _needle(script, index)
    unsure = script.unsure[0] <= index < script.unsure[1]
    needle = {
        "entry_px": entry,
        "end_px": tip,
        "angle_deg": 20.2,
        "side": "left",
        "visible_mm": None,
        "confidence": 0.4 if unsure else 0.95,
    }
    return {
        "sequence": index,
        "output_crc32": f"{index:08x}",
        "deposits": [_deposit(script)],
        "needle": needle,
        "tip": None if unsure else {"position_px": tip, "confidence": 0.9},
        "bone_px": [[0.0, 420.0], [320.0, 400.0], [639.0, 430.0]],
        "quality": {"score": 0.9, "reason": ""},
    }


def _guidance(script: Script, index: int, at_ns: int) -> dict[str, Any]:
    entry, tip = _needle(script, index)
    unsure = script.unsure[0] <= index < script.unsure[1]
    scale = script.scale_mm_per_px
    distance = None if scale is None or unsure else round(math.dist(tip, DEPOSIT_PX) * scale[0], 3)
    prompt = (
        {"kind": "tip-not-seen", "priority": "high", "since_ns": at_ns}
        if script.unsure[0] + 2 <= index < script.unsure[1]
        else None
    )
    return {
        "sequence": index,
        "stale": False,
        "needle": {
            "state": "tracking",
            "entry_px": entry,
            "tip_px": None if unsure else tip,
            "angle_deg": 20.2,
            "side": "left",
            "tip_speed_mm_s": None,
            "confidence": 0.4 if unsure else 0.95,
            "age_ms": 0.0,
            "shaft_moving": True,
            "travel_unseen_mm": None if scale is None else 0.0,
            "unseen_ms": 0.0,
        },
        "deposits": [{"identity": 1, "age_ms": 0.0, **_deposit(script)}],
        "bone_px": [[0.0, 420.0], [320.0, 400.0], [639.0, 430.0]],
        "target": {"identity": 1, "point_px": list(DEPOSIT_PX)},
        "aim": {
            "certainty": "shaft-only" if unsure else "confirmed",
            "tip_px": None if unsure else tip,
            "entry_px": entry,
            "predicted_end_px": list(DEPOSIT_PX),
            "distance_mm": distance,
            "advance_mm": distance,
            "miss_mm": None if distance is None else 0.0,
            "angle_deg": 20.2,
            "angle_error_deg": round(2.0 * math.sin(index / 9), 3),
            "turn": "hold",
            "clearance_mm": None,
            "in_target": not unsure and index >= 0.55 * script.frames,
            "confidence": 0.4 if unsure else 0.95,
            "age_ms": 0.0,
        },
        "prompts": {"shown": prompt, "suppressed": []},
        "image_shift_mm": None,
        "quality": {"score": 0.9, "reason": ""},
        "stages_ms": {"resample": 0.5, "inference": 4.2 + (index % 5) / 10, "see": 2.1, "track": 0.4, "aim": 0.4, "draw": 1.8},
        "latency_ms": 12.5,
        "drops": 0,
    }


def _header(script: Script) -> Header:
    return Header(
        id=new_ulid(script.started_utc_ns),
        source="drawn",
        simulated=True,
        side="right" if script.side == "right" else "left" if script.side == "left" else None,
        image_format=script.image_format,
        image_quality=90 if script.image_format == "jpeg" else None,
        scale_mm_per_px=script.scale_mm_per_px,
        started_utc_ns=script.started_utc_ns,
        started_capture_ns=STARTED_CAPTURE_NS,
        device=Device("drawn-0001", "drawn"),
        software=Software("0", "0" * 64),
        model=ModelIdentity("drawn", "1", "0" * 64, "0" * 64, "none"),
    )


def _at_ns(script: Script, index: int) -> int:
    return STARTED_CAPTURE_NS + round(index * NS_PER_S / script.rate_hz)
