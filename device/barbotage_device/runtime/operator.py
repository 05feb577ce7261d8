"""The operator's wishes, whatever the hand that makes them: keys of the window, pedal and buttons of the probe pod, touches of the screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.window import Key
from barbotage_device.procedure.events import By
from barbotage_device.runtime.pipeline import Pipeline

Heard = Callable[[str, Mapping[str, Any]], None]
"""Hears what the operator does: the kind of event and its value, as a session records them."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the operator wants things shown."""

    language: Language
    overlay_on: bool = True
    frozen: bool = False


class Conducted(Protocol):
    """The procedure, as the operator's hands reach it."""

    @property
    def ended(self) -> bool:
        """Whether a hand has ended the run."""
        ...

    def tap(self, by: By) -> None:
        """Accepts what stands proposed."""
        ...

    def patient_event(self, by: By) -> None:
        """Stamps that something happened to the patient."""
        ...

    def touch(self, text: str, by: By = By.OPERATOR) -> None:
        """A wish of a button, or a sign of the keypad."""
        ...


class Operator:
    """Acts on what the operator asks for. ``heard`` is told of it; with a ``procedure`` pedal and patient events go through that instead."""

    def __init__(self, pipeline: Pipeline, presentation: Presentation, heard: Heard | None = None) -> None:
        self._pipeline = pipeline
        self._heard = heard or _nobody
        self.presentation = presentation
        """How things are to be shown now."""
        self.procedure: Conducted | None = None
        """The procedure that the run follows; None where it only watches."""

    def obey(self, key: Key, by: By = By.OPERATOR) -> bool:
        """Acts on a key (see Key), whoever's it is; False ends the run."""
        now = self.presentation
        if key is Key.PEDAL:
            self._accept(by)
        elif key is Key.OVERLAY:
            self.presentation = replace(now, overlay_on=not now.overlay_on)
            self._heard("overlay", {"on": self.presentation.overlay_on})
        elif key is Key.FREEZE:
            self.presentation = replace(now, frozen=not now.frozen)
            self._heard("frozen", {"on": self.presentation.frozen})
        elif key is Key.PATIENT_EVENT and self.procedure is not None:
            self.procedure.patient_event(by)
        elif key in (Key.BOOKMARK, Key.PATIENT_EVENT):
            self._heard("bookmark" if key is Key.BOOKMARK else "patient-event", {})
        elif key is Key.LANGUAGE:
            self.presentation = replace(now, language=Language.EN if now.language is Language.FR else Language.FR)
        return key is not Key.QUIT

    def touch(self, text: str) -> bool:
        """A button of the screen or a sign of its keypad; False ends the run. Without a procedure there are none."""
        if self.procedure is None:
            return True
        procedure = self.procedure
        procedure.touch(text)
        return not procedure.ended

    def leave_procedure(self) -> None:
        """The procedure has failed: from now on the run only watches."""
        self.procedure = None

    def _accept(self, by: By) -> None:
        if self.procedure is not None:
            self.procedure.tap(by)
            return
        self._heard("target-accepted", {})
        self._pipeline.accept_target()


def _nobody(kind: str, value: Mapping[str, Any]) -> None:
    """Nobody hears."""
