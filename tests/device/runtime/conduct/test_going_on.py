"""Going on with an unfinished procedure, in every kind of state in which it may have been cut."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.device.runtime.conduct.stage import Hand, Stage, Theatre

from barbotage_device.bedside.procedure_signs import Said
from barbotage_device.bedside.window import Key
from barbotage_device.procedure.events import By
from barbotage_device.procedure.resume import rebuilt
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.continuing import Unfinished
from barbotage_device.session.manifest import EventsDigest

S = 1_000_000_000
Told = tuple[str, Mapping[str, Any]]
TARGET: Told = ("target-accepted", {"identity": 3, "longest_mm": 12.4})
ANSWER: Told = ("checklist", {"item": "side", "answer": "left"})


def unfinished(*events: Told) -> Unfinished:
    known = tuple(
        {"kind": kind, "by": "operator", "at_ns": (9 + n) * S, "value": value} for n, (kind, value) in enumerate(events)
    )
    procedure, problems = rebuilt(known)
    assert problems == ()
    return Unfinished("01BEFORE", 1_790_000_000 * S, EventsDigest(len(known), "d" * 64), known, procedure)


def to(state: str, before: str = "scan") -> Told:
    return "phase", {"from": before, "to": state}


@pytest.mark.parametrize(
    ("events", "state", "recorded"),
    [
        ((ANSWER, to("scan"), TARGET), State.PAUSE, ["restarted", "phase", "target-released"]),
        ((to("lavage"), TARGET), State.PAUSE, ["restarted", "phase", "target-released"]),
        ((to("lavage"), to("pause", "lavage")), State.PAUSE, ["restarted"]),
        ((to("fragment", "lavage"),), State.PAUSE, ["restarted", "phase"]),
        ((TARGET, to("abort", "advance")), State.ABORT, ["restarted"]),
    ],
    ids=["scan", "lavage", "paused", "fragment", "aborted"],
)
def test_it_goes_on_where_it_stood_and_moves_nothing_by_itself(
    tmp_path: Path, events: tuple[Told, ...], state: State, recorded: list[str]
) -> None:
    offer = unfinished(*events)
    theatre = Theatre(tmp_path / "sessions", Stage(now_ns=50 * S), offer)
    theatre.operator.touch("continue")
    procedure = theatre.conductor.procedure
    assert procedure.state is state
    assert [record.kind for record in procedure.records[len(events) :]] == recorded
    assert theatre.conductor.signs.answer == Said("resumed", {"state": f"phase-{offer.state}"})
    assert theatre.pipeline.accepted is None
    if state is State.PAUSE:
        theatre.operator.touch("resume")
        assert theatre.conductor.procedure.state is offer.state
    theatre.recording.close()


def test_until_a_hand_has_said_so_nothing_is_done_and_nothing_is_proposed(tmp_path: Path) -> None:
    theatre = Theatre(tmp_path / "sessions", Stage(), unfinished(to("lavage")))

    def wait(hand: Hand) -> Iterator[None]:
        del hand
        for _ in range(40):
            yield

    theatre.play(wait, close=False)
    signs = theatre.conductor.signs
    assert [button.wish for button in signs.buttons] == ["continue", "new"]
    assert signs.question is not None
    assert (signs.question.title.key, signs.proposal) == ("unfinished-session", None)
    assert theatre.conductor.procedure.records == ()
    theatre.operator.obey(Key.PEDAL, By.PEDAL)
    assert theatre.conductor.place.page == "offer"
    theatre.recording.close()


def test_a_new_procedure_knows_nothing_of_the_one_before(tmp_path: Path) -> None:
    theatre = Theatre(tmp_path / "sessions", Stage(), unfinished(ANSWER, to("lavage"), TARGET))
    theatre.operator.touch("new")
    procedure = theatre.conductor.procedure
    assert (procedure.state, procedure.records) == (State.CHECK_DEVICE, ())
    theatre.operator.touch("continue")
    assert theatre.conductor.procedure.state is State.CHECK_DEVICE, "it was offered once"
    theatre.recording.close()


def test_the_orientation_said_before_holds_again(tmp_path: Path) -> None:
    said = {"marker_at": "left", "mirrored": True, "toward": "cranial"}
    theatre = Theatre(tmp_path / "sessions", Stage(), unfinished(to("scan"), ("orientation", said)))
    theatre.operator.touch("continue")
    assert theatre.conductor.signs.right_end == Said("body-cranial")
    theatre.recording.close()
