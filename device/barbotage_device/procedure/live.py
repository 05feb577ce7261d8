"""What the device sees and counts now, as proposals and prompts take it: plain values, given once a turn."""

from dataclasses import dataclass

from barbotage_device.guidance.aim import Aim
from barbotage_device.perception.tracks import Tracks


@dataclass(frozen=True, slots=True)
class CavitySize:
    """The cavity at the end of one lavage cycle, in any unit that stays the same: only changes are looked at."""

    area: float
    echogenicity: float


@dataclass(frozen=True, slots=True)
class LavageCount:
    """What is known of the lavage: ``cavities`` after each cycle, oldest first; ``without_return`` cycles in a row that gave nothing back.

    ``without_return`` is None when nothing tells (no pressure line, no visible pulsation).
    """

    cavities: tuple[CavitySize, ...] = ()
    without_return: int | None = None


@dataclass(frozen=True, slots=True)
class Pulsations:
    """Lavage cycles counted before the lavage: how many, in what the newest was seen (image, pressure, both), how surely, and when it ended."""

    count: int
    counted_from: str
    confidence: float | None
    last_ns: int


@dataclass(frozen=True, slots=True)
class Live:
    """One turn. ``tracks`` and ``aim`` are None before the first frame. ``unsaved_frames``: recorded frames that are not on the disk yet.

    ``pulsations`` are those since VERIFY_TIP began; None while there is none.
    """

    tracks: Tracks | None = None
    aim: Aim | None = None
    lavage: LavageCount | None = None
    scale_known: bool = True
    unsaved_frames: int = 0
    pulsations: Pulsations | None = None
