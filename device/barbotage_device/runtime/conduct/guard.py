"""The guard around a conducted procedure: a fault of the program inside it puts the procedure off, and the run goes on without."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from barbotage_device.bedside.procedure_signs import Notice, ProcedureSigns, Said
from barbotage_device.guidance.prompt import Priority
from barbotage_device.procedure.events import By
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.conductor import Conductor
from barbotage_device.runtime.conduct.signs import prompt_key
from barbotage_device.runtime.outlets import Outlets
from barbotage_device.runtime.pipeline import Guidance
from barbotage_device.runtime.recording.edges import Happening
from barbotage_device.runtime.status import Condition

FAILED = "procedure-failed"
"""Kind of the event, and key of the text on the screen."""
LOUD_TURNS = 250
"""For so many turns the sign is one of high priority (10 s at 25 frames a second); then it may no longer hide the sound of the others."""
T = TypeVar("T")


class Guard:
    """A conductor, as loop, hands and pod reach it. ``put_off`` is called once, when it has failed: from then on the run only watches."""

    def __init__(self, conductor: Conductor, outlets: Outlets, put_off: Callable[[], None]) -> None:
        self._conductor, self._outlets, self._put_off = conductor, outlets, put_off
        self._state: str = State.CHECK_DEVICE.value
        self._guidance: Guidance | None = None
        self._turns = self._cycles = 0
        self.failure: str | None = None
        """What failed, in one line; None while all is well."""

    @property
    def ended(self) -> bool:
        """Whether a hand has ended the run; a procedure that has failed ends nothing."""
        return self.failure is None and self._conductor.ended

    @property
    def cycles(self) -> int:
        """Lavage cycles of the procedure, the last number known when it has failed."""
        found = self._tried(lambda: self._conductor.cycles)
        self._cycles = self._cycles if found is None else found
        return self._cycles

    @property
    def signs(self) -> ProcedureSigns:
        """What the screen shows; once it has failed that it has, and else what the guidance prompts."""
        found = self._tried(lambda: self._conductor.signs)
        if found is not None:
            self._state = found.state
            return found
        return ProcedureSigns(self._state, notice=self._notice(), facts=((Said(FAILED), ""),))

    def turn(self, guidance: Guidance | None, condition: Condition) -> None:
        """Takes how things stand after one turn of the loop."""
        self._guidance = guidance
        self._turns += self.failure is not None
        self._tried(lambda: self._conductor.turn(guidance, condition))

    def touch(self, text: str, by: By = By.OPERATOR) -> None:
        """A wish of a button or a sign of the keypad."""
        self._tried(lambda: self._conductor.touch(text, by))

    def tap(self, by: By) -> None:
        """Accepts what stands proposed."""
        self._tried(lambda: self._conductor.tap(by))

    def patient_event(self, by: By) -> None:
        """Something happened to the patient: stamped also when the procedure fails at it."""
        self._tried(lambda: self._conductor.patient_event(by))
        if self.failure is not None:
            self._outlets.happened(Happening("patient-event", {}, by))

    def line(self, sample: LineSample) -> None:
        """A sample of the lavage line."""
        self._tried(lambda: self._conductor.line(sample))

    def _notice(self) -> Notice:
        prompt = None if self._guidance is None else self._guidance.prompts.shown
        if prompt is not None and (prompt.priority is Priority.HIGH or self._turns > LOUD_TURNS):
            return Notice(Said(prompt_key(prompt.kind)), prompt.priority)
        return Notice(Said(FAILED), Priority.HIGH if self._turns <= LOUD_TURNS else Priority.MEDIUM)

    def _tried(self, do: Callable[[], T]) -> T | None:
        """What ``do`` gives; None once something has failed. Ctrl-C passes."""
        if self.failure is not None:
            return None
        try:
            return do()
        except Exception as error:  # noqa: BLE001 - whatever it is: with a needle in the patient the picture must go on
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        self.failure = (
            f"{type(error).__name__}: {' '.join(str(error).split())} ({Path(place.filename).name}, line {place.lineno})"
        )
        self._put_off()
        self._outlets.take_back_from_procedure()
        self._outlets.happened(Happening(FAILED, {"why": self.failure, "state": self._state}))
        self._outlets.say("error", f"PROCEDURE FAILED: {self.failure}; picture, overlay and recording go on without it")
