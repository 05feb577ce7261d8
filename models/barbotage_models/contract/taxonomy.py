"""The names of what the network and the device tell apart."""

from enum import IntEnum, StrEnum


class Tissue(IntEnum):
    """Classes of the class map; the value is the channel."""

    BACKGROUND = 0
    DEPOSIT = 1
    BONE = 2
    NEEDLE = 3


class ShadowType(StrEnum):
    """Acoustic shadow below a deposit (Farin 1995), with the answer "cannot tell"."""

    CLEAR = "clear"
    FAINT = "faint"
    NONE = "none"
    INDETERMINATE = "indeterminate"


class EntrySide(StrEnum):
    """The side of the picture from which the needle comes."""

    LEFT = "left"
    RIGHT = "right"
