"""A procedure that is broken on purpose: the picture, the guidance's prompts and the recording go on, and everybody is told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.device.runtime.conduct.stage import Hand, Theatre

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.bedside.window import Key
from barbotage_device.guidance.prompt import Priority, Prompt, PromptKind, Prompts
from barbotage_device.procedure.events import By
from barbotage_device.procedure.plunger import LineSample
from barbotage_device.runtime.conduct.conductor import Conductor
from barbotage_device.runtime.conduct.guard import FAILED, LOUD_TURNS, Guard
from barbotage_device.runtime.status import Condition
from barbotage_device.session.reader import SessionReader

CONDITION = Condition(1, 0, 0, None, None, 0, None)


class Broken(Exception):  # noqa: N818
    """What a bug raises."""


def fail(*_args: object, **_more: object) -> None:
    raise Broken("a bug,\non purpose")


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    made = Theatre(tmp_path / "sessions")
    yield made
    made.recording.close()


def guarded(theatre: Theatre) -> Guard:
    guard = Guard(theatre.conductor, theatre.outlets, theatre.operator.leave_procedure)
    theatre.operator.procedure = guard
    theatre.conductor = cast(Conductor, guard)
    return guard


def test_a_bug_in_a_turn_puts_the_procedure_off_and_nothing_else(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, guard = theatre.conductor, guarded(theatre)

    def watch(hand: Hand) -> Iterator[None]:
        for _ in range(12):
            yield
        assert guard.failure is None
        monkeypatch.setattr(inner, "_follow_target", fail)
        for _ in range(12):
            yield
        hand.operator.obey(Key.OVERLAY)
        hand.operator.obey(Key.PEDAL, By.PEDAL)
        hand.operator.obey(Key.PATIENT_EVENT, By.PEDAL)
        assert hand.operator.touch("confirm"), "a touch that came too late ends nothing"
        for _ in range(3):
            yield

    summary = theatre.play(watch)
    assert (summary.error, summary.frames) == (None, 28)
    assert guard.failure is not None
    assert guard.failure.startswith("Broken: a bug, on purpose (test_guard.py, line ")
    assert theatre.hand.signs[11].notice is None
    last = theatre.hand.now
    assert last.notice is not None
    assert (last.notice.said, last.notice.priority, last.buttons) == (Said(FAILED), Priority.HIGH, ())
    assert last.facts == ((Said(FAILED), ""),)
    assert [line for line in theatre.lines if "PROCEDURE FAILED" in line] == [theatre.lines[-1]]
    with SessionReader.open(theatre.path) as reader:
        events = [event for event in reader.events() if event.kind != "prompt"]
        frames = reader.frame_count
    told = [event.value for event in events if event.kind == FAILED]
    assert told == [{"why": guard.failure, "state": "check-device"}]
    after = [event.kind for event in events[[event.kind for event in events].index(FAILED) :]]
    assert {"overlay", "target-accepted", "patient-event", "session-ended"} <= set(after)
    assert after.count("patient-event") == 1
    assert frames == summary.frames
    assert theatre.pipeline.accepted is not None


HANDS: dict[str, Callable[[Theatre, Guard], Any]] = {
    "touch": lambda theatre, _guard: theatre.operator.touch("confirm"),
    "tap": lambda theatre, _guard: theatre.operator.obey(Key.PEDAL),
    "patient_event": lambda theatre, _guard: theatre.operator.obey(Key.PATIENT_EVENT),
    "line": lambda _theatre, guard: guard.line(LineSample(0, 1.0)),
    "turn": lambda _theatre, guard: guard.turn(None, CONDITION),
}


@pytest.mark.parametrize("where", HANDS)
def test_wherever_it_fails_the_run_only_watches_from_then_on(
    where: str, theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, guard = theatre.conductor, guarded(theatre)
    monkeypatch.setattr(inner, where, fail)
    HANDS[where](theatre, guard)
    assert guard.failure is not None
    assert theatre.operator.procedure is None
    HANDS[where](theatre, guard)
    assert (guard.ended, guard.cycles, guard.signs.buttons) == (False, 0, ())
    theatre.recording.close()
    with SessionReader.open(theatre.path) as reader:
        kinds = [event.kind for event in reader.events()]
    assert kinds.count(FAILED) == 1
    assert kinds.count("patient-event") == (2 if where == "patient_event" else 0)


def test_the_sign_is_loud_first_and_never_hides_what_the_guidance_prompts(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(hand: Hand) -> Iterator[None]:
        del hand
        for _ in range(3):
            yield

    theatre.play(wait, close=False)
    inner, guard, calm = theatre.conductor, guarded(theatre), theatre.pipeline.last
    assert calm is not None
    raised = {
        priority: replace(calm, prompts=Prompts(Prompt(kind, priority, 0)))
        for kind, priority in ((PromptKind.TIP_NOT_SEEN, Priority.HIGH), (PromptKind.NEAR_BONE, Priority.MEDIUM))
    }
    monkeypatch.setattr(inner, "turn", fail)

    def shown(priority: Priority | None) -> tuple[str, Priority]:
        guard.turn(calm if priority is None else raised[priority], CONDITION)
        notice = guard.signs.notice
        assert notice is not None
        return notice.said.key, notice.priority

    assert shown(None) == (FAILED, Priority.HIGH)
    assert shown(Priority.MEDIUM) == (FAILED, Priority.HIGH)
    assert shown(Priority.HIGH) == ("tip-not-seen", Priority.HIGH)
    for _ in range(LOUD_TURNS):
        shown(None)
    assert shown(None) == (FAILED, Priority.MEDIUM)
    assert shown(Priority.MEDIUM) == ("near-bone", Priority.MEDIUM)


def test_an_interrupt_is_no_failure(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, guard = theatre.conductor, guarded(theatre)

    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(inner, "turn", interrupt)
    with pytest.raises(KeyboardInterrupt):
        guard.turn(None, CONDITION)
    assert guard.failure is None
