"""What is known over time: scenes in, tracks out. Time is that of the frames; no clock is read."""

from collections import deque
from dataclasses import dataclass

from barbotage_device.perception.axis_filter import Axis, TipFilter, blended, is_same_line
from barbotage_device.perception.deposit_tracks import DepositTracks
from barbotage_device.perception.image_shift import ImageShift
from barbotage_device.perception.needle import border_point
from barbotage_device.perception.plane import Plane, plane_of
from barbotage_device.perception.scene import NeedleLine, Quality, Scene, TipSighting
from barbotage_device.perception.shaft_motion import NS_PER_S, ShaftMotion, ShaftSighting
from barbotage_device.perception.tracker_settings import TrackerSettings
from barbotage_device.perception.tracks import NeedleTrack, Tracks, TrackState
from barbotage_models.contract.canonical import CanonicalFrame
from barbotage_models.contract.geometry import GreyImage, PointMm

__all__ = ["Tracker", "TrackerSettings"]


class Presence:
    """Whether a thing is there: confirmed by some of the last frames, kept for a short time, then gone until confirmed again."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._confirm = settings.confirm_frames
        self._coast_ns = round(settings.coast_s * NS_PER_S)
        self._history: deque[bool] = deque(maxlen=settings.window_frames)
        self.shown = False
        self.seen_ns = 0

    def update(self, seen: bool, capture_ns: int) -> None:
        """Takes in a frame."""
        self._history.append(seen)
        if seen:
            self.seen_ns = capture_ns
            self.shown = self.shown or sum(self._history) >= self._confirm
        elif self.shown and capture_ns - self.seen_ns > self._coast_ns:
            self.clear()

    def clear(self) -> None:
        """Gone; it must be confirmed afresh."""
        self._history.clear()
        self.shown = False

    @property
    def nearly_gone(self) -> bool:
        """Not shown, and no frame of the window has seen it."""
        return not self.shown and not any(self._history)


class Tracker:
    """Follows the needle and the deposits of one stream of frames. Not for use from several threads at once."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._deposits = DepositTracks(self._settings)
        self._shift = ImageShift(self._settings.shift_min_response)
        self._needle = NeedleTracker(self._settings)
        self._last: Tracks | None = None

    def update(self, scene: Scene, canonical: CanonicalFrame) -> Tracks:
        """What is known after a frame. The same frame again (equal ``capture_ns``) changes nothing.

        A frame older than the last one, one that comes after a gap of ``reset_s``, or one of another geometry, starts afresh.
        """
        dt_ns = 0 if self._last is None else scene.capture_ns - self._last.capture_ns
        if self._last is not None:
            if dt_ns == 0:
                return self._last
            if dt_ns < 0 or dt_ns > self._settings.reset_s * NS_PER_S or self._geometry_changed(scene):
                self.reset()
        plane = plane_of(canonical.view)
        shift = self._shift.update(canonical.pixels, plane)
        self._last = Tracks(
            capture_ns=scene.capture_ns,
            measurable=scene.measurable,
            width_mm=scene.width_mm,
            depth_mm=scene.depth_mm,
            needle=self._needle.update(scene, Picture(canonical.pixels, plane, shift)),
            deposits=self._deposits.update(scene.deposits, shift, scene.capture_ns),
            bone=scene.bone,
            image_shift_mm=shift,
            quality=scene.quality,
        )
        return self._last

    def stale(self, now_ns: int) -> Tracks | None:
        """What may still be said when no frame came: nothing but that it is stale.

        None while the last frame is younger than ``stale_s``, and before the first frame.
        """
        if self._last is None or now_ns - self._last.capture_ns <= self._settings.stale_s * NS_PER_S:
            return None
        last = self._last
        return Tracks(
            capture_ns=last.capture_ns,
            measurable=last.measurable,
            width_mm=last.width_mm,
            depth_mm=last.depth_mm,
            needle=_nothing(TrackState.STALE, now_ns - last.capture_ns),
            deposits=(),
            bone=None,
            image_shift_mm=None,
            quality=Quality(0.0, TrackState.STALE.value),
        )

    def reset(self) -> None:
        """Forgets everything that was followed."""
        self._deposits.reset()
        self._shift.reset()
        self._needle = NeedleTracker(self._settings)
        self._last = None

    def _geometry_changed(self, scene: Scene) -> bool:
        last = self._last
        return last is not None and (
            (scene.measurable, scene.width_mm, scene.depth_mm) != (last.measurable, last.width_mm, last.depth_mm)
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """The canonical picture of a frame, its plane, and how far the tissue moved since the frame before (None: not known)."""

    pixels: GreyImage
    plane: Plane
    tissue_shift: PointMm | None


class NeedleTracker:
    """Follows the shaft's axis and the tip along it."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._shaft = Presence(settings)
        self._tip = Presence(settings)
        self._motion = ShaftMotion(settings.motion_window_s, settings.moving_mm_s)
        self._axis: Axis | None = None
        self._filter: TipFilter | None = None
        self._refused_lines = 0
        self._refused_tips = 0
        self._axis_ns = 0
        self._filter_ns = 0
        self._lost_ns: int | None = None
        self._shaft_confidence = 0.0
        self._tip_confidence = 0.0

    def update(self, scene: Scene, picture: Picture) -> NeedleTrack:
        """The needle after a frame."""
        now_ns = scene.capture_ns
        was_shown = self._shaft.shown
        line = scene.needle if scene.needle is not None and self._take_line(scene.needle, now_ns) else None
        self._shaft.update(line is not None, now_ns)
        self._tip.update(line is not None and scene.tip is not None and self._take_tip(scene.tip, now_ns), now_ns)
        if line is not None and self._axis is not None:
            self._shaft_confidence = line.confidence
            self._record_motion(self._axis, line, scene, picture)
        if was_shown and not self._shaft.shown:
            self._lost_ns = now_ns
        if self._shaft.nearly_gone:
            self._forget()
        if self._shaft.shown and self._axis is not None:
            self._lost_ns = None
            return self._tracked(self._axis, scene.width_mm, now_ns)
        lost = self._lost_ns is not None and now_ns - self._lost_ns <= self._settings.lost_s * NS_PER_S
        return _nothing(TrackState.LOST if lost else TrackState.SEARCHING, now_ns - self._shaft.seen_ns if lost else 0)

    def _record_motion(self, axis: Axis, line: NeedleLine, scene: Scene, picture: Picture) -> None:
        entry = border_point(axis.origin, axis.dx, axis.dz, scene.width_mm)
        tip_seen = self._tip_seen_now(scene.capture_ns)
        self._motion.record(
            ShaftSighting(scene.capture_ns, axis, entry, line.end, tip_seen, picture.pixels, picture.plane, picture.tissue_shift)
        )

    def _tip_seen_now(self, now_ns: int) -> bool:
        return self._tip.shown and self._tip.seen_ns == now_ns

    def _take_line(self, line: NeedleLine, now_ns: int) -> bool:
        """Blends a sighting into the axis; a different line is refused until it persists, then it replaces the old one."""
        seen = Axis.of(line)
        if self._axis is None:
            self._begin(seen, now_ns)
            return True
        if not is_same_line(self._axis, seen, self._settings):
            self._refused_lines += 1
            if self._refused_lines < self._settings.confirm_frames:
                return False
            self._forget()
            self._begin(seen, now_ns)
            return True
        after = blended(self._axis, seen, (now_ns - self._axis_ns) / NS_PER_S, self._settings)
        if self._filter is not None:
            self._filter.rebase(self._axis, after)
        self._axis, self._axis_ns, self._refused_lines = after, now_ns, 0
        return True

    def _take_tip(self, tip: TipSighting, now_ns: int) -> bool:
        """Feeds the filter; sightings that jump are refused until they persist, then the filter starts afresh."""
        axis = self._axis
        if axis is None:
            return False
        position = axis.along_mm(tip.position)
        if self._filter is None or not self._tip_followed(now_ns):
            self._filter = TipFilter(position, self._settings)
        else:
            self._filter.predict((now_ns - self._filter_ns) / NS_PER_S)
            if not self._filter.accept(position):
                self._filter_ns = now_ns
                self._refused_tips += 1
                if self._refused_tips < self._settings.confirm_frames:
                    return False
                self._filter = TipFilter(position, self._settings)
                self._tip.clear()
        self._filter_ns, self._refused_tips, self._tip_confidence = now_ns, 0, tip.confidence
        return True

    def _tip_followed(self, now_ns: int) -> bool:
        return now_ns - self._tip.seen_ns <= 2 * self._settings.coast_s * NS_PER_S

    def _begin(self, axis: Axis, now_ns: int) -> None:
        self._axis, self._axis_ns, self._refused_lines, self._filter = axis, now_ns, 0, None

    def _forget(self) -> None:
        self._shaft.clear()
        self._tip.clear()
        self._motion.clear()
        self._axis, self._filter = None, None
        self._refused_lines, self._refused_tips = 0, 0

    def _tracked(self, axis: Axis, width_mm: float, now_ns: int) -> NeedleTrack:
        tip_position: PointMm | None = None
        speed: float | None = None
        if self._tip.shown and self._filter is not None:
            # Frozen while it is not seen, for at most ``coast_s``: a guess that runs on ahead would look like a sighting.
            tip_position = axis.point(self._filter.position_mm)
            speed = self._filter.speed_mm_s
        unseen = not self._tip_seen_now(now_ns)
        return NeedleTrack(
            state=TrackState.TRACKING,
            entry=border_point(axis.origin, axis.dx, axis.dz, width_mm),
            tip=tip_position,
            angle_deg=axis.angle_deg,
            side=axis.side,
            tip_speed_mm_s=speed,
            confidence=self._shaft_confidence if tip_position is None else self._tip_confidence,
            age_ns=now_ns - (self._shaft.seen_ns if tip_position is None else self._tip.seen_ns),
            shaft_moving=self._motion.moving(),
            travel_unseen_mm=self._motion.travel_mm() if unseen else 0.0,
            unseen_ns=self._motion.unseen_ns(now_ns) if unseen else 0,
        )


def _nothing(state: TrackState, age_ns: int) -> NeedleTrack:
    """A needle track that shows nothing but its state."""
    return NeedleTrack(
        state=state,
        entry=None,
        tip=None,
        angle_deg=None,
        side=None,
        tip_speed_mm_s=None,
        confidence=None,
        age_ns=age_ns,
        shaft_moving=False,
        travel_unseen_mm=0.0,
        unseen_ns=0,
    )
