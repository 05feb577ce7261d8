"""The device proposes on evidence that has lasted, takes back what is no longer so, and says nothing about an old picture."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from tests.support.guidance import deposit_track, needle_track, tracks_of
from tests.support.procedures import S, at, recorded

from barbotage_device.guidance.aim import Target
from barbotage_device.guidance.aiming import aim
from barbotage_device.perception.tracks import DepositTrack, Tracks, TrackState
from barbotage_device.procedure.automation import automate, change_percent
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.live import CavitySize, LavageCount, Live, Pulsations
from barbotage_device.procedure.machine import step
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.states import State
from barbotage_device.procedure.watch import NONE, Watch
from barbotage_models.contract.geometry import PointMm

E = EventKind
FRAME_NS = S // 25
DEPOSIT = deposit_track(3, 20.0, 15.0)
INSIDE, OUTSIDE = PointMm(20.0, 15.0), PointMm(10.0, 10.0)


@dataclass(slots=True)
class Bedside:
    """A procedure, the device's watch over it, and a clock of frames."""

    procedure: Procedure
    watch: Watch = field(default_factory=Watch)
    now_ns: int = 0
    events: list[Event] = field(default_factory=list)

    def frames(self, count: int, live: Live) -> "Bedside":
        """So many frames that all show the same."""
        for _ in range(count):
            self.now_ns += FRAME_NS
            tracks = None if live.tracks is None else replace(live.tracks, capture_ns=self.now_ns)
            self.turn(replace(live, tracks=tracks))
        return self

    def turn(self, live: Live) -> "Bedside":
        """One turn of the loop: the device's events are stepped as the loop would."""
        self.watch, events = automate(self.watch, self.procedure, live, self.now_ns)
        for event in events:
            assert event.by is By.DEVICE
            done = step(self.procedure, event, self.now_ns)
            assert done.refusal is None, (event, done.refusal)
            self.procedure = done.procedure
            self.events.append(event)
        return self

    @property
    def proposed(self) -> EventKind | None:
        return None if self.procedure.proposal is None else self.procedure.proposal.event


def seen(
    tip: PointMm | None = None, deposits: tuple[DepositTrack, ...] = (DEPOSIT,), tracked: bool = True, scale: bool = True
) -> Live:
    needle = needle_track(tip, 30.0)
    if not tracked:
        needle = replace(needle, state=TrackState.SEARCHING, tip=None, entry=None, angle_deg=None, side=None)
    tracks: Tracks = replace(tracks_of(needle, deposits), measurable=scale)
    return Live(tracks, aim(tracks, Target(3, DEPOSIT.deposit.centre, DEPOSIT.deposit.outline)), scale_known=scale)


NO_NEEDLE = seen(tracked=False)


def test_a_deposit_is_proposed_as_target_once_it_was_followed() -> None:
    bedside = Bedside(at(State.SCAN, complete=False)).frames(9, NO_NEEDLE)
    assert bedside.proposed is None
    proposal = bedside.frames(1, NO_NEEDLE).procedure.proposal
    assert proposal is not None
    assert proposal.event is E.TARGET
    assert proposal.value == {"identity": 3, "longest_mm": 6.0, "perpendicular_mm": 4.0, "area_mm2": 18.85, "shadow": "none"}
    assert proposal.evidence == {"frames": 10, "confidence": 0.9}
    assert proposal.since_ns == 10 * FRAME_NS


def test_without_a_scale_no_length_is_proposed() -> None:
    proposal = Bedside(at(State.SCAN, complete=False)).frames(10, seen(tracked=False, scale=False)).procedure.proposal
    assert proposal is not None
    assert {name: proposal.value[name] for name in ("longest_mm", "perpendicular_mm", "area_mm2")} == dict.fromkeys(
        ("longest_mm", "perpendicular_mm", "area_mm2")
    )


def test_a_deposit_that_comes_and_goes_is_not_proposed() -> None:
    bedside = Bedside(at(State.SCAN, complete=False))
    for _ in range(20):
        bedside.frames(9, NO_NEEDLE).frames(1, seen(deposits=(), tracked=False))
    assert bedside.events == []


