"""What the caller chooses about a source, and the step from a whole picture to a Frame."""

from dataclasses import dataclass

from barbotage_device.capture.frame import Frame, Source
from barbotage_device.capture.region import Region
from barbotage_device.errors import SourceError
from barbotage_models.contract.canonical import MIN_REGION_PX
from barbotage_models.contract.geometry import GreyImage, Scale

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Choices that hold for one source.

    ``region`` and ``scale`` override what the source itself knows (a DICOM calibration). ``width_px``, ``height_px`` are
    asked of a frame grabber. ``fps_hz`` is asked of a frame grabber, and spaces pictures that carry no time of their own (a folder
    of images). ``live`` plays a recorded source at its own speed, newest frame wins.
    """

    region: Region | None = None
    scale: Scale | None = None
    width_px: int = 1280
    height_px: int = 720
    fps_hz: float = 25.0
    live: bool = False

    @property
    def period_ns(self) -> int:
        """Time between two frames at ``fps_hz``."""
        return round(NS_PER_S / self.fps_hz)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When, as which and from where a picture came."""

    capture_ns: int
    sequence: int
    source: str


def frame_of(picture: GreyImage, region: Region | None, scale: Scale | None, stamp: Stamp) -> Frame:
    """The Frame of a whole picture, uint8 (h, w), cropped to its region.

    Raises SourceError when the picture is under 32 pixels; InvalidInputError when the region does not lie inside it.
    """
    height_px, width_px = picture.shape
    if min(width_px, height_px) < MIN_REGION_PX:
        raise SourceError(
            f"{stamp.source}: a picture of {width_px}x{height_px} pixels is too small; both sides must have at least {MIN_REGION_PX}"
        )
    if region is None:
        return Frame(picture, stamp.capture_ns, stamp.sequence, scale, stamp.source)
    return Frame(region.crop(picture), stamp.capture_ns, stamp.sequence, scale, stamp.source, region.x_px, region.y_px)


def notes_of(source: Source) -> tuple[str, ...]:
    """What a person should know about a source that is no error (no calibration, files left out); empty when it has nothing to say.

    Complete only after the first frame was read.
    """
    return tuple(getattr(source, "notes", ()))


def one_line(error: BaseException) -> str:
    """The first line of an error's text, or its kind when it has none; for one-line messages."""
    text = str(error).strip().splitlines()
    return text[0].strip().rstrip(".") if text else type(error).__name__
