"""Deposits followed over frames: who is who, when one appears, when it goes."""

from collections import deque
from dataclasses import dataclass, field

from barbotage_device.perception.scene import Deposit
from barbotage_device.perception.tracker_settings import TrackerSettings
from barbotage_device.perception.tracks import DepositTrack
from barbotage_models.contract.geometry import PointMm

NS_PER_S = 1_000_000_000
AREA_TOLERANCE = 0.25
"""An outline whose area is further than this from the median of the last sightings is an outlier. Unpublished default."""
SAME_SIZE_FRACTION = 0.5
"""Centres nearer than this share of the larger deposit's length belong to one deposit, whatever the gate."""


@dataclass(slots=True)
class _Track:
    centre: PointMm
    seen_ns: int
    history: deque[bool]
    recent: deque[Deposit]
    identity: int | None = None
    shown: Deposit | None = field(default=None)


class DepositTracks:
    """Follows all deposits. Identities count from 1 and are never used twice."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._tracks: list[_Track] = []
        self._next_identity = 1

    def reset(self) -> None:
        """Forgets all deposits; later ones get new identities."""
        self._tracks.clear()

    def update(self, deposits: tuple[Deposit, ...], shift: PointMm | None, capture_ns: int) -> tuple[DepositTrack, ...]:
        """The deposits known after a frame, by identity. ``shift`` is the movement of the tissue since the last frame."""
        if shift is not None:
            for track in self._tracks:
                track.centre = PointMm(track.centre.x_mm + shift.x_mm, track.centre.z_mm + shift.z_mm)
        pairs = self._pairs(deposits)
        for index, track in enumerate(self._tracks):
            self._take(track, deposits[pairs[index]] if index in pairs else None, capture_ns)
        taken = set(pairs.values())
        for index, deposit in enumerate(deposits):
            if index not in taken:
                self._start(deposit, capture_ns)
        forget_ns = self._settings.deposit_forget_s * NS_PER_S
        self._tracks = [t for t in self._tracks if self._alive(t, capture_ns - t.seen_ns > forget_ns)]
        known = [
            DepositTrack(t.identity, t.shown, capture_ns - t.seen_ns)
            for t in self._tracks
            if t.identity is not None and t.shown is not None
        ]
        return tuple(sorted(known, key=lambda track: track.identity))

    @staticmethod
    def _alive(track: _Track, overdue: bool) -> bool:
        """Whether to keep a track: one never shown goes when a whole window passed without a sighting."""
        return not overdue and (track.identity is not None or any(track.history))

    def _pairs(self, deposits: tuple[Deposit, ...]) -> dict[int, int]:
        """Track index to deposit index, nearest centres first; shown tracks go before candidates."""
        options: list[tuple[bool, float, int, int]] = []
        for t, track in enumerate(self._tracks):
            for d, deposit in enumerate(deposits):
                distance = track.centre.distance_mm(deposit.centre)
                longest = max(deposit.longest_mm, track.recent[-1].longest_mm)
                if distance <= max(self._settings.deposit_gate_mm, SAME_SIZE_FRACTION * longest):
                    options.append((track.identity is None, distance, t, d))
        pairs: dict[int, int] = {}
        for _, _, t, d in sorted(options):
            if t not in pairs and d not in pairs.values():
                pairs[t] = d
        return pairs

    def _start(self, deposit: Deposit, capture_ns: int) -> None:
        window = self._settings.window_frames
        track = _Track(deposit.centre, capture_ns, deque(maxlen=window), deque(maxlen=window))
        self._tracks.append(track)
        self._take(track, deposit, capture_ns)

    def _take(self, track: _Track, deposit: Deposit | None, capture_ns: int) -> None:
        track.history.append(deposit is not None)
        if deposit is None:
            return
        track.centre, track.seen_ns = deposit.centre, capture_ns
        track.recent.append(deposit)
        if track.identity is None and sum(track.history) >= self._settings.confirm_frames:
            track.identity, self._next_identity = self._next_identity, self._next_identity + 1
        track.shown = _representative(track.recent)


def _representative(recent: deque[Deposit]) -> Deposit:
    """The newest sighting whose area is usual for this deposit: outlines are chosen, never made up."""
    areas = sorted(d.area_mm2 for d in recent)
    median = areas[len(areas) // 2]
    return next((d for d in reversed(recent) if abs(d.area_mm2 - median) <= AREA_TOLERANCE * median), recent[-1])
