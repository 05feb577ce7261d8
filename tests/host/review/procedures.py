"""Sessions of procedures: played by the procedure's own steps, so that each event is as the device writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.drawing import speckle

from barbotage_device.capture.encoding import Encoding, encoder_of
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.procedure import Procedure, begin
from barbotage_device.procedure.resume import resume
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Drops, EventsDigest, Header
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.writing import RecordedFrame, SessionWriter

E = EventKind
S = 1_000_000_000
STARTED_UTC_NS = 1_790_000_000 * S
STARTED_NS = 5_000 * S
FRAME_NS = S // 10


@dataclass
class Play:
    """A session that is written while its procedure is played. Time goes on by what each step takes; a frame comes each tenth of a second."""

    root: Path
    started_utc_ns: int = STARTED_UTC_NS
    procedure: Procedure = field(default_factory=lambda: begin(STARTED_NS))
    now_ns: int = STARTED_NS
    frames: int = 0

    def __post_init__(self) -> None:
        header = Header(
            id=new_ulid(self.started_utc_ns), source="play", started_utc_ns=self.started_utc_ns, started_capture_ns=STARTED_NS
        )
        self.path = self.root / header.id
        self.path.mkdir(parents=True)
        self.writer = SessionWriter(self.path, header, encoder_of(Encoding()), 60 * S)
        self.picture = speckle((320, 320), 1)
        self.record("session-started", {})
        self.wait(0.1)

    def wait(self, seconds: float) -> None:
        """Lets time pass, with its frames."""
        end_ns = self.now_ns + round(seconds * S)
        while self.now_ns < end_ns:
            self.writer.frame(RecordedFrame(self.picture, self.now_ns, self.frames, 0, 0, (0.1, 0.1)))
            self.frames += 1
            self.now_ns += FRAME_NS

    def record(self, kind: str, value: Mapping[str, Any], by: str = "device") -> None:
        """An event that is none of the procedure's."""
        self.writer.event(kind, self.now_ns, by, dict(value))

    def act(self, kind: EventKind, value: Mapping[str, Any] | None = None, by: By = By.OPERATOR, takes_s: float = 0.2) -> None:
        """A step of the procedure; what it records goes into the session."""
        done = step(self.procedure, Event(kind, by, value or {}), self.now_ns)
        for record in done.records:
            self.writer.event(record.kind, record.at_ns, record.by, dict(record.value))
        self.procedure = done.procedure
        self.wait(takes_s)

    def propose(self, event: EventKind, value: Mapping[str, Any], evidence: Mapping[str, Any]) -> None:
        """The device proposes, and the pedal accepts half a second later."""
        self.act(E.PROPOSE, {"event": event.value, "value": value, "evidence": evidence}, By.DEVICE, 0.5)
        self.act(E.ACCEPT, by=By.PEDAL)

    def go_on_from(self, earlier: Path) -> None:
        """Goes on with the procedure of another session, as the device does."""
        with SessionReader.open(earlier) as reader:
            events, closing = reader.events(), reader.manifest.events
        self.record("continued", link(earlier.name, closing), "operator")
        plain = [{"kind": one.kind, "by": one.by, "at_ns": one.at_ns, "value": one.value} for one in events]
        resumed = resume(plain, self.now_ns)
        for record in resumed.step.records:
            self.writer.event(record.kind, record.at_ns, record.by, dict(record.value))
        self.procedure = resumed.procedure
        self.wait(0.5)

    def close(self) -> Path:
        """Closes the session and gives its directory."""
        self.record("session-ended", {})
        self.writer.close(Drops())
        return self.path


def link(session: str, closing: EventsDigest) -> dict[str, Any]:
    """What a session records of the one that it goes on from."""
    return {"session": session, "events": closing.count, "digest": closing.digest}


