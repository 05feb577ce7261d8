"""The summary says what a list of sessions shows, from the events alone."""

from typing import Any

import pytest

from barbotage_device.session.events import Chain, Event
from barbotage_device.session.manifest import DepositSize
from barbotage_device.session.summary import summarise


def events(*told: tuple[str, dict[str, Any]]) -> list[Event]:
    chain = Chain("S")
    return [chain.add(kind, index, "device", value) for index, (kind, value) in enumerate(told)]


def phase(name: str) -> tuple[str, dict[str, Any]]:
    return "phase", {"from": None, "to": name}


@pytest.mark.parametrize(
    ("told", "reached"),
    [
        ([], None),
        ([phase("scan")], "scan"),
        ([phase("scan"), phase("advance"), phase("lavage")], "lavage"),
        ([phase("lavage"), phase("advance")], "lavage"),
        ([phase("advance"), phase("abort")], "advance"),
        ([phase("abort")], None),
        ([phase("post-scan"), phase("unheard-of")], "post-scan"),
        ([phase("close")], "close"),
    ],
)
def test_the_phase_is_the_furthest_entered(told: list[tuple[str, dict[str, Any]]], reached: str | None) -> None:
    assert summarise(events(*told), 0, 0).phase_reached == reached


def test_sizes_are_the_last_measured_before_and_after() -> None:
    def measured(when: str, longest: float | None) -> tuple[str, dict[str, Any]]:
        return "measurement", {
            "when": when,
            "plane": None,
            "longest_mm": longest,
            "perpendicular_mm": 3,
            "area_mm2": None,
            "shadow": "clear",
        }

    found = summarise(events(measured("before", 9.0), measured("before", 10.5), measured("after", None)), 0, 0)
    assert found.deposit_before == DepositSize(10.5, 3.0, None)
    assert found.deposit_after == DepositSize(None, 3.0, None)
    assert summarise([], 0, 0).deposit_before is None


def test_prompts_that_were_shown_are_counted_by_kind() -> None:
    told = [
        ("prompt", {"kind": kind, "priority": "low", "shown": shown})
        for kind, shown in (("stale", True), ("near-bone", True), ("stale", True), ("stale", False))
    ]
    found = summarise(events(*told, ("patient-event", {}), ("bookmark", {})), 42, 12_345_678_901)
    assert found.prompts == {"near-bone": 1, "stale": 2}
    assert (found.patient_events, found.frames, found.duration_s) == (1, 42, 12.346)
