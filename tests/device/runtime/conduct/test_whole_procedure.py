"""A whole procedure through the real loop, from the start to the sealed session, in French, and one whose power was cut."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.device.runtime.conduct.stage import DEPOSIT, MM_PER_PX, TIP_IN, TIP_OUT, UTC_NS, Hand, Stage, Theatre
from tests.support.drawing import CARD

from barbotage_device.bedside.procedure_signs import MOST_BUTTONS, ProcedureSigns, Said
from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.procedure.resume import rebuilt
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.continuing import unfinished
from barbotage_device.runtime.interpreter import LoadedModel
from barbotage_device.runtime.replay import differences, replay
from barbotage_device.session.audit import verify
from barbotage_device.session.events import Event
from barbotage_device.session.reader import SessionReader
from barbotage_models.contract.geometry import GreyImage
from barbotage_models.contract.output import ModelOutput

S = 1_000 * 1_000 * 1_000


def to_lavage(hand: Hand) -> Iterator[None]:
    """From the start to the lavage: every check, the checklist, target, sizes, plan, agent, needle, tip."""
    yield
    yield from hand.tap("propose-confirm")
    yield from hand.type("épaule 7")
    for item, answer in (("side", "left"), ("side-on-record", "left"), ("consent", "yes")):
        yield from hand.press(f"answer:{item}:{answer}")
    yield from hand.press("answer:allergy:yes")
    yield from hand.type("latex")
    yield from hand.press("record")
    for item in ("anticoagulant", "infection"):
        yield from hand.press(f"answer:{item}:no")
    yield from hand.press("answer:prior-imaging:unknown")
    yield from hand.type("7,5")
    yield from hand.go("answer:fop:no", "answer:deposit-form:coarse")
    yield from hand.tap("propose-confirm")
    yield from hand.tap("propose-target-accepted")
    yield from hand.go("open:plane", "plane:long")
    yield from hand.tap("propose-measurement")
    yield from hand.press("plane:short")
    yield from hand.tap("propose-measurement")
    yield from hand.tap("propose-confirm")
    yield from hand.go("open:plan", "plan:left")
    yield from hand.tap("propose-confirm")
    yield from hand.go("open:agent", "choose:local-anaesthetic")
    yield from hand.type("lidocaïne")
    yield from hand.type("10")
    yield from hand.go("next", "next", "next", "record", "open:needle")
    yield from hand.type("18")
    yield from hand.go("next", "record")
    hand.stage.tip = TIP_OUT
    yield from hand.tap("propose-confirm")
    hand.stage.tip = TIP_IN
    yield from hand.tap("propose-confirm")
    for plane in ("long", "short"):
        if plane == "long":
            yield from hand.press("plane:long")
        else:
            yield from hand.press("plane:short")
        yield from hand.tap("propose-tip-verified")
    yield from hand.tap("propose-confirm")
    yield from hand.until(lambda now: now.state == "lavage")


def wash(hand: Hand, cycles: int) -> Iterator[None]:
    """Presses until so many cycles are counted."""
    hand.stage.pressing, hand.stage.pressed_ns = True, hand.stage.now_ns
    key = "event-lavage-cycle"
    yield from hand.until(lambda now: int(next(words for said, words in now.facts if said.key == key)) >= cycles, 600)
    hand.stage.pressing = False


def to_sealed(hand: Hand) -> Iterator[None]:
    """From the lavage to the end."""
    yield from hand.go("open:turbidity", "turbidity:cloudy", "syringe-change", "pause", "resume")
    for _ in range(2):
        yield from hand.go("open:turbidity", "turbidity:clear")
    yield from hand.tap("propose-confirm")
    yield from hand.go("open:distension", "distension:yes")
    yield from hand.tap("propose-confirm")
    hand.stage.tip = None
    yield from hand.go("measure", "open:residual", "residual:half-or-more")
    yield from hand.tap("propose-confirm")
    yield from hand.go("open:complication", "complication:none-observed", "back", "open:signature")
    yield from hand.type("op-1")
    yield from hand.press("record")
    yield from hand.press("confirm")
    yield from hand.press("end")


def whole(hand: Hand) -> Iterator[None]:
    yield from to_lavage(hand)
    yield from wash(hand, 2)
    yield from to_sealed(hand)


def events_of(path: Path) -> list[Event]:
    with SessionReader.open(path) as reader:
        return reader.events()


def said_by(signs: ProcedureSigns) -> Iterator[Said]:
    """Every text that a screen shows."""
    yield Said(f"phase-{signs.state}")
    yield from (button.said for button in signs.buttons)
    yield from (said for said, _ in signs.facts)
    for one in (signs.proposal, signs.answer, signs.left_end, signs.right_end):
        yield from () if one is None else (one,)
    if signs.question is not None:
        yield signs.question.title
    if signs.notice is not None:
        yield signs.notice.said


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    theatre = Theatre(tmp_path_factory.mktemp("whole"))
    summary = theatre.play(whole)
    assert summary.error is None, summary.error
    return theatre


def test_the_session_is_whole_and_sealed(played: Theatre) -> None:
    assert verify(played.path).problems == ()
    with SessionReader.open(played.path) as reader:
        assert reader.manifest.state == "closed"
        assert reader.manifest.summary is not None
        assert reader.manifest.summary.phase_reached == "sealed"
        assert reader.manifest.summary.deposit_after is not None
    assert [line for line in played.lines if line.startswith("warning")] == []


def test_every_phase_is_entered_in_order(played: Theatre) -> None:
    phases = [event.value["to"] for event in events_of(played.path) if event.kind == "phase"]
    assert phases == [
        *("check-case", "scan", "plan", "anaesthesia", "advance", "verify-tip", "lavage", "pause", "lavage"),
        *("bursa-inject", "post-scan", "close", "sealed"),
    ]


def test_what_was_said_is_recorded_once_with_who_said_it(played: Theatre) -> None:
    events = events_of(played.path)
    count = Counter(event.kind for event in events)
    expected = {
        "device-check": 7, "checklist": 12, "target-accepted": 1, "measurement": 3, "plane": 4, "plan": 1, "agent": 1, "needle": 1,
        "tip-verified": 2, "turbidity": 3, "syringe-change": 1, "bursa-distension": 1, "residual": 1, "complication": 1, "signature": 1,
    }  # fmt: skip
    assert {kind: count[kind] for kind in expected} == expected
    by = {event.kind: event.by for event in events}
    assert (by["target-accepted"], by["measurement"], by["lavage-cycle"], by["checklist"]) == (
        "pedal",
        "operator",
        "device",
        "operator",
    )
    agent = next(event.value for event in events if event.kind == "agent")
    assert agent == {"purpose": "local-anaesthetic", "name": "lidocaïne", "volume_ml": 10}
    allergy = [event.value for event in events if event.value.get("item") == "allergy"]
    assert allergy[-1] == {"item": "allergy", "answer": "yes", "to": "latex"}


def test_cycles_are_numbered_and_stamped_when_they_ended(played: Theatre) -> None:
    events = events_of(played.path)
    cycles = [event for event in events if event.kind == "lavage-cycle"]
    assert [event.value["count"] for event in cycles] == list(range(1, len(cycles) + 1))
    assert len(cycles) >= 2
    assert all(event.value["begin_ns"] < event.at_ns for event in cycles)


def test_the_target_is_stamped_with_the_frame_after_which_it_was_accepted(played: Theatre) -> None:
    accepted = next(event for event in events_of(played.path) if event.kind == "target-accepted")
    with SessionReader.open(played.path) as reader:
        followed = [one.value["sequence"] for one in reader.messages("/guidance") if one.value["target"] is not None]
    assert followed[0] == accepted.value["sequence"] + 1
    assert accepted.value["centre_px"] == pytest.approx([DEPOSIT.x_mm / MM_PER_PX, DEPOSIT.z_mm / MM_PER_PX], abs=5)


class Again:
    """A network that says once more what was said."""

    name = "stage"
    number_format = "int8"

    def __init__(self, said: list[ModelOutput]) -> None:
        self._said = iter(said)

    def run(self, pixels: GreyImage, previous: GreyImage | None = None) -> ModelOutput:  # noqa: ARG002
        return next(self._said)


def test_a_replay_accepts_the_same_target_after_the_same_frame(played: Theatre) -> None:
    model = LoadedModel(Again(played.network.said), CARD, "")
    with SessionReader.open(played.path) as reader:
        rows = list(replay(reader, model))
    assert len(rows) == len(played.network.said)
    found = [one for row in rows for one in differences(row.index, row.recorded, row.again)]
    assert found == []


def test_the_records_alone_make_the_procedure_again(played: Theatre) -> None:
    events = [{"kind": one.kind, "by": one.by, "at_ns": one.at_ns, "value": one.value} for one in events_of(played.path)]
    again, problems = rebuilt(events)
    assert problems == ()
    assert again.state is State.SEALED
    assert again.records == played.conductor.procedure.records


def test_every_text_of_the_way_exists_in_both_languages_and_no_page_has_too_many_buttons(played: Theatre) -> None:
    said = {one.key for signs in played.hand.signs for one in said_by(signs)}
    for language in Language:
        assert [key for key in sorted(said) if not texts_in(language).has(key)] == []
    assert max(len(signs.buttons) for signs in played.hand.signs) == MOST_BUTTONS


def test_a_procedure_cut_in_the_lavage_goes_on_in_pause_with_all_that_was_recorded(tmp_path: Path) -> None:
    def until_cut(hand: Hand) -> Iterator[None]:
        yield from to_lavage(hand)
        yield from wash(hand, 2)

    first = Theatre(tmp_path / "first")
    first.play(until_cut, close=False)
    time.sleep(0.7)  # what waits longest in memory is written after half a second
    root = tmp_path / "after"
    root.mkdir()
    shutil.copytree(first.path, root / first.path.name)
    first.recording.close()
    before = first.conductor.procedure

    said: list[str] = []
    offer = unfinished(root, UTC_NS + 600 * S, lambda level, text: said.append(f"{level}: {text}"))
    assert offer is not None
    assert (offer.session_id, offer.state, offer.procedure.cycles) == (first.path.name, State.LAVAGE, before.cycles)
    assert len(said) == 1
    second = Theatre(root, Stage(now_ns=40 * S, tip=TIP_IN), offer, utc_ns=UTC_NS + 600 * S)

    def go_on(hand: Hand) -> Iterator[None]:
        yield
        assert [button.wish for button in hand.now.buttons] == ["continue", "new"]
        yield from hand.press("continue")
        assert hand.now.state == "pause"
        for _ in range(30):
            yield
        yield from hand.go("target", "resume")
        yield from wash(hand, before.cycles + 2)
        yield from to_sealed(hand)

    assert second.play(go_on).error is None
    assert verify(second.path).problems == ()
    events = events_of(second.path)
    assert next(event.value["session"] for event in events if event.kind == "continued") == first.path.name
    kinds = [event.kind for event in events]
    assert kinds.index("continued") < kinds.index("restarted") < kinds.index("phase") < kinds.index("target-released")
    cycles = [event.value["count"] for event in events if event.kind == "lavage-cycle"]
    assert cycles[0] == before.cycles + 1
    assert second.conductor.procedure.state is State.SEALED
    assert unfinished(root, UTC_NS + 900 * S, lambda _level, _text: None) is None
