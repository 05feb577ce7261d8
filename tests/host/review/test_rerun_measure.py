from typing import Any

import pytest

from barbotage_host.review.rerun_measure import Differences

SEEN: dict[str, Any] = {
    "aim": {"certainty": "confirmed", "tip_px": [10.0, 20.0]},
    "needle": {"state": "tracking"},
    "deposits": [{}],
    "target": {"identity": 1},
    "prompts": {"shown": {"kind": "near-bone"}},
}


@pytest.mark.parametrize(
    ("otherwise", "changed"),
    [
        ({}, []),
        ({"aim": {"certainty": "confirmed", "tip_px": [10.001, 20.0]}}, []),
        ({"target": {"identity": 2}}, []),
        ({"aim": {"certainty": "shaft-only", "tip_px": None}}, ["certainty"]),
        ({"needle": {"state": "lost"}}, ["needle"]),
        ({"deposits": []}, ["deposits"]),
        ({"target": None}, ["target"]),
        ({"prompts": {"shown": {"kind": "past-target"}}}, ["prompt"]),
        ({"prompts": {"shown": None}, "deposits": [{}, {}]}, ["deposits", "prompt"]),
    ],
)
def test_only_what_the_operator_acts_on_counts_as_told_otherwise(otherwise: dict[str, Any], changed: list[str]) -> None:
    found = Differences()
    found.add(5, {"guidance": SEEN}, {"guidance": SEEN | otherwise}, None)
    assert sorted(found.changed) == changed
    assert found.frames_changed == ([5] if changed else [])


@pytest.mark.parametrize(
    ("scale", "unit", "apart"),
    [((0.1, 0.2), "mm", 0.5), (None, "px", pytest.approx(3.606, abs=1e-3))],
)
def test_tips_are_apart_in_mm_along_each_direction_or_in_pixels_without_a_scale(
    scale: tuple[float, float] | None, unit: str, apart: object
) -> None:
    found = Differences()
    moved = {**SEEN, "aim": {"certainty": "confirmed", "tip_px": [13.0, 22.0]}}
    found.add(0, {"guidance": SEEN}, {"guidance": moved}, scale)
    told = found.tip_apart()
    assert told is not None
    assert (told["unit"], told["worst"], told["frames"]) == (unit, apart, 1)


def test_no_distance_is_told_where_no_tip_is_known_by_both() -> None:
    found = Differences()
    found.add(0, {"guidance": None}, {"guidance": SEEN}, (0.1, 0.1))
    found.add(1, {"guidance": SEEN}, {"guidance": {**SEEN, "aim": {"certainty": "unknown", "tip_px": None}}}, (0.1, 0.1))
    assert found.tip_apart() is None
