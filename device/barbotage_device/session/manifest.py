"""session.json: what a session is, which segments it has, and how it ended."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from barbotage_device.session.errors import SessionError
from barbotage_device.session.fields import Fields
from barbotage_device.session.files import replace_atomically

MANIFEST_NAME = "session.json"
SCHEMA = "barbotage.session"
SCHEMA_VERSION = 1
UNKNOWN = "unknown"
"""Stands for what a damaged header can no longer say."""

State = Literal["recording", "closed", "recovered"]
SegmentKind = Literal["telemetry", "video", "proxy", "keyframes"]
Side = Literal["left", "right"]
LinkSetting = Literal["none", "secured", "unsecured"]
STATES: tuple[State, ...] = ("recording", "closed", "recovered")
KINDS: tuple[SegmentKind, ...] = ("telemetry", "video", "proxy", "keyframes")
DERIVED: tuple[SegmentKind, ...] = ("proxy", "keyframes")
"""Made from the others after the recording: they hold nothing of their own."""
SIDES: tuple[Side, ...] = ("left", "right")
LINK_SETTINGS: tuple[LinkSetting, ...] = ("none", "secured", "unsecured")
"""No link to a PC; one that is authenticated and encrypted; the laboratory setting, which is neither."""


@dataclass(frozen=True, slots=True)
class Device:
    """The bedside computer that recorded."""

    id: str = UNKNOWN
    model: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Software:
    """The software that recorded: its version, and the SHA-256 over its source files, which tells unreleased versions apart."""

    version: str = UNKNOWN
    sha256: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The network that ran, and what ran it."""

    name: str = UNKNOWN
    version: str = UNKNOWN
    sha256: str = UNKNOWN
    card_sha256: str = UNKNOWN
    runtime: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Header:
    """What is known when a session starts; also the first message of every telemetry segment.

    ``started_capture_ns`` is the capture clock at ``started_utc_ns``. ``scale_mm_per_px`` is (x, z), None when unknown. ``link`` says how the
    program that recorded could be reached by a PC (LINK_SETTINGS), None in sessions that were recorded before this was noted.
    """

    id: str
    source: str = UNKNOWN
    simulated: bool = False
    side: Side | None = None
    image_format: str = "jpeg"
    image_quality: int | None = None
    scale_mm_per_px: tuple[float, float] | None = None
    started_utc_ns: int = 0
    started_capture_ns: int = 0
    device: Device = field(default_factory=Device)
    software: Software = field(default_factory=Software)
    model: ModelIdentity = field(default_factory=ModelIdentity)
    link: LinkSetting | None = None

    def log_time_ns(self, capture_ns: int) -> int:
        """UTC of a moment of the capture clock; a wall clock set in mid-session does not bend it."""
        return max(0, self.started_utc_ns + capture_ns - self.started_capture_ns)

    def capture_time_ns(self, log_time_ns: int) -> int:
        """The capture clock at a log time; the inverse of ``log_time_ns``."""
        return log_time_ns - self.started_utc_ns + self.started_capture_ns


@dataclass(frozen=True, slots=True)
class Segment:
    """One closed file of the session. ``first_ns`` and ``last_ns`` are of the capture clock, None when it holds no message."""

    name: str
    kind: SegmentKind
    bytes: int
    sha256: str
    first_ns: int | None
    last_ns: int | None
    messages: int


@dataclass(frozen=True, slots=True)
class EventsDigest:
    """How many events there are and the digest of the last; see events.py."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Drops:
    """What did not reach the session: frames missed by the source, frames and messages dropped by the recorder."""

    source: int = 0
    recorder_frames: int = 0
    recorder_messages: int = 0


@dataclass(frozen=True, slots=True)
class DepositSize:
    """A deposit as measured; each None without a scale."""

    longest_mm: float | None
    perpendicular_mm: float | None
    area_mm2: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of sessions shows. ``prompts`` counts by kind the prompts that were shown."""

    duration_s: float
    frames: int
    phase_reached: str | None
    deposit_before: DepositSize | None
    deposit_after: DepositSize | None
    prompts: dict[str, int]
    patient_events: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a recovery found: ``lost`` says in words what is gone, ``messages`` counts what is there."""

    lost: tuple[str, ...]
    messages: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A session's manifest. ``ended_capture_ns``, ``summary`` are None while it is being recorded."""

    header: Header
    state: State
    segments: tuple[Segment, ...]
    events: EventsDigest
    drops: Drops = field(default_factory=Drops)
    ended_capture_ns: int | None = None
    summary: Summary | None = None
    recovery: Recovery | None = None

    @property
    def id(self) -> str:
        """The session's ULID."""
        return self.header.id

    def of_kind(self, kind: SegmentKind) -> tuple[Segment, ...]:
        """The segments of one kind, in order."""
        return tuple(segment for segment in self.segments if segment.kind == kind)