def test_the_offer_stays_with_its_deposit_while_that_is_seen() -> None:
    other = deposit_track(8, 30.0, 20.0)
    better = replace(other, deposit=replace(other.deposit, confidence=0.99))
    bedside = (
        Bedside(at(State.SCAN, complete=False)).frames(10, NO_NEEDLE).frames(30, seen(deposits=(DEPOSIT, better), tracked=False))
    )
    assert len(bedside.events) == 1
    bedside.frames(15, seen(deposits=(better,), tracked=False))
    assert bedside.procedure.proposal is not None
    assert bedside.procedure.proposal.value["identity"] == 8


def test_the_accepted_deposit_is_offered_for_measuring_in_each_axis_then_the_plan() -> None:
    procedure = recorded(at(State.SCAN, complete=False), E.TARGET, {"identity": 3})
    bedside = Bedside(procedure).frames(20, NO_NEEDLE)
    assert bedside.proposed is None, "the device cannot know which axis the picture shows"
    for plane in ("long", "short"):
        bedside.procedure = recorded(bedside.procedure, E.PLANE, {"plane": plane})
        proposal = bedside.frames(1, NO_NEEDLE).procedure.proposal
        assert proposal is not None
        assert (proposal.event, proposal.value["plane"], proposal.value["when"]) == (E.MEASURE, plane, "before")
        bedside.now_ns += S
        bedside.procedure = step(bedside.procedure, Event(E.ACCEPT, By.PEDAL), bedside.now_ns).procedure
    assert bedside.frames(1, NO_NEEDLE).proposed is E.CONFIRM


def test_a_proposed_size_is_renewed_when_it_changes_by_more_than_its_noise() -> None:
    procedure = recorded(recorded(at(State.SCAN, complete=False), E.TARGET, {"identity": 3}), E.PLANE, {"plane": "long"})
    bedside = Bedside(procedure)

    def sized(longest_mm: float) -> Live:
        return seen(deposits=(replace(DEPOSIT, deposit=replace(DEPOSIT.deposit, longest_mm=longest_mm)),), tracked=False)

    for longest_mm, expected in ((6.0, 6.0), (6.4, 6.0), (5.7, 6.0), (6.6, 6.6)):
        proposal = bedside.frames(1, sized(longest_mm)).procedure.proposal
        assert proposal is not None
        assert proposal.value["longest_mm"] == expected


def test_the_advance_is_proposed_when_the_needle_is_seen() -> None:
    bedside = Bedside(at(State.ANAESTHESIA)).frames(4, seen(None))
    assert bedside.proposed is None
    assert bedside.frames(1, seen(None)).proposed is E.CONFIRM
    assert bedside.frames(5, NO_NEEDLE).proposed is None
    assert [event.kind for event in bedside.events] == [E.PROPOSE, E.WITHDRAW]


def test_a_tip_that_stays_in_the_target_is_told_and_its_state_offered_to_be_left() -> None:
    procedure = recorded(at(State.ADVANCE), E.TIP, {"in": False})
    bedside = Bedside(procedure).frames(10, seen(OUTSIDE)).frames(9, seen(INSIDE))
    assert bedside.events == []
    bedside.frames(2, seen(INSIDE))
    assert bedside.procedure.tip_in_target
    proposal = bedside.procedure.proposal
    assert proposal is not None
    assert proposal.event is E.CONFIRM
    assert proposal.evidence["tip_frames"] == 11
    assert proposal.evidence["tip_seen_percent"] == 100.0
    assert proposal.evidence["distance_mm"] == 0.0


def test_a_tip_seen_outside_takes_it_back_and_an_unseen_one_only_the_proposal() -> None:
    procedure = recorded(at(State.ADVANCE), E.TIP, {"in": False})
    unseen = Bedside(procedure).frames(12, seen(INSIDE)).frames(10, seen(None))
    assert unseen.procedure.tip_in_target
    assert unseen.proposed is None
    left = Bedside(procedure).frames(12, seen(INSIDE)).frames(6, seen(OUTSIDE))
    assert not left.procedure.tip_in_target
    assert left.proposed is None


def test_a_tip_carried_over_a_gap_counts_for_nothing() -> None:
    live = seen(INSIDE)
    assert live.aim is not None
    carried = replace(live, aim=replace(live.aim, age_ns=1))
    bedside = Bedside(recorded(at(State.ADVANCE), E.TIP, {"in": False})).frames(30, carried)
    assert not bedside.procedure.tip_in_target
    assert bedside.proposed is None


