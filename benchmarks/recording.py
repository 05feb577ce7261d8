"""What recording costs: processor time, MB a minute, drops and the time that the live loop gives up per frame.

Simulated frames (640 x 480, 30 a second, paced in real time) and the full telemetry of a real pipeline go through the recorder, in each image mode. The
processor time is that of this process less that of the same loop without a recorder, so it holds everything: encoding, making the records, writing.
python benchmarks/recording.py [--quick] [--seconds S] [--json]
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from barbotage_device.capture.encoding import LOSSLESS, Encoding, encoder_of
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.recording.records import Circumstances, detection_record, guidance_record
from barbotage_device.runtime.scenery import approach, to_and_fro
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Header
from barbotage_device.session.recorder import RecordedFrame, Recorder
from barbotage_models.contract.geometry import GreyImage

CPU_TARGET_PERCENT = 10.0
"""Of one core of this machine, in the default mode."""
RATE_HZ = 30.0
SIZE_PX = (640, 480)
RENDERED = 40
SECONDS, QUICK_SECONDS = 30.0, 5.0
MODES = {"jpeg": Encoding(), "jpeg 95": Encoding(quality=95), "lossless": LOSSLESS}
DEFAULT_MODE = "jpeg"
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame and what the pipeline made of it."""

    pixels: GreyImage
    guidance: Guidance


def main() -> int:
    """Measures and prints; 1 when the target is missed."""
    options = _options()
    moments = prepared()
    idle = paced_cpu_percent(options.seconds, lambda _index, _at_ns: None)
    modes = {name: measured(moments, encoding, options.seconds, idle) for name, encoding in MODES.items()}
    record: dict[str, Any] = {
        "benchmark": "recording",
        "seconds": options.seconds,
        "rate_hz": RATE_HZ,
        "size_px": SIZE_PX,
        "idle_cpu_percent": round(idle, 2),
        "modes": modes,
        "cpu_target_percent": CPU_TARGET_PERCENT,
        "load_average": round(os.getloadavg()[0], 1),
    }
    record["ok"] = modes[DEFAULT_MODE]["cpu_percent"] < CPU_TARGET_PERCENT and not any(mode["dropped"] for mode in modes.values())
    if not options.json:
        print("\n".join(_lines(record)))
    print(json.dumps(record))
    return 0 if record["ok"] else 1


def prepared() -> list[Moment]:
    """Frames rendered and guided beforehand, so that only recording is measured."""
    model = choose_model(None, 1)
    pipeline = Pipeline(model.interpreter, model.card)
    moments: list[Moment] = []
    for frame in to_and_fro(list(approach(RENDERED)), 2 * RENDERED - 2):
        guidance = pipeline.step(frame)
        if pipeline.accepted is None:
            pipeline.accept_target()
        pixels = np.asarray(cv2.resize(frame.pixels, SIZE_PX, interpolation=cv2.INTER_LINEAR_EXACT), dtype=np.uint8)
        moments.append(Moment(pixels, guidance))
    return moments


def paced_cpu_percent(seconds: float, action: Callable[[int, int], None]) -> float:
    """Calls ``action(index, at_ns)`` at the frame rate; the process's CPU time in percent of one core."""
    started_ns, started_cpu_ns = time.monotonic_ns(), time.process_time_ns()
    for index in range(round(seconds * RATE_HZ)):
        due_ns = started_ns + round(index * NS_PER_S / RATE_HZ)
        time.sleep(max(0, due_ns - time.monotonic_ns()) / NS_PER_S)
        action(index, due_ns)
    return 100.0 * (time.process_time_ns() - started_cpu_ns) / (time.monotonic_ns() - started_ns)


def measured(moments: Sequence[Moment], encoding: Encoding, seconds: float, idle_percent: float) -> dict[str, Any]:
    """One recording in one mode."""
    waits_ns: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        started_ns = time.monotonic_ns()
        header = Header(
            id=new_ulid(time.time_ns()),
            image_format=encoding.image_format,
            image_quality=encoding.quality,
            started_utc_ns=time.time_ns(),
            started_capture_ns=started_ns,
        )
        recorder = Recorder(Path(folder), header, encoder_of(encoding))

        def record(index: int, at_ns: int) -> None:
            moment = moments[index % len(moments)]
            frame = RecordedFrame(moment.pixels, at_ns, index, 0, 0, (0.06, 0.08))
            before_ns = time.perf_counter_ns()
            recorder.frame(frame)
            waits_ns.append(time.perf_counter_ns() - before_ns)
            circumstances = Circumstances(moment.guidance.stages_ns, 20_000_000, 0)
            recorder.message("/detections", at_ns, partial(detection_record, moment.guidance))
            recorder.message("/guidance", at_ns, partial(guidance_record, moment.guidance, circumstances))

        percent = paced_cpu_percent(seconds, record)
        closing_ns = time.monotonic_ns()
        manifest = recorder.close()
        closing_s = (time.monotonic_ns() - closing_ns) / NS_PER_S
    sizes = {kind: sum(each.bytes for each in manifest.of_kind(kind)) for kind in ("video", "telemetry")}
    return {
        "cpu_percent": round(percent - idle_percent, 2),
        "video_mb_per_min": round(sizes["video"] / 1e6 * 60 / seconds, 1),
        "telemetry_mb_per_min": round(sizes["telemetry"] / 1e6 * 60 / seconds, 2),
        "dropped": manifest.drops.recorder_frames + manifest.drops.recorder_messages,
        "frame_call_p50_us": round(float(np.percentile(waits_ns, 50)) / 1e3, 1),
        "frame_call_p99_us": round(float(np.percentile(waits_ns, 99)) / 1e3, 1),
        "close_s": round(closing_s, 3),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:.0f} s a mode instead of {SECONDS:.0f}")
    parser.add_argument("--seconds", type=float, help="length of each recording")
    parser.add_argument("--json", action="store_true", help="the JSON line only")
    options = parser.parse_args()
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    return options


def _lines(record: dict[str, Any]) -> list[str]:
    lines = [f"{record['size_px'][0]} x {record['size_px'][1]}, {RATE_HZ:g} frames/s, {record['seconds']:g} s a mode"]
    lines.append(f"{'mode':<12}{'CPU of a core':>15}{'video':>14}{'telemetry':>14}{'dropped':>9}{'frame() p99':>13}")
    for name, mode in record["modes"].items():
        sizes = f"{mode['video_mb_per_min']:>7.1f} MB/min{mode['telemetry_mb_per_min']:>7.2f} MB/min"
        lines.append(f"{name:<12}{mode['cpu_percent']:>13.1f} %{sizes}{mode['dropped']:>9}{mode['frame_call_p99_us']:>10.0f} us")
    lines.append(
        f"target: {DEFAULT_MODE} below {CPU_TARGET_PERCENT:g} % and nothing dropped: {'ok' if record['ok'] else 'missed'}"
    )
    return lines


if __name__ == "__main__":
    sys.exit(main())
