"""The demo itself: scene, pipeline, picture, operator, hands, and the next scene."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2

from barbotage_device.bedside.contact_sheet import Moment, contact_sheet
from barbotage_device.bedside.overlay import Renderer
from barbotage_device.bedside.texts import Language, Texts
from barbotage_device.bedside.view import BedsideView, ScreenSize
from barbotage_device.capture.encoding import Encoding
from barbotage_device.capture.simulated import FRAME_RATE_HZ, frame_of
from barbotage_device.perception.scene import Deposit
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.demo.record import Picture, Tally, Video, stage_summary, write_json
from barbotage_device.runtime.demo.session import DemoSession
from barbotage_device.runtime.demo.told import told_by
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.operator import Presentation
from barbotage_device.runtime.pipeline import Guidance, Pipeline, PipelineSettings
from barbotage_device.runtime.recording.recording import Clocks
from barbotage_device.runtime.recording.starting import RecordingRequest, Subject, settings_record, start_recording
from barbotage_device.runtime.screen import WindowLike, view_of
from barbotage_device.runtime.status import Condition
from barbotage_device.runtime.timing import StageTimes
from barbotage_device.session.manifest import Manifest
from barbotage_models.simulator.probe import SimulatedFrame
from barbotage_models.simulator.scenario.live import Hands, LiveScene, shoulder_start
from barbotage_models.simulator.scenario.operator import Doing, Operator

TIME_LIMIT_S = 55.0
"""Scene time after which an operator who has not finished gives up."""
PHASE_OF = {
    Doing.LOOK: "scan",
    Doing.APPROACH: "advance",
    Doing.REALIGN: "advance",
    Doing.LAVAGE: "lavage",
    Doing.WITHDRAW: "post-scan",
    Doing.DONE: "close",
}
VIDEO_NAME, SHEET_NAME, SUMMARY_NAME = "procedure.mp4", "moments.png", "summary.json"
SESSIONS_NAME = "sessions"


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """What to run and where to leave it."""

    out: Path
    language: Language
    size: ScreenSize
    seed: int = 0
    encoding: Encoding = field(default_factory=Encoding)
    """How the frames of the session are stored."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How it ended. ``summary`` is what was written to summary.json, ``session`` the manifest of what was recorded."""

    placed: bool
    summary: dict[str, Any]
    session: Manifest
    session_path: Path


