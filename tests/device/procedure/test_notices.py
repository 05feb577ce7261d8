"""One prompt at a time: what belongs to the state, what a patient event silences, what was said a moment ago."""

import pytest
from tests.support.procedures import S, at, play, recorded

from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.procedure.events import By, Event, EventKind
from barbotage_device.procedure.live import LavageCount, Live
from barbotage_device.procedure.notices import GUIDANCE_STATES, Held, Memory, choose
from barbotage_device.procedure.procedure import Procedure
from barbotage_device.procedure.standing import OwnPrompt, Standing, own_prompt_states, standing
from barbotage_device.procedure.states import State

E, P, O = EventKind, PromptKind, OwnPrompt  # noqa: E741
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW


def raised(*kinds: tuple[PromptKind, Priority], since_ns: int = 0) -> Prompts:
    prompts = [Prompt(kind, priority, since_ns) for kind, priority in kinds]
    return Prompts(prompts[0] if prompts else None, tuple(prompts[1:]))


def test_the_highest_priority_wins_then_the_guidance_before_the_procedure() -> None:
    own = (Standing(O.LEFT_TARGET, MEDIUM), Standing(O.LONG_LAVAGE, LOW))
    _, notices = choose(Memory(), at(State.LAVAGE), (raised((P.NEAR_BONE, MEDIUM), (P.PROBE_MOVED, MEDIUM)), own), S)
    assert notices.shown is not None
    assert notices.shown.kind is P.PROBE_MOVED
    assert [(notice.kind, why) for notice, why in notices.held] == [
        (P.NEAR_BONE, Held.OUTRANKED),
        (O.LEFT_TARGET, Held.OUTRANKED),
        (O.LONG_LAVAGE, Held.OUTRANKED),
    ]


@pytest.mark.parametrize("kind", PromptKind)
@pytest.mark.parametrize("state", State)
def test_the_guidance_speaks_only_where_its_state_asks_for_it(kind: PromptKind, state: State) -> None:
    _, notices = choose(Memory(), at(state), (raised((kind, HIGH)), ()), S)
    if state in GUIDANCE_STATES[kind]:
        assert notices.shown is not None
    else:
        assert [why for _, why in notices.held] == [Held.NOT_HERE]


def test_every_prompt_of_the_guidance_has_its_states_and_the_two_grave_ones_those_with_a_needle() -> None:
    assert set(GUIDANCE_STATES) == set(PromptKind)
    needle_in = {
        State.ANAESTHESIA,
        State.ADVANCE,
        State.VERIFY_TIP,
        State.LAVAGE,
        State.FRAGMENT,
        State.BURSA_INJECT,
        State.PAUSE,
    }
    assert needle_in <= set(GUIDANCE_STATES[P.TIP_NOT_SEEN])
    assert needle_in <= set(GUIDANCE_STATES[P.STALE])


def test_a_patient_event_silences_all_that_can_wait_for_its_time() -> None:
    procedure = play(at(State.ADVANCE), Event(E.PATIENT_EVENT, By.PEDAL)).procedure
    waiting = raised((P.NEAR_BONE, MEDIUM), (P.STEEP_ANGLE, LOW))
    memory, notices = choose(Memory(), procedure, (waiting, ()), 59 * S)
    assert notices.shown is None
    assert [why for _, why in notices.held] == [Held.SILENCED, Held.SILENCED]
    _, grave = choose(memory, procedure, (raised((P.TIP_NOT_SEEN, HIGH)), ()), 59 * S)
    assert grave.shown is not None
    _, later = choose(memory, procedure, (waiting, ()), 60 * S)
    assert later.shown is not None
    assert later.shown.kind is P.NEAR_BONE


def shown_at(times_s: list[float], priority: Priority) -> list[bool]:
    """Whether the prompt is shown at these times; between them it is taken down."""
    memory, procedure, found = Memory(), at(State.ADVANCE), []
    for time_s in times_s:
        now_ns = round(time_s * S)
        memory, notices = choose(memory, procedure, (raised((P.NEAR_BONE, priority), since_ns=now_ns), ()), now_ns)
        found.append(notices.shown is not None)
        memory, _ = choose(memory, procedure, (raised(), ()), now_ns + 1)
    return found


def test_a_prompt_is_not_begun_again_within_five_seconds_but_a_grave_one_is() -> None:
    assert shown_at([1.0, 3.0, 5.9, 6.0, 10.9], MEDIUM) == [True, False, False, True, False]
    assert shown_at([1.0, 3.0, 5.9], HIGH) == [True, True, True]


def test_the_five_seconds_count_from_when_it_began_to_be_shown() -> None:
    memory, procedure = Memory(), at(State.ADVANCE)
    for time_s in range(1, 5):
        memory, _ = choose(memory, procedure, (raised((P.NEAR_BONE, MEDIUM), since_ns=S), ()), time_s * S)
    memory, _ = choose(memory, procedure, (raised(), ()), 5 * S)
    _, notices = choose(memory, procedure, (raised((P.NEAR_BONE, MEDIUM), since_ns=6 * S), ()), 6 * S)
    assert notices.shown is not None


