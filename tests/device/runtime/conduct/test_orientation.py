"""The ends of the picture are named right, whichever side the marker is drawn at, mirrored or not, whichever shoulder."""

import pytest
from tests.support.procedures import at, recorded

from barbotage_device.config import ProbeConfig
from barbotage_device.procedure.events import EventKind as E
from barbotage_device.procedure.guidance_side import PatientSide
from barbotage_device.procedure.states import State
from barbotage_device.runtime.conduct.orientation import Lie, end_of
from barbotage_models.contract.taxonomy import EntrySide

NOBODY = at(State.CHECK_CASE)


def ends(lie: Lie) -> tuple[str, str]:
    orientation = lie.of(NOBODY)
    return end_of(EntrySide.LEFT, orientation).key, end_of(EntrySide.RIGHT, orientation).key


@pytest.mark.parametrize(
    ("marker", "mirrored", "toward", "expected"),
    [
        ("left", False, "", ("marker-end", "other-end")),
        ("left", True, "", ("other-end", "marker-end")),
        ("right", False, "", ("other-end", "marker-end")),
        ("right", True, "", ("marker-end", "other-end")),
        ("left", False, "medial", ("body-medial", "body-lateral")),
        ("left", True, "medial", ("body-lateral", "body-medial")),
        ("right", False, "cranial", ("body-caudal", "body-cranial")),
        ("right", True, "anterior", ("body-anterior", "body-posterior")),
    ],
)
def test_the_ends_follow_marker_mirror_and_direction(marker: str, mirrored: bool, toward: str, expected: tuple[str, str]) -> None:
    assert ends(Lie(ProbeConfig(marker, mirrored, toward))) == expected


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("stirred", ["left", "right"])
def test_the_finger_test_puts_the_marker_end_where_the_picture_stirred(mirrored: bool, stirred: str) -> None:
    lie = Lie(ProbeConfig("left", mirrored))
    value = lie.touched(stirred)
    assert ends(lie)[0 if stirred == "left" else 1] == "marker-end"
    assert value == {"marker_at": "left", "mirrored": stirred == "right", "toward": None}


def test_what_was_recorded_is_taken_up_again_and_nonsense_is_not() -> None:
    before, after = Lie(), Lie()
    before.touched("right")
    after.restore(before.pointed("lateral"))
    assert ends(after) == ends(before) == ("body-medial", "body-lateral")
    for nonsense in ({}, {"marker_at": "up", "mirrored": True}, {"marker_at": "left", "mirrored": False, "toward": "north"}):
        after.restore(nonsense)
        assert ends(after) == ends(before)


def test_the_shoulder_is_that_of_the_checklist() -> None:
    said = recorded(NOBODY, E.ANSWER, {"item": "side", "answer": "right"})
    unknown = recorded(NOBODY, E.ANSWER, {"item": "side", "answer": "not-asked"})
    assert [Lie().of(one).shoulder for one in (NOBODY, said, unknown)] == [None, PatientSide.RIGHT, None]
