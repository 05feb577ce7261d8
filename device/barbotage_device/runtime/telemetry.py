"""What a running bedside program tells a listening host: topics `status` and `guidance`, events, lines of the log (docs/protocol.md, section 7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from barbotage_device.bedside.view import HIDDEN_AFTER_NS
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.edges import Edges, Turn
from barbotage_device.runtime.status import Condition
from barbotage_device.runtime.timing import NS_PER_MS

NS_PER_S = 1_000_000_000
GUIDANCE_HZ = 25.0
"""The rate of the probes in use; a terminal shows no more."""
STATUS_HZ = 2.0
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""The numbers of Python's logging."""
MM_DECIMALS, DEG_DECIMALS, CONFIDENCE_DECIMALS = 2, 1, 3


class Outlet(Protocol):
    """Where it is told: the LinkServer. Nothing blocks."""

    @property
    def listening(self) -> bool:
        """Whether anybody hears it."""
        ...

    def publish(self, topic: str, t_ns: int, value: Any) -> None:
        """The newest value of a topic."""
        ...

    def event(self, topic: str, t_ns: int, value: Any) -> None:
        """Something that must arrive."""
        ...


class Recording(Protocol):
    """The session being recorded."""

    @property
    def id(self) -> str:
        """Its ULID."""
        ...

    @property
    def recorder_drops(self) -> int:
        """Frames that it could not take."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What runs: the source's name, and whether it is simulated."""

    source: str
    simulated: bool


class Pace:
    """Lets through at most ``rate_hz`` on average, whatever the rate of those that ask."""

    def __init__(self, rate_hz: float) -> None:
        self._interval_ns = round(NS_PER_S / rate_hz)
        self._due_ns: int | None = None

    def due(self, now_ns: int) -> bool:
        """Whether one may go now; then it counts as gone."""
        if self._due_ns is not None and now_ns < self._due_ns:
            return False
        before_ns = now_ns if self._due_ns is None else max(self._due_ns, now_ns - self._interval_ns)
        self._due_ns = before_ns + self._interval_ns
        return True


class Teller:
    """Tells a host how the run stands. Called from the loop's thread (``happened`` also from others); never blocks, never raises for the link.

    ``clock`` is monotonic ns and the time of all that is told. ``log`` takes the number of a level and a line, and does not block.
    Without a ``recording`` it finds out itself what happens.
    """

    def __init__(self, outlet: Outlet, about: About, clock: Callable[[], int], log: Callable[[int, str], None]) -> None:
        self._outlet = outlet
        self._about = about
        self._clock = clock
        self._log = log
        self.recording: Recording | None = None
        self._edges = Edges()
        self._guidance_pace, self._status_pace = Pace(GUIDANCE_HZ), Pace(STATUS_HZ)
        self._told: Guidance | None = None
        self._frozen = False
        self._counted: tuple[int, int] | None = None

    def leave_to_procedure(self, left: bool = True) -> None:
        """From now on a procedure tells of targets and prompts, with ``happened``; or, not ``left`` to it, no longer."""
        self._edges.with_procedure = left

    def turn(self, guidance: Guidance | None, condition: Condition, accepted: int | None) -> None:
        """Takes how things stand after one turn of the loop; the same guidance again is not told again."""
        if self.recording is None:
            for happening in self._edges.update(Turn(guidance, accepted, condition)):
                self.happened(happening.kind, happening.value)
        now_ns = self._clock()
        if self._status_pace.due(now_ns):
            rate_hz = self._rate_hz(condition.frames, now_ns)
            if self._outlet.listening:
                self._outlet.publish("status", now_ns, self._status(guidance, condition, rate_hz))
        if guidance is None or guidance is self._told or not self._outlet.listening:
            return
        if self._guidance_pace.due(now_ns):
            self._told = guidance
            self._outlet.publish("guidance", now_ns, guidance_value(guidance))

    def operator(self, kind: str, value: Mapping[str, Any]) -> None:
        """Takes what a person did where nothing is recorded; an accepted target is told by ``turn``."""
        if kind != "target-accepted":
            self.happened(kind, value)

    def happened(self, kind: str, value: Mapping[str, Any]) -> None:
        """Tells an event, with the kind and value of sessions; a session's start and end name it by ``id``."""
        if kind == "frozen":
            self._frozen = bool(value.get("on"))
        told = dict(value)
        if kind in ("session-started", "session-ended") and self.recording is not None:
            told["id"] = self.recording.id
        self._outlet.event(kind, self._clock(), told)

    def say(self, level: str, text: str) -> None:
        """Tells a line of the log; ``level`` is one of LEVELS."""
        self._log(LEVELS[level], text)

    def _rate_hz(self, frames: int, now_ns: int) -> float | None:
        """Frames a second since the last status; None for the first."""
        before, self._counted = self._counted, (frames, now_ns)
        if before is None or now_ns <= before[1]:
            return None
        return round((frames - before[0]) * NS_PER_S / (now_ns - before[1]), 1)

    def _status(self, guidance: Guidance | None, condition: Condition, rate_hz: float | None) -> dict[str, Any]:
        recording = self.recording
        records = recording is not None and condition.recording_stopped is None
        return {
            "rate_hz": rate_hz,
            "latency_ms": None if condition.latency_ns is None else round(condition.latency_ns / NS_PER_MS, 1),
            "frames": condition.frames,
            "source_drops": condition.drops,
            "recorder_drops": 0 if recording is None else recording.recorder_drops,
            "source": self._about.source,
            "state": self._state(guidance, condition),
            "scale_known": guidance is not None and guidance.canonical.view.measurable,
            "recording": recording.id if recording is not None and records else None,
            "simulated": self._about.simulated,
        }

    def _state(self, guidance: Guidance | None, condition: Condition) -> str:
        if condition.lost is not None:
            return "lost"
        if condition.model_error is not None:
            return "model-error"
        if guidance is None:
            return "no-image"
        if self._frozen:
            return "frozen"
        return "stale" if guidance.stale or condition.frame_age_ns > HIDDEN_AFTER_NS else "live"


def guidance_value(guidance: Guidance) -> dict[str, Any]:
    """A guidance as the topic ``guidance`` shows it; lengths are None without a scale."""
    aim, prompt = guidance.aim, guidance.prompts.shown
    measurable = guidance.canonical.view.measurable

    def length_mm(value: float | None) -> float | None:
        return _rounded(value, MM_DECIMALS) if measurable else None

    return {
        "sequence": guidance.frame.sequence,
        "tip_to_target_mm": length_mm(aim.distance_mm),
        "advance_mm": length_mm(aim.advance_mm),
        "miss_mm": length_mm(aim.miss_mm),
        "angle_deg": _rounded(aim.angle_deg, DEG_DECIMALS),
        "angle_error_deg": _rounded(aim.angle_error_deg, DEG_DECIMALS),
        "certainty": aim.certainty.value,
        "confidence": _rounded(aim.confidence, CONFIDENCE_DECIMALS),
        "in_target": bool(aim.in_target),
        "deposits": len(guidance.tracks.deposits),
        "target": None if aim.target is None else aim.target.identity,
        "prompt": None if prompt is None else prompt.kind.value,
        "priority": None if prompt is None else prompt.priority.name.lower(),
        "stale": guidance.stale,
    }


def _rounded(value: float | None, decimals: int) -> float | None:
    """A plain number: CBOR knows none of numpy's."""
    return None if value is None else round(float(value), decimals)
