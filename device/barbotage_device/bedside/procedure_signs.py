"""What the screen says of the procedure and what a hand can ask for: plain values, so that the picture knows nothing of the procedure itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from barbotage_device.guidance.prompt import Priority

MOST_BUTTONS = 4
"""Touch targets at most at a time: each must be hit with a gloved or wet finger."""
BACKSPACE, ENTER = "backspace", "enter"
"""Signs of the keypad beside the characters that it types."""
SHIFT, DIGITS = "shift", "digits"
"""Signs that turn to another layer of the keypad; ``keypad.pressed`` knows what each does."""

LEFT, RIGHT, UP, DOWN, TAB = "left", "right", "up", "down", "tab"
"""Keys of a keyboard that move a mark, and the one that turns to the next mark: for a set-up."""


class Typing(StrEnum):
    """Which keypad a question needs."""

    NUMBER = "number"
    TEXT = "text"


class Layer(StrEnum):
    """Which signs a keypad for TEXT shows."""

    LOWER = "lower"
    UPPER = "upper"
    DIGITS = "digits"


@dataclass(frozen=True, slots=True)
class Said:
    """A text by its key in the catalogue, with its values. A value that is itself a key of the catalogue is shown in its words."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Button:
    """One touch target. ``wish`` is given back when it is touched; its meaning is the program's. ``main``: what a hurried hand should hit."""

    wish: str
    said: Said
    main: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked, in the panel's place. ``typed`` is what was typed so far, with ``unit``; ``typing`` None where the buttons answer it.

    ``place`` says which of how many ("3/11"), ``answered`` what stands recorded, in words; empty when nothing does. ``layer``: of the keypad.
    """

    title: Said
    place: str = ""
    answered: str = ""
    typing: Typing | None = None
    typed: str = ""
    unit: str = ""
    layer: Layer = Layer.LOWER


@dataclass(frozen=True, slots=True)
class Notice:
    """The one prompt to show."""

    said: Said
    priority: Priority


@dataclass(frozen=True, slots=True)
class ProcedureSigns:
    """What is shown of the procedure. ``state`` is a state of the procedure ("check-case"); ``phase-`` and it is the text key.

    ``proposal`` is what a tap of the pedal accepts. ``buttons`` at most four. ``notice`` replaces the guidance's own prompt in the strip.
    ``answer`` is the last refusal or confirmation, shown for a moment. ``facts`` are lines of the panel, the most important first.
    """

    state: str
    buttons: tuple[Button, ...] = ()
    proposal: Said | None = None
    question: Question | None = None
    notice: Notice | None = None
    answer: Said | None = None
    facts: tuple[tuple[Said, str], ...] = ()
    left_end: Said | None = None
    """What lies at the left edge of the picture (marker end, side of the body); None when it is not known."""
    right_end: Said | None = None
