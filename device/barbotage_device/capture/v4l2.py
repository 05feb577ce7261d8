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
_LOG_SILENT = 0


class CapturedCamera:
    """A Camera over an opened cv2.VideoCapture."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def read(self) -> npt.NDArray[Any] | None:
        """The next picture, uint8 (h, w, 3) in BGR order (YUYV and MJPG are decoded by OpenCV); None when the device is gone."""
        arrived, picture = self._capture.read()
        return picture if arrived else None

    def close(self) -> None:
        """Releases the device."""
        self._capture.release()


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
