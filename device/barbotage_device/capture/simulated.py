"""``sim[:SCENARIO]``: the simulated probe as a source, with its truth at hand for those who ask."""

import threading
from collections.abc import Iterator
from dataclasses import replace

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.errors import SourceError
from barbotage_models.contract.geometry import Scale
from barbotage_models.simulator.probe import SimulatedFrame
from barbotage_models.simulator.scenario.live import Hands, LiveScene
from barbotage_models.simulator.scenario.script import scenario_start

FRAME_RATE_HZ = 20.0
DEFAULT_SCENARIO = "procedure"
NS_PER_S = 1_000_000_000


def frame_of(simulated: SimulatedFrame, sequence: int, source: str) -> Frame:
    """A simulated frame as any source hands out frames; scene time is ``sequence`` over the frame rate."""
    capture_ns = int(sequence * NS_PER_S / FRAME_RATE_HZ)
    return Frame(simulated.pixels, capture_ns, sequence, Scale.isotropic(simulated.mm_per_px), source)


class SimulatedSource:
    """Frames of a scripted scene at 20 frames/s of scene time, without end.

    The reader sets the pace; with a ``clock`` the probe does, as a real one: a frame at most every 50 ms, stamped when it is ready.
    A computer that cannot render so fast shows the scene in slow motion.
    """

    delivery = Delivery.EVERY_FRAME

    def __init__(self, scene: LiveScene, script: Iterator[Hands], name: str, clock: Clock | None = None) -> None:
        self._scene = scene
        self._script = script
        self._name = name
        self._clock = clock
        self._stop = threading.Event()
        self.last: SimulatedFrame | None = None
        """The last frame with its truth, for tests and demonstrations; the device never looks."""

    @property
    def name(self) -> str:
        """The SRC text."""
        return self._name

    def frames(self) -> Iterator[Frame]:
        """Frames until the source is closed. Raises SourceError when read after that."""
        if self._stop.is_set():
            raise SourceError(f"the source {self._name} is closed; open it again")
        sequence = 0
        while not self._stop.is_set():
            started_ns = 0 if self._clock is None else self._clock.now_ns()
            self.last = self._scene.step(1 / FRAME_RATE_HZ, next(self._script))
            frame = frame_of(self.last, sequence, self._name)
            yield frame if self._clock is None else self._paced(frame, started_ns, self._clock)
            sequence += 1

    def close(self) -> None:
        """Ends the scene, and a wait at once."""
        self._stop.set()

    def _paced(self, frame: Frame, started_ns: int, clock: Clock) -> Frame:
        left_s = 1 / FRAME_RATE_HZ - (clock.now_ns() - started_ns) / NS_PER_S
        if left_s > 0:
            (clock.sleep or self._stop.wait)(left_s)
        return replace(frame, capture_ns=clock.now_ns())


def open_simulated(scenario: str, seed: int = 0, clock: Clock | None = None) -> SimulatedSource:
    """The source of a scenario ("" for the default), at its own speed with a ``clock``. Raises NotFoundError for an unknown one, naming those there are."""
    start, script = scenario_start(scenario or DEFAULT_SCENARIO, seed)
    scene = LiveScene(start)
    return SimulatedSource(scene, script(scene), f"sim:{scenario}" if scenario else "sim", clock)
