"""Our whole frame path against the inference alone of an SSD-MobileNetV2 320 x 320 int8 detector.

Both run in this process, by the same runtime with the same number of threads, in short alternating blocks, so that a busy neighbour slows
both alike. The peer has the graph of ``ssd_mobilenet_v2_320x320`` of the TensorFlow detection zoo (MobileNetV2 alpha 1.0, six feature maps,
depthwise-separable SSDLite heads, 91 classes, 2034 anchors, full int8); its weights are random, since its time does not depend on them. Wall time says what an operator would wait; process CPU time says what it costs, whatever the neighbours do. Peak memory is
that of a separate headless run. Last line with --json: one JSON object.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_device.bedside.view import ScreenSize
from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.budget import BUDGET, Stage
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.pipeline import Pipeline
from barbotage_device.runtime.runtimes import construct, load_runtime
from barbotage_device.runtime.scenery import approach, to_and_fro
from barbotage_device.runtime.screen import Offscreen
from barbotage_device.runtime.timing import StageTimes

RATIO_TARGET = 0.5
"""Our whole path may take half of what the peer takes for its inference alone."""
MEMORY_TARGET_MB = 250.0
BLOCK = 10
"""Runs of one side before the other has its turn: long enough for warm caches, short enough to share every disturbance."""
RENDERED = 40
MEMORY_FRAMES = 300

CACHE = Path(__file__).resolve().parent.parent / ".bench-cache"
PEER_FILE = CACHE / "ssd-mobilenetv2-320-int8.tflite"
PEER_SIDE_PX = 320
PEER_CLASSES = 91
PEER_ANCHORS = (3, 6, 6, 6, 6, 6)
"""Anchors per cell of each feature map; the zoo's configuration has three in the finest."""
EXTRA_WIDTHS = (512, 256, 256, 128)
CALIBRATION_FRAMES = 8
SEED = 20


@dataclass(slots=True)
class Side:
    """The measurements of one side, in ms."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def measure(self, action: Callable[[], None]) -> None:
        """Runs once and notes both times."""
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        action()
        self.cpu_ms.append((time.process_time_ns() - cpu) / 1e6)
        self.wall_ms.append((time.perf_counter_ns() - wall) / 1e6)

    def record(self) -> dict[str, float]:
        """Median and 95th percentile of both."""
        wall50, wall95 = np.percentile(self.wall_ms, (50, 95))
        cpu50, cpu95 = np.percentile(self.cpu_ms, (50, 95))
        return {
            "wall_p50_ms": round(float(wall50), 3),
            "wall_p95_ms": round(float(wall95), 3),
            "cpu_p50_ms": round(float(cpu50), 3),
            "cpu_p95_ms": round(float(cpu95), 3),
        }


def main() -> int:
    """Measures and prints; 1 when a target is missed."""
    options = _options()
    model = choose_model(options.model, options.threads)
    times = StageTimes(options.frames)
    ours, peer = measured(model, options.frames, options.threads, times)
    record = {
        "benchmark": "frame_path",
        "model": model.interpreter.name,
        "frames": options.frames,
        "threads": options.threads,
        "ours": ours.record(),
        "peer": peer.record(),
        "stages_p50_ms": {str(stage): round(value.p50_ms, 3) for stage, value in times.table().items()},
        "stages_p95_ms": {str(stage): round(value.p95_ms, 3) for stage, value in times.table().items()},
        "ratio": round(float(np.median(ours.wall_ms) / np.median(peer.wall_ms)), 3),
        "ratio_cpu": round(float(np.median(ours.cpu_ms) / np.median(peer.cpu_ms)), 3),
        "ratio_target": RATIO_TARGET,
        "peak_rss_mb": headless_peak_mb(options.model, options.threads, 60 if options.quick else MEMORY_FRAMES),
        "memory_target_mb": MEMORY_TARGET_MB,
    }
    record["ok"] = record["ratio"] <= RATIO_TARGET and record["peak_rss_mb"] < MEMORY_TARGET_MB
    print(json.dumps(record) if options.json else "\n".join(_lines(record)))
    return 0 if record["ok"] else 1


def measured(model: LoadedModel, count: int, threads: int, times: StageTimes) -> tuple[Side, Side]:
    """``count`` runs of each side, interleaved by blocks; both warmed up first."""
    frames = list(to_and_fro(list(approach(RENDERED)), count + BLOCK))
    our_steps, peer_run = our_actions(model, frames, times), peer_action(threads)
    ours, peer, warm_up = Side(), Side(), Side()
    for step in our_steps[:BLOCK]:
        warm_up.measure(step)
        warm_up.measure(peer_run)
    for begin in range(BLOCK, len(our_steps), BLOCK):
        block = our_steps[begin : begin + BLOCK]
        for step in block:
            ours.measure(step)
        for _ in block:
            peer.measure(peer_run)
    return ours, peer


def our_actions(model: LoadedModel, frames: Sequence[Frame], times: StageTimes) -> list[Callable[[], None]]:
    """One action per frame: resample, run, see, track, aim, draw at 800 x 480."""
    pipeline = Pipeline(model.interpreter, model.card)
    drawing = Offscreen(ScreenSize(800, 480))

    def step(frame: Frame) -> None:
        guidance = pipeline.step(frame)
        if pipeline.accepted is None:
            pipeline.accept_target()
        started_ns = time.perf_counter_ns()
        drawing.draw(guidance)
        times.add({**guidance.stages_ns, Stage.DRAW: time.perf_counter_ns() - started_ns})

    return [lambda frame=frame: step(frame) for frame in frames]  # type: ignore[misc]


def peer_action(threads: int) -> Callable[[], None]:
    """The peer's inference alone: no resizing, no decoding, no suppression, no drawing."""
    path = peer_model()
    native: Any = construct(load_runtime(path), path, threads)
    details = native.get_input_details()[0]
    native.set_tensor(details["index"], np.zeros((1, PEER_SIDE_PX, PEER_SIDE_PX, 3), dtype=np.int8))
    return lambda: native.invoke()


