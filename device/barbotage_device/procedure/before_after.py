"""Size before and after the lavage: the deposit's longest diameter in one plane from several frames, with its uncertainty.

What is recorded are the two sizes; the review page computes its own table from them (``barbotage_host/review/measures.py``) with the same
grain and the same rule for what is distinguishable. Sizes exist with a known scale only.
"""

from collections import deque
from dataclasses import dataclass
from math import hypot, pi, sqrt

from barbotage_device.errors import InvalidInputError
from barbotage_device.perception.scene import Deposit
from barbotage_models.contract.canonical import CANONICAL_MM_PER_PX
from barbotage_models.contract.output import STRIDE_PX

GRAIN_MM = CANONICAL_MM_PER_PX * STRIDE_PX
"""One cell of the network's map: each end of a diameter is uncertain by half of it."""
ENDS_MM = GRAIN_MM / 2 * sqrt(2.0)
SIGHTINGS = 25
"""Sightings that a size is the median of: about one second. Unpublished default."""
SPREAD_OF_QUARTILES = 1.349
"""Interquartile range over standard deviation, of a normal distribution."""
HALF_PERCENT = 50.0
"""Reduction of the longest diameter that counts as a category of its own, the published cut (Ultrasonography, usg.21232)."""


@dataclass(frozen=True, slots=True)
class Size:
    """Median size over ``sightings`` frames. Uncertainties are one standard deviation of a sighting, at least the network's grain."""

    longest_mm: float
    longest_uncertainty_mm: float
    perpendicular_mm: float
    area_mm2: float
    area_uncertainty_mm2: float
    sightings: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """Change of the longest diameter in per cent of what it was, negative when smaller.

    ``distinguishable`` is False when the two sizes lie within their uncertainty; ``at_least_half`` says that it shrank by half or
    more. Measured at once after a lavage it is overestimated: saline, debris and shadow alter the border.
    """

    longest_percent: float
    uncertainty_percent: float
    distinguishable: bool
    at_least_half: bool


class SizeReading:
    """Collects sightings of one deposit in one plane; the last ``SIGHTINGS`` count."""

    def __init__(self) -> None:
        self._seen: deque[Deposit] = deque(maxlen=SIGHTINGS)

    def add(self, deposit: Deposit) -> None:
        """One more sighting, in the frame in which it was seen."""
        self._seen.append(deposit)

    def size(self, measurable: bool) -> Size | None:
        """The size; None without a scale (``measurable`` False, as in ``Tracks``) or before the first sighting."""
        if not measurable or not self._seen:
            return None
        longest_mm, longest_spread = _middle([one.longest_mm for one in self._seen])
        across_mm, _ = _middle([one.perpendicular_mm for one in self._seen])
        area_mm2, area_spread = _middle([one.area_mm2 for one in self._seen])
        # The border's length is taken as that of an ellipse, pi (a + b) / 2 for diameters a and b.
        border_mm2 = pi * (longest_mm + across_mm) / 2 * GRAIN_MM / 2
        return Size(longest_mm, max(ENDS_MM, longest_spread), across_mm, area_mm2, max(border_mm2, area_spread), len(self._seen))


def reduction(before: Size | None, after: Size | None) -> Reduction | None:
    """From before to after, in the same plane; None when one of them is not known. Raises InvalidInputError when there was no extent before."""
    if before is None or after is None:
        return None
    old, new = before.longest_mm, after.longest_mm
    if old <= 0:
        raise InvalidInputError(f"the longest diameter before the lavage is {old} mm; it must be positive")
    percent = 100.0 * (new - old) / old
    uncertainty = 100.0 * hypot(after.longest_uncertainty_mm, before.longest_uncertainty_mm * new / old) / old
    distinguishable = abs(new - old) > hypot(before.longest_uncertainty_mm, after.longest_uncertainty_mm)
    return Reduction(percent, uncertainty, distinguishable, distinguishable and percent <= -HALF_PERCENT)


def _middle(values: list[float]) -> tuple[float, float]:
    """Median and robust standard deviation (from the quartiles)."""
    ordered = sorted(values)
    count = len(ordered)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    quartiles = ordered[(3 * (count - 1) + 2) // 4] - ordered[(count - 1) // 4]
    return median, quartiles / SPREAD_OF_QUARTILES
