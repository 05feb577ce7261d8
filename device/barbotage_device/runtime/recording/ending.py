"""Ending a recording: closing its session, saying what became of it, and making what is made from it: key frames, small video."""

from pathlib import Path

from barbotage_device.console import Console
from barbotage_device.errors import BarbotageError
from barbotage_device.runtime.progress import Progress
from barbotage_device.runtime.recording.keyframes import make_keyframes
from barbotage_device.runtime.recording.recording import SessionRecording
from barbotage_device.session.manifest import Manifest

BYTES_PER_MB = 1e6


def close_recording(recording: SessionRecording, console: Console) -> Manifest | None:
    """The closed session's manifest; None, said in one line, when the disk does not answer. Never raises for the recording."""
    try:
        return recording.close()
    except BarbotageError as error:
        console.error(str(error))
        return None


def tell_session(manifest: Manifest, path: Path, as_json: bool, console: Console) -> None:
    """Says where the session is, how large, and what it lacks."""
    size_bytes = sum(segment.bytes for segment in manifest.segments)
    frames, drops = manifest.summary.frames if manifest.summary else 0, manifest.drops
    if as_json:
        console.result_json(
            {
                "event": "session",
                "path": str(path),
                "state": manifest.state,
                "frames": frames,
                "bytes": size_bytes,
                "events": manifest.events.count,
                "frames_not_recorded": drops.recorder_frames,
                "messages_not_recorded": drops.recorder_messages,
            }
        )
    else:
        console.note(f"session {path}: {frames} frames, {manifest.events.count} events, {size_bytes / BYTES_PER_MB:.1f} MB")
    if drops.recorder_frames or drops.recorder_messages:
        console.warning(
            f"not recorded: {drops.recorder_frames} frames and {drops.recorder_messages} messages; the disk is too slow"
        )
    if manifest.state == "recording":
        console.error(f"{path} is not closed; run 'barbotage-device sessions recover {path}'")


def make_copies_afterwards(path: Path, console: Console) -> None:
    """Makes the key frames and the small video of a session that has just ended; a failure or Ctrl-C costs only these, and is said."""
    # Only here: PyAV costs 30 MB that the bedside does without.
    from barbotage_device.runtime.recording.proxy import make_proxy

    later = f"make it later with 'barbotage-device sessions proxy {path}'"
    try:
        keyframes = make_keyframes(path)
        if keyframes is not None:
            console.note(f"key frames of the session: {keyframes.messages}, {keyframes.bytes / BYTES_PER_MB:.1f} MB")
        proxy = make_proxy(path, Progress("small video of the session (Ctrl-C leaves it out)", console.note))
    except BarbotageError as error:
        console.warning(f"the session has no small video: {error}; {later}")
    except KeyboardInterrupt:
        console.note(f"the small video of the session was interrupted; {later}")
    else:
        if proxy is not None:
            console.note(f"small video of the session: {proxy.bytes / BYTES_PER_MB:.1f} MB")
