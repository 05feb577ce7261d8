"""What one bedside picture is made from, and which of its states it is in."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from barbotage_device.bedside.calipers import Calipers
from barbotage_device.bedside.procedure_signs import ProcedureSigns, Said
from barbotage_device.bedside.setup import Setup
from barbotage_device.bedside.texts import Language
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.aim import Aim, Certainty
from barbotage_device.guidance.prompt import Prompts
from barbotage_device.perception.tracks import Tracks, TrackState
from barbotage_models.contract.canonical import CanonicalView
from barbotage_models.contract.geometry import GreyImage, Scale

SLOW_AFTER_NS = 100_000_000
"""Guidance older than this is marked slow (design, section 5: at 10 mm/s the tip has moved 1 mm)."""
HIDDEN_AFTER_NS = 200_000_000
"""Guidance older than this is hidden (design, section 5: at 10 mm/s the tip has moved 2 mm)."""
MIN_WIDTH_PX = 640
MIN_HEIGHT_PX = 400


@dataclass(frozen=True, slots=True)
class ScreenSize:
    """Size of the whole bedside picture. Raises InvalidInputError below 640x400: the words would not be readable."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < MIN_WIDTH_PX or self.height_px < MIN_HEIGHT_PX:
            raise InvalidInputError(
                f"a bedside picture of {self.width_px}x{self.height_px} pixels is too small; "
                f"use at least {MIN_WIDTH_PX}x{MIN_HEIGHT_PX}"
            )


@dataclass(frozen=True, slots=True)
class PairingNotice:
    """The code that a PC must be given to be paired, who asks for which role (viewer, operator, service), and how long it is valid."""

    code: str
    name: str
    role: str
    seconds_left: int


@dataclass(frozen=True, slots=True)
class LinkSigns:
    """What the screen says about the link to a PC. ``unsecured``: the laboratory setting, said as long as it lasts."""

    unsecured: bool = False
    pairing: PairingNotice | None = None


@dataclass(frozen=True, slots=True)
class PodSigns:
    """What is said about the probe pod. ``reason`` says why it is not connected; ``cycles`` are the lavage cycles of this run."""

    connected: bool
    reason: str | None = None
    cycles: int = 0


@dataclass(frozen=True, slots=True)
class BedsideView:
    """Everything that one bedside picture shows.

    ``pixels`` is the region, uint8 (h, w), to which ``canonical_view`` belongs. ``frame_age_ns`` is now minus the capture of that frame.
    ``heartbeat`` counts frames and drives the moving liveness mark. ``phase_text_key`` names a phase of the procedure ("advance",
    "lavage"). ``source_lost`` is the one line that says why no picture comes any more, ``model_error`` the one that says why the network fails. ``frozen`` says that the operator froze the picture.
    """

    pixels: GreyImage
    canonical_view: CanonicalView
    tracks: Tracks
    aim: Aim
    prompts: Prompts
    scale: Scale | None
    language: Language
    overlay_on: bool = True
    frame_age_ns: int = 0
    latency_ms: float | None = None
    drops: int = 0
    heartbeat: int = 0
    phase_text_key: str | None = None
    source_text: str = ""
    source_lost: str | None = None
    model_error: str | None = None
    frozen: bool = False
    recording_stopped: bool = False
    """The session was being recorded and is not any more: the strip says so, below prompts only."""
    link: LinkSigns = field(default_factory=LinkSigns)
    pod: PodSigns | None = None
    """None: the program runs without a probe pod."""
    procedure: ProcedureSigns | None = None
    """None: the program only watches."""
    setup: Setup | None = None
    """A set-up of the source, over everything else. ``pixels`` is then the picture on which it is made."""
    board: tuple[Said, ...] = ()
    """What is wrong with the computer itself: hot, weak supply, disk, frames lost; a small sign beside the notice."""
    calipers: Calipers | None = None
    """On a frozen picture; their points are pixels of ``pixels``."""

    @property
    def measurable(self) -> bool:
        """Whether lengths may be shown in mm: a scale is known and the geometry was made with one."""
        return self.scale is not None and self.canonical_view.measurable


class DisplayState(StrEnum):
    """The one state that the screen announces, most serious first."""

    SOURCE_LOST = "source-lost"
    MODEL_ERROR = "model-error"
    FROZEN = "frozen"
    STALE = "stale"
    OVERLAY_OFF = "overlay-off"
    LOST = "lost"
    SEARCHING = "searching"
    SHAFT_ONLY = "shaft-only"
    CONFIRMED = "confirmed"


WITHOUT_PICTURE = (DisplayState.SOURCE_LOST, DisplayState.MODEL_ERROR)
"""In these the last picture would pass for a live one with guidance; words stand in its place."""


def guidance_age_ns(view: BedsideView) -> int:
    """Age of what is known of the needle: age of the frame plus the time since a frame confirmed the needle."""
    return view.frame_age_ns + view.aim.age_ns


def is_slow(view: BedsideView) -> bool:
    """Whether the guidance on the screen is older than 100 ms and not hidden yet."""
    state = display_state(view)
    if state in (DisplayState.CONFIRMED, DisplayState.SHAFT_ONLY):
        return guidance_age_ns(view) > SLOW_AFTER_NS
    return state in (DisplayState.SEARCHING, DisplayState.LOST) and view.frame_age_ns > SLOW_AFTER_NS


def display_state(view: BedsideView) -> DisplayState:
    """The state to announce; whatever is in doubt shows less, never more."""
    needle = view.tracks.needle
    if view.source_lost is not None:
        return DisplayState.SOURCE_LOST
    if view.model_error is not None:
        return DisplayState.MODEL_ERROR
    if view.frozen:
        return DisplayState.FROZEN
    if view.frame_age_ns > HIDDEN_AFTER_NS or needle.state is TrackState.STALE:
        return DisplayState.STALE
    if not view.overlay_on:
        return DisplayState.OVERLAY_OFF
    if needle.state is TrackState.LOST:
        return DisplayState.LOST
    if needle.state is TrackState.SEARCHING or view.aim.certainty is Certainty.UNKNOWN or view.aim.entry is None:
        return DisplayState.SEARCHING
    if guidance_age_ns(view) > HIDDEN_AFTER_NS:
        return DisplayState.LOST
    if view.aim.certainty is Certainty.SHAFT_ONLY or view.aim.tip is None:
        return DisplayState.SHAFT_ONLY
    return DisplayState.CONFIRMED


def known(value: float | None) -> float | None:
    """The value, or None when it is absent or not a finite number (then nothing is shown for it)."""
    return value if value is not None and math.isfinite(value) else None
