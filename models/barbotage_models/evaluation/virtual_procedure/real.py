"""Procedures with the real guidance in the loop: drawn frames go to the device's screen, run as a process; what it says comes back."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from barbotage_models.contract.geometry import PointMm
from barbotage_models.errors import BarbotageError, InvalidInputError
from barbotage_models.evaluation.virtual_procedure.conditions import READING_STREAM
from barbotage_models.evaluation.virtual_procedure.errors import GuidanceErrors, Seen, fitted
from barbotage_models.evaluation.virtual_procedure.geometry import direction_of
from barbotage_models.evaluation.virtual_procedure.guidance import Beside
from barbotage_models.evaluation.virtual_procedure.patients import patient
from barbotage_models.evaluation.virtual_procedure.reading import ImageReading
from barbotage_models.evaluation.virtual_procedure.screens import Late
from barbotage_models.evaluation.virtual_procedure.situation import Situation
from barbotage_models.evaluation.virtual_procedure.trial import FRAME_S, Outcome, Trial
from barbotage_models.simulator.probe import SimulatedFrame, SimulatedProbe
from barbotage_models.simulator.scenario.motion import Hands, SceneMotion
from barbotage_models.simulator.scenario.operator import Told
from barbotage_models.simulator.truth import Truth

SCREEN_COMMAND = (sys.executable, "-m", "barbotage_device.runtime.virtual_screen")
LATENCY_MS = 100.0
"""The device's budget from capture to guidance; the error model and these runs both use it, not this machine's speed."""
NS_PER_S, NS_PER_MS = 1e9, 1e6


class ScreenError(BarbotageError):
    """The process of the screen ended or said something else than agreed."""


class ScreenProcess:
    """The device's screen as a process; ``about`` is what it says of itself. Use it as a context."""

    def __init__(self, model: Path | None, command: tuple[str, ...] = SCREEN_COMMAND) -> None:
        words = [*command, *(() if model is None else ("--model", str(model.resolve())))]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module
        try:
            self.about = self._heard()
        except ScreenError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                # A process that is gone already cannot take what was still buffered for it.
                with suppress(OSError):
                    stream.close()
        self._process.terminate()
        self._process.wait()

    def ask(self, frame: SimulatedFrame, sequence: int) -> dict[str, Any]:
        """What the screen shows after one more frame. Raises ScreenError."""
        height, width = frame.pixels.shape
        said = {"width_px": width, "height_px": height, "mm_per_px": frame.mm_per_px, "sequence": sequence}
        head = json.dumps(said | {"capture_ns": round(sequence * FRAME_S * NS_PER_S)}).encode()
        try:
            stream = _open(self._process.stdin)
            stream.write(head + b"\n" + np.ascontiguousarray(frame.pixels).tobytes())
            stream.flush()
        except OSError as error:
            raise ScreenError(f"the screen's process has ended (code {self._process.poll()}); see its message above") from error
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        line = _open(self._process.stdout).readline()
        try:
            said = json.loads(line)
        except ValueError as error:
            code = self._process.wait() if not line else self._process.poll()
            raise ScreenError(f"the screen's process said {line[:60]!r} (exit code {code}); see its message above") from error
        return dict(said)


@dataclass(slots=True)
class RealScreen:
    """A ``Screen`` that asks the process about the frame last drawn, and keeps what it showed beside what is true."""

    process: ScreenProcess
    frame: SimulatedFrame | None = None
    sequence: int = 0
    seen: list[Seen] = field(default_factory=list)
    processing_ns: list[int] = field(default_factory=list)

    def tell(self, situation: Situation, dt_s: float) -> Told:  # noqa: ARG002 - it looks at the frame
        """See ``Screen``."""
        if self.frame is None:
            raise InvalidInputError("no frame was drawn yet; draw one before the screen is asked")
        said = self.process.ask(self.frame, self.sequence)
        self.sequence += 1
        self.processing_ns.append(int(said["processing_ns"]))
        self.seen.append(_seen(said, self.frame.truth, situation))
        return Told(**said["told"])


@dataclass(frozen=True, slots=True)
class RealRuns:
    """What procedures with the real guidance gave, and the error model of their frames."""

    outcomes: list[Outcome]
    errors: GuidanceErrors
    frames: list[list[Seen]]
    """Of each procedure."""


def run_real(runs: int, first_seed: int, model: Path | None, progress: Callable[[int, int], None]) -> RealRuns:
    """Plays ``runs`` procedures, one after the other. Raises ScreenError; InvalidInputError when no tip was ever shown."""
    outcomes, frames, times_ns = [], [], []
    with ScreenProcess(model) as process:
        for seed in range(first_seed, first_seed + runs):
            screen = RealScreen(process)
            outcomes.append(_play(seed, screen))
            frames.append(screen.seen)
            times_ns += screen.processing_ns
            progress(len(outcomes), runs)
        about = process.about
    measured_on = {
        "model": about["model"],
        "first_seed": first_seed,
        "processing_ms_median": round(float(np.median(times_ns)) / NS_PER_MS, 1),
        "on": "frames drawn by the simulator, tracker and display rules of the device, simulated operator",
    }
    prompt = float(about["prompt_after_s"]), float(about["prompt_travel_mm"])
    return RealRuns(outcomes, fitted(frames, FRAME_S, LATENCY_MS, prompt, measured_on), frames)


def _play(seed: int, screen: RealScreen) -> Outcome:
    start = patient(seed)
    motion, probe = SceneMotion(start), SimulatedProbe(start.world)

    def move(dt_s: float, hands: Hands) -> None:
        screen.frame = probe.render(motion.move(dt_s, hands))

    reading = ImageReading(np.random.default_rng([seed, READING_STREAM]))
    return Trial(start, motion, Beside(Late(screen, LATENCY_MS / 1e3), reading)).run(move)


def _seen(said: dict[str, Any], truth: Truth, situation: Situation) -> Seen:
    needle, told, tip, target = truth.needle, said["told"], said["tip_mm"], said["target_mm"]
    angle = said["angle_deg"]
    # The way of the needle, also before it is in the picture.
    way = direction_of(situation.angle_deg, situation.side)
    along = across = None
    if tip is not None and needle is not None:
        along, across = _off(tip, needle.tip, direction_of(needle.angle_deg, needle.side))
    target_along, target_across = (None, None) if target is None else _off(target, truth.deposits[0].centre, way)
    return Seen(
        tip_visible=situation.tip_visible,
        shaft_visible=situation.seen_end is not None,
        shaft_shown=bool(told["shaft_seen"]),
        tip_shown=tip is not None,
        along_mm=along,
        across_mm=across,
        angle_error_deg=None if angle is None or needle is None else angle - needle.angle_deg,
        target_along_mm=target_along,
        target_across_mm=target_across,
    )


def _off(shown: list[float], true: PointMm, way: tuple[float, float]) -> tuple[float, float]:
    """How far a shown point lies from the true one along a unit direction and across it."""
    x, z = shown[0] - true.x_mm, shown[1] - true.z_mm
    return x * way[0] + z * way[1], z * way[0] - x * way[1]


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ScreenError("the screen's process has no pipe; it was not started by ScreenProcess")
    return stream
