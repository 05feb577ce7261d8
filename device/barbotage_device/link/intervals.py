"""Sets of byte ranges: what of a file is missing, present, or still to be asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Intervals:
    """A set of whole numbers kept as sorted, disjoint, half-open ranges that do not touch."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._total = 0
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(tuple(self._starts), tuple(self._ends), strict=True))

    def __bool__(self) -> bool:
        return bool(self._starts)

    def __len__(self) -> int:
        return len(self._starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Intervals) and self._starts == other._starts and self._ends == other._ends

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Intervals({list(self)})"

    @property
    def total(self) -> int:
        """How many numbers are in the set."""
        return self._total

    @property
    def first(self) -> tuple[int, int]:
        """The lowest range. Raises IndexError when empty."""
        return self._starts[0], self._ends[0]

    def add(self, start: int, end: int) -> None:
        """Puts [start, end) in."""
        if start >= end:
            return
        low = bisect_left(self._ends, start)
        high = bisect_right(self._starts, end)
        removed = 0
        if low < high:
            removed = sum(self._ends[i] - self._starts[i] for i in range(low, high))
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high] = [start]
        self._ends[low:high] = [end]
        self._total += end - start - removed

    def remove(self, start: int, end: int) -> list[tuple[int, int]]:
        """Takes [start, end) out; the ranges that were really in."""
        if start >= end:
            return []
        low = bisect_right(self._ends, start)
        high = bisect_left(self._starts, end)
        if low >= high:
            return []
        taken = [(max(start, self._starts[i]), min(end, self._ends[i])) for i in range(low, high)]
        left, right = self._starts[low], self._ends[high - 1]
        kept = [(a, b) for a, b in ((left, start), (end, right)) if a < b]
        self._starts[low:high] = [a for a, _ in kept]
        self._ends[low:high] = [b for _, b in kept]
        self._total -= sum(b - a for a, b in taken)
        return taken

    def within(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of the set inside [start, end)."""
        low = bisect_right(self._ends, start)
        high = bisect_left(self._starts, end)
        return [(max(start, self._starts[i]), min(end, self._ends[i])) for i in range(low, high)]
