"""Which block suits the line: large on a clean one, small on a noisy one (docs/protocol.md, section 3)."""

import math

OVERHEAD_BYTES = 30
"""What a sealed block costs beside its bytes and COBS."""
MIN_BLOCK_BYTES = 256
PRIOR_BYTES = 32 * 1024
"""One loss in so many bytes is believed before anything is known: the first block is then about 1 KiB."""
MEMORY_BYTES = 1 << 20
"""After so many bytes all that was seen weighs half, so that a line that changes is noticed."""


class BlockSize:
    """Estimates the rate of losses and gives the best block for it."""

    def __init__(self, largest_bytes: int) -> None:
        self.largest_bytes = largest_bytes
        self._bytes = 0.0
        self._gaps = 0.0
        self._recent = 0

    def arrived(self, count_bytes: int) -> None:
        """So many bytes came in."""
        self._bytes += count_bytes
        self._recent += count_bytes
        if self._recent >= MEMORY_BYTES:
            self._recent = 0
            self._bytes /= 2
            self._gaps /= 2

    def gap(self) -> None:
        """One run of bytes was lost, however long: a burst says as much of the line as a bit."""
        self._gaps += 1

    @property
    def losses_per_byte(self) -> float:
        """The estimate, never zero."""
        return (1 + self._gaps) / (PRIOR_BYTES + self._bytes)

    @property
    def best_bytes(self) -> int:
        """The block that wastes least: n / (n + h) x exp(-l (n + h)) is largest near sqrt(h / l)."""
        best = int(math.sqrt(OVERHEAD_BYTES / self.losses_per_byte))
        return max(MIN_BLOCK_BYTES, min(self.largest_bytes, best))