def test_one_frame_that_says_otherwise_takes_nothing_back() -> None:
    bedside = Bedside(recorded(at(State.ADVANCE), E.TIP, {"in": False})).frames(12, seen(INSIDE)).frames(4, seen(OUTSIDE))
    assert bedside.proposed is E.CONFIRM
    assert bedside.frames(20, seen(INSIDE)).events[-1].kind is E.PROPOSE


def test_the_tip_is_offered_for_each_axis_by_frames_of_that_axis() -> None:
    procedure = recorded(at(State.VERIFY_TIP, complete=False), E.TIP, {"in": True})
    bedside = Bedside(recorded(procedure, E.PLANE, {"plane": "long"})).frames(10, seen(INSIDE))
    assert bedside.procedure.proposal is not None
    assert bedside.procedure.proposal.value == {"plane": "long"}
    bedside.now_ns += S
    bedside.procedure = step(bedside.procedure, Event(E.ACCEPT, By.PEDAL), bedside.now_ns).procedure
    bedside.procedure = recorded(bedside.procedure, E.PLANE, {"plane": "short"})
    assert bedside.frames(9, seen(INSIDE)).proposed is None
    assert bedside.frames(1, seen(INSIDE)).proposed is E.TIP_VERIFIED


PULSATES = Live(pulsations=Pulsations(1, "both", 0.99, 0))


def test_the_lavage_is_proposed_once_a_cycle_is_counted_though_an_axis_is_missing_and_never_made() -> None:
    procedure = recorded(at(State.VERIFY_TIP, complete=False), E.TIP_VERIFIED, {"plane": "long"})
    assert Bedside(procedure).frames(50, Live()).proposed is None
    bedside = Bedside(procedure).frames(50, PULSATES)
    assert (bedside.proposed, bedside.procedure.state) == (E.CONFIRM, State.VERIFY_TIP)
    assert step(procedure, Event(E.CONFIRM), bedside.now_ns).refusal is not None, "by hand a reason is asked for as before"
    done = step(bedside.procedure, Event(E.ACCEPT, By.PEDAL), bedside.now_ns)
    assert done.procedure.state is State.LAVAGE
    told = done.records[-1].value
    assert (told["trigger"], told["missing"]) == ("suggested-and-confirmed", ["need-tip-in-both-axes"])
    assert {"pulsations": 1, "from": "both", "confidence": 0.99}.items() <= told["evidence"].items()


def test_a_pulsation_of_long_ago_and_one_elsewhere_propose_nothing_and_no_stop_is_passed_over() -> None:
    procedure = at(State.VERIFY_TIP, complete=False)
    bedside = Bedside(procedure).frames(250, PULSATES)
    assert bedside.proposed is E.CONFIRM
    assert bedside.frames(2, PULSATES).proposed is None
    assert Bedside(at(State.ADVANCE, complete=False)).frames(20, PULSATES).proposed is None
    stopped = recorded(procedure, E.ANSWER, {"item": "fop", "answer": "yes"})
    assert Bedside(stopped).frames(20, PULSATES).proposed is None


def sizes(*pairs: tuple[float, float]) -> LavageCount:
    return LavageCount(tuple(CavitySize(*pair) for pair in pairs))


@pytest.mark.parametrize(
    ("lavage", "turbidities", "stop"),
    [
        (sizes((10, 50), (10, 50), (10.4, 50), (10, 51)), (), True),
        (sizes((10, 50), (10, 50), (10.6, 50), (10, 50)), (), False),
        (sizes((10, 50), (10, 50), (10, 53), (10, 50)), (), False),
        (sizes((10, 50), (10, 50), (10, 50)), (), False),
        (sizes((99, 99), (10, 50), (10, 50), (10, 50), (10, 50)), (), True),
        (None, ("clear", "clear"), True),
        (None, ("clear", "cloudy", "clear"), False),
        (None, ("milky", "clear", "clear"), True),
        (None, (), False),
    ],
)
def test_a_stop_of_the_lavage_is_offered_when_it_comes_back_clear_or_nothing_changes(
    lavage: LavageCount | None, turbidities: tuple[str, ...], stop: bool
) -> None:
    procedure = at(State.LAVAGE)
    for word in turbidities:
        procedure = recorded(procedure, E.TURBIDITY, {"turbidity": word})
    bedside = Bedside(procedure).turn(Live(lavage=lavage))
    assert (bedside.proposed is E.CONFIRM) == stop
    assert bedside.procedure.state is State.LAVAGE


