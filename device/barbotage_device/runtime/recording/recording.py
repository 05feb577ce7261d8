"""One session being recorded: what the loop and the demo tell it, turned into frames, messages and events of the recorder."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from barbotage_device.capture.frame import Frame
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.health import BYTES_PER_MB, read_health
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.edges import DEVICE, PEDAL, Edges, Happening, Turn
from barbotage_device.runtime.recording.records import Circumstances, Record, detection_record, guidance_record
from barbotage_device.runtime.status import Condition
from barbotage_device.session.manifest import Header, Manifest
from barbotage_device.session.recorder import RecordedFrame, Recorder

CLOCK_STEP_NS = 100_000_000
"""A wall clock that moves this much against the monotonic one between two looks was set. NTP slews by at most 0.5 ms a second."""
PATIENCE_S = 5.0
"""How long a replay waits for the recorder before it goes on and the frame counts as dropped."""
PATIENCE_STEP_S = 0.002
CALM_QUEUE = 30
"""Frames that may wait in the recorder before a replay waits: half of the recorder's own queue."""


Told = Callable[[str, Mapping[str, Any]], None]
"""Hears the kind and the value of an event."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """``capture``: the clock of ``capture_ns`` in ns, None when frames carry the only time there is (files, the demo). ``utc``: wall clock in ns."""

    capture: Callable[[], int] | None
    utc: Callable[[], int] = time.time_ns


@dataclass(slots=True)
class _State:
    """What changes while a session is recorded."""

    latest_ns: int
    guided: Guidance | None = None
    offset_ns: int | None = None
    drops_told: int = 0
    acceptance: str = DEVICE


class SessionRecording:
    """Records one session with ``recorder``. ``frame`` may be called from a capture thread, all else from the loop's.

    Nothing here waits for the disk or raises for it; ``stopped`` says when nothing is recorded any more. Only a recording without a
    live clock (a file played as fast as possible) waits for the recorder rather than lose frames.
    """

    def __init__(self, recorder: Recorder, header: Header, clocks: Clocks, told: Told | None = None) -> None:
        """``told`` hears every event as it is recorded, on the thread that records it."""
        self._recorder = recorder
        self._told = told or _nobody
        self._header = header
        self._clocks = clocks
        self._edges = Edges()
        self._state = _State(header.started_capture_ns)
        self.source_drops = 0
        """Frames that the loop did not get, for the manifest."""

    @property
    def path(self) -> Path:
        """The session's folder."""
        return self._recorder.path

    @property
    def id(self) -> str:
        """The session's ULID."""
        return self._header.id

    @property
    def recorder_drops(self) -> int:
        """Frames that the recorder could not take so far."""
        return self._recorder.drops.recorder_frames

    @property
    def waiting(self) -> int:
        """Frames that were captured and are not written yet."""
        return self._recorder.queued

    @property
    def stopped(self) -> str | None:
        """Why nothing is recorded any more, in words; None while it records."""
        return self._recorder.stopped

    @property
    def now_ns(self) -> int:
        """The capture clock: of live sources the monotonic one, else the time of the newest frame."""
        return self._state.latest_ns if self._clocks.capture is None else self._clocks.capture()

    def time_of(self, monotonic_ns: int) -> int:
        """A time of the monotonic clock on the capture clock; where the source has a time of its own, its present."""
        return self._state.latest_ns if self._clocks.capture is None else monotonic_ns

    def leave_to_procedure(self, left: bool = True) -> None:
        """From now on a procedure tells of targets and prompts, with ``event``; or, not ``left`` to it, no longer."""
        self._edges.with_procedure = left

    def begin(self, config: Mapping[str, Any]) -> None:
        """Records that the session starts and with which settings."""
        at_ns = self._header.started_capture_ns
        self.event(Happening("session-started", {"source": self._header.source}), at_ns)
        self._message("/config", at_ns, partial(dict, config))
        self._clock(at_ns)

    def frame(self, frame: Frame) -> None:
        """Takes a captured frame, whether or not the loop will process it."""
        self._state.latest_ns = frame.capture_ns
        if self._clocks.capture is None:
            self._wait_for_room()
        scale = frame.scale
        self._recorder.frame(
            RecordedFrame(
                pixels=frame.pixels,
                capture_ns=frame.capture_ns,
                sequence=frame.sequence,
                x0_px=frame.x0_px,
                y0_px=frame.y0_px,
                scale_mm_per_px=None if scale is None else (scale.x_mm_per_px, scale.z_mm_per_px),
            )
        )

    def turn(self, guidance: Guidance | None, condition: Condition, accepted: int | None, stages_ns: Mapping[Stage, int]) -> None:
        """Takes how things stand after one turn of the loop; the same guidance again is not recorded again."""
        state = self._state
        if guidance is not None and guidance is not state.guided:
            state.guided = guidance
            self._guidance(guidance, Circumstances(stages_ns, condition.latency_ns, condition.drops))
        for happening in self._edges.update(Turn(guidance, accepted, condition, state.acceptance)):
            self.event(happening)
        state.acceptance = DEVICE

    def operator(self, kind: str, value: Mapping[str, Any] | None = None, by: str = PEDAL) -> None:
        """Records what a person did: bookmark, patient-event, overlay, frozen. ``target-accepted`` only says who accepts in this turn."""
        if kind == "target-accepted":
            self._state.acceptance = by
        else:
            self.event(Happening(kind, value or {}, by))

    def bookmark(self, by: str = PEDAL) -> None:
        """Records that a person wants to find this moment again."""
        self.operator("bookmark", by=by)

    def patient_event(self, by: str = PEDAL) -> None:
        """Records that something happened to the patient; the device cannot see what."""
        self.operator("patient-event", by=by)

    def event(self, happening: Happening, at_ns: int | None = None) -> None:
        """Records an event, now unless ``at_ns`` says when."""
        self._recorder.event(happening.kind, self.now_ns if at_ns is None else at_ns, happening.by, happening.value)
        self._told(happening.kind, happening.value)

    def say(self, level: str, text: str) -> None:
        """Records a line of the log."""
        self._message("/log", self.now_ns, lambda: {"level": level, "text": text})

    def pod(self, sample: Mapping[str, Any], at_ns: int) -> None:
        """Records a sample of the probe pod."""
        self._message("/pod", at_ns, partial(dict, sample))

    def health(self, rate_hz: float, source_drops: int) -> None:
        """Records the state of the board and of the recorder, and the wall clock; once a second is meant."""
        self.source_drops = source_drops
        at_ns, queued, drops = self.now_ns, self._recorder.queued, self._recorder.drops
        folder = self.path
        self._message("/health", at_ns, lambda: _health(folder, rate_hz, source_drops, drops.recorder_frames, queued))
        lost = drops.recorder_frames + drops.recorder_messages
        if lost > self._state.drops_told:
            self._state.drops_told = lost
            value = {"recorder_frames": drops.recorder_frames, "recorder_messages": drops.recorder_messages}
            self.event(Happening("drops", value), at_ns)
        if self._clocks.capture is not None:
            self._clock(at_ns)

    def close(self) -> Manifest:
        """Ends the session: writes what waits, closes its files. Raises SessionError when the disk does not answer."""
        self.event(Happening("session-ended"))
        return self._recorder.close(self.source_drops)

    def _guidance(self, guidance: Guidance, circumstances: Circumstances) -> None:
        """The objects are made in the recorder's thread."""
        if guidance.stale:
            # Exactly when the pipeline looked at the clock: a replay looks at the same time.
            looked_ns = guidance.tracks.capture_ns + guidance.tracks.needle.age_ns
            self._message("/guidance", looked_ns, partial(guidance_record, guidance, circumstances))
            return
        at_ns = guidance.frame.capture_ns
        self._message("/detections", at_ns, partial(detection_record, guidance))
        self._message("/guidance", at_ns, partial(guidance_record, guidance, circumstances))

    def _clock(self, at_ns: int) -> None:
        """The wall clock against the capture clock, and an event when somebody set it."""
        utc_ns, state = self._clocks.utc(), self._state
        offset_ns = utc_ns - at_ns
        step_ns = 0 if state.offset_ns is None else offset_ns - state.offset_ns
        state.offset_ns = offset_ns
        self._message("/clock", at_ns, lambda: {"utc_ns": utc_ns, "capture_ns": at_ns, "step_ns": step_ns})
        if abs(step_ns) >= CLOCK_STEP_NS:
            self.event(Happening("clock-step", {"step_ns": step_ns}), at_ns)

    def _message(self, topic: str, at_ns: int, make: Callable[[], Record]) -> None:
        self._recorder.message(topic, at_ns, make)

    def _wait_for_room(self) -> None:
        waited_s = 0.0
        while self._recorder.queued >= CALM_QUEUE and self._recorder.stopped is None and waited_s < PATIENCE_S:
            time.sleep(PATIENCE_STEP_S)
            waited_s += PATIENCE_STEP_S


def _nobody(kind: str, value: Mapping[str, Any]) -> None:
    """Nobody hears."""


def _health(folder: Path, rate_hz: float, source_drops: int, recorder_drops: int, queued: int) -> Record:
    """Read in the recorder's thread: /proc and /sys take a fraction of a millisecond, which the loop need not wait."""
    now = read_health(folder)
    return {
        "temperature_c": now.cpu_celsius,
        "throttled": now.throttled,
        "weak_supply": now.weak_supply,
        "disk_free_bytes": None if now.disk_free_mb is None else round(now.disk_free_mb * BYTES_PER_MB),
        "memory_bytes": None if now.rss_mb is None else round(now.rss_mb * BYTES_PER_MB),
        "rate_hz": round(rate_hz, 3),
        "source_drops": source_drops,
        "recorder_drops": recorder_drops,
        "queue": queued,
    }
