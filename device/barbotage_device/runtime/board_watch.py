"""What is wrong with the computer itself, seen over time: hot, weak supply, a full disk, frames lost. Pure: readings in, troubles out."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.runtime.health import HOT_CELSIUS, LOW_DISK_MB, Health

LOOK_EVERY_NS = 1_000_000_000
"""The board's files take a fraction of a millisecond; nothing that they tell changes faster."""
COOL_BELOW_CELSIUS = HOT_CELSIUS - 3.0
"""A trouble ends a little below where it began, so that it does not come and go. Unpublished default."""
LOOKS = 10
"""Frames are counted over so many looks: ten seconds."""
LOST_SHARE = 0.2
"""Of the frames captured in that time; below it the guidance is hardly slower. Unpublished default."""
FEWEST_FRAMES = 50
"""Captured in that time before a share means something: five a second."""


class Trouble(StrEnum):
    """What may be wrong, the most serious first."""

    SUPPLY = "supply"
    HOT = "hot"
    SLOWED = "slowed"
    DISK = "disk"
    DROPS = "drops"


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames since the start: processed, captured but not processed, captured but not recorded."""

    frames: int
    source_drops: int
    recorder_drops: int


@dataclass(frozen=True, slots=True)
class BoardState:
    """The troubles at a look, and the reading that they were found in."""

    troubles: tuple[Trouble, ...]
    health: Health

    @property
    def said(self) -> tuple[Said, ...]:
        """In words for the screen."""
        return tuple(Said(f"board-{trouble}", self._values(trouble)) for trouble in self.troubles)

    def _values(self, trouble: Trouble) -> dict[str, str]:
        if trouble is Trouble.HOT and self.health.cpu_celsius is not None:
            return {"celsius": f"{self.health.cpu_celsius:.0f}"}
        if trouble is Trouble.DISK and self.health.disk_free_mb is not None:
            return {"mb": f"{self.health.disk_free_mb:.0f}"}
        return {}


class BoardWatch:
    """Finds troubles in readings that come about once a second."""

    def __init__(self) -> None:
        self._counts: deque[Counts] = deque(maxlen=LOOKS + 1)
        self._hot = False

    def update(self, health: Health, counts: Counts) -> BoardState:
        """The troubles now."""
        self._counts.append(counts)
        celsius = health.cpu_celsius
        self._hot = celsius is not None and celsius >= (COOL_BELOW_CELSIUS if self._hot else HOT_CELSIUS)
        present = {
            Trouble.SUPPLY: bool(health.weak_supply),
            Trouble.HOT: self._hot,
            Trouble.SLOWED: bool(health.throttled) and not health.weak_supply and not self._hot,
            Trouble.DISK: health.disk_free_mb is not None and health.disk_free_mb < LOW_DISK_MB,
            Trouble.DROPS: self._losing(),
        }
        return BoardState(tuple(trouble for trouble in Trouble if present[trouble]), health)

    def _losing(self) -> bool:
        """Whether frames were not recorded, or many not processed, in the last looks."""
        first, last = self._counts[0], self._counts[-1]
        if last.recorder_drops > first.recorder_drops:
            return True
        lost = last.source_drops - first.source_drops
        captured = lost + last.frames - first.frames
        return captured >= FEWEST_FRAMES and lost >= LOST_SHARE * captured
