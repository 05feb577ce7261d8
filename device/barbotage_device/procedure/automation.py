"""What the device proposes, on what evidence. It never commits: a proposal does nothing until a person accepts it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from barbotage_device.guidance.target import find_deposit
from barbotage_device.perception.scene import Deposit
from barbotage_device.procedure.entries import TURBIDITIES
from barbotage_device.procedure.events import PULSATIONS, By, Event, EventKind, Value
from barbotage_device.procedure.live import LavageCount, Live
from barbotage_device.procedure.needs import hindrance
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.settings import NS_PER_S, ProcedureSettings
from barbotage_device.procedure.states import State
from barbotage_device.procedure.watch import Watch, entered, is_stale, watched

S, E = State, EventKind
CLEAR = TURBIDITIES[-1]
MM_DECIMALS = 2
"""Evidence is read by people: a hundredth of a millimetre is finer than any caliper."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What could be proposed now, and on what ground."""

    event: EventKind
    evidence: Value
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    procedure: Procedure
    watch: Watch
    live: Live
    now_ns: int
    settings: ProcedureSettings

    @property
    def fresh(self) -> bool:
        return not is_stale(self.live, self.now_ns, self.settings)

    @property
    def settled(self) -> bool:
        return self.now_ns - self.procedure.entered_ns >= self.settings.settle_s * NS_PER_S


def automate(
    watch: Watch, procedure: Procedure, live: Live, now_ns: int, settings: ProcedureSettings | None = None
) -> tuple[Watch, tuple[Event, ...]]:
    """What the device has to say this turn: events for ``step``, in this order, all by the device; and the watch for the next turn.

    Call it at every turn of the loop, also when no frame came: what rests on the picture is taken back when the picture is stale. Events
    are given once: a tip found in or out of the target, a new proposal, a proposal taken back.
    """
    wanted = settings or ProcedureSettings()
    counted = watched(entered(watch, procedure), live, wanted)
    look = _Look(procedure, counted, live, now_ns, wanted)
    return counted, (*_tip_events(look), *_proposal_events(look, _offer(look)))


def _offer(look: _Look) -> Offer | None:
    """What is to be proposed in the present state; None when nothing is, or when it would be refused."""
    found = next((one for rule in _RULES.get(look.procedure.state, ()) if (one := rule(look)) is not None), None)
    if found is None or found.event is not E.CONFIRM:
        return found
    # Where the lavage has begun already, only what is firm still stands against saying so.
    hindered = hindrance(look.procedure, skipping=PULSATIONS in found.evidence)
    return found if hindered is None else None


def _tip_events(look: _Look) -> list[Event]:
    """Tells when the tip is found in the target for long enough, and when it has left."""
    if look.procedure.state not in (S.ADVANCE, S.VERIFY_TIP, S.LAVAGE, S.FRAGMENT) or not look.fresh:
        return []
    tip = look.watch.tip_known
    if tip.holds == look.procedure.tip_in_target:
        return []
    return [Event(E.TIP, By.DEVICE, {"in": tip.holds, "frames": tip.frames, **_aim_evidence(look)})]


def _proposal_events(look: _Look, wanted: Offer | None) -> list[Event]:
    stands = look.procedure.proposal
    if wanted is None:
        return [] if stands is None else [Event(E.WITHDRAW, By.DEVICE, {"why": "no longer so"})]
    value = dict(wanted.value or {})
    if stands is not None and stands.event is wanted.event and _same(stands.value, value, look.settings):
        return []
    inner = {"event": wanted.event.value, "value": value, "evidence": dict(wanted.evidence)}
    return [Event(E.PROPOSE, By.DEVICE, inner)]


def _same(stands: Value, value: Mapping[str, Any], settings: ProcedureSettings) -> bool:
    """Whether a proposal is about the same thing: the deposit, the plane, and the size but for its noise."""
    if any(stands.get(key) != value.get(key) for key in ("identity", "plane", "when")):
        return False
    before, now = stands.get("longest_mm"), value.get("longest_mm")
    if before is None or now is None:
        return before is now
    return bool(abs(before - now) < settings.measure_step_mm)


def _target(look: _Look) -> Offer | None:
    """A deposit that was followed for long enough, while none is accepted."""
    deposit = _followed(look, look.watch.deposit) if look.watch.deposit_seen.holds and look.fresh else None
    if deposit is None or look.procedure.target is not None:
        return None
    value = {"identity": look.watch.deposit, **_sizes(look, deposit)}
    return Offer(E.TARGET, {"frames": look.watch.deposit_seen.frames, "confidence": round(deposit.confidence, 3)}, value)


def _measure(look: _Look) -> Offer | None:
    """The accepted deposit in an axis in which it was not measured yet."""
    target, plane = look.procedure.target, look.procedure.plane
    if target is None or plane is None or plane in look.procedure.planes_measured("before") or not look.fresh:
        return None
    deposit = _followed(look, target["identity"])
    if deposit is None:
        return None
    return Offer(E.MEASURE, {"plane": plane}, {"when": "before", "plane": plane, **_sizes(look, deposit)})


def _both_axes(look: _Look) -> Offer | None:
    return Offer(E.CONFIRM, {"planes": sorted(look.procedure.planes_measured("before"))}) if look.procedure.target else None


def _needle(look: _Look) -> Offer | None:
    """A needle is seen: the advance begins."""
    if not look.watch.needle_seen.holds or not look.fresh:
        return None
    return Offer(E.CONFIRM, {"needle_frames": look.watch.needle_seen.frames} | _aim_evidence(look))


def _tip_placed(look: _Look) -> Offer | None:
    if not look.watch.tip_in.holds or not look.fresh:
        return None
    tally = {"tip_seen_percent": look.watch.tip_seen_percent, "unseen_advance_mm": round(look.watch.unseen_mm, MM_DECIMALS)}
    return Offer(E.CONFIRM, {"tip_frames": look.watch.tip_in.frames} | tally | _aim_evidence(look))


