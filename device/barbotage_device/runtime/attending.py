"""What a run owes the computer that it runs on: signs of life for the service manager, the time to the first picture, the state of the board."""

from collections.abc import Callable

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.runtime.board_watch import LOOK_EVERY_NS, BoardState, BoardWatch, Counts, Trouble
from barbotage_device.runtime.health import Health
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.service_manager import ServiceManager
from barbotage_device.runtime.status import Condition

BOARD, FIRST_PICTURE = "board", "first-picture"
"""Kinds of events: what is wrong with the board has changed; the first live picture was shown."""
NS_PER_S = 1_000_000_000
WORDS = {
    Trouble.SUPPLY: "the supply's voltage is low",
    Trouble.HOT: "the processor is hot",
    Trouble.SLOWED: "the clock is held down",
    Trouble.DISK: "the disk is nearly full",
    Trouble.DROPS: "frames are lost",
}
"""For the log; the screen has its own, in its language."""


class Attendant:
    """Looks after a run. Called by the loop after each turn; waits for nothing."""

    def __init__(
        self,
        manager: ServiceManager,
        outlets: Outlets,
        health: Callable[[], Health],
        process_age_ns: Callable[[], int | None],
    ) -> None:
        """``health`` reads the board, ``process_age_ns`` says how long ago the process was started (None: not known)."""
        self._manager, self._outlets = manager, outlets
        self._health, self._process_age_ns = health, process_age_ns
        self._watch = BoardWatch()
        self._state: BoardState | None = None
        self._looked_ns: int | None = None
        self._pictured = False

    @property
    def said(self) -> tuple[Said, ...]:
        """What is wrong with the board, for the screen."""
        return () if self._state is None else self._state.said

    def turn(self, condition: Condition, now_ns: int, *, on_screen: bool) -> None:
        """After each turn of the loop, once what it found is shown. ``on_screen``: in a window, not only counted."""
        self._manager.alive(now_ns)
        if not self._pictured and condition.frames > 0 and condition.model_error is None:
            self._pictured = True
            self._tell_first(on_screen)
        if self._looked_ns is None or now_ns - self._looked_ns >= LOOK_EVERY_NS:
            self._looked_ns = now_ns
            self._look(condition)

    def ending(self) -> None:
        """The loop has ended; the rest of the run has its time."""
        self._manager.ending()

    def _tell_first(self, on_screen: bool) -> None:
        age_ns = self._process_age_ns()
        after_s = None if age_ns is None else round(age_ns / NS_PER_S, 2)
        self._outlets.happened(Happening(FIRST_PICTURE, {"after_s": after_s, "on_screen": on_screen}))
        if after_s is not None:
            line = f"first {'picture' if on_screen else 'frame'} {after_s:.2f} s after the start of the process"
            self._outlets.say("info", line)
            self._manager.tell(line)

    def _look(self, condition: Condition) -> None:
        recording = self._outlets.recording
        lost = 0 if recording is None else recording.recorder_drops
        before = () if self._state is None else self._state.troubles
        self._state = state = self._watch.update(self._health(), Counts(condition.frames, condition.drops, lost))
        if state.troubles == before:
            return
        self._outlets.happened(Happening(BOARD, _record(state)))
        if state.troubles:
            self._outlets.say("warning", f"board: {'; '.join(WORDS[trouble] for trouble in state.troubles)}")
        else:
            self._outlets.say("info", "board: all is well again")


def _record(state: BoardState) -> dict[str, object]:
    health = state.health
    return {
        "troubles": [str(trouble) for trouble in state.troubles],
        "temperature_c": health.cpu_celsius,
        "throttled": health.throttled,
        "weak_supply": health.weak_supply,
        "disk_free_mb": None if health.disk_free_mb is None else round(health.disk_free_mb),
    }
