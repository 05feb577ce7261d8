"""Which readings are a trouble, and when it is over."""

from dataclasses import replace

import pytest

from barbotage_device.bedside.texts import Language, texts_in
from barbotage_device.runtime.board_watch import FEWEST_FRAMES, LOOKS, BoardState, BoardWatch, Counts, Trouble
from barbotage_device.runtime.health import HOT_CELSIUS, LOW_DISK_MB, Health

WELL = Health(200.0, 250.0, 55.0, False, 20_000.0, False)
NONE = Counts(0, 0, 0)


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (WELL, ()),
        (Health(None, 250.0, None, None, None), ()),
        (replace(WELL, cpu_celsius=HOT_CELSIUS), (Trouble.HOT,)),
        (replace(WELL, weak_supply=True, throttled=True), (Trouble.SUPPLY,)),
        (replace(WELL, throttled=True), (Trouble.SLOWED,)),
        (replace(WELL, throttled=True, cpu_celsius=84.0), (Trouble.HOT,)),
        (replace(WELL, disk_free_mb=LOW_DISK_MB - 1), (Trouble.DISK,)),
        (replace(WELL, disk_free_mb=1.0, weak_supply=True, cpu_celsius=90.0), (Trouble.SUPPLY, Trouble.HOT, Trouble.DISK)),
    ],
)
def test_each_reading_has_its_troubles_the_most_serious_first(health: Health, expected: tuple[Trouble, ...]) -> None:
    assert BoardWatch().update(health, NONE).troubles == expected


def test_heat_ends_a_little_below_where_it_began() -> None:
    watch = BoardWatch()
    readings = [replace(WELL, cpu_celsius=celsius) for celsius in (79.0, 80.5, 79.0, 77.5, 76.5, 79.0)]
    found = [watch.update(health, NONE).troubles == (Trouble.HOT,) for health in readings]
    assert found == [False, True, True, True, False, False]


def seen(*counts: Counts) -> list[bool]:
    watch = BoardWatch()
    return [Trouble.DROPS in watch.update(WELL, each).troubles for each in counts]


def test_frames_that_were_not_recorded_are_told_for_ten_seconds() -> None:
    rows = [Counts(n * 25, 0, 0 if n < 3 else 2) for n in range(20)]
    assert seen(*rows) == [n in range(3, 3 + LOOKS) for n in range(20)]


@pytest.mark.parametrize(("lost_a_second", "expected"), [(0, False), (4, False), (7, True), (25, True)])
def test_many_frames_not_processed_are_a_trouble_and_a_few_are_not(lost_a_second: int, expected: bool) -> None:
    rows = [Counts(n * 20, n * lost_a_second, 0) for n in range(LOOKS)]
    assert seen(*rows)[-1] is expected


def test_a_share_of_hardly_any_frames_is_no_trouble() -> None:
    assert seen(NONE, Counts(FEWEST_FRAMES // 2 - 1, FEWEST_FRAMES // 2, 0)) == [False, False]
    assert seen(NONE, Counts(FEWEST_FRAMES // 2, FEWEST_FRAMES // 2, 0)) == [False, True]


@pytest.mark.parametrize("language", list(Language))
def test_every_trouble_has_words_and_figures_in_both_languages(language: Language) -> None:
    state = BoardState(tuple(Trouble), replace(WELL, cpu_celsius=81.6, disk_free_mb=420.4))
    words = [texts_in(language).said(said) for said in state.said]
    assert len(set(words)) == len(Trouble)
    assert not any(word.startswith("board-") or "{" in word for word in words)
    assert "82" in words[list(Trouble).index(Trouble.HOT)]
    assert "420" in words[list(Trouble).index(Trouble.DISK)]
