"""The check itself, run in the virtual machine: the bedside program's own loop on a frame grabber that the kernel pretends, unplugged and failing.

Each step is a function that returns what it measured and raises AssertionError; they run in order, and the first that fails ends the check.
With --list it only runs the network once and says which files it has loaded.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
for _part in ("firmware_tools", "host", "device", "models", "."):
    sys.path.insert(0, str(TREE / _part))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from tests.appliance.vivid_controls import controls, set_control  # noqa: E402
from tests.drivers.forked import loaded_files  # noqa: E402

from barbotage_device.bedside.overlay import Renderer  # noqa: E402
from barbotage_device.bedside.texts import Language  # noqa: E402
from barbotage_device.bedside.view import BedsideView, DisplayState, ScreenSize, display_state  # noqa: E402
from barbotage_device.capture.frame import Frame  # noqa: E402
from barbotage_device.capture.opening import SourceKind, SourceSpec, open_source  # noqa: E402
from barbotage_device.capture.settings import CaptureSettings  # noqa: E402
from barbotage_device.runtime.feed import SourceWatch, feed_of  # noqa: E402
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports  # noqa: E402
from barbotage_device.runtime.models import choose_model  # noqa: E402
from barbotage_device.runtime.operator import Presentation  # noqa: E402
from barbotage_device.runtime.pipeline import Guidance, Pipeline  # noqa: E402
from barbotage_device.runtime.screen import blank_view, view_of  # noqa: E402
from barbotage_device.runtime.status import Condition, Summary  # noqa: E402

OUT = Path("/tmp/out")  # noqa: S108
GRABBER = Path("/dev/video0")
DRIVER = Path("/sys/bus/platform/drivers/vivid")
DEVICE = "vivid.0"
SIZE = ScreenSize(800, 480)
FORMAT = CaptureSettings(width_px=640, height_px=480, fps_hz=25.0)
WITHIN_S = 120.0
"""For what takes a second or two on a computer that is not emulated."""
FRAMES = 10
IN_FLIGHT_S = 5.0
"""A frame that was on its way when the grabber was lost; an emulated processor takes seconds for one."""
DROPPED_PERCENT = 60
CAPTURED = 40
SHARE_AT_LEAST = 0.3
"""Of 60 % dropped at random, in 40 pictures that did come; an emulated machine may lose more, not fewer."""

Facts = dict[str, Any]


@dataclass
class Watching:
    """A screen that shows nothing and remembers how each picture stood."""

    states: list[DisplayState] = field(default_factory=list)
    condition: Condition | None = None
    view: BedsideView | None = None
    ended: bool = False

    def show(self, guidance: Guidance | None, condition: Condition) -> bool:
        """Takes what the bedside screen would draw."""
        presentation = Presentation(Language.FR)
        view = blank_view(condition, presentation, "v4l2") if guidance is None else view_of(guidance, condition, presentation)
        self.states.append(display_state(view))
        self.condition, self.view = condition, view
        return not self.ended

    @property
    def frames(self) -> int:
        """Processed so far."""
        return 0 if self.condition is None else self.condition.frames

    @property
    def drops(self) -> int:
        """Captured or announced, and not processed."""
        return 0 if self.condition is None else self.condition.drops

    @property
    def lost(self) -> str | None:
        """Why no picture comes."""
        return None if self.condition is None else self.condition.lost

    def picture(self, name: str) -> None:
        """Draws the newest picture into a file, to be looked at."""
        assert self.view is not None
        cv2.imwrite(str(OUT / f"{name}.png"), Renderer(SIZE).draw(self.view))


class Bench:
    """The loop, on a thread of its own, and what its screen shows."""

    def __init__(self) -> None:
        self.screen = Watching()
        self.said: list[str] = []
        self.summary: Summary | None = None
        self.heard = self.missing = 0
        """Pictures that the product's source delivered, and numbers that it left out because the driver had dropped the picture."""
        self._last: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Starts the loop; returns at once."""
        self._thread.start()

    def end(self) -> Summary:
        """Ends the loop as the operator does."""
        self.screen.ended = True
        self._thread.join(WITHIN_S)
        assert self.summary is not None, "the loop did not end"
        return self.summary

    def more_frames(self, count: int) -> float:
        """Waits for further frames; the seconds that it took."""
        before = self.screen.frames
        return self.wait(lambda: self.screen.frames >= before + count, f"{count} more frames did not come")

    def wait(self, condition: Callable[[], bool], failure: str) -> float:
        """Waits for a condition while the loop runs; the seconds that it took."""
        start_s = time.monotonic()
        while not condition():
            assert self._thread.is_alive(), f"the loop has ended: {self.summary} {self.said[-3:]}"
            assert time.monotonic() - start_s < WITHIN_S, f"{failure}; {self.screen.condition} {self.said[-3:]}"
            time.sleep(0.05)
        return round(time.monotonic() - start_s, 2)

    def hear(self, frame: Frame) -> None:
        """Every captured frame, on the capture thread, also those that the loop misses."""
        self.missing += 0 if self._last is None else frame.sequence - self._last - 1
        self.heard, self._last = self.heard + 1, frame.sequence

    def _run(self) -> None:
        watch, model = SourceWatch(), choose_model(None, 1)
        source = open_source(SourceSpec(SourceKind.V4L2, str(GRABBER)), FORMAT, on_event=watch.on_event)
        reports = Reports(lambda _status: None, self.said.append)
        pipeline = Pipeline(model.interpreter, model.card)
        loop = LiveLoop(feed_of(source, watch, self.hear), pipeline, reports, LoopSettings(), time.monotonic_ns, self.screen)
        self.summary = loop.run()


def the_grabber_is_there(_bench: Bench) -> Facts:
    """What the kernel offers."""
    known = controls(GRABBER)
    assert "Disconnect" in known, sorted(known)
    return {"device": (Path("/sys/class/video4linux/video0/name")).read_text().strip(), "controls": len(known)}


def pictures_arrive_and_are_processed(bench: Bench) -> Facts:
    """The product's source and loop on the driver's test pattern."""
    bench.start()
    first_s = bench.wait(lambda: bench.screen.frames >= 1, "no frame came")
    took_s = bench.more_frames(FRAMES)
    view = bench.screen.view
    assert view is not None
    assert view.pixels.shape == (480, 640)
    assert float(view.pixels.std()) > 10, "the picture is empty"
    bench.screen.picture("live")
    return {"first_frame_s": first_s, "frames_per_s": round(FRAMES / took_s, 1), "drops": bench.screen.drops}


def dropped_buffers_are_counted(bench: Bench) -> Facts:
    """The driver drops more than half of its pictures: the run goes on, and they count as dropped."""
    losses = bench.said.copy()
    set_control(GRABBER, "Percentage of Dropped Buffers", DROPPED_PERCENT)
    heard, missing, drops = bench.heard, bench.missing, bench.screen.drops
    bench.wait(lambda: bench.heard >= heard + CAPTURED, "pictures do not come any more")
    heard, missing = bench.heard - heard, bench.missing - missing
    set_control(GRABBER, "Percentage of Dropped Buffers", 0)
    share = missing / (missing + heard)
    assert bench.said == losses, bench.said
    assert share > SHARE_AT_LEAST, f"{missing} of {missing + heard} pictures are known to be missing"
    bench.wait(lambda: bench.screen.drops >= drops + missing, "the screen does not count them")
    return {"percent": DROPPED_PERCENT, "delivered": heard, "known_to_be_missing": missing, "share": round(share, 2)}


def damaged_buffers_do_no_harm(bench: Bench) -> Facts:
    """The driver marks buffers as damaged, again and again."""
    for _ in range(5):
        set_control(GRABBER, "Inject V4L2_BUF_FLAG_ERROR")
        bench.more_frames(2)
    return {"events": bench.said[-2:]}


def a_fatal_streaming_error_is_survived(bench: Bench) -> Facts:
    """The stream breaks down: said as lost, opened again, live again."""
    seen = len(bench.said)
    set_control(GRABBER, "Inject Fatal Streaming Error")
    bench.wait(lambda: any("source lost" in line for line in bench.said[seen:]), "the loss was not noticed")
    back_s = bench.wait(lambda: any("back" in line for line in bench.said[seen:]), "the stream did not come back")
    bench.more_frames(FRAMES)
    return {"back_after_s": back_s, "said": bench.said[seen:]}


def an_unplugged_grabber_is_said_and_comes_back(bench: Bench) -> Facts:
    """Unplugged: the picture gives way to words and the run goes on; plugged in again: live by itself."""
    seen, shown = len(bench.said), len(bench.screen.states)
    set_control(GRABBER, "Disconnect")
    lost_s = bench.wait(
        lambda: bench.screen.states[-1] is DisplayState.SOURCE_LOST, "the screen does not say that the source is lost"
    )
    states = list(dict.fromkeys(str(state) for state in bench.screen.states[shown:]))
    bench.screen.picture("lost")
    (DRIVER / "unbind").write_text(DEVICE)
    time.sleep(IN_FLIGHT_S)
    frames = bench.screen.frames
    time.sleep(2)
    assert bench.screen.frames == frames, "a picture came from nowhere"
    assert not GRABBER.exists(), "the device file is still there"
    (DRIVER / "bind").write_text(DEVICE)
    back_s = bench.wait(lambda: bench.screen.lost is None, "the source did not come back")
    bench.more_frames(FRAMES)
    assert bench.screen.states[-1] not in (DisplayState.SOURCE_LOST, DisplayState.MODEL_ERROR)
    bench.screen.picture("back")
    return {"shown_as_lost_after_s": lost_s, "states": states, "back_after_s": back_s, "said": bench.said[seen:]}


def the_run_ends_in_good_order(bench: Bench) -> Facts:
    """Its summary knows all that happened."""
    summary = bench.end()
    assert summary.error is None, summary.error
    assert (summary.losses, summary.exit_code) == (2, 0), summary
    assert summary.bad_frames == summary.model_errors == 0, summary
    return {
        "frames": summary.frames,
        "drops": summary.drops,
        "losses": summary.losses,
        "peak_mb": round(summary.health.peak_rss_mb),
    }


STEPS: tuple[Callable[[Bench], Facts], ...] = (
    the_grabber_is_there,
    pictures_arrive_and_are_processed,
    dropped_buffers_are_counted,
    damaged_buffers_do_no_harm,
    a_fatal_streaming_error_is_survived,
    an_unplugged_grabber_is_said_and_comes_back,
    the_run_ends_in_good_order,
)


def main() -> None:
    """Runs the steps and writes what came of them to results.json, after each, so that a hang shows where."""
    if sys.argv[1:] == ["--list"]:
        model = choose_model(None, 1)
        model.interpreter.run(np.zeros((256, 256), np.uint8))
        sys.stdout.write("\n".join(loaded_files()) + "\n")
        return
    bench, results = Bench(), list[Facts]()
    for step in STEPS:
        start_s = time.monotonic()
        result: Facts = {"step": step.__name__.replace("_", " "), "ok": False}
        results.append(result)
        write(results)
        try:
            result["facts"], result["ok"] = step(bench), True
        except (AssertionError, OSError, ValueError, LookupError) as error:
            result["error"] = f"{type(error).__name__}: {error}"
        result["took_s"] = round(time.monotonic() - start_s, 1)
        write(results)
        if not result["ok"]:
            break


def write(results: list[Facts]) -> None:
    """Says how far the check is."""
    said = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout.splitlines()
    complaints = [line for line in said if any(word in line for word in ("BUG", "Oops", "Call Trace", "hung"))]
    done = {"steps": len(STEPS), "results": results, "kernel_complaints": complaints[-5:]}
    (OUT / "results.json").write_text(json.dumps(done, indent=1))


if __name__ == "__main__":
    main()
