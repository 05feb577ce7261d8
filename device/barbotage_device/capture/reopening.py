"""Live cameras that may be unplugged: frames until the camera is lost, an event, and reopening with growing pauses."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.region import ColourOrder, to_grey
from barbotage_device.capture.settings import NS_PER_S, CaptureSettings, Stamp, frame_of
from barbotage_device.errors import NotFoundError, SourceError, SourceLostError


class Camera(Protocol):
    """A device that hands out pictures as they come."""

    @property
    def missed(self) -> int:
        """Pictures that were taken just before the last one read and did not arrive."""
        ...

    def read(self) -> npt.NDArray[np.uint8] | npt.NDArray[Any] | None:
        """The next picture, uint8 (h, w) or (h, w, 3) in BGR order; None when the device is gone."""
        ...

    def close(self) -> None:
        """Releases the device; may be called more than once."""
        ...


class SourceChange(StrEnum):
    """What happened to a live source."""

    LOST = "lost"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """A change of a live source, at ``at_ns`` of the monotonic clock."""

    change: SourceChange
    at_ns: int
    message: str


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts to reopen: ``first_s``, doubled each time up to ``longest_s``; after ``give_up_s`` in all, no more.

    A USB device that is plugged in again needs some 0.5 s until it is there (measured with the kernel's dummy controller), hence the start.
    """

    first_s: float = 0.25
    longest_s: float = 4.0
    give_up_s: float | None = None


class ReopeningSource:
    """A live source that survives the loss of its camera.

    ``open_camera`` is called for each attempt. An error at the first attempt reaches the caller; afterwards NotFoundError, SourceError and
    SourceLostError only mean "not yet". ``on_event`` is called on the reading thread.
    """

    delivery = Delivery.NEWEST_ONLY

    def __init__(
        self,
        name: str,
        open_camera: Callable[[], Camera],
        settings: CaptureSettings,
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        on_event: Callable[[SourceEvent], None] | None = None,
    ) -> None:
        self._name = name
        self._open_camera = open_camera
        self._settings = settings
        self._clock = clock or Clock()
        self._backoff = backoff or Backoff()
        self._on_event = on_event or _ignore
        self._stop = threading.Event()
        self._camera: Camera | None = None

    @property
    def name(self) -> str:
        """The SRC text."""
        return self._name

    def frames(self) -> Iterator[Frame]:
        """Frames until closed; numbers run on over a loss, and leave out those of pictures that did not arrive.

        Raises NotFoundError or SourceError when the camera cannot be opened at first or its picture does not suit
        the settings; SourceLostError when it does not come back within ``give_up_s``.
        """
        self._camera = self._open_camera()
        sequence = 0
        try:
            while not self._stop.is_set():
                picture = self._camera.read()
                at_ns = self._clock.now_ns()
                if picture is None:
                    if not self._stop.is_set() and not self._reopened(at_ns):
                        return
                    continue
                # A gap in the numbers is what counts as dropped, and what a session shows as missing.
                sequence += self._camera.missed
                yield self._frame(picture, Stamp(at_ns, sequence, self._name))
                sequence += 1
        finally:
            self._release()

    def close(self) -> None:
        """Asks the reading loop to end; the camera is released by the thread that reads it, at its next picture."""
        self._stop.set()

    def _frame(self, picture: npt.NDArray[Any], stamp: Stamp) -> Frame:
        grey = to_grey(picture, ColourOrder.BGR)
        asked = (self._settings.height_px, self._settings.width_px)
        measured = self._settings.region is not None or self._settings.scale is not None
        if measured and grey.shape != asked:
            # A scale in mm per pixel and a region hold for one picture size only: applying them to another would give wrong lengths.
            raise SourceError(
                f"{self._name}: delivers {grey.shape[1]}x{grey.shape[0]} pixels, but region and scale are set for {asked[1]}x{asked[0]}; "
                "set the size that the device delivers and measure region and scale again"
            )
        return frame_of(grey, self._settings.region, self._settings.scale, stamp)

    def _reopened(self, lost_ns: int) -> bool:
        """Waits for the camera; False when closed meanwhile."""
        self._release()
        self._on_event(
            SourceEvent(SourceChange.LOST, lost_ns, f"{self._name}: no picture any more; check the cable. Trying again")
        )
        pause_s = self._backoff.first_s
        while not self._stop.is_set():
            self._wait(pause_s)
            pause_s = min(pause_s * 2, self._backoff.longest_s)
            if self._stop.is_set():
                return False
            away_s = (self._clock.now_ns() - lost_ns) / NS_PER_S
            try:
                self._camera = self._open_camera()
            except (NotFoundError, SourceError, SourceLostError) as error:
                if self._backoff.give_up_s is not None and away_s >= self._backoff.give_up_s:
                    raise SourceLostError(f"{self._name}: lost and not back after {away_s:.0f} s ({error})") from error
                continue
            self._on_event(SourceEvent(SourceChange.RESTORED, self._clock.now_ns(), f"{self._name}: back after {away_s:.1f} s"))
            return True
        return False

    def _wait(self, pause_s: float) -> None:
        if self._clock.sleep is None:
            self._stop.wait(pause_s)
        else:
            self._clock.sleep(pause_s)

    def _release(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()


def _ignore(event: SourceEvent) -> None:
    """Nobody listens."""
