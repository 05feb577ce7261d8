"""Counting over frames what proposals rest on: how long a deposit, a needle and a tip in the target have been seen."""

from dataclasses import dataclass, replace

from barbotage_device.guidance.aim import Aim, Certainty
from barbotage_device.guidance.target import propose_target
from barbotage_device.perception.tracks import Tracks, TrackState
from barbotage_device.procedure.live import Live
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.settings import NS_PER_S, ProcedureSettings
from barbotage_device.procedure.states import State


@dataclass(frozen=True, slots=True)
class Streak:
    """A condition with hysteresis: ``raise_after`` frames in a row make it hold, some others in a row that say the opposite end it."""

    holds: bool = False
    opposed: int = 0
    """Frames in a row that say the opposite of ``holds``."""
    frames: int = 0
    """Frames in a row that said yes."""

    def after(self, seen: bool, raise_after: int, end_after: int) -> "Streak":
        """The streak after one more frame."""
        frames = self.frames + 1 if seen else 0
        opposed = 0 if seen == self.holds else self.opposed + 1
        if opposed >= (end_after if self.holds else raise_after):
            return Streak(not self.holds, 0, frames)
        return Streak(self.holds, opposed, frames)


NONE = Streak()


@dataclass(frozen=True, slots=True)
class Watch:
    """What was counted so far; begins empty, one per procedure. ``deposit`` is the identity that the streak ``deposit_seen`` is about.

    ``tip_in`` is about this state and plane alone, ``tip_known`` goes on from what was recorded. ``frames`` and ``tip_frames`` count
    the frames since the state began, and those in which the tip was seen; ``unseen_mm`` is the way that the needle went unseen in them.
    """

    frame_ns: int | None = None
    state: State | None = None
    plane: str | None = None
    deposit: int | None = None
    deposit_seen: Streak = NONE
    needle_seen: Streak = NONE
    tip_in: Streak = NONE
    tip_known: Streak = NONE
    frames: int = 0
    tip_frames: int = 0
    unseen_mm: float = 0.0
    unseen_before_mm: float = 0.0

    @property
    def tip_seen_percent(self) -> float | None:
        """Share of the frames of this state in which the tip was seen; None before the first."""
        return None if self.frames == 0 else round(100.0 * self.tip_frames / self.frames, 1)


def entered(watch: Watch, procedure: Procedure) -> Watch:
    """The watch in the procedure's state and plane: what is counted there begins anew with them."""
    state, plane = procedure.state, procedure.plane
    if watch.state is state:
        return watch if watch.plane == plane else replace(watch, plane=plane, tip_in=NONE)
    return replace(
        watch,
        state=state,
        plane=plane,
        needle_seen=NONE,
        tip_in=NONE,
        tip_known=Streak(holds=procedure.tip_in_target),
        frames=0,
        tip_frames=0,
        unseen_mm=0.0,
        unseen_before_mm=0.0,
    )


def is_stale(live: Live, now_ns: int, settings: ProcedureSettings) -> bool:
    """Whether what is seen is too old to rest a proposal on."""
    tracks = live.tracks
    if tracks is None or live.aim is None or tracks.needle.state is TrackState.STALE:
        return True
    return now_ns - tracks.capture_ns > settings.stale_s * NS_PER_S


def watched(watch: Watch, live: Live, settings: ProcedureSettings) -> Watch:
    """The watch after a frame; a frame already counted, or none, changes nothing."""
    tracks, aim = live.tracks, live.aim
    if tracks is None or aim is None or tracks.capture_ns == watch.frame_ns:
        return watch
    end = settings.hysteresis_frames
    deposit, deposit_seen = _deposit(watch, tracks, settings)
    tracked = tracks.needle.state is TrackState.TRACKING
    return replace(
        _tallied(watch, tracks, aim),
        frame_ns=tracks.capture_ns,
        deposit=deposit,
        deposit_seen=deposit_seen,
        needle_seen=watch.needle_seen.after(tracked, settings.needle_frames, end),
        tip_in=watch.tip_in.after(_tip_is_in(aim), settings.tip_frames, end),
        tip_known=watch.tip_known.after(_tip_is_known_in(aim, watch.tip_known.holds), settings.tip_frames, end),
    )


def _tip_is_in(aim: Aim) -> bool:
    """Confirmed now, by a frame that shows it: a tip carried over a gap counts for nothing."""
    return aim.certainty is Certainty.CONFIRMED and aim.in_target and aim.age_ns == 0


def _tip_is_known_in(aim: Aim, known: bool) -> bool:
    """As last known while the tip is not seen, or nothing is accepted: only a tip seen outside has left the target."""
    if aim.certainty is not Certainty.CONFIRMED or aim.target is None:
        return known
    return _tip_is_in(aim) or (known and aim.in_target)


def _deposit(watch: Watch, tracks: Tracks, settings: ProcedureSettings) -> tuple[int | None, Streak]:
    """The deposit to offer and how long it has been seen; the offer stays with one deposit while that is seen."""
    seen = {track.identity for track in tracks.deposits if track.age_ns == 0}
    if watch.deposit in seen or (watch.deposit is not None and watch.deposit_seen.holds):
        streak = watch.deposit_seen.after(watch.deposit in seen, settings.deposit_frames, settings.hysteresis_frames)
        if streak.holds or watch.deposit in seen:
            return watch.deposit, streak
    best = propose_target(tracks)
    return best, NONE.after(best in seen, settings.deposit_frames, settings.hysteresis_frames)


def _tallied(watch: Watch, tracks: Tracks, aim: Aim) -> Watch:
    """Counts a frame of this state: whether its tip was seen, and how far the needle went since it was last seen."""
    travel_mm = tracks.needle.travel_unseen_mm if tracks.measurable else 0.0
    more_mm = max(0.0, travel_mm - watch.unseen_before_mm)
    return replace(
        watch,
        frames=watch.frames + 1,
        tip_frames=watch.tip_frames + (aim.certainty is Certainty.CONFIRMED),
        unseen_mm=watch.unseen_mm + more_mm,
        unseen_before_mm=travel_mm,
    )
