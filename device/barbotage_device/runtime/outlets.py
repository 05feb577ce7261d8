"""Where a run speaks: to the console, into the session, to a listening PC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.recording.recording import SessionRecording
from barbotage_device.runtime.telemetry import Teller


@dataclass(frozen=True, slots=True)
class Outlets:
    """``report`` takes a level (info, warning or error) and a line for people. Without a ``recording`` or a ``teller`` the rest goes on."""

    report: Callable[[str, str], None]
    recording: SessionRecording | None = None
    teller: Teller | None = None

    def leave_to_procedure(self) -> None:
        """From now on a procedure tells of targets and prompts: they are not told a second time from what changes in the loop."""
        if self.recording is not None:
            self.recording.leave_to_procedure()
        if self.teller is not None:
            self.teller.leave_to_procedure()

    def take_back_from_procedure(self) -> None:
        """The procedure has failed: targets and prompts are told again from what changes in the loop."""
        if self.recording is not None:
            self.recording.leave_to_procedure(False)
        if self.teller is not None:
            self.teller.leave_to_procedure(False)

    def say(self, level: str, text: str) -> None:
        """A line of the log, everywhere."""
        self.report(level, text)
        if self.recording is not None:
            self.recording.say(level, text)
        if self.teller is not None:
            self.teller.say(level, text)

    def happened(self, happening: Happening, at_ns: int | None = None) -> None:
        """An event, into the session and to the PC. ``at_ns`` on the monotonic clock, now without it."""
        if self.recording is not None:
            # Which hands it on to the PC.
            self.recording.event(happening, None if at_ns is None else self.recording.time_of(at_ns))
        elif self.teller is not None:
            self.teller.happened(happening.kind, happening.value)

    def sample(self, values: Mapping[str, Any], at_ns: int) -> None:
        """A sample of the probe pod, into the session. ``at_ns`` on the monotonic clock."""
        if self.recording is not None:
            self.recording.pod(values, self.recording.time_of(at_ns))
