"""The present model over the frames of a session: what it says again, and where that differs from what was recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from barbotage_device.capture.session_source import recorded_frame
from barbotage_device.errors import BarbotageError
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.perception.tracker_settings import TrackerSettings
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.pipeline import Guidance, Pipeline, PipelineSettings
from barbotage_device.runtime.recording.recalled import point_from_px
from barbotage_device.runtime.recording.records import Circumstances, Record, detection_record, guidance_record
from barbotage_device.session.events import Event
from barbotage_device.session.reader import SessionReader, TopicMessage

T = TypeVar("T")
LIVE_ONLY = frozenset({"stages_ms", "latency_ms", "drops"})
"""Keys of /guidance that say how fast the live run was, not what it knew."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded frame run again. ``recorded`` and ``again`` are ``{"detections": …, "guidance": …}``.

    A frame that was captured but not processed live (it came while the network was busy) is not run again either: what is tracked depends
    on every frame before, as does the frame that a network of two planes is given beside it, and only the same frames can give the same. Then all
    three are None. In a session without any detections
    every frame is run and only ``recorded`` is None.
    """

    index: int
    sequence: int
    recorded: Record | None
    again: Record | None
    guidance: Guidance | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the re-run says otherwise. ``what`` is the path of the value, ``deposits.0.shadow`` for example."""

    frame: int
    what: str
    recorded: Any
    again: Any


def replay(reader: SessionReader, model: LoadedModel) -> Iterator[Replayed]:
    """Every recorded frame in order, the processed ones run again with the same settings and the same accepted targets.

    Raises SessionError at a damaged frame; InvalidInputError, ModelError as the pipeline does.
    """
    yield from _Replay(reader, model).run()


def differences(frame: int, recorded: Record | None, again: Record | None) -> list[Difference]:
    """What two objects of a frame say differently, as leaves; what only measures the speed of the run is left out."""
    found: list[Difference] = []
    _compare(frame, "", _timeless(recorded), _timeless(again), found)
    return found


class _Replay:
    """One pass over a session."""

    def __init__(self, reader: SessionReader, model: LoadedModel) -> None:
        self._reader = reader
        self._settings = recorded_settings(reader)
        self._pipeline = Pipeline(model.interpreter, model.card, self._settings)
        self._targets = _Targets(self._pipeline, reader.events(), self._settings.tracker.deposit_gate_mm)
        self._detections = _BySequence(reader.messages("/detections"))
        self._guidance = _BySequence(reader.messages("/guidance"))
        self._nothing_recorded = self._detections.empty

    def run(self) -> Iterator[Replayed]:
        for index, sequence in enumerate(self._reader.sequences.tolist()):
            detections = self._detections.take(sequence)
            guided = self._guidance.take(sequence)
            if not detections and not self._nothing_recorded:
                yield Replayed(index, sequence, None, None, None)
                continue
            fresh = next((one.value for one in guided if not one.value.get("stale")), None)
            recorded = {"detections": detections[0].value, "guidance": fresh} if detections else None
            self._pipeline.probe_moved = None if fresh is None else fresh.get("probe_moved")
            guidance = self._pipeline.step(recorded_frame(self._reader, index))
            self._targets.after(guidance)
            yield Replayed(index, sequence, recorded, _records(guidance), guidance)
            for one in guided:
                if one.value.get("stale"):
                    self._pipeline.probe_moved = one.value.get("probe_moved")
                    self._pipeline.stale(one.capture_ns)


class _BySequence:
    """Messages of one topic, taken frame by frame; they are recorded in the order of the frames."""

    def __init__(self, messages: Iterator[TopicMessage]) -> None:
        self._messages = messages
        self._next = next(messages, None)
        self.empty = self._next is None

    def take(self, sequence: int) -> list[TopicMessage]:
        """The messages of a frame; those of frames before it that were not recorded are passed over."""
        found: list[TopicMessage] = []
        while self._next is not None and self._next.value.get("sequence", -1) <= sequence:
            if self._next.value.get("sequence") == sequence:
                found.append(self._next)
            self._next = next(self._messages, None)
        return found


class _Targets:
    """Accepts again what was accepted, after the same frames."""

    def __init__(self, pipeline: Pipeline, events: list[Event], gate_mm: float) -> None:
        self._pipeline = pipeline
        self._gate_mm = gate_mm
        self._waiting: Mapping[str, Any] | None = None
        self._events = [one for one in events if one.kind in ("target-accepted", "target-released")]

    def after(self, guidance: Guidance) -> None:
        """Does what was done before the next frame. A deposit that this model does not follow yet is accepted as soon as it does."""
        while self._events and self._events[0].value.get("sequence", -1) <= guidance.frame.sequence:
            event = self._events.pop(0)
            if event.kind == "target-released":
                self._pipeline.release_target()
                self._waiting = None
            else:
                self._waiting = event.value
        identity = None if self._waiting is None else _same_deposit(guidance, self._waiting, self._gate_mm)
        if identity is not None:
            self._pipeline.accept_target(identity)
            self._waiting = None


def recorded_settings(reader: SessionReader) -> PipelineSettings:
    """The settings of tracker and prompter that the session was recorded with; defaults for what it does not say."""
    config = next(reader.messages("/config"), None)
    if config is None:
        return PipelineSettings()
    return PipelineSettings(
        _settings(TrackerSettings(), config.value.get("tracker")), _settings(PrompterSettings(), config.value.get("prompter"))
    )


def _settings(defaults: T, said: Any) -> T:
    if not isinstance(said, dict):
        return defaults
    names = {one.name for one in fields(defaults)}  # type: ignore[arg-type]
    try:
        return replace(defaults, **{name: value for name, value in said.items() if name in names})  # type: ignore[type-var]
    except (BarbotageError, TypeError, ValueError):
        return defaults


def _same_deposit(guidance: Guidance, accepted: Mapping[str, Any], gate_mm: float) -> int | None:
    """The deposit followed now that lies where the accepted one lay; by its identity when no place was recorded."""
    tracks, place = guidance.tracks, accepted.get("centre_px")
    if place is None:
        return next((one.identity for one in tracks.deposits if one.identity == accepted.get("identity")), None)
    centre = point_from_px(guidance.canonical.view, place)
    distances = [(one.deposit.centre.distance_mm(centre), one.identity) for one in tracks.deposits]
    nearest_mm, identity = min(distances, default=(float("inf"), None))
    return identity if nearest_mm <= gate_mm else None


def _records(guidance: Guidance) -> Record:
    circumstances = Circumstances(guidance.stages_ns, guidance.processing_ns, 0)
    return {"detections": detection_record(guidance), "guidance": guidance_record(guidance, circumstances)}


def _timeless(record: Record | None) -> Any:
    guidance = None if record is None else record.get("guidance")
    if record is None or guidance is None:
        return record
    return record | {"guidance": {key: value for key, value in guidance.items() if key not in LIVE_ONLY}}


def _compare(frame: int, what: str, recorded: Any, again: Any, found: list[Difference]) -> None:
    """Adds the leaves that differ. An outline is one leaf: single points of it say nothing."""
    if isinstance(recorded, dict) and isinstance(again, dict):
        for key in dict.fromkeys((*recorded, *again)):
            _compare(frame, f"{what}.{key}" if what else key, recorded.get(key), again.get(key), found)
    elif what.endswith("deposits") and isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        for number, (one, other) in enumerate(zip(recorded, again, strict=True)):
            _compare(frame, f"{what}.{number}", one, other, found)
    elif recorded != again:
        found.append(Difference(frame, what, recorded, again))
