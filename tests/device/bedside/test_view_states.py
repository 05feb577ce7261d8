"""Which state the screen announces: in doubt it shows less, never more."""

from dataclasses import replace

import pytest
from tests.device.bedside.views import a_view, view_in, with_needle

from barbotage_device.bedside.view import BedsideView, DisplayState, ScreenSize, display_state, is_slow
from barbotage_device.errors import InvalidInputError
from barbotage_device.guidance.aim import Certainty
from barbotage_device.perception.tracks import TrackState


@pytest.mark.parametrize("state", list(DisplayState))
def test_each_state_is_reached(state: DisplayState) -> None:
    assert display_state(view_in(state)) is state


@pytest.mark.parametrize(
    ("state", "over"),
    [
        (DisplayState.SOURCE_LOST, DisplayState.STALE),
        (DisplayState.SOURCE_LOST, DisplayState.FROZEN),
        (DisplayState.SOURCE_LOST, DisplayState.MODEL_ERROR),
        (DisplayState.MODEL_ERROR, DisplayState.FROZEN),
        (DisplayState.FROZEN, DisplayState.STALE),
        (DisplayState.STALE, DisplayState.OVERLAY_OFF),
        (DisplayState.STALE, DisplayState.LOST),
        (DisplayState.LOST, DisplayState.SHAFT_ONLY),
        (DisplayState.SEARCHING, DisplayState.SHAFT_ONLY),
    ],
)
def test_the_more_serious_state_wins(state: DisplayState, over: DisplayState) -> None:
    assert display_state(view_in(state, view_in(over))) is state


@pytest.mark.parametrize(
    ("view", "state"),
    [
        (with_needle(a_view(), TrackState.STALE), DisplayState.STALE),
        (replace(a_view(), aim=replace(a_view().aim, certainty=Certainty.UNKNOWN)), DisplayState.SEARCHING),
        (replace(a_view(), aim=replace(a_view().aim, tip=None)), DisplayState.SHAFT_ONLY),
        (replace(a_view(), aim=replace(a_view().aim, entry=None)), DisplayState.SEARCHING),
        (replace(a_view(), aim=replace(a_view().aim, age_ns=150_000_000), frame_age_ns=60_000_000), DisplayState.LOST),
    ],
)
def test_contradictory_or_old_guidance_shows_less(view: BedsideView, state: DisplayState) -> None:
    assert display_state(view) is state


@pytest.mark.parametrize(
    ("frame_ms", "needle_ms", "slow", "state"),
    [
        (100, 0, False, DisplayState.CONFIRMED),
        (101, 0, True, DisplayState.CONFIRMED),
        (60, 41, True, DisplayState.CONFIRMED),
        (200, 0, True, DisplayState.CONFIRMED),
        (201, 0, False, DisplayState.STALE),
    ],
)
def test_guidance_is_slow_above_100_ms_and_hidden_above_200(
    frame_ms: int, needle_ms: int, slow: bool, state: DisplayState
) -> None:
    view = replace(a_view(), frame_age_ns=frame_ms * 1_000_000, aim=replace(a_view().aim, age_ns=needle_ms * 1_000_000))
    assert (is_slow(view), display_state(view)) == (slow, state)


@pytest.mark.parametrize("size", [(639, 480), (800, 399)])
def test_a_screen_too_small_to_read_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInputError, match="640x400"):
        ScreenSize(*size)
