"""What a prompt should have said: the truth of a simulated scene, frame by frame, and how shown prompts are judged by it. Pure."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from barbotage_device.guidance.bone_distance import point_distance_mm
from barbotage_device.guidance.prompter import PrompterSettings
from barbotage_models.contract.geometry import PointMm
from barbotage_models.simulator.truth import NeedleTruth, Truth

MOVING_MM_S = 1.0
"""A needle pushed faster than this is moving; a hand at rest trembles by less."""
LOOK_BACK_S = 1.0
"""A prompt is true when what it says held at some moment this long before it began: hysteresis and tracking take time."""
GRACE_S = 0.5
"""An advance that stays unseen must be prompted so soon after its condition holds; shorter ones are over before a hand could react."""
TOLERANCE_MM, TOLERANCE_DEG = 0.5, 2.0
"""Of measured against true distances and angles: the network's own grain."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One frame of a scene in ADVANCE: the truth, how far the needle is in, and the prompt shown.

    ``since_ns`` tells two notifications of one kind apart: one that comes back at once is the same (guidance/prompter.py).
    """

    time_s: float
    truth: Truth
    inserted_mm: float
    shown: str | None
    since_ns: int = 0


@dataclass(slots=True)
class Verdict:
    """The prompts of one scene. ``missed`` and ``judged`` are advances with an unseen tip; ``false`` counts prompts by kind."""

    minutes: float = 0.0
    begun: dict[str, int] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)
    judged: int = 0
    missed: int = 0


class Judge:
    """Judges one scene frame by frame; ``verdict`` is complete after ``end``."""

    def __init__(self, settings: PrompterSettings | None = None) -> None:
        self._settings = settings or PrompterSettings()
        self._recent: deque[tuple[float, frozenset[str]]] = deque()
        self._before: Instant | None = None
        self._told: set[tuple[str, int]] = set()
        self._unseen_s = self._travel_mm = 0.0
        self._due_s: float | None = None
        self._prompted = False
        self.verdict = Verdict()

    def see(self, now: Instant) -> None:
        """One more frame, in order of time."""
        before = self._before
        dt_s = 0.0 if before is None else now.time_s - before.time_s
        step_mm = 0.0 if before is None else now.inserted_mm - before.inserted_mm
        moving = dt_s > 0 and abs(step_mm) / dt_s > MOVING_MM_S
        self.verdict.minutes += dt_s / 60.0
        self._recent.append((now.time_s, self._true(now.truth, moving)))
        while self._recent[0][0] < now.time_s - LOOK_BACK_S:
            self._recent.popleft()
        self._follow_unseen(now, dt_s, max(0.0, step_mm), moving)
        if now.shown is not None and (now.shown, now.since_ns) not in self._told:
            self._told.add((now.shown, now.since_ns))
            self._judge(now.shown)
        self._before = now

    def end(self) -> Verdict:
        """The verdict; an advance that was still within its grace is not judged."""
        self._close_unseen(None if self._before is None else self._before.time_s)
        return self.verdict

    def _judge(self, kind: str) -> None:
        self.verdict.begun[kind] = self.verdict.begun.get(kind, 0) + 1
        if not any(kind in true for _, true in self._recent):
            self.verdict.false[kind] = self.verdict.false.get(kind, 0) + 1

    def _true(self, truth: Truth, moving: bool) -> frozenset[str]:
        """The kinds of prompts that this frame bears out.

        None for ``probe-moved`` (the simulated hand drifts by far less than its threshold), ``low-quality`` and ``stale``: every one of
        them is counted as false.
        """
        needle, settings = truth.needle, self._settings
        if needle is None:
            return frozenset()
        found = {
            "tip-not-seen": in_picture(needle, truth) and not needle.tip_visible and moving,
            "near-bone": len(truth.bone) > 0
            and point_distance_mm(needle.tip, truth.bone) <= settings.near_bone_mm + TOLERANCE_MM,
            "past-target": beyond_mm(needle, truth) > settings.past_target_mm - TOLERANCE_MM,
            "steep-angle": needle.angle_deg > settings.steep_deg - TOLERANCE_DEG,
        }
        return frozenset(kind for kind, holds in found.items() if holds)

    def _follow_unseen(self, now: Instant, dt_s: float, step_mm: float, moving: bool) -> None:
        """Follows one advance with the tip out of sight: due once it moved so long or went so far (clinical definition of the prompt)."""
        needle = now.truth.needle
        if needle is None or needle.tip_visible or not in_picture(needle, now.truth):
            self._close_unseen(now.time_s)
            return
        self._unseen_s += dt_s if moving else 0.0
        self._travel_mm += step_mm
        self._prompted |= now.shown == "tip-not-seen"
        met = self._unseen_s >= self._settings.unseen_moving_s or self._travel_mm >= self._settings.unseen_travel_mm
        if met and self._due_s is None:
            self._due_s = now.time_s + GRACE_S
        if self._due_s is not None and now.time_s >= self._due_s and not self._prompted:
            # Late is missed: what is shown afterwards does not make up for it.
            self.verdict.judged += 1
            self.verdict.missed += 1
            self._due_s, self._prompted = float("inf"), True

    def _close_unseen(self, now_s: float | None) -> None:
        if self._due_s is not None and self._due_s != float("inf") and self._prompted and now_s is not None:
            self.verdict.judged += 1
        self._unseen_s = self._travel_mm = 0.0
        self._due_s, self._prompted = None, False


def in_picture(needle: NeedleTruth, truth: Truth) -> bool:
    """Whether the true tip lies within the picture."""
    return 0.0 <= needle.tip.x_mm <= truth.width_mm and 0.0 <= needle.tip.z_mm <= truth.depth_mm


def beyond_mm(needle: NeedleTruth, truth: Truth) -> float:
    """How far the true tip lies beyond the far wall of the first deposit, along the needle; negative before it."""
    if not truth.deposits:
        return -np.inf
    direction = _direction(needle.entry, needle.tip)
    along = truth.deposits[0].outline @ direction
    return float(np.array([needle.tip.x_mm, needle.tip.z_mm]) @ direction - along.max())


def _direction(entry: PointMm, tip: PointMm) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    across = np.array([tip.x_mm - entry.x_mm, tip.z_mm - entry.z_mm])
    length = float(np.hypot(*across))
    return across / length if length > 0 else np.array([1.0, 0.0])
