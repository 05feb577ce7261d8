"""The recorder: takes frames, messages and events from the live loop without ever holding it up, and writes them in its own thread."""

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from barbotage_device.errors import InvalidInputError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import SessionLock, sync_directory
from barbotage_device.session.manifest import Drops, Header, Manifest, write_manifest
from barbotage_device.session.topics import LOG, TELEMETRY_TOPICS
from barbotage_device.session.writing import Encoder, RecordedFrame, SessionWriter

__all__ = ["Encoder", "RecordedFrame", "Recorder", "RecorderSettings"]

NS_PER_S = 1_000_000_000
Make = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """How a recorder trades memory, loss and load.

    ``flush_ns``: how old messages may grow before they are on the disk, so that a cut loses at most twice this, one second.
    ``keep_free_bytes``: recording stops while this much is still free, so that segments and manifest can be closed.
    ``close_s``: how long ``close`` waits for what is queued; then what is left is dropped and counted.
    """

    frame_queue: int = 60
    message_queue: int = 2_000
    segment_ns: int = 60 * NS_PER_S
    flush_ns: int = NS_PER_S // 2
    keep_free_bytes: int = 32 * 1024 * 1024
    close_s: float = 10.0


@dataclass(slots=True)
class _Lanes:
    """What waits to be written."""

    events: deque[tuple[str, int, str, dict[str, Any]]] = field(default_factory=deque)
    messages: deque[tuple[str, int, Make]] = field(default_factory=deque)
    frames: deque[RecordedFrame] = field(default_factory=deque)

    def __bool__(self) -> bool:
        return bool(self.events or self.messages or self.frames)


MESSAGES_PER_TURN = 64
"""Messages written between two looks at the events and frames: some 10 ms of work."""


