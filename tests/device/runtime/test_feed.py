import threading
from collections.abc import Callable, Iterator

import pytest

from barbotage_device.capture.frame import Delivery, Frame
from barbotage_device.capture.live import LiveSource
from barbotage_device.capture.reopening import SourceChange, SourceEvent
from barbotage_device.errors import SourceLostError
from barbotage_device.runtime.feed import FeedEnded, LiveFeed, ReplayFeed, SourceWatch, feed_of

MakeFrame = Callable[..., Frame]
LONG_S = 20.0
"""Never waited for in full: the tests fail instead of hanging."""


class Gated:
    """A source that hands out a batch of frames each time the test opens the gate."""

    name = "gated"

    def __init__(
        self, batches: list[list[Frame]], end: Exception | None = None, delivery: Delivery = Delivery.NEWEST_ONLY
    ) -> None:
        self.delivery = delivery
        self.gate = threading.Semaphore(0)
        self.delivered = [threading.Event() for _ in batches]
        self.closed = threading.Event()
        self._batches = batches
        self._end = end

    def frames(self) -> Iterator[Frame]:
        for number, batch in enumerate(self._batches):
            if not self.gate.acquire(timeout=LONG_S) or self.closed.is_set():
                return
            yield from batch
            self.delivered[number].set()
        if self._end is not None:
            raise self._end

    def close(self) -> None:
        self.closed.set()
        self.gate.release()


def test_the_newest_frame_wins_and_the_missed_ones_are_counted(picture: MakeFrame) -> None:
    frames = [picture(number) for number in range(7)]
    source = Gated([frames[:5], frames[5:6], frames[6:]])
    feed = LiveFeed(source)
    assert feed.next(0.0) is None, "nothing has come yet"
    source.gate.release()
    assert source.delivered[0].wait(LONG_S)
    newest = feed.next(LONG_S)
    assert newest is not None
    assert newest.sequence == 4
    assert feed.dropped == 4
    source.gate.release()
    following = feed.next(LONG_S)
    assert following is not None
    assert (following.sequence, feed.dropped) == (5, 4)
    feed.close()


def test_frames_that_the_source_itself_dropped_count_as_dropped(picture: MakeFrame) -> None:
    source = Gated([[picture(10)], [picture(14)]])
    feed = LiveFeed(source)
    source.gate.release()
    assert feed.next(LONG_S) is not None
    source.gate.release()
    assert feed.next(LONG_S) is not None
    assert feed.dropped == 3
    feed.close()


@pytest.mark.parametrize(("end", "expected"), [(None, FeedEnded), (SourceLostError("gone"), SourceLostError)])
def test_the_last_frame_comes_before_the_end_or_the_error(
    picture: MakeFrame, end: Exception | None, expected: type[Exception]
) -> None:
    source = Gated([[picture(0)]], end)
    source.gate.release()
    feed = LiveFeed(source)
    assert feed.next(LONG_S) is not None
    with pytest.raises(expected):
        feed.next(LONG_S)
    feed.close()


def test_closing_ends_the_thread_of_a_silent_source() -> None:
    source = Gated([[]])
    feed = LiveFeed(source)
    assert feed.next(0.0) is None
    feed.close()
    assert source.closed.is_set()
    assert not any(thread.name == "capture gated" for thread in threading.enumerate())


def test_the_watch_says_why_nothing_comes_until_it_is_back() -> None:
    watch = SourceWatch()
    feed = LiveFeed(Gated([]), watch)
    told = [feed.lost]
    for change, message in ((SourceChange.LOST, "no picture any more"), (SourceChange.RESTORED, "back")):
        watch.on_event(SourceEvent(change, 1, message))
        told.append(feed.lost)
    assert told == [None, "no picture any more", None]


def test_a_recording_is_read_frame_by_frame_to_its_end(picture: MakeFrame) -> None:
    source = Gated([[picture(0), picture(1)]], delivery=Delivery.EVERY_FRAME)
    source.gate.release()
    feed = feed_of(source)
    assert isinstance(feed, ReplayFeed)
    assert [frame.sequence for frame in (feed.next(0.0), feed.next(0.0)) if frame is not None] == [0, 1]
    with pytest.raises(FeedEnded):
        feed.next(0.0)
    assert (feed.live, feed.dropped, feed.lost) == (False, 0, None)


def test_a_listener_hears_of_every_frame_also_of_those_that_the_loop_misses(picture: MakeFrame) -> None:
    source = Gated([[picture(number) for number in range(5)]])
    heard: list[int] = []
    feed = feed_of(source, listener=lambda frame: heard.append(frame.sequence))
    source.gate.release()
    assert feed.next(0.0) is None or source.delivered[0].wait(LONG_S)
    assert source.delivered[0].wait(LONG_S)
    feed.close()
    assert heard == [0, 1, 2, 3, 4]


def test_a_listener_of_a_recording_hears_of_each_frame_before_the_loop_gets_it(picture: MakeFrame) -> None:
    source = Gated([[picture(0), picture(1)]], delivery=Delivery.EVERY_FRAME)
    source.gate.release()
    heard: list[int] = []
    feed = feed_of(source, listener=lambda frame: heard.append(frame.sequence))
    feed.next(0.0)
    assert heard == [0]
    feed.next(0.0)
    assert heard == [0, 1]


def test_a_live_source_passes_one_thread_only(picture: MakeFrame) -> None:
    source = Gated([[picture(0)]])
    source.gate.release()
    feed = feed_of(LiveSource(source))
    assert feed.next(LONG_S) is not None
    assert sum("gated" in thread.name for thread in threading.enumerate()) <= 1
    feed.close()


def test_live_sources_get_a_live_feed() -> None:
    assert feed_of(Gated([])).live
