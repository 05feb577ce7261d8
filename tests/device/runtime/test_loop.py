from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from barbotage_device.capture.frame import Frame
from barbotage_device.errors import BarbotageError, SourceError, SourceLostError
from barbotage_device.runtime.budget import Stage
from barbotage_device.runtime.feed import FeedEnded
from barbotage_device.runtime.interpreter import Interpreter
from barbotage_device.runtime.loop import LiveLoop, LoopSettings, Reports
from barbotage_device.runtime.pipeline import Guidance, Pipeline
from barbotage_device.runtime.status import Condition, Status, Summary, status_line, status_record, summary_line, summary_record
from barbotage_models.contract.card import ModelCard

MakeFrame = Callable[..., Frame]
MS = 1_000_000
DEPOSIT = (100, 120)
DARK = np.zeros((256, 256), dtype=np.uint8)
"""The drawn interpreter fails on it."""
TINY = np.zeros((4, 4), dtype=np.uint8)


@dataclass
class Time:
    """A clock that the feed moves: 40 ms a frame, the whole wait when none comes."""

    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns


@dataclass
class ScriptedFeed:
    """Plays a script: a frame, None (nothing came in time), a text (the source is lost for this reason), or an error."""

    script: Iterable[Frame | str | BaseException | None]
    time: Time
    live: bool = True
    dropped: int = 0
    lost: str | None = None
    closed: bool = False
    _play: Iterator[Frame | str | BaseException | None] = field(init=False)

    def __post_init__(self) -> None:
        self._play = iter(self.script)

    def next(self, timeout_s: float) -> Frame | None:
        item = next(self._play, FeedEnded())
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Frame):
            self.lost = None
            self.time.now_ns += 40 * MS
            return replace(item, capture_ns=self.time.now_ns - 3 * MS)
        self.lost = item if isinstance(item, str) else self.lost
        self.time.now_ns += round(timeout_s * 1e9)
        return None

    def close(self) -> None:
        self.closed = True


@dataclass
class Album:
    """A screen that keeps what it was shown."""

    pages: list[tuple[Guidance | None, Condition]] = field(default_factory=list)
    quit_after: int | None = None

    def show(self, guidance: Guidance | None, condition: Condition) -> bool:
        self.pages.append((guidance, condition))
        return len(self.pages) != self.quit_after


@dataclass
class Run:
    summary: Summary
    album: Album
    statuses: list[Status]
    events: list[str]
    feed: ScriptedFeed


Play = Callable[..., Run]


@pytest.fixture
def play(drawn: Interpreter, card: ModelCard) -> Play:
    def run(script: Iterable[Frame | str | BaseException | None], album: Album | None = None, **settings: object) -> Run:
        time = Time(1_000 * MS)
        feed = ScriptedFeed(script, time)
        screen, statuses, events = album or Album(), list[Status](), list[str]()
        reports = Reports(statuses.append, events.append)
        chosen = replace(LoopSettings(), **settings)  # type: ignore[arg-type]
        summary = LiveLoop(feed, Pipeline(drawn, card), reports, chosen, time, screen).run()
        return Run(summary, screen, statuses, events, feed)

    return run


@pytest.fixture
def good(picture: MakeFrame) -> Callable[[int], list[Frame]]:
    return lambda count: [picture(number, DEPOSIT) for number in range(count)]


def test_a_run_ends_with_its_source_and_closes_it(play: Play, good: Callable[[int], list[Frame]]) -> None:
    run = play(good(8))
    assert (run.summary.frames, run.summary.exit_code, run.feed.closed) == (8, 0, True)
    assert len(run.album.pages) == 8
    assert Stage.CAPTURE in run.summary.times


def test_a_run_ends_after_the_frames_asked_for(play: Play, good: Callable[[int], list[Frame]]) -> None:
    assert play(good(8), frames=5).summary.frames == 5


def test_the_operator_ends_the_run(play: Play, good: Callable[[int], list[Frame]]) -> None:
    run = play(good(8), album=Album(quit_after=3))
    assert (run.summary.frames, run.summary.exit_code) == (3, 0)


def test_wrong_frames_in_the_middle_are_counted_reported_once_and_skipped(play: Play, good: Callable[[int], list[Frame]]) -> None:
    frames = good(10)
    for number in (4, 5, 8):
        frames[number] = replace(frames[number], pixels=TINY)
    run = play(frames)
    assert (run.summary.frames, run.summary.bad_frames, run.summary.exit_code) == (7, 3, 0)
    assert [event for event in run.events if "4x4" in event and "skipped" in event] == run.events
    assert len(run.events) == 2, "once for the two in a row, once for the one after good frames"
    last, _ = run.album.pages[-1]
    assert last is not None
    assert len(last.tracks.deposits) == 1


