"""What a button may ask for: known wishes become events, anything else is refused."""

import pytest

from barbotage_device.errors import UsageError
from barbotage_device.procedure.events import EventKind as E
from barbotage_device.runtime.conduct.wishes import Wish, event_of, parse


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("accept", E.ACCEPT, {}),
        ("patient-event", E.PATIENT_EVENT, {}),
        ("answer:consent:yes", E.ANSWER, {"item": "consent", "answer": "yes"}),
        ("answer:deposit-form:thin-linear", E.ANSWER, {"item": "deposit-form", "answer": "thin-linear"}),
        ("cleared:fop", E.ANSWER, {"item": "fop", "cleared": True}),
        ("skip:not-seen", E.SKIP, {"reason": "not-seen"}),
        ("abort:vasovagal", E.ABORT, {"reason": "vasovagal"}),
        ("plane:short", E.PLANE, {"plane": "short"}),
        ("complication:none-observed", E.COMPLICATION, {"complication": "none-observed"}),
    ],
)
def test_a_wish_is_an_event(text: str, kind: E, value: dict[str, object]) -> None:
    assert event_of(parse(text)) == (kind, value)


@pytest.mark.parametrize(
    "text", ["open:agent", "next", "choose:bursal-injection", "marker:left", "toward:medial", "target", "end"]
)
def test_what_the_program_does_itself_is_no_event(text: str) -> None:
    assert event_of(parse(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "accept:", "accept:now", "Accept", " accept", "skip", "skip:", "skip:because", "skip:time:more"),
        *(
            "answer",
            "answer:consent",
            "answer:consent:perhaps",
            "answer:identity-key:x",
            "answer:symptom-duration:3",
            "answer:nothing:yes",
        ),
        *("open:nowhere", "plane:oblique", "restarted", "device-check", "tip-in-target", "choose:lidocaine", "toward:left"),
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="wish"):
        parse(text)


def test_words_are_kept_in_order() -> None:
    assert parse("answer:side:left") == Wish("answer", ("side", "left"))
