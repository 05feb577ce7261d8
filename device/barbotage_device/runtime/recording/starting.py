"""Starting a recording: room on the disk, the session's header, the recorder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from barbotage_device.capture.encoding import Encoding, encoder_of
from barbotage_device.capture.opening import SourceKind, SourceSpec
from barbotage_device.config import DeviceConfig
from barbotage_device.runtime.identity import device_identity, software
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.pipeline import PipelineSettings
from barbotage_device.runtime.recording.recording import Clocks, SessionRecording, Told
from barbotage_device.runtime.recording.room import REFERENCE_PX_PER_S, Room, retention
from barbotage_device.session.ids import new_ulid
from barbotage_device.session.manifest import Header, LinkSetting, ModelIdentity, Side
from barbotage_device.session.recorder import Recorder, RecorderSettings

SIDES: dict[str, Side] = {"left": "left", "right": "right"}
IMAGE_FORMATS = ("jpeg", "lossless")


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """Where and how to record. Without ``room`` nothing is removed and nothing refused."""

    root: Path
    encoding: Encoding = field(default_factory=Encoding)
    side: Side | None = None
    room: Room | None = None


def recording_request(
    root: Path, config: DeviceConfig, spec: SourceSpec, side: str | None, image_format: str | None
) -> RecordingRequest:
    """What to record, from the configuration and the options that override it (see SIDES and IMAGE_FORMATS)."""
    wanted = config.recording if image_format is None else replace(config.recording, image_format=image_format)
    room = Room(retention(wanted.disk_budget_gb, wanted.keep_free_gb), wanted.expected_minutes * 60.0, _px_per_s(config, spec))
    return RecordingRequest(root, wanted.encoding, SIDES.get(side or ""), room)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recorded: the source's name, whether it is simulated, its scale if known, and the capture clock's first moment.

    ``link``: how a PC can reach the program that records.
    """

    source: str
    simulated: bool
    started_capture_ns: int
    scale_mm_per_px: tuple[float, float] | None = None
    link: LinkSetting = "none"


def start_recording(
    request: RecordingRequest,
    subject: Subject,
    model: LoadedModel,
    clocks: Clocks,
    config: Mapping[str, Any],
    told: Told | None = None,
) -> SessionRecording:
    """A session that records from now on. ``config`` is kept in it as /config; ``told`` hears its events. Raises SessionError when nothing can be written."""
    header = _header(request, subject, model, clocks.utc())
    recorder = Recorder(request.root, header, encoder_of(request.encoding), RecorderSettings())
    recording = SessionRecording(recorder, header, clocks, told)
    recording.begin(config)
    return recording


def settings_record(settings: PipelineSettings) -> dict[str, Any]:
    """The settings of tracker and prompter, for /config: a replay needs the same."""
    return {"tracker": asdict(settings.tracker), "prompter": asdict(settings.prompter)}


def model_identity(model: LoadedModel) -> ModelIdentity:
    """The network and what runs it."""
    card = model.card
    return ModelIdentity(card.name, card.version, card.sha256, model.card_sha256, model.interpreter.name)


def _px_per_s(config: DeviceConfig, spec: SourceSpec) -> float:
    """Known beforehand only of the frame grabber."""
    if spec.kind is not SourceKind.V4L2:
        return REFERENCE_PX_PER_S
    capture = config.capture
    area = capture.region or capture
    return area.width_px * area.height_px * capture.fps_hz


def _header(request: RecordingRequest, subject: Subject, model: LoadedModel, utc_ns: int) -> Header:
    return Header(
        id=new_ulid(utc_ns),
        source=subject.source,
        simulated=subject.simulated,
        side=request.side,
        image_format=request.encoding.image_format,
        image_quality=request.encoding.quality,
        scale_mm_per_px=subject.scale_mm_per_px,
        started_utc_ns=utc_ns,
        started_capture_ns=subject.started_capture_ns,
        device=device_identity(),
        software=software(),
        model=model_identity(model),
        link=subject.link,
    )
