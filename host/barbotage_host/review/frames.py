"""Which recorded frame a record belongs to, and the times of frames."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from barbotage_device.session.reader import SessionReader

NS_PER_S = 1e9


class FrameIndex:
    """Finds recorded frames (counted from 0 in the file) by sequence and by time. Dropped frames leave gaps in both."""

    def __init__(self, sequences: npt.NDArray[np.int64], capture_ns: npt.NDArray[np.int64], started_ns: int) -> None:
        self._order = np.argsort(sequences, kind="stable")
        self._sorted = sequences[self._order]
        self.sequences = sequences
        self.capture_ns = capture_ns
        self.started_ns = started_ns

    @classmethod
    def of(cls, reader: SessionReader) -> "FrameIndex":
        """The index of a session's frames."""
        return cls(reader.sequences, reader.capture_ns, reader.manifest.header.started_capture_ns)

    def __len__(self) -> int:
        return len(self.capture_ns)

    def by_sequence(self, sequence: int) -> int | None:
        """The frame with that sequence, None when it was not recorded."""
        at = int(np.searchsorted(self._sorted, sequence))
        if at == len(self._sorted) or self._sorted[at] != sequence:
            return None
        return int(self._order[at])

    def of_record(self, record: Mapping[str, Any]) -> int | None:
        """The frame that a record belongs to; None when it was not recorded or the record does not say."""
        sequence = record.get("sequence")
        return self.by_sequence(sequence) if isinstance(sequence, int) else None

    def from_sequence(self, sequence: int) -> int:
        """The first recorded frame with that sequence or a later one; the last frame when there is none."""
        at = int(np.searchsorted(self._sorted, sequence))
        return int(self._order[min(at, len(self._order) - 1)]) if len(self._order) else 0

    def at_time(self, at_ns: int) -> int:
        """The newest frame at a capture time; the first one for times before it, 0 without frames."""
        return max(0, int(np.searchsorted(self.capture_ns, at_ns, side="right")) - 1)

    def seconds(self, at_ns: int) -> float:
        """A capture time as seconds since the session's start."""
        return (at_ns - self.started_ns) / NS_PER_S

    def axis_s(self) -> npt.NDArray[np.float64]:
        """Seconds since the start of every frame, float64 (n,)."""
        seconds: npt.NDArray[np.float64] = (self.capture_ns - self.started_ns) / NS_PER_S
        return seconds

    def rate_hz(self) -> float | None:
        """The usual rate (from the median distance of frames), None below two frames."""
        if len(self) < 2:
            return None
        usual_ns = float(np.median(np.diff(self.capture_ns)))
        return NS_PER_S / usual_ns if usual_ns > 0 else None
