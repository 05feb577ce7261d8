"""SRC: what a person types to name a source, and the source that it stands for."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from barbotage_device.capture.clock import Clock
from barbotage_device.capture.frame import Delivery, Source
from barbotage_device.capture.live import LiveSource, PacedSource
from barbotage_device.capture.reopening import SourceEvent
from barbotage_device.capture.settings import CaptureSettings, notes_of
from barbotage_device.capture.v4l2 import open_v4l2
from barbotage_device.errors import NotFoundError, RefusedError, UsageError

__all__ = ["CaptureSettings", "SourceKind", "SourceSpec", "notes_of", "open_source", "parse_src"]

GRAMMAR = "sim[:SCENARIO], file:PATH, dicom:PATH, session:PATH or v4l2:DEVICE"


class SourceKind(StrEnum):
    """The words before the colon."""

    SIM = "sim"
    FILE = "file"
    DICOM = "dicom"
    V4L2 = "v4l2"
    IGTL = "igtl"
    SESSION = "session"


_NOT_BUILT = frozenset({SourceKind.IGTL})


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A parsed SRC: its kind and what follows the colon (empty for the default scenario)."""

    kind: SourceKind
    target: str

    def __str__(self) -> str:
        """The SRC text."""
        return f"{self.kind.value}:{self.target}" if self.target else self.kind.value


def parse_src(text: str) -> SourceSpec:
    """The source named by a SRC text; an existing path alone means ``file:PATH``.

    Raises UsageError for an unknown word or a missing target; NotFoundError for a path alone that does not exist.
    """
    word, colon, target = text.strip().partition(":")
    if word in set(SourceKind):
        kind = SourceKind(word)
        if not target and (colon or kind is not SourceKind.SIM):
            raise UsageError(f"source {text!r} names nothing after the colon; write {GRAMMAR}")
        return SourceSpec(kind, target)
    if not text.strip():
        raise UsageError(f"no source given; write {GRAMMAR}")
    if Path(text).exists():
        return SourceSpec(SourceKind.FILE, text)
    if "/" in word or (not colon and Path(text).suffix):
        raise NotFoundError(f"no file or folder at {text}; check the path")
    close = difflib.get_close_matches(word, list(SourceKind), n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    raise UsageError(f"unknown source {text!r}; {hint}write {GRAMMAR}")


def open_source(
    spec: SourceSpec,
    settings: CaptureSettings | None = None,
    *,
    clock: Clock | None = None,
    on_event: Callable[[SourceEvent], None] | None = None,
) -> Source:
    """The source of a spec: live ones behind a capture thread, recorded ones as they are, or paced when ``settings.live``.

    ``on_event`` hears of a live device that is lost or back, on the capture thread. Raises RefusedError for a kind that this version
    does not have; NotFoundError, SourceError, SessionError as each source does.
    """
    settings = settings or CaptureSettings()
    if spec.kind in _NOT_BUILT:
        raise RefusedError(f"source '{spec.kind.value}:' is not in this version; use {GRAMMAR}")
    if spec.kind is SourceKind.V4L2:
        return LiveSource(open_v4l2(spec.target, settings, clock=clock, on_event=on_event))
    if spec.kind is SourceKind.SIM:
        return _open_simulated(spec.target, clock or Clock() if settings.live else None)
    recorded = _open_recorded(spec, settings)
    if settings.live and recorded.delivery is Delivery.EVERY_FRAME:
        return LiveSource(PacedSource(recorded, clock))
    return recorded


# Imported inside: the decoders take 70 MB together and the simulator brings scipy; a bedside that reads a frame grabber does without.


def _open_simulated(scenario: str, clock: Clock | None) -> Source:
    from barbotage_device.capture.simulated import open_simulated

    source = open_simulated(scenario, clock=clock)
    return source if clock is None else LiveSource(source)


def _open_recorded(spec: SourceSpec, settings: CaptureSettings) -> Source:
    if spec.kind is SourceKind.SESSION:
        from barbotage_device.capture.session_source import SessionSource

        return SessionSource(Path(spec.target), settings)
    from barbotage_device.capture.files import open_dicom, open_file

    return (open_file if spec.kind is SourceKind.FILE else open_dicom)(Path(spec.target), settings)
