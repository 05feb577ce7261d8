"""The bedside screen as a process: frames in on stdin, what the operator would read off the screen out on stdout, one line each.

In: a JSON line ``{"width_px", "height_px", "mm_per_px", "capture_ns", "sequence"}``, then the grey pixels. Out: first a line about the
model and the prompter, then one per frame. ``barbotage-models virtual-procedure --real`` puts it between a simulated probe and a
simulated operator, without a dependency of the models on the device.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from barbotage_device.bedside.texts import Language
from barbotage_device.capture.frame import Frame
from barbotage_device.console import EXIT_DONE, EXIT_INTERRUPTED
from barbotage_device.errors import BarbotageError, InvalidInputError
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.runtime.demo.told import told_by
from barbotage_device.runtime.models import choose_model
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.screen import view_of
from barbotage_device.runtime.status import Condition
from barbotage_models.contract.geometry import PointMm, Scale

SAME_PLACE_MM = 5.0
"""A deposit found again so near to where the accepted one was is taken for it by the operator: half the median length of the deposits."""


def main(arguments: list[str] | None = None) -> int:
    """Runs until stdin ends; the exit code of the error that ended it, which is told on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="a .tflite with its card beside it (default: the bundled model)")
    chosen = parser.parse_args(arguments)
    try:
        return serve(chosen.model, sys.stdin.buffer, sys.stdout.buffer)
    except BarbotageError as error:
        sys.stderr.write(f"virtual screen: {error}\n")
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        return EXIT_INTERRUPTED


def serve(model: Path | None, source: BinaryIO, out: BinaryIO) -> int:
    """Says what model runs, then answers every frame until the stream ends. Raises InvalidInputError at a damaged stream."""
    loaded, prompter = choose_model(model, 1), PrompterSettings()
    about = {"name": loaded.card.name, "version": loaded.card.version, "sha256": loaded.card.sha256}
    _say(out, {"model": about, "prompt_after_s": prompter.unseen_moving_s, "prompt_travel_mm": prompter.unseen_travel_mm})
    pipeline, where = Pipeline(loaded.interpreter, loaded.card), None
    for frame in _frames(source):
        # A frame numbered 0 is another patient.
        if frame.sequence == 0:
            pipeline, where = Pipeline(loaded.interpreter, loaded.card), None
        guidance = pipeline.step(frame)
        where = _accept(pipeline, guidance, where)
        _say(out, _answer(guidance))
    return EXIT_DONE


def _accept(pipeline: Pipeline, guidance: Guidance, where: PointMm | None) -> PointMm | None:
    """Accepts the proposed deposit once, as the operator does, and later only what lies in its place; where the accepted one was last seen."""
    deposits = guidance.tracks.deposits
    if pipeline.accepted is None:
        pipeline.accept_target()
    elif where is not None and guidance.aim.target is None and deposits:
        nearest = min(deposits, key=lambda one: one.deposit.centre.distance_mm(where))
        if nearest.deposit.centre.distance_mm(where) <= SAME_PLACE_MM:
            pipeline.accept_target(nearest.identity)
    return where if guidance.aim.target is None else guidance.aim.target.point


def _frames(source: BinaryIO) -> Iterator[Frame]:
    while line := source.readline():
        try:
            said = json.loads(line)
            width, height = int(said["width_px"]), int(said["height_px"])
            scale = Scale.isotropic(float(said["mm_per_px"]))
            times = int(said["capture_ns"]), int(said["sequence"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInputError(f"{line[:80]!r} does not announce a frame: {error!r}") from error
        content = source.read(width * height)
        if len(content) != width * height:
            raise InvalidInputError(f"the frame ends after {len(content)} of {width * height} bytes")
        pixels = np.frombuffer(content, dtype=np.uint8).reshape(height, width)
        yield Frame(pixels, times[0], times[1], scale, "virtual procedure")


def _answer(guidance: Guidance) -> dict[str, Any]:
    condition = Condition(guidance.frame.sequence, 0, 0, None, None, 0, guidance.processing_ns)
    told = told_by(view_of(guidance, condition, Presentation(Language.EN)), target_proposed=bool(guidance.tracks.deposits))
    aim = guidance.aim
    return {
        "told": asdict(told),
        "tip_mm": _point(aim.tip) if told.tip_seen else None,
        "angle_deg": aim.angle_deg if told.shaft_seen else None,
        "target_mm": None if aim.target is None else _point(aim.target.point),
        "processing_ns": guidance.processing_ns,
    }


def _point(point: PointMm | None) -> list[float] | None:
    return None if point is None else [point.x_mm, point.z_mm]


def _say(out: BinaryIO, what: dict[str, Any]) -> None:
    out.write(json.dumps(what).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
