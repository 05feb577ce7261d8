"""Where the hand is on the screen: which page, which question of it, what was typed so far. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from barbotage_device.bedside.keypad import Typed
from barbotage_device.procedure.states import State


class Page(StrEnum):
    """What can be open. HOME shows the actions of the state; all others are reached from it."""

    HOME = "home"
    OFFER = "offer"
    """A session that was not finished: go on with it, or begin a new one."""
    CHECKLIST = "checklist"
    DETAILS = "details"
    """What may be told with a checklist's answer."""
    ENTRIES = "entries"
    """Everything that can be typed in the present state."""
    AGENT = "agent"
    NEEDLE = "needle"
    PAIN = "pain"
    SIGN = "signature"
    PLANE = "plane"
    PLAN = "plan"
    TURBIDITY = "turbidity"
    DISTENSION = "distension"
    RESIDUAL = "residual"
    COMPLICATION = "complication"
    MARKER = "marker"
    TOWARD = "toward"
    SKIP = "skip"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Place:
    """``item`` is the question of the page, from 0; ``more`` the part of its buttons; ``draft`` what a form holds so far."""

    page: Page = Page.HOME
    item: int = 0
    more: int = 0
    typed: Typed = field(default_factory=Typed)
    draft: Mapping[str, Any] = field(default_factory=dict)


def first_place(state: State) -> Place:
    """Where a state begins: the checklist with its first question, every other with its actions."""
    return Place(Page.CHECKLIST if state is State.CHECK_CASE else Page.HOME)
