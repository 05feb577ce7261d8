"""Which frame counts as the one before, for models that take two planes."""

from barbotage_models.contract.canonical import CanonicalFrame
from barbotage_models.contract.card import ModelCard
from barbotage_models.contract.geometry import GreyImage

NS_PER_MS = 1e6


class PreviousFrame:
    """Keeps the newest canonical frame of a stream. For a model of one plane there never is one before."""

    def __init__(self, card: ModelCard) -> None:
        self._needed = card.planes > 1
        self._oldest_ns = card.previous_frame_ms * NS_PER_MS
        self._kept: tuple[CanonicalFrame, int] | None = None

    def before(self, canonical: CanonicalFrame, capture_ns: int) -> GreyImage | None:
        """The pixels of the frame before, or None: at the start, after a gap or a step back in time, and when region or scale changed."""
        if self._kept is None:
            return None
        kept, kept_ns = self._kept
        follows = 0 < capture_ns - kept_ns <= self._oldest_ns and kept.view == canonical.view
        return kept.pixels if follows else None

    def keep(self, canonical: CanonicalFrame, capture_ns: int) -> None:
        """Makes this the frame before the next one; call it when the frame has been dealt with."""
        if self._needed:
            self._kept = (canonical, capture_ns)
