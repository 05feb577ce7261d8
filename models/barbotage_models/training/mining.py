"""Which samples an epoch shows: all of them once, or after some epochs the hard ones more often."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MEMORY = 0.5
"""Share of a sample's older losses that is kept when it is seen again: augmentation makes single losses noisy."""


@dataclass(frozen=True, slots=True)
class Mining:
    """From epoch ``after`` on (counted from 0), ``share`` of each epoch is drawn by loss instead of in turn; 0 never does so.

    A sample is drawn at most ``most`` times as often as one of median loss, so that a wrong label cannot take over.
    """

    share: float = 0.3
    after: int = 2
    most: float = 4.0


class HardSamples:
    """The losses that samples had when they were last seen. ``at_start`` are those by which the running epoch was drawn."""

    def __init__(self, count: int) -> None:
        self.losses: npt.NDArray[np.float32] = np.full(count, np.nan, dtype=np.float32)
        self.at_start = self.losses.copy()

    def begin_epoch(self) -> None:
        """From here on the losses known now decide which samples are shown."""
        self.at_start = self.losses.copy()

    def seen(self, indices: npt.NDArray[np.intp], losses: npt.NDArray[np.float32]) -> None:
        """Takes in the losses of a batch."""
        before = self.losses[indices]
        self.losses[indices] = np.where(np.isnan(before), losses, MEMORY * before + (1.0 - MEMORY) * losses)

    def order(self, epoch: int, rng: np.random.Generator, mining: Mining) -> npt.NDArray[np.intp]:
        """The samples of an epoch, as many as there are."""
        count = len(self.at_start)
        order = rng.permutation(count)
        known = ~np.isnan(self.at_start)
        drawn = round(count * mining.share)
        if epoch < mining.after or drawn == 0 or not known.any():
            return order
        median = float(np.median(self.at_start[known]))
        ratio = np.where(known, self.at_start, median) / max(median, 1e-9)
        weights = np.clip(ratio, 1.0 / mining.most, mining.most)
        order[:drawn] = rng.choice(count, drawn, p=weights / weights.sum())
        return np.asarray(rng.permutation(order), dtype=np.intp)