class Demo:
    """One guided procedure. ``say`` hears each change of phase; ``window`` may be None."""

    def __init__(
        self, request: DemoRequest, model: LoadedModel, say: Callable[[str], None], window: WindowLike | None = None
    ) -> None:
        self._request = request
        self._model = model
        self._say = say
        self._window = window
        self._texts = Texts(request.language)
        self._scene = LiveScene(shoulder_start(request.seed))
        self._operator = Operator(seed=request.seed)
        self._pipeline = Pipeline(model.interpreter, model.card)
        self._renderer = Renderer(request.size)
        self._times = StageTimes(capacity=4000)
        self._tally = Tally()
        self._moments: list[Moment] = []
        self._seen: set[str] = set()
        self._placed: dict[str, Any] | None = None
        self._before_mm: float | None = None
        self._after_mm: float | None = None

    def run(self) -> DemoResult:
        """Runs to the end, the time limit, a closed window or Ctrl-C (raised again once the files are complete)."""
        self._request.out.mkdir(parents=True, exist_ok=True)
        started_s = time.monotonic()
        session = self._session()
        try:
            with Video(self._request.out / VIDEO_NAME, self._request.size, FRAME_RATE_HZ) as video:
                self._play(video, session)
        finally:
            manifest = session.close()
            summary = self._summary(time.monotonic() - started_s) | self._afterwards(session, manifest)
            self._leave(summary)
        finished = self._placed is not None and self._operator.doing is Doing.DONE
        return DemoResult(finished, summary, manifest, session.recording.path)

    def _session(self) -> DemoSession:
        request, settings = self._request, PipelineSettings()
        side = self._scene.world.image.mm_per_px
        subject = Subject("sim:procedure", simulated=True, started_capture_ns=0, scale_mm_per_px=(side, side))
        config = settings_record(settings) | {"source": "sim:procedure", "language": str(request.language), "seed": request.seed}
        wanted = RecordingRequest(request.out / SESSIONS_NAME, request.encoding)
        session = DemoSession(start_recording(wanted, subject, self._model, Clocks(None), config))
        session.enter(PHASE_OF[self._operator.doing])
        return session

    def _play(self, video: Video, session: DemoSession) -> None:
        hands = Hands()
        for sequence in range(int(TIME_LIMIT_S * FRAME_RATE_HZ)):
            simulated = self._scene.step(1 / FRAME_RATE_HZ, hands)
            frame = frame_of(simulated, sequence, "sim")
            session.frame(frame)
            session.line(self._scene.line_pressure_kpa, frame.capture_ns)
            guidance = self._pipeline.step(frame)
            view = self._view(guidance)
            picture, stages_ns = self._drawn(guidance, view)
            self._tally.add(view, simulated.truth)
            video.add(picture)
            if self._window is not None:
                self._window.show(picture)
                if self._window.closed or {"q", "Escape"} & set(self._window.keys()):
                    return
            hands = self._hands(view, guidance, simulated, session)
            session.turn(guidance, self._pipeline.accepted, stages_ns)
            self._note_moments(view, picture)
            if self._operator.doing is Doing.DONE:
                return

    def _view(self, guidance: Guidance) -> BedsideView:
        sequence = guidance.frame.sequence
        condition = Condition(sequence, 0, 0, None, None, 0, guidance.processing_ns)
        view = view_of(guidance, condition, Presentation(self._request.language))
        return replace(view, phase_text_key=PHASE_OF[self._operator.doing])

    def _drawn(self, guidance: Guidance, view: BedsideView) -> tuple[Picture, dict[Stage, int]]:
        before_ns = time.perf_counter_ns()
        picture = self._renderer.draw(view)
        stages_ns = {**guidance.stages_ns, Stage.DRAW: time.perf_counter_ns() - before_ns}
        self._times.add(stages_ns)
        return picture, stages_ns

    def _hands(self, view: BedsideView, guidance: Guidance, simulated: SimulatedFrame, session: DemoSession) -> Hands:
        before = self._operator.doing
        hands = self._operator.act(told_by(view, target_proposed=bool(guidance.tracks.deposits)), 1 / FRAME_RATE_HZ)
        now = self._operator.doing
        if now is not before:
            self._changed((before, now), guidance, simulated, session)
        if now is Doing.WITHDRAW:
            session.look_after(guidance)
        return hands

    def _changed(self, change: tuple[Doing, Doing], guidance: Guidance, simulated: SimulatedFrame, session: DemoSession) -> None:
        before, now = change
        if before is Doing.LOOK:
            self._pipeline.accept_target()
            self._before_mm = _longest_mm(session.measure_before(guidance, self._pipeline.accepted))
            session.enter("plan")
        session.enter(PHASE_OF[now])
        if now is Doing.LAVAGE:
            self._placed = self._placement(simulated)
        if now is Doing.DONE:
            self._after_mm = _longest_mm(session.measure_after())
        self._say(f"{self._scene.time_s:5.1f} s  {now.value}")

    def _afterwards(self, session: DemoSession, manifest: Manifest) -> dict[str, Any]:
        """What the session holds, and the lavage as the device counted it beside the truth."""
        counts = session.lavage.counts
        ways = {} if counts is None else {"image": counts.image, "pressure": counts.pressure, "both": counts.fused}
        lavage = {
            "true_cycles": self._scene.cycles,
            "counted_cycles": {way: count.cycles for way, count in ways.items()},
            "true_washed_share": round(self._scene.washed, 2),
        }
        return {"lavage": lavage, "session": self._session_summary(session, manifest)}

    def _session_summary(self, session: DemoSession, manifest: Manifest) -> dict[str, Any]:
        return {
            "path": str(session.recording.path.relative_to(self._request.out)),
            "state": manifest.state,
            "frames": 0 if manifest.summary is None else manifest.summary.frames,
            "frames_not_recorded": manifest.drops.recorder_frames,
            "events": manifest.events.count,
            "bytes": sum(segment.bytes for segment in manifest.segments),
        }

    def _placement(self, simulated: SimulatedFrame) -> dict[str, Any]:
        """Where the true tip is when the operator, going by the screen, holds it to be in the deposit."""
        deposit, needle = simulated.truth.deposits[0], simulated.truth.needle
        distance = None if needle is None else round(needle.tip.distance_mm(deposit.centre), 2)
        return {"at_s": round(self._scene.time_s, 2), "tip_in_deposit": self._scene.tip_in_deposit, "tip_to_centre_mm": distance}

    def _note_moments(self, view: BedsideView, picture: Picture) -> None:
        doing = self._operator.doing
        distance = view.aim.distance_mm
        moment = None
        if doing is Doing.LOOK and view.tracks.deposits:
            moment = "moment-deposit"
        elif doing is Doing.APPROACH and distance is None and view.aim.entry is not None:
            moment = "moment-shaft"
        elif doing is Doing.APPROACH and distance is not None and distance > 8.0:
            moment = "moment-tip"
        elif doing is Doing.APPROACH and view.aim.in_target:
            moment = "moment-placed"
        elif doing is Doing.APPROACH and distance is not None and distance < 6.0:
            moment = "moment-near"
        elif doing is Doing.REALIGN:
            moment = "moment-unseen"
        elif doing is Doing.LAVAGE and self._scene.cycles in (1, 4):
            moment = f"moment-lavage-{self._scene.cycles}"
        elif doing is Doing.DONE:
            moment = "moment-after"
        if moment is not None and moment not in self._seen:
            self._seen.add(moment)
            self._moments.append(Moment(f"{self._scene.time_s:.1f} s  {self._texts(moment)}", picture.copy()))

    def _summary(self, elapsed_s: float) -> dict[str, Any]:
        return {
            "finished": self._operator.doing is Doing.DONE,
            "placement": self._placed,
            "frames": self._tally.frames,
            "frames_dropped": 0,
            "delivery": "every frame, in step with the simulated probe",
            "scene_s": round(self._scene.time_s, 2),
            "elapsed_s": round(elapsed_s, 2),
            **self._tally.summary(),
            "deposit_longest_mm": {
                "before": self._before_mm,
                "after": self._after_mm,
                "true_before": round(self._scene.world.deposits[0].long_mm, 2),
            },
            "stages": stage_summary(self._times.table(), self._times.total()),
            "model": {"name": self._model.card.name, "version": self._model.card.version, "sha256": self._model.card.sha256},
            "seed": self._request.seed,
            "note": "Simulated probe and simulated operator: shows that the loop works, proves nothing clinical. Research use only.",
        }

    def _leave(self, summary: dict[str, Any]) -> None:
        if self._moments:
            cv2.imwrite(str(self._request.out / SHEET_NAME), contact_sheet(self._moments, columns=2))
        write_json(self._request.out / SUMMARY_NAME, summary)


def _longest_mm(deposit: Deposit | None) -> float | None:
    return None if deposit is None else round(deposit.longest_mm, 2)