def test_a_prompt_that_goes_on_is_shown_all_the_time_and_comes_back_after_an_interruption() -> None:
    memory, procedure = Memory(), at(State.ADVANCE)
    for time_s in range(1, 4):
        memory, notices = choose(memory, procedure, (raised((P.NEAR_BONE, MEDIUM), since_ns=S), ()), time_s * S)
        assert notices.shown is not None
    both = raised((P.TIP_NOT_SEEN, HIGH), (P.NEAR_BONE, MEDIUM), since_ns=S)
    memory, notices = choose(memory, procedure, (both, ()), 4 * S)
    assert notices.shown is not None
    assert notices.shown.kind is P.TIP_NOT_SEEN
    _, notices = choose(memory, procedure, (raised((P.NEAR_BONE, MEDIUM), since_ns=S), ()), 5 * S)
    assert notices.shown is not None


def answered(state: State, *answers: tuple[str, str]) -> Procedure:
    procedure = at(state)
    for item, word in answers:
        procedure = recorded(procedure, E.ANSWER, {"item": item, "answer": word})
    return procedure


def measured(state: State, *sizes: tuple[str, str]) -> Procedure:
    procedure = at(state, complete=False)
    for when, plane in sizes:
        procedure = recorded(procedure, E.MEASURE, {"when": when, "plane": plane})
    return procedure


STUCK = Live(lavage=LavageCount(without_return=3))
CASES = [
    (O.STOP_FOP, answered(State.ADVANCE, ("fop", "yes")), Live(), True),
    (O.STOP_CONSENT, answered(State.CHECK_CASE, ("consent", "no")), Live(), True),
    (O.SIDE_CONFLICT, answered(State.SCAN, ("side", "left"), ("side-on-record", "right")), Live(), True),
    (O.SIDE_CONFLICT, answered(State.SCAN, ("side", "left"), ("side-on-record", "left")), Live(), False),
    (O.CHECK_FAILED, at(State.CHECK_DEVICE, complete=False), Live(), True),
    (O.CHECK_FAILED, at(State.CHECK_DEVICE), Live(), False),
    (O.NO_SCALE, at(State.SCAN), Live(scale_known=False), True),
    (O.NO_SCALE, at(State.SCAN), Live(), False),
    (O.NOT_CANDIDATE, answered(State.PLAN, ("deposit-form", "thin-linear")), Live(), True),
    (O.NOT_CANDIDATE, answered(State.PLAN, ("deposit-form", "coarse")), Live(), False),
    (O.LEFT_TARGET, recorded(at(State.LAVAGE), E.TIP, {"in": False}), Live(), True),
    (O.LEFT_TARGET, recorded(at(State.LAVAGE, complete=False), E.TIP, {"in": False}), Live(), False),
    (O.UNSAVED, at(State.CLOSE), Live(unsaved_frames=1), True),
    (O.NOT_RECORDED, at(State.CHECK_CASE), Live(), True),
    (O.ONE_PLANE, measured(State.SCAN, ("before", "long")), Live(), True),
    (O.ONE_PLANE, measured(State.SCAN, ("before", "long"), ("before", "short")), Live(), False),
    (O.BLOCKED, at(State.LAVAGE), STUCK, True),
    (O.BLOCKED, at(State.LAVAGE), Live(lavage=LavageCount(without_return=2)), False),
    (O.BLOCKED, at(State.LAVAGE), Live(lavage=LavageCount()), False),
    (O.BLOCKED, at(State.ADVANCE), STUCK, False),
    (O.PLANE_MISMATCH, measured(State.POST_SCAN, ("before", "long"), ("after", "short")), Live(), True),
    (O.PLANE_MISMATCH, measured(State.POST_SCAN, ("before", "long"), ("after", "long")), Live(), False),
]


@pytest.mark.parametrize(("kind", "procedure", "live", "stands"), CASES)
def test_a_prompt_of_the_procedure_stands_when_its_condition_holds(
    kind: OwnPrompt, procedure: Procedure, live: Live, stands: bool
) -> None:
    found = {one.kind: one.priority for one in standing(procedure, live, 0)}
    assert (kind in found) == stands
    if stands:
        assert found[kind] is own_prompt_states()[kind][0]


@pytest.mark.parametrize(("minutes", "stands"), [(20.0, False), (20.1, True)])
def test_a_long_lavage_is_said(minutes: float, stands: bool) -> None:
    found = standing(at(State.LAVAGE), Live(), round(minutes * 60 * S))
    assert (O.LONG_LAVAGE in {one.kind for one in found}) == stands


def test_the_graver_stands_first() -> None:
    procedure = answered(State.CHECK_CASE, ("fop", "yes"), ("deposit-form", "intrabursal"))
    assert [one.kind for one in standing(procedure)] == [O.STOP_FOP, O.NOT_CANDIDATE, O.NOT_RECORDED]


def test_every_prompt_of_the_procedure_has_its_states() -> None:
    assert set(own_prompt_states()) == set(OwnPrompt)
