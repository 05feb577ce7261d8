"""The device's configuration file: its sections, where it is looked for, and how it is read and written."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from barbotage_device.capture.encoding import (
    DEFAULT_JPEG_QUALITY,
    LOSSLESS,
    MAX_JPEG_QUALITY,
    MIN_JPEG_QUALITY,
    Encoding,
)
from barbotage_device.capture.opening import SourceKind, SourceSpec
from barbotage_device.capture.region import Region
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.config_schema import EXAMPLE, build, render, setting
from barbotage_device.errors import ConfigError, NotFoundError
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_device.perception.tracker_settings import TrackerSettings
from barbotage_device.procedure.guidance_side import Body
from barbotage_device.procedure.settings import ProcedureSettings
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import SCALE_MAX_MM_PER_PX, SCALE_MIN_MM_PER_PX, Scale

MAX_PICTURE_PX = 4096
"""The widest mode of a UVC frame grabber (4K)."""
MIN_BAUD, MAX_BAUD = 1200, 4_000_000
"""The slowest rate that a session could sensibly be fetched at, and the fastest of Linux's serial drivers (B4000000)."""
_SCALE_BOUNDS = (SCALE_MIN_MM_PER_PX, SCALE_MAX_MM_PER_PX)


@dataclass(frozen=True, slots=True)
class RegionConfig:
    """Which part of the grabbed picture is ultrasound."""

    x_px: int = field(metadata=setting("Left edge.", unit="px", bounds=(0, MAX_PICTURE_PX)) | {EXAMPLE: 320})
    y_px: int = field(metadata=setting("Top edge: the skin line.", unit="px", bounds=(0, MAX_PICTURE_PX)) | {EXAMPLE: 80})
    width_px: int = field(metadata=setting("Width.", unit="px", bounds=(MIN_REGION_PX, MAX_PICTURE_PX)) | {EXAMPLE: 640})
    height_px: int = field(metadata=setting("Height.", unit="px", bounds=(MIN_REGION_PX, MAX_PICTURE_PX)) | {EXAMPLE: 600})


@dataclass(frozen=True, slots=True)
class ScaleConfig:
    """Size of a pixel of the grabbed picture."""

    x_mm_per_px: float = field(metadata=setting("Across.", unit="mm per pixel", bounds=_SCALE_BOUNDS) | {EXAMPLE: 0.06})
    z_mm_per_px: float = field(metadata=setting("In depth.", unit="mm per pixel", bounds=_SCALE_BOUNDS) | {EXAMPLE: 0.06})


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """The frame grabber."""

    device: str = field(default="/dev/video0", metadata=setting("The frame grabber's device file."))
    width_px: int = field(
        default=1280, metadata=setting("Width asked of the frame grabber.", unit="px", bounds=(MIN_REGION_PX, MAX_PICTURE_PX))
    )
    height_px: int = field(
        default=720, metadata=setting("Height asked of the frame grabber.", unit="px", bounds=(MIN_REGION_PX, MAX_PICTURE_PX))
    )
    fps_hz: float = field(
        default=25.0, metadata=setting("Frames a second asked of the frame grabber.", unit="Hz", bounds=(1.0, 120.0))
    )
    region: RegionConfig | None = field(
        default=None, metadata=setting("Which part of the grabbed picture is ultrasound. Without it: the whole picture.")
    )
    scale: ScaleConfig | None = field(
        default=None,
        metadata=setting(
            "Size of a pixel: a known distance on the depth ruler in mm, divided by its pixels. Without it nothing is shown in mm."
        ),
    )


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network."""

    path: str = field(
        default="", metadata=setting("Model file (.tflite) with its card beside it; empty for the one that is shipped.")
    )
    threads: int = field(
        default=3, metadata=setting("Processor threads of the network; leave one core to screen and capture.", bounds=(1, 16))
    )


@dataclass(frozen=True, slots=True)
class ScreenConfig:
    """The bedside screen."""

    width_px: int = field(default=800, metadata=setting("Width of the screen.", unit="px", bounds=(480, 3840)))
    height_px: int = field(default=480, metadata=setting("Height of the screen.", unit="px", bounds=(320, 2160)))
    language: str = field(default="fr", metadata=setting("Language of the bedside texts.", choices=("fr", "en")))


@dataclass(frozen=True, slots=True)
class RecordingConfig:
    """The recording of sessions."""

    directory: str = field(
        default="", metadata=setting("Folder of the sessions; empty: a run is recorded only when --record names one.")
    )
    image_format: str = field(
        default="jpeg",
        metadata=setting(
            "How frames are stored; lossless takes about 1.8 times the room and 9 times the processor time.",
            choices=("jpeg", "lossless"),
        ),
    )
    jpeg_quality: int = field(
        default=DEFAULT_JPEG_QUALITY, metadata=setting("Quality of JPEG.", bounds=(MIN_JPEG_QUALITY, MAX_JPEG_QUALITY))
    )
    disk_budget_gb: float = field(
        default=32.0,
        metadata=setting(
            "Room that all sessions together may take; the oldest that are synced and not marked are removed for a new one.",
            unit="GB",
            bounds=(0.1, 100_000.0),
        ),
    )
    keep_free_gb: float = field(
        default=1.0, metadata=setting("Room on the disk that no session may take.", unit="GB", bounds=(0.1, 10_000.0))
    )
    expected_minutes: float = field(
        default=20.0,
        metadata=setting(
            "Length of a procedure for which there must be room before a recording starts.", unit="min", bounds=(0.1, 600.0)
        ),
    )

    @property
    def encoding(self) -> Encoding:
        """How frames are stored."""
        return LOSSLESS if self.image_format == "lossless" else Encoding(quality=self.jpeg_quality)


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """The link to a PC."""

    serial: str = field(
        default="",
        metadata=setting("Port that a PC is connected to, for example /dev/ttyGS0; empty: none, unless --serial names one."),
    )
    baud: int = field(
        default=0,
        metadata=setting("Rate of a UART, at least 1200; 0 for USB, which has none.", unit="Bd", bounds=(0, MAX_BAUD)),
    )
    security: str = field(
        default="required",
        metadata=setting(
            "'none' is the laboratory setting: no pairing, no encryption; screen and sessions say so. Never with patients.",
            choices=("required", "none"),
        ),
    )

    def __post_init__(self) -> None:
        if 0 < self.baud < MIN_BAUD:
            raise ConfigError(f"baud = {self.baud}: must be 0 (USB) or between {MIN_BAUD} and {MAX_BAUD} Bd")


@dataclass(frozen=True, slots=True)
class PodConfig:
    """The probe pod."""

    port: str = field(
        default="",
        metadata=setting("Port of the probe pod; 'auto' takes the one that is plugged in, empty: none, unless --pod names one."),
    )


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """How the scanner shows the probe's orientation marker. The finger test corrects ``mirrored`` for one run."""

    marker: str = field(
        default="left",
        metadata=setting(
            "Side of the scanner's own picture at which it draws the orientation marker.", choices=("left", "right")
        ),
    )
    mirrored: bool = field(
        default=False, metadata=setting("Whether the picture that arrives here is the mirror image of the scanner's.")
    )
    toward: str = field(
        default="",
        metadata=setting(
            "Where the marker on the probe points on the patient; empty: not said, then only the ends of the probe are named.",
            choices=("", *(one.value for one in Body)),
        ),
    )


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """Everything that can be set. Every value has unit, bounds and help in its field's metadata."""

    capture: CaptureConfig = field(default_factory=CaptureConfig, metadata=setting("The frame grabber."))
    model: ModelConfig = field(default_factory=ModelConfig, metadata=setting("The network."))
    screen: ScreenConfig = field(default_factory=ScreenConfig, metadata=setting("The bedside screen."))
    recording: RecordingConfig = field(default_factory=RecordingConfig, metadata=setting("The recording of sessions."))
    link: LinkConfig = field(default_factory=LinkConfig, metadata=setting("The link to a PC."))
    pod: PodConfig = field(default_factory=PodConfig, metadata=setting("The probe pod."))
    tracker: TrackerSettings = field(
        default_factory=TrackerSettings, metadata=setting("How things are followed from frame to frame.")
    )
    prompts: PrompterSettings = field(default_factory=PrompterSettings, metadata=setting("When a prompt is raised."))
    procedure: ProcedureSettings = field(
        default_factory=ProcedureSettings, metadata=setting("When the procedure proposes and prompts.")
    )
    probe: ProbeConfig = field(default_factory=ProbeConfig, metadata=setting("How the picture lies on the probe."))


