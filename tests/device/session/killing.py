"""A recording process that is killed, and what must be there afterwards."""

import json
import subprocess
import sys
from pathlib import Path

from tests.device.session.recordings import at_ns, header

from barbotage_device.session.audit import verify
from barbotage_device.session.reader import SessionReader
from barbotage_device.session.recovery import recover

ROOT = Path(__file__).parents[3]
NAME = header().id
SECOND_NS = 1_000_000_000


def kill_a_recording(root: Path, after_frames: int) -> None:
    """Kills a recording process when it has said that it handed over this many frames; at most a second of the session may be missing."""
    command = [sys.executable, "-m", "tests.device.session.recording_child", str(root), "900"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = 0
        for line in child.stdout:
            last = int(line)
            if last >= after_frames:
                break
        child.kill()
    path = root / NAME
    recover(path)
    with SessionReader.open(path) as reader:
        numbers = reader.sequences.tolist()
        assert numbers == list(range(len(numbers)))
        # A process that was killed in its first second may have left nothing.
        kept_ns = int(reader.capture_ns[-1]) if numbers else at_ns(0)
        assert at_ns(last) - kept_ns <= SECOND_NS, f"killed after {last}, {len(numbers)} frames there"
        events = reader.events()
        assert at_ns(last) - (events[-1].at_ns if events else at_ns(0)) <= SECOND_NS
        assert json.dumps([event.index for event in events]) == json.dumps(list(range(len(events))))
    assert verify(path).intact
