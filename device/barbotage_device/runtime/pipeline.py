"""From one frame to guidance: resample, run the network, see, track, aim, prompt."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from barbotage_device.capture.frame import Frame
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.aim import Aim
from barbotage_device.guidance.aiming import aim
from barbotage_device.guidance.held_target import HeldTarget
from barbotage_device.guidance.prompt import Prompts
from barbotage_device.guidance.prompter import Prompter, PrompterSettings
from barbotage_device.guidance.target import find_deposit, propose_target
from barbotage_device.perception.scene import Scene
from barbotage_device.perception.see import see
from barbotage_device.perception.tracker import Tracker, TrackerSettings
from barbotage_device.perception.tracks import Tracks
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.previous import PreviousFrame
from barbotage_models.contract.canonical import CanonicalFrame, to_canonical
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.output import ModelOutput

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Settings of the parts."""

    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    prompter: PrompterSettings = field(default_factory=PrompterSettings)


@dataclass(frozen=True, slots=True)
class Guidance:
    """Everything known after a frame. ``stages_ns`` holds the duration of each stage that ran, in ns.

    ``output`` is what the network said, kept for the record. ``stale`` is True when no new frame came and the tracks only say that what was known is too old; ``scene`` is then the last one.
    """

    frame: Frame
    canonical: CanonicalFrame
    output: ModelOutput
    scene: Scene
    tracks: Tracks
    aim: Aim
    prompts: Prompts
    stages_ns: Mapping[Stage, int]
    stale: bool = False
    probe_moved: bool | None = None
    """What the tilt sensor of the probe pod said; None without one."""

    @property
    def processing_ns(self) -> int:
        """Sum over the stages, in ns."""
        return sum(self.stages_ns.values())


class Pipeline:
    """Keeps what is known between frames. ``clock`` (monotonic, ns) only measures the stages; time in guidance is ``capture_ns``."""

    def __init__(
        self,
        interpreter: Interpreter,
        card: ModelCard,
        settings: PipelineSettings | None = None,
        clock: Clock = time.perf_counter_ns,
    ) -> None:
        chosen = settings or PipelineSettings()
        self._interpreter = interpreter
        self._card = card
        self._clock = clock
        self._tracker = Tracker(chosen.tracker)
        self._prompter = Prompter(chosen.prompter)
        self._previous = PreviousFrame(card)
        self._accepted: int | None = None
        self._target = HeldTarget()
        self._last: Guidance | None = None
        self.probe_moved: bool | None = None
        """Whether a tilt sensor says that the probe is being moved; to be set before the frame that it belongs to."""

    @property
    def last(self) -> Guidance | None:
        """The newest guidance, None before the first frame."""
        return self._last

    @property
    def accepted(self) -> int | None:
        """Identity of the accepted deposit, None when none is."""
        return self._accepted

    def accept_target(self, identity: int | None = None) -> int | None:
        """Accepts a deposit as the target: the named one, else the one proposed of those seen now.

        Returns the accepted identity, None when none is seen (what was accepted before stays). Raises InvalidInputError when
        the named deposit is not tracked.
        """
        tracks = None if self._last is None else self._last.tracks
        if identity is None:
            identity = None if tracks is None else propose_target(tracks)
        track = None if tracks is None else find_deposit(tracks, identity)
        if track is not None:
            self._target.accept(track)
            self._accepted = identity
        elif identity is not None:
            tracked = [] if tracks is None else [one.identity for one in tracks.deposits]
            raise InvalidInputError(f"deposit {identity} is not tracked; tracked now: {tracked or 'none'}")
        return identity

    def release_target(self) -> None:
        """Forgets the accepted deposit."""
        self._accepted = None
        self._target.release()

    def step(self, frame: Frame) -> Guidance:
        """Guidance after one more frame. Raises InvalidInputError for pixels of a wrong type or too small, ModelError when the network fails.

        After an error nothing has changed: the next frame goes on from the one before.
        """
        _check(frame)
        lap = _Laps(self._clock)
        canonical = to_canonical(frame.pixels, frame.scale)
        lap.done(Stage.RESAMPLE)
        output = self._interpreter.run(canonical.pixels, self._previous.before(canonical, frame.capture_ns))
        lap.done(Stage.INFERENCE)
        scene = see(output, canonical, self._card, frame.capture_ns)
        lap.done(Stage.SEE)
        tracks = self._tracker.update(scene, canonical)
        lap.done(Stage.TRACK)
        aimed, prompts = self._guide(tracks, frame.capture_ns)
        lap.done(Stage.AIM)
        self._previous.keep(canonical, frame.capture_ns)
        stages_ns = MappingProxyType(lap.stages_ns)
        moved = self.probe_moved
        self._last = Guidance(frame, canonical, output, scene, tracks, aimed, prompts, stages_ns, probe_moved=moved)
        return self._last

    def stale(self, now_ns: int) -> Guidance | None:
        """Guidance when no frame came until ``now_ns`` (the clock of ``capture_ns``); None while the last one is still fresh."""
        if self._last is None:
            return None
        tracks = self._tracker.stale(now_ns)
        if tracks is None:
            return None
        aimed, prompts = self._guide(tracks, now_ns)
        known = replace(self._last, tracks=tracks, aim=aimed, prompts=prompts, probe_moved=self.probe_moved)
        self._last = replace(known, stages_ns=MappingProxyType({}), stale=True)
        return self._last

    def _guide(self, tracks: Tracks, now_ns: int) -> tuple[Aim, Prompts]:
        aimed = aim(tracks, self._target.update(tracks))
        return aimed, self._prompter.update(tracks, aimed, now_ns, probe_moved=self.probe_moved)


def _check(frame: Frame) -> None:
    if not isinstance(frame.pixels, np.ndarray):
        raise InvalidInputError(f"frame {frame.sequence} of {frame.source} has no pixels ({type(frame.pixels).__name__})")


class _Laps:
    """Durations between calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock()
        self.stages_ns: dict[Stage, int] = {}

    def done(self, stage: Stage) -> None:
        now = self._clock()
        self.stages_ns[stage] = now - self._since
        self._since = now
