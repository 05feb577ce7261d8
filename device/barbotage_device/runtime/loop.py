"""The live loop: frames in, guidance out, whatever goes wrong in between."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from barbotage_device.bedside.procedure_signs import ProcedureSigns, Said
from barbotage_device.bedside.view import PodSigns
from barbotage_device.capture.frame import Frame
from barbotage_device.errors import BarbotageError, InvalidInputError
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.feed import Feed, FeedEnded
from barbotage_device.runtime.health import read_health
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Clock, Guidance, Pipeline
from barbotage_device.runtime.runtimes import ModelError
from barbotage_device.runtime.status import Condition, Status, Summary
from barbotage_device.runtime.timing import StageTimes

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop behaves."""

    frames: int | None = None
    """Ends after this many frames, usable or not; None runs until the source ends."""
    accept_best: bool = False
    """Accepts the best deposit by itself whenever the accepted one is not followed: for runs without an operator."""
    tick_s: float = 0.1
    """How long to wait for a frame before the age of what is shown is examined."""
    status_every_s: float = 1.0


class Screen(Protocol):
    """Where guidance is shown."""

    def show(self, guidance: Guidance | None, condition: Condition) -> bool:
        """Shows the present state; False when the operator has ended the run."""
        ...


class Pod(Protocol):
    """The probe pod. Nothing blocks."""

    @property
    def probe_moved(self) -> bool | None:
        """Whether its tilt sensor says that the probe is being moved; None when it cannot say."""
        ...

    @property
    def signs(self) -> PodSigns:
        """What is to be said about it."""
        ...

    def heed(self) -> None:
        """Takes what has arrived."""
        ...

    def show(self, guidance: Guidance | None, condition: Condition) -> None:
        """Shows the present state on ring and buzzer."""
        ...


class Attendant(Protocol):
    """Looks after the computer that the run is on. Nothing blocks."""

    @property
    def said(self) -> tuple[Said, ...]:
        """What is wrong with it, for the screen."""
        ...

    def turn(self, condition: Condition, now_ns: int, *, on_screen: bool) -> None:
        """Takes how things stand, after they were shown."""
        ...


