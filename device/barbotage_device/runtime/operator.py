"""The operator's wishes, whatever the hand that makes them: keys of the window, pedal and buttons of the probe pod."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from barbotage_device.bedside.texts import Language
from barbotage_device.bedside.window import Key
from barbotage_device.runtime.pipeline import Pipeline

Heard = Callable[[str, Mapping[str, Any]], None]
"""Hears what the operator does: the kind of event and its value, as a session records them."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the operator wants things shown."""

    language: Language
    overlay_on: bool = True
    frozen: bool = False


class Operator:
    """Acts on what the operator asks for. ``heard`` is told of it."""

    def __init__(self, pipeline: Pipeline, presentation: Presentation, heard: Heard | None = None) -> None:
        self._pipeline = pipeline
        self._heard = heard or _nobody
        self.presentation = presentation
        """How things are to be shown now."""

    def obey(self, key: Key) -> bool:
        """Acts on a key (see Key); False ends the run."""
        now = self.presentation
        if key is Key.PEDAL:
            self._heard("target-accepted", {})
            self._pipeline.accept_target()
        elif key is Key.OVERLAY:
            self.presentation = replace(now, overlay_on=not now.overlay_on)
            self._heard("overlay", {"on": self.presentation.overlay_on})
        elif key is Key.FREEZE:
            self.presentation = replace(now, frozen=not now.frozen)
            self._heard("frozen", {"on": self.presentation.frozen})
        elif key in (Key.BOOKMARK, Key.PATIENT_EVENT):
            self._heard("bookmark" if key is Key.BOOKMARK else "patient-event", {})
        elif key is Key.LANGUAGE:
            self.presentation = replace(now, language=Language.EN if now.language is Language.FR else Language.FR)
        return key is not Key.QUIT


def _nobody(kind: str, value: Mapping[str, Any]) -> None:
    """Nobody hears."""