class Recorder:
    """Records one session into ``root/<id>``. Its methods return at once and never raise for what the disk or an encoder does."""

    def __init__(
        self,
        root: Path,
        header: Header,
        encoder: Encoder,
        settings: RecorderSettings | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Creates the session and starts the thread. ``clock``: monotonic ns. Raises SessionError when nothing can be written there."""
        self.path = root / header.id
        self._settings = settings or RecorderSettings()
        self._clock = clock
        self._ready = Condition()
        self._lanes = _Lanes()
        self._drops = Drops()
        self._stopped: str | None = None
        self._closing = False
        self._abandoned = False
        self._manifest: Manifest | None = None
        self._told: set[str] = set()
        try:
            self.path.mkdir(parents=True)
            sync_directory(root)
            self._lock = SessionLock(self.path)
            self._writer = SessionWriter(self.path, header, encoder, self._settings.segment_ns)
        except OSError as error:
            raise SessionError(f"{self.path}: cannot record there ({error}); choose another folder or make room") from error
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> str | None:
        """Why it stopped by itself (disk full, I/O error), in words; None while it records."""
        return self._stopped

    @property
    def drops(self) -> Drops:
        """What it dropped so far; ``source`` is not known to it."""
        with self._ready:
            return self._drops

    @property
    def queued(self) -> int:
        """How many frames wait."""
        return len(self._lanes.frames)

    def frame(self, frame: RecordedFrame) -> bool:
        """Queues a frame, whose pixels must not be written to any more; False when it was dropped, which is counted."""
        with self._ready:
            if self._refuses or len(self._lanes.frames) >= self._settings.frame_queue:
                self._drops = replace(self._drops, recorder_frames=self._drops.recorder_frames + 1)
                return False
            self._lanes.frames.append(frame)
            self._ready.notify()
            return True

    def message(self, topic: str, capture_ns: int, make: Make) -> bool:
        """Queues a telemetry message; ``make`` is called in the recorder's thread. False when it was dropped, which is counted.

        Raises InvalidInputError for a topic that sessions do not have.
        """
        if topic not in TELEMETRY_TOPICS:
            raise InvalidInputError(f"a session has no topic {topic!r}; it has {', '.join(TELEMETRY_TOPICS)}")
        with self._ready:
            if self._refuses or len(self._lanes.messages) >= self._settings.message_queue:
                self._drop_message()
                return False
            self._lanes.messages.append((topic, capture_ns, make))
            self._ready.notify()
            return True

    def event(self, kind: str, at_ns: int, by: str = "device", value: Mapping[str, Any] | None = None) -> None:
        """Queues an event, written before all else and never dropped while the recorder records."""
        with self._ready:
            if not self._refuses:
                self._lanes.events.append((kind, at_ns, by, dict(value or {})))
                self._ready.notify()

    def close(self, source_drops: int = 0) -> Manifest:
        """Writes what is queued, closes the session and returns its manifest; again, the same manifest.

        Its state is "recording" when the disk did not let it be closed: then it is to be recovered.
        """
        with self._ready:
            self._closing = True
            self._drops = replace(self._drops, source=max(self._drops.source, source_drops))
            self._ready.notify()
        self._thread.join(self._settings.close_s)
        if self._thread.is_alive():
            self._abandoned = True
            self._thread.join(self._settings.close_s)
        if self._manifest is None:
            raise SessionError(f"{self.path}: the disk does not answer, the session is not closed; recover it later")
        if self._manifest.drops != self._drops and self._manifest.state == "closed":
            self._manifest = replace(self._manifest, drops=self._drops)
            try:
                write_manifest(self.path, self._manifest)
            except OSError as error:
                self._stopped = self._stopped or str(error)
        return self._manifest

    @property
    def _refuses(self) -> bool:
        return self._closing or self._stopped is not None

    def _drop_message(self) -> None:
        self._drops = replace(self._drops, recorder_messages=self._drops.recorder_messages + 1)

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except OSError as error:
            self._stopped = f"{error.strerror or error} in {self.path}"
        except Exception as error:  # noqa: BLE001 - the live loop must go on, whatever is wrong here; ``stopped`` says it
            self._stopped = f"the recorder failed: {type(error).__name__}: {error}"
        finally:
            self._finish()

    def _write_until_closed(self) -> None:
        due_ns = self._clock() + self._settings.flush_ns
        while not self._abandoned:
            batch = self._take(due_ns)
            if batch is None:
                return
            self._write(batch)
            if self._clock() >= due_ns:
                self._writer.flush()
                due_ns = self._clock() + self._settings.flush_ns
                if os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize < self._settings.keep_free_bytes:
                    self._stopped = f"the disk is full: less than {self._settings.keep_free_bytes} bytes free in {self.path}"
                    return

    def _take(self, due_ns: int) -> _Lanes | None:
        """The next things to write, perhaps none when it is time to flush; None at the end."""
        with self._ready:
            if not self._lanes and not self._closing:
                self._ready.wait(max(0, due_ns - self._clock()) / NS_PER_S)
            if not self._lanes and self._closing:
                return None
            lanes = self._lanes
            batch = _Lanes(events=lanes.events)
            lanes.events = deque()
            for _ in range(min(MESSAGES_PER_TURN, len(lanes.messages))):
                batch.messages.append(lanes.messages.popleft())
            if lanes.frames:
                batch.frames.append(lanes.frames.popleft())
            return batch

    def _write(self, batch: _Lanes) -> None:
        for kind, at_ns, by, value in batch.events:
            self._write_event(kind, at_ns, by, value)
        for topic, capture_ns, make in batch.messages:
            try:
                self._writer.message(topic, capture_ns, make())
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - a message that cannot be made must not end the recording
                with self._ready:
                    self._drop_message()
                self._tell(topic, capture_ns, error)
        for frame in batch.frames:
            try:
                self._writer.frame(frame)
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - nor a frame that cannot be encoded
                with self._ready:
                    self._drops = replace(self._drops, recorder_frames=self._drops.recorder_frames + 1)
                self._tell("frames", frame.capture_ns, error)

    def _write_event(self, kind: str, at_ns: int, by: str, value: dict[str, Any]) -> None:
        try:
            self._writer.event(kind, at_ns, by, value)
        except (TypeError, ValueError) as error:
            self._writer.event(kind, at_ns, by, {"unrecordable": str(error)})

    def _tell(self, what: str, capture_ns: int, error: Exception) -> None:
        """Says once per kind, in the record itself, why something was dropped."""
        if what not in self._told:
            self._told.add(what)
            self._writer.message(
                LOG, capture_ns, {"level": "error", "text": f"dropped from {what}: {type(error).__name__}: {error}"}
            )

    def _finish(self) -> None:
        try:
            if self._stopped is not None:
                self._writer.event("recorder-stopped", self._writer.last_ns, "device", {"why": self._stopped})
            self._manifest = self._writer.close(self._counted())
        except OSError as error:
            self._stopped = self._stopped or f"{error.strerror or error} in {self.path}"
            self._manifest = self._writer.abandon()
        finally:
            self._lock.release()

    def _counted(self) -> Drops:
        """The drops, with what is still queued."""
        with self._ready:
            lanes, self._lanes = self._lanes, _Lanes()
            self._drops = replace(
                self._drops,
                recorder_frames=self._drops.recorder_frames + len(lanes.frames),
                recorder_messages=self._drops.recorder_messages + len(lanes.messages),
            )
            return self._drops