class Procedure(Protocol):
    """The procedure that a run follows. Nothing blocks."""

    @property
    def signs(self) -> ProcedureSigns:
        """What the screen shows of it now."""
        ...

    def turn(self, guidance: Guidance | None, condition: Condition) -> None:
        """Takes how things stand, before they are shown."""
        ...


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the loop speaks: the status once a second, and events in words as they happen."""

    status: Callable[[Status], None]
    event: Callable[[str], None]


@dataclass(slots=True)
class _Counters:
    frames: int = 0
    bad_frames: int = 0
    model_errors: int = 0
    losses: int = 0
    lost: str | None = None
    model_error: str | None = None
    last_bad: str | None = None
    stop_told: bool = False
    latency_ns: int | None = None
    arrival_ns: int | None = None
    status_ns: int = 0
    status_frames: int = 0


class LiveLoop:
    """One run of a feed through a pipeline. ``clock`` is the monotonic clock of ``capture_ns``, in ns."""

    def __init__(
        self,
        feed: Feed,
        pipeline: Pipeline,
        reports: Reports,
        settings: LoopSettings,
        clock: Clock,
        screen: Screen | None = None,
        outlets: Outlets | None = None,
        pod: Pod | None = None,
        procedure: Procedure | None = None,
        attendant: Attendant | None = None,
    ) -> None:
        self._feed = feed
        self._pipeline = pipeline
        self._reports = reports
        self._settings = settings
        self._clock = clock
        self._screen = screen
        self._outlets = outlets or Outlets(lambda _level, text: reports.event(text))
        self._recording, self._teller = self._outlets.recording, self._outlets.teller
        self._pod = pod
        self._procedure = procedure
        self._attendant = attendant
        self._times = StageTimes()
        self._count = _Counters()

    def run(self) -> Summary:
        """Runs until the source ends, enough frames were seen, the operator ends it or Ctrl-C; closes the feed. Call it once.

        Wrong frames and failures of the network are counted, reported and shown, and the loop goes on. An error that ends the
        source is kept in the summary together with what was done before it.
        """
        started_ns = self._count.status_ns = self._clock()
        error: BarbotageError | None = None
        interrupted = False
        try:
            while not self._enough() and self._turn():
                self._status_when_due()
        except FeedEnded:
            pass
        except BarbotageError as ended_by:
            error = ended_by
        except KeyboardInterrupt:
            interrupted = True
        finally:
            self._feed.close()
        return self._summary((self._clock() - started_ns) / NS_PER_S, error, interrupted)

    def condition(self) -> Condition:
        """How the run stands now."""
        count = self._count
        age_ns = self._clock() - count.arrival_ns if self._feed.live and count.arrival_ns is not None else 0
        return Condition(
            frames=count.frames,
            drops=self._feed.dropped,
            bad_frames=count.bad_frames,
            lost=count.lost,
            model_error=count.model_error,
            frame_age_ns=age_ns,
            latency_ns=count.latency_ns,
            recording=self._recording is not None,
            recording_stopped=None if self._recording is None else self._recording.stopped,
            pod=None if self._pod is None else self._pod.signs,
            board=() if self._attendant is None else self._attendant.said,
        )

    def _enough(self) -> bool:
        limit = self._settings.frames
        return limit is not None and self._count.frames + self._count.bad_frames >= limit

    def _turn(self) -> bool:
        frame = self._feed.next(self._settings.tick_s)
        self._note_loss()
        self._note_recording()
        self._heed_pod()
        if frame is None:
            return self._show(self._stale(), {})
        stages: dict[Stage, int] = {}
        guidance = self._process(frame, stages)
        goes_on = self._show(guidance, stages)
        if stages:
            self._times.add(stages)
        return goes_on

    def _process(self, frame: Frame, stages: dict[Stage, int]) -> Guidance | None:
        """Guidance of the frame, what was known before when the frame is wrong, None when the network fails; fills ``stages``."""
        count = self._count
        count.arrival_ns = self._clock()
        try:
            guidance = self._pipeline.step(frame)
        except InvalidInputError as error:
            self._skip(frame, error)
            return self._pipeline.last
        except ModelError as error:
            self._model_failed(error)
            return None
        if count.model_error is not None:
            self._say("info", "the model works again")
        count.model_error = count.last_bad = None
        count.frames += 1
        stages.update(guidance.stages_ns)
        if self._feed.live:
            stages[Stage.CAPTURE] = max(0, count.arrival_ns - frame.capture_ns)
        count.latency_ns = self._clock() - frame.capture_ns if self._feed.live else guidance.processing_ns
        if self._settings.accept_best and guidance.aim.target is None:
            self._pipeline.accept_target()
        return guidance

    def _skip(self, frame: Frame, error: InvalidInputError) -> None:
        self._count.bad_frames += 1
        if str(error) != self._count.last_bad:
            self._say("warning", f"frame {frame.sequence} is skipped: {error}")
        self._count.last_bad = str(error)

    def _model_failed(self, error: ModelError) -> None:
        self._count.frames += 1
        self._count.model_errors += 1
        if self._count.model_error is None:
            self._say("error", f"MODEL ERROR: {error}")
        self._count.model_error = str(error)

    def _note_loss(self) -> None:
        """Reports once when the source goes and once when it is back."""
        before, now = self._count.lost, self._feed.lost
        if now is not None and before is None:
            self._count.losses += 1
            self._say("warning", f"source lost: {now}")
        elif now is None and before is not None:
            self._say("info", "the source is back")
        self._count.lost = now

    def _note_recording(self) -> None:
        """Says once that nothing is recorded any more: the operator must know, the guidance goes on."""
        stopped = None if self._recording is None else self._recording.stopped
        if stopped is not None and not self._count.stop_told:
            self._count.stop_told = True
            text = f"RECORDING STOPPED: {stopped}; guidance goes on, nothing more is recorded"
            self._reports.event(text)
            if self._teller is not None:
                self._teller.happened("recorder-stopped", {"why": stopped})
                self._teller.say("error", text)

    def _heed_pod(self) -> None:
        if self._pod is not None:
            self._pod.heed()
            self._pipeline.probe_moved = self._pod.probe_moved

    def _say(self, level: str, text: str) -> None:
        self._outlets.say(level, text)

    def _stale(self) -> Guidance | None:
        if self._count.model_error is not None:
            return None
        return self._pipeline.stale(self._clock()) or self._pipeline.last

    def _show(self, guidance: Guidance | None, stages: dict[Stage, int]) -> bool:
        """Shows and records how things stand; adds the time of drawing to the stages of a frame. False ends the run."""
        condition = self.condition()
        if self._procedure is not None:
            self._procedure.turn(guidance, condition)
            condition = replace(condition, procedure=self._procedure.signs)
        before_ns = self._clock()
        goes_on = True if self._screen is None else self._screen.show(guidance, condition)
        if stages and self._screen is not None:
            stages[Stage.DRAW] = self._clock() - before_ns
        if self._pod is not None:
            self._pod.show(guidance, condition)
        if self._recording is not None:
            self._recording.turn(guidance, condition, self._pipeline.accepted, stages)
        if self._teller is not None:
            self._teller.turn(guidance, condition, self._pipeline.accepted)
        if self._attendant is not None:
            self._attendant.turn(condition, self._clock(), on_screen=self._screen is not None)
        return goes_on

    def _status_when_due(self) -> None:
        count, now_ns = self._count, self._clock()
        since_ns = now_ns - count.status_ns
        if since_ns < self._settings.status_every_s * NS_PER_S:
            return
        rate = (count.frames - count.status_frames) * NS_PER_S / since_ns
        count.status_ns, count.status_frames = now_ns, count.frames
        guidance = None if count.model_error is not None else self._pipeline.last
        self._reports.status(Status(guidance, self.condition(), rate, self._times.total()))
        if self._recording is not None:
            self._recording.health(rate, self._feed.dropped)

    def _summary(self, elapsed_s: float, error: BarbotageError | None, interrupted: bool) -> Summary:
        count = self._count
        return Summary(
            frames=count.frames,
            drops=self._feed.dropped,
            bad_frames=count.bad_frames,
            model_errors=count.model_errors,
            losses=count.losses,
            elapsed_s=elapsed_s,
            times=self._times.table(),
            processing=self._times.total(),
            health=read_health(Path()),
            interrupted=interrupted,
            error=error,
        )