def _tip_in_plane(look: _Look) -> Offer | None:
    """The tip lies in the target in an axis that was not stored yet."""
    plane = look.procedure.plane
    if plane is None or plane in look.procedure.planes_verified or not look.watch.tip_in.holds or not look.fresh:
        return None
    return Offer(E.TIP_VERIFIED, {"tip_frames": look.watch.tip_in.frames} | _aim_evidence(look), {"plane": plane})


def _verified(look: _Look) -> Offer | None:
    return Offer(E.CONFIRM, {"planes": sorted(look.procedure.planes_verified)})


def _pulsating(look: _Look) -> Offer | None:
    """Cycles are counted already: the lavage has begun (its entry by clinical facts 1.7), also where an axis was left out."""
    seen = look.live.pulsations
    if seen is None or look.now_ns - seen.last_ns > look.settings.pulsation_s * NS_PER_S:
        return None
    known = {} if seen.confidence is None else {"confidence": round(seen.confidence, MM_DECIMALS)}
    return Offer(E.CONFIRM, {PULSATIONS: seen.count, "from": seen.counted_from} | known)


def _washed(look: _Look) -> Offer | None:
    """The published endpoint: what comes back is clear, or nothing changes any more in the picture."""
    clear = clear_in_a_row(look.procedure)
    if clear >= look.settings.clear_times:
        return Offer(E.CONFIRM, {"clear_times": clear, "cycles": look.procedure.cycles})
    change = change_percent(look.live.lavage, look.settings.stop_cycles)
    if change is None or change >= look.settings.stop_change_percent:
        return None
    return Offer(
        E.CONFIRM, {"change_percent": round(change, 1), "over_cycles": look.settings.stop_cycles, "cycles": look.procedure.cycles}
    )


def _nothing_left(look: _Look) -> Offer | None:
    """A state in which there is nothing to see for the device: its end is offered once it has settled and nothing is missing."""
    return Offer(E.CONFIRM, {"settled_s": look.settings.settle_s}) if look.settled else None


def _answered(look: _Look) -> Offer | None:
    return _nothing_left(look) if not look.procedure.checklist.not_recorded else None


def _recorded(*kinds: EventKind) -> Callable[[_Look], Offer | None]:
    """The end of a state is offered once something of these kinds was recorded."""
    return lambda look: _nothing_left(look) if any(look.procedure.all_of(kind) for kind in kinds) else None


Rule = Callable[[_Look], Offer | None]
_RULES: Mapping[State, tuple[Rule, ...]] = {
    S.CHECK_DEVICE: (_nothing_left,),
    S.CHECK_CASE: (_answered,),
    S.SCAN: (_target, _measure, _both_axes),
    S.PLAN: (_nothing_left,),
    S.ANAESTHESIA: (_needle,),
    S.ADVANCE: (_tip_placed,),
    S.VERIFY_TIP: (_pulsating, _tip_in_plane, _verified),
    S.LAVAGE: (_washed,),
    S.FRAGMENT: (_recorded(E.PASS),),
    S.BURSA_INJECT: (_recorded(E.DISTENSION),),
    S.POST_SCAN: (_nothing_left,),
    S.CLOSE: (_nothing_left,),
    S.ABORT: (_nothing_left,),
}
"""What may be proposed in each state, the first that applies. FRAGMENT itself is never proposed, nor anything in PAUSE."""


def clear_in_a_row(procedure: Procedure) -> int:
    """How many times in a row the fluid was last called clear."""
    count = 0
    for value in reversed(procedure.all_of(E.TURBIDITY)):
        if value["turbidity"] != CLEAR:
            break
        count += 1
    return count


def change_percent(lavage: LavageCount | None, cycles: int) -> float | None:
    """The greatest change of cavity area or echogenicity over the last ``cycles`` cycles, against the first of them; None when too few are known."""
    if lavage is None or len(lavage.cavities) < cycles + 1:
        return None
    sizes = lavage.cavities[-(cycles + 1) :]
    areas, echoes = [one.area for one in sizes], [one.echogenicity for one in sizes]
    return max(_spread_percent(areas), _spread_percent(echoes))


def _spread_percent(values: list[float]) -> float:
    """How far values lie from the first, in per cent of it; endless where the first is nothing and another is something."""
    first = abs(values[0])
    widest = max(abs(value - values[0]) for value in values)
    if widest == 0.0:
        return 0.0
    return math.inf if first == 0.0 else 100.0 * widest / first


def _followed(look: _Look, identity: int | None) -> Deposit | None:
    tracks = look.live.tracks
    track = None if tracks is None else find_deposit(tracks, identity)
    return None if track is None else track.deposit


def _sizes(look: _Look, deposit: Deposit) -> dict[str, Any]:
    """The size of a deposit; every length is None without a scale."""
    known = look.live.scale_known and look.live.tracks is not None and look.live.tracks.measurable
    lengths = {
        "longest_mm": deposit.longest_mm,
        "perpendicular_mm": deposit.perpendicular_mm,
        "area_mm2": deposit.area_mm2,
    }
    rounded = {name: round(value, MM_DECIMALS) if known else None for name, value in lengths.items()}
    return rounded | {"shadow": deposit.shadow.value}


def _aim_evidence(look: _Look) -> dict[str, Any]:
    """How the needle stands, as far as it is known."""
    aim = look.live.aim
    if aim is None:
        return {}
    known = {"distance_mm": aim.distance_mm, "angle_deg": aim.angle_deg, "confidence": aim.confidence}
    return {name: round(value, MM_DECIMALS) for name, value in known.items() if value is not None}
