"""The recorder: takes frames, messages and events from the live loop without ever holding it up, and writes them in its own thread."""

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from barbotage_device.errors import InvalidInputError
from barbotage_device.session.errors import SessionError
from barbotage_device.session.files import RESERVE_NAME, Reserve, SessionLock, sync_directory
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
    ``reserve_bytes``: taken at the start and given free when the disk is full all the same, for two chunks, the indexes and the manifest.
    ``close_s``: how long ``close`` waits for what is queued; then what is left is dropped and counted.
    """

    frame_queue: int = 60
    message_queue: int = 2_000
    segment_ns: int = 60 * NS_PER_S
    flush_ns: int = NS_PER_S // 2
    keep_free_bytes: int = 32 * 1024 * 1024
    reserve_bytes: int = 4 * 1024 * 1024
    close_s: float = 10.0


_QueuedEvent = tuple[str, int, str, dict[str, Any]]


@dataclass(slots=True)
class _Lanes:
    """What waits to be written."""

    events: deque[_QueuedEvent] = field(default_factory=deque)
    messages: deque[tuple[str, int, Make]] = field(default_factory=deque)
    frames: deque[RecordedFrame] = field(default_factory=deque)

    def __bool__(self) -> bool:
        return bool(self.events or self.messages or self.frames)


CANNOT_RECORD = "cannot record there; choose another folder or make room"
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
        self._batch = _Lanes()
        self._drops = Drops()
        self._stopped: str | None = None
        self._closing = False
        self._abandoned = False
        self._manifest: Manifest | None = None
        self._told: set[str] = set()
        self._said_stopped = False
        try:
            self.path.mkdir(parents=True)
            sync_directory(root)
            self._lock = SessionLock(self.path)
        except OSError as error:
            raise SessionError(f"{self.path}: {CANNOT_RECORD} ({error})") from error
        try:
            self._reserve = Reserve(self.path / RESERVE_NAME, self._settings.reserve_bytes)
            self._writer = SessionWriter(self.path, header, encoder, self._settings.segment_ns)
        except OSError as error:
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.release()
            raise SessionError(f"{self.path}: {CANNOT_RECORD} ({error})") from error
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
                self._drop(frames=1)
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
                self._drop(messages=1)
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

        Its state is "recording" when the disk did not let it be closed: then it is to be recovered. Raises SessionError when the disk
        does not answer within twice ``close_s``.
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

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except OSError as error:
            self._stop(error)
        except Exception as error:  # noqa: BLE001 - the live loop must go on, whatever is wrong here; ``stopped`` says it
            self._stopped = f"the recorder failed: {type(error).__name__}: {error}"
        finally:
            self._finish()

    def _stop(self, error: OSError) -> None:
        self._stopped = self._stopped or f"{error.strerror or error} in {self.path}"
        self._reserve.release()

    def _write_until_closed(self) -> None:
        due_ns = self._clock() + self._settings.flush_ns
        while not self._abandoned and self._take(due_ns):
            self._write(self._batch)
            if self._clock() >= due_ns:
                self._writer.flush()
                due_ns = self._clock() + self._settings.flush_ns
                disk = os.statvfs(self.path)
                if disk.f_bavail * disk.f_frsize < self._settings.keep_free_bytes:
                    self._stopped = f"the disk is full: less than {self._settings.keep_free_bytes} bytes free in {self.path}"
                    return

    def _take(self, due_ns: int) -> bool:
        """Takes the next things to write, perhaps none when it is time to flush; False at the end."""
        with self._ready:
            if not self._lanes and not self._closing:
                self._ready.wait(max(0, due_ns - self._clock()) / NS_PER_S)
            if not self._lanes and self._closing:
                return False
            lanes, batch = self._lanes, self._batch
            batch.events, lanes.events = lanes.events, deque()
            for _ in range(min(MESSAGES_PER_TURN, len(lanes.messages))):
                batch.messages.append(lanes.messages.popleft())
            if lanes.frames:
                batch.frames.append(lanes.frames.popleft())
            return True

    def _write(self, batch: _Lanes) -> None:
        """Writes and takes away one after the other; what the disk does not take is still there."""
        self._write_events(batch.events)
        while batch.messages:
            self._write_message(*batch.messages[0])
            batch.messages.popleft()
        while batch.frames:
            try:
                self._writer.frame(batch.frames[0])
            except SessionError as error:
                self._drop(frames=1)
                self._tell("frames", batch.frames[0].capture_ns, error)
            batch.frames.popleft()

    def _write_events(self, events: deque[_QueuedEvent]) -> None:
        while events:
            kind, at_ns, by, value = events[0]
            try:
                self._writer.event(kind, at_ns, by, value)
            except (TypeError, ValueError) as error:
                self._writer.event(kind, at_ns, by, {"unrecordable": str(error)})
            events.popleft()

    def _write_message(self, topic: str, capture_ns: int, make: Make) -> None:
        try:
            document = make()
        except Exception as error:  # noqa: BLE001 - a message that cannot be made must not end the recording
            self._drop(messages=1)
            self._tell(topic, capture_ns, error)
            return
        try:
            self._writer.message(topic, capture_ns, document)
        except (TypeError, ValueError) as error:
            self._drop(messages=1)
            self._tell(topic, capture_ns, error)

    def _tell(self, what: str, capture_ns: int, error: Exception) -> None:
        """Says once per kind, in the record itself, why something was dropped."""
        if what not in self._told:
            self._told.add(what)
            text = f"dropped from {what}: {type(error).__name__}: {error}"
            self._writer.message(LOG, capture_ns, {"level": "error", "text": text})

    def _finish(self) -> None:
        """Closes the session, if need be in the room that was held back for that; if even that fails, leaves it for recovery."""
        try:
            try:
                self._manifest = self._end()
            except OSError as error:
                self._stop(error)
                self._manifest = self._end()
        except OSError:
            self._manifest = self._writer.abandon()
        finally:
            self._reserve.release()
            self._lock.release()

    def _end(self) -> Manifest:
        with self._ready:
            waiting, self._lanes = self._lanes, _Lanes()
            self._batch.events.extend(waiting.events)
            self._drops = replace(
                self._drops,
                recorder_frames=self._drops.recorder_frames + len(waiting.frames) + len(self._batch.frames),
                recorder_messages=self._drops.recorder_messages + len(waiting.messages) + len(self._batch.messages),
            )
            self._batch.frames.clear()
            self._batch.messages.clear()
        if self._stopped is not None and not self._said_stopped:
            self._said_stopped = True
            value = {"why": self._stopped}
            self._batch.events.append(("recorder-stopped", self._writer.last_ns, "device", value))
        self._write_events(self._batch.events)
        return self._writer.close(self._drops)

    def _drop(self, frames: int = 0, messages: int = 0) -> None:
        with self._ready:
            self._drops = replace(
                self._drops,
                recorder_frames=self._drops.recorder_frames + frames,
                recorder_messages=self._drops.recorder_messages + messages,
            )
