"""UVC frame grabbers and cameras under Linux, through OpenCV's V4L2 driver."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy.typing as npt

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.reopening import ReopeningSource, SourceEvent
from barbotage_device.capture.settings import CaptureSettings
from barbotage_device.errors import NotFoundError, SourceError, SourceLostError

DEVICE_FOLDER = Path("/dev")
MS_PER_S = 1000.0
_LOG_SILENT = 0


class CapturedCamera:
    """A Camera over an opened cv2.VideoCapture."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._fps_hz = float(capture.get(cv2.CAP_PROP_FPS))
        self._stamp_ms: float | None = None
        self._missed = 0

    @property
    def missed(self) -> int:
        """Pictures that the driver dropped just before the last one, by its own time stamps: it has no free buffer, or the cable fails."""
        return self._missed

    def read(self) -> npt.NDArray[Any] | None:
        """The next picture, uint8 (h, w, 3) in BGR order (YUYV and MJPG are decoded by OpenCV); None when the device is gone."""
        arrived, picture = self._capture.read()
        if not arrived:
            return None
        stamp_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        self._missed = missed_between(self._stamp_ms, stamp_ms, self._fps_hz)
        self._stamp_ms = stamp_ms
        return picture

    def close(self) -> None:
        """Releases the device."""
        self._capture.release()


def missed_between(before_ms: float | None, now_ms: float, fps_hz: float) -> int:
    """Pictures that should have come between two time stamps; 0 where stamps or rate say nothing. Half a period is jitter."""
    if before_ms is None or fps_hz <= 0 or now_ms <= before_ms:
        return 0
    return max(0, round((now_ms - before_ms) * fps_hz / MS_PER_S) - 1)


def open_v4l2(
    device: str,
    settings: CaptureSettings,
    *,
    clock: Clock | None = None,
    on_event: Callable[[SourceEvent], None] | None = None,
    folder: Path = DEVICE_FOLDER,
) -> ReopeningSource:
    """The source of a frame grabber, "/dev/video0", "video0" or "0". NEWEST_ONLY.

    Raises NotFoundError, listing the devices that exist, when it is absent; errors of the device itself come with the first frame.
    """
    path = device_path(device, folder)
    _check_present(path, folder)
    return ReopeningSource(
        f"v4l2:{device}", lambda: _open_camera(path, settings, folder), settings, clock=clock, on_event=on_event
    )


def device_path(device: str, folder: Path = DEVICE_FOLDER) -> Path:
    """The device file of what a person typed."""
    if device.isdecimal():
        return folder / f"video{device}"
    return folder / device  # an absolute path stays as it is


def _check_present(path: Path, folder: Path) -> None:
    if path.exists():
        return
    present = ", ".join(sorted(str(found) for found in folder.glob("video*"))) or "none"
    raise NotFoundError(f"no video device {path}; devices present: {present}. Plug in the frame grabber or name another device")


def _open_camera(path: Path, settings: CaptureSettings, folder: Path) -> CapturedCamera:
    _check_present(path, folder)
    with _quiet_cv2():
        capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceError(f"{path}: cannot be opened as a video device; it may be in use by another program, or no camera")
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width_px)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height_px)
    capture.set(cv2.CAP_PROP_FPS, settings.fps_hz)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # every further buffer is a frame of delay
    if not capture.isOpened():
        raise SourceLostError(f"{path}: went away while it was being set up")
    return CapturedCamera(capture)


@contextmanager
def _quiet_cv2() -> Iterator[None]:
    """Without OpenCV's own lines on stderr: our errors say what matters."""
    # OpenCV moved these two: cv2.utils.logging since 4.12, cv2 itself before.
    control: Any = getattr(cv2.utils, "logging", cv2)
    level = control.getLogLevel()
    control.setLogLevel(_LOG_SILENT)
    try:
        yield
    finally:
        control.setLogLevel(level)
