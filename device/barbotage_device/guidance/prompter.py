"""Which prompt to show: conditions with hysteresis, one at a time, none nagging.

The values proposed are unpublished defaults. The order of importance follows the two commonest errors of 398 in 520 recorded
nerve blocks: the needle advanced while not seen, and the probe moved unintentionally (Sites 2007).
"""

import math
from dataclasses import dataclass

from barbotage_device.guidance.aim import Aim, Certainty
from barbotage_device.guidance.bone_distance import point_distance_mm
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.perception.bounded import bounded, check_bounds
from barbotage_device.perception.tracks import Tracks, TrackState
from barbotage_models.contract.geometry import PointMm

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PrompterSettings:
    """When a prompt is raised. Raises ConfigError when a value is out of bounds."""

    unseen_moving_s: float = bounded(0.5, "s", 0.1, 5.0, "Needle moving with its tip unseen for so long: prompt")
    unseen_travel_mm: float = bounded(2.0, "mm", 0.5, 20.0, "Needle gone in so far with its tip unseen: prompt")
    probe_moved_mm: float = bounded(2.0, "mm", 0.5, 20.0, "Picture shifted by so much while the needle is in: prompt")
    probe_memory_s: float = bounded(1.0, "s", 0.1, 10.0, "Time constant with which earlier shifts are forgotten")
    past_target_mm: float = bounded(0.5, "mm", 0.0, 10.0, "Tip beyond the far wall of the target by so much: prompt")
    near_bone_mm: float = bounded(2.0, "mm", 0.0, 10.0, "Tip as near to the bone as this: prompt")
    steep_deg: float = bounded(35.0, "deg", 10.0, 80.0, "Needle steeper than this is hard to see: low prompt")
    very_steep_deg: float = bounded(45.0, "deg", 10.0, 85.0, "Needle steeper than this is hardly visible: medium prompt")
    low_quality: float = bounded(0.5, "", 0.0, 1.0, "Picture quality below this: prompt")
    stale_s: float = bounded(0.2, "s", 0.05, 2.0, "No frame for so long: prompt, at once")
    hysteresis_frames: int = bounded(5, "frames", 1, 60, "Frames in a row that raise a prompt, and that take it down")
    repeat_s: float = bounded(5.0, "s", 0.0, 60.0, "The same prompt is not given again within this time")

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(slots=True)
class _Condition:
    """One condition over time: counts frames for hysteresis, remembers when it was raised."""

    streak: int = 0
    raised: bool = False
    since_ns: int = 0
    told_ns: int | None = None
    """When it last began to be shown."""