def peer_model() -> Path:
    """The peer's file, built on first use (about a minute, needs the ``train`` extra)."""
    if not PEER_FILE.is_file():
        CACHE.mkdir(exist_ok=True)
        content = _peer_content()
        partial = PEER_FILE.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(PEER_FILE)
    return PEER_FILE


def _peer_network() -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(SEED)
    frame = keras.Input(batch_shape=(1, PEER_SIDE_PX, PEER_SIDE_PX, 3), name="frame")
    applications: Any = keras.applications
    backbone = applications.MobileNetV2(input_tensor=frame, alpha=1.0, include_top=False, weights=None)
    maps = [backbone.get_layer("block_13_expand_relu").output, backbone.output]
    for width in EXTRA_WIDTHS:
        squeezed = layers.ReLU(6.0)(layers.Conv2D(width // 2, 1)(maps[-1]))
        wide = layers.DepthwiseConv2D(3, strides=2, padding="same")(squeezed)
        maps.append(layers.ReLU(6.0)(layers.Conv2D(width, 1)(wide)))
    boxes, scores = [], []
    for features, anchors in zip(maps, PEER_ANCHORS, strict=True):
        boxes.append(layers.Reshape((-1, 4))(_head(layers, features, anchors * 4)))
        scores.append(layers.Reshape((-1, PEER_CLASSES))(_head(layers, features, anchors * PEER_CLASSES)))
    all_scores = layers.Activation("sigmoid")(layers.Concatenate(axis=1)(scores))
    return keras.Model(frame, {"boxes": layers.Concatenate(axis=1)(boxes), "scores": all_scores})


def _head(layers: Any, features: Any, channels: int) -> Any:
    spread = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(features))
    return layers.Conv2D(channels, 1)(spread)


def _peer_content() -> bytes:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    def frames() -> Iterator[list[npt.NDArray[np.float32]]]:
        rng = np.random.default_rng(SEED)
        for _ in range(CALIBRATION_FRAMES):
            yield [rng.uniform(-1.0, 1.0, (1, PEER_SIDE_PX, PEER_SIDE_PX, 3)).astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(_peer_network())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = frames
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def headless_peak_mb(model: Path | None, threads: int, frames: int) -> float:
    """Peak resident memory of ``barbotage-device run --source sim --headless``, told by that process itself."""
    code = "import sys; from barbotage_device.cli import run_command_line; sys.exit(run_command_line(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "run", "--source", "sim", "--headless", "--json"]
    command += ["--frames", str(frames), "--threads", str(threads)]
    command += [] if model is None else ["--model", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: the headless run ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["health"]["peak_rss_mb"])


def _options() -> argparse.Namespace:
    summary = re.split(r"\n\n", __doc__ or "")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="60 frames instead of 300")
    parser.add_argument("--frames", type=int, help="frames to measure (multiple of 10)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, help="a .tflite with its card; the bundled one by default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.frames = options.frames or (60 if options.quick else 300)
    return options


def _lines(record: dict[str, Any]) -> list[str]:
    lines = [f"{record['frames']} frames, {record['threads']} thread(s), {record['model']}"]
    lines.append(f"{'':<28}{'p50':>9}{'p95':>9}{'cpu p50':>9}  ms")
    for name, key in (("our whole frame path", "ours"), ("SSD-MobileNetV2, inference", "peer")):
        side = record[key]
        lines.append(f"{name:<28}{side['wall_p50_ms']:>9.2f}{side['wall_p95_ms']:>9.2f}{side['cpu_p50_ms']:>9.2f}")
    for stage in record["stages_p50_ms"]:
        p50, p95 = record["stages_p50_ms"][stage], record["stages_p95_ms"][stage]
        lines.append(f"  {stage:<26}{p50:>9.2f}{p95:>9.2f}{'':>9}  budget {BUDGET[stage].p95_ms:g} on a Pi 4")
    lines.append(f"ratio {record['ratio']:.2f} of wall time, {record['ratio_cpu']:.2f} of CPU time; target {RATIO_TARGET}")
    lines.append(f"headless run: peak {record['peak_rss_mb']:.0f} MB; target below {MEMORY_TARGET_MB:.0f}")
    lines.append("ok" if record["ok"] else "a target is missed")
    return lines


if __name__ == "__main__":
    sys.exit(main())
