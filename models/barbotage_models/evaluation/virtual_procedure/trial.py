"""One virtual procedure: a patient, an operator, a screen, as many passes as it takes, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from barbotage_models.evaluation.virtual_procedure.screens import Screen
from barbotage_models.evaluation.virtual_procedure.situation import Observer, Situation
from barbotage_models.simulator.scenario.motion import Hands, SceneMotion, Start
from barbotage_models.simulator.scenario.operator import Doing, Operator, OperatorSettings, Told

FRAME_S = 0.05
"""20 frames a second, as the simulated probe."""
LIMIT_S = 90.0
"""After which an operator gives up; the slowest mean of the user studies looked at is 207 s, with preparation."""
PASSES_MOST = 5
STUCK_S = 1.0
"""Beside the target and not in it for so long: the needle is drawn back and aimed anew. Unpublished."""
BESIDE_MM = 1.0
RETREAT_MM = 12.0
"""How far it is drawn back: twice the distance within which a needle is not turned any more, and some."""
RETREAT_MM_S = 12.0
NEEDLE_MM = 50.0
"""Length of the needle: 19G, 1.1 x 50 mm (Lellouche 2006). Its hub stops the hand."""
UNSEEN_MM = 2.0
"""Advanced so far at a time with the tip not visible: an insertion with the tip unseen."""
PAST_MM = 2.0
"""Tip beyond the deposit's far end, along the needle, by so much: the far wall was passed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one procedure. ``distance_mm`` is that of the true tip from the deposit's centre, in space, when the operator holds it placed.

    ``first_pass``: held to be placed in the first pass, and truly in the deposit. ``unseen_mm`` is the longest way advanced at a
    time with the tip not visible, ``path_mm`` the way of the needle forwards and back. ``false_prompts`` asked to stop with the tip in sight.
    """

    seed: int
    placed: bool
    claimed: bool
    first_pass: bool
    passes: int
    time_s: float
    distance_mm: float
    path_mm: float
    unseen_mm: float
    seen_throughout: bool
    bone_contact: bool
    far_wall: bool
    false_prompts: int


class _Tally:
    """What is counted on the way."""

    def __init__(self) -> None:
        self.path_mm = 0.0
        self.unseen_mm = self._unseen_now_mm = 0.0
        self.bone = self.far_wall = False
        self.false_prompts = 0
        self._prompted = False

    def add(self, situation: Situation, told: Told, step_mm: float, *, on_bone: bool) -> None:
        """Counts one frame; ``step_mm`` is how far the needle went in."""
        self.path_mm += abs(step_mm)
        self._unseen_now_mm = 0.0 if situation.tip_visible else self._unseen_now_mm + max(0.0, step_mm)
        # A needle that has not reached the picture yet cannot be seen by anybody.
        if situation.reached:
            self.unseen_mm = max(self.unseen_mm, self._unseen_now_mm)
        else:
            self._unseen_now_mm = 0.0
        self.bone |= on_bone
        centre, half_mm = situation.deposit.centre, situation.deposit.long_mm / 2
        sign = 1.0 if situation.side.value == "left" else -1.0
        self.far_wall |= sign * (situation.tip.x_mm - centre.x_mm) > half_mm + PAST_MM
        if told.stop and not self._prompted and situation.tip_visible:
            self.false_prompts += 1
        self._prompted = told.stop


class Trial:
    """Plays one procedure to its end. ``move`` advances the scene and may draw it; it is given the hands."""

    def __init__(self, start: Start, motion: SceneMotion, screen: Screen, settings: OperatorSettings | None = None) -> None:
        self._start = start
        self._motion = motion
        self._screen = screen
        self._settings = settings
        self._passes = 1
        self._stuck_s = 0.0
        self._retreat_mm = 0.0
        self._operator = self._fresh_operator()

    def run(self, move: Callable[[float, Hands], object]) -> Outcome:
        """Until the operator holds the needle to be placed, gives up, or the time is over."""
        observer, tally, hands = Observer(self._motion), _Tally(), Hands()
        situation = observer.look()
        while self._motion.time_s < LIMIT_S and self._operator.doing is not Doing.LAVAGE and self._passes <= PASSES_MOST:
            before_mm = self._motion.pose.inserted_mm
            move(FRAME_S, hands)
            situation = observer.look()
            told = self._screen.tell(situation, FRAME_S)
            tally.add(situation, told, self._motion.pose.inserted_mm - before_mm, on_bone=self._motion.on_bone)
            hands = self._held_at_hub(self._hands(told))
        return self._outcome(situation, tally)

    def _hands(self, told: Told) -> Hands:
        if self._retreat_mm > 0.0:
            self._retreat_mm -= RETREAT_MM_S * FRAME_S
            return Hands(advance_mm_s=-RETREAT_MM_S)
        beside = told.tip_seen and not told.in_target and told.advance_mm is not None and told.advance_mm < BESIDE_MM
        self._stuck_s = self._stuck_s + FRAME_S if beside else 0.0
        if self._stuck_s >= STUCK_S:
            self._passes, self._stuck_s, self._retreat_mm = self._passes + 1, 0.0, RETREAT_MM
            self._operator = self._fresh_operator()
            return Hands()
        return self._operator.act(told, FRAME_S)

    def _held_at_hub(self, hands: Hands) -> Hands:
        return replace(hands, advance_mm_s=min(0.0, hands.advance_mm_s)) if self._motion.pose.inserted_mm >= NEEDLE_MM else hands

    def _fresh_operator(self) -> Operator:
        """Nothing of the last pass is kept but the experience that it missed."""
        return Operator(self._settings, seed=self._start.seed * PASSES_MOST + self._passes)

    def _outcome(self, situation: Situation, tally: _Tally) -> Outcome:
        claimed = self._operator.doing is Doing.LAVAGE
        placed = claimed and situation.in_deposit
        return Outcome(
            seed=self._start.seed,
            placed=placed,
            claimed=claimed,
            first_pass=placed and self._passes == 1,
            passes=min(self._passes, PASSES_MOST),
            time_s=self._motion.time_s,
            distance_mm=situation.distance_mm,
            path_mm=tally.path_mm,
            unseen_mm=tally.unseen_mm,
            seen_throughout=tally.unseen_mm <= UNSEEN_MM,
            bone_contact=tally.bone,
            far_wall=tally.far_wall,
            false_prompts=tally.false_prompts,
        )