class Prompter:
    """Turns tracks and aim into prompts. Keeps counters; one per procedure."""

    def __init__(self, settings: PrompterSettings | None = None) -> None:
        self._settings = settings or PrompterSettings()
        self._conditions = {kind: _Condition() for kind in PromptKind}
        self._shift = PointMm(0.0, 0.0)
        self._frame_ns: int | None = None

    def update(
        self, tracks: Tracks, aim: Aim, now_ns: int, needle_in: bool | None = None, probe_moved: bool | None = None
    ) -> Prompts:
        """The prompts after a frame, or at any time when no frame came.

        ``needle_in`` says whether the needle is in the patient; left out, it is when the needle is tracked or was just
        lost. ``probe_moved`` is what a tilt sensor on the probe says, None without one: a turn about the needle hardly shifts the picture. Counting is by frames: a call with a frame already counted only looks at the time. At most one prompt is
        shown: the highest priority, then the order of ``PromptKind``. A prompt taken down is not given again within ``repeat_s`` of its last
        beginning but returned as suppressed; one of HIGH priority comes back at once, as the same notification (``since_ns`` kept).
        """
        if needle_in is None:
            needle_in = tracks.needle.state in (TrackState.TRACKING, TrackState.LOST)
        stale = tracks.needle.state is TrackState.STALE or now_ns - tracks.capture_ns > self._settings.stale_s * NS_PER_S
        if not stale and tracks.capture_ns != self._frame_ns:
            self._accumulate(tracks, needle_in)
            self._frame_ns = tracks.capture_ns
            for kind, held in self._held(tracks, aim, needle_in, bool(probe_moved)).items():
                self._count(self._conditions[kind], held, now_ns)
        self._set_stale(stale, now_ns)
        return self._choose(self._active(tracks, stale), now_ns)

    def _accumulate(self, tracks: Tracks, needle_in: bool) -> None:
        """Adds the tissue's shift of this frame to what is remembered of the last second."""
        if not needle_in or self._frame_ns is None:
            self._shift = PointMm(0.0, 0.0)
            return
        dt_s = max(0.0, (tracks.capture_ns - self._frame_ns) / NS_PER_S)
        keep = math.exp(-dt_s / self._settings.probe_memory_s)
        step = tracks.image_shift_mm or PointMm(0.0, 0.0)
        self._shift = PointMm(keep * self._shift.x_mm + step.x_mm, keep * self._shift.z_mm + step.z_mm)

    def _held(self, tracks: Tracks, aim: Aim, needle_in: bool, tilted: bool) -> dict[PromptKind, bool]:
        """Which conditions hold in this frame."""
        settings, needle = self._settings, tracks.needle
        unseen = needle.state is TrackState.TRACKING and needle.unseen_ns > 0
        moving = needle.shaft_moving and needle.unseen_ns >= settings.unseen_moving_s * NS_PER_S
        gone_in = tracks.measurable and needle.travel_unseen_mm >= settings.unseen_travel_mm
        moved_mm = math.hypot(self._shift.x_mm, self._shift.z_mm)
        return {
            PromptKind.TIP_NOT_SEEN: unseen and (moving or gone_in),
            PromptKind.PROBE_MOVED: needle_in and (tilted or moved_mm >= settings.probe_moved_mm),
            PromptKind.NEAR_BONE: self._near_bone(tracks, aim),
            PromptKind.PAST_TARGET: self._past_target(aim),
            PromptKind.STEEP_ANGLE: aim.angle_deg is not None and aim.angle_deg > settings.steep_deg,
            PromptKind.LOW_QUALITY: tracks.quality.score < settings.low_quality,
        }

    def _near_bone(self, tracks: Tracks, aim: Aim) -> bool:
        """The tip itself: a line that ends in a deposit near the bone always passes near it, and would nag."""
        if aim.tip is None or tracks.bone is None or not tracks.measurable:
            return False
        if aim.clearance_mm is not None and aim.clearance_mm > self._settings.near_bone_mm:
            return False  # the clearance is that of the tip or less
        return point_distance_mm(aim.tip, tracks.bone) <= self._settings.near_bone_mm

    def _past_target(self, aim: Aim) -> bool:
        """All of the target's outline lies behind the tip, along the needle."""
        if aim.target is None or aim.tip is None or aim.entry is None or aim.certainty is not Certainty.CONFIRMED:
            return False
        length = aim.entry.distance_mm(aim.tip)
        if length == 0.0:
            return False
        dx, dz = (aim.tip.x_mm - aim.entry.x_mm) / length, (aim.tip.z_mm - aim.entry.z_mm) / length
        outline = aim.target.outline
        far_wall = float((outline[:, 0] * dx + outline[:, 1] * dz).max()) - aim.tip.x_mm * dx - aim.tip.z_mm * dz
        return far_wall < -self._settings.past_target_mm

    def _count(self, condition: _Condition, held: bool, now_ns: int) -> None:
        """Raises or takes down after enough frames in a row that say the opposite of what stands."""
        condition.streak = 0 if held == condition.raised else condition.streak + 1
        if condition.streak >= self._settings.hysteresis_frames:
            condition.streak = 0
            self._switch(condition, held, now_ns)

    def _set_stale(self, stale: bool, now_ns: int) -> None:
        condition = self._conditions[PromptKind.STALE]
        if condition.raised != stale:
            self._switch(condition, stale, now_ns)

    @staticmethod
    def _switch(condition: _Condition, raised: bool, now_ns: int) -> None:
        condition.raised = raised
        if raised:
            condition.since_ns = now_ns

    def _active(self, tracks: Tracks, stale: bool) -> list[tuple[PromptKind, Priority]]:
        """Raised prompts by importance. When stale, nothing else is known to be true."""
        if stale:
            return [(PromptKind.STALE, Priority.HIGH)]
        kinds = [kind for kind in PromptKind if self._conditions[kind].raised]
        return sorted(((kind, self._priority(kind, tracks)) for kind in kinds), key=lambda item: -item[1])

    def _priority(self, kind: PromptKind, tracks: Tracks) -> Priority:
        if kind in (PromptKind.TIP_NOT_SEEN, PromptKind.STALE):
            return Priority.HIGH
        if kind is PromptKind.LOW_QUALITY:
            return Priority.LOW
        if kind is PromptKind.STEEP_ANGLE and (tracks.needle.angle_deg or 0.0) <= self._settings.very_steep_deg:
            return Priority.LOW
        return Priority.MEDIUM

    def _choose(self, active: list[tuple[PromptKind, Priority]], now_ns: int) -> Prompts:
        shown: Prompt | None = None
        suppressed: list[Prompt] = []
        for kind, priority in active:
            condition = self._conditions[kind]
            if shown is None and self._may_show(condition, priority, now_ns):
                shown = Prompt(kind, priority, condition.since_ns)
            else:
                suppressed.append(Prompt(kind, priority, condition.since_ns))
        return Prompts(shown, tuple(suppressed))

    def _may_show(self, condition: _Condition, priority: Priority, now_ns: int) -> bool:
        """Whether a raised prompt may be shown now; one that a more important prompt interrupted may come back."""
        told_ns = condition.told_ns
        if told_ns is not None and told_ns >= condition.since_ns:
            return True
        if told_ns is None or now_ns - told_ns >= self._settings.repeat_s * NS_PER_S:
            condition.told_ns = now_ns
            return True
        if priority is Priority.HIGH:
            condition.since_ns = told_ns
            return True
        return False
