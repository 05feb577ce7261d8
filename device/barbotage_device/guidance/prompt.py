"""A prompt: a notification with a priority (never called an alarm)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Priority(IntEnum):
    """Three priorities; each has its own colour, shape and words on the screen."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class PromptKind(StrEnum):
    """What a prompt is about; the value is the text key."""

    TIP_NOT_SEEN = "tip-not-seen"
    PROBE_MOVED = "probe-moved"
    NEAR_BONE = "near-bone"
    PAST_TARGET = "past-target"
    STEEP_ANGLE = "steep-angle"
    LOW_QUALITY = "low-quality"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One notification, raised at ``since_ns`` (monotonic)."""

    kind: PromptKind
    priority: Priority
    since_ns: int


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompt to show (at most one) and those that were held back, for the record."""

    shown: Prompt | None
    suppressed: tuple[Prompt, ...] = ()