def header_document(header: Header) -> dict[str, Any]:
    """The header as the JSON object of the manifest and of /session."""
    return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(header)}


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as the JSON object that session.json holds."""
    document = asdict(manifest)
    del document["header"]
    return {**header_document(manifest.header), **document}


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replaces session.json atomically. Raises OSError."""
    replace_atomically(directory / MANIFEST_NAME, json.dumps(manifest_document(manifest), indent=1).encode() + b"\n")


def read_manifest(directory: Path) -> Manifest:
    """The session's manifest. Raises SessionError naming the file and the key that is wrong."""
    path = directory / MANIFEST_NAME
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SessionError(f"{path}: unreadable ({error}); {recovery_advice(directory)}") from error
    return parse_manifest(Fields(document, str(path)))


def add_segment(directory: Path, segment: Segment) -> Manifest:
    """Adds a segment made after the recording (proxy, key frames), in place of one of the same name. Raises SessionError, OSError."""
    manifest = read_manifest(directory)
    others = tuple(each for each in manifest.segments if each.name != segment.name)
    manifest = replace(manifest, segments=(*others, segment))
    write_manifest(directory, manifest)
    return manifest


def recovery_advice(directory: Path) -> str:
    """What to do about a session that is not whole."""
    return f"run 'barbotage-device sessions recover {directory}'"


def parse_header(fields: Fields) -> Header:
    """A header from its JSON object. Raises SessionError naming the key."""
    schema, version = fields.text("schema"), fields.whole("schema_version")
    if schema != SCHEMA or version != SCHEMA_VERSION:
        raise SessionError(
            f"{fields.where}: is {schema} version {version}, this software reads {SCHEMA} version {SCHEMA_VERSION}; update it"
        )
    return Header(
        id=fields.text("id"),
        source=fields.text("source"),
        simulated=fields.flag("simulated"),
        side=fields.choice_or_none("side", SIDES),
        image_format=fields.text("image_format"),
        image_quality=fields.whole_or_none("image_quality"),
        scale_mm_per_px=fields.pair_or_none("scale_mm_per_px"),
        started_utc_ns=fields.whole("started_utc_ns"),
        started_capture_ns=fields.whole("started_capture_ns"),
        device=Device(**fields.texts("device", ("id", "model"))),
        software=Software(**fields.texts("software", ("version", "sha256"))),
        model=ModelIdentity(**fields.texts("model", ("name", "version", "sha256", "card_sha256", "runtime"))),
        link=fields.choice_or_none("link", LINK_SETTINGS) if fields.has("link") else None,
    )


def parse_manifest(fields: Fields) -> Manifest:
    """A manifest from its JSON object. Raises SessionError naming the key."""
    events, drops, recovery = fields.part("events"), fields.part("drops"), fields.part_or_none("recovery")
    return Manifest(
        header=parse_header(fields),
        state=fields.choice("state", STATES),
        segments=tuple(_segment(each) for each in fields.parts("segments")),
        events=EventsDigest(events.whole("count"), events.text("digest")),
        drops=Drops(drops.whole("source"), drops.whole("recorder_frames"), drops.whole("recorder_messages")),
        ended_capture_ns=fields.whole_or_none("ended_capture_ns"),
        summary=_summary(fields.part_or_none("summary")),
        recovery=None if recovery is None else Recovery(recovery.text_list("lost"), recovery.whole("messages")),
    )


def _segment(fields: Fields) -> Segment:
    name = fields.text("name")
    if "/" in name or name.startswith("."):
        raise SessionError(f"{fields.where}.name is {name!r}, must be a plain file name inside the session")
    return Segment(
        name=name,
        kind=fields.choice("kind", KINDS),
        bytes=fields.whole("bytes"),
        sha256=fields.text("sha256"),
        first_ns=fields.whole_or_none("first_ns"),
        last_ns=fields.whole_or_none("last_ns"),
        messages=fields.whole("messages"),
    )


def _summary(fields: Fields | None) -> Summary | None:
    if fields is None:
        return None
    return Summary(
        duration_s=fields.number("duration_s"),
        frames=fields.whole("frames"),
        phase_reached=fields.text_or_none("phase_reached"),
        deposit_before=_size(fields.part_or_none("deposit_before")),
        deposit_after=_size(fields.part_or_none("deposit_after")),
        prompts=fields.counts("prompts"),
        patient_events=fields.whole("patient_events"),
    )


def _size(fields: Fields | None) -> DepositSize | None:
    if fields is None:
        return None
    return DepositSize(
        fields.number_or_none("longest_mm"), fields.number_or_none("perpendicular_mm"), fields.number_or_none("area_mm2")
    )
