"""The demo's session: what the simulated operator did, recorded as a real procedure would be."""

from dataclasses import dataclass, field

from barbotage_device.capture.frame import Frame
from barbotage_device.capture.simulated import FRAME_RATE_HZ
from barbotage_device.guidance.target import find_deposit
from barbotage_device.perception.scene import Deposit
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.lavage_watch import LavageWatch
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.edges import OPERATOR, Happening
from barbotage_device.runtime.recording.recording import SessionRecording
from barbotage_device.runtime.recording.records import measured
from barbotage_device.runtime.status import Condition
from barbotage_device.session.manifest import Manifest


@dataclass(slots=True)
class DemoSession:
    """Tells a recording what happens. Times are those of the scene. What the operator did is recorded with ``turn``, after what he saw."""

    recording: SessionRecording
    phase: str | None = None
    lavage: LavageWatch = field(default_factory=LavageWatch)
    _done: list[Happening] = field(default_factory=list)
    _before: Deposit | None = None
    _after: tuple[Guidance, Deposit] | None = None
    _frames: int = 0

    def frame(self, frame: Frame) -> None:
        """One more frame of the probe; once a second the state of the board."""
        self.recording.frame(frame)
        self._frames += 1
        if self._frames % round(FRAME_RATE_HZ) == 0:
            self.recording.health(FRAME_RATE_HZ, 0)

    def line(self, pressure_kpa: float, at_ns: int) -> None:
        """A sample of the simulated lavage line, as the probe pod would send it; the scene has no tilt sensor."""
        self.recording.pod({"pressure_kpa": round(pressure_kpa, 3), "simulated": True}, at_ns)
        self.lavage.line(LineSample(at_ns, pressure_kpa))

    def turn(self, guidance: Guidance, accepted: int | None, stages_ns: dict[Stage, int]) -> None:
        """How things stand when the operator has seen a frame and acted; the lavage cycles that the device counted with it."""
        for cycle in self.lavage.update(guidance):
            self._done.append(Happening("lavage-cycle", {"count": cycle.count, "from": cycle.counted_from.value}))
        condition = Condition(guidance.frame.sequence, 0, 0, None, None, 0, guidance.processing_ns, recording=True)
        self.recording.operator("target-accepted", by=OPERATOR)
        self.recording.turn(guidance, condition, accepted, stages_ns)
        for happening in self._done:
            self.recording.event(happening)
        self._done.clear()

    def enter(self, phase: str) -> None:
        """The operator says that a phase begins; the same phase again is not recorded again."""
        if phase != self.phase:
            self._done.append(Happening("phase", {"from": self.phase, "to": phase}, OPERATOR))
            self.phase = phase
            if phase == "lavage":
                self.lavage.begin()

    def measure_before(self, guidance: Guidance, accepted: int | None) -> Deposit | None:
        """Records the size of the deposit just accepted; None when there is none."""
        track = None if accepted is None else find_deposit(guidance.tracks, accepted)
        return None if track is None else self._measure("before", guidance, track.deposit)

    def look_after(self, guidance: Guidance) -> None:
        """Remembers the newest sight of what is left where the deposit was; it may be followed as another one by now."""
        if self._before is None:
            return
        place, reach_mm = self._before.centre, self._before.longest_mm / 2
        seen = [one.deposit for one in guidance.tracks.deposits if one.deposit.centre.distance_mm(place) <= reach_mm]
        if seen:
            self._after = guidance, max(seen, key=lambda deposit: deposit.area_mm2)

    def measure_after(self) -> Deposit | None:
        """Records the size of what was left when it was last seen; None when nothing was."""
        return None if self._after is None else self._measure("after", *self._after)

    def _measure(self, when: str, guidance: Guidance, deposit: Deposit) -> Deposit:
        if when == "before":
            self._before = deposit
            self.lavage.accept(deposit)
        value = {"when": when, "plane": None, "sequence": guidance.frame.sequence}
        self._done.append(Happening("measurement", value | measured(guidance.canonical.view, deposit)))
        return deposit

    def close(self) -> Manifest:
        """Closes the session. Raises SessionError when the disk does not answer."""
        return self.recording.close()
