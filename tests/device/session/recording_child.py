"""A process that records until it is killed or the disk is full: python -m tests.device.session.recording_child ROOT FRAMES [FILE_LIMIT]."""

import resource
import sys
import time
from pathlib import Path

from tests.device.session.recordings import encode, frame, guidance, header

from barbotage_device.session.recorder import Recorder, RecorderSettings

STEP_S = 1 / 120
"""Four times faster than life, so that a second of the session is over soon; the recorder's own times stay as they are."""


def main() -> None:
    """Records, saying on stdout after each frame which it was, and at the end how it ended."""
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    recorder = Recorder(
        Path(sys.argv[1]),
        header(),
        encode,
        RecorderSettings(segment_ns=3_000_000_000, flush_ns=125_000_000, reserve_bytes=10_000),
    )
    for index in range(int(sys.argv[2])):
        recorder.frame(frame(index))
        recorder.message("/guidance", frame(index).capture_ns, lambda index=index: guidance(index))  # type: ignore[misc]
        recorder.event("bookmark", frame(index).capture_ns, "pedal", {"number": index})
        print(index, flush=True)  # noqa: T201
        time.sleep(STEP_S)
    manifest = recorder.close()
    print(manifest.state, recorder.stopped, sep="|", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