def test_a_failing_network_is_shown_without_guidance_and_recovers(play: Play, good: Callable[[int], list[Frame]]) -> None:
    frames = good(12)
    for number in (6, 7):
        frames[number] = replace(frames[number], pixels=DARK)
    run = play(frames)
    assert (run.summary.model_errors, run.summary.exit_code) == (2, 0)
    assert [event.split(":")[0] for event in run.events] == ["MODEL ERROR", "the model works again"]
    failing = [page for page in run.album.pages if page[1].model_error is not None]
    assert [guidance for guidance, _ in failing] == [None, None]
    assert run.album.pages[-1][1].model_error is None


def test_a_network_that_never_works_ends_as_failed(play: Play, good: Callable[[int], list[Frame]]) -> None:
    run = play([replace(frame, pixels=DARK) for frame in good(4)])
    assert (run.summary.model_errors, run.summary.exit_code) == (4, 1)


def test_a_lost_source_is_told_once_goes_stale_and_comes_back(play: Play, good: Callable[[int], list[Frame]]) -> None:
    frames = good(12)
    run = play([*frames[:6], None, "unplugged", None, None, *frames[6:]])
    assert run.events == ["source lost: unplugged", "the source is back"]
    assert (run.summary.losses, run.summary.frames) == (1, 12)
    waiting = run.album.pages[6:10]
    assert [condition.lost for _, condition in waiting] == [None, "unplugged", "unplugged", "unplugged"]
    ages_ms = [condition.frame_age_ns // MS for _, condition in waiting]
    assert ages_ms == [100, 200, 300, 400]
    assert [guidance is not None and guidance.stale for guidance, _ in waiting] == [False, True, True, True]
    after, condition = run.album.pages[10]
    assert after is not None
    assert not after.stale
    assert condition.lost is None


def test_guidance_is_hidden_while_nothing_comes_even_if_the_source_is_not_known_to_be_lost(
    play: Play, good: Callable[[int], list[Frame]]
) -> None:
    run = play([*good(6), *[None] * 5])
    last, condition = run.album.pages[-1]
    assert last is not None
    assert last.stale
    assert last.tracks.deposits == ()
    assert condition.frame_age_ns >= 500 * MS


@pytest.mark.parametrize(("error", "code"), [(SourceError("broken at 1.2 s"), 1), (SourceLostError("gone for good"), 3)])
def test_an_error_of_the_source_ends_the_run_with_what_was_done(
    play: Play, good: Callable[[int], list[Frame]], error: BarbotageError, code: int
) -> None:
    run = play([*good(4), error])
    assert (run.summary.frames, run.summary.exit_code, run.feed.closed) == (4, code, True)
    assert run.summary.error is error


def test_ctrl_c_ends_cleanly_with_a_summary(play: Play, good: Callable[[int], list[Frame]]) -> None:
    run = play([*good(4), KeyboardInterrupt()])
    assert (run.summary.frames, run.summary.exit_code, run.feed.closed) == (4, 130, True)


def test_no_frame_at_all_is_a_failure(play: Play) -> None:
    assert play([]).summary.exit_code == 1


def test_without_an_operator_the_best_deposit_is_accepted(play: Play, good: Callable[[int], list[Frame]]) -> None:
    assert play(good(10)).album.pages[-1][0].aim.target is None  # type: ignore[union-attr]
    alone = play(good(10), accept_best=True).album.pages[-1][0]
    assert alone is not None
    assert alone.aim.target is not None


def test_the_status_comes_once_a_second_and_names_every_trouble(play: Play, good: Callable[[int], list[Frame]]) -> None:
    frames = good(60)
    frames[3] = replace(frames[3], pixels=TINY)
    run = play([*frames, "unplugged", *[None] * 12])
    assert len(run.statuses) == 3
    assert run.statuses[0].frames_per_s == pytest.approx(24, abs=1.5)
    line = status_line(run.statuses[-1])
    assert "SOURCE LOST: unplugged" in line
    assert "1 unusable" in line
    record = status_record(run.statuses[-1])
    assert (record["source_lost"], record["bad_frames"]) == ("unplugged", 1)


def test_the_summary_says_the_same_in_words_and_json(play: Play, good: Callable[[int], list[Frame]]) -> None:
    summary = play([*good(4), "unplugged", SourceLostError("gone")]).summary
    line, record = summary_line(summary), summary_record(summary)
    assert "4 frames" in line
    assert "source lost 1 time(s)" in line
    assert (record["frames"], record["losses"], record["error"]) == (4, 1, "gone")
    assert record["stages_ms"]["inference"]["count"] == 4