def load_config(path: Path | None, environ: Mapping[str, str]) -> DeviceConfig:
    """The configuration: of ``path`` when given, else of the user's file when there is one, else the defaults.

    ``environ`` is the process environment. Raises NotFoundError when ``path`` is missing; ConfigError, naming file and key, when the content is wrong.
    """
    chosen = path or user_config(environ)
    if chosen is None:
        return DeviceConfig()
    try:
        text = chosen.read_bytes().decode("utf-8")
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise NotFoundError(f"no configuration file at {chosen}; check --config") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{chosen}: not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{chosen}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{chosen}: cannot be read ({error.strerror})") from error
    return parse_config(table, chosen)


def parse_config(table: Mapping[str, Any], file: Path) -> DeviceConfig:
    """The configuration in a parsed TOML document; ``file`` is named in errors. Raises ConfigError."""
    config = build(DeviceConfig, table, file)
    region = config.capture.region
    if region is not None and not _region(region).fits(config.capture.width_px, config.capture.height_px):
        raise ConfigError(
            f"{file}: 'capture.region': {_region(region)} does not lie inside the grabbed picture "
            f"of {config.capture.width_px}x{config.capture.height_px} pixels"
        )
    return config


def user_config(environ: Mapping[str, str]) -> Path | None:
    """``barbotage/device.toml`` under $XDG_CONFIG_HOME (by default ~/.config), or None when there is none."""
    base = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    if not base:
        return None
    file = Path(base) / "barbotage" / "device.toml"
    return file if file.is_file() else None


def default_toml() -> str:
    """A documented configuration file with every default."""
    return "# Configuration of the Barbotage device. Every value is the default; delete what you do not change.\n\n" + render(
        DeviceConfig, DeviceConfig()
    )


def capture_settings(
    config: DeviceConfig, spec: SourceSpec, *, mm_per_px: float | None = None, live: bool = False
) -> CaptureSettings:
    """The settings for a source. The configured size, region and scale belong to the frame grabber and apply to it alone.

    ``mm_per_px`` (an option of the command) overrides every scale, with square pixels. Raises InvalidInputError when it is out of bounds.
    """
    override = None if mm_per_px is None else Scale.isotropic(mm_per_px)
    if spec.kind is not SourceKind.V4L2:
        return CaptureSettings(scale=override, live=live)
    capture = config.capture
    known = None if capture.scale is None else Scale(capture.scale.x_mm_per_px, capture.scale.z_mm_per_px)
    return CaptureSettings(
        region=None if capture.region is None else _region(capture.region),
        scale=override or known,
        width_px=capture.width_px,
        height_px=capture.height_px,
        fps_hz=capture.fps_hz,
        live=live,
    )


def _region(config: RegionConfig) -> Region:
    return Region(config.x_px, config.y_px, config.width_px, config.height_px)