def to_lavage(play: Play) -> None:
    """From the start to the lavage; allergy and everything after it in the checklist are left open."""
    for name in ("model", "frames", "scale", "disk", "temperature", "clock"):
        play.act(E.DEVICE_CHECK, {"check": name, "passed": True, "detail": "well"}, By.DEVICE, 0)
    play.act(E.DEVICE_CHECK, {"check": "latency", "passed": False, "detail": "130 ms in the median"}, By.DEVICE)
    play.act(E.CONFIRM)  # refused: a check fails
    play.act(E.SKIP, {"reason": "not-needed", "note": "slow board"})
    for item, answer in (("identity-key", "yes"), ("side", "left"), ("side-on-record", "left"), ("consent", "yes")):
        play.act(E.ANSWER, {"item": item, "answer": answer}, takes_s=0.1)
    play.act(E.ANSWER, {"item": "prior-imaging", "answer": "yes", "modality": "XR", "date": "2026-11"})
    play.act(E.CONFIRM)
    sizes = {"longest_mm": 12.4, "perpendicular_mm": 6.1, "area_mm2": 50.0}
    play.propose(E.TARGET, {"identity": 3, **sizes}, {"frames": 10, "confidence": 0.91})
    for plane in ("long", "short"):
        play.act(E.PLANE, {"plane": plane}, takes_s=0)
        play.act(E.MEASURE, {"when": "before", "plane": plane, **sizes})
    play.propose(E.CONFIRM, {}, {"planes": ["long", "short"]})
    play.act(E.PLAN, {"side": "left", "depth_mm": 18.0})
    play.record("orientation", {"marker_at": "right", "mirrored": True, "toward": "cranial"}, "operator")
    play.act(E.CONFIRM)
    play.act(E.AGENT, {"purpose": "local-anaesthetic", "name": "lidocaïne", "volume_ml": 7.25, "concentration_mg_per_ml": 10})
    play.act(E.NEEDLE, {"gauge": 18, "count": 2})
    play.act(E.CONFIRM, takes_s=0.5)
    play.record("prompt", {"kind": "long-lavage", "priority": "low", "shown": False, "held": "repeated"})
    play.act(E.TIP, {"in": True, "frames": 11, "distance_mm": 1.1}, By.DEVICE)
    play.propose(E.CONFIRM, {}, {"tip_frames": 11, "tip_seen_percent": 87.5, "unseen_advance_mm": 6.46})
    play.act(E.SKIP, {"reason": "not-possible"}, takes_s=0.1)


def wash(play: Play, *counted: str) -> None:
    """Cycles, by what counted them."""
    for origin in counted:
        play.act(E.CYCLE, {"from": origin, "confidence": 0.8, "begin_ns": play.now_ns}, By.DEVICE, 0.5)


def to_sealed(play: Play) -> None:
    """From the lavage to the end, with a complication."""
    for look in ("cloudy", "clear", "clear"):
        play.act(E.TURBIDITY, {"turbidity": look})
    play.act(E.SYRINGE, by=By.PEDAL)
    play.propose(E.CONFIRM, {}, {"clear_times": 2, "cycles": 3})
    play.act(E.DISTENSION, {"seen": "unknown"})
    play.act(E.CONFIRM)
    play.act(E.RESIDUAL, {"residual": "half-or-more"})
    play.act(E.SKIP, {"reason": "time"})
    play.act(E.PATIENT_EVENT, by=By.PEDAL)
    play.act(E.COMPLICATION, {"complication": "vasovagal", "note": "two minutes"})
    play.act(E.PAIN, {"when": "rest", "vas": 2.5})
    play.act(E.CONFIRM)


def whole(root: Path) -> Path:
    """One procedure in one session."""
    play = Play(root)
    to_lavage(play)
    wash(play, "both", "image")
    to_sealed(play)
    return play.close()


def cut_and_gone_on(root: Path) -> tuple[Path, Path]:
    """A procedure in two sessions: one ends in the lavage, the other goes on from it ten minutes later."""
    first = Play(root)
    to_lavage(first)
    wash(first, "both")
    before = first.close()
    second = Play(root, STARTED_UTC_NS + 600 * S)
    second.go_on_from(before)
    second.act(E.RESUME)
    wash(second, "pressure", "pressure")
    to_sealed(second)
    return before, second.close()
