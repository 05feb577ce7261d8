"""How a run stands, in words and as JSON: the condition, the status line of each second, the summary at the end."""

from dataclasses import asdict, dataclass
from typing import Any

from barbotage_device.bedside.procedure_signs import ProcedureSigns, Said
from barbotage_device.bedside.view import PodSigns
from barbotage_device.errors import BarbotageError
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.timing import NS_PER_MS, Percentiles

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """How the run stands, for screen and status line. ``lost`` and ``model_error`` are messages, None when all is well."""

    frames: int
    drops: int
    bad_frames: int
    lost: str | None
    model_error: str | None
    frame_age_ns: int
    """Since the newest frame came; 0 for replayed frames."""
    latency_ns: int | None
    """Capture to guidance of the newest frame; for replayed frames the processing alone. None before the first."""
    recording: bool = False
    """Whether a session was started; it may have stopped by itself since."""
    recording_stopped: str | None = None
    """Why nothing is recorded any more although a session was started; None while it is recorded."""
    pod: PodSigns | None = None
    """The probe pod; None when the run does without one."""
    procedure: ProcedureSigns | None = None
    """What the screen shows of the procedure; None when the run only watches."""
    board: tuple[Said, ...] = ()
    """What is wrong with the computer itself, in words for the screen; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a run, said once a second. ``guidance`` is None before the first frame and while the network fails."""

    guidance: Guidance | None
    condition: Condition
    frames_per_s: float
    processing: Percentiles | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run amounted to. ``error`` is what ended it; None when the source ended or enough frames were seen."""

    frames: int
    drops: int
    bad_frames: int
    model_errors: int
    losses: int
    elapsed_s: float
    times: dict[Stage, Percentiles]
    processing: Percentiles | None
    health: Health
    interrupted: bool
    error: BarbotageError | None

    @property
    def exit_code(self) -> int:
        """130 when interrupted, the error's own code, 1 when no frame could be used, else 0."""
        if self.interrupted:
            return 130
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.frames > self.model_errors else 1


def status_line(status: Status) -> str:
    """One plain line for people."""
    condition, guidance = status.condition, status.guidance
    parts = [f"frame {condition.frames}", f"{status.frames_per_s:.0f}/s"]
    if condition.recording and condition.recording_stopped is None:
        parts.append("rec")
    if status.processing is not None:
        parts.append(f"p95 {status.processing.p95_ms:.0f} ms")
    parts += _troubles(condition)
    if condition.pod is not None and condition.pod.cycles:
        parts.append(f"{condition.pod.cycles} lavage cycle(s)")
    if guidance is not None:
        parts += _seen(guidance)
    return " | ".join(parts)


def status_record(status: Status) -> Record:
    """One JSON object; ``_mm`` values are null without a scale."""
    condition, guidance = status.condition, status.guidance
    return {
        "event": "status",
        "frames": condition.frames,
        "frames_per_s": round(status.frames_per_s, 1),
        "drops": condition.drops,
        "bad_frames": condition.bad_frames,
        "source_lost": condition.lost,
        "model_error": condition.model_error,
        "recording": condition.recording,
        "recording_stopped": condition.recording_stopped,
        "pod": None if condition.pod is None else asdict(condition.pod),
        "latency_ms": None if condition.latency_ns is None else round(condition.latency_ns / NS_PER_MS, 2),
        "processing_ms": percentiles_record(status.processing),
        "guidance": None if guidance is None else _guidance_record(guidance),
    }


def summary_line(summary: Summary) -> str:
    """One plain line for people."""
    parts = [f"{summary.frames} frames in {summary.elapsed_s:.1f} s", f"{summary.drops} dropped"]
    if summary.bad_frames:
        parts.append(f"{summary.bad_frames} unusable")
    if summary.model_errors:
        parts.append(f"{summary.model_errors} model errors")
    if summary.losses:
        parts.append(f"source lost {summary.losses} time(s)")
    if summary.processing is not None:
        parts.append(f"processing p50 {summary.processing.p50_ms:.1f} p95 {summary.processing.p95_ms:.1f} ms")
    parts.append(f"peak memory {summary.health.peak_rss_mb:.0f} MB")
    return ", ".join(parts)


def summary_record(summary: Summary) -> Record:
    """One JSON object."""
    return {
        "event": "summary",
        "frames": summary.frames,
        "drops": summary.drops,
        "bad_frames": summary.bad_frames,
        "model_errors": summary.model_errors,
        "losses": summary.losses,
        "elapsed_s": round(summary.elapsed_s, 3),
        "stages_ms": {str(stage): percentiles_record(value) for stage, value in summary.times.items()},
        "processing_ms": percentiles_record(summary.processing),
        "health": summary.health.as_dict(),
        "interrupted": summary.interrupted,
        "error": None if summary.error is None else str(summary.error),
    }


def percentiles_record(value: Percentiles | None) -> Record | None:
    """``{"count", "p50", "p95", "p99"}`` in ms."""
    if value is None:
        return None
    return {"count": value.count, "p50": round(value.p50_ms, 3), "p95": round(value.p95_ms, 3), "p99": round(value.p99_ms, 3)}


def _troubles(condition: Condition) -> list[str]:
    found: list[str] = []
    if condition.drops:
        found.append(f"{condition.drops} dropped")
    if condition.bad_frames:
        found.append(f"{condition.bad_frames} unusable")
    if condition.lost is not None:
        found.append(f"SOURCE LOST: {condition.lost}")
    if condition.model_error is not None:
        found.append(f"MODEL ERROR: {condition.model_error}")
    if condition.pod is not None and not condition.pod.connected:
        found.append("NO POD")
    if condition.recording_stopped is not None:
        found.append(f"NOT RECORDING: {condition.recording_stopped}")
    return found


def _seen(guidance: Guidance) -> list[str]:
    tracks, aim = guidance.tracks, guidance.aim
    parts = [f"needle {tracks.needle.state}", f"{len(tracks.deposits)} deposit(s)"]
    if aim.angle_deg is not None:
        parts.append(f"{aim.angle_deg:.0f}°")
    if aim.distance_mm is not None:
        parts.append(f"{aim.distance_mm:.1f} mm to target")
    elif not tracks.measurable:
        parts.append("scale unknown")
    if guidance.prompts.shown is not None:
        parts.append(f"prompt {guidance.prompts.shown.kind}")
    return parts


def _guidance_record(guidance: Guidance) -> Record:
    tracks, aim, prompt = guidance.tracks, guidance.aim, guidance.prompts.shown

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 2)

    return {
        "sequence": guidance.frame.sequence,
        "stale": guidance.stale,
        "needle": str(tracks.needle.state),
        "certainty": str(aim.certainty),
        "deposits": len(tracks.deposits),
        "target": None if aim.target is None else aim.target.identity,
        "angle_deg": rounded(aim.angle_deg),
        "angle_error_deg": rounded(aim.angle_error_deg),
        "distance_mm": rounded(aim.distance_mm),
        "miss_mm": rounded(aim.miss_mm),
        "clearance_mm": rounded(aim.clearance_mm),
        "in_target": aim.in_target,
        "prompt": None if prompt is None else str(prompt.kind),
        "quality": round(tracks.quality.score, 3),
    }