def test_change_is_unknown_before_enough_cycles_and_endless_from_nothing() -> None:
    assert change_percent(None, 3) is None
    assert change_percent(sizes((1, 1)), 1) is None
    assert change_percent(sizes((0, 1), (1, 1)), 1) == float("inf")
    assert change_percent(sizes((0, 0), (0, 0)), 1) == 0.0


def quiet() -> Iterator[State]:
    yield from (State.CHECK_DEVICE, State.PLAN, State.POST_SCAN, State.CLOSE, State.ABORT)


@pytest.mark.parametrize("state", quiet())
def test_a_state_with_nothing_left_to_do_is_offered_its_end_after_a_while(state: State) -> None:
    bedside = Bedside(at(state), now_ns=2 * S - 1).turn(Live())
    assert bedside.proposed is None
    bedside.now_ns += 1
    assert bedside.turn(Live()).proposed is E.CONFIRM


@pytest.mark.parametrize("state", [State.CHECK_DEVICE, State.POST_SCAN, State.CLOSE, State.ABORT, State.SCAN, State.VERIFY_TIP])
def test_a_state_in_which_something_is_missing_is_not_offered_its_end(state: State) -> None:
    bedside = Bedside(at(state, complete=False)).frames(100, seen(INSIDE))
    assert bedside.proposed is not E.CONFIRM


@pytest.mark.parametrize(
    ("state", "kind", "value"),
    [(State.FRAGMENT, E.PASS, {"count": 1}), (State.BURSA_INJECT, E.DISTENSION, {"seen": "no"})],
)
def test_what_only_a_person_can_tell_is_waited_for(state: State, kind: EventKind, value: dict[str, object]) -> None:
    bedside = Bedside(at(state), now_ns=5 * S).turn(Live())
    assert bedside.proposed is None
    bedside.procedure = recorded(bedside.procedure, kind, value)
    assert bedside.turn(Live()).proposed is E.CONFIRM


def test_an_unanswered_checklist_is_not_offered_its_end_but_may_be_confirmed() -> None:
    bedside = Bedside(at(State.CHECK_CASE), now_ns=60 * S).turn(Live())
    assert bedside.proposed is None
    assert step(bedside.procedure, Event(E.CONFIRM), 0).procedure.state is State.SCAN


def test_what_rests_on_the_picture_is_taken_back_when_it_stops() -> None:
    bedside = Bedside(at(State.ADVANCE)).frames(12, seen(INSIDE))
    last = replace(seen(INSIDE), tracks=replace(seen(INSIDE).tracks, capture_ns=bedside.now_ns))  # type: ignore[type-var]
    assert bedside.proposed is E.CONFIRM
    bedside.now_ns += S // 5
    assert bedside.turn(last).proposed is E.CONFIRM
    bedside.now_ns += 1
    assert bedside.turn(last).proposed is None


def test_nothing_is_proposed_in_pause_and_all_is_counted_anew_after_it() -> None:
    bedside = Bedside(at(State.ADVANCE)).frames(12, seen(INSIDE))
    bedside.procedure = step(bedside.procedure, Event(E.PAUSE), bedside.now_ns).procedure
    assert bedside.frames(30, seen(INSIDE)).proposed is None
    bedside.procedure = step(bedside.procedure, Event(E.RESUME), bedside.now_ns).procedure
    assert bedside.frames(9, seen(INSIDE)).proposed is None
    assert bedside.frames(1, seen(INSIDE)).proposed is E.CONFIRM


def test_unseen_advance_is_added_up_over_the_state() -> None:
    bedside = Bedside(at(State.ADVANCE))
    for travel_mm in (0.0, 1.0, 2.5, 0.0, 1.5):
        live = seen(None)
        assert live.tracks is not None
        needle = replace(live.tracks.needle, travel_unseen_mm=travel_mm)
        bedside.frames(1, replace(live, tracks=replace(live.tracks, needle=needle)))
    assert bedside.watch.unseen_mm == 4.0
    assert bedside.watch.tip_seen_percent == 0.0


def test_a_streak_needs_its_frames_in_a_row_both_ways() -> None:
    streak = NONE
    for seen_now, holds in ((True, False), (True, False), (False, False), (True, False), (True, False), (True, True), (False, True), (True, True), (False, True), (False, False)):  # fmt: skip
        streak = streak.after(seen_now, raise_after=3, end_after=2)
        assert streak.holds is holds
